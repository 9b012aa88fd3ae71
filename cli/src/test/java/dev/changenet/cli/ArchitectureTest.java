package dev.changenet.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which package may use which: the direction of the modules, and who may touch the hardware. */
class ArchitectureTest {
  private static final String ROOT = "dev.changenet..";
  private static final String TENSOR = "dev.changenet.tensor..";
  private static final String AUTOGRAD = "dev.changenet.autograd..";
  private static final String NN = "dev.changenet.nn..";
  private static final String ONNX = "dev.changenet.onnx..";
  private static final String CLI = "dev.changenet.cli..";

  private static JavaClasses project;

  @BeforeAll
  static void readClasses() {
    project =
        new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/"))
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("dev.changenet");
  }

  @ParameterizedTest
  @ValueSource(strings = {TENSOR, AUTOGRAD, NN, ONNX, CLI})
  void seesTheClassesOfEveryLayer(String layer) {
    assertThat(project.that(resideInAPackage(layer))).isNotEmpty();
  }

  @Test
  void tensorUsesNothingElseOfTheProject() {
    usesOfTheProjectOnly(TENSOR).check(project);
  }

  @Test
  void autogradUsesOnlyTensor() {
    usesOfTheProjectOnly(AUTOGRAD, TENSOR).check(project);
  }

  @Test
  void nnUsesOnlyAutogradAndTensor() {
    usesOfTheProjectOnly(NN, AUTOGRAD, TENSOR).check(project);
  }

  @Test
  void onnxUsesNeitherLayersNorModels() {
    usesOfTheProjectOnly(ONNX, AUTOGRAD, TENSOR).check(project);
  }

  @Test
  void onlyTheCommandLineUsesTheCommandLine() {
    noClasses()
        .that(resideInAPackage(ROOT).and(not(resideInAPackage(CLI))))
        .should()
        .dependOnClassesThat(resideInAPackage(CLI))
        .check(project);
  }

  @Test
  void onlyTheCpuBackendUsesTheVectorApi() {
    onlyPackageUses("dev.changenet.tensor.cpu..", "jdk.incubator.vector..").check(project);
  }

  @Test
  void onlyTheCudaBackendUsesJcuda() {
    onlyPackageUses("dev.changenet.tensor.cuda..", "jcuda..").check(project);
  }

  @Test
  void onlyTheCommandLineWritesToTheStandardStreams() {
    noClasses()
        .that(resideInAPackage(ROOT).and(not(resideInAPackage(CLI))))
        .should(ACCESS_STANDARD_STREAMS)
        .because("a library reports through its results and its log")
        .check(project);
  }

  private static ArchRule usesOfTheProjectOnly(String layer, String... lower) {
    String[] allowed = Arrays.copyOf(lower, lower.length + 1);
    allowed[lower.length] = layer;
    DescribedPredicate<JavaClass> forbidden =
        resideInAPackage(ROOT)
            .and(not(resideInAnyPackage(allowed)))
            .as("the project's packages other than %s", Arrays.toString(allowed));
    return noClasses().that().resideInAPackage(layer).should().dependOnClassesThat(forbidden);
  }

  private static ArchRule onlyPackageUses(String user, String library) {
    return classes()
        .that(resideInAPackage(ROOT).and(not(resideInAPackage(user))))
        .should()
        .onlyDependOnClassesThat(not(resideInAPackage(library)))
        .because("only " + user + " may use " + library);
  }
}
