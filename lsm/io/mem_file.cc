#include "lsm/io/mem_file.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace fathom {
namespace {

constexpr size_t kSectorBytes = 512;

}  // namespace

void MemFile::Append(absl::string_view bytes) {
  const size_t over_zeros = std::min(bytes.size(), data_.size() - appended_);
  data_.replace(appended_, over_zeros, bytes.data(), bytes.size());
  appended_ += bytes.size();
}

void MemFile::Sync() {
  settled_ = appended_;
  durable_size_ = data_.size();
}

void MemFile::SyncAgain() {
  lost_.clear();
  Sync();
}

void MemFile::LoseUnsynced() {
  if (settled_ < appended_) {
    lost_.push_back({settled_, appended_});
    settled_ = appended_;
  }
}

void MemFile::Preallocate(size_t length) {
  if (length > data_.size()) {
    data_.resize(length);
  }
}

void MemFile::Assign(std::string bytes) {
  data_ = std::move(bytes);
  appended_ = settled_ = durable_size_ = data_.size();
  lost_.clear();
}

void MemFile::Crash(Luck* luck) {
  std::vector<Range> at_risk = lost_;
  at_risk.push_back({settled_, appended_});

  std::string image = data_;
  for (const Range& range : at_risk) {
    const size_t length = range.end - range.begin;
    image.replace(range.begin, length, length, '\0');
  }
  image.resize(durable_size_);
  if (durable_size_ > data_.size() && luck->Survives()) {
    image.resize(data_.size());  // The cut of a preallocated tail that had become durable.
  }

  // Two ranges may lie in one sector, which has one fate.
  size_t drawn_sector = SIZE_MAX;
  bool survives = false;
  for (const Range& range : at_risk) {
    for (size_t begin = range.begin; begin < range.end;) {
      const size_t sector = begin / kSectorBytes;
      const size_t end = std::min(range.end, (sector + 1) * kSectorBytes);
      if (sector != drawn_sector) {
        drawn_sector = sector;
        survives = luck->Survives();
      }
      if (survives) {
        image.resize(std::max(image.size(), end));
        image.replace(begin, end - begin, data_, begin, end - begin);
      }
      begin = end;
    }
  }
  if (image.size() < data_.size() && luck->Survives()) {
    image.resize(data_.size());  // The length reached the disk, the bytes did not.
  }
  Assign(std::move(image));
}

}  // namespace fathom
