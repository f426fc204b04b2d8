#!/usr/bin/env bash
# Plants the mistakes of the lists <room>.txt one at a time and checks that a test fails for each.
#
#   tests/mutations/run.sh              all of them, two at a time
#   tests/mutations/run.sh heun         those whose line matches a pattern
#   tests/mutations/run.sh --check      plants none, and checks that all can be planted (seconds; the test house/mutations)
#   JOBS=8 CXX=clang++ tests/mutations/run.sh
#
# A line of a list is  header | text | replacement | test sources, with paths below include/foglift and tests. The text
# must occur exactly once in the header. A mutant is caught if one of the test programs, built with the mutated header,
# fails. Every test is run without a mistake first. Exit status 1 if a mutant survives, 2 if one can not be planted or
# compiled, or a test fails by itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
pattern=${1:-}
[ "$pattern" != --check ] || pattern=

# Takes the blanks off the ends of a variable, and puts || back.
trim() {
  local -n value=$1
  value=${value//$'\x01'/||}
  value=${value#"${value%%[![:space:]]*}"}
  value=${value%"${value##*[![:space:]]}"}
}

# Sets header, text, replacement, tests, before and after (of the header, around the text), or problem.
parse() {
  local line=$1 content test
  IFS='|' read -r header text replacement tests <<<"${line//||/$'\x01'}"
  trim header && trim text && trim replacement && trim tests
  problem=
  if [ -z "$text" ] || [ -z "$tests" ] || [ "$text" = "$replacement" ]; then problem='is not header | text | replacement | tests'; return; fi
  for test in $tests; do [ -f "$root/tests/$test" ] || problem="tests/$test is missing"; done
  if [ ! -f "$root/include/foglift/$header" ]; then problem='the header is missing'; return; fi
  content=$(<"$root/include/foglift/$header")
  before=${content%%"$text"*} after=${content#*"$text"}
  if [ "$after" = "$content" ] || [ "${after#*"$text"}" != "$after" ]; then problem='the text does not occur exactly once'; fi
}

mapfile -t mutants < <(grep -hv '^ *\(#\|$\)' "$here"/*.txt | grep -e "$pattern")
echo "${#mutants[@]} mutants"
if [ "${1:-}" = --check ]; then
  status=0
  for line in "${mutants[@]}"; do
    parse "$line"
    if [ -n "$problem" ]; then echo "$problem: $line"; status=2; fi
  done
  exit $status
fi

compiler=${CXX:-g++}
work=$(mktemp -d)
results="$work/results"
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -march=x86-64-v3 -pthread -isystem "${EIGEN:-/usr/include/eigen3}" -I"$root/tests" -I"$root"
       "-DFOGLIFT_TEST_DATA=\"$root/tests/data\"" "-DFOGLIFT_SOURCE_DIR=\"$root\"")

# What no mistake changes is compiled once: a third to a half of a test's time.
for level in -O0 -O1; do
  mkdir "$work/$level"
  printf '#include "support/catch.hpp"\n#include <Eigen/Core>\n#include <fstream>\n#include <functional>\n#include <thread>\n' >"$work/$level/common.hpp"
  $compiler "${flags[@]}" $level -x c++-header "$work/$level/common.hpp" -o "$work/$level/common.hpp.gch"
done
printf '#if __has_include(<catch2/catch.hpp>)\n#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n#endif\n' >"$work/main.cpp"
$compiler -std=c++20 -O1 -c "$work/main.cpp" -o "$work/main.o"
main=("$work/main.o")
echo '#include <catch2/catch_test_macros.hpp>' >"$work/three.cpp"
if $compiler -std=c++20 -fsyntax-only "$work/three.cpp" 2>/dev/null; then main=(-lCatch2Main -lCatch2); fi

# build TEST FOLDER, where FOLDER/include holds the mutated header. Compiling takes most of the time, and at -O0 two
# thirds of what it takes at -O1; three tests run too long so. The registry of operations has its entries in other files.
build() {
  local level=-O0 sources=("$root/tests/$1")
  case $1 in kernels/test_attention.cpp | kernels/test_winograd.cpp | autograd/test_op_registry.cpp) level=-O1 ;; esac
  [ "$1" != autograd/test_op_registry.cpp ] || sources+=("$root"/tests/autograd/entries_*.cpp)
  $compiler "${flags[@]}" $level -include "$work/$level/common.hpp" -I"$2/include" -I"$root/include" "${sources[@]}" "${main[@]}" -o "$2/run" 2>"$2/log"
}

# Result lines: number, status (caught, survived, broken), mutant.
one() {
  local number=$1 line=$2 header text replacement tests before after problem dir="$work/$1"
  parse "$line"
  if [ -n "$problem" ]; then
    echo "$number broken $problem: $line"
    return
  fi
  mkdir -p "$(dirname "$dir/include/foglift/$header")"
  printf '%s\n' "$before$replacement$after" >"$dir/include/foglift/$header"
  local status=survived test
  for test in $tests; do
    if ! build "$test" "$dir"; then
      status="broken does not compile ($(grep -m1 error "$dir/log" || true)):"
      break
    fi
    if ! timeout 300 "$dir/run" >"$dir/out" 2>&1; then
      status=caught
      break
    fi
  done
  rm -rf "$dir"
  echo "$number $status $line"
}

# A test that fails without a mistake proves nothing.
sound() {
  mkdir -p "$work/sound.$2"
  if ! build "$1" "$work/sound.$2" || ! timeout 300 "$work/sound.$2/run" >/dev/null 2>&1; then
    echo "0 broken $1 fails as it stands" | tee -a "$results"
  fi
  rm -rf "$work/sound.$2"
}

mapfile -t tests < <(printf '%s\n' "${mutants[@]}" | sed 's/.*|//' | tr ' ' '\n' | sort -u | grep .)
for k in "${!tests[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do wait -n || true; done
  sound "${tests[$k]}" "$k" &
done
wait
for k in "${!mutants[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do wait -n || true; done
  one "$((k + 1))" "${mutants[$k]}" | tee -a "$results" &
done
wait
count() { grep -c "^[0-9]* $1 " "$results" || true; }
echo "caught $(count caught), survived $(count survived), broken $(count broken)"
[ "$(count broken)" = 0 ] || exit 2
[ "$(count survived)" = 0 ] || exit 1
