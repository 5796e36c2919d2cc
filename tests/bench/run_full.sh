#!/usr/bin/env bash
# The whole of the benchmarks, which takes long: tests/bench/run_full.sh BUILD_DIR RECORDS ROUNDS
# Leaves tables, pictures and samples in BUILD_DIR/bench-full; report.md there has all that is text.
set -euo pipefail
cd "$(dirname "$0")/../.."
usage='usage: tests/bench/run_full.sh BUILD_DIR RECORDS ROUNDS'
build=${1:?$usage} records=${2:?$usage} rounds=${3:?$usage}
out=$build/bench-full
mkdir -p "$out"
rm -f "$out"/*

# store NAME TITLE OPTION...
store() {
  local name=$1
  printf '\n## %s\n\n' "$2" | tee -a "$out/report.md"
  shift 2
  "$build/tests/bench/store_bench" --markdown="$out/$name.md" --svg="$out/$name.svg" \
    --json="$out/$name.json" "$@"
  cat "$out/$name.md" >> "$out/report.md"
}

for compression in none usual; do
  for profile in small big; do
    store "$profile-$compression" "Profile $profile, compression $compression" \
      --records="$records" --rounds="$rounds" --profile="$profile" --compression="$compression"
  done
done
store small-checked 'Profile small, uncompressed, LevelDB too checks what it reads' \
  --records="$records" --rounds="$rounds" --checks=all \
  --workloads=readrandom,readmissing,readseq,readreverse,seekrandom,readwhilewriting,mixed
store large 'Ten times the records, one round' --records="$((10 * records))" --rounds=1

{
  printf '\n## The node\n\n```\n'
  "$build/tests/bench/node_bench" --messages "$((2 * records))" --runs "$rounds"
  printf '```\n'
} | tee -a "$out/report.md"
printf '\nThe whole as Markdown: %s; pictures and samples beside it.\n' "$out/report.md"
