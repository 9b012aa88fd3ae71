package dev.changenet.benchmark;

import dev.changenet.autograd.Profile;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import dev.changenet.tensor.cuda.CudaGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Times whole steps on a GPU: {@code GpuMain [seconds=3] [benchmark]
 * backbone:batch:px:train|infer:precision …} with precision {@code fp32}, {@code tf32}, {@code
 * bf16} or {@code fp16}. Prints one line of JSON per case; with {@code :profile} behind the case
 * first a table of where the time of a step goes, taken with the GPU waited for after every
 * operation; with {@code :graph} the steps are replays of a recorded one. With {@code benchmark}
 * the cases that follow use the fastest convolution algorithms instead of the deterministic ones
 * that cuDNN predicts. A case that fails has {@code error} in its line, and the exit status is 1.
 */
public final class GpuMain {
  private static final int WARM_UP = 5;

  /** Steps that are started before the GPU is waited for. */
  private static final int STEPS = 5;

  private GpuMain() {}

  public static void main(String[] args) {
    double seconds = 3;
    boolean failed = false;
    for (String arg : args) {
      if (arg.startsWith("seconds=")) {
        seconds = Double.parseDouble(arg.substring("seconds=".length()));
      } else if (arg.equals("benchmark")) {
        ((CudaBackend) Backends.of(Device.cuda(0))).chooseAlgorithms(true, false);
      } else {
        try {
          System.out.println(time(arg, seconds));
        } catch (RuntimeException e) {
          System.out.println("{\"case\": \"" + arg + "\", \"error\": \"" + e + "\"}");
          failed = true;
        }
      }
    }
    System.exit(failed ? 1 : 0);
  }

  private static String time(String spec, double seconds) {
    String[] part = spec.split(":");
    boolean train = part[3].equals("train");
    Device device = Device.cuda(0);
    CudaBackend gpu = (CudaBackend) Backends.of(device);
    gpu.allowTf32(!part[4].equals("fp32"));
    DType type = MixedStep.activations(part[4]);
    gpu.trim();
    gpu.resetPeak();
    try (Case c =
        NetworkCases.network(
            device, type, part[0], train, Integer.parseInt(part[2]), Integer.parseInt(part[1]))) {
      int done = 0;
      while (done < WARM_UP) {
        c.run();
        done += c.settle() ? 1 : 0;
      }
      boolean replayed = part.length > 5 && part[5].equals("graph");
      CudaGraph graph = replayed ? gpu.capture(!train, c::run) : null;
      Runnable step = replayed ? () -> graph.replay(c::run) : c::run;
      step.run();
      gpu.synchronize();
      List<Double> rounds = new ArrayList<>();
      long end = System.nanoTime() + (long) (seconds * 1e9);
      while (System.nanoTime() < end || rounds.size() < 3) {
        long began = System.nanoTime();
        for (int i = 0; i < STEPS; i++) {
          step.run();
        }
        gpu.synchronize();
        rounds.add((System.nanoTime() - began) / 1e6 / STEPS);
      }
      double[] sorted = rounds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      if (part.length > 5 && part[5].equals("profile")) {
        profile(c, gpu);
      }
      String line =
          String.format(
              Locale.ROOT,
              "{\"case\": \"%s\", \"median_ms\": %.3f, \"min_ms\": %.3f, \"rounds\": %d,"
                  + " \"peak_mib\": %d, \"device\": \"%s\"}",
              spec,
              sorted[sorted.length / 2],
              sorted[0],
              sorted.length,
              gpu.peakBytes() >> 20,
              gpu.deviceName());
      if (graph != null) {
        graph.close();
      }
      return line;
    }
  }

  private static void profile(Case c, CudaBackend gpu) {
    Map<String, double[]> groups = new TreeMap<>();
    try (Profile profile = Profile.open(gpu::synchronize)) {
      c.run();
      for (Profile.Entry e : profile.entries()) {
        String name =
            e.op() + " " + (e.backward() ? "backward " : "forward ") + e.input() + " " + e.output();
        double[] sum = groups.computeIfAbsent(name, n -> new double[2]);
        sum[0] += e.nanos() / 1e6;
        sum[1]++;
      }
    }
    groups.entrySet().stream()
        .sorted((a, b) -> Double.compare(b.getValue()[0], a.getValue()[0]))
        .limit(45)
        .forEach(
            e ->
                System.out.printf(
                    Locale.ROOT,
                    "%8.3f ms %4.0f x  %s%n",
                    e.getValue()[0],
                    e.getValue()[1],
                    e.getKey()));
  }
}
