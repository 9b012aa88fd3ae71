package dev.changenet.inspect;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A module with its tensors, its costs and the modules below it, by the parts of their names. */
public final class ModuleTree {
  private final String name;
  private final List<TensorInfo> tensors = new ArrayList<>();
  private final Map<String, ModuleTree> children = new LinkedHashMap<>();
  private Cost own = Cost.NONE;
  private int count = 1;

  /** An empty tree; {@code name} is what its root is called. */
  public ModuleTree(String name) {
    this.name = name;
  }

  /** Sorts a tensor in by the dots of its name. */
  public void add(TensorInfo tensor) {
    int dot = tensor.name().lastIndexOf('.');
    ModuleTree node = node(dot < 0 ? "" : tensor.name().substring(0, dot));
    node.tensors.add(tensor);
    node.own = node.own.plus(Cost.of(tensor));
  }

  /** Adds a cost to the module at a dotted path. */
  void add(String path, Cost cost) {
    ModuleTree node = node(path);
    node.own = node.own.plus(cost);
  }

  private ModuleTree node(String path) {
    ModuleTree node = this;
    if (!path.isEmpty()) {
      for (String part : path.split("\\.", -1)) {
        node = node.children.computeIfAbsent(part, ModuleTree::new);
      }
    }
    return node;
  }

  /** Last part of the name, or several where the upper ones have nothing else. */
  public String name() {
    return name;
  }

  /** Number of equal modules that this one stands for. */
  public int count() {
    return count;
  }

  /** The module's own tensors. */
  public List<TensorInfo> tensors() {
    return Collections.unmodifiableList(tensors);
  }

  public List<ModuleTree> children() {
    return List.copyOf(children.values());
  }

  /** The module at a dotted path below this one, or null. */
  public ModuleTree find(String path) {
    ModuleTree node = this;
    for (String part : path.split("\\.", -1)) {
      node = node == null ? null : node.children.get(part);
    }
    return node;
  }

  /** What the module does and has itself, without those below. */
  public Cost own() {
    return own;
  }

  /** What the module and all below it have and take. */
  public Cost total() {
    Cost sum = own;
    for (ModuleTree child : children.values()) {
      sum = sum.plus(child.total());
    }
    return sum;
  }

  /**
   * A shorter tree with the same sums: chains of modules with one child each become one, and equal
   * ones that follow each other in a list are added up.
   */
  public ModuleTree compact() {
    return grouped().withoutChains(name);
  }

  private ModuleTree withoutChains(String called) {
    ModuleTree out = new ModuleTree(called);
    out.tensors.addAll(tensors);
    out.own = own;
    out.count = count;
    for (ModuleTree child : children.values()) {
      ModuleTree end = child;
      String chain = child.name;
      while (end.isChain()) {
        end = end.children.values().iterator().next();
        chain = chain + "." + end.name;
      }
      out.children.put(chain, end.withoutChains(chain));
    }
    return out;
  }

  private boolean isChain() {
    return children.size() == 1 && tensors.isEmpty() && own.equals(Cost.NONE);
  }

  private ModuleTree grouped() {
    ModuleTree out = new ModuleTree(name);
    out.tensors.addAll(tensors);
    out.own = own;
    List<ModuleTree> run = new ArrayList<>();
    for (ModuleTree child : children.values()) {
      if (!run.isEmpty() && !sameList(run.getFirst(), child)) {
        out.put(merge(run));
        run.clear();
      }
      run.add(child);
    }
    if (!run.isEmpty()) {
      out.put(merge(run));
    }
    return out;
  }

  private void put(ModuleTree child) {
    children.put(child.name, child.grouped().times(child.count));
  }

  private ModuleTree times(int n) {
    count = n;
    return this;
  }

  private static boolean isNumber(String name) {
    return name.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static boolean sameList(ModuleTree a, ModuleTree b) {
    return isNumber(a.name) && isNumber(b.name) && alike(a, b);
  }

  /** Modules with the same parts, and tensors of the same shapes. */
  private static boolean alike(ModuleTree a, ModuleTree b) {
    return a.shapes().equals(b.shapes())
        && List.copyOf(a.children.keySet()).equals(List.copyOf(b.children.keySet()))
        && a.children.keySet().stream().allMatch(n -> alike(a.children.get(n), b.children.get(n)));
  }

  private List<String> shapes() {
    return tensors.stream()
        .map(
            t ->
                t.name().substring(t.name().lastIndexOf('.') + 1)
                    + t.dtype()
                    + t.shape()
                    + t.kind())
        .toList();
  }

  private static ModuleTree merge(List<ModuleTree> run) {
    ModuleTree first = run.getFirst();
    if (run.size() == 1) {
      return first;
    }
    ModuleTree out = new ModuleTree(first.name + "-" + run.getLast().name);
    out.count = run.size();
    out.addAll(run);
    return out;
  }

  private void addAll(List<ModuleTree> equal) {
    tensors.addAll(equal.getFirst().tensors);
    for (ModuleTree node : equal) {
      own = own.plus(node.own);
    }
    for (String key : equal.getFirst().children.keySet()) {
      List<ModuleTree> below = equal.stream().map(n -> n.children.get(key)).toList();
      ModuleTree child = new ModuleTree(key);
      child.addAll(below);
      children.put(key, child);
    }
  }

  /** The tree for JSON: names, sums, and everything below. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    Cost total = total();
    json.put("name", name);
    json.put("parameters", total.parameters());
    json.put("trainable", total.trainable());
    json.put("buffers", total.buffers());
    json.put("flops", total.flops());
    json.put("activation_bytes", total.kept());
    if (total.nanos() > 0) {
      json.put("forward_ms", total.forwardNanos() / 1e6);
      json.put("backward_ms", total.backwardNanos() / 1e6);
    }
    if (!tensors.isEmpty()) {
      json.put("tensors", tensors.stream().map(ModuleTree::toJson).toList());
    }
    if (!children.isEmpty()) {
      json.put("modules", children.values().stream().map(ModuleTree::toJson).toList());
    }
    return json;
  }

  private static Map<String, Object> toJson(TensorInfo t) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", t.name());
    json.put("dtype", t.dtype());
    json.put("shape", t.shape());
    json.put("kind", t.kind().name().toLowerCase(java.util.Locale.ROOT));
    return json;
  }
}
