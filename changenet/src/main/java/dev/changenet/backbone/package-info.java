/** Feature extractors: from an image to four maps, finest first. */
package dev.changenet.backbone;
