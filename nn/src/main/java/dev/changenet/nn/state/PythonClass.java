package dev.changenet.nn.state;

/**
 * The name of a Python class or function met in a pickle. It stands for nothing but its name.
 *
 * @param name module and name joined by a dot, Python 2's module names replaced by Python 3's
 */
public record PythonClass(String name) {
  static PythonClass of(String module, String name) {
    String current =
        switch (module) {
          case "__builtin__" -> "builtins";
          case "copy_reg" -> "copyreg";
          default -> module;
        };
    return new PythonClass(current + "." + name);
  }
}
