package dev.changenet.inspect;

import dev.changenet.nn.state.StoredTensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Statistics of a tensor's values. Those of the values that are neither NaN nor infinite are NaN
 * where there is none.
 *
 * @param name name in the file
 * @param dtype PyTorch's name of the element type
 * @param elements number of values
 * @param min smallest finite value
 * @param max largest finite value
 * @param mean mean of the finite values
 * @param std standard deviation of the finite values, divided by n
 * @param zeros values that are 0
 * @param nans values that are NaN
 * @param infinities values that are infinite
 */
public record TensorStatistics(
    String name,
    String dtype,
    long elements,
    double min,
    double max,
    double mean,
    double std,
    long zeros,
    long nans,
    long infinities) {
  static final int BLOCK = 1 << 16;

  /** Reads {@code t} once; {@code buffer} is overwritten. */
  static TensorStatistics of(String name, StoredTensor t, double[] buffer) {
    StoredTensor.Values values = t.values();
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    double mean = 0;
    double squares = 0;
    long finite = 0;
    long zeros = 0;
    long nans = 0;
    long infinities = 0;
    for (int n = values.read(buffer); n > 0; n = values.read(buffer)) {
      for (int i = 0; i < n; i++) {
        double v = buffer[i];
        if (Double.isFinite(v)) {
          min = Math.min(min, v);
          max = Math.max(max, v);
          zeros += v == 0 ? 1 : 0;
          finite++;
          // Welford's update: exact enough for means far from zero.
          double d = v - mean;
          mean += d / finite;
          squares += d * (v - mean);
        } else if (Double.isNaN(v)) {
          nans++;
        } else {
          infinities++;
        }
      }
    }
    boolean none = finite == 0;
    return new TensorStatistics(
        name,
        t.type().torchName(),
        t.count(),
        none ? Double.NaN : min,
        none ? Double.NaN : max,
        none ? Double.NaN : mean,
        none ? Double.NaN : Math.sqrt(squares / finite),
        zeros,
        nans,
        infinities);
  }

  /** The statistics for JSON. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", name);
    json.put("dtype", dtype);
    json.put("elements", elements);
    json.put("min", Json.number(min));
    json.put("max", Json.number(max));
    json.put("mean", Json.number(mean));
    json.put("std", Json.number(std));
    json.put("zeros", zeros);
    json.put("nan", nans);
    json.put("inf", infinities);
    return json;
  }
}
