// Packet index and replay window of one SRTP stream (RFC 3711 sections 3.3.1, 3.3.2, appendix A).
#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace parley::rtc {

/// Which indexes were seen, back to kBits before the highest. 16 + kBits / 8 bytes.
template <std::size_t kBits>
class ReplayWindow {
  static_assert(kBits % 64 == 0);

 public:
  enum class Verdict : std::uint8_t { fresh, seen, tooOld };

  Verdict check(std::uint64_t index) const {
    if (!started_ || index > highest_) return Verdict::fresh;
    if (highest_ - index >= kBits) return Verdict::tooOld;
    return bit(index) ? Verdict::seen : Verdict::fresh;
  }
  /// Call for a `fresh` index of an authenticated packet.
  void accept(std::uint64_t index) {
    if (!started_ || index > highest_) {
      advance(index);
      started_ = true;
      highest_ = index;
    }
    words_[index % kBits / 64] |= mask(index);
  }
  bool started() const { return started_; }
  std::uint64_t highest() const { return highest_; }

 private:
  static std::uint64_t mask(std::uint64_t index) { return std::uint64_t{1} << index % 64; }
  bool bit(std::uint64_t index) const { return (words_[index % kBits / 64] & mask(index)) != 0; }
  /// Clears what is between the highest index and `index`: those were not seen.
  void advance(std::uint64_t index) {
    if (!started_) return;
    if (index - highest_ >= kBits) {
      words_.fill(0);
      return;
    }
    for (std::uint64_t i = highest_ + 1; i <= index; ++i) words_[i % kBits / 64] &= ~mask(i);
  }

  std::array<std::uint64_t, kBits / 64> words_{};
  std::uint64_t highest_ = 0;
  bool started_ = false;
};

constexpr std::uint64_t kMaxRtpIndex = (std::uint64_t{1} << 48) - 1;  ///< ROC (32) and sequence number (16).
constexpr std::uint32_t kMaxRtcpIndex = 0x7FFFFFFF;

/// The 48-bit index of a packet with `sequence`, given the highest one so far: that which is nearest.
/// Nothing when it would pass kMaxRtpIndex. There is nothing before index 0: what would be there is taken as
/// a jump forward in the first round.
inline std::optional<std::uint64_t> estimateRtpIndex(std::optional<std::uint64_t> highest,
                                                     std::uint16_t sequence) {
  if (!highest) return sequence;
  const auto last = static_cast<std::uint16_t>(*highest & 0xFFFF);
  std::uint64_t roc = *highest >> 16;
  if (last < 0x8000) {
    if (sequence > last + 0x8000 && roc > 0) --roc;
  } else if (last - 0x8000 > sequence) {
    ++roc;
  }
  const std::uint64_t index = roc << 16 | sequence;
  if (index > kMaxRtpIndex) return std::nullopt;
  return index;
}

}  // namespace parley::rtc
