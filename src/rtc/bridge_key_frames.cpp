#include "rtc/bridge_key_frames.h"

#include <algorithm>

#include "base/text.h"

namespace parley::rtc {
namespace {

/// RFC 7741:  |X|R|N|S|R| PID |  [X: |I|L|T|K| … | [picture id 8 or 16] [TL0PICIDX] [TID, KEYIDX]]  frame …
/// A key frame has the lowest bit of its first byte (P) clear.
bool vp8KeyFrame(base::Bytes payload) {
  base::ByteReader in(payload);
  const std::uint8_t head = in.u8();
  if ((head & 0x10) == 0 || (head & 0x07) != 0) return false;  // Not the start of the first partition.
  if ((head & 0x80) != 0) {
    const std::uint8_t extension = in.u8();
    if ((extension & 0x80) != 0 && (in.u8() & 0x80) != 0) in.skip(1);
    if ((extension & 0x40) != 0) in.skip(1);
    if ((extension & 0x30) != 0) in.skip(1);
  }
  const std::uint8_t frame = in.u8();
  return in.ok() && (frame & 0x01) == 0;
}

/// RFC 9628:  |I|P|L|F|B|E|V|Z|  [I: picture id 8 or 16] [L: TID 3, U, SID 3, D] …
bool vp9KeyFrame(base::Bytes payload) {
  base::ByteReader in(payload);
  const std::uint8_t head = in.u8();
  const bool predicted = (head & 0x40) != 0, begins = (head & 0x08) != 0;
  if (!in.ok() || predicted || !begins) return false;
  if ((head & 0x20) == 0) return true;
  if ((head & 0x80) != 0 && (in.u8() & 0x80) != 0) in.skip(1);
  const std::uint8_t layer = in.u8();
  return in.ok() && (layer >> 1 & 7) == 0;  // An upper spatial layer predicts from the lower one.
}

bool h264KeyUnit(std::uint8_t type) { return type == 5 || type == 7; }  // IDR slice, SPS.

/// RFC 6184: |F|NRI| type 5 |; 24 = STAP-A: | size 16 | unit |…; 28 = FU-A: | indicator | S E R type |
bool h264KeyFrame(base::Bytes payload) {
  base::ByteReader in(payload);
  const std::uint8_t type = in.u8() & 0x1f;
  if (type == 28) {
    const std::uint8_t fragment = in.u8();
    return in.ok() && (fragment & 0x80) != 0 && h264KeyUnit(fragment & 0x1f);
  }
  if (type != 24) return in.ok() && h264KeyUnit(type);
  while (in.ok() && in.remaining() > 2) {
    const auto unit = in.bytes(in.u16());
    if (!unit.empty() && h264KeyUnit(unit[0] & 0x1f)) return true;
  }
  return false;
}

/// AV1 aggregation header: |Z|Y| W 2 |N|-|-|-|; N: first packet of a coded video sequence.
bool av1KeyFrame(base::Bytes payload) { return !payload.empty() && (payload[0] & 0x08) != 0; }

}  // namespace

VideoFormat videoFormatOf(std::string_view codecName) {
  if (base::equalsIgnoreCase(codecName, "VP8")) return VideoFormat::vp8;
  if (base::equalsIgnoreCase(codecName, "VP9")) return VideoFormat::vp9;
  if (base::equalsIgnoreCase(codecName, "H264")) return VideoFormat::h264;
  if (base::equalsIgnoreCase(codecName, "AV1")) return VideoFormat::av1;
  return VideoFormat::none;
}

bool startsKeyFrame(VideoFormat format, base::Bytes payload) {
  switch (format) {
    case VideoFormat::vp8:
      return vp8KeyFrame(payload);
    case VideoFormat::vp9:
      return vp9KeyFrame(payload);
    case VideoFormat::h264:
      return h264KeyFrame(payload);
    case VideoFormat::av1:
      return av1KeyFrame(payload);
    case VideoFormat::none:
      return false;
  }
  return false;
}

base::Instant KeyFrameRequester::nextDue(base::Millis interval) const {
  if (!wanted_) return base::Instant::max();
  if (!lastSent_) return base::Instant{};
  const base::Millis wait = tries_ == 0 ? interval : interval * (1 << std::min(tries_, 6u));
  return *lastSent_ + std::max(interval, std::min(wait, kMaxRetry));
}

bool KeyFrameRequester::take(base::Instant now, base::Millis interval) {
  if (!wanted_ || now < nextDue(interval)) return false;
  lastSent_ = now;
  if (++tries_ == kMaxTries) wanted_ = false;
  return true;
}

}  // namespace parley::rtc
