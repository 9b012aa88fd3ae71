/** The whole network, its loss and its checkpoints. */
package dev.changenet.model;
