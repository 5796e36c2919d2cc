// Tables that are not sound: no wrong byte is ever believed.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/io/mem_file_system.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/foreign_table.h"
#include "lsm/table/table_reader.h"
#include "lsm/table/table_salvage.h"
#include "tests/lsm/table/table_test_util.h"
#include "tests/runs.h"

namespace fathom {
namespace {

// A few keys with versions and tombstones, over several blocks of 64 bytes.
Entries SmallEntries() {
  Entries entries;
  for (int i = 0; i < 6; ++i) {
    const std::string user_key = absl::StrCat("key", i);
    entries[Key(user_key, 10)] = absl::StrCat("old value ", i);
    entries[Key(user_key, 20, i % 3 == 0 ? ValueType::kDeletion : ValueType::kValue)] =
        i % 3 == 0 ? "" : absl::StrCat("new value ", i);
  }
  return entries;
}

bool IsDataLossOf(const absl::Status& status, const std::string& name) {
  return status.code() == absl::StatusCode::kDataLoss &&
         absl::StartsWith(status.message(), name + ": damaged at offset ");
}

// Asks everything of a table that may be damaged. Each answer has to be right or DataLoss that
// names the file; whether all of them were right.
class Questions {
 public:
  Questions(const Entries& entries, const RangeTombstones& ranges, std::string name)
      : entries_(entries), ranges_(ranges), name_(std::move(name)) {}

  // False as soon as one answer is neither.
  bool honest() const { return honest_; }
  bool all_right() const { return all_right_; }

  void Ask(TableReader* table) {
    for (int i = 0; i <= 6; ++i) {
      for (const SequenceNumber snapshot : std::vector<SequenceNumber>{5, 10, 15, 20}) {
        AskGet(table, absl::StrCat("key", i), snapshot);
      }
    }
    AskForward(table);
    AskBackward(table);
    AskRanges(*table);
    Take(table->Check().status());
  }

  void Take(const absl::Status& status) {
    all_right_ = all_right_ && status.ok();
    honest_ = honest_ && (status.ok() || IsDataLossOf(status, name_));
  }

 private:
  void AskGet(TableReader* table, const std::string& user_key, SequenceNumber snapshot) {
    std::string value;
    ReadCost cost;
    const auto found = table->Get(user_key, FilterHash(user_key), snapshot, &value, &cost);
    Take(found.status());
    if (found.ok()) {
      auto expected = Expected(entries_, user_key, snapshot);
      const auto newest = entries_.lower_bound(Key(user_key, snapshot, kSeekType));
      const SequenceNumber covering = ranges_.Covering(user_key, snapshot);
      if (covering > 0 &&
          (expected.first == Lookup::kAbsent || Sequence(newest->first) < covering)) {
        expected = {Lookup::kDeleted, ""};
      }
      honest_ = honest_ && *found == expected.first && value == expected.second;
    }
  }

  void AskRanges(const TableReader& table) {
    const auto same = [](const RangeTombstone& a, const RangeTombstone& b) {
      return a.begin == b.begin && a.end == b.end && a.sequence == b.sequence;
    };
    const RangeTombstones* const list = table.range_tombstones();
    honest_ = honest_ && (list == nullptr) == ranges_.empty() &&
              (list == nullptr || std::ranges::equal(list->Entries(), ranges_.Entries(), same));
  }

  void AskForward(TableReader* table) {
    const auto it = table->NewIterator(false, nullptr);
    auto at = entries_.begin();
    for (it->SeekToFirst(); it->Valid() && at != entries_.end(); it->Next(), ++at) {
      honest_ = honest_ && it->key() == at->first && it->value() == at->second;
    }
    honest_ = honest_ && !it->Valid() && (!it->status().ok() || at == entries_.end());
    Take(it->status());
  }

  void AskBackward(TableReader* table) {
    const auto it = table->NewIterator(false, nullptr);
    auto at = entries_.rbegin();
    for (it->SeekToLast(); it->Valid() && at != entries_.rend(); it->Prev(), ++at) {
      honest_ = honest_ && it->key() == at->first && it->value() == at->second;
    }
    honest_ = honest_ && !it->Valid() && (!it->status().ok() || at == entries_.rend());
    Take(it->status());
  }

