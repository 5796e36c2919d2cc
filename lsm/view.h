// What a reader reads: the memtables and the tables at one moment; and how a reader gets hold of it
// without a lock while writers and flushes replace it.
//
// A reader claims a slot of its own cache line and publishes there the view that it uses (a hazard
// pointer): no two readers write to the same memory. Replaced views wait until no slot names them.
// Source: Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects".
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lsm/manifest/version.h"
#include "lsm/memtable/memtable.h"

namespace fathom {

// Immutable, but for the active memtable, to which its one writer adds.
struct View : std::enable_shared_from_this<View> {
  std::shared_ptr<MemTable> memtable;
  std::vector<std::shared_ptr<MemTable>> immutables;  // waiting for their flush, newest first
  std::shared_ptr<const Version> version;
};

// Thread safe.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what readers write has its own lines.
class ViewHolder {
 public:
  static constexpr size_t kSlots = 64;

  ViewHolder() = default;
  ViewHolder(const ViewHolder&) = delete;
  ViewHolder& operator=(const ViewHolder&) = delete;

  // The current view, kept alive while the pin lives: for one lookup. Belongs to one thread.
  // REQUIRES: there is one, by Replace.
  class Pin {
   public:
    explicit Pin(const ViewHolder& holder);
    ~Pin() {
      holder_.slots_[slot_].view.store(nullptr, std::memory_order_seq_cst);
      if (holder_.has_replaced_.load(std::memory_order_seq_cst)) {
        holder_.Reclaim();  // this may have been the last reader of a replaced view
      }
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

    const View& operator*() const { return *view_; }
    const View* operator->() const { return view_; }

    // Below kSlots; no two pins have the same at one time.
    size_t slot() const { return slot_; }

   private:
    const ViewHolder& holder_;
    size_t slot_;
    const View* view_;
  };

  // The current view, for as long as the pointer is kept: for iterators and writers.
  std::shared_ptr<const View> Share() const { return Pin(*this)->shared_from_this(); }

  // Reclaim lets go of replaced views that no reader uses any more; done by each Replace, and by a
  // reader that lets go of its pin while there are some.
  void Replace(std::shared_ptr<const View> view) ABSL_LOCKS_EXCLUDED(mutex_);
  void Reclaim() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct alignas(64) Slot {
    mutable std::atomic<const View*> view{nullptr};
  };

  std::vector<std::shared_ptr<const View>> TakeUnused() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<const View*> current_{nullptr};
  std::array<Slot, kSlots> slots_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const View> owner_ ABSL_GUARDED_BY(mutex_);  // of current_
  mutable std::vector<std::shared_ptr<const View>> replaced_ ABSL_GUARDED_BY(mutex_);
  mutable std::atomic<bool> has_replaced_{false};  // replaced_ is not empty
};

}  // namespace fathom
