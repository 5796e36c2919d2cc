#!/usr/bin/env bash
# Builds LevelDB and RocksDB from Debian's source packages as a user who cares for speed would, into
# DIR/include and DIR/lib; what is there already stays: tests/bench/peers/build.sh DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: tests/bench/peers/build.sh DIR}/lib"
cd "$1"
root=$PWD

die() { printf 'peers: %s\n' "$*" >&2; exit 1; }

# apt with lists of its own: the machine's mirrors, but for sources. Needs no root.
sources_apt() {
  apt-get -qq -o Dir::Etc::SourceList="$root/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" "$@"
}

# Leaves the newest source package $1 that the mirrors have in src/$1/$1-VERSION.
fetch() {
  rm -rf "src/$1" "src/$1.part"
  mkdir -p apt/lists/partial apt/cache/archives/partial "src/$1.part"
  apt-get indextargets --format 'deb-src $(SITE) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' | sort -u > apt/sources.list
  [ -s apt/sources.list ] || die "apt knows no mirror of Debian's; try apt-get update"
  sources_apt -o APT::Update::Error-Mode=any update ||
    die "cannot read the lists of sources from the mirrors in $root/apt/sources.list"
  (cd "src/$1.part" && sources_apt source "$1" >/dev/null) ||
    die "cannot download the source package $1 from the mirrors in $root/apt/sources.list"
  mv "src/$1.part" "src/$1"
}

# build NAME FLAG...: fetches NAME, and installs it here as a static library, built with these flags.
build() {
  local name=$1 library=$root/lib/lib$1.a
  shift
  [ ! -e "$library" ] || { printf 'peers: %s is there\n' "$library"; return; }
  [ -d "src/$name" ] || fetch "$name"
  local source launcher=() start=$SECONDS
  source=$(compgen -G "src/$name/$name-*/")
  printf 'peers: building %s\n' "$(basename "$source")"
  [ -z "$(command -v ccache)" ] || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  {
    cmake -S "$source" -B "build-$name" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
      -DCMAKE_CXX_FLAGS_RELEASE='-O3 -DNDEBUG -march=native' "${launcher[@]}" "$@" &&
      nice cmake --build "build-$name" --target "$name" --parallel "$(nproc)"
  } > "build-$name.log" 2>&1 || die "$name was not built; see $root/build-$name.log"
  cp -R "$source/include" .
  cp "build-$name/lib$name.a" "$library"
  printf 'peers: %s took %d s\n' "$name" $((SECONDS - start))
}

# The library alone, with Snappy, which both take by default.
build leveldb -DLEVELDB_BUILD_TESTS=OFF -DLEVELDB_BUILD_BENCHMARKS=OFF -DHAVE_TCMALLOC=OFF \
  -DHAVE_CRC32C=ON -DCMAKE_CXX_FLAGS="-I$here"
build rocksdb -DROCKSDB_BUILD_SHARED=OFF -DWITH_SNAPPY=ON -DWITH_GFLAGS=OFF -DWITH_LIBURING=OFF \
  -DWITH_TESTS=OFF -DWITH_TOOLS=OFF -DWITH_CORE_TOOLS=OFF -DWITH_BENCHMARK_TOOLS=OFF \
  -DWITH_TRACE_TOOLS=OFF -DFAIL_ON_WARNINGS=OFF
