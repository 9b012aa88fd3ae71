/** Training, evaluation, inference and export runs. */
package dev.changenet.train;
