package dev.changenet.check;

import java.util.function.Consumer;

/** Looks for one kind of fault. */
interface Examiner {
  void examine(DataSet data, Consumer<Finding> found);
}
