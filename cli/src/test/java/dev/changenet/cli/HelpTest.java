package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.config.SpecReference;
import dev.changenet.config.Task;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HelpTest {
  private static final Pattern KEY_ROW = Pattern.compile("(?m)^  ([a-z_.]+)  +[a-z]");

  @ParameterizedTest
  @EnumSource(Task.class)
  void aTasksHelpTeaches(Task task) {
    CommandRun run = CommandRun.of(task.key(), "--help");

    assertThat(run.code()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .startsWith("Usage: changenet " + task.key())
        .contains("-e, --experiment_spec_file=SPEC", "Examples:", "Most important keys")
        .contains("  changenet " + task.key() + " -e spec.yaml");
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void saysWhetherTheSpecIsMandatory(Task task) {
    String help = CommandRun.of(task.key(), "--help").out();
    String spec = help.substring(help.indexOf("-e, "), help.indexOf("      --keys "));
    if (task == Task.INFERENCE) {
      assertThat(spec).contains("default: experiment.yaml").doesNotContain("Mandatory");
    } else {
      assertThat(spec).contains("Mandatory.");
    }
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void theKeysInAHelpExist(Task task) {
    String help = CommandRun.of(task.key(), "-h").out();
    String rows = help.substring(help.indexOf("Most important keys"));
    Matcher row = KEY_ROW.matcher(rows);
    int found = 0;
    while (row.find()) {
      assertThat(SpecReference.help(task)).contains("  " + row.group(1) + " (");
      found++;
    }
    assertThat(found).isGreaterThanOrEqualTo(5);
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void listsAllKeys(Task task) {
    CommandRun run = CommandRun.of(task.key(), "--keys");

    assertThat(run.code()).isZero();
    assertThat(run.out()).isEqualTo(SpecReference.help(task)).contains("results_dir (");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train -h",
        "train --help",
        "train -h -k",
        "train --help -e",
        "train --threads x -h",
        "train -e no.yaml trian.seed=1 --help",
        "model visual_changenet train -h",
      })
  void helpWins(String commandLine) {
    CommandRun run = CommandRun.of(commandLine.split(" "));

    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("Usage: ").contains("Train a network");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void theFirstHelpShowsTasksAndFirstSteps() {
    CommandRun run = CommandRun.of("--help");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("train", "evaluate", "inference", "export", "quickstart", "generate")
        .contains("First steps:", "changenet quickstart");
  }

  @Test
  void examplesUseTheNameThatWasTyped() {
    assertThat(CommandRun.of("model", "visual_changenet", "train", "--help").out())
        .startsWith("Usage: changenet model visual_changenet train ")
        .contains("  changenet model visual_changenet train -e spec.yaml");
    assertThat(CommandRun.of("visual_changenet", "--help").out())
        .contains("Usage: changenet visual_changenet ", "inference")
        .doesNotContain("quickstart");
  }

  @Test
  void linesFitATerminal() {
    List<String[]> commands =
        List.of(
            new String[] {"--help"},
            new String[] {"train", "-h"},
            new String[] {"evaluate", "-h"},
            new String[] {"inference", "-h"},
            new String[] {"export", "-h"},
            new String[] {"config", "-h"},
            new String[] {"get-spec", "-h"},
            new String[] {"generate", "-h"},
            new String[] {"quickstart", "-h"},
            new String[] {"inspect", "-h"});
    for (String[] command : commands) {
      assertThat(CommandRun.of(command).out().lines()).allMatch(line -> line.length() <= 100);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"--version", "train --version"})
  void tellsTheVersion(String commandLine) {
    CommandRun run = CommandRun.of(commandLine.split(" "));

    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("changenet ").contains("Java ");
  }

  @Test
  void printsACompletionScript() {
    CommandRun run = CommandRun.of("completion");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("complete -F _complete_changenet");
  }
}
