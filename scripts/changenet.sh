#!/bin/sh
# Starts the ChangeNet command line from a checkout: finds Java 25, builds where that is needed,
# runs. Called through a link named "tao" it is the "tao" command.
#
# CHANGENET_JAVA_OPTS  further options for the Java virtual machine, for instance -Xmx8g
# JAVA_HOME            the Java 25 to use before any other
set -u

say() { printf 'changenet: %s\n' "$*" >&2; }
fail() {
  say "$@"
  exit 1
}

case ${0##*/} in
  tao) program=tao ;;
  *) program=changenet ;;
esac

# The checkout is the nearest folder above this file (not above a link to it) with the parent pom.
file=$0
while [ -L "$file" ]; do
  link=$(readlink "$file")
  case $link in
    /*) file=$link ;;
    *) file=$(dirname "$file")/$link ;;
  esac
done
start=$(CDPATH='' cd -P "$(dirname "$file")" && pwd) || exit 1
root=$start
until [ -d "$root/cli" ] && grep -qs '<artifactId>changenet-parent</artifactId>' "$root/pom.xml"; do
  [ "$root" != / ] || fail "no ChangeNet checkout above $start; keep this script inside the checkout and link to it."
  root=$(dirname "$root")
done

jar=$root/cli/target/changenet.jar
work=$root/target
log=$work/launcher-build.log
lock=$work/launcher-build.lock

# shellcheck source=scripts/find-java.sh
. "$root/scripts/find-java.sh"
find_java
[ -n "$java_home" ] || fail "Java 25 is needed, found ${java_seen:-no Java}; install a JDK 25 (for instance Temurin 25, https://adoptium.net) or set JAVA_HOME to one."

java=$java_home/bin/java
options=$root/scripts/java.options
caches=$root/cli/target
# shellcheck source=scripts/start-java.sh
. "$root/scripts/start-java.sh"

# --- Build --------------------------------------------------------------------------------------

# True when there is no build, or one older than a source. A checkout that cannot be written to
# runs what it has.
needs_build() {
  if [ ! -f "$jar" ] || [ ! -d "$root/cli/target/lib" ]; then return 0; fi
  [ -w "$root/cli/target" ] || return 1
  [ -n "$(find "$root/pom.xml" "$root"/*/pom.xml "$root"/*/src/main -newer "$jar" 2>/dev/null | head -n 1)" ]
}

# True when there are no caches, or those of another build.
needs_caches() {
  [ -w "$caches" ] || return 1
  [ ! -f "$caches/tasks.aot" ] || [ "$jar" -nt "$caches/tasks.aot" ]
}

# Takes the lock: a link that names the process that builds. While that one lives it waits if there
# is something to build; caches alone are not worth waiting, then it fails.
take_lock() {
  told= patient=
  if needs_build; then patient=yes; fi
  until ln -s $$ "$lock" 2>/dev/null; do
    owner=$(readlink "$lock")
    if [ -n "$owner" ] && { [ "$owner" = $$ ] || ! kill -0 "$owner" 2>/dev/null; }; then
      # It may be another one's by now, who took away what the dead process had left.
      if mv "$lock" "$lock.$$" 2>/dev/null; then
        if [ "$(readlink "$lock.$$")" = "$owner" ]; then rm -f "$lock.$$"; else mv "$lock.$$" "$lock"; fi
        continue
      fi
    fi
    [ -n "$patient" ] || return 1
    if [ -z "$owner" ]; then
      [ -w "$work" ] || fail "cannot write to $work; make it writable or build with 'mvn package' first."
    elif [ -z "$told" ]; then
      say "waiting for the build that process $owner runs; if that is none, delete $lock"
      told=yes
    fi
    sleep 1
  done
}

build() {
  command -v mvn >/dev/null 2>&1 || fail "Maven 3.8.7 or later is needed to build, found no mvn on the PATH; install it (Debian, Ubuntu: apt install maven; macOS: brew install maven)."
  [ -x "$java_home/bin/javac" ] || fail "a JDK 25 is needed to build, found only a Java 25 without compiler in $java_home; install a JDK 25 or set JAVA_HOME to one."
  say "building, log in $log (the first time takes a minute or two)"
  : >"$work/launcher-build.start"
  # Compiling kernels takes minutes: only where there is a GPU for them.
  kernels=-Dkernels.skip=true
  if [ -e /proc/driver/nvidia ]; then
    kernels=-Dkernels.skip=false
  elif [ -d "$root/tensor/target/kernels" ]; then
    bash "$root/scripts/build-kernels.sh" --clean
  fi
  if ! JAVA_HOME=$java_home mvn -B -q -f "$root/pom.xml" -Dstrict=false -DskipTests $kernels package \
    >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    fail "the build failed; its last lines are above, all of it is in $log"
  fi
  # A source saved while Maven ran counts as newer than what was built.
  touch -r "$work/launcher-build.start" "$jar"
}

prepare() {
  if ! mkdir -p "$work" 2>/dev/null; then
    needs_build || return 0
    fail "cannot create $work; make $root writable or build with 'mvn package' first."
  fi
  take_lock || return 0
  trap 'rm -f "$lock"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # Still: the process waited for may have done it.
  if needs_build; then
    build
  elif needs_caches; then
    say "preparing quick starts, once for each build"
  fi
  if needs_caches; then
    # What fails now would fail at each start.
    make_caches "$root/examples/levir-cd.yaml" >>"$log" 2>&1 </dev/null || : >"$caches/tasks.aot"
  fi
  rm -f "$lock"
  trap - EXIT HUP INT TERM
}

if needs_build || needs_caches; then prepare; fi
start "$@"
