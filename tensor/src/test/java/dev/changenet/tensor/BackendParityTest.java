package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cpu.Parallel;
import dev.changenet.testing.OpParity;
import dev.changenet.testing.OpTable;
import dev.changenet.testing.OpTransfer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The CPU kernels agree with the reference on the whole op table, for any number of threads. */
class BackendParityTest {
  private final int threads = Parallel.threads();

  @AfterEach
  void restoreThreads() {
    Parallel.setThreads(threads);
  }

  static List<OpTable.Row> rows() {
    return OpTable.rows();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void cpuAgreesWithTheReference(OpTable.Row row) {
    long storages = MemoryUse.liveStorages();
    Map<String, double[]> expected = row.run(Device.REFERENCE);
    Parallel.setThreads(1);
    Map<String, double[]> alone = row.run(Device.CPU);
    OpParity.assertClose(row, alone, expected);
    for (int n : new int[] {2, 4}) {
      Parallel.setThreads(n);
      OpParity.assertIdentical(row + " with " + n + " threads", row.run(Device.CPU), alone);
    }
    assertThat(MemoryUse.liveStorages()).as("storages left behind").isEqualTo(storages);
  }

  /** The first row of each method. */
  static Collection<OpTable.Row> methods() {
    Map<String, OpTable.Row> first = new LinkedHashMap<>();
    rows().forEach(row -> first.putIfAbsent(method(row), row));
    return first.values();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("methods")
  void cpuComputesFloat64AsTheReferenceDoes(OpTable.Row row) {
    Map<String, double[]> expected = run(row, Device.REFERENCE);
    OpParity.assertIdentical(row + " in float64", run(row, Device.CPU), expected);
  }

  private static Map<String, double[]> run(OpTable.Row row, Device device) {
    return row.run(Backends.of(device), device, DType.FLOAT64, OpTransfer.HEAP);
  }

  private static String method(OpTable.Row row) {
    return row.name().split(" ")[0];
  }

  @Test
  void everyBackendMethodHasARowNamedAfterIt() {
    Set<String> called = new TreeSet<>();
    for (OpTable.Row row : methods()) {
      Set<String> byRow = new TreeSet<>();
      row.run(recording(byRow), Device.REFERENCE, DType.FLOAT32, OpTransfer.HEAP);
      assertThat(byRow).as(row.name()).contains(method(row));
      called.addAll(byRow);
    }
    Set<String> methods = new TreeSet<>();
    for (Method family : Backend.class.getMethods()) {
      if (isFamily(family)) {
        for (Method m : family.getReturnType().getMethods()) {
          methods.add(family.getName() + "." + m.getName());
        }
      }
    }
    assertThat(methods).isNotEmpty();
    assertThat(called).containsExactlyElementsOf(methods);
  }

  @Test
  void rowNamesAreUnique() {
    assertThat(rows()).extracting(OpTable.Row::name).doesNotHaveDuplicates();
  }

  private static boolean isFamily(Method m) {
    return m.getParameterCount() == 0
        && m.getReturnType().getPackage() == Backend.class.getPackage();
  }

  /** The reference backend, noting each family method that is called. */
  private static Backend recording(Set<String> called) {
    Backend reference = Backends.of(Device.REFERENCE);
    return (Backend)
        proxy(
            Backend.class,
            (method, args) -> {
              Object result = invoke(method, reference, args);
              if (!isFamily(method)) {
                return result;
              }
              return proxy(
                  method.getReturnType(),
                  (op, opArgs) -> {
                    called.add(method.getName() + "." + op.getName());
                    return invoke(op, result, opArgs);
                  });
            });
  }

  private interface Call {
    Object run(Method method, Object[] args) throws Throwable;
  }

  private static Object proxy(Class<?> type, Call call) {
    return Proxy.newProxyInstance(
        type.getClassLoader(),
        new Class<?>[] {type},
        (self, method, args) -> call.run(method, args));
  }

  private static Object invoke(Method method, Object target, Object[] args) throws Throwable {
    try {
      return method.invoke(target, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
