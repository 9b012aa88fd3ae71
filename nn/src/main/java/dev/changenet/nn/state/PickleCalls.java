package dev.changenet.nn.state;

import static dev.changenet.nn.state.CheckpointException.quote;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a pickle may call. A call is imitated here, kept as an inert {@link PythonObject}, or
 * refuses the file; code named in the file never runs.
 */
final class PickleCalls {
  /** Constructors of plain data met in training checkpoints; nothing reads what they hold. */
  private static final Set<String> INERT =
      Set.of(
          "argparse.Namespace",
          "builtins.complex",
          "builtins.range",
          "builtins.slice",
          "collections.Counter",
          "collections.deque",
          "copyreg._reconstructor",
          "datetime.date",
          "datetime.datetime",
          "datetime.time",
          "datetime.timedelta",
          "numpy.core.multiarray._reconstruct",
          "numpy._core.multiarray._reconstruct",
          "numpy.dtype",
          // typing's aliases, such as List[int], are pickled as a subscription
          "_operator.getitem",
          "operator.getitem",
          "pathlib.Path",
          "pathlib.PosixPath",
          "pathlib.PurePosixPath",
          "pathlib.PureWindowsPath",
          "pathlib.WindowsPath",
          "torch.device");

  /** Packages whose enumerations and settings appear among TAO's hyperparameters. */
  private static final List<String> INERT_PACKAGES =
      List.of("nvidia_tao_", "omegaconf.", "pytorch_lightning.", "lightning.");

  private static final int MAX_RANK = 64;

  /** Names of equal hash are searched much more slowly, and no checkpoint has such keys. */
  private static final int CLASS_KEY_COST = 1000;

  private static final int EQUAL_HASH_COST = 100;

  private final ByteCursor in;
  private final PickleBudget budget;
  private final long maxElements;

  PickleCalls(ByteCursor in, PickleBudget budget, long maxElements) {
    this.in = in;
    this.budget = budget;
    this.maxElements = maxElements;
  }

  /** Returns the result of REDUCE. */
  Object call(Object callable, Object arguments) {
    String name = className(callable);
    if (!(arguments instanceof Tuple args)) {
      throw in.refuse("a call of " + quote(name) + " without a tuple of arguments");
    }
    return switch (name) {
      case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor" ->
          rebuildTensor(name, args);
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" ->
          argument(StoredTensor.class, name, args, 0);
      case "torch._tensor._rebuild_from_type_v2" -> rebuildFromType(name, args);
      case "torch.Size" -> args.isEmpty() ? args : argument(Tuple.class, name, args, 0);
      case "collections.OrderedDict" -> pairs(new OrderedDict(), name, args);
      case "builtins.dict" -> pairs(new LinkedHashMap<>(), name, args);
      case "collections.defaultdict" -> new LinkedHashMap<>();
      case "builtins.set", "builtins.frozenset" ->
          addAll(
              new LinkedHashSet<>(),
              args.isEmpty() ? args : argument(Collection.class, name, args, 0));
      case "builtins.bytearray", "builtins.bytes" ->
          args.isEmpty() ? new byte[0] : argument(byte[].class, name, args, 0);
      case "_codecs.encode" -> encode(name, args);
      case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar" ->
          numpyScalar(name, args);
      default -> {
        if (INERT.contains(name) || INERT_PACKAGES.stream().anyMatch(name::startsWith)) {
          yield new PythonObject(name, args);
        }
        throw in.refuse("calls " + quote(name) + ", which is not allowed; nothing was executed");
      }
    };
  }

  /** Returns the result of NEWOBJ: an empty container or an inert object. */
  Object newObject(Object type, Object arguments) {
    String name = className(type);
    if (!(arguments instanceof Tuple args)) {
      throw in.refuse("an object of " + quote(name) + " without a tuple of arguments");
    }
    return switch (name) {
      case "collections.OrderedDict" -> new OrderedDict();
      case "builtins.dict", "collections.defaultdict" -> new LinkedHashMap<>();
      default -> new PythonObject(name, args);
    };
  }

  /** Performs BUILD: gives an object its attributes. */
  void build(Object object, Object state) {
    switch (object) {
      case PythonObject inert -> inert.setState(state);
      case OrderedDict dict when state instanceof Map<?, ?> attributes -> {
        budget.spend(attributes.size());
        dict.attributes().putAll(attributes);
      }
      case null, default -> throw in.refuse("attributes set on what can't have any");
    }
  }

  /** Returns {@code key} if it may be a dictionary key or set element. */
  Object key(Object key) {
    if (isScalar(key)) {
      if (key instanceof PythonClass) {
        budget.spend(CLASS_KEY_COST);
      }
      return key;
    }
    // Nested tuples are refused: hashing shared ones takes time exponential in their depth.
    if (key instanceof Tuple tuple && tuple.stream().allMatch(PickleCalls::isScalar)) {
      budget.spend(tuple.size() + EQUAL_HASH_COST);
      return key;
    }
    throw in.refuse("a dictionary key or set element that can't be one");
  }

