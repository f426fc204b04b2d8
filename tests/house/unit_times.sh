#!/usr/bin/env bash
# What compiling costs, and a limit to it.
#
#   tests/house/unit_times.sh launch COMMAND...   a compiler launcher (CMAKE_CXX_COMPILER_LAUNCHER): runs a command and
#                                                 writes its user seconds and its output into $FOGLIFT_UNIT_TIMES
#   tests/house/unit_times.sh check               names the ten slowest; status 1 if one is slower than 20 s on the
#                                                 machine of docs/design.md, where yardstick.cpp takes 2.5 s
set -euo pipefail
if [ "$1" = launch ]; then
  shift
  output=-
  for ((i = 1; i < $#; ++i)); do [ "${!i}" != -o ] || { ((++i)); output=${!i}; }; done
  status=0
  TIMEFORMAT=%U
  { seconds=$({ time "$@" 1>&3 2>&4; } 2>&1) || status=$?; } 3>&1 4>&2
  echo "$seconds $output" >>"$FOGLIFT_UNIT_TIMES"
  exit $status
fi
compiler=${CXX:-g++}
# Two at a time, as the units were compiled.
yardstick() { TIMEFORMAT=%U; { time $compiler -std=c++20 -O1 -c -o /dev/null "$(dirname "$0")/yardstick.cpp"; } 2>&1; }
seconds=$({ yardstick & yardstick; wait; } | sort -n | head -1)
echo "yardstick: $seconds s here, 2.5 s on the machine of docs/design.md; the slowest units, in seconds there:"
sort -rn "$FOGLIFT_UNIT_TIMES" | awk -v here="$seconds" '
  {there = $1 * 2.5 / here}
  NR <= 10 {printf "  %5.1f  %s\n", there, $2}
  there > 20 {slow = slow "\n  " $2}
  END {if (slow) {print "more than 20 s:" slow; exit 1}}'
