/** Scores of predicted class maps against true ones. */
package dev.changenet.metrics;
