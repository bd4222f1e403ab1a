// Key frames: recognising the first packet of one, and asking a sender for one at a bounded rate.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace parley::rtc {

enum class VideoFormat : std::uint8_t { none, vp8, vp9, h264, av1 };  ///< none: not video, or not known.
VideoFormat videoFormatOf(std::string_view codecName);                ///< Without regard to case.

/// Does this payload start (or, H264: belong to the start of) a key frame? Looks at the payload descriptor:
/// VP8 RFC 7741 section 4.2, VP9 RFC 9628 section 4.2, H264 RFC 6184 section 5.2, AV1 RTP v1.0.0 section 4.4.
bool startsKeyFrame(VideoFormat format, base::Bytes payload);

/// One sender's key frame requests: at most one per interval, repeated until satisfied or kMaxTries.
class KeyFrameRequester {
 public:
  static constexpr unsigned kMaxTries = 10;
  static constexpr base::Millis kMaxRetry{2'000};

  void want() {
    if (!wanted_) tries_ = 0;
    wanted_ = true;
  }
  void satisfied() { wanted_ = false; }
  bool wanted() const { return wanted_; }
  /// May a request go out now? Counts it if so. Repetitions wait twice as long each time, to kMaxRetry.
  bool take(base::Instant now, base::Millis interval);
  /// When take() can be true next; Instant::max() when nothing is wanted.
  base::Instant nextDue(base::Millis interval) const;
  /// RFC 5104 section 4.3.1.1: a new number for each command; a repetition only for the same key frame.
  std::uint8_t nextFir() { return firSequence_++; }

 private:
  bool wanted_ = false;
  unsigned tries_ = 0;
  std::uint8_t firSequence_ = 0;
  std::optional<base::Instant> lastSent_;
};

}  // namespace parley::rtc
