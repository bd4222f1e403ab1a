// MediaBridge: the ringing tone for a leg that waits, as one more source of what we send it.
#include <algorithm>

#include "base/text.h"
#include "rtc/bridge_state.h"
#include "rtc/ringing_tone.h"

namespace parley::rtc {
namespace {

constexpr base::Millis kPacketTime{20};
constexpr base::Millis kLate{200};       // More is not made up for.
constexpr base::Millis kLookAgain{500};  // Nothing can be sent now; a re-INVITE may change that.
constexpr std::uint32_t kClock = 8'000;

std::optional<G711> lawOf(const BridgeCodec& codec) {
  if (codec.clockRate != kClock || codec.channels != 1) return std::nullopt;
  if (base::equalsIgnoreCase(codec.name, "PCMU")) return G711::mu;
  if (base::equalsIgnoreCase(codec.name, "PCMA")) return G711::a;
  return std::nullopt;
}

}  // namespace

void MediaBridge::State::setRinging(LegIndex index, bool ringing, base::Instant now) {
  BridgeLeg& leg = legs.take(index);
  if (leg.tone.on == ringing) return;
  leg.tone = {};
  leg.tone.on = ringing;
  for (BridgeSection& section : leg.sections) section.out.mapper.newSource();
  if (!ringing) return;
  leg.tone.due = now;
  arm(now);
}

/// A page makes its own tone; a telephone takes any codec that was agreed, not only the first (RFC 3264
/// section 6.1).
void MediaBridge::State::sendTone(LegIndex index, base::Instant now) {
  BridgeLeg& leg = legs[index];
  if (now - leg.tone.due > kLate) leg.tone.due = now;
  for (BridgeSection& section : leg.sections) {
    if (leg.bundled || section.video() || !section.peerReceives) continue;
    for (std::size_t i = 0; i < section.codecs.size(); ++i) {
      const auto law = lawOf(section.codecs[i]);
      if (!law) continue;
      section.out.codec = static_cast<std::uint8_t>(i);
      for (; leg.tone.due <= now; leg.tone.due += kPacketTime)
        sendTonePacket(index, section, ringingTone(*law, leg.tone.packets), now);
      return;
    }
  }
  leg.tone.due = now + kLookAgain;
}

void MediaBridge::State::sendTonePacket(LegIndex index, BridgeSection& section, base::Bytes samples,
                                        base::Instant now) {
  BridgeTone& tone = legs[index].tone;
  BridgeOutbound& out = section.out;
  const auto number = static_cast<std::int64_t>(tone.packets);
  const auto mapped =
      out.mapper.map(number, static_cast<std::uint32_t>(tone.packets * kTonePacketSamples), kClock, now);
  ++tone.packets;
  if (!mapped) return;
  constexpr std::size_t kHeadroom = 64, kHeader = 12, kTailroom = 64;
  std::array<std::uint8_t, kHeadroom + kHeader + kTonePacketSamples + kTailroom> slot;
  std::uint8_t* header = &slot[kHeadroom];
  // RFC 3550 section 5.1: version 2; the marker begins the first talkspurt (RFC 3551 section 4.1).
  header[0] = 0x80;
  header[1] = static_cast<std::uint8_t>((number == 0 ? 0x80 : 0) | section.codecs[out.codec].payloadType);
  base::storeU16(header + 2, mapped->sequence);
  base::storeU32(header + 4, mapped->timestamp);
  base::storeU32(header + 8, section.ourSsrc);
  std::ranges::copy(samples, header + kHeader);
  const std::size_t size = kHeader + samples.size();
  ++out.packets;
  out.octets += samples.size();
  out.bytes += size;
  out.rate.add(size, now);
  out.lastAt = now;
  if (!out.firstAt) out.firstAt = now;
  sink.sendRtp(index, section.index, proto::Packet{slot, kHeadroom, size}, true);
}

}  // namespace parley::rtc
