#!/bin/sh
# Builds the benchmark module and times kernels and whole steps:
#   scripts/benchmark.sh [key=value ...]       a table beside the machine's measured peak
#   scripts/benchmark.sh ort [key=value ...]   inference in turns with ONNX Runtime
#   scripts/benchmark.sh worker                answers timing requests on standard input
# (see Main, OrtComparison and Worker in changenet/benchmark/src for the keys and the protocol).
set -eu
root=$(CDPATH='' cd -P "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/find-java.sh
. "$root/scripts/find-java.sh"
find_java
[ -n "$java_home" ] || { echo "benchmark: Java 25 is needed, found ${java_seen:-no Java}" >&2; exit 1; }
JAVA_HOME=$java_home mvn -q -B -f "$root/pom.xml" -Dstrict=false -DskipTests package \
  -pl changenet/benchmark -am </dev/null >&2
module=$root/changenet/benchmark/target
cp=$module/classes
main=dev.changenet.benchmark.Main
case ${1-} in
  ort)
    shift
    main=dev.changenet.benchmark.OrtComparison
    cp=$cp:$module/test-classes
    ;;
  worker)
    shift
    main=dev.changenet.benchmark.Worker
    ;;
esac
for jar in "$module"/lib/*.jar; do cp=$cp:$jar; done
# With the options that tasks have; a collector can't be chosen here.
options=$root/scripts/java.options
# shellcheck source=scripts/start-java.sh
. "$root/scripts/start-java.sh"
# shellcheck disable=SC2086
exec "$java_home/bin/java" $task_vm $task_gc $task_pages -XX:MaxRAMPercentage=70 ${CHANGENET_JAVA_OPTS-} \
  -cp "$cp" "$main" "$@"