  private static boolean isScalar(Object value) {
    return value == null
        || value instanceof String
        || value instanceof Number
        || value instanceof Boolean
        || value instanceof PythonClass
        || value instanceof PythonObject
        || value instanceof StoredTensor
        || value instanceof byte[];
  }

  LinkedHashSet<Object> addAll(LinkedHashSet<Object> set, Collection<?> items) {
    budget.spend(items.size());
    for (Object item : items) {
      set.add(key(item));
    }
    return set;
  }

  private String className(Object type) {
    if (type instanceof PythonClass named) {
      return named.name();
    }
    throw in.refuse("calls what is no class or function");
  }

  private <T> T argument(Class<T> type, String name, Tuple args, int i) {
    if (i < args.size() && type.isInstance(args.get(i))) {
      return type.cast(args.get(i));
    }
    throw in.refuse(
        "argument " + (i + 1) + " of " + quote(name) + " is missing or of a wrong type");
  }

  private LinkedHashMap<Object, Object> pairs(
      LinkedHashMap<Object, Object> map, String name, Tuple args) {
    if (args.isEmpty()) {
      return map;
    }
    if (args.get(0) instanceof Map<?, ?> entries) {
      budget.spend(entries.size());
      map.putAll(entries);
      return map;
    }
    List<?> list = argument(List.class, name, args, 0);
    budget.spend(list.size());
    for (Object pair : list) {
      if (!(pair instanceof List<?> two) || two.size() != 2) {
        throw in.refuse("a dictionary entry that is no pair");
      }
      map.put(key(two.get(0)), two.get(1));
    }
    return map;
  }

  private byte[] encode(String name, Tuple args) {
    String text = argument(String.class, name, args, 0);
    String encoding = argument(String.class, name, args, 1);
    if (!encoding.equals("latin1")) {
      throw in.refuse("bytes in encoding " + quote(encoding) + ", expected 'latin1'");
    }
    budget.spend(text.length());
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private Object numpyScalar(String name, Tuple args) {
    PythonObject dtype = argument(PythonObject.class, name, args, 0);
    String code = !dtype.args().isEmpty() && dtype.args().get(0) instanceof String c ? c : "";
    StoredType type =
        switch (code) {
          case "f8" -> StoredType.FLOAT64;
          case "f4" -> StoredType.FLOAT32;
          case "i8" -> StoredType.INT64;
          case "i4" -> StoredType.INT32;
          case "b1" -> StoredType.BOOL;
          default -> null;
        };
    if (type == null || args.size() < 2 || !(args.get(1) instanceof byte[] bytes)) {
      return new PythonObject(name, args);
    }
    if (bytes.length != type.bytes()) {
      throw in.refuse("a number of type " + code + " in " + bytes.length + " bytes");
    }
    StoredTensor value = StoredTensor.ofBytes(type, new int[0], bytes);
    return switch (type) {
      case BOOL -> value.item() != 0;
      case INT64, INT32 -> value.toLongs()[0];
      default -> value.item();
    };
  }

  /** Arguments: function, class, the function's arguments, attributes; only the tensor matters. */
  private StoredTensor rebuildFromType(String name, Tuple args) {
    PythonClass function = argument(PythonClass.class, name, args, 0);
    if (!function.name().equals("torch._utils._rebuild_tensor_v2")
        && !function.name().startsWith("torch._utils._rebuild_parameter")) {
      throw in.refuse("calls " + quote(function.name()) + ", which is not allowed");
    }
    return (StoredTensor) call(function, argument(Tuple.class, name, args, 2));
  }

  /** Arguments: storage, offset, shape, strides, then what concerns gradients only. */
  private StoredTensor rebuildTensor(String name, Tuple args) {
    Storage storage = argument(Storage.class, name, args, 0);
    long offset = argument(Long.class, name, args, 1);
    Tuple sizes = argument(Tuple.class, name, args, 2);
    Tuple steps = argument(Tuple.class, name, args, 3);
    if (sizes.size() > MAX_RANK || steps.size() != sizes.size()) {
      throw in.refuse(
          "a tensor with " + sizes.size() + " dimensions and " + steps.size() + " strides");
    }
    budget.spend(sizes.size());
    int[] shape = new int[sizes.size()];
    long[] stride = new long[sizes.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dimension(argument(Long.class, name, sizes, i));
      stride[i] = argument(Long.class, name, steps, i);
    }
    StoredTensor tensor;
    try {
      tensor = new StoredTensor(storage, shape, stride, offset);
    } catch (IllegalArgumentException e) {
      throw in.refuse(e.getMessage());
    }
    // A view can repeat elements; it still must not promise more than the file could hold.
    if (tensor.count() > maxElements) {
      throw in.refuse(
          "a tensor of " + tensor.count() + " elements in a file of " + maxElements + " bytes");
    }
    return tensor;
  }

  private int dimension(long size) {
    if (size < 0 || size > Integer.MAX_VALUE) {
      throw in.refuse("a tensor dimension of " + size);
    }
    return (int) size;
  }
}
