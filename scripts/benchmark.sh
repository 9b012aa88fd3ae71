#!/bin/sh
# Builds the benchmark module and times whole steps: scripts/benchmark.sh [key=value ...]
# (see changenet/benchmark/src/main/java/dev/changenet/benchmark/Main.java for the keys).
set -eu
root=$(CDPATH='' cd -P "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/find-java.sh
. "$root/scripts/find-java.sh"
find_java
[ -n "$java_home" ] || { echo "benchmark: Java 25 is needed, found ${java_seen:-no Java}" >&2; exit 1; }
JAVA_HOME=$java_home mvn -q -B -f "$root/pom.xml" -Dstrict=false -DskipTests package \
  -pl changenet/benchmark -am </dev/null
cp=$root/changenet/benchmark/target/classes
for m in tensor autograd nn onnx-writer changenet; do cp=$cp:$root/$m/target/classes; done
for jar in "$root"/cli/target/lib/*.jar; do [ -f "$jar" ] && cp=$cp:$jar; done
exec "$java_home/bin/java" --add-modules jdk.incubator.vector -XX:Tier3DelayOn=1000000 \
  -XX:+UseParallelGC -XX:MaxNewSize=128m -XX:MaxRAMPercentage=70 ${CHANGENET_JAVA_OPTS-} \
  -cp "$cp" dev.changenet.benchmark.Main "$@"
