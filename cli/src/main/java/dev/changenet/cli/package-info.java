/** The command line: parsing and printing only; everything else is done by the toolkit. */
package dev.changenet.cli;
