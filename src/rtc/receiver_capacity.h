// How much a receiver's way can take, read from its REMB and from what is sent to it. No clock.
//
// A REMB estimate is never more than about one and a half times what arrives (the receiver cannot know of
// more). Carried across as it is, it would hold a sender down that had little to send: a still picture, then
// motion, and a minute of 8 % a second until the picture is good. So an estimate binds only when it tells of
// congestion: it fell, and it is below what is being sent. Afterwards the limit rises as such an estimate
// would, until the next fall.
#pragma once
#include <cstdint>

#include "base/time.h"

namespace parley::rtc {

class ReceiverCapacity {
 public:
  static constexpr std::uint64_t kNone = 0;
  /// An older estimate no longer binds: the receiver says nothing any more.
  static constexpr base::Millis kFresh{5'000};
  static constexpr double kRisePerSecond = 1.08;
  static constexpr std::uint64_t kFloor = 30'000;  ///< bit/s

  /// `estimate`: the REMB, bit/s. `sending`: what was sent to the receiver of late, bit/s.
  void onEstimate(std::uint64_t estimate, std::uint64_t sending, base::Instant now);
  /// bit/s, or kNone.
  std::uint64_t limit(base::Instant now) const;
  void reset() { *this = {}; }

 private:
  std::uint64_t estimate_ = kNone;
  std::uint64_t limit_ = kNone;
  base::Instant limitedAt_{}, heardAt_{};
};

}  // namespace parley::rtc
