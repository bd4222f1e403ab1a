// What happened in a shared session, for people: bounded, in the form of the calls' timelines.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace parley::assist {

class Timeline {
 public:
  static constexpr std::size_t kMaxEntries = 200;
  /// What the page tells of each click and key: the first to give way.
  static constexpr std::string_view kActivity = "activity";
  explicit Timeline(std::int64_t began) : began_(began) {}
  /// `now` in milliseconds since 1970; lanes are "consumer", "server", "agent", "supervisor".
  void add(std::int64_t now, std::string_view from, std::string_view to, std::string_view what,
           nlohmann::json detail = nlohmann::json::object());
  nlohmann::json json() const;
  /// What json() of another process gave.
  void restore(const nlohmann::json& entries, std::size_t dropped);
  std::size_t dropped() const { return dropped_; }

 private:
  const std::int64_t began_;
  std::vector<nlohmann::json> entries_;
  std::size_t dropped_ = 0;
};

}  // namespace parley::assist
