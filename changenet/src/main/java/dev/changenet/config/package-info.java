/**
 * The experiment spec: a closed tree of settings read from YAML or JSON, changed by command-line
 * overrides, checked before any work starts and handed on as immutable records.
 *
 * <p>{@link dev.changenet.config.SpecTable} is the one place that names keys, types, defaults and
 * ranges; everything else (reading, checking, suggestions, help, documentation) is derived from it.
 * {@link dev.changenet.config.ExperimentSpec#load} is the entry point.
 */
package dev.changenet.config;
