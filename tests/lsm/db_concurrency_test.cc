// Writers, readers, scans and flushes at once. The same tests run under
// ThreadSanitizer.
#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/crash/gated_file_system.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

TEST_CASE(
    "concurrency: readers beside writers and flushes see every "
    "acknowledged write") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 8 << 10;
  options.block_cache_bytes = 16 << 10;
  const auto db = OpenStore(options);
  constexpr int kWriters = 3;
  constexpr int kWrites = 1500;
  std::vector<std::atomic<int>> acknowledged(kWriters);
  std::atomic<int> failures{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 1; i <= kWrites; ++i) {
        // Two keys that always change together.
        WriteBatch batch;
        batch.Put(absl::StrCat("a", writer), absl::StrCat(i));
        batch.Put(absl::StrCat("z", writer), absl::StrCat(i));
        batch.Put(absl::StrCat("n", writer, "/", i), "v");
        const auto durability = static_cast<Durability>(i % 3);
        if (!db->Write(WriteOptions{durability}, batch).ok()) {
          ++failures;
        }
        acknowledged[static_cast<size_t>(writer)] = i;
      }
    });
  }
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      std::mt19937 rng(static_cast<uint32_t>(reader));
      std::string value;
      while (!done) {
        const int writer = static_cast<int>(rng() % kWriters);
        const int before = acknowledged[static_cast<size_t>(writer)];
        if (before == 0) {
          continue;
        }
        if (!db->Get(ReadOptions(), absl::StrCat("a", writer), &value).ok() ||
            std::stoi(value) < before) {
          ++failures;
        }
        if (!db->Get(ReadOptions(),
                     absl::StrCat("n", writer, "/", 1 + static_cast<int>(rng() % kWrites) % before),
                     &value)
                 .ok()) {
          ++failures;
        }
      }
    });
  }
  readers.emplace_back([&] {
    while (!done) {
      // A batch is seen whole or not at all.
      const auto it = db->NewIterator(ReadOptions());
      for (int writer = 0; writer < kWriters; ++writer) {
        it->Seek(absl::StrCat("a", writer));
        const std::string first =
            it->Valid() && it->key() == absl::StrCat("a", writer) ? std::string(it->value()) : "";
        it->Seek(absl::StrCat("z", writer));
        const std::string second =
            it->Valid() && it->key() == absl::StrCat("z", writer) ? std::string(it->value()) : "";
        if (first != second || !it->status().ok()) {
          ++failures;
        }
      }
      if (!db->Flush().ok()) {
        ++failures;
      }
      db->GetStats();
      db->Levels();
    }
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(failures == 0);
  const Model contents = Contents(db.get());
  CHECK(contents.size() == kWriters * (kWrites + 2));
  CHECK(db->Verify().value().problems.empty());
}

TEST_CASE("concurrency: a reader beside the writer of a batch sees all of it or nothing") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  constexpr int kKeys = 500;
  const auto write = [&db](int round) {
    WriteBatch batch;
    for (int i = 0; i < kKeys; ++i) {
      batch.Put(Key(i), absl::StrCat(round));
    }
    REQUIRE(db->Write(WriteOptions{Durability::kBuffered}, batch).ok());
  };
  write(0);
  std::atomic<bool> done{false};
  int torn = 0;
  std::thread reader([&] {
    const std::string first = Key(0);
    const std::string last = Key(kKeys - 1);
    std::vector<std::string> values;
    while (!done) {
      db->MultiGet(ReadOptions(), {first, last}, &values);
      torn += values[0] == values[1] ? 0 : 1;
    }
  });
  for (int round = 1; round < 300; ++round) {
    write(round);
  }
  done = true;
  reader.join();
  CHECK(torn == 0);
}

