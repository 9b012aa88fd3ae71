/**
 * Timings of kernels and of whole training and inference steps against the machine's measured peak.
 */
package dev.changenet.benchmark;
