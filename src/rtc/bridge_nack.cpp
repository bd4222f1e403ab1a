#include "rtc/bridge_nack.h"

#include <algorithm>

namespace parley::rtc {

bool NackGenerator::onGap(std::int64_t sequence, std::int64_t count, base::Instant now) {
  if (count <= 0) return true;
  if (static_cast<std::size_t>(count) + missing_.size() > kMaxMissing) {
    clear();
    return false;
  }
  const base::Instant due = now + kReorderDelay;
  for (std::int64_t i = sequence - count; i < sequence; ++i) missing_.push_back({i, due, 0});
  nextDue_ = std::min(nextDue_, due);
  return true;
}

void NackGenerator::onReceived(std::int64_t sequence) {
  if (missing_.empty()) return;
  const auto at = std::lower_bound(missing_.begin(), missing_.end(), sequence,
                                   [](const Missing& m, std::int64_t s) { return m.sequence < s; });
  if (at != missing_.end() && at->sequence == sequence) missing_.erase(at);
  if (missing_.empty()) clear();
}

void NackGenerator::forgetBefore(std::int64_t sequence) {
  if (missing_.empty()) return;
  std::erase_if(missing_, [&](const Missing& m) { return m.sequence < sequence; });
  if (missing_.empty()) clear();
}

void NackGenerator::clear() {
  if (missing_.capacity() > 0)
    missing_ = std::vector<Missing>();  // Most calls lose nothing most of the time.
  nextDue_ = base::Instant::max();
}

NackGenerator::Due NackGenerator::takeDue(base::Instant now, base::Micros rtt, std::span<std::uint16_t> out) {
  Due due;
  const base::Micros retry = std::clamp(rtt, base::Micros(kMinRetry), base::Micros(kMaxRetry));
  base::Instant next = base::Instant::max();
  std::erase_if(missing_, [&](Missing& m) {
    if (m.dueAt <= now && due.count < out.size()) {
      if (m.tries == kMaxTries) {
        due.gaveUp = true;
        return true;
      }
      out[due.count++] = static_cast<std::uint16_t>(m.sequence);
      ++m.tries;
      m.dueAt = now + retry;
    }
    next = std::min(next, m.dueAt);
    return false;
  });
  nextDue_ = next;
  if (missing_.empty()) clear();
  return due;
}

}  // namespace parley::rtc
