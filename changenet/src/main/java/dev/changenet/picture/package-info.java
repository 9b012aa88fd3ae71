/** The pictures that evaluation and inference write: predictions and side-by-side comparisons. */
package dev.changenet.picture;
