package dev.changenet.check;

/** Is told how far an examination is, on the calling thread. */
@FunctionalInterface
public interface Progress {
  /**
   * @param what what is being done
   * @param done of {@code total}
   */
  void tell(String what, long done, long total);

  /** Tells nobody. */
  Progress SILENT = (what, done, total) -> {};
}
