/** Files and folders: what all modules need to read and write them, and words for what fails. */
package dev.changenet.tensor.io;
