package dev.changenet.cli;

import dev.changenet.config.Spelling;
import dev.changenet.config.Task;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The four tasks by name, as values of an option. */
final class TaskNames implements Iterable<String>, ITypeConverter<Task> {
  @Override
  public Iterator<String> iterator() {
    return keys().iterator();
  }

  private static List<String> keys() {
    return Arrays.stream(Task.values()).map(Task::key).toList();
  }

  @Override
  public Task convert(String name) {
    for (Task task : Task.values()) {
      if (task.key().equals(name.toLowerCase(Locale.ROOT))) {
        return task;
      }
    }
    List<String> near = Spelling.nearest(name.toLowerCase(Locale.ROOT), keys(), 2);
    throw new TypeConversionException(
        "'"
            + name
            + "' is no task; expected "
            + String.join(", ", keys())
            + (near.isEmpty() ? "" : "; did you mean '" + String.join("' or '", near) + "'?"));
  }
}
