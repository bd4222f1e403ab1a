// What one source sends us, counted: extended sequence numbers (RFC 3550 appendix A.1), losses (A.3),
// jitter (A.8), and a window that knows each number's first arrival, so that a duplicate goes no further.
#pragma once
#include <array>
#include <cstdint>

#include "base/time.h"

namespace parley::rtc {

class ReceiveStats {
 public:
  static constexpr std::int64_t kWindow = 1024;      ///< Numbers behind the highest that are still taken.
  static constexpr std::int64_t kMaxDropout = 3000;  ///< A greater jump must be confirmed by a second packet.

  enum class Kind : std::uint8_t {
    next,  ///< Highest so far; `missing` numbers lie between it and the one before.
    late,  ///< Fills a gap.
    duplicate,
    tooOld,     ///< Behind the window, or the first packet of a jump.
    restarted,  ///< The source began anew: what was known is forgotten.
  };
  struct Arrival {
    Kind kind{};
    std::int64_t sequence = 0;  ///< Extended; grows without wrap. Only for next, late and restarted.
    std::int64_t missing = 0;
  };

  void reset() { *this = ReceiveStats{}; }
  /// Marks `sequence` as received. For a retransmission `counts` is false: RFC 4588 section 6.3, it says
  /// nothing about the loss on the way, and never moves the highest number.
  Arrival onSequence(std::uint16_t sequence, bool counts = true);
  /// After onSequence said `next`.
  void onTiming(std::uint32_t timestamp, std::uint32_t clockRate, base::Instant now);

  bool started() const { return started_; }
  std::uint32_t highestExtended() const { return static_cast<std::uint32_t>(highest_); }
  std::int64_t highest() const { return highest_; }
  std::int64_t cumulativeLost() const;
  std::uint32_t jitter() const { return jitter16_ >> 4; }  ///< Time stamp units.
  /// Fraction of 256 lost since the last call (A.3).
  std::uint8_t takeFraction();

 private:
  bool marked(std::int64_t sequence) const;
  void mark(std::int64_t sequence);
  Arrival restart(std::uint16_t sequence, Kind kind);

  std::array<std::uint64_t, kWindow / 64> seen_{};
  std::int64_t base_ = 0, highest_ = 0;
  std::int64_t received_ = 0, expectedPrior_ = 0, receivedPrior_ = 0;
  std::uint32_t transit_ = 0, lastTimestamp_ = 0, clockRate_ = 0;
  std::uint32_t jitter16_ = 0;  // Times 16, as in A.8.
  std::uint16_t expectedAfterJump_ = 0;
  bool started_ = false, jumped_ = false;
};

}  // namespace parley::rtc
