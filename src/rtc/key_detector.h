// Finds the keys of a telephone in its RTP (RFC 4733 section 2.5.2): each one once, however many packets tell
// of it, in whatever order they come, and also when its end is lost.
//
// A key is one by its source (SSRC) and the time stamp of its beginning. It is over with the first packet
// that says so, with the next key, or when nothing is heard of it for kLostEnd. Of a key whose end is
// repeated or late nothing is told again. Keys longer than a packet can say go on in segments
// (section 2.5.1.3).
//
// Engine: time comes in, nothing is kept but the one key. Durations are in milliseconds.
#pragma once
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "proto/rtp.h"

namespace parley::rtc {

struct DetectedKey {
  char key = '\0';  ///< 0…9 * # A…D
  std::uint32_t millis = 0;
  bool endSeen = true;  ///< False: its end was lost, it is as long as was heard of it.
  friend bool operator==(const DetectedKey&, const DetectedKey&) = default;
};

class KeyDetector {
 public:
  /// Packets come every 20 to 50 ms while a key is down: four of them are missing.
  static constexpr base::Millis kLostEnd{200};

  /// A packet of telephone events. A packet may end one key (whose end was lost) and begin and end the next:
  /// `first` is told before `second`.
  struct Found {
    std::optional<DetectedKey> first, second;
  };
  Found onPacket(const proto::RtpHeader& header, base::Bytes payload, std::uint32_t clockRate,
                 base::Instant now);
  /// Call now and then, at least when other packets come and once a second.
  std::optional<DetectedKey> onTime(base::Instant now);
  bool running() const { return running_; }

 private:
  DetectedKey finish(bool endSeen);
  bool goesOn(const proto::RtpHeader& header, std::uint8_t event) const;

  bool known_ = false;    ///< A key was heard of this source.
  bool running_ = false;  ///< Its end was not heard yet.
  std::uint32_t ssrc_ = 0;
  std::uint32_t began_ = 0;   ///< Time stamp of the key's, or its last segment's, beginning.
  std::uint64_t before_ = 0;  ///< Units of the segments before this one.
  std::uint32_t duration_ = 0;
  std::uint32_t clockRate_ = 0;
  std::uint8_t event_ = 0;
  char key_ = '\0';
  base::Instant heardAt_{};
};

}  // namespace parley::rtc
