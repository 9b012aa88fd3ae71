/** Initial values of parameters. */
package dev.changenet.nn.init;
