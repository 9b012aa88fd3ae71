# Sourced by sh scripts that need Java 25. find_java sets
#   java_home  the folder of a JDK 25, else of a Java 25 without compiler, else empty
#   java_seen  the first Java of another release, for the message when there is no 25
# shellcheck shell=sh

# Prints the feature release (25) of the Java in folder $1, or nothing. The "release" file saves
# starting a virtual machine.
java_release() {
  [ -x "$1/bin/java" ] || return 0
  version=
  if [ -r "$1/release" ]; then
    version=$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9.]*\).*/\1/p' "$1/release")
  fi
  if [ -z "$version" ]; then
    version=$("$1/bin/java" -version 2>&1 </dev/null | sed -n 's/.* version "\([0-9.]*\).*/\1/p')
  fi
  version=${version#1.}
  printf '%s' "${version%%.*}"
}

# Looks at the Java in folder $1: keeps it in $java_home if it is a JDK 25; a 25 without compiler
# (enough to run what is built) is kept until a JDK turns up.
java_home=
java_seen=
try_java() {
  release=$(java_release "$1")
  if [ "$release" = 25 ]; then
    if [ -x "$1/bin/javac" ]; then
      java_home=$1
      return 0
    fi
    java_home=${java_home:-$1}
  elif [ -n "$release" ] && [ -z "$java_seen" ]; then
    java_seen="Java $release in $1"
  fi
  return 1
}

find_java() {
  if [ -n "${JAVA_HOME-}" ] && try_java "$JAVA_HOME"; then return; fi
  on_path=$(command -v java || true)
  if [ -n "$on_path" ]; then
    while [ -L "$on_path" ]; do
      link=$(readlink "$on_path")
      case $link in
        /*) on_path=$link ;;
        *) on_path=$(dirname "$on_path")/$link ;;
      esac
    done
    if try_java "$(dirname "$(dirname "$on_path")")"; then return; fi
  fi
  for folder in /usr/lib/jvm/* /usr/java/* /opt/* /opt/*/*25* "${HOME-}"/.sdkman/candidates/java/* \
    "${HOME-}"/.jdks/* "${HOME-}"/.local/share/mise/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home \
    "${HOME-}"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
    /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if try_java "$folder"; then return; fi
  done
}
