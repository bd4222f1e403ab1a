// For tests and fuzz targets: a session without a server. What goes out is written down by party.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "assist/session.h"

namespace parley::assist::rig {

/// A picture of 100x80 pixels with one part of `bytes` bytes.
base::Buffer picture(std::uint32_t frame, bool whole, std::size_t bytes = 100, std::uint32_t epoch = 1);

struct Recorder final : SessionOut {
  struct Shown {
    std::uint32_t frame;
    bool whole;
    std::size_t bytes;
    const base::Buffer* buffer;
  };
  std::map<std::string, std::vector<nlohmann::json>> messages;
  std::map<std::string, std::vector<std::string>> keys;  ///< Of the messages, in the same order.
  std::map<std::string, std::vector<Shown>> shown;
  std::map<std::string, std::vector<std::string>> errors;  ///< Reasons.
  std::map<std::string, std::uint16_t> parted;
  std::vector<PushWish> wishes;

  void send(const std::string& party, std::string object, const std::string& key) override;
  void show(const std::string& party, const Picture& picture) override;
  void fail(const std::string& party, const base::Error& error, const std::string& request) override;
  void part(const std::string& party, std::uint16_t code, std::string_view reason) override;
  void provide(const PushWish& wish) override { wishes.push_back(wish); }

  /// The last message of that type to the party; null when there was none.
  nlohmann::json last(const std::string& party, const std::string& type) const;
  std::size_t count(const std::string& party, const std::string& type) const;
  void clear();
};

/// A session with a consumer "c" and, as tests want, agents. Time stands still unless moved.
struct Rig {
  Rig();
  void join(const std::string& id, Role role, const std::string& user = {});
  /// Says it; false when it was refused or malformed.
  bool say(const std::string& party, nlohmann::json message);
  /// The consumer's answer to the last question.
  void answer(bool grant);
  /// Agent `id` joins and is let in; the page is shared.
  void letIn(const std::string& id, Role role = Role::agent);
  void giveControl(const std::string& id);
  void send(const base::Buffer& bytes) { session.onPicture("c", bytes, now); }
  void tick(std::int64_t millis) { session.tick(now += millis); }

  std::int64_t now = 1'000'000;
  Recorder out;
  SessionOptions options;
  SessionTotals totals;
  AssistSession session;
};

}  // namespace parley::assist::rig
