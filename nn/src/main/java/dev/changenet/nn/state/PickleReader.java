package dev.changenet.nn.state;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Evaluates a pickle (protocols 2 to 5) to plain Java values: Map, List, {@link Tuple}, Set,
 * String, Long, BigInteger, Double, Boolean, byte[], null, {@link StoredTensor}, {@link
 * PythonClass} and {@link PythonObject}.
 *
 * <p>Nothing is executed: the few callables of weight files are imitated by {@link PickleCalls},
 * every other call refuses the file, and objects of other classes stay inert.
 *
 * <p>Source: the opcode descriptions of CPython's {@code pickletools} module.
 */
final class PickleReader {
  private static final int MAX_MARKS = 1000;
  private static final int MAX_NAME_BYTES = 1024;
  private static final int MAX_INTEGER_BYTES = 4096;

  private final ByteCursor in;
  private final Function<Object, Object> persistentLoad;
  private final PickleBudget budget;
  private final PickleCalls calls;
  private final ArrayList<Object> stack = new ArrayList<>();
  private final ArrayList<Integer> marks = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();

  /**
   * Makes a reader.
   *
   * @param persistentLoad turns a persistent id into an object, here a storage
   * @param maxElements no tensor may have more elements than this
   */
  PickleReader(ByteCursor in, Function<Object, Object> persistentLoad, long maxElements) {
    this.in = in;
    this.persistentLoad = persistentLoad;
    this.budget = new PickleBudget(in);
    this.calls = new PickleCalls(in, budget, maxElements);
  }

  /** Reads one pickle up to and including its STOP. */
  Object read() {
    if (in.u8() != 0x80) {
      throw in.refuse("not a pickle (it doesn't start with a protocol number)");
    }
    int protocol = in.u8();
    if (protocol < 2 || protocol > 5) {
      throw in.refuse("pickle protocol " + protocol + ", expected 2 to 5");
    }
    for (int opcode = in.u8(); opcode != '.'; opcode = in.u8()) {
      budget.spend(1);
      if (!constant(opcode) && !container(opcode)) {
        object(opcode);
      }
    }
    Object result = pop();
    if (!stack.isEmpty() || !marks.isEmpty()) {
      throw in.refuse("the pickle ends with values left over");
    }
    PickleDepth.check(result, in);
    return result;
  }

  /** Handles the opcodes that push a number, a text or nothing; false if it is none of them. */
  private boolean constant(int opcode) {
    switch (opcode) {
      case 0x80 -> in.u8(); // PROTO once more
      case 0x95 -> in.i64(); // FRAME, a hint for buffering
      case 'N' -> stack.add(null);
      case 0x88 -> stack.add(true);
      case 0x89 -> stack.add(false);
      case 'J' -> stack.add((long) in.i32()); // BININT
      case 'K' -> stack.add((long) in.u8()); // BININT1
      case 'M' -> stack.add((long) in.u16()); // BININT2
      case 0x8a -> stack.add(integer(in.u8())); // LONG1
      case 0x8b -> stack.add(integer(in.u32())); // LONG4
      case 'G' -> stack.add(in.bigEndianDouble()); // BINFLOAT
      case 'U' -> stack.add(in.latin1(in.u8())); // SHORT_BINSTRING
      case 'T' -> stack.add(in.latin1(in.u32())); // BINSTRING
      case 0x8c -> stack.add(in.utf8(in.u8())); // SHORT_BINUNICODE
      case 'X' -> stack.add(in.utf8(in.u32())); // BINUNICODE
      case 0x8d -> stack.add(in.utf8(in.i64())); // BINUNICODE8
      case 'C' -> stack.add(in.copy(in.u8())); // SHORT_BINBYTES
      case 'B' -> stack.add(in.copy(in.u32())); // BINBYTES
      case 0x8e, 0x96 -> stack.add(in.copy(in.i64())); // BINBYTES8, BYTEARRAY8
      default -> {
        return false;
      }
    }
    return true;
  }

