package dev.changenet.tensor.backend;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.DryStorage;
import dev.changenet.tensor.Tensor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/**
 * The backend of a {@link dev.changenet.tensor.DryRun}: tensors without memory and kernels without
 * work, for every op family there is, those to come included.
 */
final class DryBackend implements InvocationHandler {
  private final Footprint footprint;

  private DryBackend(Footprint footprint) {
    this.footprint = footprint;
  }

  static Backend create(Footprint footprint) {
    return (Backend) proxy(Backend.class, new DryBackend(footprint));
  }

  private static Object proxy(Class<?> type, InvocationHandler handler) {
    return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler);
  }

  /** Answers a call on the backend itself or on one of its families. */
  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    if (method.getDeclaringClass() == Object.class) {
      return method.invoke(this, arguments);
    }
    if (proxy instanceof Backend) {
      return switch (method.getName()) {
        case "name" -> "dry run";
        case "allocate" -> new DryStorage((DType) arguments[0], (long) arguments[1]);
        case "upload", "download" -> null;
        case "forgetWeight" -> {
          footprint.forgetWeight((Tensor) arguments[0]);
          yield null;
        }
        default -> proxy(method.getReturnType(), this);
      };
    }
    Object[] given = arguments == null ? new Object[0] : arguments;
    if (method.isDefault() && !footprint.hasOwn(method.getName(), given)) {
      return InvocationHandler.invokeDefault(proxy, method, given);
    }
    footprint.kernel(method.getName(), given);
    DryRun.tell(method.getName(), given);
    return nothing(method.getReturnType());
  }

  /** What a kernel that counts or measures returns; counts are 1 so that nobody divides by 0. */
  private static Object nothing(Class<?> type) {
    if (type == void.class) {
      return null;
    }
    if (type == long.class) {
      return 1L;
    }
    if (type == int.class) {
      return 1;
    }
    if (type == boolean.class) {
      return false;
    }
    if (type == double.class) {
      return 0.0;
    }
    if (type == float.class) {
      return 0f;
    }
    throw new IllegalStateException("a dry run can't answer a kernel that returns " + type);
  }
}
