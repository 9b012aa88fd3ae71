package dev.changenet.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.autograd.Variable;
import dev.changenet.backbone.FanVariant;
import dev.changenet.backbone.VitVariant;
import dev.changenet.nn.Module;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A golden case: its description, the network it asks for and its inputs. */
record GoldenCase(JsonNode json, Path folder) {
  /** A case of the golden data: from the test resources, else from the reference folder. */
  static GoldenCase of(String relative) {
    URL resource = GoldenCase.class.getResource("/golden/" + relative);
    try {
      return read(resource == null ? ReferenceData.golden(relative) : Path.of(resource.toURI()));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static GoldenCase read(Path file) {
    try {
      return new GoldenCase(new ObjectMapper().readTree(file.toFile()), file.getParent());
    } catch (IOException e) {
      throw new IllegalStateException(file + ": " + e.getMessage(), e);
    }
  }

  int batch() {
    return json.get("batch").asInt();
  }

  int height() {
    return json.get("height").asInt();
  }

  int width() {
    return json.get("width").asInt();
  }

  int classes() {
    return json.get("num_classes").asInt();
  }

  /** The network with weights by the formula; stochastic depth off. */
  ChangeNet network(Device device) {
    return network(device, false);
  }

  /** {@link #network(Device)}, which computes transformer blocks twice if {@code checkpoint}. */
  ChangeNet network(Device device, boolean checkpoint) {
    ChangeNet.Config config =
        new ChangeNet.Config(
            json.get("backbone").asText(),
            0.0,
            json.get("embed_dim").asInt(),
            classes(),
            List.of(4, 8, 16, isVit() ? 32 : 16),
            List.of(0, 1, 2, 3),
            false,
            json.path("model_img_size").asInt(height()),
            json.path("use_summary_token").asBoolean(false),
            checkpoint);
    ChangeNet net = isVit() ? vit(device, config) : fan(device, config);
    fill(net, json.get("weight_seed_prefix").asText());
    return net;
  }

  private ChangeNet fan(Device device, ChangeNet.Config config) {
    JsonNode d = json.path("definition");
    return !d.isObject()
        ? new ChangeNet(device, config)
        : new ChangeNet(
            device,
            config,
            new FanVariant(
                ints(d.get("convnext_depths")),
                ints(d.get("convnext_dims")),
                d.get("embed_dim").asInt(),
                d.get("depth").asInt(),
                d.get("num_heads").asInt(),
                d.get("out_index").asInt(),
                d.get("cls_attn_layers").asInt()));
  }

  private ChangeNet vit(Device device, ChangeNet.Config config) {
    JsonNode d = json.path("definition");
    VitVariant variant = VitVariant.of(config.backbone());
    if (d.isObject()) {
      boolean dino = d.has("swiglu_packed_hidden");
      int width = d.get("embed_dim").asInt();
      variant =
          new VitVariant(
              dino ? VitVariant.Core.NV_DINO_V2 : VitVariant.Core.C_RADIO_V2,
              width,
              d.get("depth").asInt(),
              d.get("num_heads").asInt(),
              dino ? d.get("swiglu_packed_hidden").asInt() / 2 : 4 * width,
              0,
              d.get("conv_inplane").asInt(),
              d.get("deform_num_heads").asInt(),
              d.path("cpe_max_size").asInt() / VitVariant.PATCH,
              false);
    }
    return new ChangeNet(device, config, variant.deterministic());
  }

  /** True for the ViT-Adapter backbones. */
  boolean isVit() {
    return !json.get("backbone").asText().contains("fan");
  }

  static void fill(ChangeNet net, String prefix) {
    for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
      Module.write(
          e.getValue(), GoldenFormula.entry(prefix, e.getKey(), e.getValue().shape().toArray()));
    }
  }

  private static int[] ints(JsonNode array) {
    int[] out = new int[array.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = array.get(i).asInt();
    }
    return out;
  }

  /** Image "x1" or "x2", channels-last. */
  Variable image(String which, Device device) {
    int b = batch();
    int h = height();
    int w = width();
    float[] nchw = GoldenFormula.image(json.get("image_seed").asText(), which, b, h, w);
    float[] nhwc = toNhwc(nchw, b, 3, h * w);
    Tensor t = Tensor.empty(Shape.of(b, h, w, 3), device.floating(), device);
    Module.write(t, nhwc);
    return new Variable(t);
  }

  int[] labels() {
    double ignore = json.path("ignore_fraction").asDouble(0);
    return GoldenFormula.label(
        json.get("image_seed").asText(), batch(), height(), width(), classes(), ignore);
  }

  static float[] toNhwc(float[] nchw, int b, int c, int pixels) {
    float[] out = new float[nchw.length];
    for (int n = 0; n < b; n++) {
      for (int k = 0; k < c; k++) {
        for (int p = 0; p < pixels; p++) {
          out[(n * pixels + p) * c + k] = nchw[(n * c + k) * pixels + p];
        }
      }
    }
    return out;
  }

  /** Values in the golden data's order: channels first for maps. */
  static double[] goldenOrder(Tensor t) {
    double[] out = new double[(int) t.elements()];
    float[] values = t.toFloatArray();
    if (t.rank() != 4) {
      for (int i = 0; i < out.length; i++) {
        out[i] = values[i];
      }
      return out;
    }
    int b = t.dim(0);
    int pixels = t.dim(1) * t.dim(2);
    int c = t.dim(3);
    for (int n = 0; n < b; n++) {
      for (int k = 0; k < c; k++) {
        for (int p = 0; p < pixels; p++) {
          out[(n * c + k) * pixels + p] = values[(n * pixels + p) * c + k];
        }
      }
    }
    return out;
  }

  /** Largest difference to the golden tensor over its largest absolute value. */
  double error(String tensorName, double[] ours) {
    JsonNode t = json.get("tensors").get(tensorName);
    long elements = 1;
    for (JsonNode d : t.get("shape")) {
      elements *= d.asLong();
    }
    if (elements != ours.length) {
      throw new AssertionError(
          tensorName + ": golden shape " + t.get("shape") + ", ours has " + ours.length);
    }
    double largest = Math.max(Math.abs(t.get("min").asDouble()), Math.abs(t.get("max").asDouble()));
    boolean sampled = t.has("sample_file");
    Npy golden = Npy.read(folder.resolve(t.get(sampled ? "sample_file" : "file").asText()));
    int stride = sampled ? t.get("sample_stride").asInt() : 1;
    double worst = 0;
    for (int i = 0; i < golden.values().length; i++) {
      double difference = Math.abs(golden.values()[i] - ours[i * stride]);
      // A NaN stays: it must count as an error.
      worst = Math.max(worst, difference);
    }
    return worst / largest;
  }
}