  private Object integer(long bytes) {
    if (bytes > MAX_INTEGER_BYTES) {
      throw in.refuse("an integer of " + bytes + " bytes, at most " + MAX_INTEGER_BYTES);
    }
    byte[] magnitude = in.copy(bytes);
    for (int i = 0, j = magnitude.length - 1; i < j; i++, j--) {
      byte swapped = magnitude[i];
      magnitude[i] = magnitude[j];
      magnitude[j] = swapped;
    }
    BigInteger value = magnitude.length == 0 ? BigInteger.ZERO : new BigInteger(magnitude);
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  /** Handles stack, memo, lists, tuples, dictionaries and sets; false if it is none of them. */
  private boolean container(int opcode) {
    switch (opcode) {
      case '(' -> mark();
      case '0' -> pop();
      case '1' -> popMark();
      case '2' -> stack.add(top()); // DUP
      case 'h' -> recall(in.u8()); // BINGET
      case 'j' -> recall(in.u32()); // LONG_BINGET
      case 'q' -> memo.put((long) in.u8(), top()); // BINPUT
      case 'r' -> memo.put(in.u32(), top()); // LONG_BINPUT
      case 0x94 -> memo.put((long) memo.size(), top()); // MEMOIZE
      case ']' -> stack.add(new ArrayList<>(0));
      case 'a' -> append(Collections.singletonList(pop())); // APPEND
      case 'e' -> append(popMark()); // APPENDS
      case 'l' -> stack.add(new ArrayList<>(popMark())); // LIST
      case ')' -> stack.add(Tuple.of());
      case 't' -> stack.add(Tuple.copyOf(popMark()));
      case 0x85 -> stack.add(tuple(1));
      case 0x86 -> stack.add(tuple(2));
      case 0x87 -> stack.add(tuple(3));
      case '}' -> stack.add(new LinkedHashMap<>());
      case 'd' -> { // DICT
        List<Object> items = popMark();
        stack.add(new LinkedHashMap<>());
        setItems(items);
      }
      case 's' -> setItems(tuple(2)); // SETITEM
      case 'u' -> setItems(popMark()); // SETITEMS
      case 0x8f -> stack.add(new LinkedHashSet<>());
      case 0x90 -> { // ADDITEMS
        List<Object> items = popMark();
        if (!(top() instanceof LinkedHashSet<?> set)) {
          throw in.refuse("elements added to what is no set");
        }
        calls.addAll(castSet(set), items);
      }
      case 0x91 -> stack.add(calls.addAll(new LinkedHashSet<>(), popMark())); // FROZENSET
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Handles the opcodes that make objects. */
  private void object(int opcode) {
    switch (opcode) {
      case 'c' -> stack.add(PythonClass.of(in.line(MAX_NAME_BYTES), in.line(MAX_NAME_BYTES)));
      case 0x93 -> { // STACK_GLOBAL
        if (pop() instanceof String name && pop() instanceof String module) {
          stack.add(PythonClass.of(module, name));
        } else {
          throw in.refuse("the name of a class is no text");
        }
      }
      case 'R' -> {
        Object arguments = pop();
        stack.add(calls.call(pop(), arguments));
      }
      case 0x81 -> { // NEWOBJ
        Object arguments = pop();
        stack.add(calls.newObject(pop(), arguments));
      }
      case 0x92 -> { // NEWOBJ_EX
        Tuple arguments = tuple(2);
        stack.add(calls.newObject(pop(), arguments));
      }
      case 'b' -> { // BUILD
        Object state = pop();
        calls.build(top(), state);
      }
      case 'Q' -> stack.add(persistentLoad.apply(pop())); // BINPERSID
      default ->
          throw in.refuse("pickle opcode 0x%02x is not used by weight files".formatted(opcode));
    }
  }

  /** Number of stack entries below the innermost mark; they can't be reached until it is gone. */
  private int floor() {
    return marks.isEmpty() ? 0 : marks.getLast();
  }

  private Object top() {
    if (stack.size() <= floor()) {
      throw in.refuse("the pickle uses more values than it made");
    }
    return stack.getLast();
  }

  private Object pop() {
    top();
    return stack.removeLast();
  }

  private void mark() {
    if (marks.size() >= MAX_MARKS) {
      throw in.refuse("the pickle nests deeper than " + MAX_MARKS + " levels");
    }
    marks.add(stack.size());
  }

  private List<Object> popMark() {
    if (marks.isEmpty()) {
      throw in.refuse("the pickle closes a group it didn't open");
    }
    List<Object> tail = stack.subList(marks.removeLast(), stack.size());
    List<Object> items = new ArrayList<>(tail);
    tail.clear();
    return items;
  }

  private Tuple tuple(int n) {
    Object[] items = new Object[n];
    for (int i = n - 1; i >= 0; i--) {
      items[i] = pop();
    }
    return Tuple.of(items);
  }

  private void recall(long index) {
    Object value = memo.get(index);
    if (value == null && !memo.containsKey(index)) {
      throw in.refuse("the pickle refers to value " + index + " that it didn't store");
    }
    stack.add(value);
  }

  private void append(List<Object> items) {
    switch (top()) {
      case ArrayList<?> list -> castList(list).addAll(items);
      case PythonObject object -> object.items().addAll(items);
      case null, default -> throw in.refuse("elements appended to what is no list");
    }
  }

  private void setItems(List<Object> keysAndValues) {
    if (keysAndValues.size() % 2 != 0) {
      throw in.refuse("a dictionary key without a value");
    }
    Map<Object, Object> map =
        switch (top()) {
          case LinkedHashMap<?, ?> dict -> castMap(dict);
          case PythonObject object -> object.entries();
          case null, default -> throw in.refuse("entries set on what is no dictionary");
        };
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      map.put(calls.key(keysAndValues.get(i)), keysAndValues.get(i + 1));
    }
  }

  // The containers on the stack were all made here, with element type Object.

  @SuppressWarnings("unchecked")
  private static List<Object> castList(Object list) {
    return (List<Object>) list;
  }

  @SuppressWarnings("unchecked")
  private static LinkedHashSet<Object> castSet(Object set) {
    return (LinkedHashSet<Object>) set;
  }

  @SuppressWarnings("unchecked")
  private static Map<Object, Object> castMap(Object map) {
    return (Map<Object, Object>) map;
  }
}
