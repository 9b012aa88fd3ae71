package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Op;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.tensor.Storage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The part of a trace that the outputs depend on, with producers and consumers. */
final class TraceGraph {
  private final List<Trace.Node> nodes = new ArrayList<>();
  private final Map<Variable, Trace.Node> producers = new IdentityHashMap<>();
  private final Map<Variable, List<Trace.Node>> consumers = new IdentityHashMap<>();
  private final Set<Variable> outputs = Collections.newSetFromMap(new IdentityHashMap<>());

  TraceGraph(Trace trace, List<Variable> outputs) {
    this.outputs.addAll(outputs);
    Map<Storage, List<Variable>> computed = new IdentityHashMap<>();
    for (Trace.Node node : trace.nodes()) {
      Variable v = node.output();
      if (!v.data().isClosed()) {
        computed.computeIfAbsent(v.data().storage(), k -> new ArrayList<>()).add(v);
      }
    }
    Set<Variable> needed = Collections.newSetFromMap(new IdentityHashMap<>());
    outputs.forEach(v -> need(v, computed, needed));
    for (Trace.Node node : trace.nodes().reversed()) {
      if (needed.contains(node.output())) {
        nodes.add(node);
        producers.put(node.output(), node);
        for (Variable input : operands(node)) {
          need(input, computed, needed);
          consumers.computeIfAbsent(input, k -> new ArrayList<>()).add(node);
        }
      }
    }
    Collections.reverse(nodes);
  }

  /**
   * Marks {@code v}, and computed values on the same memory: v may be a variable wrapped anew
   * around one of them, as when a gradient is cut off.
   */
  private static void need(
      Variable v, Map<Storage, List<Variable>> computed, Set<Variable> needed) {
    needed.add(v);
    List<Variable> same = computed.getOrDefault(v.data().storage(), List.of());
    if (!same.contains(v)) {
      same.stream().filter(c -> c.shape().equals(v.shape())).forEach(needed::add);
    }
  }

  /** The inputs that influence the node's output, absent ones left out. */
  static List<Variable> operands(Trace.Node node) {
    List<Variable> in = new ArrayList<>();
    // Idle parameters, by definition, do not take part.
    int count = node.function().op() == Op.ATTACH_IDLE ? 1 : node.inputs().size();
    for (Variable v : node.inputs().subList(0, count)) {
      if (v != null) {
        in.add(v);
      }
    }
    return in;
  }

  /** Needed nodes in order of execution. */
  List<Trace.Node> nodes() {
    return nodes;
  }

  /** The node that computes {@code v}, or null for a leaf. */
  Trace.Node producer(Variable v) {
    return producers.get(v);
  }

  /** Nodes that use {@code v}; one that uses it twice is listed twice. */
  List<Trace.Node> consumers(Variable v) {
    return consumers.getOrDefault(v, List.of());
  }

  /** True when {@code node} alone uses {@code v}, which isn't an output. */
  boolean usedOnlyBy(Variable v, Trace.Node node) {
    return !outputs.contains(v) && consumers(v).stream().allMatch(n -> n == node);
  }

  boolean isOutput(Variable v) {
    return outputs.contains(v);
  }
}
