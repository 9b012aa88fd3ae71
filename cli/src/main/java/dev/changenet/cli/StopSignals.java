package dev.changenet.cli;

import dev.changenet.train.Interruption;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.LoggerFactory;

/**
 * Turns Ctrl-C and the system's wish to end the process into a wish to stop at the next safe point.
 * A second signal ends the process at once.
 *
 * <p>A shutdown hook would not do: while it waits for the run, the virtual machine holds back every
 * further signal. The class that handles signals is reached by reflection because javac warns about
 * every direct use of it.
 */
final class StopSignals implements AutoCloseable {
  private static final Map<String, Integer> NUMBERS = new LinkedHashMap<>();

  static {
    NUMBERS.put("INT", 2);
    NUMBERS.put("TERM", 15);
    NUMBERS.put("HUP", 1);
  }

  private final Interruption interruption;
  private final Runnable onFirst;
  private final Map<Object, Object> previous = new LinkedHashMap<>();
  private volatile int received;

  /**
   * @param onFirst tells the user that the run is going to stop
   */
  StopSignals(Interruption interruption, Runnable onFirst) {
    this.interruption = interruption;
    this.onFirst = onFirst;
    NUMBERS.forEach(this::handle);
  }

  /** Returns the exit code of a process that ended because of the signal received. */
  int exitCode() {
    return 128 + (received == 0 ? NUMBERS.get("INT") : received);
  }

  private void handle(String name, int number) {
    try {
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Object signal =
          Class.forName("sun.misc.Signal").getConstructor(String.class).newInstance(name);
      InvocationHandler handler = (proxy, method, args) -> answer(proxy, method, args, number);
      Object mine =
          Proxy.newProxyInstance(
              StopSignals.class.getClassLoader(), new Class<?>[] {handlerType}, handler);
      Object old = set(signal, mine);
      // nohup means it.
      boolean ignored = old == handlerType.getField("SIG_IGN").get(null);
      if (name.equals("HUP") && ignored) {
        set(signal, old);
      } else {
        previous.put(signal, old);
      }
    } catch (InvocationTargetException e) {
      // Some systems lack a signal, and -Xrs leaves them all to the user.
      LoggerFactory.getLogger(StopSignals.class)
          .debug("signal {} keeps its usual effect: {}", name, String.valueOf(e.getCause()));
    } catch (ReflectiveOperationException e) {
      LoggerFactory.getLogger(StopSignals.class)
          .debug("signals keep their usual effect on this Java: {}", e.toString());
    }
  }

  private Object answer(Object proxy, Method method, Object[] args, int number) {
    return switch (method.getName()) {
      case "handle" -> {
        received(number);
        yield null;
      }
      case "equals" -> proxy == args[0];
      case "hashCode" -> System.identityHashCode(proxy);
      default -> "stop signal " + number;
    };
  }

  private synchronized void received(int number) {
    if (received != 0) {
      Runtime.getRuntime().halt(128 + number);
    }
    received = number;
    interruption.request();
    onFirst.run();
  }

  private static Object set(Object signal, Object handler) throws ReflectiveOperationException {
    return Class.forName("sun.misc.Signal")
        .getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler"))
        .invoke(null, signal, handler);
  }

  /** Gives the signals their former effect. */
  @Override
  public void close() {
    previous.forEach(
        (signal, handler) -> {
          try {
            set(signal, handler);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot restore the handler of " + signal, e);
          }
        });
  }
}
