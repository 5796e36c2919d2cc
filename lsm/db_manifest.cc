// The one way in which the manifest and the version change: names -> edit -> version -> view.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/db_impl.h"
#include "lsm/format/file_names.h"

namespace fathom {

absl::Status DBImpl::ApplyEdit(VersionEdit* edit, const Version::Tables& added,
                               bool flushed_oldest) {
  // One at a time, in the order in which they come; the disk is waited for without the lock.
  while (manifest_busy_) {
    done_.Wait(&mutex_);
  }
  if (absl::Status writable = CheckWritable(); !writable.ok()) {
    return writable;
  }
  manifest_busy_ = true;
  edit->next_file_number = next_file_number_;
  edit->next_table_number = next_table_number_;
  ManifestWriter* const manifest = manifest_.get();
  // A table that only moves has its name already.
  const bool new_names = std::ranges::any_of(added, [&now = *version_](const auto& table) {
    int level = 0;
    return now.Find(table->meta().FileName(), &level) == nullptr;
  });
  mutex_.Unlock();
  absl::Status status = new_names ? SyncNames() : absl::OkStatus();
  if (status.ok()) {
    status = manifest->Append(*edit);
  }
  mutex_.Lock();
  if (status.ok() && manifest->outgrown()) {
    RenewManifest();  // the edit counts, whatever comes of this
  }
  manifest_busy_ = false;
  done_.SignalAll();
  if (!status.ok()) {
    SetReadOnly(status);
    return status;
  }
  version_ = version_->With(*edit, added);
  if (flushed_oldest) {
    immutables_.pop_front();  // in the same step that brings its table into the view
  }
  UpdateThrottle();
  InstallView();
  StartThreads();
  return absl::OkStatus();
}

void DBImpl::RenewManifest() {
  const uint64_t number = next_file_number_++;
  const uint64_t old_number = manifest_number_;
  const ManifestWriter* const old = manifest_.get();
  mutex_.Unlock();
  absl::StatusOr<std::unique_ptr<ManifestWriter>> renewed = WriteAnew(*old, number);
  const absl::Status named =
      renewed.ok() ? (*renewed)->MakeCurrent(fs_, home_.dir) : absl::OkStatus();
  if (renewed.ok() && named.ok()) {
    fs_->Remove(Path(ManifestFileName(old_number))).IgnoreError();  // else the next Open does it
  }
  mutex_.Lock();
  if (absl::IsDataLoss(renewed.status())) {
    SetReadOnly(renewed.status());
    return;
  }
  if (!renewed.ok()) {
    Log(absl::StrCat(home_.dir, ": the manifest goes on, as it could not begin anew: ",
                     renewed.status().ToString()));
    return;
  }
  if (!named.ok()) {
    SetReadOnly(named);
    return;
  }
  Log(absl::StrCat(home_.dir, ": manifest of ", old->edits(), " edits and ", old->bytes(),
                   " bytes began anew with ", (*renewed)->bytes()));
  manifest_ = *std::move(renewed);
  manifest_number_ = number;
}

absl::StatusOr<std::unique_ptr<ManifestWriter>> DBImpl::WriteAnew(const ManifestWriter& old,
                                                                  uint64_t number) const {
  absl::StatusOr<ManifestState> state = old.ReadBack(fs_, home_.dir);
  if (!state.ok()) {
    return state.status();
  }
  state->next_file_number = number + 1;
  return ManifestWriter::Write(fs_, home_.dir, number, *state);
}

absl::Status DBImpl::SyncNames() {
  absl::MutexLock lock(&names_mutex_);
  if (names_status_.ok()) {
    names_status_ = fs_->SyncDir(home_.dir);
  }
  return names_status_;
}

}  // namespace fathom
