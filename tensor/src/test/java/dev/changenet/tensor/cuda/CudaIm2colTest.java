package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
import dev.changenet.testing.OpTransfer;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Columns of a part of a batch and their sum back, against plain loops; exact, on integers. */
@Tag("cuda-stub")
class CudaIm2colTest {
  private static final OpTransfer TRANSFER = new CudaTransfer();
  private static final int BATCH = 4;
  private static final int FIRST = 1;
  private static final int SAMPLES = 2;
  private static final int HEIGHT = 7;
  private static final int WIDTH = 6;

  private static CudaIm2col ops;

  @BeforeAll
  static void build() {
    CudaStub.build();
    ops = new CudaIm2col(new CudaDevice(0));
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 3, 3, 3, 1, 1", "FLOAT32, 8, 3, 3, 2, 1", "FLOAT32, 4, 2, 3, 2, 0",
    "BFLOAT16, 8, 3, 3, 2, 1", "BFLOAT16, 12, 1, 1, 1, 0", "FLOAT16, 16, 4, 4, 4, 0"
  })
  void columnsAndTheirSum(DType dtype, int c, int kh, int kw, int stride, int padding) {
    int oh = (HEIGHT + 2 * padding - kh) / stride + 1;
    int ow = (WIDTH + 2 * padding - kw) / stride + 1;
    CudaIm2col.Window window = new CudaIm2col.Window(kh, kw, stride, padding, oh, ow);
    double[] x = numbers(BATCH * HEIGHT * WIDTH * c);
    double[] columns = new double[SAMPLES * oh * ow * kh * kw * c];
    double[] sums = x.clone();
    Arrays.fill(sums, FIRST * HEIGHT * WIDTH * c, 3 * HEIGHT * WIDTH * c, 0);
    double[] given = numbers(columns.length);
    for (int i = 0; i < columns.length; i++) {
      int tap = i / c % (kh * kw);
      int pixel = i / c / (kh * kw);
      int y = pixel / ow % oh * stride - padding + tap / kw;
      int z = pixel % ow * stride - padding + tap % kw;
      if (y >= 0 && y < HEIGHT && z >= 0 && z < WIDTH) {
        int at = (((FIRST + pixel / (oh * ow)) * HEIGHT + y) * WIDTH + z) * c + i % c;
        columns[i] = x[at];
        sums[at] += given[i];
      }
    }
    Device device = Device.cuda(0);
    int[] mapShape = {BATCH, HEIGHT, WIDTH, c};
    int[] columnShape = {SAMPLES * oh * ow, kh * kw * c};
    try (var map = TRANSFER.upload(x, mapShape, dtype, device);
        var out = TRANSFER.upload(new double[columns.length], columnShape, dtype, device);
        var col = TRANSFER.upload(given, columnShape, dtype, device)) {
      ops.im2col(map, FIRST, SAMPLES, window, out);
      assertThat(TRANSFER.download(out)).isEqualTo(columns);
      ops.col2im(col, FIRST, SAMPLES, window, map);
      assertThat(TRANSFER.download(map)).isEqualTo(sums);
    }
  }

  /** Small integers, whose sums are exact in every type. */
  private static double[] numbers(int n) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = i * 7 % 13 - 6;
    }
    return values;
  }
}
