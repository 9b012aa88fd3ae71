#!/usr/bin/env bash
# Checks and times ChangeNet on a machine with an NVIDIA GPU that need not have Java:
#   scripts/device/check.sh BUNDLE STEP…
# BUNDLE is what scripts/device/bundle.sh made. Steps:
#   parity            the op table, GPU against reference
#   golden            golden forward passes and training cases on the GPU, forward passes in TF32, too
#   precision         training steps in bfloat16 and float16 against float32, and as CUDA graphs
#   sanitizer OP…     compute-sanitizer over part of the op table; the last step, like time
#   train             the quickstart's training on the GPU, its evaluation on the CPU
#   time CASE…        our steps and PyTorch's: compiled, eager and, for batches of one, as a CUDA graph
#                     (see GpuMain, peer.py); a case is backbone:batch:px:train or infer:precision
# CUDA's libraries are looked for in CHANGENET_CUDA_PATH, else in the Python packages of PyTorch.
set -uo pipefail
if [ $# -lt 2 ] || [ ! -f "$1" ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bundle=$1
shift
work=${WORK:-/tmp/changenet-device}
# Unpacked once, as long as the bundle is the same.
sum=$(cksum <"$bundle") || exit 1
if [ "$(cat "$work/bundle/cksum" 2>/dev/null)" != "$sum" ]; then
  rm -rf "$work/bundle"
  mkdir -p "$work"
  tar -C "$work" -xJf "$bundle" || exit 1
  echo "$sum" >"$work/bundle/cksum"
fi
b=$work/bundle
if [ -z "${CHANGENET_CUDA_PATH-}" ]; then
  packages=$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null)
  CHANGENET_CUDA_PATH=$(find "$packages/nvidia" -name lib -type d 2>/dev/null | paste -sd: -)
fi
export CHANGENET_CUDA_PATH
export LD_LIBRARY_PATH=$CHANGENET_CUDA_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
tests=$b/tests/changenet:$b/tests/benchmark:$b/changenet/changenet.jar
for jar in "$b"/tests/*.jar "$b"/changenet/lib/*.jar; do
  case $jar in *console-standalone*) ;; *) tests=$tests:$jar ;; esac
done
console=$(echo "$b"/tests/junit-platform-console-standalone-*.jar)

run_java() {
  "$b/changenet/runtime/bin/java" --add-modules jdk.incubator.vector -XX:Tier3DelayOn=1000000 \
    --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -Xmx24g \
    -Dchangenet.reference="$b/reference" -Dchangenet.test.device=cuda:0 "$@"
}

heading() { printf '\n=== %s (%s s)\n' "$*" "$SECONDS"; }

parity() {
  heading "op table"
  run_java -cp "$tests" dev.changenet.testing.DeviceCheck
}

golden() {
  heading "golden cases"
  local failed=0 forward
  forward=(-c dev.changenet.model.GoldenForwardTest -c dev.changenet.model.GoldenLargeForwardTest)
  junit "${forward[@]}" -c dev.changenet.model.GoldenTrainTest || failed=1
  heading "golden forward passes in TF32"
  CHANGENET_TF32=1 junit "${forward[@]}" || failed=1
  return $failed
}

junit() {
  run_java -jar "$console" execute -cp "$tests" --disable-banner --details="${DETAILS:-summary}" "$@"
}

# Losses of ten steps should be at most 1 % apart.
precision() {
  heading "mixed precision"
  cases=()
  for net in fan_small_12_p4_hybrid c_radio_v2_vit_base_patch16_224; do
    cases+=("$net:2:128:10:bf16" "$net:2:128:10:fp16")
  done
  local failed=0
  run_java -cp "$tests" dev.changenet.benchmark.GpuCheck "${cases[@]}" || failed=1
  run_java -cp "$tests" dev.changenet.benchmark.GpuGraphCheck fan_small_12_p4_hybrid:2:128:8:{bf16,fp16} || failed=1
  return $failed
}

sanitizer() {
  heading "compute-sanitizer"
  local failed=0
  for tool in memcheck racecheck; do
    CHANGENET_CUDA_CACHING=off compute-sanitizer --tool $tool --target-processes all --error-exitcode 1 --print-limit 5 \
      "$b/changenet/runtime/bin/java" --add-modules jdk.incubator.vector \
      --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
      -cp "$tests" dev.changenet.testing.DeviceCheck "${@:-softmax}" 2>&1 | tail -n 12 || failed=1
  done
  return $failed
}

train() {
  heading "quickstart on the GPU"
  (
    cd "$work" && rm -rf quickstart && "$b/changenet/bin/changenet" quickstart 2>&1 |
      tee quickstart.log | tail -n 25 || exit 1
    # Without a usable GPU it warns and goes on.
    grep '^Computing on GPU' quickstart.log || { echo "check: the quickstart ran on the CPU"; exit 1; }
    CUDA_VISIBLE_DEVICES='' "$b/changenet/bin/changenet" evaluate -e quickstart/spec.yaml 2>&1 | tail -n 12
  )
}

# Compiling takes one to two minutes a case and one core: TIME_JOBS cases at once, timed one after the
# other when all are ready. What waits keeps weights and optimizer on the GPU, little else.
compiled() {
  local lock=$work/turn failed=0 pids pid c n ready
  while [ $# -gt 0 ]; do
    : >"$lock"
    exec 9>>"$lock"
    flock 9
    pids=()
    for c in "${@:1:${TIME_JOBS:-6}}"; do
      # Compiling a whole ViT takes minutes.
      case $c in *vit*) c=$c:compile-regions ;; *) c=$c:compile ;; esac
      python3 "$here/peer.py" time --case "$c" --seconds "${TIME_SECONDS:-2}" --turn "$lock" 9>&- &
      pids+=($!)
    done
    while :; do
      n=0
      for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null && n=$((n + 1)); done
      ready=("$lock".ready.*)
      [ -e "${ready[0]}" ] || ready=()
      [ "${#ready[@]}" -ge "$n" ] && break
      sleep 0.5
    done
    exec 9>&-
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    shift "${#pids[@]}"
  done
  return $failed
}

timings() {
  heading "timings"
  local failed=0
  ours=()
  peer=()
  for c in "$@"; do
    # As a CUDA graph, as training and inference run by themselves.
    ours+=("$c:graph")
    peer+=(--case "$c:eager")
    # A small batch is bound by the host without a graph.
    case $c in *:1:*:fp16) ;; *:1:*) peer+=(--case "$c:graph") ;; esac
  done
  # Nothing else runs beside a timing.
  run_java -cp "$tests" dev.changenet.benchmark.GpuMain seconds="${TIME_SECONDS:-2}" "${ours[@]}" || failed=1
  compiled "$@" || failed=1
  python3 "$here/peer.py" time "${peer[@]}" --seconds "${TIME_SECONDS:-2}" || failed=1
  return $failed
}

status=0
while [ $# -gt 0 ]; do
  step=$1
  shift
  case $step in
    time)
      timings "$@" || status=1
      break
      ;;
    sanitizer)
      sanitizer "$@" || status=1
      break
      ;;
    parity | golden | precision | train) "$step" || status=1 ;;
    *)
      echo "check: unknown step $step, see the top of $0" >&2
      status=2
      ;;
  esac
done
exit $status
