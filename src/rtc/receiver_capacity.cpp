#include "rtc/receiver_capacity.h"

#include <algorithm>
#include <cmath>

namespace parley::rtc {

void ReceiverCapacity::onEstimate(std::uint64_t estimate, std::uint64_t sending, base::Instant now) {
  const bool below = estimate < sending - sending / 20;
  const bool fell = estimate_ == kNone || estimate < estimate_ - estimate_ / 32;
  const std::uint64_t risen = limit(now);
  estimate_ = std::max<std::uint64_t>(estimate, 1);
  heardAt_ = now;
  if (below && fell) {
    limit_ = std::max(estimate, kFloor);
    limitedAt_ = now;
  } else if (risen != kNone) {
    limit_ = std::max(risen, estimate);
    limitedAt_ = now;
  }
}

std::uint64_t ReceiverCapacity::limit(base::Instant now) const {
  if (limit_ == kNone || now - heardAt_ >= kFresh) return kNone;
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - limitedAt_).count());
  return static_cast<std::uint64_t>(static_cast<double>(limit_) * std::pow(kRisePerSecond, seconds));
}

}  // namespace parley::rtc
