#!/usr/bin/env bash
# What compiling costs, and a limit to it.
#
#   tests/house/unit_times.sh launch COMMAND...   a compiler launcher (CMAKE_CXX_COMPILER_LAUNCHER): runs a command and
#                                                 writes its user seconds, its output and itself into $FOGLIFT_UNIT_TIMES
#   tests/house/unit_times.sh check               names the ten slowest; status 1 if one is slower than 20 s on the
#                                                 machine of docs/design.md, where yardstick.cpp takes 2.5 s. What is
#                                                 slower once, on a busy machine, is compiled twice more
set -euo pipefail
TIMEFORMAT=%U
if [ "$1" = launch ]; then
  shift
  output=-
  for ((i = 1; i < $#; ++i)); do [ "${!i}" != -o ] || { ((++i)); output=${!i}; }; done
  status=0
  { seconds=$({ time "$@" 1>&3 2>&4; } 2>&1) || status=$?; } 3>&1 4>&2
  printf '%s %s cd %q && %s\n' "$seconds" "$output" "$PWD" "${*@Q}" >>"$FOGLIFT_UNIT_TIMES"
  exit $status
fi

limit=20
compiler=${CXX:-g++}
yardstick() { { time $compiler -std=c++20 -O1 -c -o /dev/null "$(dirname "$0")/yardstick.cpp"; } 2>&1; }
slower() { awk -v s="$1" -v here="$2" -v limit=$limit 'BEGIN {there = s * 2.5 / here; printf "%.1f", there; exit !(there > limit)}'; }

# Two at a time, as the units were compiled.
here=$({ yardstick & yardstick; wait; } | sort -n | head -1)
echo "yardstick: $here s here, 2.5 s on the machine of docs/design.md; the slowest units, in seconds there:"
status=0 shown=0
while read -r seconds output command; do
  slow=yes
  there=$(slower "$seconds" "$here") || slow=
  if [ $((++shown)) -gt 10 ] && [ -z "$slow" ]; then break; fi
  printf '  %5s  %s' "$there" "$output"
  for again in 1 2; do
    [ -n "$slow" ] || break
    # The command's own seconds are on a line of the form of TIMEFORMAT, behind whatever it prints.
    times=$({ yardstick & { time bash -c "$command" >/dev/null 2>&1 || echo 1e9; } 2>&1; wait; } | sort -n)
    there=$(slower "$(tail -1 <<<"$times")" "$(head -1 <<<"$times")") || slow=
    printf ', again %s' "$there"
  done
  [ -z "$slow" ] || { printf ': more than %s s' $limit; status=1; }
  echo
done < <(sort -rn "$FOGLIFT_UNIT_TIMES")
exit $status
