package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong command lines, specs and data: what the user reads, and that nothing is left behind. */
class BadCommandTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  @BeforeAll
  static void drawData() throws IOException {
    Path data = shared.resolve("data");
    SceneGenerator.generate(data, new GeneratorSettings(3, 32, 2, 1, 1, 2));
    Files.writeString(
        shared.resolve("spec.yaml"),
        """
        results_dir: RESULTS
        model:
          backbone: {type: fan_tiny_8_p4_hybrid}
          decode_head: {decoder_params: {embed_dim: 8}}
        dataset:
          segment: {root_dir: DATA, img_size: 32, batch_size: 2, workers: 0}
        train: {num_epochs: 1}
        """
            .replace("DATA", data.toString()));
    Files.writeString(shared.resolve("tabs.yaml"), "train:\n\tnum_epochs: 3\n");
    Files.writeString(shared.resolve("list.yaml"), "- train\n");
    Files.writeString(shared.resolve("twice.yaml"), "train: {seed: 1, seed: 2}\n");
    Files.write(shared.resolve("latin.yaml"), new byte[] {'#', (byte) 0xe4, '\n'});
    Files.writeString(shared.resolve("a=b.yaml"), "");
    Files.writeString(shared.resolve("text.pth"), "not a checkpoint");
    Files.writeString(shared.resolve("there.onnx"), "x");
    copyWithout(data, "missing", "B/scene_00001.png", null);
    copyWithout(data, "broken", "A/scene_00000.png", "not a picture");
    copyWithout(data, "emptylist", "list/train.txt", "");
    copyWithout(data, "nolist", "list/val.txt", null);
    copyWithout(data, "nomask", "label/scene_00000.png", null);
  }

  /** Copies the data with one file replaced by a text, or left out. */
  private static void copyWithout(Path data, String name, String file, String text)
      throws IOException {
    for (String each : CommandRun.files(data)) {
      Path target = shared.resolve(name).resolve(each);
      Files.createDirectories(target.getParent());
      if (!each.equals(file)) {
        Files.copy(data.resolve(each), target);
      } else if (text != null) {
        Files.writeString(target, text);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          train                                 | out | ERROR: The subtask `train` requires the following argument: -e/--experiment_spec_file
          evaluate a=1                          | out | ERROR: The subtask `evaluate` requires the following argument: -e/--experiment_spec_file
          inference --verbose                   | out | ERROR: The subtask `inference` requires the following argument: -e/--experiment_spec_file
          export -k x                           | out | ERROR: The subtask `export` requires the following argument: -e/--experiment_spec_file
          train my.yaml train.seed=1            | out | -e/--experiment_spec_file; did you mean -e my.yaml?
          inference my.json                     | out | -e/--experiment_spec_file; did you mean -e my.json?
          train -e x.yaml                       | out | ERROR: The indicated experiment spec file `x.yaml` doesn't exist!
          train --experiment_spec=x.yaml        | out | ERROR: The indicated experiment spec file `x.yaml` doesn't exist!
          train -e S/spec.yaml/x                | out | doesn't exist!
          train -e                              | err | option '--experiment_spec_file' (SPEC)
          train -e S/spec.yaml -e S/spec.yaml   | err | '--experiment_spec_file' (SPEC) should be specified only once
          train -e S                            | err | the spec file cannot be read
          train -e S/tabs.yaml                  | err | tabs.yaml:2:1: not valid YAML: a tab
          train -e S/list.yaml                  | err | list.yaml
          train -e S/twice.yaml                 | err | twice.yaml:1:18: duplicate key 'seed'
          train -e S/latin.yaml                 | err | not valid UTF-8
          train -e S/a=b.yaml                   | err | rename it
          train -e S/spec.yaml -x               | err | override '-x': unknown option
          train -e S/spec.yaml --frobnicate=3   | err | override '--frobnicate=3': unknown option
          train -e S/spec.yaml -m model.pth     | err | override '-m': unknown option
          train -e S/spec.yaml -k               | err | Missing required parameter for option '--key' (KEY)
          train -e S/spec.yaml --ve             | err | '--ve' is not unique
          train -e S/spec.yaml --threads many   | err | '--threads': 'many' is not an int
          train -e S/spec.yaml --threads 0      | err | --threads: expected a number from 1 to 4096, got 0
          train -e S/spec.yaml evaluate         | err | override 'evaluate': expected key=value
          train -e S/spec.yaml train.seed = 3   | err | override 'train.seed': no blanks around =; write train.seed=VALUE
          train -e S/spec.yaml train.seed =3    | err | override 'train.seed': no blanks around =; write train.seed=VALUE
          train -e S/spec.yaml ~train.seed      | err | deleting a key is refused
          train -e S/spec.yaml +foo=1           | err | unknown key foo
          train -e S/spec.yaml train.seed=1,2   | err | a comma starts a sweep
          train -e S/spec.yaml train.seed=abc   | err | train.seed: expected an integer, got text 'abc'
          train -e S/spec.yaml trian.seed=3     | err | did you mean train.seed?
          train -e S/spec.yaml a[0]=1           | err | write list elements as key.0=value
          train -e S/spec.yaml =1               | err | the key in front of = is missing
          """)
  void leavesNothingBehind(String commandLine, String stream, String text) throws IOException {
    CommandRun run = run(commandLine);

    assertFailure(run, stream, text);
    assertThat(CommandRun.files(folder)).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          train train.num_epochs=0                                 | train.num_epochs
          train train.checkpoint_interval=2                        | must be at most train.num_epochs (1), got 2; add train.checkpoint_interval=1
          train train.optim.policy=step                            | step needs train.num_epochs >= 3, got 1
          train train.optim.policy=cosine                          | train.optim.policy
          train train.precision=bf16-mixed                         | needs a GPU and none is usable
          train train.precision=16-mixed                           | 16-mixed needs a GPU and none is usable
          train train.precision=16-true                            | 16-true is not supported
          train train.num_gpus=2                                   | 2 GPUs are requested, but none is usable
          train train.gpu_ids=[0,1]                                | train.gpu_ids: 2 GPUs are requested, but none is usable
          train train.gpu_ids=[0,0]                                | train.gpu_ids
          train task=classify                                      | task
          train dataset.segment.root_dir=S/nowhere                 | nowhere' does not exist
          train dataset.segment.img_size=100                       | img_size: must be a multiple of
          train model.backbone.type=resnet50                       | model.backbone.type
          train model.backbone.freeze_backbone=true                | pretrained_backbone_path
          train model.backbone.pretrained_backbone_path=S/no.pth   | no.pth' does not exist
          train train.pretrained_model_path=S/text.pth             | text.pth
          train train.resume_training_checkpoint_path=S/text.pth   | text.pth
          train dataset.segment.root_dir=S/emptylist               | train.txt
          train dataset.segment.root_dir=S/nolist                  | val.txt
          train dataset.segment.train_split=nosuch                 | nosuch.txt
          train dataset.segment.root_dir=S/missing                 | scene_00001.png
          train dataset.segment.root_dir=S/nomask                  | scene_00000.png
          train dataset.segment.root_dir=S/broken                  | scene_00000.png
          evaluate                                                 | Missing mandatory value: evaluate.checkpoint
          evaluate evaluate.checkpoint=S/no.pth                    | no.pth' does not exist
          evaluate evaluate.checkpoint=S/x.engine                  | TAO Deploy
          evaluate evaluate.checkpoint=S/text.pth                  | text.pth
          inference inference.checkpoint=S/text.onnx               | must be either a .tlt or a .pth file
          inference inference.checkpoint=S/text.pth inference.vis_after_n_batches=0 | vis_after_n_batches
          export export.checkpoint=S/text.pth                      | Missing mandatory value: export.onnx_file
          export export.checkpoint=S/text.pth export.onnx_file=S/there.onnx | already exists
          export export.checkpoint=S/text.pth export.onnx_file=OUT/m.bin    | .onnx or .etlt
          export export.checkpoint=S/text.pth export.onnx_file=OUT/m.etlt   | encryption_key
          export export.checkpoint=S/text.pth export.onnx_file=OUT/m.onnx   | text.pth
          """)
  void leavesOneFailureLine(String commandLine, String text) throws IOException {
    String task = commandLine.split(" ", 2)[0];
    CommandRun run = run(task + " -e S/spec.yaml " + commandLine.substring(task.length()).strip());

    assertFailure(run, "err", text);
    Path results = folder.resolve(task);
    assertThat(CommandRun.files(folder))
        .isSubsetOf(task + "/status.json", task + "/experiment.yaml");
    List<String> failures =
        Files.readAllLines(results.resolve("status.json")).stream()
            .filter(line -> line.contains("\"status\": \"FAILURE\""))
            .toList();
    assertThat(failures).hasSize(1);
    assertThat(failures.getFirst())
        .containsPattern(
            "\"message\": \"(Configuration error|Feature not implemented|Parameter validation"
                + " error|File system error): ");
  }

  private CommandRun run(String commandLine) {
    String[] args =
        Arrays.stream((commandLine + " results_dir=OUT").split(" "))
            .filter(arg -> !arg.isEmpty())
            .map(arg -> arg.replace("OUT", folder.toString()))
            .map(arg -> arg.replaceFirst("(^|=)S(?=/|$)", "$1" + shared))
            .toArray(String[]::new);
    boolean endsWithOption = commandLine.endsWith(" -e") || commandLine.endsWith(" -k");
    return CommandRun.of(endsWithOption ? Arrays.copyOf(args, args.length - 1) : args);
  }

  private static void assertFailure(CommandRun run, String stream, String text) {
    assertThat(run.code()).isEqualTo(1);
    assertThat(stream.equals("out") ? run.out() : run.err()).contains(text);
    assertThat(run.lastLine()).isEqualTo("Execution status: FAIL");
    assertThat(run.out() + run.err()).doesNotContain("\tat ").doesNotContain("defect");
    long errors = (run.out() + run.err()).lines().filter(l -> l.startsWith("ERROR: ")).count();
    assertThat(errors).isEqualTo(1);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      nullValues = "NONE",
      textBlock =
          """
          NONE                        | a task is missing
          trian                       | unknown task 'trian'; valid tasks: train, evaluate, inference, export; did you mean 'train'?
          chekc                       | did you mean 'check'?
          splot                       | did you mean 'split'?
          visual_changenet            | a task is missing
          visual_changenet convert    | unknown task 'convert'
          deploy visual_changenet gen_trt_engine | unknown task 'deploy'; valid tasks: train, evaluate, inference, export; TensorRT engines are made by TAO Deploy, from the file that export writes
          model                       | a task is missing
          model visual_changenet prune| unknown task 'prune'
          model visual_changenet quickstart | unknown task 'quickstart'
          --frobnicate                | --frobnicate
          """)
  void showsTheTasksWhenThereIsNone(String commandLine, String text) {
    CommandRun run = CommandRun.of(commandLine == null ? new String[0] : commandLine.split(" "));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .contains(text)
        .contains("valid tasks: train, evaluate, inference, export")
        .contains("Usage: changenet");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          model classification_pyt train     | 2 | unknown network 'classification_pyt'; this program has visual_changenet
          generate                           | 1 | Missing required parameter: 'DIR'
          generate OUT/new --size 5          | 1 | size must be within 16–4096, got 5
          generate OUT/new --classes 9       | 1 | classes must be within 2–5, got 9
          generate OUT/new --train none      | 1 | '--train': 'none' is not an int
          generate S                         | 1 | is not empty; give the name of a new or empty folder
          generate S/spec.yaml               | 1 | is a file
          check -e SP\0EC                   | 1 | is no path on this system (Nul character not allowed)
          split -e SP\0EC                   | 1 | is no path on this system (Nul character not allowed)
          quickstart --dir S                 | 1 | is not empty and not the work of a quickstart
          quickstart --dir S --force         | 1 | is not empty and not the work of a quickstart
          quickstart --dir S/spec.yaml       | 1 | is a file
          quickstart --threads 0             | 1 | --threads: expected a number
          quickstart now                     | 1 | 'now'
          """)
  void refusesToolsThatCannotRun(String commandLine, int code, String text) throws IOException {
    List<String> before = CommandRun.files(shared);
    CommandRun run =
        CommandRun.of(
            commandLine
                .replaceFirst("OUT", folder.toString())
                .replaceFirst(" S(?=/| |$)", " " + shared)
                .split(" "));

    assertThat(run.code()).isEqualTo(code);
    assertThat(run.err()).contains(text).doesNotContain("\tat ");
    assertThat(CommandRun.files(folder)).isEmpty();
    assertThat(CommandRun.files(shared)).isEqualTo(before);
  }
}
