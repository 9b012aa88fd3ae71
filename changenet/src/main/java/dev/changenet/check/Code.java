package dev.changenet.check;

import java.util.Locale;

/** What a finding is about; findings are shown in this order. */
public enum Code {
  /** A folder of the data set does not exist. */
  FOLDER_MISSING,
  /** Two of the folders are one and the same. */
  SAME_FOLDER,
  /** A split has no list. */
  LIST_MISSING,
  /** A list is empty, not UTF-8, or an entry leads out of the folders. */
  LIST_UNUSABLE,
  /** A split has a .txt and a .csv list. */
  LIST_AMBIGUOUS,
  /** A list names a file twice. */
  DUPLICATE_NAME,
  /** Two of train, val and test name the same file. */
  SPLIT_OVERLAP,
  /** The training split is smaller than a batch. */
  BATCH_TOO_LARGE,
  /** A file that a list names does not exist. */
  FILE_MISSING,
  /** A file exists under another suffix or case. */
  FILE_NAME_DIFFERS,
  /** A file that no list names. */
  FILE_EXTRA,
  /** A file has 0 bytes. */
  FILE_EMPTY,
  /** A file is no picture that can be read. */
  FILE_UNREADABLE,
  /** A picture is cut short or damaged. */
  FILE_DAMAGED,
  /** A file's suffix is not that of its format. */
  FORMAT_SUFFIX,
  /** A and B of a pair have different sizes. */
  PAIR_SIZE,
  /** A mask has another size than its pictures. */
  MASK_SIZE,
  /** Pictures are squeezed to a square. */
  NOT_SQUARE,
  /** Pictures of more than 8 bits lose their low bits. */
  PICTURE_DEPTH,
  /** A picture has a single colour. */
  PICTURE_BLANK,
  /** A and B are the same though the mask shows change. */
  PAIR_IDENTICAL,
  /** A mask has several channels. */
  MASK_CHANNELS,
  /** A mask holds values above 255, or several channels of 16 bits. */
  MASK_DEPTH,
  /** A mask is a JPEG file. */
  MASK_LOSSY,
  /** Masks are palette pictures. */
  MASK_PALETTE,
  /** A mask value is no class. */
  MASK_VALUES,
  /** Label_transform norm turns every change into class 0. */
  MASKS_LOST,
  /** The changed pixels of all masks are ignored. */
  MASKS_IGNORED,
  /** Masks are encoded in different ways. */
  MASK_MIXED,
  /** Mask values between 0 and 255 count as unchanged. */
  MASK_BETWEEN,
  /** Every pixel of a mask is ignored. */
  MASK_ALL_IGNORED,
  /** No pixel is unchanged. */
  CLASS_ZERO_EMPTY,
  /** No pixel of a split is changed. */
  NO_CHANGE,
  /** A class has no pixel in a split. */
  CLASS_EMPTY,
  /** A class has very few pixels. */
  CLASS_RARE,
  /** Most pixels are changed. */
  CHANGE_DOMINANT,
  /** One picture stands in two splits under different names. */
  LEAK,
  /** Nearly the same picture stands in two splits. */
  LEAK_NEAR,
  /** One pair stands twice in a split under different names. */
  DUPLICATE_PAIR,
  /** B is shifted against A. */
  SHIFT;

  /** Returns the code as shown and as written to JSON, such as {@code file-missing}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
