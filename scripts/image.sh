#!/usr/bin/env bash
# Builds the distribution image: a folder with a Java runtime, ChangeNet and its libraries, which
# runs on a Linux machine without Java. Usage: scripts/image.sh [target folder]
# The default target is cli/target/image/changenet; a .tar.xz of it is written beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/find-java.sh
find_java
if [ -z "$java_home" ] || [ ! -x "$java_home/bin/jlink" ]; then
  echo "image: a JDK 25 is needed, found ${java_home:-${java_seen:-no Java}}; install one or set JAVA_HOME to it." >&2
  exit 1
fi
target=${1:-cli/target/image/changenet}
target=${target%/}
if [ -e "$target" ] && { [ ! -f "$target/runtime/release" ] || [ ! -f "$target/changenet.jar" ]; }; then
  echo "image: $target is there and is no distribution image; name another folder or remove it" >&2
  exit 1
fi
# Maven builds what has changed, and the kernels, which bin/changenet leaves out where there is no GPU.
echo "image: building (mvn package)"
JAVA_HOME=$java_home mvn -B -q -Dstrict=false -DskipTests package
rm -rf "$target" "$target.tar.xz"
mkdir -p "$(dirname "$target")"
# java.desktop reads JPEG; naming and xml are for logback; jdk.unsupported for protobuf.
"$java_home/bin/jlink" \
  --add-modules java.base,java.desktop,java.logging,java.management,java.naming,java.xml,jdk.incubator.vector,jdk.management,jdk.unsupported \
  --strip-debug --no-header-files --no-man-pages --compress zip-0 --output "$target/runtime"
cp cli/target/changenet.jar "$target/"
cp -r cli/target/lib "$target/lib"
cp ./*.md LICENSE scripts/java.options scripts/start-java.sh "$target/"
cp -r docs examples "$target/" # what the README points to
mkdir "$target/bin"
cat >"$target/bin/changenet" <<'LAUNCHER'
#!/bin/sh
# Starts ChangeNet with the Java runtime beside it.
# CHANGENET_JAVA_OPTS  further options for the Java virtual machine, for instance -Xmx8g
file=$0
while [ -L "$file" ]; do
  link=$(readlink "$file")
  case $link in
    /*) file=$link ;;
    *) file=$(dirname "$file")/$link ;;
  esac
done
home=$(CDPATH='' cd -P "$(dirname "$file")/.." && pwd) || exit 1
java=$home/runtime/bin/java
jar=$home/changenet.jar
options=$home/java.options
caches=$home
program=${0##*/}
. "$home/start-java.sh"
start "$@"
LAUNCHER
chmod +x "$target/bin/changenet"
ln -s changenet "$target/bin/tao"

java=$target/runtime/bin/java
jar=$target/changenet.jar
options=$target/java.options
caches=$target
# shellcheck source=scripts/start-java.sh
. scripts/start-java.sh
make_caches examples/levir-cd.yaml >"$target.log" 2>&1 || {
  tail "$target.log" >&2
  echo "image: $target does not run, see above and $target.log" >&2
  exit 1
}
rm "$target.log"
size() { echo "$1 ($(du -sm "$1" | cut -f1) MiB)"; }
if [ -n "${NO_ARCHIVE-}" ]; then
  echo "image: $(size "$target")"
else
  tar -C "$(dirname "$target")" -c "$(basename "$target")" | xz -T0 -6 >"$target.tar.xz"
  echo "image: $(size "$target"), $(size "$target.tar.xz")"
fi
