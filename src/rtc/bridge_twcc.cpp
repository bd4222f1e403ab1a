#include "rtc/bridge_twcc.h"

#include <algorithm>
#include <array>

namespace parley::rtc {

void TwccReceiver::onPacket(std::uint16_t sequence, base::Instant now) {
  if (full()) return;  // The owner has not taken the feedback: those that come now will show as lost.
  std::int64_t extended = 0;
  if (started_) {
    extended = highest_ + static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
    if (extended - highest_ > kMaxJump || highest_ - extended > kMaxJump) {
      reset();
      extended = 0;
    }
  }
  if (!started_) {
    started_ = true;
    extended = highest_ = reportedTo_ = 65536 + sequence;
  }
  highest_ = std::max(highest_, extended);
  const auto micros = std::chrono::duration_cast<base::Micros>(now.time_since_epoch()).count();
  pending_.push_back({extended, micros / 250});
  sorted_ = false;
}

void TwccReceiver::reset() {
  pending_.clear();
  started_ = sorted_ = false;
}

void TwccReceiver::sort() {
  if (sorted_) return;
  const auto before = [](const Arrival& a, const Arrival& b) { return a.sequence < b.sequence; };
  // Mostly in order already, and stable_sort allocates.
  if (!std::is_sorted(pending_.begin(), pending_.end(), before))
    std::stable_sort(pending_.begin(), pending_.end(), before);
  const auto last = std::unique(pending_.begin(), pending_.end(),
                                [](const Arrival& a, const Arrival& b) { return a.sequence == b.sequence; });
  pending_.erase(last, pending_.end());
  sorted_ = true;
}

bool TwccReceiver::write(proto::RtcpWriter& to, std::uint32_t senderSsrc, std::uint32_t mediaSsrc) {
  if (pending_.empty()) return false;
  sort();
  // Late ones were reported as missing already: a message of their own for each run of them, so that it
  // does not call those around them missing.
  const bool late = pending_.front().sequence < reportedTo_;
  std::size_t count = 1;
  const auto belongs = [&](std::size_t i) {
    return late ? pending_[i].sequence < reportedTo_ && pending_[i].sequence == pending_[i - 1].sequence + 1
                : true;
  };
  while (count < pending_.size() && belongs(count)) ++count;

  std::array<proto::TransportCcArrival, kMaxPending> arrivals;
  for (std::size_t i = 0; i < count; ++i)
    arrivals[i] = {static_cast<std::uint16_t>(pending_[i].sequence), pending_[i].ticks};
  // A gap too wide for one message is not spelled out: the sender times those packets out.
  const bool wide = pending_.front().sequence - reportedTo_ >= std::int64_t{proto::kMaxTransportCcStatuses};
  const std::int64_t base = late || wide ? pending_.front().sequence : reportedTo_;
  const std::size_t done =
      proto::writeTransportCc(to, senderSsrc, mediaSsrc, static_cast<std::uint16_t>(base), feedbackCount_,
                              std::span(arrivals).first(count));
  if (done == 0) return false;
  ++feedbackCount_;
  if (!late) reportedTo_ = pending_[done - 1].sequence + 1;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done));
  return true;
}

}  // namespace parley::rtc
