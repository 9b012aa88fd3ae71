/**
 * The report of a run: one HTML file that needs nothing else, and the same numbers as JSON.
 *
 * <p>{@link dev.changenet.report.Evaluation} collects what pages show of predictions, {@link
 * dev.changenet.report.History} what they show of a training; nothing here runs a network.
 */
package dev.changenet.report;
