#include "lsm/io/mem_tree.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_split.h"
#include "lsm/io/io_error.h"

namespace fathom {
namespace {

std::vector<std::string> PartsOf(const std::string& path) {
  return absl::StrSplit(path, '/',
                        [](absl::string_view part) { return !part.empty() && part != "."; });
}

bool IsPathPrefix(const std::vector<std::string>& prefix, const std::vector<std::string>& path) {
  return prefix.size() <= path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

}  // namespace

int MemTree::ReplaceError(const Entry& by, const Entry& replaced) {
  if (by.dir != nullptr && replaced.file != nullptr) {
    return ENOTDIR;
  }
  if (by.file != nullptr && replaced.dir != nullptr) {
    return EISDIR;
  }
  return replaced.dir != nullptr && !replaced.dir->live.empty() ? ENOTEMPTY : 0;
}

void MemTree::Apply(const Edit& edit, Entries* entries) {
  if (edit.entry.empty()) {
    entries->erase(edit.name);
  } else {
    entries->insert_or_assign(edit.name, edit.entry);
  }
}

MemTree::MemTree() : root_(std::make_shared<Dir>()) {}

absl::StatusOr<MemTree::Place> MemTree::Locate(const std::string& path, const char* call) const {
  std::vector<std::string> parts = PartsOf(path);
  Place place{root_, ""};
  for (std::string& part : parts) {
    if (!place.name.empty()) {
      const Entry entry = Lookup(place);
      if (entry.dir == nullptr) {
        return IoError(path, call, entry.empty() ? ENOENT : ENOTDIR);
      }
      place.dir = entry.dir;
    }
    place.name = std::move(part);
  }
  return place;
}

MemTree::Entry MemTree::Lookup(const Place& place) const {
  if (place.name.empty()) {
    return {nullptr, place.dir};
  }
  const auto it = place.dir->live.find(place.name);
  return it == place.dir->live.end() ? Entry() : it->second;
}

absl::StatusOr<std::shared_ptr<MemTree::Dir>> MemTree::FindDir(const std::string& path,
                                                               const char* call) const {
  const absl::StatusOr<Place> place = Locate(path, call);
  if (!place.ok()) {
    return place.status();
  }
  const Entry entry = Lookup(*place);
  if (entry.dir == nullptr) {
    return IoError(path, call, entry.empty() ? ENOENT : ENOTDIR);
  }
  return entry.dir;
}

absl::StatusOr<std::shared_ptr<MemFile>> MemTree::FindFile(const std::string& path,
                                                           const char* call) const {
  const absl::StatusOr<Place> place = Locate(path, call);
  if (!place.ok()) {
    return place.status();
  }
  const Entry entry = Lookup(*place);
  if (entry.file == nullptr) {
    return IoError(path, call, entry.empty() ? ENOENT : EISDIR);
  }
  return entry.file;
}

absl::StatusOr<std::shared_ptr<MemFile>> MemTree::Create(const std::string& path) {
  const absl::StatusOr<Place> place = Locate(path, "open");
  if (!place.ok()) {
    return place.status();
  }
  if (Lookup(*place).dir != nullptr) {
    return IoError(path, "open", EISDIR);
  }
  auto file = std::make_shared<MemFile>();
  Commit({{place->dir, place->name, {file, nullptr}}});
  return file;
}

absl::Status MemTree::Remove(const std::string& path) {
  const absl::StatusOr<std::shared_ptr<MemFile>> file = FindFile(path, "unlink");
  if (!file.ok()) {
    return file.status();
  }
  const Place place = *Locate(path, "unlink");
  Commit({{place.dir, place.name, Entry()}});
  return absl::OkStatus();
}

absl::Status MemTree::Rename(const std::string& from, const std::string& to) {
  const absl::StatusOr<Place> source = Locate(from, "rename");
  if (!source.ok()) {
    return source.status();
  }
  const absl::StatusOr<Place> target = Locate(to, "rename");
  if (!target.ok()) {
    return target.status();
  }
  const Entry moved = Lookup(*source);
  const Entry replaced = Lookup(*target);
  if (moved.empty()) {
    return IoError(TwoPaths(from, to), "rename", ENOENT);
  }
  if (moved == replaced) {
    return absl::OkStatus();  // Two names of one file both stay, as POSIX has it.
  }
  const int error = moved.dir != nullptr && IsPathPrefix(PartsOf(from), PartsOf(to))
                        ? EINVAL
                        : ReplaceError(moved, replaced);
  if (error != 0) {
    return IoError(TwoPaths(from, to), "rename", error);
  }
  Commit({{source->dir, source->name, Entry()}, {target->dir, target->name, moved}});
  return absl::OkStatus();
}

absl::Status MemTree::Link(const std::string& from, const std::string& to) {
  const absl::StatusOr<Place> source = Locate(from, "link");
  if (!source.ok()) {
    return source.status();
  }
  const absl::StatusOr<Place> target = Locate(to, "link");
  if (!target.ok()) {
    return target.status();
  }
  const Entry linked = Lookup(*source);
  if (linked.file == nullptr) {
    return IoError(TwoPaths(from, to), "link", linked.empty() ? ENOENT : EPERM);
  }
  if (!Lookup(*target).empty()) {
    return IoError(TwoPaths(from, to), "link", EEXIST);
  }
  Commit({{target->dir, target->name, linked}});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MemTree::List(const std::string& dir) const {
  const absl::StatusOr<std::shared_ptr<Dir>> found = FindDir(dir, "opendir");
  if (!found.ok()) {
    return found.status();
  }
  std::vector<std::string> names;
  for (const auto& [name, entry] : (*found)->live) {
    names.push_back(name);
  }
  return names;
}

absl::Status MemTree::CreateDir(const std::string& dir) {
  const absl::StatusOr<Place> place = Locate(dir, "mkdir");
  if (!place.ok()) {
    return place.status();
  }
  const Entry entry = Lookup(*place);
  if (entry.empty()) {
    Commit({{place->dir, place->name, {nullptr, std::make_shared<Dir>()}}});
  }
  return entry.file == nullptr ? absl::OkStatus() : IoError(dir, "mkdir", EEXIST);
}

absl::Status MemTree::RemoveDir(const std::string& dir) {
  const absl::StatusOr<std::shared_ptr<Dir>> found = FindDir(dir, "rmdir");
  if (!found.ok()) {
    return found.status();
  }
  if (*found == root_ || !(*found)->live.empty()) {
    return IoError(dir, "rmdir", *found == root_ ? EBUSY : ENOTEMPTY);
  }
  const Place place = *Locate(dir, "rmdir");
  Commit({{place.dir, place.name, Entry()}});
  return absl::OkStatus();
}

absl::Status MemTree::SyncDir(const std::string& dir) {
  const absl::StatusOr<std::shared_ptr<Dir>> found = FindDir(dir, "open");
  if (!found.ok()) {
    return found.status();
  }
  MakeDurable([&](const Edit& edit) { return edit.dir == *found; });
  return absl::OkStatus();
}

void MemTree::LoseUnsynced(const std::string& dir) {
  const absl::StatusOr<std::shared_ptr<Dir>> found = FindDir(dir, "open");
  for (Change& change : journal_) {
    for (Edit& edit : change) {
      edit.lost = edit.lost || (found.ok() && edit.dir == *found);
    }
  }
}

void MemTree::SyncName(const std::string& path) {
  const absl::StatusOr<Place> place = Locate(path, "open");
  if (place.ok()) {
    MakeDurable(
        [&](const Edit& edit) { return edit.dir == place->dir && edit.name == place->name; });
  }
}

void MemTree::Commit(Change change) {
  for (const Edit& edit : change) {
    Apply(edit, &edit.dir->live);
  }
  journal_.push_back(std::move(change));
}

void MemTree::MakeDurable(const std::function<bool(const Edit&)>& wanted) {
  // From the newest to the oldest: a change is due if it is wanted or if one that is due concerns a
  // name of it.
  std::set<std::pair<const Dir*, std::string>> due_names;
  std::vector<bool> due(journal_.size());
  for (size_t i = journal_.size(); i-- > 0;) {
    const Change& change = journal_[i];
    due[i] = std::any_of(change.begin(), change.end(), [&](const Edit& edit) {
      return (wanted(edit) && !edit.lost) || due_names.contains({edit.dir.get(), edit.name});
    });
    for (size_t k = 0; due[i] && k < change.size(); ++k) {
      due_names.insert({change[k].dir.get(), change[k].name});
    }
  }
  std::vector<Change> rest;
  for (size_t i = 0; i < journal_.size(); ++i) {
    if (!due[i]) {
      rest.push_back(std::move(journal_[i]));
      continue;
    }
    for (const Edit& edit : journal_[i]) {
      Apply(edit, &edit.dir->durable);
    }
  }
  journal_ = std::move(rest);
}

void MemTree::Crash(Luck* luck) {
  std::set<std::pair<const Dir*, std::string>> lost_names;
  for (const Change& change : journal_) {
    const bool follows_lost = std::any_of(change.begin(), change.end(), [&](const Edit& edit) {
      return lost_names.contains({edit.dir.get(), edit.name});
    });
    const bool survives = !follows_lost && luck->Survives();
    for (const Edit& edit : change) {
      if (survives) {
        Apply(edit, &edit.dir->durable);
      } else {
        lost_names.insert({edit.dir.get(), edit.name});
      }
    }
  }
  journal_.clear();
  std::set<const MemFile*> crashed;
  CrashDir(root_.get(), luck, &crashed);
}

void MemTree::CrashDir(Dir* dir, Luck* luck, std::set<const MemFile*>* crashed) {
  dir->live = dir->durable;
  for (const auto& [name, entry] : dir->live) {
    if (entry.dir != nullptr) {
      CrashDir(entry.dir.get(), luck, crashed);
    } else if (crashed->insert(entry.file.get()).second) {
      entry.file->Crash(luck);
    }
  }
}

// Copies files and directories, each once, however many names lead to it.
class MemTree::Cloner {
 public:
  std::shared_ptr<Dir> Copy(const std::shared_ptr<Dir>& dir) {
    std::shared_ptr<Dir>& copy = dirs_[dir.get()];
    if (copy == nullptr) {
      copy = std::make_shared<Dir>();
      copy->live = Copy(dir->live);
      copy->durable = Copy(dir->durable);
    }
    return copy;
  }

  Edit Copy(const Edit& edit) { return {Copy(edit.dir), edit.name, Copy(edit.entry), edit.lost}; }

 private:
  Entries Copy(const Entries& entries) {
    Entries copies;
    for (const auto& [name, entry] : entries) {
      copies.emplace(name, Copy(entry));
    }
    return copies;
  }

  Entry Copy(const Entry& entry) {
    Entry copy;
    if (entry.dir != nullptr) {
      copy.dir = Copy(entry.dir);
    }
    if (entry.file != nullptr) {
      std::shared_ptr<MemFile>& file = files_[entry.file.get()];
      if (file == nullptr) {
        file = std::make_shared<MemFile>(*entry.file);
      }
      copy.file = file;
    }
    return copy;
  }

  std::unordered_map<const Dir*, std::shared_ptr<Dir>> dirs_;
  std::unordered_map<const MemFile*, std::shared_ptr<MemFile>> files_;
};

MemTree MemTree::Clone() const {
  Cloner cloner;
  MemTree clone;
  clone.root_ = cloner.Copy(root_);
  for (const Change& change : journal_) {
    Change& copy = clone.journal_.emplace_back();
    for (const Edit& edit : change) {
      copy.push_back(cloner.Copy(edit));
    }
  }
  return clone;
}

}  // namespace fathom
