/**
 * What a network, a training step or a weight file consists of: parameters, arithmetic, memory and
 * time per module, statistics and differences of weights.
 */
package dev.changenet.inspect;
