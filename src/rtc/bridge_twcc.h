// Receiver of transport-wide sequence numbers: remembers what came since the last feedback, and writes it.
#pragma once
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "proto/rtcp_transport_cc.h"

namespace parley::rtc {

class TwccReceiver {
 public:
  static constexpr std::size_t kMaxPending = 256;  ///< Then feedback is due at once.
  static constexpr std::int64_t kMaxJump = 4096;   ///< A greater step (reload, long silence) starts anew.

  void onPacket(std::uint16_t sequence, base::Instant now);
  bool empty() const { return pending_.empty(); }
  bool full() const { return pending_.size() >= kMaxPending; }

  /// Appends one message; call until it says false (nothing left, or no more room: then with a new buffer).
  bool write(proto::RtcpWriter& to, std::uint32_t senderSsrc, std::uint32_t mediaSsrc);
  void reset();

 private:
  struct Arrival {
    std::int64_t sequence;  // Extended.
    std::int64_t ticks;
  };
  void sort();
  std::vector<Arrival> pending_;
  std::int64_t highest_ = 0;
  std::int64_t reportedTo_ = 0;  // The next number that no feedback has spoken of.
  bool started_ = false, sorted_ = false;
  std::uint8_t feedbackCount_ = 0;
};

}  // namespace parley::rtc
