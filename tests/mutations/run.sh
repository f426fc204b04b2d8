#!/usr/bin/env bash
# Plants the mistakes of the lists <room>.txt one at a time and checks that a test fails for each.
#
#   tests/mutations/run.sh              all of them, two at a time
#   tests/mutations/run.sh heun         those whose line matches a pattern
#   JOBS=8 CXX=clang++ tests/mutations/run.sh
#
# A line of a list is  header | text | replacement | test sources, with paths below include/foglift and tests. The text
# must occur exactly once in the header. A mutant is caught if one of the test programs, built from the mutated copy,
# fails. Every test is run without a mistake first. Exit status 1 if a mutant survives, 2 if one can not be planted or
# compiled, or a test fails by itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
compiler=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O1 -march=x86-64-v3 -isystem "${EIGEN:-/usr/include/eigen3}" -I"$root/tests" -I"$root"
       "-DFOGLIFT_TEST_DATA=\"$root/tests/data\"" "-DFOGLIFT_SOURCE_DIR=\"$root\"")

printf '#if __has_include(<catch2/catch.hpp>)\n#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n#endif\n' >"$work/main.cpp"
$compiler -std=c++20 -O1 -c "$work/main.cpp" -o "$work/main.o"
main=("$work/main.o")
echo '#include <catch2/catch_test_macros.hpp>' >"$work/three.cpp"
if $compiler -std=c++20 -fsyntax-only "$work/three.cpp" 2>/dev/null; then main=(-lCatch2Main -lCatch2); fi

source_of() { echo "$root/tests/$1"; }
trim() { local t=$1; t="${t#"${t%%[![:space:]]*}"}"; printf '%s' "${t%"${t##*[![:space:]]}"}"; }

# Result lines: number, status (caught, survived, broken), mutant.
one() {
  local number=$1 line=$2 header text replacement tests dir="$work/$1"
  IFS='|' read -r header text replacement tests <<<"${line//||/$'\x01'}"
  header=$(trim "$header") tests=$(trim "$tests")
  text=$(trim "${text//$'\x01'/||}") replacement=$(trim "${replacement//$'\x01'/||}")
  mkdir -p "$dir"
  cp -r "$root/include" "$dir/include"
  local file="$dir/include/foglift/$header" content
  content=$(<"$file")
  local rest=${content#*"$text"}
  if [ "$rest" = "$content" ] || [ "${rest#*"$text"}" != "$rest" ]; then
    echo "$number broken the text does not occur exactly once: $line"
    return
  fi
  printf '%s\n' "${content%%"$text"*}$replacement$rest" >"$file"
  local status=survived test
  for test in $tests; do
    if ! $compiler "${flags[@]}" -I"$dir/include" "$(source_of "$test")" "${main[@]}" -o "$dir/run" 2>"$dir/log"; then
      echo "$number broken does not compile: $line: $(grep -m1 error "$dir/log" || true)"
      rm -rf "$dir"
      return
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
  if $compiler "${flags[@]}" -I"$root/include" "$(source_of "$1")" "${main[@]}" -o "$work/sound.$2" 2>"$work/log.$2" &&
    timeout 300 "$work/sound.$2" >/dev/null 2>&1; then return; fi
  echo "0 broken $1 fails as it stands" | tee -a "$results"
}

mapfile -t mutants < <(grep -hv '^ *\(#\|$\)' "$here"/*.txt | grep -e "${1:-}")
echo "${#mutants[@]} mutants"
results="$work/results"
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
