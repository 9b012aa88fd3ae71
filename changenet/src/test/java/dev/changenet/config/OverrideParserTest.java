package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OverrideParserTest {

  private static Object parsed(String argument) {
    return Values.raw(OverrideParser.parse(argument).value());
  }

  @Test
  void aTildeInFrontOfAPathSaysWhatToWrite() {
    assertThatThrownBy(() -> OverrideParser.parse("dataset.segment.root_dir=~/data"))
        .hasMessageEndingWith("the ~ is not expanded here; write $HOME/data instead");
    assertThat(parsed("dataset.segment.root_dir='~/data'")).isEqualTo("~/data");
  }

  static Stream<Arguments> values() {
    return Stream.of(
        Arguments.of("a=1", 1L),
        Arguments.of("a=-1", -1L),
        Arguments.of("a=1_000", 1000L),
        Arguments.of("a=1.5", 1.5),
        Arguments.of("a=.5", 0.5),
        Arguments.of("a=1.", 1.0),
        Arguments.of("a=1e-4", 1e-4),
        Arguments.of("a=1E5", 1e5),
        Arguments.of("a=-2.5e+3", -2500.0),
        Arguments.of("a=inf", Double.POSITIVE_INFINITY),
        Arguments.of("a=-inf", Double.NEGATIVE_INFINITY),
        Arguments.of("a=nan", Double.NaN),
        Arguments.of("a=true", true),
        Arguments.of("a=True", true),
        Arguments.of("a=TRUE", true),
        Arguments.of("a=false", false),
        Arguments.of("a=null", null),
        Arguments.of("a=Null", null),
        Arguments.of("a=NULL", null),
        Arguments.of("a=none", "none"),
        Arguments.of("a=yes", "yes"),
        Arguments.of("a=01", "01"),
        Arguments.of("a=0x10", "0x10"),
        Arguments.of("a=32-true", "32-true"),
        Arguments.of("a=.png", ".png"),
        Arguments.of("a=C:/d", "C:/d"),
        Arguments.of("a=C:\\d", "C:\\d"),
        Arguments.of("a=100%", "100%"),
        Arguments.of("a=", ""),
        Arguments.of("a=\"\"", ""),
        Arguments.of("a=''", ""),
        Arguments.of("a='x y'", "x y"),
        Arguments.of("a=\"x y\"", "x y"),
        Arguments.of("a=x y", "x y"),
        Arguments.of("a= x ", "x"),
        Arguments.of("a='it\\'s'", "it's"),
        Arguments.of("a='C:\\d'", "C:\\d"),
        Arguments.of("a='d\\\\'", "d\\"),
        Arguments.of("a=\"1\"", "1"),
        Arguments.of("a='null'", "null"),
        Arguments.of("a=[1,2,3]", List.of(1L, 2L, 3L)),
        Arguments.of("a=[0.5, 0.8]", List.of(0.5, 0.8)),
        Arguments.of("a=[]", List.of()),
        Arguments.of("a=[[1,2],[3]]", List.of(List.of(1L, 2L), List.of(3L))),
        Arguments.of("a=['x, y',z]", List.of("x, y", "z")),
        Arguments.of("a={x:1,y:2}", Map.of("x", 1L, "y", 2L)),
        Arguments.of("a={x: {y: [1]}}", Map.of("x", Map.of("y", List.of(1L)))),
        Arguments.of("a={}", Map.of()),
        Arguments.of("a=${b.c}", "${b.c}"),
        Arguments.of("a=${b.c}/train/m.pth", "${b.c}/train/m.pth"),
        Arguments.of("a=???", "???"),
        Arguments.of("a=/p/q.pth", "/p/q.pth"),
        Arguments.of("a=x@y", "x@y"),
        Arguments.of("a=x:y", "x:y"),
        Arguments.of("a=x\\,y\\=z", "x,y=z"),
        Arguments.of("a=/data/Größe/日本", "/data/Größe/日本"));
  }

  @ParameterizedTest
  @MethodSource("values")
  void readsValue(String argument, Object value) {
    assertThat(parsed(argument)).isEqualTo(value);
  }

  @Test
  void listsMayHoldNullAndBooleans() {
    SpecNode.Sequence list = (SpecNode.Sequence) OverrideParser.parse("a=[a,null,True]").value();

    assertThat(list.items().stream().map(item -> ((SpecNode.Scalar) item).value()).toArray())
        .isEqualTo(Arrays.asList("a", null, true).toArray());
  }

  @Test
  void numericMapKeysAreIntegers() {
    SpecNode.Mapping map = (SpecNode.Mapping) OverrideParser.parse("a={0:x,b:y}").value();

    assertThat(map.entries()).extracting(SpecNode.Entry::textKey).containsExactly(false, true);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a=~", "a=1,2", "a=x=y", "a=(x)", "a=a#b", "a=!x", "a=a&b", "a=a;b", "a=a<b", "a=a>b",
        "a=~x", "a", "-k", "--key=value", "~a", "~a=1", "a[0]=1", "a=[1,]", "a=[,]", "a=[1",
        "a=1]", "a={'x':1}", "a={x:1,}", "a={x}", "a={x:1", "a='x", "a='x'y", "=1", "a b=1",
            "a=f(x)",
        "a=[1 [2]]", "a=x'y'", "a=${b", "a..b=1", "a.=1"
      })
  void refuses(String argument) {
    assertThatThrownBy(() -> OverrideParser.parse(argument))
        .isInstanceOf(SpecException.class)
        .hasMessageStartingWith("override '" + argument + "': ")
        .extracting(e -> ((SpecException) e).errorClass())
        .isEqualTo(ErrorClass.SYNTAX);
  }

  @Test
  void sweepIsRefusedByName() {
    assertThatThrownBy(() -> OverrideParser.parse("a=1,2"))
        .hasMessageContaining("requires --multirun");
  }

  @Test
  void overridesApplyLeftToRightAfterTheFile() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN, "train: {seed: 1, num_epochs: 7}", "train.seed=2", "train.seed=3");

    assertThat(spec.train().seed()).isEqualTo(3);
    assertThat(spec.train().numEpochs()).isEqualTo(7);
  }

  @Test
  void listElementCanBeSet() {
    ExperimentSpec spec =
        SpecAssertions.load(Task.TRAIN, "", "train.segment.weights.4=2", "train.optim.betas.0=0.8");

    assertThat(spec.train().segment().weights()).containsExactly(0.5, 0.5, 0.5, 0.8, 2.0);
    assertThat(spec.train().optim().betas()).containsExactly(0.8, 0.999);
  }

  @Test
  void colorMapCanBeSetWholeOrByEntry() {
    List<List<Integer>> colors = List.of(List.of(0, 0, 0), List.of(255, 0, 0));

    assertThat(
            SpecAssertions.load(Task.TRAIN, "", "dataset.segment.color_map={0:[0,0,0],1:[255,0,0]}")
                .segmentData()
                .colorMap())
        .contains(colors);
    assertThat(
            SpecAssertions.load(
                    Task.TRAIN,
                    "dataset: {segment: {color_map: {0: [1, 1, 1]}}}",
                    "dataset.segment.color_map.0=[0,0,0]",
                    "+dataset.segment.color_map.1=[255,0,0]")
                .segmentData()
                .colorMap())
        .contains(colors);
  }

  @Test
  void sectionsAndOpenMapsAreMerged() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN,
            "",
            "train.optim={lr:0.1,policy:step}",
            "++train.optim.lr=0.2",
            "model.decode_head.decoder_params={other:3}");

    assertThat(spec.train().optim().lr()).isEqualTo(0.2);
    assertThat(spec.train().optim().policy()).isEqualTo("step");
    assertThat(spec.train().optim().optim()).isEqualTo("adamw");
    assertThat(spec.model().decodeHead().embedDim()).isEqualTo(256);
    assertThat(spec.toYaml()).contains("decoder_params: {embed_dim: 256, other: 3}");
  }

  @Test
  void secretIsNotRepeatedInMessages() {
    SpecException e = SpecAssertions.failure(Task.TRAIN, "", "encryption_key=top,secret");

    assertThat(e.getMessage())
        .startsWith("override 'encryption_key=*****': ")
        .doesNotContain("secret");
  }
}
