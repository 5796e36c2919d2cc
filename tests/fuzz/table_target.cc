// What reads tables against any file: opened as a tool opens it, checked, walked both ways and
// looked up; salvaged; read as another writer's.
//
//   u8 flags      1: make the checksums right, from the data blocks up to the metaindex
//   bytes         the file
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lsm/format/checksum.h"
#include "lsm/io/mem_file_system.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/foreign_table.h"
#include "lsm/table/table_reader.h"
#include "lsm/table/table_salvage.h"
#include "tests/fuzz/byte_tape.h"
#include "tests/fuzz/ensure.h"
#include "tests/fuzz/targets.h"

namespace fathom {
namespace {

constexpr uint8_t kHealTable = 1;
constexpr char kPath[] = "L0_001.sst";
// Blocks that stand for many times their bytes could make one input take minutes.
constexpr size_t kMostEntries = 2000;
constexpr size_t kMostLookups = 100;

using Entry = std::pair<std::string, std::string>;

// Makes the checksums of a table right for what its bytes now say, as far as its handles lead.
class Healer {
 public:
  explicit Healer(std::string* file) : file_(*file) {}

  void Heal() {
    if (file_.size() < kFooterBytes) {
      return;
    }
    const uint64_t end = file_.size() - kFooterBytes;
    const absl::StatusOr<Footer> footer =
        DecodeFooter(absl::string_view(file_).substr(end), kPath, end);
    if (!footer.ok()) {
      return;
    }
    const uint32_t index_checksum = SealIndex(footer->index, /*may_be_root=*/true);
    for (const auto& [key, value] : Walk(footer->metaindex)) {
      absl::string_view bytes = absl::string_view(file_).substr(value.offset, value.size);
      BlockHandle handle;
      if (!handle.DecodeFrom(&bytes)) {
        continue;
      }
      for (const auto& [name, property] : Walk(handle)) {
        if (name == "fathom.index.checksum" && property.size == kChecksumBytes) {
          WriteChecksum(index_checksum, property.offset);
        }
      }
      Seal(handle);
    }
    Seal(footer->metaindex);
  }

 private:
  static constexpr size_t kChecksumBytes = 4;

  bool IsInside(const BlockHandle& handle) const { return EndsWithin(handle, file_.size()); }

  void WriteChecksum(uint32_t checksum, size_t offset) {
    EncodeFixed32(file_.data() + offset, checksum);
  }

  // Seals an index block, and before it the blocks of which its entries are.
  uint32_t SealIndex(const BlockHandle& handle, bool may_be_root) {
    bool first = true;
    bool is_root = false;
    for (const auto& [key, value] : Walk(handle)) {
      IndexEntry entry;
      if (!entry.DecodeFrom(absl::string_view(file_).substr(value.offset, value.size))) {
        continue;
      }
      // A table begins with a data block: what comes first elsewhere is an index block.
      is_root = may_be_root && (first ? entry.handle.offset != 0 : is_root);
      first = false;
      WriteChecksum(is_root ? SealIndex(entry.handle, false) : Seal(entry.handle),
                    value.offset + value.size - kChecksumBytes);
    }
    return Seal(handle);
  }

  // Gives the block at `handle` the checksum of its bytes, which is returned.
  uint32_t Seal(const BlockHandle& handle) {
    if (!IsInside(handle)) {
      return 0;
    }
    const uint64_t end = handle.offset + handle.size;
    const uint32_t checksum =
        BlockChecksum(absl::string_view(file_).substr(handle.offset, handle.size),
                      static_cast<uint8_t>(file_[end]));
    WriteChecksum(checksum, end + 1);
    return checksum;
  }

  // The keys of the block at `handle`, and where in the file their values stand.
  std::vector<std::pair<std::string, BlockHandle>> Walk(const BlockHandle& handle) const {
    std::vector<std::pair<std::string, BlockHandle>> found;
    if (!IsInside(handle)) {
      return found;
    }
    BlockBytes bytes = TakeBlockBytes(nullptr, handle.size);
    std::memcpy(bytes.get(), file_.data() + handle.offset, handle.size);
    const char* const begin = bytes.get();
    auto block = Block::Parse(std::move(bytes), handle.size,
                              std::make_shared<const std::string>(kPath), handle.offset);
    if (!block.ok()) {
      return found;
    }
    BlockIterator it(*std::move(block));
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      const auto offset = static_cast<uint64_t>(it.value().data() - begin);
      found.emplace_back(std::string(it.key()),
                         BlockHandle{handle.offset + offset, it.value().size()});
    }
    return found;
  }

