package dev.changenet.report;

import com.sun.management.OperatingSystemMXBean;
import dev.changenet.tensor.cpu.Parallel;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.Manifest;

/** Program and machine, as name and value. */
final class Environment {
  private static final String MAIN = "dev.changenet.cli.Main";

  /** Variables that change what a run computes or how fast. */
  private static final String[] VARIABLES = {
    "CHANGENET_CONV",
    "CHANGENET_TF32",
    "CHANGENET_CUDA_GRAPHS",
    "CHANGENET_JAVA_OPTS",
    "OMP_NUM_THREADS"
  };

  private Environment() {}

  /**
   * Describes where this process runs.
   *
   * @param device what computes, in words
   */
  static Map<String, String> of(String device) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("program", program());
    facts.put(
        "Java",
        Runtime.version()
            + ", "
            + System.getProperty("java.vm.name")
            + ", "
            + System.getProperty("java.vendor"));
    facts.put(
        "operating system",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + ", "
            + System.getProperty("os.arch"));
    facts.put("processor", cpu());
    facts.put(
        "threads",
        Parallel.threads() + " of " + Runtime.getRuntime().availableProcessors() + " processors");
    long machine =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    facts.put(
        "memory",
        Text.bytes(machine) + ", Java heap up to " + Text.bytes(Runtime.getRuntime().maxMemory()));
    facts.put("computes on", device);
    for (String name : VARIABLES) {
      if (System.getenv(name) != null) {
        facts.put(name, System.getenv(name));
      }
    }
    return Collections.unmodifiableMap(facts);
  }

  /** Name and version, and the commit where the program's jar knows it. */
  static String program() {
    try {
      for (URL url :
          Collections.list(
              Environment.class.getClassLoader().getResources("META-INF/MANIFEST.MF"))) {
        try (InputStream in = url.openStream()) {
          Attributes a = new Manifest(in).getMainAttributes();
          String version = a.getValue(Attributes.Name.IMPLEMENTATION_VERSION);
          if (MAIN.equals(a.getValue(Attributes.Name.MAIN_CLASS)) && version != null) {
            String commit = a.getValue("Git-Commit");
            return "ChangeNet " + version + (commit == null ? "" : ", commit " + commit);
          }
        }
      }
      return "ChangeNet (development build)";
    } catch (IOException e) {
      return "ChangeNet (version unknown: " + e.getMessage() + ")";
    }
  }

  private static String cpu() {
    Path info = Path.of("/proc/cpuinfo");
    if (Files.isReadable(info)) {
      try {
        for (String line : Files.readAllLines(info, StandardCharsets.ISO_8859_1)) {
          if (line.startsWith("model name")) {
            return line.substring(line.indexOf(':') + 1).strip();
          }
        }
      } catch (IOException e) {
        return System.getProperty("os.arch") + " (/proc/cpuinfo: " + e.getMessage() + ")";
      }
    }
    return System.getenv().getOrDefault("PROCESSOR_IDENTIFIER", System.getProperty("os.arch"));
  }
}