  const Entries& entries_;
  const RangeTombstones& ranges_;
  const std::string name_;
  bool honest_ = true;
  bool all_right_ = true;
};

// Opens in one of the two ways and asks everything.
Questions AskAll(const Entries& entries, const RangeTombstones& ranges, MemFileSystem* fs,
                 const TableIdentity& identity, bool known) {
  Questions questions(entries, ranges, identity.name);
  auto file = fs->OpenForRead(identity.name);
  REQUIRE(file.ok());
  const auto table =
      known ? TableReader::Open(*std::move(file), identity, nullptr)
            : TableReader::OpenUnknown(*std::move(file), identity.name, identity.number, nullptr);
  questions.Take(table.status());
  if (table.ok()) {
    questions.Ask(table->get());
  }
  return questions;
}

void CheckFlips(const Entries& entries, size_t block_bytes, Compression compression,
                uint64_t least_blocks, const RangeTombstones& ranges = {},
                size_t partition_bytes = kOnePartition) {
  TestTable table(entries, block_bytes, nullptr, compression, ranges, partition_bytes);
  const TableIdentity identity = IdentityOf(table.path, table.built);
  const std::string bytes = *table.fs.Contents(table.path);
  REQUIRE(table.built.properties.data_blocks >= least_blocks);
  for (const bool known : {true, false}) {
    const Questions sound = AskAll(entries, ranges, &table.fs, identity, known);
    REQUIRE(sound.honest());
    REQUIRE(sound.all_right());
  }
  for (size_t i = 0; i < bytes.size(); i += kSanitized ? 3 : 1) {
    for (const uint8_t flip : {uint8_t{0x01}, uint8_t{0x80}, uint8_t{0xff}}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(static_cast<uint8_t>(damaged[i]) ^ flip);
      table.fs.SetContents(table.path, damaged);
      for (const bool known : {true, false}) {
        const Questions questions = AskAll(entries, ranges, &table.fs, identity, known);
        CAPTURE(i);
        CAPTURE(flip);
        CAPTURE(known);
        REQUIRE(questions.honest());
        REQUIRE_FALSE(questions.all_right());  // at the latest, the check finds it
      }
    }
  }
}

TEST_CASE("table: a wrong byte anywhere is DataLoss that names the file, never a wrong answer") {
  CheckFlips(SmallEntries(), 64, Compression::kNone, 4);
}

TEST_CASE("table: a wrong byte anywhere in a table with range tombstones is DataLoss too") {
  const RangeTombstones ranges =
      RangeTombstones::Of({{"key1", "key4", 12}, {"key3", "key6", 15}, {"key7", "key9", 9}});
  CheckFlips(SmallEntries(), 64, Compression::kNone, 4, ranges);
  CheckFlips({}, 64, Compression::kNone, 0, ranges);
}

TEST_CASE("table: a wrong byte anywhere in a table with an index of several partitions too") {
  const RangeTombstones ranges =
      RangeTombstones::Of({{"key1", "key4", 12}, {"key3", "key6", 15}, {"key7", "key9", 9}});
  CheckFlips(SmallEntries(), 64, Compression::kNone, 4, {}, 1);
  CheckFlips(SmallEntries(), 64, Compression::kNone, 4, ranges, 50);
}

TEST_CASE("table: a wrong byte in compressed blocks is DataLoss too") {
  Entries entries;  // the keys that are asked for, with values that compress
  for (const auto& [key, value] : SmallEntries()) {
    entries[key] = value.empty() ? "" : value + std::string(100, 'x');
  }
  CheckFlips(entries, 300, Compression::kLz4, 2);
  CheckFlips(entries, 300, Compression::kZstd, 2);
}

TEST_CASE("table: a file cut short at any length is DataLoss at opening") {
  // Crash case 22.
  const Entries entries = SmallEntries();
  for (const size_t partition_bytes : {kOnePartition, size_t{1}}) {
    TestTable table(entries, 64, {}, Compression::kNone, {}, partition_bytes);
    const TableIdentity identity = IdentityOf(table.path, table.built);
    const std::string bytes = *table.fs.Contents(table.path);
    for (size_t length = 0; length < bytes.size(); ++length) {
      table.fs.SetContents(table.path, bytes.substr(0, length));
      CAPTURE(length);
      const auto opened = TryOpen(&table.fs, identity);
      REQUIRE(IsDataLossOf(opened.status(), table.path));
      CHECK(absl::StrContains(
          opened.status().message(),
          absl::StrCat("table size: expected ", bytes.size(), ", found ", length)));
      auto file = table.fs.OpenForRead(table.path);
      const auto unknown = TableReader::OpenUnknown(*std::move(file), table.path, 1, nullptr);
      REQUIRE(IsDataLossOf(unknown.status(), table.path));
    }
    table.fs.SetContents(table.path, bytes + '\0');
    CHECK(IsDataLossOf(TryOpen(&table.fs, identity).status(), table.path));
  }
}

// Where the data blocks of a table lie by its index, or the index's partitions by its root.
std::vector<IndexEntry> BlocksOfIndex(const std::string& bytes, const BuiltTable& built) {
  const auto footer = DecodeFooter(absl::string_view(bytes).substr(bytes.size() - kFooterBytes),
                                   "a", bytes.size() - kFooterBytes);
  REQUIRE(footer.ok());
  MemFileSystem fs;
  fs.SetContents("a", bytes);
  auto file = fs.OpenForRead("a");
  const auto block = ReadBlock(**file, std::make_shared<std::string>("a"), footer->index,
                               built.properties.index_checksum);
  REQUIRE(block.ok());
  std::vector<IndexEntry> entries;
  BlockIterator index(*block);
  for (index.SeekToFirst(); index.Valid(); index.Next()) {
    entries.push_back(*ReadIndexEntry(index));
  }
  return entries;
}

// How many of `entries` are told to be damaged, with all others found as they were.
int CountLost(TableReader* reader, const Entries& entries, const std::string& path) {
  int lost = 0;
  for (const auto& [key, expected] : entries) {
    std::string value;
    ReadCost cost;
    const std::string user_key(UserKey(key));
    const auto found =
        reader->Get(user_key, FilterHash(user_key), kMaxSequenceNumber, &value, &cost);
    if (found.ok()) {
      CHECK(*found == Lookup::kFound);
      CHECK(value == expected);
    } else {
      CHECK(IsDataLossOf(found.status(), path));
      ++lost;
    }
  }
  return lost;
}

// REQUIRES: they are of one size.
void SwapBlocks(std::string* bytes, const BlockHandle& a, const BlockHandle& b) {
  const size_t n = a.size + kBlockTrailerBytes;
  std::swap_ranges(bytes->begin() + static_cast<ptrdiff_t>(a.offset),
                   bytes->begin() + static_cast<ptrdiff_t>(a.offset + n),
                   bytes->begin() + static_cast<ptrdiff_t>(b.offset));
}

TEST_CASE("table: a sound block in the place of another is refused") {
  // Crash case 53.
  Entries entries;
  for (int i = 10; i < 50; ++i) {
    entries[Key(absl::StrCat("key", i), 1)] = absl::StrCat("value", i);
  }
  TestTable table(entries, 128);
  std::string bytes = *table.fs.Contents(table.path);
  const std::vector<IndexEntry> blocks = BlocksOfIndex(bytes, table.built);
  REQUIRE(blocks.size() > 3);
  const BlockHandle& a = blocks[1].handle;
  const BlockHandle& b = blocks[2].handle;
  REQUIRE(a.size == b.size);
  SwapBlocks(&bytes, a, b);
  table.fs.SetContents(table.path, bytes);

  const auto reader = Open(&table.fs, table.path, table.built);  // the tail is as it was
  CHECK(CountLost(reader.get(), entries, table.path) > 1);
  CHECK(IsDataLossOf(reader->Check().status(), table.path));
  const auto it = reader->NewIterator(false, nullptr);
  it->SeekToFirst();
  CHECK(Rest(it.get()).size() < entries.size() - 2);
  CHECK(IsDataLossOf(it->status(), table.path));
}

TEST_CASE("table: a sound partition of the index in the place of another is refused") {
  Entries entries;
  for (int i = 100; i < 400; ++i) {
    entries[Key(absl::StrCat("key", i), 1)] = absl::StrCat("value", i);
  }
  TestTable table(entries, 60, {}, Compression::kNone, {}, 200);
  std::string bytes = *table.fs.Contents(table.path);
  const std::vector<IndexEntry> partitions = BlocksOfIndex(bytes, table.built);
  const auto same_size = [](const IndexEntry& a, const IndexEntry& b) {
    return a.handle.size == b.handle.size;
  };
  const auto first = std::adjacent_find(partitions.begin(), partitions.end(), same_size);
  REQUIRE(first != partitions.end());
  const BlockHandle& a = first->handle;
  const BlockHandle& b = std::next(first)->handle;
  SwapBlocks(&bytes, a, b);
  table.fs.SetContents(table.path, bytes);

  BlockCache cache(1 << 20);
  IndexBudget budget(1 << 20);
  for (const TableCaches& caches : {TableCaches(), TableCaches(&cache, &budget)}) {
    // The tail is as it was.
    const auto reader = Open(&table.fs, table.path, table.built, caches);
    CHECK(IsDataLossOf(reader->Check().status(), table.path));
    CHECK(CountLost(reader.get(), entries, table.path) > 5);
  }
  const auto foreign = ForeignTable::Open(*table.fs.OpenForRead(table.path), table.path);
  REQUIRE(foreign.ok());
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) {
    more = (*foreign)->Next();
  }
  CHECK(IsDataLossOf(more.status(), table.path));
  CHECK_MESSAGE(absl::StrContains(more.status().message(), "as the block's parent has it"),
                more.status().ToString());
}

TEST_CASE("table: a sound file under the identity of another is refused") {
  // Crash case 53, for whole files.
  Entries entries = SmallEntries();
  MemFileSystem fs;
  const BuiltTable mine = Build(&fs, "a.sst", entries, 64);
  entries[Key("key1", 10)] = "OLD value 1";
  const BuiltTable other = Build(&fs, "b.sst", entries, 64);
  REQUIRE(mine.file_bytes == other.file_bytes);
  REQUIRE(TryOpen(&fs, IdentityOf("a.sst", mine)).ok());
  REQUIRE(TryOpen(&fs, IdentityOf("b.sst", other)).ok());
  CHECK(IsDataLossOf(TryOpen(&fs, IdentityOf("a.sst", other)).status(), "a.sst"));
  CHECK(IsDataLossOf(TryOpen(&fs, IdentityOf("b.sst", mine)).status(), "b.sst"));
}

TEST_CASE("table: an identity whose tail cannot be is refused before anything is allocated") {
  TestTable table(SmallEntries(), 64);
  for (const uint64_t tail_bytes :
       {uint64_t{0}, uint64_t{kFooterBytes - 1}, table.built.file_bytes + 1, ~uint64_t{0}}) {
    TableIdentity identity = IdentityOf(table.path, table.built);
    identity.tail_bytes = tail_bytes;
    CHECK(IsDataLossOf(TryOpen(&table.fs, identity).status(), table.path));
  }
}

TEST_CASE("block reader: a handle outside the file is refused, however large") {
  MemFileSystem fs;
  fs.SetContents("a.sst", std::string(100, 'x'));
  const auto file = fs.OpenForRead("a.sst");
  REQUIRE(file.ok());
  const uint64_t reads = fs.op_count(FileOp::kRead);
  constexpr uint64_t kHuge = ~uint64_t{0};
  for (const BlockHandle handle : std::vector<BlockHandle>{{0, 96},
                                                           {96, 0},
                                                           {1, 95},
                                                           {100, 0},
                                                           {101, 0},
                                                           {0, kHuge},
                                                           {kHuge, 1},
                                                           {kHuge, kHuge},
                                                           {50, kHuge - 49},
                                                           {kHuge - 4, 0}}) {
    const auto block =
        ReadBlock(**file, std::make_shared<std::string>("a.sst"), handle, std::nullopt);
    CHECK(IsDataLossOf(block.status(), "a.sst"));
  }
  CHECK(fs.op_count(FileOp::kRead) == reads);
}

TEST_CASE("block reader: a compression that we do not know is refused by its type") {
  std::string bytes(20, 'x');
  bytes.push_back('\1');  // Snappy
  PutFixed32(&bytes, BlockChecksum(absl::string_view(bytes).substr(0, 20), 1));
  const absl::Status status = BorrowBlock(bytes, std::make_shared<std::string>("a.sst"),
                                          {.offset = 30, .size = 20}, std::nullopt)
                                  .status();
  CHECK(IsDataLossOf(status, "a.sst"));
  CHECK(absl::StrContains(status.message(),
                          "compression type of a block: expected 0, 4 (LZ4) or 7 (zstd), found 1"));
}

TEST_CASE("salvage: what a damaged index partition led to is lost, and nothing else") {
  Entries entries;
  for (int i = 10; i < 70; ++i) {
    entries[Key(absl::StrCat("key", i), 1)] = absl::StrCat("value", i);
  }
  TestTable table(entries, 100, {}, Compression::kNone, {}, 60);
  const std::string bytes = *table.fs.Contents(table.path);
  const std::vector<IndexEntry> partitions = BlocksOfIndex(bytes, table.built);
  REQUIRE(partitions.size() > 3);
  for (size_t damaged = 0; damaged <= partitions.size(); ++damaged) {
    CAPTURE(damaged);
    const bool sound = damaged == partitions.size();
    std::string changed = bytes;
    if (!sound) {
      changed[partitions[damaged].handle.offset + 5] ^= 1;
    }
    table.fs.SetContents(table.path, changed);
    auto file = table.fs.OpenForRead(table.path);
    Entries saved;
    std::vector<LostBlock> lost;
    const auto take = [&saved](absl::string_view key, absl::string_view value) {
      saved[std::string(key)] = std::string(value);
    };
    REQUIRE(SalvageTable(**file, table.path, take, &lost).ok());
    REQUIRE(lost.size() == (sound ? 0 : 1));
    Entries expected = entries;
    for (const LostBlock& block : lost) {
      CHECK(block.offset == partitions[damaged].handle.offset);
      CHECK(IsDataLossOf(block.why, table.path));
      CHECK(block.after.empty() == (damaged == 0));
      const auto first = block.after.empty() ? expected.begin() : expected.upper_bound(block.after);
      const auto end = expected.upper_bound(block.up_to);
      CHECK(std::distance(first, end) > 5);
      expected.erase(first, end);
    }
    CHECK(saved == expected);
  }
}

// A table of which some bytes were changed and all checksums made good again: a writer's mistake.
class Forgery {
 public:
  Forgery(const Entries& entries, size_t block_bytes, size_t partition_bytes = kOnePartition)
      : table_(entries, block_bytes, {}, Compression::kNone, {}, partition_bytes) {
    bytes_ = *table_.fs.Contents(table_.path);
    blocks_ = BlocksOfIndex(bytes_, table_.built);
  }

