/** Optimizers and learning-rate schedules; their state dictionaries are PyTorch's. */
package dev.changenet.nn.optim;
