// The directories of a MemFileSystem: what a process sees of them, and what a power loss would
// leave. Not thread safe.
//
// Each change of names goes to the live entries at once and to a journal; a sync of a directory
// moves what concerns it from the journal to the durable entries.
//
// Invariants:
//   1. A directory's live entries are its durable ones with the journal's edits of it applied, in
//      order.
//   2. A change reaches the durable entries as a whole, and never before an earlier change of one
//      of the names that it concerns. So a rename leaves one name, and a chain of renames one of
//      the states that it went through.
//   3. A name holds a file or a directory, never both. Several names may hold one file.
//
// Paths are split at '/'; empty parts and "." are skipped, so that "db/x" and "/db/x" are the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lsm/io/mem_file.h"

namespace fathom {

class MemTree {
 public:
  MemTree();

  // Errors of all that follow are those of FileSystem's calls of the same name.
  absl::StatusOr<std::shared_ptr<MemFile>> FindFile(const std::string& path,
                                                    const char* call) const;
  // An empty file under the name. A file that has the name already lives on under its other names
  // and, until the change of the name is durable, in what a power loss leaves.
  absl::StatusOr<std::shared_ptr<MemFile>> Create(const std::string& path);
  absl::Status Remove(const std::string& path);
  absl::Status Rename(const std::string& from, const std::string& to);
  absl::Status Link(const std::string& from, const std::string& to);
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) const;
  absl::Status CreateDir(const std::string& dir);
  absl::Status RemoveDir(const std::string& dir);
  absl::Status SyncDir(const std::string& dir);
  // A SyncDir that fails: no later one makes the changes durable that it covered, unless a change
  // of the same name follows.
  void LoseUnsynced(const std::string& dir);

  // Makes one name durable, whatever else its directory holds. Does nothing if there is none.
  void SyncName(const std::string& path);

  // A copy that shares nothing with this one and remembers what is durable.
  MemTree Clone() const;
  // Turns the tree into what a power loss leaves of it.
  void Crash(Luck* luck);

 private:
  struct Dir;
  // What a name holds: a file, a directory, or nothing.
  struct Entry {
    std::shared_ptr<MemFile> file;
    std::shared_ptr<Dir> dir;

    bool empty() const { return file == nullptr && dir == nullptr; }
    bool operator==(const Entry&) const = default;
  };
  using Entries = std::map<std::string, Entry>;
  struct Dir {
    Entries live;
    Entries durable;
  };
  // A name and what it holds from now on.
  struct Edit {
    std::shared_ptr<Dir> dir;
    std::string name;
    Entry entry;
    bool lost = false;  // to a failed sync
  };
  // One edit, or the two of a rename.
  using Change = std::vector<Edit>;
  // A path with its last part split off; the root is an empty name in itself.
  struct Place {
    std::shared_ptr<Dir> dir;
    std::string name;
  };
  class Cloner;

  absl::StatusOr<Place> Locate(const std::string& path, const char* call) const;
  absl::StatusOr<std::shared_ptr<Dir>> FindDir(const std::string& path, const char* call) const;
  Entry Lookup(const Place& place) const;
  // The errno with which a rename of `by` over `replaced` fails, or 0.
  static int ReplaceError(const Entry& by, const Entry& replaced);
  static void Apply(const Edit& edit, Entries* entries);
  static void CrashDir(Dir* dir, Luck* luck, std::set<const MemFile*>* crashed);
  void Commit(Change change);
  // Makes the changes durable that have an edit for which `wanted` holds, and those they depend on.
  void MakeDurable(const std::function<bool(const Edit&)>& wanted);

  std::shared_ptr<Dir> root_;
  std::vector<Change> journal_;
};

}  // namespace fathom
