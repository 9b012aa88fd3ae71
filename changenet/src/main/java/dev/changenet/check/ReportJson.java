package dev.changenet.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A report as JSON. */
public final class ReportJson {
  private ReportJson() {}

  /** Returns {@code report} as indented JSON with a line break at the end. */
  public static String of(CheckReport report) {
    CheckSettings s = report.settings();
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("root_dir", s.data().rootDir().toString());
    root.put("num_classes", s.data().numClasses());
    root.put("label_transform", s.data().labelTransform());
    root.put("depth", s.depth().name().toLowerCase(Locale.ROOT));
    report.masks().ifPresent(m -> root.put("masks", m.toMap()));
    List<Object> splits = new ArrayList<>();
    for (CheckReport.Summary split : report.splits()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", split.name());
      one.put("pairs", split.pairs());
      one.put("sizes", split.sizes());
      one.put("masks_read", split.masks());
      if (!split.shares().isEmpty()) {
        one.put("class_shares", split.shares());
        one.put("ignored_share", split.ignored());
      }
      splits.add(one);
    }
    root.put("splits", splits);
    Map<String, Object> counts = new LinkedHashMap<>();
    for (Severity severity : Severity.values()) {
      counts.put(severity.word() + "s", report.count(severity));
    }
    root.put("counts", counts);
    List<Object> findings = new ArrayList<>();
    for (Finding f : report.findings()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("code", f.code().key());
      one.put("severity", f.severity().word());
      one.put("split", f.split());
      one.put("count", f.files().size());
      one.put("files", f.files());
      one.put("text", f.text());
      one.put("remedy", f.remedy());
      findings.add(one);
    }
    root.put("findings", findings);
    try {
      return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(root)
          + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a report of texts and numbers is always JSON", e);
    }
  }
}
