package dev.changenet.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xml.sax.InputSource;

class LineChartTest {
  private static final Pattern TICK = Pattern.compile("class=\"tick mid\"[^>]*>([^<]*)<");

  private static String svg(LineChart chart) throws Exception {
    Html h = new Html();
    chart.write(h);
    // Browsers forgive, a parser of XML does not.
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(h.toString())));
    return h.toString();
  }

  private static LineChart of(double... xAndY) {
    List<double[]> points = new ArrayList<>();
    for (int i = 0; i < xAndY.length; i += 2) {
      points.add(new double[] {xAndY[i], xAndY[i + 1]});
    }
    return new LineChart("a < b", "x", "y").add("s & t", 9, LineChart.Style.LINE_AND_DOTS, points);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 10, 0 2 4 6 8 10",
    "0, 0.0013, 0 0.0005 0.001 0.0015",
    "5, 5, 2 3 4 5 6 7 8",
    "-3, 3, -4 -2 0 2 4",
    "0, 0, -0.6 -0.4 -0.2 0 0.2 0.4 0.6"
  })
  void ticksAreRound(double from, double to, String ticks) throws Exception {
    List<String> found =
        TICK.matcher(svg(of(from, 1, to, 2))).results().map((MatchResult r) -> r.group(1)).toList();
    assertThat(String.join(" ", found)).isEqualTo(ticks);
  }

  @Test
  void valuesAreHoverTitles() throws Exception {
    assertThat(svg(of(1, 0.25, 2, 0.5)))
        .contains("<title>s &amp; t\nx 2: 0.5</title>")
        .contains("aria-label=\"a &lt; b\"");
  }

  @Test
  void whatIsNoNumberIsLeftOut() throws Exception {
    assertThat(svg(of(1, Double.NaN, 2, 0.5, 3, Double.POSITIVE_INFINITY)))
        .doesNotContain("NaN", "Infinity")
        .containsOnlyOnce("<title>");
    assertThat(of(1, Double.NaN).isEmpty()).isTrue();
  }

  @Test
  void pointsLieInsideTheFrame() throws Exception {
    String svg = svg(of(0, -7, 3, 12, 9, 1e6));
    Pattern.compile("c([xy])=\"([^\"]*)\"")
        .matcher(svg)
        .results()
        .forEach(
            r ->
                assertThat(Double.parseDouble(r.group(2)))
                    .isBetween(0.0, r.group(1).equals("x") ? 560.0 : 300.0));
    assertThat(svg).contains("cx=\"");
  }
}
