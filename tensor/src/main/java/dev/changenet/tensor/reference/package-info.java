/**
 * Plain loops with double accumulation: the specification of every kernel, the fallback for
 * float64, and the oracle of the tests.
 */
package dev.changenet.tensor.reference;
