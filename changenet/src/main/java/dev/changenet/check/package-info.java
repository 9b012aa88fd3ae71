/**
 * The data doctor: looks through the files of a data set and says what is wrong with it, why, and
 * what to do. {@link dev.changenet.check.DataDoctor} runs one small examiner per kind of fault.
 */
package dev.changenet.check;
