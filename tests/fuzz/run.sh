#!/usr/bin/env bash
# Runs fuzzers for so many seconds each, two at a time: tests/fuzz/run.sh BUILD_DIR SECONDS [TARGET...]
# What they learn stays in BUILD_DIR/corpus for the next run. An input that breaks a promise is left in
# BUILD_DIR/findings, beside what the fuzzers said, and the run fails; the other targets still get their time.
# FATHOM_FUZZ_SEED begins each with the same random numbers; without it every run goes its own way.
set -euo pipefail
cd "$(dirname "$0")/../.."
usage='usage: tests/fuzz/run.sh BUILD_DIR SECONDS [TARGET...]'
export build=${1:?$usage} seconds=${2:?$usage}
shift 2
targets=("$@")
[ $# != 0 ] || targets=(log table manifest node db)

fuzz() {
  local target=$1 log=$build/findings/$1.log dictionary=tests/fuzz/$1.dict
  local options=(-max_total_time="$seconds" -timeout=60 -max_len=8192 -print_final_stats=1
                 -artifact_prefix="$build/findings/$target-")
  [ -z "${FATHOM_FUZZ_SEED:-}" ] || options+=(-seed="$FATHOM_FUZZ_SEED")
  [ ! -f "$dictionary" ] || options+=(-dict="$dictionary")
  mkdir -p "$build/findings" "$build/corpus/$target"
  local status=0 executions finding
  "$build/tests/fuzz/fathom_fuzz_$target" "${options[@]}" "$build/corpus/$target" "tests/fuzz/corpus/$target" \
    >"$log" 2>&1 || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [ "$status" = 0 ]; then
    echo "$target: $executions executions, nothing found"
    return
  fi
  tail -n 80 "$log"
  finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  echo "$target: ${executions:-no} executions, FAILED: ${finding:-see $log}"
  return 1
}
export -f fuzz

printf '%s\n' "${targets[@]}" | xargs -P 2 -I TARGET bash -c 'fuzz TARGET'
