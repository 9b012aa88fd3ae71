package dev.changenet.check;

import java.util.Locale;

/** What a finding is about; findings are shown in this order. */
public enum Code {
  FOLDER_MISSING("a folder of the data set does not exist"),
  SAME_FOLDER("two of the folders are one and the same"),
  LIST_MISSING("a split has no list"),
  LIST_UNUSABLE("a list is empty, not UTF-8, or an entry leads out of the folders"),
  LIST_AMBIGUOUS("a split has a .txt and a .csv list"),
  DUPLICATE_NAME("a list names a file twice"),
  SPLIT_OVERLAP("two of train, val and test name the same file"),
  BATCH_TOO_LARGE("the training split is smaller than a batch"),
  FILE_MISSING("a file that a list names does not exist"),
  FILE_NAME_DIFFERS("a file exists under another suffix or case"),
  FILE_EXTRA("a file that no list names"),
  FILE_EMPTY("a file has 0 bytes"),
  FILE_UNREADABLE("a file is no picture that can be read"),
  FILE_DAMAGED("a picture is cut short or damaged"),
  FORMAT_SUFFIX("a file's suffix is not that of its format"),
  PAIR_SIZE("A and B of a pair have different sizes"),
  MASK_SIZE("a mask has another size than its pictures"),
  NOT_SQUARE("pictures are squeezed to a square"),
  PICTURE_DEPTH("pictures of more than 8 bits lose their low bits"),
  PICTURE_BLANK("a picture has a single colour"),
  PAIR_IDENTICAL("A and B are the same though the mask shows change"),
  MASK_CHANNELS("a mask has several channels"),
  MASK_DEPTH("a mask holds values above 255"),
  MASK_LOSSY("a mask is a JPEG file"),
  MASK_PALETTE("masks are palette pictures"),
  MASK_VALUES("a mask value is no class"),
  MASKS_LOST("label_transform norm turns every change into class 0"),
  MASKS_IGNORED("the changed pixels of all masks are ignored"),
  MASK_MIXED("masks are encoded in different ways"),
  MASK_BETWEEN("mask values between 0 and 255 count as unchanged"),
  MASK_ALL_IGNORED("every pixel of a mask is ignored"),
  CLASS_ZERO_EMPTY("no pixel is unchanged"),
  NO_CHANGE("no pixel of a split is changed"),
  CLASS_EMPTY("a class has no pixel in a split"),
  CLASS_RARE("a class has very few pixels"),
  CHANGE_DOMINANT("most pixels are changed"),
  LEAK("one picture stands in two splits under different names"),
  LEAK_NEAR("nearly the same picture stands in two splits"),
  DUPLICATE_PAIR("one pair stands twice in a split under different names"),
  SHIFT("B is shifted against A");

  private final String meaning;

  Code(String meaning) {
    this.meaning = meaning;
  }

  /** Returns the code as shown and as written to JSON, such as {@code file-missing}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Returns what it means, in a few words. */
  public String meaning() {
    return meaning;
  }
}
