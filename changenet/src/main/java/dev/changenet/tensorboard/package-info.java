/** TensorBoard event files: records, and the messages in them. */
package dev.changenet.tensorboard;
