package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TypeConversionTest {

  private static Object convert(String type, String yaml) {
    SpecNode.Mapping root = SpecReader.parse("spec.yaml", "a: " + yaml).root();
    return TypeConversion.convert(ValueType.parse(type), root.entries().getFirst().value());
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      textBlock =
          """
          int    | 5          | 5
          int    | -5         | -5
          int    | +5         | 5
          int    | "5"        | 5
          int    | '1_000'    | 1000
          int    | 1_000      | 1000
          int    | 0x10       | 16
          int    | 010        | 8
          int    | 0b11       | 3
          int    | '010'      | 10
          float  | 5          | 5.0
          float  | 0.5        | 0.5
          float  | .5         | 0.5
          float  | 5.         | 5.0
          float  | 1e-5       | 1.0E-5
          float  | 1E-5       | 1.0E-5
          float  | 1.5e+3     | 1500.0
          float  | "1e-5"     | 1.0E-5
          float  | "5"        | 5.0
          float  | .inf       | Infinity
          float  | -.inf      | -Infinity
          float  | .nan       | NaN
          float  | 'inf'      | Infinity
          bool   | true       | true
          bool   | False      | false
          bool   | TRUE       | true
          bool   | yes        | true
          bool   | No         | false
          bool   | on         | true
          bool   | OFF        | false
          bool   | y          | true
          bool   | N          | false
          bool   | "yes"      | true
          bool   | 'False'    | false
          bool   | 0          | false
          bool   | 7          | true
          bool   | '0'        | false
          string | text       | text
          string | true       | True
          string | 16         | 16
          string | 0x10       | 16
          string | 1e-5       | 1e-05
          string | 0.0005     | 0.0005
          string | 2.0        | 2.0
          string | 'true'     | true
          string | None       | None
          string | "010"      | 010
          string | 089        | 089
          string | 1.2.3      | 1.2.3
          """)
  void acceptsAndStores(String type, String yaml, String stored) {
    assertThat(String.valueOf(convert(type, yaml))).isEqualTo(stored);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      textBlock =
          """
          int                    | 5.0
          int                    | 5.5
          int                    | "5.0"
          int                    | true
          int                    | text
          int                    | ''
          int                    | null
          int                    | ~
          int                    | '0x10'
          int                    | [5]
          float                  | true
          float                  | text
          float                  | ''
          float                  | null
          bool                   | 1.0
          bool                   | t
          bool                   | ''
          bool                   | null
          string                 | [a]
          string                 | {a: b}
          string                 | null
          string or null         | [a]
          string or null         | {a: b}
          list of int            | 0
          list of int            | "[1,2]"
          list of int            | null
          list of int            | [1, 2.0]
          list of int            | [null]
          map of int             | 5
          map of int             | [5]
          map of int             | {a: b}
          map of int             | {0: 5}
          map of int             | {true: 5}
          map of int             | null
          map of list of int     | {a: 5}
          """)
  void rejects(String type, String yaml) {
    assertThatThrownBy(() -> convert(type, yaml)).isInstanceOf(TypeConversion.Mismatch.class);
  }

  @Test
  void nullFitsOnlyOptionalTypes() {
    assertThat(convert("string or null", "null")).isNull();
    assertThat(convert("string or null", "~")).isNull();
    assertThat(convert("string or null", "")).isNull();
    assertThat(convert("map of int or null", "Null")).isNull();
  }

  @Test
  void convertsItemsOfListsAndMaps() {
    assertThat(convert("list of float", "[1, '2', 3.5]")).isEqualTo(List.of(1.0, 2.0, 3.5));
    assertThat(convert("list of string", "[1, a, true]")).isEqualTo(List.of("1", "a", "True"));
    assertThat(convert("map of int", "{'0': '5', b: 6}")).isEqualTo(Map.of("0", 5L, "b", 6L));
  }

  @Test
  void colorMapTakesIntegerNames() {
    assertThat(convert("map of list of int", "{0: [1, 2, 3], '1': [4, 5, 6]}"))
        .isEqualTo(Map.of("0", List.of(1L, 2L, 3L), "1", List.of(4L, 5L, 6L)));
  }

  @Test
  void mandatoryMarkerFitsEveryType() {
    assertThat(convert("int", "???")).isSameAs(Missing.VALUE);
    assertThat(convert("string", "'???'")).isSameAs(Missing.VALUE);
    assertThat(convert("list of int", "\"???\"")).isSameAs(Missing.VALUE);
  }

  @ParameterizedTest
  @CsvSource({
    "1e22, 1e+22",
    "1.5e-7, 1.5e-07",
    "123456789012345680, 1.2345678901234568e+17",
    "1e15, 1000000000000000.0",
    "1e16, 1e+16",
    "0.0001, 0.0001",
    "0.00001, 1e-05",
    "-2.5e-10, -2.5e-10",
    "0.0, 0.0",
    "-0.0, -0.0",
    "100, 100.0"
  })
  void numbersBecomeTextAsInPython(double value, String text) {
    assertThat(PythonText.of(value)).isEqualTo(text);
  }
}
