/** The decode head that compares the maps of two images. */
package dev.changenet.decoder;
