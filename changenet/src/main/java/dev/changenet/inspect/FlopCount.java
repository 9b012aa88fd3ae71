package dev.changenet.inspect;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Profile;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Scope;
import java.util.List;

/**
 * The arithmetic of a forward pass of one pair, of the network as it is defined and exported:
 * shortcuts that compute the same with less don't count. Two floating-point operations per
 * multiply-add of products, convolutions, attention, gates and deformable reads; norms,
 * activations, additions and resizing count nothing.
 */
public final class FlopCount {
  private FlopCount() {}

  /** The operations with their modules. */
  static List<Profile.Entry> forward(ChangeNet.Config config, int size) {
    try (DryRun _ = DryRun.open();
        ChangeNet net = new ChangeNet(Device.CPU, config);
        Scope _ = Scope.open();
        NoGrad _ = NoGrad.open();
        Trace _ = Trace.open();
        Profile profile = Profile.open()) {
      // Traced, the network computes every intermediate result that its definition has.
      net.eval();
      Variable image = Network.image(1, size, net.device());
      net.forward(image, image);
      return profile.entries();
    }
  }

  /** Operations of all modules together, for one pair of {@code size} pixels. */
  public static double total(ChangeNet.Config config, int size) {
    return forward(config, size).stream().mapToDouble(Profile.Entry::flops).sum();
  }
}
