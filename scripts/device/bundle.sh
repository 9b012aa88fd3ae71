#!/usr/bin/env bash
# Packs everything that a check on a GPU machine without Java and Maven needs into one file:
# Java runtime, ChangeNet, its tests and golden data. Run scripts/device/check.sh there.
# Usage: scripts/device/bundle.sh [folder with golden/] (default ../shared)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
reference=$(cd "${1:-../shared}" && pwd)
. scripts/find-java.sh
find_java
export JAVA_HOME=$java_home
out=cli/target/device
rm -rf "$out"
mkdir -p "$out/bundle/tests" "$out/bundle/reference/golden"
NO_ARCHIVE=1 scripts/image.sh "$out/bundle/changenet"
rm "$out"/bundle/changenet/*.aot # only a quicker start
mvn -B -q dependency:build-classpath -pl changenet -Dmdep.includeScope=test \
  -Dmdep.outputFile="$PWD/$out/classpath"
tr ':' '\n' <"$out/classpath" | grep -vE 'onnxruntime|archunit|byte-buddy|/changenet-(tensor|autograd|nn|onnx-writer)-[^/]*SNAPSHOT\.jar' |
  xargs -I{} cp {} "$out/bundle/tests/"
mvn -B -q dependency:copy -Dmdep.overWriteReleases=false -DoutputDirectory="$PWD/$out/bundle/tests" \
  -Dartifact=org.junit.platform:junit-platform-console-standalone:1.14.4
rm -f "$out"/bundle/tests/junit-{jupiter,platform-[a-bd-z]}*.jar "$out"/bundle/tests/opentest4j*.jar
cp tensor/target/*-tests.jar "$out/bundle/tests/"
cp -r changenet/target/test-classes "$out/bundle/tests/changenet"
cp -r changenet/benchmark/target/classes "$out/bundle/tests/benchmark"
cp -r "$reference/golden/models" "$reference/golden/train" "$reference/golden/ops" "$out/bundle/reference/golden/"
for jar in "$out"/bundle/changenet/lib/*.jar; do rm -f "$out/bundle/tests/$(basename "$jar")"; done
tar -C "$out" -c bundle | xz -T0 -6 >"$out/bundle.tar.xz"
rm -rf "$out/bundle"
echo "bundle: $out/bundle.tar.xz ($(du -sm "$out/bundle.tar.xz" | cut -f1) MiB)"
