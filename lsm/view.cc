#include "lsm/view.h"

#include <algorithm>
#include <thread>

namespace fathom {
namespace {

size_t FirstSlot() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

ViewHolder::Pin::Pin(const ViewHolder& holder)
    : holder_(holder), view_(holder.current_.load(std::memory_order_acquire)) {
  for (size_t i = FirstSlot();; ++i) {
    slot_ = i % kSlots;
    const View* free = nullptr;
    if (holder.slots_[slot_].view.compare_exchange_strong(free, view_, std::memory_order_seq_cst)) {
      break;
    }
    if (slot_ == kSlots - 1) {
      std::this_thread::yield();  // more readers than slots
    }
  }
  // Published; now look again: a view replaced in between might not have seen the slot.
  for (;;) {
    const View* const now = holder.current_.load(std::memory_order_seq_cst);
    if (now == view_) {
      return;
    }
    view_ = now;
    holder.slots_[slot_].view.store(view_, std::memory_order_seq_cst);
  }
}

void ViewHolder::Replace(std::shared_ptr<const View> view) {
  std::vector<std::shared_ptr<const View>> unused;  // destroyed after the lock is released
  absl::MutexLock lock(&mutex_);
  current_.store(view.get(), std::memory_order_seq_cst);
  if (owner_ != nullptr) {
    replaced_.push_back(std::move(owner_));
  }
  owner_ = std::move(view);
  has_replaced_.store(true, std::memory_order_seq_cst);  // before the slots are looked at
  unused = TakeUnused();
}

void ViewHolder::Reclaim() const {
  std::vector<std::shared_ptr<const View>> unused;
  absl::MutexLock lock(&mutex_);
  unused = TakeUnused();
}

std::vector<std::shared_ptr<const View>> ViewHolder::TakeUnused() const {
  const auto in_use = [this](const std::shared_ptr<const View>& view) {
    return std::ranges::any_of(slots_, [&view](const Slot& slot) {
      return slot.view.load(std::memory_order_seq_cst) == view.get();
    });
  };
  const auto unused = std::partition(replaced_.begin(), replaced_.end(), in_use);
  std::vector<std::shared_ptr<const View>> taken(std::make_move_iterator(unused),
                                                 std::make_move_iterator(replaced_.end()));
  replaced_.erase(unused, replaced_.end());
  if (replaced_.empty()) {
    has_replaced_.store(false, std::memory_order_seq_cst);
  }
  return taken;
}

}  // namespace fathom
