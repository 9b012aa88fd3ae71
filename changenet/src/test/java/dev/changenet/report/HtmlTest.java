package dev.changenet.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HtmlTest {
  @Test
  void textsAndAttributesStayWhatTheyAre() {
    String hostile = "\"><script>alert('x')</script>&amp;";
    String html = new Html().in("p", () -> {}, "title=" + hostile).tag("td", hostile).toString();
    assertThat(html)
        .isEqualTo(
            "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;\"></p>"
                + "<td>&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;</td>");
  }

  @Test
  void whatWouldDeceiveOrBreakIsShownByNumber() {
    assertThat(Html.escape("a\u202egnp.exe\0\u001b[2J\u0085"))
        .isEqualTo("a\\u202egnp.exe\\u0000\\u001b[2J\\u0085");
    assertThat(Html.escape("half \ud83d")).isEqualTo("half \\ud83d");
    assertThat(Html.escape("whole \ud83d\ude80, ü, 変化")).isEqualTo("whole \ud83d\ude80, ü, 変化");
  }

  @ParameterizedTest
  @CsvSource({
    "0.00060000001, 0.0006",
    "20, 20",
    "0, 0",
    "123456.7, 1.2346e+05",
    "0.1234567, 0.12346",
    "1e-9, 1e-09",
    "100000, 1e+05",
    "NaN, –"
  })
  void numbersAreShort(double value, String text) {
    assertThat(Text.number(value)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0.04, 0.0 s",
    "59.94, 59.9 s",
    "61, 1 min 1 s",
    "3600, 1 h 0 min",
    "90061, 25 h 1 min"
  })
  void times(double seconds, String text) {
    assertThat(Text.duration(seconds)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"0, 0 B", "1023, 1023 B", "1024, 1.0 KiB", "1610612736, 1.5 GiB"})
  void sizes(long bytes, String text) {
    assertThat(Text.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(
      value = {
        "plain_name-1.png|plain_name-1.png",
        "with blank|'with blank'",
        "it's|'it'\\''s'",
        "a=[1,2]|'a=[1,2]'",
        "$(rm)|'$(rm)'",
        "~/x|'~/x'",
        "''|''"
      },
      delimiter = '|',
      quoteCharacter = '"')
  void wordsOfACommand(String word, String quoted) {
    assertThat(ShellCommand.quoted(word.equals("''") ? "" : word)).isEqualTo(quoted);
  }
}
