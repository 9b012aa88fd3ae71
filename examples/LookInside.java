import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.inspect.NetworkFinder;
import dev.changenet.inspect.WeightSource;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.train.Checkpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An activation, gradients and a finite difference of a ChangeNet from a checkpoint. */
public class LookInside {
  static final int SIZE = 64;
  static final SegmentationLoss LOSS =
      new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));

  public static void main(String[] args) {
    Path file = Path.of(args[0]);
    // Or by hand: ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 64, 2), encoder, embed_dim, classes.
    ChangeNet.Config config =
        NetworkFinder.ofWeights(WeightSource.open(file)).orElseThrow().network().config();
    try (ChangeNet net = new ChangeNet(Device.CPU, config)) {
      // Without a checkpoint: net.initialize(1234). Until then weights are undefined.
      Checkpoint.loadModel(Checkpoint.open(file), file, net);
      // Evaluation mode. In training mode call net.random().set(seed, step) before each pass: then
      // drop path draws the same numbers again.
      net.eval();
      List<Tensor> kept = new ArrayList<>();
      // Without a tape a pass keeps nothing for backward; the scope closes all values of the pass.
      try (var _ =
              net.find("decoder.diff_c1")
                  .registerForwardHook(
                      (module, output) -> {
                        // The output is closed after the pass: share() keeps its memory, until the
                        // share is closed; toFloatArray() copies.
                        kept.add(output.data().share());
                        output.registerHook(
                            gradient -> print("largest gradient there", largest(gradient)));
                      });
          Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Variable loss = loss(net);
        print("loss", loss.data().item());
        loss.backward();
      }
      for (Tensor activation : kept) {
        print("largest activation of " + activation.shape(), largest(activation));
        activation.close();
      }
      Parameter weight = net.find("decoder.change_probability.conv2d").parameters().getFirst();
      float[] gradient = weight.grad().toFloatArray();
      int i = indexOfLargest(gradient);
      print("gradient of " + weight.name() + "[" + i + "]", gradient[i]);
      print("finite difference", difference(net, weight.data(), i));
      net.parameters().forEach(Parameter::zeroGrad);
    }
  }

  /** The loss of two made-up images, where a square has changed. */
  static Variable loss(ChangeNet net) {
    float[] a = new float[SIZE * SIZE * 3];
    float[] b = new float[SIZE * SIZE * 3];
    int[] labels = new int[SIZE * SIZE];
    for (int k = 0; k < labels.length; k++) {
      boolean changed = k / SIZE < SIZE / 2 && k % SIZE < SIZE / 2;
      labels[k] = changed ? 1 : 0;
      for (int c = 0; c < 3; c++) {
        a[3 * k + c] = (float) Math.sin(0.1 * k + c);
        b[3 * k + c] = changed ? -a[3 * k + c] : a[3 * k + c];
      }
    }
    // Channels last: [pairs, height, width, 3].
    List<Variable> outputs =
        net.forward(
            new Variable(Tensor.of(a, 1, SIZE, SIZE, 3)),
            new Variable(Tensor.of(b, 1, SIZE, SIZE, 3)));
    return LOSS.compute(outputs, labels).total();
  }

  static double difference(ChangeNet net, Tensor weight, int i) {
    double eps = 1e-2;
    double before = weight.at(i);
    weight.set(i, before + eps);
    double up = value(net);
    weight.set(i, before - eps);
    double down = value(net);
    weight.set(i, before);
    return (up - down) / (2 * eps);
  }

  static double value(ChangeNet net) {
    try (Scope _ = Scope.open()) {
      return loss(net).data().item();
    }
  }

  static double largest(Tensor t) {
    float[] values = t.toFloatArray();
    return Math.abs(values[indexOfLargest(values)]);
  }

  static int indexOfLargest(float[] values) {
    int largest = 0;
    for (int i = 1; i < values.length; i++) {
      largest = Math.abs(values[i]) > Math.abs(values[largest]) ? i : largest;
    }
    return largest;
  }

  static void print(String what, double value) {
    System.out.printf(Locale.ROOT, "%-60s %.6f%n", what, value);
  }
}
