/**
 * 8-bit pictures and masks: reading, writing and the pixel operations of the input pipeline.
 *
 * <p>All operations work on whole bytes and repeat Pillow's arithmetic bit for bit, because the
 * reference models were trained on pictures that went through Pillow.
 */
package dev.changenet.image;
