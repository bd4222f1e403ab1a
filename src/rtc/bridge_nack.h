// Which packets of a source are missing, and when to ask for them (again): RFC 4585 section 6.2.1.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

namespace parley::rtc {

class NackGenerator {
 public:
  static constexpr std::size_t kMaxMissing = 256;
  static constexpr std::uint8_t kMaxTries = 8;
  static constexpr base::Millis kReorderDelay{10};  ///< Packets that only overtook each other come by then.
  static constexpr base::Millis kMinRetry{20}, kMaxRetry{500};

  /// `count` numbers before `sequence` did not come. False when there are too many to ask for: all are
  /// forgotten, only a key frame helps.
  bool onGap(std::int64_t sequence, std::int64_t count, base::Instant now);
  void onReceived(std::int64_t sequence);
  /// A key frame starts here: what came before it is not needed.
  void forgetBefore(std::int64_t sequence);
  void clear();

  struct Due {
    std::size_t count = 0;  ///< Numbers written to `out`, ascending.
    bool gaveUp = false;    ///< One of them was asked for kMaxTries times: now forgotten.
  };
  Due takeDue(base::Instant now, base::Micros rtt, std::span<std::uint16_t> out);

  bool empty() const { return missing_.empty(); }
  base::Instant nextDue() const { return nextDue_; }  ///< Instant::max() when there is nothing to ask for.

 private:
  struct Missing {
    std::int64_t sequence;
    base::Instant dueAt;
    std::uint8_t tries;
  };
  std::vector<Missing> missing_;  // Ascending.
  base::Instant nextDue_ = base::Instant::max();
};

}  // namespace parley::rtc
