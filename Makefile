# A thin front: CMake does the work. Plain `make` lists the targets.

BUILD_DIR ?= build
BUILD_TYPE ?= Release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=
SECONDS ?= 60
RECORDS ?= 1000000
ROUNDS ?= 5

BUILD_PACKAGES := g++ cmake make libabsl-dev nlohmann-json3-dev libxxhash-dev liblmdb-dev liblz4-dev libzstd-dev libsnappy-dev
TEST_PACKAGES := doctest-dev rocksdb-tools
BENCH_PACKAGES := libbenchmark-dev
PEER_PACKAGES := libleveldb-dev librocksdb-dev
PEER_BUILD_PACKAGES := dpkg-dev
FUZZ_PACKAGES := clang libclang-rt-14-dev
FORMAT_PACKAGES := clang-format
TIDY_PACKAGES := clang-tidy

SOURCES = $(shell git ls-files '*.h' '*.cc')

# Installs those of the packages $(1) that are missing, saying which.
define install_packages
@missing=; for package in $(1); do \
  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
  echo "Installing Debian packages:$$missing"; \
  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
  $$sudo apt-get update -qq && \
  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
fi
endef

.PHONY: help
help:
	@echo 'make demo      install what is missing, build, and run a session through the node'
	@echo 'make test      install what is missing, build, and run every test'
	@echo 'make build     leave the program in $(BUILD_DIR)/fathom'
	@echo 'make bench     build and run a short form of the benchmarks, beside the peers as installed'
	@echo 'make bench-full  all of it, beside release builds of the peers, made once in build-peers;'
	@echo '               long: RECORDS ($(RECORDS)) and ROUNDS ($(ROUNDS)) make it shorter'
	@echo 'make fuzz      build the fuzzers with clang and run each for SECONDS ($(SECONDS))'
	@echo 'make format    format the sources (check-format only compares)'
	@echo 'make tidy      run clang-tidy over the program, without precompiled headers; long'
	@echo 'make install   install the program under PREFIX ($(PREFIX))'
	@echo 'make clean     remove $(BUILD_DIR)'

.PHONY: build
build:
	$(call install_packages,$(BUILD_PACKAGES))
	@cmake -S . -B $(BUILD_DIR) -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) -DFATHOM_TESTS=OFF $(CMAKE_FLAGS)
	@cmake --build $(BUILD_DIR) --parallel $(JOBS)

.PHONY: demo
demo: build
	@maelstrom/demo.sh $(BUILD_DIR)/fathom

.PHONY: test
test:
	$(call install_packages,$(BUILD_PACKAGES) $(TEST_PACKAGES))
	@cmake -S . -B $(BUILD_DIR) -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) -DFATHOM_TESTS=ON $(CMAKE_FLAGS)
	@cmake --build $(BUILD_DIR) --parallel $(JOBS)
	@ctest --test-dir $(BUILD_DIR) --output-on-failure --parallel $(JOBS)

.PHONY: bench bench-full
bench:
	$(call install_packages,$(BUILD_PACKAGES) $(BENCH_PACKAGES) $(PEER_PACKAGES))
	@cmake -S . -B $(BUILD_DIR) -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) \
	  -DFATHOM_TESTS=OFF -DFATHOM_BENCH=ON -DFATHOM_BENCH_PEERS= $(CMAKE_FLAGS)
	@cmake --build $(BUILD_DIR) --parallel $(JOBS)
	@tests/bench/run.sh $(BUILD_DIR)
bench-full:
	$(call install_packages,$(BUILD_PACKAGES) $(BENCH_PACKAGES) $(PEER_BUILD_PACKAGES))
	@tests/bench/peers/build.sh build-peers
	@cmake -S . -B $(BUILD_DIR) -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) \
	  -DFATHOM_TESTS=OFF -DFATHOM_BENCH=ON -DFATHOM_BENCH_PEERS=$(CURDIR)/build-peers $(CMAKE_FLAGS)
	@cmake --build $(BUILD_DIR) --parallel $(JOBS)
	@tests/bench/run_full.sh $(BUILD_DIR) $(RECORDS) $(ROUNDS)

.PHONY: fuzz
fuzz:
	$(call install_packages,$(BUILD_PACKAGES) $(FUZZ_PACKAGES))
	@cmake -S . -B $(BUILD_DIR)-fuzz -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS='-O1 -g1' \
	  -DCMAKE_CXX_COMPILER=clang++ -DFATHOM_TESTS=OFF -DFATHOM_FUZZ=ON \
	  -DFATHOM_SANITIZE=address,undefined $(CMAKE_FLAGS)
	@cmake --build $(BUILD_DIR)-fuzz --parallel $(JOBS)
	@tests/fuzz/run.sh $(BUILD_DIR)-fuzz $(SECONDS)

.PHONY: format check-format
format:
	$(call install_packages,$(FORMAT_PACKAGES))
	@clang-format -i $(SOURCES)
check-format:
	$(call install_packages,$(FORMAT_PACKAGES))
	@clang-format --dry-run --Werror $(SOURCES) && echo 'The format is right.'

.PHONY: tidy
tidy:
	$(call install_packages,$(BUILD_PACKAGES) $(TIDY_PACKAGES))
	@cmake -S . -B $(BUILD_DIR)-tidy -DFATHOM_TESTS=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON $(CMAKE_FLAGS)
	@run-clang-tidy -quiet -p $(BUILD_DIR)-tidy '/(lsm|handlers|node)/'

.PHONY: install
install: build
	@cmake --install $(BUILD_DIR) --prefix $(PREFIX)

.PHONY: clean
clean:
	@rm -rf $(BUILD_DIR)