  // Replaces `from` by `to`, as long, in the first data block, and forges what vouches for it.
  void Replace(absl::string_view from, absl::string_view to) {
    REQUIRE(from.size() == to.size());
    const BlockHandle& block = blocks_[0].handle;
    const size_t at = bytes_.find(from.data(), 0, from.size());
    REQUIRE(at < block.size);
    bytes_.replace(at, to.size(), to.data(), to.size());
    ReplaceFixed32(blocks_[0].checksum, Reseal(block));  // in the index
    ResealIndex();
  }

  // The same in the index.
  void ReplaceInIndex(absl::string_view from, absl::string_view to) {
    REQUIRE(from.size() == to.size());
    const size_t at = bytes_.find(from.data(), table_.built.properties.data_bytes, from.size());
    REQUIRE(at < bytes_.size() - table_.built.tail_bytes);
    bytes_.replace(at, to.size(), to.data(), to.size());
    ResealIndex();
  }

  // The same of the last place in the root of an index in partitions.
  void ReplaceInRoot(absl::string_view from, absl::string_view to) {
    REQUIRE(from.size() == to.size());
    const auto footer =
        DecodeFooter(absl::string_view(bytes_).substr(bytes_.size() - kFooterBytes), "a", 0);
    const size_t at =
        bytes_.rfind(from.data(), footer->index.offset + footer->index.size, from.size());
    REQUIRE(at > footer->index.offset);
    bytes_.replace(at, to.size(), to.data(), to.size());
    ResealIndex();
  }

