#!/bin/sh
# Compiles the kernels of one .cu as C++ into a shared library that the fake driver can load.
# usage: compile.sh FILE.cu OUT.so [more g++ options]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
out=$2
shift 2
cxx=${CXX:-g++}
common="-x c++ -std=c++20 -O2 -fPIC -DCHANGENET_HOST -fvisibility=hidden -fno-gnu-unique
  -ffp-contract=off -fno-strict-aliasing -mtls-dialect=gnu2 -Wall -Wno-unknown-pragmas -Wno-unused-function -Wno-sign-compare"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Kernels are found in the preprocessed text, so that macros may make them.
# shellcheck disable=SC2086
"$cxx" $common -DCHANGENET_SCAN -E -P -include "$here/shim.h" "$@" "$source" > "$tmp/scan.txt"
names=$(tr '\n\t' '  ' < "$tmp/scan.txt" | grep -oE 'extern +"C" +__global__ +void +[A-Za-z0-9_]+ *\(' \
  | sed -E 's/.*void +([A-Za-z0-9_]+) *\(/\1/' || true)
if [ -z "$names" ]; then
  echo "$source: no kernel: expected extern \"C\" __global__ void name(...)" >&2
  exit 1
fi
{
  echo "#include \"$source\""
  echo "static const ChangenetKernel changenetTable[] = {"
  for name in $names; do
    echo "  CHANGENET_KERNEL($name)"
  done
  echo "  {nullptr, nullptr, 0, nullptr}};"
  echo "CHANGENET_EXPORT(changenetTable)"
} > "$tmp/kernels.cpp"
# shellcheck disable=SC2086
"$cxx" $common -shared -include "$here/shim.h" "$@" -o "$tmp/out.so" "$tmp/kernels.cpp"
mv "$tmp/out.so" "$out"
