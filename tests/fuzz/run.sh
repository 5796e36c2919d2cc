#!/usr/bin/env bash
# Runs fuzzers for so many seconds each, one after the other: tests/fuzz/run.sh BUILD_DIR SECONDS [TARGET...]
# What they learn stays in BUILD_DIR/corpus for the next run; an input that breaks a promise is left
# in BUILD_DIR/findings.
set -euo pipefail
cd "$(dirname "$0")/../.."
usage='usage: tests/fuzz/run.sh BUILD_DIR SECONDS [TARGET...]'
build=${1:?$usage} seconds=${2:?$usage}
shift 2
targets=("$@")
[ $# != 0 ] || targets=(log table manifest node db)

mkdir -p "$build/findings"
for target in "${targets[@]}"; do
  printf '\n== %s, %s seconds\n' "$target" "$seconds"
  seeds=tests/fuzz/corpus/$target
  mkdir -p "$build/corpus/$target"
  options=(-max_total_time="$seconds" -timeout=20 -max_len=8192 -print_final_stats=1
           -artifact_prefix="$build/findings/$target-")
  dictionary=tests/fuzz/$target.dict
  [ ! -f "$dictionary" ] || options+=(-dict="$dictionary")
  "$build/tests/fuzz/fathom_fuzz_$target" "${options[@]}" "$build/corpus/$target" "$seeds"
done
