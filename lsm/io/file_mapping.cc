#include "lsm/io/file_mapping.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "absl/base/call_once.h"
#include "lsm/io/prepare_pages.h"

namespace fathom {
namespace {

std::atomic<uint64_t> mapped_bytes{0};

// Where a fault of the copy that this thread is making goes; null while it makes none.
thread_local sigjmp_buf* volatile fault_target = nullptr;

struct sigaction handler_before;

void OnBusError(int signal, siginfo_t* info, void* context) {
  if (fault_target != nullptr) {
    // The copy has saved no mask, which would take it a system call: this one is for the fault.
    ::pthread_sigmask(SIG_SETMASK, &static_cast<const ucontext_t*>(context)->uc_sigmask, nullptr);
    siglongjmp(*fault_target, 1);
  }
  if ((handler_before.sa_flags & SA_SIGINFO) != 0) {
    return handler_before.sa_sigaction(signal, info, context);
  }
  if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN) {
    return handler_before.sa_handler(signal);
  }
  // The default ends the process once the fault, or the signal, comes again.
  ::sigaction(SIGBUS, &handler_before, nullptr);
  if (info->si_code <= 0) {
    ::raise(signal);  // sent by a process: there is no instruction that would repeat it
  }
}

void InstallHandler() {
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, &handler_before);
}

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

uint64_t MostMappedBytes() {
  static const uint64_t bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * PageBytes() / 2;
  return bytes;
}

}  // namespace

FileMapping FileMapping::Map(int fd, uint64_t begin, uint64_t end, Access access) {
  static absl::once_flag installed;
  absl::call_once(installed, InstallHandler);
  FileMapping mapping;
  if (begin >= end) {
    return mapping;
  }
  begin -= begin % PageBytes();
  const uint64_t length = end - begin;
  if (mapped_bytes.fetch_add(length, std::memory_order_relaxed) + length <= MostMappedBytes()) {
    const int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
    void* const memory =
        ::mmap(nullptr, length, protection, MAP_SHARED, fd, static_cast<off_t>(begin));
    if (memory != MAP_FAILED) {
      mapping.memory_ = static_cast<char*>(memory);
      mapping.begin_ = begin;
      mapping.end_ = end;
      return mapping;
    }
  }
  mapped_bytes.fetch_sub(length, std::memory_order_relaxed);
  return mapping;
}

FileMapping& FileMapping::operator=(FileMapping&& other) noexcept {
  if (this != &other) {
    Unmap();
    memory_ = std::exchange(other.memory_, nullptr);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
  }
  return *this;
}

void FileMapping::Unmap() {
  if (memory_ != nullptr) {
    ::munmap(memory_, end_ - begin_);
    mapped_bytes.fetch_sub(end_ - begin_, std::memory_order_relaxed);
  }
}

void FileMapping::PrepareToWrite(uint64_t offset, size_t n) {
  if (offset >= begin_ && offset < end_) {
    PreparePages(memory_ + (offset - begin_), std::min<uint64_t>(n, end_ - offset));
  }
}

bool FileMapping::Copy(const char* from, size_t n, char* to) {
  if (n == 0) {
    return true;  // memcpy must not see a null pointer
  }
  sigjmp_buf here;
  if (sigsetjmp(here, /*save the signal mask=*/0) != 0) {
    fault_target = nullptr;
    return false;
  }
  fault_target = &here;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memcpy(to, from, n);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  fault_target = nullptr;
  return true;
}

}  // namespace fathom
