// A fresh directory under $TMPDIR (else /tmp), or under another parent, removed at the end.
#pragma once

#include <string>

namespace fathom {

class ScratchDir {
 public:
  // Ends the process if it cannot be made. An empty `parent` is the directory for temporary files.
  explicit ScratchDir(const std::string& parent = "");
  ~ScratchDir();

  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace fathom
