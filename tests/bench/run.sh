#!/usr/bin/env bash
# A short form of the benchmarks, some minutes: tests/bench/run.sh BUILD_DIR
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/run.sh BUILD_DIR}
bench=$build/tests/bench

part() { printf '\n== %s\n\n' "$*"; }

part 'the parts of the engine: log, memtable, filter, table'
"$bench/parts_bench" --benchmark_min_time=0.2

part 'the node, through pipes: starting, the course'"'"'s two messages, messages a second'
"$bench/node_bench" --messages 200000 --runs 3

part 'the store, beside LevelDB and RocksDB where they are installed'
"$bench/store_bench" --records=200000 --rounds=3 --svg="$build/bench.svg"

part "a picture of the ratios: $build/bench.svg; longer forms: make bench-full, tests/bench/README.md"