TEST_CASE("concurrency: a flush that drops old versions takes none from a reader that just began") {
  // A reader is stopped now and then between its two looks, at the view and at the last sequence
  // number; more readers than CPUs see to that. In the wrong order it then misses what it may see.
  MemFileSystem fs;
  GatedFileSystem gate(&fs);  // open: it only reserves less
  Options options = InMemory(&gate);
  options.memtable_bytes = 1 << 10;
  options.max_immutable_memtables = 2;
  const auto db = OpenStore(options);
  Put(db.get(), "k", "0");
  std::atomic<int> acknowledged{0};
  std::atomic<int> stale{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 6; ++reader) {
    readers.emplace_back([&] {
      std::string value;
      while (!done) {
        const int before = acknowledged;
        if (!db->Get(ReadOptions(), "k", &value).ok() || std::stoi(value) < before) {
          ++stale;
        }
      }
    });
  }
  for (int i = 1; i < 10000; ++i) {
    Put(db.get(), "k", absl::StrCat(i), Durability::kBuffered);
    acknowledged = i;
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(stale == 0);
}

TEST_CASE("concurrency: who waits for a flush does not wait until its log is removed, others may") {
  MemFileSystem fs;
  absl::Notification told;  // outlives the store, whose threads ask it
  const auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  fs.SetHook([&told](FileOp op, const std::string& path, uint64_t) {
    if (op == FileOp::kRemove && path.ends_with(".wal")) {
      CHECK(told.WaitForNotificationWithTimeout(absl::Seconds(10)));
    }
    return absl::OkStatus();
  });
  FlushStore(db.get());
  told.Notify();
  REQUIRE(db->WaitForCompactions().ok());
  const std::vector<std::string> names = fs.List("db").value();
  CHECK(std::ranges::count_if(names, [](const auto& name) { return name.ends_with(".wal"); }) == 1);
}

TEST_CASE("concurrency: more readers than slots take turns") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "k", "v");
  std::vector<std::thread> threads;
  std::atomic<int> found{0};
  for (int i = 0; i < 80; ++i) {
    threads.emplace_back([&] {
      std::string value;
      for (int n = 0; n < 50; ++n) {
        found += db->Get(ReadOptions(), "k", &value).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(found == 80 * 50);
}

TEST_CASE("concurrency: a write that must be durable does not ride with one that need not be") {
  // Crash case 14. The pauses let the writers stand in the queue in this order; a run in which they
  // do not shows less.
  MemFileSystem fs;
  absl::Notification syncing;
  absl::Notification queued;
  const auto db = OpenStore(&fs);
  fs.SetHook([&](FileOp op, const std::string&, uint64_t) {
    if (op == FileOp::kSync && !syncing.HasBeenNotified()) {
      syncing.Notify();
      queued.WaitForNotification();
    }
    return absl::OkStatus();
  });
  std::vector<std::thread> writers;
  const auto write = [&](const char* key, Durability durability) {
    writers.emplace_back([&db, key, durability] { Put(db.get(), key, "v", durability); });
  };
  write("in front", Durability::kDisk);
  syncing.WaitForNotification();
  write("buffered", Durability::kBuffered);
  absl::SleepFor(absl::Milliseconds(20));
  write("durable", Durability::kDisk);
  absl::SleepFor(absl::Milliseconds(20));
  queued.Notify();
  for (std::thread& writer : writers) {
    writer.join();
  }
  const auto crashed = fs.CrashClone(1, 0);
  CHECK(Get(OpenStore(crashed.get()).get(), "durable") == "v");
}

// Crash cases 14 and 17: full memtables are switched all the while.
TEST_CASE(
    "concurrency: what many writers were told is durable survives a "
    "power loss") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    MemFileSystem fs;
    Options options = InMemory(&fs);
    options.memtable_bytes = 2 << 10;
    auto db = OpenStore(options);
    constexpr int kWriters = 4;
    std::vector<int> durable(kWriters, 0);
    const uint64_t last = 100 + seed * 37;
    fs.SetHook([last](FileOp, const std::string&, uint64_t number) {
      return number <= last ? absl::OkStatus() : absl::InternalError("the machine is off");
    });
    std::vector<std::thread> threads;
    for (int writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([&, writer] {
        for (int i = 1;; ++i) {
          const auto durability = i % 2 == 0 ? Durability::kDisk : Durability::kBuffered;
          if (!db->Put(WriteOptions{durability}, absl::StrCat(writer, "/", Key(i)), "v").ok()) {
            return;
          }
          if (durability == Durability::kDisk) {
            durable[static_cast<size_t>(writer)] = i;
          }
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    const auto crashed = fs.CrashClone(seed, 50);
    db.reset();
    const auto again = OpenStore(crashed.get());
    for (int writer = 0; writer < kWriters; ++writer) {
      // Of each writer: every durable write, and no write without all those
      // before it.
      int i = 1;
      while (Get(again.get(), absl::StrCat(writer, "/", Key(i))) == "v") {
        ++i;
      }
      CHECK(i - 1 >= durable[static_cast<size_t>(writer)]);
      for (int later = i; later < i + 50; ++later) {
        CHECK(Get(again.get(), absl::StrCat(writer, "/", Key(later))) == "(none)");
      }
    }
  }
}

}  // namespace
}  // namespace fathom