  // Of the index, or of the root of one in partitions.
  const std::vector<IndexEntry>& blocks() const { return blocks_; }

  absl::StatusOr<std::shared_ptr<TableReader>> TryOpen() {
    auto file = table_.fs.OpenForRead(table_.path);
    return TableReader::OpenUnknown(*std::move(file), table_.path, 1, nullptr);
  }
  std::shared_ptr<TableReader> Open() {
    auto opened = TryOpen();
    REQUIRE_MESSAGE(opened.ok(), opened.status().ToString());
    return *opened;
  }

 private:
  uint32_t Reseal(const BlockHandle& block) {
    const uint32_t sum =
        BlockChecksum(absl::string_view(bytes_).substr(block.offset, block.size), 0);
    EncodeFixed32(bytes_.data() + block.offset + block.size + 1, sum);
    return sum;
  }

  // The last place of a number: where the parent has it.
  void ReplaceFixed32(uint32_t from, uint32_t to) {
    std::string old;
    PutFixed32(&old, from);
    const size_t at = bytes_.rfind(old);
    REQUIRE(at != std::string::npos);
    EncodeFixed32(bytes_.data() + at, to);
  }

  void ResealIndex() {
    const auto footer =
        DecodeFooter(absl::string_view(bytes_).substr(bytes_.size() - kFooterBytes), "a", 0);
    const uint32_t sealed = Reseal(footer->index);
    ReplaceFixed32(std::exchange(table_.built.properties.index_checksum, sealed), sealed);
    const uint64_t properties_begin = bytes_.size() - table_.built.tail_bytes +
                                      table_.built.properties.filter_bytes + kBlockTrailerBytes +
                                      table_.built.properties.index_root_bytes;
    Reseal({properties_begin, footer->metaindex.offset - properties_begin - kBlockTrailerBytes});
    table_.fs.SetContents(table_.path, bytes_);
  }

