// A node in memory, spoken to one message at a time: for the tests of handlers and node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lsm/io/mem_file_system.h"
#include "node/node.h"

namespace fathom {

class Session {
 public:
  explicit Session(NodeOptions options = NodeOptions()) : batch_(options.style) {
    options.data_dir = "/data";
    options.store.file_system = &fs_;
    node_ = std::make_unique<Node>(
        options, [this](absl::string_view line) { notes_.push_back(std::string(line)); });
  }
  ~Session() { node_->Close().IgnoreError(); }

  // A session that has had its init.
  static std::unique_ptr<Session> Started(const NodeOptions& options = NodeOptions()) {
    auto session = std::make_unique<Session>(options);
    session->Send(
        R"({"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}})");
    return session;
  }

  // The reply to one line, with its newline; empty if there is none.
  std::string Send(absl::string_view line) {
    batch_.Clear();
    node_->HandleLine(line, &batch_);
    return std::string(batch_.text());
  }

  // The reply to a request with this body (no braces, no msg_id), without all that every reply has:
  // `lsm_get_ok "value": 100`, or `error 12 field ...`.
  std::string Ask(absl::string_view body) {
    const std::string line = absl::StrCat(R"({"src":"c1","dest":"n1","body":{)", body,
                                          body.empty() ? "" : ",", R"("msg_id":7}})");
    const std::string reply = Send(line);
    JsonDocument document;
    if (!document.Parse(reply).ok()) {
      return absl::StrCat("not JSON: ", reply);
    }
    std::string short_reply;
    for (const JsonMember m : document.root().Find("body").members()) {
      if (m.name == "type") {
        short_reply.append(m.value.text().data(), m.value.text().size());
      } else if (m.name == "code" || m.name == "text") {
        absl::StrAppend(&short_reply, " ", m.value.text());
      } else if (m.name != "in_reply_to" && m.name != "msg_id") {
        std::string compact;
        m.value.AppendCompact(&compact);
        absl::StrAppend(&short_reply, " \"", m.name, "\": ", compact);
      }
    }
    return short_reply;
  }

  // Field `name` of the reply's `explain` object, of a request with this body; -1 if there is none.
  int64_t Explained(absl::string_view body, absl::string_view name) {
    Send(absl::StrCat(R"({"src":"c1","dest":"n1","body":{)", body, R"(,"explain":true}})"));
    JsonDocument document;
    int64_t v = -1;
    if (document.Parse(batch_.text()).ok()) {
      const JsonValue explain = document.root().Find("body").Find("explain");
      const JsonValue field = explain ? explain.Find(name) : JsonValue();
      if (field && !field.AsInt64(&v)) {
        v = field.is(JsonKind::kTrue) ? 1 : 0;
      }
    }
    return v;
  }

  MemFileSystem* fs() { return &fs_; }
  Node* node() { return node_.get(); }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  MemFileSystem fs_;
  std::vector<std::string> notes_;
  ReplyBatch batch_;
  std::unique_ptr<Node> node_;
};

}  // namespace fathom
