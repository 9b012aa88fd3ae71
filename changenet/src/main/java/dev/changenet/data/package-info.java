/**
 * Data sets of aligned picture pairs: folders and split lists, samples, augmentation, batches.
 *
 * <p>The life of a sample: {@link dev.changenet.data.SplitList} names it, {@link
 * dev.changenet.data.ChangeDataset} reads it and brings it to one size, {@link
 * dev.changenet.data.Augmentation} varies it (training only), {@link dev.changenet.data.DataLoader}
 * normalises it and puts it into a {@link dev.changenet.data.Batch}.
 */
package dev.changenet.data;