  TestTable table_;
  std::string bytes_;
  std::vector<IndexEntry> blocks_;
};

TEST_CASE("table: a type that no version knows is DataLoss even if every checksum is right") {
  const Entries entries = {{Key("key1", 7), "value1"}, {Key("key2", 7), "value2"}};
  Forgery forgery(entries, 4096);
  forgery.Replace(Key("key1", 7), Key("key1", 7, static_cast<ValueType>(0x7f)));
  const auto table = forgery.Open();
  std::string value;
  ReadCost cost;
  const auto found = table->Get("key1", FilterHash("key1"), kMaxSequenceNumber, &value, &cost);
  CHECK(IsDataLossOf(found.status(), "L0_001.sst"));
  const auto it = table->NewIterator(true, nullptr);
  it->SeekToFirst();
  CHECK_FALSE(it->Valid());
  CHECK(IsDataLossOf(it->status(), "L0_001.sst"));
  CHECK(IsDataLossOf(table->Check().status(), "L0_001.sst"));
}

TEST_CASE("table: an index root that contradicts its partitions is found by the check") {
  const Entries entries = {{Key("key1", 7), "value1"}, {Key("key3", 7), "value3"}};
  for (const char* const other : {"2", "4"}) {
    Forgery forgery(entries, 16, 1);
    forgery.ReplaceInRoot(Key("3", 7), Key(other, 7));  // what the last separator does not share
    const absl::Status status = forgery.Open()->Check().status();
    CHECK(IsDataLossOf(status, "L0_001.sst"));
    CHECK_MESSAGE(absl::StrContains(status.message(), "last separator of an index partition"),
                  status.ToString());
  }
}

TEST_CASE("table: an index root with partitions in another order than the file has is refused") {
  Entries entries;
  for (int i = 10; i < 40; ++i) {
    entries[Key(absl::StrCat("key", i), 1)] = absl::StrCat("value", i);
  }
  Forgery forgery(entries, 60, 1);
  const auto same_size = [](const IndexEntry& a, const IndexEntry& b) {
    return a.handle.size == b.handle.size;
  };
  const auto first =
      std::adjacent_find(forgery.blocks().begin(), forgery.blocks().end(), same_size);
  REQUIRE(first != forgery.blocks().end());
  std::string a;
  std::string b;
  first->AppendTo(&a);
  std::next(first)->AppendTo(&b);
  forgery.ReplaceInRoot(a, b);
  forgery.ReplaceInRoot(b, a);  // the second of the two
  const absl::Status status = forgery.TryOpen().status();
  CHECK(IsDataLossOf(status, "L0_001.sst"));
  CHECK_MESSAGE(absl::StrContains(status.message(), "place of the index"), status.ToString());
}

TEST_CASE("table: an index root other than the one that the properties mean is refused") {
  MemFileSystem fs;
  Build(&fs, "a.sst", SmallEntries(), 64, Compression::kNone, {}, 1);
  std::string bytes = *fs.Contents("a.sst");
  const auto footer =
      DecodeFooter(absl::string_view(bytes).substr(bytes.size() - kFooterBytes), "a.sst", 0);
  const BlockHandle& root = footer->index;
  constexpr size_t kHeaderBytes = 3;
  REQUIRE(bytes[root.offset + kHeaderBytes] == 'k');
  bytes[root.offset + kHeaderBytes] = 'j';  // the first separator
  EncodeFixed32(bytes.data() + root.offset + root.size + 1,
                BlockChecksum(absl::string_view(bytes).substr(root.offset, root.size), 0));
  fs.SetContents("a.sst", bytes);
  const auto table = TableReader::OpenUnknown(*fs.OpenForRead("a.sst"), "a.sst", 1, nullptr);
  CHECK(IsDataLossOf(table.status(), "a.sst"));
  CHECK_MESSAGE(absl::StrContains(table.status().message(), "checksum of the index root"),
                table.status().ToString());
}

TEST_CASE("table: a lookup goes on to the next block where a separator stands between versions") {
  // Our builder makes no such separator, but the format allows it.
  const Entries entries = {{Key("key", 100), std::string(40, 'n')},
                           {Key("key", 20), std::string(40, 'o')}};
  Forgery forgery(entries, 64);
  forgery.ReplaceInIndex(Key("key", 100), Key("key", 50));
  const auto table = forgery.Open();
  REQUIRE(table->Check().ok());
  for (const SequenceNumber snapshot :
       std::vector<SequenceNumber>{10, 20, 49, 50, 51, 60, 99, 100}) {
    std::string value;
    ReadCost cost;
    const auto found = table->Get("key", FilterHash("key"), snapshot, &value, &cost);
    REQUIRE(found.ok());
    CHECK(*found == Expected(entries, "key", snapshot).first);
    CHECK(value == Expected(entries, "key", snapshot).second);
  }
}

TEST_CASE("table: an index entry that is none is DataLoss") {
  const Entries entries = {{Key("key1", 7), "value1"}, {Key("key2", 7), "value2"}};
  Forgery forgery(entries, 4096);
  // The value of 6 bytes becomes one of 5, with a byte of key before it.
  forgery.ReplaceInIndex(std::string("\0\xc\x6", 3), std::string("\0\xd\x5", 3));
  const auto table = forgery.Open();
  std::string value;
  ReadCost cost;
  CHECK(IsDataLossOf(
      table->Get("key1", FilterHash("key1"), kMaxSequenceNumber, &value, &cost).status(),
      "L0_001.sst"));
  const auto it = table->NewIterator(true, nullptr);
  it->SeekToFirst();
  CHECK(IsDataLossOf(it->status(), "L0_001.sst"));
  CHECK(IsDataLossOf(table->Check().status(), "L0_001.sst"));
}

TEST_CASE("table: an index that breaks off is an error in a scan, not its end") {
  // Crash case 54.
  const Entries entries = {{Key("key1", 7), "value1"}, {Key("key2", 7), "value2"}};
  Forgery forgery(entries, 64);
  // The entry of the second block claims to share 31 bytes of its key.
  forgery.ReplaceInIndex("\3\11\0062", "\37\11\0062");  // octal, as a digit of the key follows
  const auto table = forgery.Open();
  const auto it = table->NewIterator(true, nullptr);
  it->SeekToFirst();
  CHECK(Rest(it.get()).size() == 1);
  CHECK(IsDataLossOf(it->status(), "L0_001.sst"));
  it->SeekToLast();
  CHECK_FALSE(it->Valid());
  CHECK(IsDataLossOf(it->status(), "L0_001.sst"));
  it->Seek(Key("key2", 7));
  CHECK_FALSE(it->Valid());
  CHECK(IsDataLossOf(it->status(), "L0_001.sst"));
  std::string value;
  ReadCost cost;
  const auto found = table->Get("key2", FilterHash("key2"), kMaxSequenceNumber, &value, &cost);
  CHECK(IsDataLossOf(found.status(), "L0_001.sst"));
}

TEST_CASE("table: the check reads the tail from disk again") {
  TestTable table(SmallEntries(), 64);
  REQUIRE(table.reader->Check().ok());
  std::string bytes = *table.fs.Contents(table.path);
  bytes[bytes.size() - table.built.tail_bytes] ^= 1;  // in the filter, which is in memory
  table.fs.SetContents(table.path, bytes);
  CHECK(IsDataLossOf(table.reader->Check().status(), table.path));
}

TEST_CASE("table: the check finds what a writer got wrong under right checksums") {
  const Entries entries = {{Key("key1", 7), "value1"},
                           {Key("key2", 7), "value2"},
                           {Key("key3", 7), "value3"},
                           {Key("key4", 7), "value4"}};
  struct Mistake {
    size_t block_bytes;  // 64: an entry a block; 4096: all in one, where they share "key"
    std::string from;
    std::string to;
    const char* what;
  };
  for (const Mistake& mistake : std::vector<Mistake>{
           {4096, Key("2", 7), Key("1", 7), "order of keys"},
           {4096, Key("key1", 7), Key("abc1", 7), "filter"},
           {4096, Key("key1", 7), Key("key1", 6), "fathom.smallest.sequence"},
           {4096, Key("key1", 7), Key("key1", 7, ValueType::kDeletion), "rocksdb.deleted.keys"},
           {64, Key("key1", 7), Key("key1", 6), "separator"},
       }) {
    Forgery forgery(entries, mistake.block_bytes);
    forgery.Replace(mistake.from, mistake.to);
    const absl::Status status = forgery.Open()->Check().status();
    CHECK(IsDataLossOf(status, "L0_001.sst"));
    CHECK_MESSAGE(absl::StrContains(status.message(), mistake.what), status.ToString());
  }
}

std::string Fixed32(uint32_t n) {
  std::string bytes;
  PutFixed32(&bytes, n);
  return bytes;
}

// A walk forward never looks at restart points, but a walk backward and a seek start at them.
TEST_CASE("table: the check refuses a restart point that is within an entry") {
  Entries entries;
  for (int i = 10; i < 30; ++i) {
    entries[Key(absl::StrCat("k", i), 7)] = "v";
  }
  Forgery in_data(entries, 4096);
  in_data.Replace(Fixed32(211) + Fixed32(2), Fixed32(210) + Fixed32(2));
  Forgery in_index(entries, 16);
  in_index.ReplaceInIndex(Fixed32(301) + Fixed32(2), Fixed32(300) + Fixed32(2));
  for (Forgery* forgery : {&in_data, &in_index}) {
    const absl::Status status = forgery->Open()->Check().status();
    CHECK(IsDataLossOf(status, "L0_001.sst"));
    CHECK_MESSAGE(absl::StrContains(status.message(), "restart point"), status.ToString());
  }
}

// What salvages a table goes by separators, and believes only those that are keys.
TEST_CASE("table: the check refuses a separator of a type that no entry has") {
  Forgery forgery({{Key("key1", 7), "value1"}}, 64);
  forgery.ReplaceInIndex("key1\x01\x07", "key1\x7f\x07");
  const absl::Status status = forgery.Open()->Check().status();
  CHECK(IsDataLossOf(status, "L0_001.sst"));
  CHECK_MESSAGE(absl::StrContains(status.message(), "separator"), status.ToString());
}

// One order for a value and a deletion of the same moment; but a lookup that should find the one
// finds the other.
TEST_CASE("table: the check refuses two versions of a key with one sequence number") {
  const TestTable table({{Key("k", 5), "value"}, {Key("k", 5, ValueType::kDeletion), ""}});
  const absl::Status status = table.reader->Check().status();
  CHECK(IsDataLossOf(status, table.path));
  CHECK_MESSAGE(absl::StrContains(status.message(), "sequence numbers of two versions"),
                status.ToString());
}

}  // namespace
}  // namespace fathom