  std::string& file_;
};

// What a walk met, and how it ended.
struct Walked {
  std::vector<Entry> entries;
  absl::Status status;
  bool complete = false;  // it came to the end
};

Walked Walk(TableReader* table, bool forward) {
  Walked walked;
  const auto it = table->NewIterator(/*fill_cache=*/false, nullptr);
  forward ? it->SeekToFirst() : it->SeekToLast();
  while (it->Valid() && walked.entries.size() < kMostEntries) {
    walked.entries.emplace_back(std::string(it->key()), std::string(it->value()));
    forward ? it->Next() : it->Prev();
  }
  walked.complete = !it->Valid();
  walked.status = it->status();
  EnsureOkOrDataLoss(walked.status, "a walk ends at the end or at damage");
  return walked;
}

// Looks `key` up. What is found must be right if the table is `sound`, and `value` stands there.
void LookUp(TableReader* table, bool sound, absl::string_view key, absl::string_view value) {
  const absl::string_view user_key = UserKey(key);
  std::string found;
  ReadCost cost;
  const auto lookup = table->Get(user_key, FilterHash(user_key), Sequence(key), &found, &cost);
  EnsureOkOrDataLoss(lookup.status(), "a lookup answers or meets damage");
  const auto it = table->NewIterator(/*fill_cache=*/false, nullptr);
  it->Seek(key);
  EnsureOkOrDataLoss(it->status(), "a seek arrives or meets damage");
  if (!sound) {
    return;
  }
  EnsureOk(lookup.status(), "a sound table answers");
  const RangeTombstones* const ranges = table->range_tombstones();
  const bool is_value =
      Type(key) == ValueType::kValue &&
      (ranges == nullptr || ranges->Covering(user_key, Sequence(key)) <= Sequence(key));
  Ensure(*lookup == (is_value ? Lookup::kFound : Lookup::kDeleted), "a sound table finds its keys");
  Ensure(!is_value || found == value, "a sound table finds the right value");
  Ensure(it->Valid() && it->key() == key && it->value() == value, "a seek in a sound table arrives",
         it->status().message());
}

void ReadAsForeign(FileSystem* fs) {
  absl::StatusOr<std::unique_ptr<ForeignTable>> table =
      ForeignTable::Open(*fs->OpenForRead(kPath), kPath);
  absl::Status status = table.status();
  std::string last_key;
  for (size_t n = 0; status.ok() && n < kMostEntries; ++n) {
    const absl::StatusOr<bool> next = (*table)->Next();
    status = next.status();
    if (!next.ok() || !*next) {
      break;
    }
    Ensure(n == 0 || last_key < (*table)->user_key(), "another writer's keys ascend");
    last_key = std::string((*table)->user_key());
  }
  Ensure(status.ok() || absl::IsDataLoss(status) || absl::IsInvalidArgument(status),
         "another writer's table is read, damaged or not supported", status.ToString());
}

// What can be salvaged, which is all of a table that is `sound`.
void Salvage(FileSystem* fs, bool sound, const std::vector<Entry>& all, uint64_t all_ranges) {
  const std::unique_ptr<ReadableFile> file = *fs->OpenForRead(kPath);
  std::vector<Entry> saved;
  std::vector<LostBlock> lost;
  const auto take = [&saved](absl::string_view key, absl::string_view value) {
    if (saved.size() < kMostEntries) {
      saved.emplace_back(std::string(key), std::string(value));
    }
  };
  const absl::Status status = SalvageTable(*file, kPath, take, &lost);
  EnsureOkOrDataLoss(status, "a table is salvaged or its index is damaged");
  if (sound) {
    EnsureOk(status, "a sound table is salvaged");
    Ensure(lost.empty() && saved == all, "a sound table is salvaged as a whole");
  }
  const auto ranges = SalvageRangeTombstones(*file, kPath);
  EnsureOkOrDataLoss(ranges.status(), "range tombstones are salvaged or damaged");
  if (sound) {
    EnsureOk(ranges.status(), "a sound table's range tombstones are salvaged");
    Ensure((*ranges == nullptr ? 0 : (*ranges)->num_entries()) == all_ranges,
           "a sound table's range tombstones are salvaged as a whole");
  }
}

}  // namespace

bool FuzzTable(absl::string_view input) {
  ByteTape tape(input);
  const uint8_t flags = tape.U8();
  std::string bytes(tape.rest());
  if ((flags & kHealTable) != 0) {
    Healer(&bytes).Heal();
  }
  MemFileSystem fs;
  fs.SetContents(kPath, bytes);
  ReadAsForeign(&fs);
  BlockCache data_cache(size_t{1} << 20);
  IndexBudget index_budget(size_t{1} << 20);
  const TableCaches caches(&data_cache, &index_budget);
  const auto table = TableReader::OpenUnknown(*fs.OpenForRead(kPath), kPath, 1, caches);
  EnsureOkOrDataLoss(table.status(), "a table opens or is damaged");
  if (!table.ok()) {
    Salvage(&fs, /*sound=*/false, {}, 0);
    return false;
  }
  EnsureOk(TableReader::Open(*fs.OpenForRead(kPath), (*table)->identity(), caches).status(),
           "a table that was opened once is opened again");

  const absl::StatusOr<TableCheck> check = (*table)->Check();
  EnsureOkOrDataLoss(check.status(), "a table is sound or damaged");
  const RangeTombstones* const ranges = (*table)->range_tombstones();
  const uint64_t num_ranges = ranges == nullptr ? 0 : ranges->num_entries();
  Walked forward = Walk(table->get(), /*forward=*/true);
  const Walked backward = Walk(table->get(), /*forward=*/false);
  if (check.ok()) {
    EnsureOk(forward.status, "a sound table is walked forward");
    EnsureOk(backward.status, "a sound table is walked backward");
    if (forward.complete) {
      Ensure(forward.entries.size() + num_ranges == check->entries,
             "a sound table has the entries it counts");
      Ensure(std::equal(forward.entries.begin(), forward.entries.end(), backward.entries.rbegin(),
                        backward.entries.rend()),
             "a sound table is the same both ways");
    }
  }
  Salvage(&fs, check.ok(), forward.entries, num_ranges);
  if (forward.entries.size() > kMostLookups) {
    forward.entries.resize(kMostLookups);
  }
  for (const auto& [key, value] : forward.entries) {
    LookUp(table->get(), check.ok(), key, value);
  }
  for (size_t i = 0; i < std::min(backward.entries.size(), kMostLookups); ++i) {
    LookUp(table->get(), check.ok(), backward.entries[i].first, backward.entries[i].second);
  }
  return check.ok();
}

}  // namespace fathom
