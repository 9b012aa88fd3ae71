/** The differentiable operations, one file each: forward, what is saved, backward. */
package dev.changenet.autograd.function;
