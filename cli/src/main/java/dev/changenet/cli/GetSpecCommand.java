package dev.changenet.cli;

import dev.changenet.config.SpecJsonSchema;
import dev.changenet.config.SpecTemplate;
import dev.changenet.config.Task;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code get-spec}: defaults, a spec to start from, a schema. */
@Command(
    name = "get-spec",
    mixinStandardHelpOptions = true,
    versionProvider = Program.Version.class,
    sortOptions = false,
    description = {
      "Print the default spec of a task as JSON, as TAO's client does.",
      "",
      "--yaml gives a commented spec to start from, --schema a JSON Schema with which editors"
          + " complete and check specs while you type."
    },
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Examples:",
      "  changenet get-spec --action train",
      "  changenet get-spec --action train --yaml > spec.yaml",
      "  changenet get-spec --action train --schema > train.schema.json",
      "",
      "For a check while you type, put this into the first line of a spec (editors with the YAML",
      "language server):",
      "  # yaml-language-server: $schema=train.schema.json"
    })
final class GetSpecCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(
      names = {"--action", "--task"},
      paramLabel = "TASK",
      required = true,
      converter = TaskNames.class,
      completionCandidates = TaskNames.class,
      description = "One of ${COMPLETION-CANDIDATES}. Mandatory.")
  private Task task;

  @ArgGroup private Form form = new Form();

  /** At most one of them. */
  static final class Form {
    @Option(
        names = "--yaml",
        description = "Every key that the task reads, with comment and default, as YAML.")
    private boolean yaml;

    @Option(names = "--schema", description = "A JSON Schema (draft 2020-12).")
    private boolean schema;
  }

  GetSpecCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    terminal
        .out()
        .print(
            form.yaml
                ? SpecTemplate.yaml(task)
                : form.schema ? SpecJsonSchema.of(task) : SpecTemplate.json(task));
    return ExitCode.OK;
  }
}
