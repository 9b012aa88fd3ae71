package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The forms in which spec and overrides can be given. The spec lacks the data folder, so a command
 * line was understood when the failure names that key and is recorded below the results folder that
 * the command line gave.
 */
class ArgumentFormsTest {
  @TempDir Path folder;

  private CommandRun run(String commandLine) throws Exception {
    Path spec = Files.writeString(folder.resolve("spec.yaml"), "train: {num_epochs: 3}\n");
    return CommandRun.of(
        commandLine
            .replace("SPEC", spec.toString())
            .replace("OUT", folder.resolve("out").toString())
            .split(" "));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train -e SPEC results_dir=OUT",
        "train results_dir=OUT -e SPEC",
        "train task=segment results_dir=OUT -e SPEC train.num_epochs=4",
        "train -e=SPEC results_dir=OUT",
        "train -eSPEC results_dir=OUT",
        "train --experiment_spec_file SPEC results_dir=OUT",
        "train --experiment_spec_file=SPEC results_dir=OUT",
        "train --experiment_spec SPEC results_dir=OUT",
        "train --experiment_spec=SPEC results_dir=OUT",
        "train --exp SPEC results_dir=OUT",
        "train results_dir=OUT --experiment SPEC",
        "model visual_changenet train -e SPEC results_dir=OUT",
        "visual_changenet train -e SPEC results_dir=OUT",
        "visual_changenet train results_dir=OUT --experiment_spec SPEC",
        "train -e SPEC --threads 1 results_dir=OUT",
        "train -e SPEC --threads=1 results_dir=OUT",
        "train -e SPEC results_dir=elsewhere results_dir=OUT",
        "train -e SPEC results_dir='OUT'",
        "train -e SPEC ++results_dir=OUT",
        "train -e SPEC -r OUT",
        "train -r OUT -e SPEC",
        "train --results_dir OUT -e SPEC",
        "train -r elsewhere -e SPEC results_dir=OUT",
        "train -e SPEC -k tlt_encode -g 1 results_dir=OUT",
        "train -e SPEC --key it's\\ results_dir=OUT",
        "train -e SPEC dataset.segment.batch_size=2 train.gpu_ids=[0] results_dir=OUT",
        "train -e SPEC -- results_dir=OUT",
      })
  void specAndOverridesAreFound(String commandLine) throws Exception {
    CommandRun run = run(commandLine);

    assertThat(run.err()).contains("Missing mandatory value: dataset.segment.root_dir");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.lastLine()).isEqualTo("Execution status: FAIL");
    assertThat(folder.resolve("out/train/status.json"))
        .content()
        .contains("\"status\": \"FAILURE\"")
        .contains("Configuration error: ")
        .hasLineCount(1);
  }

  @Test
  void everyTaskIsUnderstood() throws Exception {
    for (String task : new String[] {"evaluate", "inference", "export"}) {
      assertThat(run(task + " -e SPEC results_dir=OUT").err())
          .contains("Missing mandatory value: " + task + ".checkpoint");
    }
  }

  @Test
  void oldOptionsAreAnnouncedAsDeprecated() throws Exception {
    CommandRun run = run("train -e SPEC -k secret -r OUT -g 1");

    assertThat(run.err())
        .contains("WARNING: -k/--key is deprecated; write encryption_key=KEY")
        .contains("WARNING: -r/--results_dir is deprecated; write results_dir=")
        .contains("WARNING: -g/--gpus is deprecated; write train.num_gpus=1")
        .doesNotContain("secret");
    assertThat(run("export -e SPEC -g 2").err()).contains("deprecated and ignored");
  }

  @Test
  void anExplicitSettingWinsOverAnOldOption() throws Exception {
    assertThat(run("train -e SPEC -g 5 train.num_gpus=1 results_dir=OUT").err())
        .doesNotContain("5 GPUs");
    assertThat(run("train -e SPEC -g 5 results_dir=OUT").err()).contains("5 GPUs");
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "it's", "a b,c", "back\\slash", "end\\", "\\'\\\\", "{x}=[y]"})
  void anOldOptionsTextArrivesUnchanged(String text) throws Exception {
    Path spec = Files.writeString(folder.resolve("spec.yaml"), "");
    Path out = folder.resolve(text).resolve("x");
    CommandRun.of("train", "-e", spec.toString(), "-r", out.toString());

    assertThat(out.resolve("train").resolve("status.json")).exists();
  }
}
