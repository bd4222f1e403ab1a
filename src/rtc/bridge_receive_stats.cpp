#include "rtc/bridge_receive_stats.h"

#include <algorithm>
#include <cstdlib>

namespace parley::rtc {
namespace {
// Extended numbers start one cycle up, so that packets from before the first one stay positive.
constexpr std::int64_t kCycle = 65536;
constexpr std::uint32_t kMaxJitterSeconds = 5;  // A greater step is a new time base, not jitter.
}  // namespace

bool ReceiveStats::marked(std::int64_t sequence) const {
  const auto bit = static_cast<std::uint64_t>(sequence) % kWindow;
  return (seen_[bit / 64] >> (bit % 64) & 1) != 0;
}

void ReceiveStats::mark(std::int64_t sequence) {
  const auto bit = static_cast<std::uint64_t>(sequence) % kWindow;
  seen_[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

ReceiveStats::Arrival ReceiveStats::restart(std::uint16_t sequence, Kind kind) {
  seen_.fill(0);
  started_ = true;
  jumped_ = false;
  base_ = highest_ = kCycle + sequence;
  received_ = 1;
  expectedPrior_ = receivedPrior_ = 0;
  clockRate_ = 0;
  mark(highest_);
  return {kind, highest_, 0};
}

ReceiveStats::Arrival ReceiveStats::onSequence(std::uint16_t sequence, bool counts) {
  if (!started_) return counts ? restart(sequence, Kind::next) : Arrival{Kind::tooOld, 0, 0};
  const auto step = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
  const std::int64_t extended = highest_ + step;
  if (step > kMaxDropout || step <= -kWindow) {
    if (!counts) return {Kind::tooOld, 0, 0};
    // Two in a row are a source that began anew (or a peer that was away); one alone is noise.
    if (jumped_ && sequence == expectedAfterJump_) return restart(sequence, Kind::restarted);
    jumped_ = true;
    expectedAfterJump_ = static_cast<std::uint16_t>(sequence + 1);
    return {Kind::tooOld, 0, 0};
  }
  if (step > 0) {
    if (!counts) return {Kind::tooOld, 0, 0};
    for (std::int64_t i = std::max(highest_ + 1, extended - kWindow + 1); i < extended; ++i) {
      const auto bit = static_cast<std::uint64_t>(i) % kWindow;
      seen_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
    }
    highest_ = extended;
    mark(extended);
    ++received_;
    jumped_ = false;
    return {Kind::next, extended, step - 1};
  }
  if (marked(extended)) return {Kind::duplicate, extended, 0};
  mark(extended);
  if (counts) {
    ++received_;
    base_ = std::min(base_, extended);
  }
  return {Kind::late, extended, 0};
}

void ReceiveStats::onTiming(std::uint32_t timestamp, std::uint32_t clockRate, base::Instant now) {
  const bool known = clockRate_ == clockRate;
  // Packets of one frame share a stamp and leave one after the other: only the first one tells of jitter.
  if (clockRate == 0 || (known && timestamp == lastTimestamp_)) return;
  const auto micros =
      static_cast<std::uint64_t>(std::chrono::duration_cast<base::Micros>(now.time_since_epoch()).count());
  // Seconds and the rest apart: no overflow whatever the uptime.
  const std::uint64_t units = micros / 1'000'000 * clockRate + micros % 1'000'000 * clockRate / 1'000'000;
  const std::uint32_t transit = static_cast<std::uint32_t>(units) - timestamp;
  if (known) {
    const auto difference = static_cast<std::int32_t>(transit - transit_);
    const std::uint32_t d =
        difference < 0 ? 0u - static_cast<std::uint32_t>(difference) : static_cast<std::uint32_t>(difference);
    if (d < kMaxJitterSeconds * clockRate) jitter16_ += d - ((jitter16_ + 8) >> 4);
  } else {
    jitter16_ = 0;
  }
  clockRate_ = clockRate;
  transit_ = transit;
  lastTimestamp_ = timestamp;
}

std::int64_t ReceiveStats::cumulativeLost() const { return started_ ? highest_ - base_ + 1 - received_ : 0; }

std::uint8_t ReceiveStats::takeFraction() {
  if (!started_) return 0;
  const std::int64_t expected = highest_ - base_ + 1;
  const std::int64_t expectedNow = expected - expectedPrior_;
  const std::int64_t lostNow = expectedNow - (received_ - receivedPrior_);
  expectedPrior_ = expected;
  receivedPrior_ = received_;
  if (expectedNow <= 0 || lostNow <= 0) return 0;
  return static_cast<std::uint8_t>(std::min<std::int64_t>(255, lostNow * 256 / expectedNow));
}

}  // namespace parley::rtc
