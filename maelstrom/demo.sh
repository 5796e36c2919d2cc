#!/usr/bin/env bash
# Runs sessions through the node and shows each request with its true reply.
# Usage: maelstrom/demo.sh [path to fathom]
set -euo pipefail
fathom=${1:-build/fathom}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

msg_id=0
# ask BODY: sends one request and waits for its reply.
ask() {
  msg_id=$((msg_id + 1))
  local line="{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"msg_id\":$msg_id,${1#\{}}"
  printf '> %s\n' "$line"
  printf '%s\n' "$line" >&"${NODE[1]}"
  local reply
  IFS= read -r -t 10 reply <&"${NODE[0]}" || { echo "no reply within 10 s" >&2; exit 1; }
  printf '< %s\n' "$reply"
}
say() { printf '\n# %s\n' "$*"; }
start() {
  coproc NODE { exec "$fathom" 2>"$dir/stderr"; }
  node_pid=$NODE_PID
  ask '{"type":"init","node_id":"n1","node_ids":["n1"]}'
}
# End of input: the node finishes, answers, closes its store and exits.
finish() {
  local input=${NODE[1]}
  exec {input}>&-
  wait "$node_pid"
}

say 'A store of its own, in a temporary directory.'
start
say 'Writes go to the log and the memtable.'
ask '{"type":"memtable_put","key":"user:1","value":"Ada"}'
ask '{"type":"memtable_put","key":"user:2","value":{"name":"Grace","born":1906}}'
ask '{"type":"memtable_get","key":"user:1"}'
say 'A flush writes the memtable to a table on level 0.'
ask '{"type":"sstable_flush"}'
say 'A cold lookup asks the Bloom filter, then reads the index block and a data block.'
ask '{"type":"sstable_lookup","sstable":"L0_001.sst","key":"user:2"}'
say 'The same again: both blocks are cached now.'
ask '{"type":"sstable_lookup","sstable":"L0_001.sst","key":"user:2"}'
say 'A key that the filter rejects costs no read; explain shows it.'
ask '{"type":"sstable_lookup","sstable":"L0_001.sst","key":"user:3","explain":true}'
say 'A table that does not exist is an error.'
ask '{"type":"sstable_lookup","sstable":"L7_404.sst","key":"user:1"}'
say 'A value that was flushed is found in the tree.'
ask '{"type":"memtable_get","key":"user:1"}'
finish

say 'A new process, an empty store: the flush of 4 MiB makes sample records first.'
msg_id=0
start
ask '{"type":"sstable_flush","memtable_size_bytes":4194304}'
ask '{"type":"sstable_lookup","sstable":"L0_001.sst","key":"user:42"}'
finish
