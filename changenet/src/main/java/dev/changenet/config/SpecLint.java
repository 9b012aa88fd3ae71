package dev.changenet.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** A spec checked for a task without running it: its errors, or its settings with their origin. */
public final class SpecLint {
  private static final int MAX_VALUE = 44;

  private final Task task;
  private final String file;
  private final SpecException failure;
  private final List<String> warnings;
  private final String resultsDir;
  private final List<Setting> settings;

  /**
   * One setting.
   *
   * @param key full dotted key
   * @param value as the task sees it, interpolations replaced
   * @param written the text with interpolations, where there are some
   * @param location where it was given
   * @param given false for a default
   * @param read whether the task reads the key
   */
  record Setting(
      String key,
      Object value,
      Optional<String> written,
      Location location,
      boolean given,
      boolean read) {

    String origin() {
      if (!given) {
        return "default";
      }
      return location.isOverride() ? "override" : "line " + location.line();
    }
  }

  private SpecLint(Task task, String file, SpecException failure, SpecLoader.Loaded loaded) {
    this.task = task;
    this.file = file;
    this.failure = failure;
    this.warnings = loaded == null ? List.of() : loaded.spec().warnings();
    this.resultsDir = loaded == null ? "" : loaded.spec().resultsDir().toString();
    this.settings = loaded == null ? List.of() : settings(task, loaded);
  }

  /**
   * Checks a spec as a run of the task would.
   *
   * @param checkFiles whether the files and folders that it names must be there
   * @param environment of the process
   */
  public static SpecLint of(
      Path file,
      List<String> overrides,
      Task task,
      boolean checkFiles,
      Map<String, String> environment) {
    SpecLoader loader =
        new SpecLoader(task)
            .environment(environment)
            .gpus(GpuSupport.ofThisMachine())
            .quietAboutGpus()
            .checkFiles(checkFiles);
    return of(file, loader, () -> SpecReader.read(file), overrides);
  }

  static SpecLint of(
      Path file,
      SpecLoader loader,
      Supplier<SpecReader.Document> document,
      List<String> overrides) {
    try {
      SpecLoader.Loaded loaded = loader.read(file, document.get(), overrides);
      return new SpecLint(loader.task(), file.toString(), null, loaded);
    } catch (SpecException e) {
      return new SpecLint(loader.task(), file.toString(), e, null);
    }
  }

  private static List<Setting> settings(Task task, SpecLoader.Loaded loaded) {
    List<Setting> all = new ArrayList<>();
    for (SpecKey key : SpecSchema.get().keys()) {
      SpecTree.Setting setting = loaded.tree().setting(key.path());
      boolean read = key.readBy().contains(task);
      if (read || setting.given()) {
        Object value = resolved(loaded.reading(), key.path(), setting.value());
        boolean inserted = !value(key.path(), setting.value()).equals(value(key.path(), value));
        all.add(
            new Setting(
                key.path(),
                Secrets.isSecret(key.path()) && value != null ? Secrets.MASK : value,
                inserted ? Optional.of(value(key.path(), setting.value())) : Optional.empty(),
                setting.location(),
                setting.given(),
                read));
      }
    }
    return all;
  }

  /** What no run reads need not be resolvable. */
  private static Object resolved(SpecReading reading, String key, Object written) {
    try {
      return reading.resolver().resolve(key);
    } catch (SpecException e) {
      return written;
    }
  }

  private static String value(String key, Object value) {
    return Secrets.isSecret(key) && value != null ? Secrets.MASK : SpecWriter.flow(value);
  }

  /** Returns true if a run would start. */
  public boolean isValid() {
    return failure == null;
  }

  /** Returns every error with its line of the file, or an empty text. */
  public String errors() {
    if (failure == null) {
      return "";
    }
    int count = failure.errors().size();
    return failure.details(Integer.MAX_VALUE)
        + "%d %s: %s can't be used for %s\n"
            .formatted(count, count == 1 ? "error" : "errors", file, task.key());
  }

  /** Returns one line for each setting that changes nothing, and for other doubts. */
  public List<String> warnings() {
    return warnings;
  }

  /**
   * Returns a table of settings: key, value, origin.
   *
   * @param all with defaults; without, only what file and overrides give
   */
  public String table(boolean all) {
    List<Setting> shown = shown(all);
    int keyWidth = shown.stream().mapToInt(s -> s.key().length()).max().orElse(0);
    int valueWidth =
        shown.stream()
            .mapToInt(s -> value(s.key(), s.value()).length())
            .filter(length -> length <= MAX_VALUE)
            .max()
            .orElse(0);
    StringBuilder text = new StringBuilder();
    for (Setting s : shown) {
      text.append(
          "%-{key}s  %-{value}s  %s%s%s\n"
              .replace("{key}", String.valueOf(Math.max(1, keyWidth)))
              .replace("{value}", String.valueOf(Math.max(1, valueWidth)))
              .formatted(
                  s.key(),
                  value(s.key(), s.value()),
                  s.origin(),
                  s.written().map(w -> ", from " + w).orElse(""),
                  s.read() ? "" : ", not read by " + task.key()));
    }
    return text + summary();
  }

  private List<Setting> shown(boolean all) {
    return settings.stream().filter(s -> all || s.given()).toList();
  }

  private String summary() {
    long overrides = settings.stream().filter(s -> s.given() && s.location().isOverride()).count();
    long given = settings.stream().filter(Setting::given).count();
    long defaults = settings.size() - given;
    return "\n%s is valid for %s: %d settings from the file, %d from overrides, %d defaults.\n"
            .formatted(file, task.key(), given - overrides, overrides, defaults)
        + "Results go to "
        + resultsDir
        + "\n";
  }

  /**
   * Returns all of it as JSON.
   *
   * @param all with defaults; without, only what file and overrides give
   */
  public String json(boolean all) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("file", file);
    root.put("task", task.key());
    root.put("valid", isValid());
    root.put("errors", failure == null ? List.of() : errorList());
    root.put("warnings", warnings);
    if (isValid()) {
      root.put("results_dir", resultsDir);
      Map<String, Object> values = new LinkedHashMap<>();
      shown(all).forEach(s -> values.put(s.key(), json(s)));
      root.put("settings", values);
    }
    return JsonText.of(root);
  }

  private List<Map<String, Object>> errorList() {
    List<Map<String, Object>> list = new ArrayList<>();
    for (SpecError error : failure.errors()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("class", error.errorClass().name().toLowerCase(Locale.ROOT));
      one.put("key", error.key());
      place(one, error.location());
      one.put("message", error.text());
      one.put("nearest", error.nearest());
      list.add(one);
    }
    return list;
  }

  private static Map<String, Object> json(Setting s) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("value", s.value());
    s.written().ifPresent(w -> one.put("written", w));
    one.put("origin", s.given() ? s.location().isOverride() ? "override" : "file" : "default");
    if (s.given()) {
      place(one, s.location());
    }
    one.put("read", s.read());
    return one;
  }

  private static void place(Map<String, Object> entry, Location location) {
    if (location.isOverride()) {
      entry.put("override", Secrets.maskArgument(location.override()));
    } else if (location.line() > 0) {
      entry.put("line", location.line());
      entry.put("column", location.column());
    }
  }
}
