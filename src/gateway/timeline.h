// What happened in a call, for the people who ask why (design decision 8). Bounded: when full, the middle is
// thinned, so that beginning and end stay whole.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/call_step.h"

namespace parley::gateway {

struct TimelineEntry {
  std::int64_t at = 0;   ///< Milliseconds since 1970.
  std::string from, to;  ///< consumer, gateway, broker, agent, customer phone …; equal: a note.
  std::string what;
  std::string level = "info";  ///< info, warn, error
  std::string detail = "{}";   ///< A JSON object. Never SDP or tokens.
};

class Timeline {
 public:
  static constexpr std::size_t kMaxEntries = 400;
  /// Of all details together; a detail beyond it is left out, its size stays.
  static constexpr std::size_t kMaxDetailBytes = 64 * 1024;
  void add(TimelineEntry entry);
  const std::vector<TimelineEntry>& entries() const { return entries_; }
  std::size_t dropped() const { return dropped_; }
  /// The JSON array; `ms` counts from `start`.
  std::string json(std::int64_t start) const;
  /// From what json() gave; what is not understood is left out.
  static Timeline parse(std::string_view json, std::int64_t start);

 private:
  std::vector<TimelineEntry> entries_;
  std::size_t dropped_ = 0;
  std::size_t detailBytes_ = 0;
};

/// The entry of an event or an action, or nothing where it says nothing new.
std::optional<TimelineEntry> entryOf(const Event& event, const CallState& before);
std::optional<TimelineEntry> entryOf(const Action& action, const CallState& state, std::int64_t at);

/// One finished call.
struct CallRecord {
  CallState state;
  Timeline timeline;
  std::string media = "null";  ///< The broker's final report, JSON.
};

/// The last calls, newest first. Loop thread.
class CallRecords {
 public:
  static constexpr std::size_t kMaxRecords = 500;
  static constexpr std::size_t kMaxHistory = 100;
  /// Of those, calls that were refused at once: a flood of them does not push the others out.
  static constexpr std::size_t kMaxRefused = 100;
  /// Whoever keeps them beyond the process hears of each that comes, and of the id of each that goes.
  void setKeeper(std::function<void(const CallRecord&)> added,
                 std::function<void(const std::string&)> removed);
  void add(CallRecord record);
  const CallRecord* find(std::string_view call) const;
  const std::deque<CallRecord>& all() const { return records_; }
  /// The agent's last calls: {"calls":[…]}
  std::string historyOf(std::string_view agent) const;

 private:
  void remove(std::deque<CallRecord>::iterator record);
  std::deque<CallRecord> records_;
  std::function<void(const CallRecord&)> added_;
  std::function<void(const std::string&)> removed_;
};

/// One line of a list of calls, JSON.
std::string summaryJson(const CallState& state);
/// The whole of one call, JSON.
std::string detailJson(const CallState& state, const Timeline& timeline, std::string_view media);

}  // namespace parley::gateway
