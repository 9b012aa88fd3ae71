# Starts ChangeNet; sourced by the launchers of the checkout and of the distribution image, and by the
# benchmark for its options. They set
#   java     the java command
#   jar      changenet.jar
#   options  scripts/java.options
#   caches   folder of what Java notes about the classes that a run needs
#   program  the name of the command, for messages
#   huge_pages  file that tells whether Linux gives pages of 2 MiB, if not the usual one

# Printing help and checking specs need neither vectors nor the optimising compiler and start in
# half the time without them: with the vector module a cache keeps far less of what it could.
light_vm='-XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow'
light_gc=-XX:+UseSerialGC
# Not as @file, which the run that makes a cache doesn't understand.
task_vm=$(grep -v '^#' "$options" | tr '\n' ' ')
# Tensors are pooled, so little garbage is made: a simple collector and a small young generation
# save memory.
task_gc='-XX:+UseSerialGC -XX:MaxNewSize=32m'
# Tensors in pages of 2 MiB are read 1 to 3 % faster. Asked only where Linux gives them: elsewhere
# Java warns or refuses.
task_pages= given=
{ read -r given <"${huge_pages:-/sys/kernel/mm/transparent_hugepage/enabled}"; } 2>/dev/null || true
case $given in
  '' | *'[never]'*) ;;
  *) task_pages=-XX:+UseTransparentHugePages ;;
esac

# Lets Java note which classes a run needs, ready to use: later starts take less. A cache belongs to
# one Java, jar and set of options; another one does without. Usage: make_caches EXAMPLE_SPEC
make_caches() {
  rm -f "$caches/help.aot" "$caches/spec.aot" "$caches/tasks.aot"
  (
    # What the user wants of this one start would be part of the caches.
    unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS
    # shellcheck disable=SC2086
    "$java" $light_vm $light_gc "-XX:AOTCacheOutput=$caches/help.aot" -jar "$jar" --help &&
      "$java" $light_vm $light_gc "-XX:AOTCacheOutput=$caches/spec.aot" -jar "$jar" \
        config -e "$1" dataset.segment.root_dir=. &&
      "$java" $task_vm $task_gc $task_pages "-XX:AOTCacheOutput=$caches/tasks.aot" -jar "$jar" \
        inspect "$1" --profile --size 64 --steps 1 &&
      # Java also succeeds where it could not write them.
      [ -f "$caches/help.aot" ] && [ -f "$caches/spec.aot" ] && [ -f "$caches/tasks.aot" ]
  )
}

# Chooses the cache that the command line needs: help, spec or tasks.
choose_cache() {
  cache=tasks command=
  for word; do
    case $word in
      --help | -h | --version | -V)
        cache=help
        return
        ;;
      --keys) cache=spec ;;
    esac
    # "tao model visual_changenet train" is "train".
    case $command$word in
      model | visual_changenet) ;;
      *) command=${command:-$word} ;;
    esac
  done
  case $command in
    '') cache=help ;;
    config | get-spec | split | completion) cache=spec ;;
  esac
}

# Runs the command line that the arguments give.
start() {
  set -f # options are split at blanks, never expanded as file names
  heap=-XX:MaxRAMPercentage=70
  # A collector, heap size or kind of pages that the user chose replaces ours.
  for option in ${CHANGENET_JAVA_OPTS-} ${JAVA_TOOL_OPTIONS-} ${JDK_JAVA_OPTIONS-}; do
    case $option in
      -XX:+UseSerialGC) ;;
      -XX:+Use*GC) light_gc= task_gc= ;;
      -XX:?UseLargePages | -XX:?UseTransparentHugePages) task_pages= ;;
      -Xmx* | -XX:MaxHeapSize=* | -XX:MaxRAM*) heap= ;;
    esac
  done

  choose_cache "$@"
  case $cache in
    tasks) vm="$task_vm $task_gc $task_pages" ;;
    *) vm="$light_vm $light_gc" ;;
  esac

  # Without a locale, as in containers and cron, Java would take file names and words for ASCII.
  utf8=
  case ${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} in
    C | POSIX) utf8='env LC_ALL=C.UTF-8' ;;
  esac

  # shellcheck disable=SC2086
  exec $utf8 "$java" $vm \
    "-XX:AOTCache=$caches/$cache.aot" -Xlog:aot=off -Xlog:cds=off \
    -Djava.awt.headless=true \
    $heap ${CHANGENET_JAVA_OPTS-} \
    "-Dchangenet.program=$program" \
    "-Dchangenet.command=$0" \
    -jar "$jar" "$@"
}
