/** Modules and layers with PyTorch's names; their parameters carry PyTorch's state-dict names. */
package dev.changenet.nn;
