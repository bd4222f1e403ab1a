#include "rtc/key_detector.h"

#include <algorithm>
#include <limits>

#include "proto/telephone_event.h"

namespace parley::rtc {
namespace {

/// Time stamps wrap (RFC 3550 section 5.1): `a` is later than `b`.
bool isLater(std::uint32_t a, std::uint32_t b) { return a != b && a - b < 0x80000000u; }

constexpr std::uint32_t kSegment = 0xffff;  // The longest duration that a packet can say.

}  // namespace

KeyDetector::Found KeyDetector::onPacket(const proto::RtpHeader& header, base::Bytes payload,
                                         std::uint32_t clockRate, base::Instant now) {
  Found found;
  const auto event = proto::parseTelephoneEvent(payload);
  if (!event || clockRate == 0) return found;
  const char key = proto::keyOf(*event);
  if (key == '\0') return found;
  const bool same = known_ && header.ssrc == ssrc_;
  if (same && header.timestamp == began_) {
    if (!running_ || event->event != event_) return found;  // A repeated end, or nonsense.
  } else if (same && goesOn(header, event->event)) {
    before_ += kSegment;
    began_ = header.timestamp;
    duration_ = 0;
  } else {
    if (same && !isLater(header.timestamp, began_)) return found;  // A straggler of a key before.
    if (running_) found.first = finish(false);
    known_ = running_ = true;
    ssrc_ = header.ssrc;
    began_ = header.timestamp;
    before_ = 0;
    duration_ = 0;
    clockRate_ = clockRate;
    event_ = event->event;
    key_ = key;
  }
  heardAt_ = now;
  duration_ = std::max<std::uint32_t>(duration_, event->duration);
  if (event->end) found.second = finish(true);
  return found;
}

bool KeyDetector::goesOn(const proto::RtpHeader& header, std::uint8_t event) const {
  return running_ && event == event_ && !header.marker && header.timestamp - began_ == kSegment;
}

std::optional<DetectedKey> KeyDetector::onTime(base::Instant now) {
  if (!running_ || now - heardAt_ < kLostEnd) return std::nullopt;
  return finish(false);
}

DetectedKey KeyDetector::finish(bool endSeen) {
  running_ = false;
  const std::uint64_t millis = (before_ + duration_) * 1000 / clockRate_;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return {key_, static_cast<std::uint32_t>(std::min(millis, kMost)), endSeen};
}

}  // namespace parley::rtc
