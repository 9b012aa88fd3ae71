package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Every backend method with sample inputs of usual and odd sizes. A row runs on any device and
 * returns all outputs, so that one table compares any two backends.
 */
public final class OpTable {
  /** Default limit of |difference| relative to the largest absolute reference value. */
  public static final double TOLERANCE = 1e-5;

  private OpTable() {}

  /** Makes inputs, calls one backend method and names its outputs. */
  interface Body {
    void run(OpCall call);
  }

  /**
   * One call with its inputs.
   *
   * @param name family.method, and what is special about the sample
   * @param tolerance allowed difference, relative to the largest absolute value of an output
   * @param body the call
   */
  public record Row(String name, double tolerance, Body body) {
    /** Runs the row with float32 tensors on a device of Java arrays; returns outputs by name. */
    public Map<String, double[]> run(Device device) {
      return run(Backends.of(device), device, DType.FLOAT32, OpTransfer.HEAP);
    }

    /** Runs the row on any device; returns outputs by name. */
    public Map<String, double[]> run(
        Backend backend, Device device, DType dtype, OpTransfer transfer) {
      try (Scope _ = Scope.open()) {
        OpCall call = new OpCall(name, backend, device, dtype, transfer);
        body.run(call);
        return call.collect();
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** Collects the rows of one family. */
  static final class Rows {
    private final List<Row> rows = new ArrayList<>();

    void add(String name, Body body) {
      add(name, TOLERANCE, body);
    }

    void add(String name, double tolerance, Body body) {
      rows.add(new Row(name, tolerance, body));
    }
  }

  /** Returns all rows. */
  public static List<Row> rows() {
    Rows rows = new Rows();
    ElementwiseRows.addTo(rows);
    DenseRows.addTo(rows);
    ConvolutionRows.addTo(rows);
    NormalizationRows.addTo(rows);
    AttentionRows.addTo(rows);
    ResampleRows.addTo(rows);
    SamplingRows.addTo(rows);
    LossRows.addTo(rows);
    OptimizeRows.addTo(rows);
    return List.copyOf(rows.rows);
  }
}
