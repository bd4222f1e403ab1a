#include "rtc/bridge_mapper.h"

#include <algorithm>

#include "rtc/bridge_receive_stats.h"

namespace parley::rtc {
namespace {
// After a longer silence the stamps stand still: players treat a jump of minutes as a broken stream.
constexpr base::Micros kMaxAdvance{3600'000'000LL};
}  // namespace

StreamMapper::StreamMapper(base::Random& random) {
  // Not so low that packets from before the first one fall below 0: SRTP's packet index starts there, and
  // sender and receiver would no longer agree on it.
  highestOut_ = 65536 + ReceiveStats::kWindow + random.u32() % (0x8000 - ReceiveStats::kWindow);
  lastStamp_ = random.u32();
}

void StreamMapper::attach(std::int64_t sequence) {
  offset_ = highestOut_ + 1 - sequence;
  // What came before a later source's first packet would take numbers that were used for the one before.
  floor_ = started_ ? sequence : sequence - ReceiveStats::kWindow;
  highestIn_ = sequence - 1;
  skippedCount_ = 0;
  attached_ = true;
}

void StreamMapper::attachStamps(std::uint32_t timestamp, std::uint32_t clockRate, base::Instant now) {
  std::uint32_t next = lastStamp_;
  if (started_) {
    const auto passed =
        std::clamp(std::chrono::duration_cast<base::Micros>(now - lastAt_), base::Micros{0}, kMaxAdvance);
    const auto advance = static_cast<std::uint64_t>(passed.count()) * clockRate / 1'000'000;
    next += std::max<std::uint32_t>(1, static_cast<std::uint32_t>(advance));
  }
  stampOffset_ = next - timestamp;
  clockRate_ = clockRate;
  stampsAttached_ = true;
}

std::optional<StreamMapper::Out> StreamMapper::map(std::int64_t sequence, std::uint32_t timestamp,
                                                   std::uint32_t clockRate, base::Instant now) {
  if (!attached_) attach(sequence);
  if (sequence < floor_) return std::nullopt;
  if (!stampsAttached_ || clockRate != clockRate_) attachStamps(timestamp, clockRate, now);
  std::int64_t out = sequence + offset_;
  if (skippedCount_ != 0)
    out -= std::lower_bound(skipped_.begin(), skipped_.begin() + static_cast<std::ptrdiff_t>(skippedCount_),
                            sequence) -
           skipped_.begin();
  const std::uint32_t stamp = timestamp + stampOffset_;
  highestIn_ = std::max(highestIn_, sequence);
  if (out > highestOut_ || !started_) {
    highestOut_ = std::max(out, highestOut_);
    lastStamp_ = stamp;
    lastAt_ = now;
  }
  started_ = true;
  return Out{static_cast<std::uint16_t>(out), stamp};
}

bool StreamMapper::skip(std::int64_t sequence) {
  if (!attached_) return true;
  if (sequence <= highestIn_) return false;
  highestIn_ = sequence;
  if (skippedCount_ == kMaxSkipped) {
    floor_ = std::max(floor_, skipped_[0] + 1);
    offset_ -= 1;
    std::copy(skipped_.begin() + 1, skipped_.end(), skipped_.begin());
    --skippedCount_;
  }
  skipped_[skippedCount_++] = sequence;
  return true;
}

std::optional<std::uint32_t> StreamMapper::timestampOf(std::uint32_t timestamp) const {
  if (!stampsAttached_) return std::nullopt;
  return timestamp + stampOffset_;
}

}  // namespace parley::rtc
