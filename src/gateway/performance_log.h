// Counts of each second and minute (GW-11), bounded: the last ten minutes by the second, the last day by the
// minute. Loop thread only.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "base/time.h"

namespace parley::gateway {

struct PerformanceSample {
  std::int64_t at = 0;  ///< Milliseconds since 1970: the beginning of the second or minute.
  // What there was at its end; of a minute the greatest.
  std::int64_t sessions = 0, calls = 0;
  std::map<std::string, int> brokerLoad;  ///< By address, per cent.
  /// Outbound SIP servers by their state; of a minute the fewest that were up and the most that were down.
  std::int64_t sipServersUp = 0, sipServersDown = 0;
  // What happened in it.
  std::uint64_t started = 0, ended = 0, failed = 0, sipIn = 0, sipOut = 0;
};

class PerformanceLog {
 public:
  static constexpr std::size_t kSeconds = 600;
  static constexpr std::size_t kMinutes = 1'440;

  /// Totals since the start in the fields that count what happened; the differences are kept.
  void add(const PerformanceSample& totals);
  /// {"seconds":[…],"minutes":[…]}, oldest first; of the last `minutes` minutes.
  std::string json(std::size_t minutes) const;

  const std::deque<PerformanceSample>& seconds() const { return seconds_; }
  const std::deque<PerformanceSample>& minutes() const { return minutes_; }

 private:
  void intoMinute(const PerformanceSample& second);

  PerformanceSample last_;
  bool any_ = false;
  std::deque<PerformanceSample> seconds_, minutes_;
};

}  // namespace parley::gateway
