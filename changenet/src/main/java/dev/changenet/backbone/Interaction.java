package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Module;
import dev.changenet.nn.StepRandom;
import dev.changenet.tensor.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Injector, a quarter of the transformer's blocks, extractor; the last one has two more. */
final class Interaction extends Module {
  private static final int EXTRA = 2;

  private final Injector injector;
  private final Extractor extractor;
  private final List<Extractor> extraExtractors = new ArrayList<>();

  Interaction(Device device, VitVariant variant, boolean last, StepRandom random) {
    super(device);
    injector = child("injector", new Injector(device, variant));
    extractor = child("extractor", new Extractor(device, variant, random));
    for (int i = 0; last && i < EXTRA; i++) {
      Extractor extra = new Extractor(device, variant, random);
      extraExtractors.add(child("extra_extractors." + i, extra));
    }
  }

  /**
   * Runs the interaction.
   *
   * @param x prefix and patch tokens [B, S + N, D]
   * @param c prior tokens [B, 4N + N + N/4, D]
   * @param blocks the transformer's blocks of this interaction
   * @return the new x and c
   */
  List<Variable> call(Variable x, Variable c, UnaryOperator<Variable> blocks, AdapterGrid grid) {
    return runAll(
        () -> {
          int n = grid.patches();
          int prefix = x.dim(1) - n;
          Variable patches = injector.call(Functional.narrow(x, 1, prefix, n), c, grid);
          Variable y =
              blocks.apply(Functional.concat(1, Functional.narrow(x, 1, 0, prefix), patches));
          patches = Functional.narrow(y, 1, prefix, n);
          Variable d = extractor.call(c, patches, grid);
          for (Extractor extra : extraExtractors) {
            d = extra.call(d, patches, grid);
          }
          return List.of(y, d);
        });
  }
}
