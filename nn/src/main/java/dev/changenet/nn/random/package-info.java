/** Counter-based random streams: the only source of randomness in the project. */
package dev.changenet.nn.random;
