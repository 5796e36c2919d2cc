#include "lsm/manifest/manifest.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "lsm/format/corruption.h"
#include "lsm/format/file_names.h"
#include "lsm/wal/log_reader.h"

namespace fathom {

namespace {

// Room for any manifest's name; a longer CURRENT is not ours.
constexpr uint64_t kMaxCurrentBytes = 64;

std::string PathIn(const std::string& dir, absl::string_view name) {
  return absl::StrCat(dir, "/", name);
}

absl::StatusOr<std::unique_ptr<ReadableFile>> OpenManifest(FileSystem* fs, const std::string& dir,
                                                           const std::string& path) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  if (absl::IsNotFound(file.status())) {
    return Corruption(path, 0,
                      absl::StrCat("the manifest that ", PathIn(dir, kCurrentFileName), " names"),
                      "a file", "none");
  }
  return file;
}

absl::Status ApplyRecord(absl::string_view record, ManifestReplay* replay) {
  VersionEdit edit;
  if (absl::Status decoded = edit.Decode(record); !decoded.ok()) {
    return decoded;
  }
  return replay->Apply(std::move(edit));
}

// Adds up the edits of a manifest, and counts them.
absl::Status ReadEdits(LogReader* log, const std::string& path, ManifestReplay* replay,
                       uint64_t* edits) {
  const absl::StatusOr<std::optional<LogHeader>> header = log->ReadHeader();
  if (!header.ok()) {
    return header.status();
  }
  while (header->has_value()) {
    const absl::StatusOr<std::optional<absl::string_view>> record = log->ReadRecord();
    if (!record.ok()) {
      return record.status();
    }
    if (!record->has_value()) {
      break;
    }
    if (absl::Status applied = ApplyRecord(**record, replay); !applied.ok()) {
      return Corruption(path, log->record_offset(), absl::StrCat("edit ", *edits + 1),
                        "one that applies", applied.message());
    }
    ++*edits;
  }
  if (*edits == 0) {
    // CURRENT names a manifest only after its first edit is durable.
    return Corruption(path, log->end().length, "first edit", "a whole one",
                      log->end().reason.empty() ? "the end of the file" : log->end().reason);
  }
  return absl::OkStatus();
}

// Writes what CURRENT will say, under another name.
absl::Status WriteCurrentTemp(FileSystem* fs, const std::string& path, uint64_t number) {
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs->Create(path);
  if (!file.ok()) {
    return file.status();
  }
  absl::Status status = (*file)->Append(absl::StrCat(ManifestFileName(number), "\n"));
  if (status.ok()) {
    status = (*file)->Sync();
  }
  status.Update((*file)->Close());
  return status;
}

}  // namespace

absl::StatusOr<uint64_t> ReadCurrent(FileSystem* fs, const std::string& dir) {
  const std::string path = PathIn(dir, kCurrentFileName);
  const absl::StatusOr<std::string> line = ReadFileToString(fs, path, kMaxCurrentBytes);
  if (!line.ok()) {
    return line.status();
  }
  absl::string_view name = *line;
  if (absl::ConsumeSuffix(&name, "\n")) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (parsed.has_value() && parsed->kind == FileKind::kManifest) {
      return parsed->number;
    }
  }
  return Corruption(path, 0, "name of the manifest", "\"MANIFEST-<number>\\n\"",
                    absl::StrCat("\"", absl::CHexEscape(*line), "\""));
}

absl::StatusOr<RecoveredManifest> RecoverManifest(FileSystem* fs, const std::string& dir) {
  const absl::StatusOr<uint64_t> number = ReadCurrent(fs, dir);
  if (!number.ok()) {
    return number.status();
  }
  RecoveredManifest recovered;
  const absl::Status read = ReadManifest(fs, dir, *number, &recovered);
  if (!read.ok()) {
    return read;
  }
  return recovered;
}

absl::Status ReadManifest(FileSystem* fs, const std::string& dir, uint64_t number,
                          RecoveredManifest* recovered) {
  recovered->manifest_number = number;
  const std::string path = PathIn(dir, ManifestFileName(number));
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = OpenManifest(fs, dir, path);
  if (!file.ok()) {
    return file.status();
  }
  LogReader log(file->get(), path, number, /*must_reach=*/0, /*exact=*/false);
  ManifestReplay replay;
  absl::Status status = ReadEdits(&log, path, &replay, &recovered->edits);
  recovered->state = std::move(replay).Finish();
  recovered->dropped_bytes = log.end().dropped_bytes;
  return status;
}

ManifestWriter::ManifestWriter(std::unique_ptr<WritableFile> file, uint64_t number)
    : log_(std::move(file), LogHeader{.number = number}, /*preallocate=*/false) {}

absl::StatusOr<std::unique_ptr<ManifestWriter>> ManifestWriter::Write(FileSystem* fs,
                                                                      const std::string& dir,
                                                                      uint64_t number,
                                                                      const ManifestState& state) {
  const std::string path = PathIn(dir, ManifestFileName(number));
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs->Create(path);
  if (!file.ok()) {
    return file.status();
  }
  std::unique_ptr<ManifestWriter> writer(new ManifestWriter(*std::move(file), number));
  absl::Status status = writer->Append(state.Snapshot());
  writer->first_edit_end_ = writer->bytes();
  const std::string current = PathIn(dir, kCurrentTempFileName);
  if (status.ok()) {
    status = WriteCurrentTemp(fs, current, number);
  }
  if (!status.ok()) {
    fs->Remove(current).IgnoreError();  // else the next Open does it
    fs->Remove(path).IgnoreError();
    return status;
  }
  return writer;
}

absl::Status ManifestWriter::MakeCurrent(FileSystem* fs, const std::string& dir) const {
  // In this order: CURRENT may name the manifest only when its name is durable, and those of the
  // files that it names.
  absl::Status status = fs->SyncDir(dir);
  if (status.ok()) {
    status = fs->Rename(PathIn(dir, kCurrentTempFileName), PathIn(dir, kCurrentFileName));
  }
  return status.ok() ? fs->SyncDir(dir) : status;
}

absl::StatusOr<std::unique_ptr<ManifestWriter>> ManifestWriter::Create(FileSystem* fs,
                                                                       const std::string& dir,
                                                                       uint64_t number,
                                                                       const ManifestState& state) {
  absl::StatusOr<std::unique_ptr<ManifestWriter>> writer = Write(fs, dir, number, state);
  if (writer.ok()) {
    if (absl::Status named = (*writer)->MakeCurrent(fs, dir); !named.ok()) {
      return named;
    }
  }
  return writer;
}

absl::Status ManifestWriter::Append(const VersionEdit& edit) {
  if (absl::Status appended = log_.Append(edit.Encode()); !appended.ok()) {
    return appended;
  }
  ++edits_;
  return log_.Sync();
}

absl::Status ManifestWriter::Close() { return log_.Close(); }

absl::StatusOr<ManifestState> ManifestWriter::ReadBack(FileSystem* fs,
                                                       const std::string& dir) const {
  RecoveredManifest found;
  absl::Status status = ReadManifest(fs, dir, log_.number(), &found);
  if (!status.ok()) {
    return status;
  }
  if (found.edits != edits_) {
    return Corruption(PathIn(dir, ManifestFileName(log_.number())), bytes() - found.dropped_bytes,
                      "edits up to its end", edits_, found.edits);
  }
  return std::move(found.state);
}

}  // namespace fathom
