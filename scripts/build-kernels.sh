#!/usr/bin/env bash
# Compiles the CUDA kernels, tensor/src/main/resources/cuda/*.cu, for the jar:
#   <family>.ptx          for compute_80 and later, PTX 8.0, which drivers from CUDA 12.0 on load
#   <family>.sm_80.cubin, <family>.sm_90.cubin
#   kernels.sha256        what each family was compiled from; KernelBinariesTest checks it
# Needs nvcc and ptxas of CUDA 12 or 13; without them it says so and makes nothing. Families whose
# sources are unchanged are skipped; what was made from other sources is never left for a jar. Maven
# calls it; -Dkernels.skip=true keeps it from that.
# Usage: scripts/build-kernels.sh [--clean] [output folder]   (default tensor/target/kernels/cuda/bin)
#   --clean  compiles nothing, only removes what was made from other sources
set -euo pipefail
export LC_ALL=C
clean=
if [ "${1-}" = --clean ]; then
  clean=yes
  shift
fi
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
one=
if [ "${1-}" = --compile ]; then # by itself, several at a time
  one=$2
  shift 2
fi
bin=${1:-$scripts/../tensor/target/kernels/cuda/bin}
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
cd "$scripts/../tensor/src/main/resources/cuda"
options="-O3 -std=c++17"

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}
printf '' | sha256 >/dev/null # ends the script where there is neither

# SHA-256 of the options, a line feed, the headers by name and the source.
digest() {
  { printf '%s\n' "$options" && cat -- *.cuh "$1.cu"; } | sha256 | cut -d' ' -f1
}

compile() {
  local family=$1
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # shellcheck disable=SC2086
  nvcc $options -arch=compute_80 --ptx -o "$work/made.ptx" "$family.cu"
  # nvcc writes its own newest version, though the kernels use nothing newer than 8.0.
  sed -E 's/^\.version [0-9]+\.[0-9]+$/.version 8.0/' "$work/made.ptx" >"$work/$family.ptx"
  ptxas -O3 -arch=sm_80 -o "$work/$family.sm_80.cubin" "$work/$family.ptx"
  # shellcheck disable=SC2086
  nvcc $options -arch=sm_90 --cubin -o "$work/$family.sm_90.cubin" "$family.cu"
  mv "$work/$family".* "$bin/"
  echo "$family"
}

if [ -n "$one" ]; then
  compile "$one"
  exit
fi
for file in "$bin"/*.ptx "$bin"/*.cubin; do
  family=${file##*/}
  [ -f "${family%%.*}.cu" ] || rm -f "$file"
done
rm -f "$bin/kernels.sha256.new"
touch "$bin/kernels.sha256"
wanted=$(for cu in *.cu; do echo "$(digest "${cu%.cu}")  ${cu%.cu}"; done)
changed=()
unchanged=
while read -r hash family; do
  if ! grep -qxF "$hash  $family" "$bin/kernels.sha256" || [ ! -f "$bin/$family.ptx" ] ||
    [ ! -f "$bin/$family.sm_80.cubin" ] || [ ! -f "$bin/$family.sm_90.cubin" ]; then
    changed+=("$family")
  else
    unchanged+="$hash  $family"$'\n'
  fi
done <<<"$wanted"
if [ -n "$clean" ] || ! command -v nvcc >/dev/null || ! command -v ptxas >/dev/null; then
  # A program with some of its kernels would start on a GPU and fail in the middle.
  if [ ${#changed[@]} -gt 0 ]; then
    rm -f "$bin"/*.ptx "$bin"/*.cubin "$bin/kernels.sha256"
    [ -n "$clean" ] || echo "build-kernels: no nvcc on the PATH, so this build will not run on GPUs"
  fi
  exit
fi
manifest() {
  cat >"$bin/kernels.sha256.new"
  mv "$bin/kernels.sha256.new" "$bin/kernels.sha256"
}
if [ ${#changed[@]} -gt 0 ]; then
  # A build that ends in the middle leaves families whose sources nobody knows: not in the list.
  printf '%s' "$unchanged" | manifest
  printf '%s\n' "${changed[@]}" |
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -I{} bash "$scripts/build-kernels.sh" --compile {} "$bin"
fi
printf '%s\n' "$wanted" | manifest
