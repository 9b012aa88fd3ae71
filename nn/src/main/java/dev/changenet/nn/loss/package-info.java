/** Training losses. */
package dev.changenet.nn.loss;
