// For tests, fuzzing and benchmarks of the bridge: leg descriptions, packets, and a sink that reads what was
// sent back into values.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "proto/rtcp.h"
#include "proto/rtcp_transport_cc.h"
#include "proto/rtp.h"
#include "rtc/bridge.h"

namespace parley::rtc::testkit {

using Raw = std::vector<std::uint8_t>;

// Payload types of leg 0; leg 1 numbers the same codecs 10 lower.
constexpr std::uint8_t kOpus = 111, kEvents = 110, kVp8 = 96, kVp8Rtx = 97, kH264 = 102, kH264Rtx = 103;
constexpr std::uint8_t kShift = 10;
constexpr std::uint32_t kAudioSsrc = 0xA0, kVideoSsrc = 0xB0, kVideoRtxSsrc = 0xB1;
constexpr std::uint32_t ourAudio(LegIndex leg) { return 0x1000u + static_cast<std::uint32_t>(leg); }
constexpr std::uint32_t ourVideo(LegIndex leg) { return 0x2000u + static_cast<std::uint32_t>(leg); }
constexpr std::uint32_t ourRtx(LegIndex leg) { return 0x3000u + static_cast<std::uint32_t>(leg); }

inline Codec codec(std::uint8_t pt, std::string name, std::uint32_t clock, std::uint32_t channels = 1) {
  Codec out;
  out.payloadType = PayloadType(pt);
  out.name = std::move(name);
  out.clockRate = clock;
  out.channels = channels;
  return out;
}

inline Codec videoCodec(std::uint8_t pt, std::string name, std::optional<std::uint8_t> rtx) {
  Codec out = codec(pt, std::move(name), 90000);
  if (rtx) out.rtx = PayloadType(*rtx);
  out.nack = out.nackPli = out.ccmFir = out.remb = out.transportCc = true;
  return out;
}

/// Leg 0 and leg 1 agree on codecs and differ in every number: payload types, extension ids, mids, SSRCs.
inline LegDescription describe(LegIndex leg, bool video = true) {
  const auto pt = [&](std::uint8_t value) {
    return static_cast<std::uint8_t>(leg == 0 ? value : value - kShift);
  };
  const auto id = [&](int value) { return static_cast<std::uint8_t>(leg == 0 ? value : value + 5); };
  LegDescription out;
  out.cname = leg == 0 ? "left" : "right";
  MediaSection audio;
  audio.mid = leg == 0 ? "0" : "voice";
  audio.peerSends = audio.peerReceives = audio.reducedRtcp = true;
  audio.codecs = {codec(pt(kOpus), "opus", 48000, 2), codec(pt(kEvents), "telephone-event", 48000)};
  audio.codecs[0].transportCc = true;
  audio.extensions = {id(1), id(2), id(3), id(4), 0, 0, 0};
  audio.ourSsrc = Ssrc(ourAudio(leg));
  out.sections.push_back(audio);
  if (!video) return out;
  MediaSection picture = audio;
  picture.index = 1;
  picture.mid = leg == 0 ? "1" : "picture";
  picture.kind = MediaKind::video;
  picture.codecs = {videoCodec(pt(kVp8), "VP8", pt(kVp8Rtx)), videoCodec(pt(kH264), "H264", pt(kH264Rtx))};
  picture.codecs[1].fmtp = leg == 0 ? "profile-level-id=42e01f;packetization-mode=1"
                                    : "packetization-mode=1; profile-level-id=42c01f";
  picture.extensions = {id(1), id(2), id(3), 0, id(5), 0, id(6)};
  picture.ourSsrc = Ssrc(ourVideo(leg));
  picture.ourRtxSsrc = Ssrc(ourRtx(leg));
  out.sections.push_back(picture);
  return out;
}

struct RtpSpec {
  std::uint8_t payloadType = kOpus;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = kAudioSsrc;
  Raw payload = {1, 2, 3, 4};
  std::vector<std::pair<std::uint8_t, Raw>> extensions = {};
  bool marker = false;
  std::uint8_t padding = 0;
};

inline Raw bytesOf(const RtpSpec& spec) {
  proto::RtpExtensionWriter writer;
  for (const auto& [id, value] : spec.extensions) writer.add(id, value);
  const base::Bytes block = writer.finish();
  Raw out(12);
  out[0] = static_cast<std::uint8_t>(0x80 | (block.empty() ? 0 : 0x10) | (spec.padding != 0 ? 0x20 : 0));
  out[1] = static_cast<std::uint8_t>((spec.marker ? 0x80 : 0) | spec.payloadType);
  base::storeU16(&out[2], spec.sequence);
  base::storeU32(&out[4], spec.timestamp);
  base::storeU32(&out[8], spec.ssrc);
  out.insert(out.end(), block.begin(), block.end());
  out.insert(out.end(), spec.payload.begin(), spec.payload.end());
  if (spec.padding != 0) {
    out.insert(out.end(), spec.padding, 0);
    out.back() = spec.padding;
  }
  return out;
}

inline Raw vp8(bool key, std::size_t size = 100) {
  Raw out(size, 0x55);
  out[0] = 0x10;
  out[1] = key ? 0x00 : 0x01;
  return out;
}

struct SentRtp {
  LegIndex to = 0;
  std::size_t section = 0;
  Raw raw;
  proto::RtpHeader header;
  Raw payload;
  std::map<std::uint8_t, Raw> extensions;
  bool mustCopy = false;
};

struct SentRtcp {
  LegIndex to = 0;
  std::size_t section = 0;
  Raw raw;
};

class RecordingSink : public BridgeSink {
 public:
  void sendRtp(LegIndex to, std::size_t section, proto::Packet packet, bool mustCopy) override {
    SentRtp sent;
    sent.to = to;
    sent.section = section;
    sent.raw.assign(packet.data().begin(), packet.data().end());
    sent.mustCopy = mustCopy;
    const auto view = proto::parseRtp(packet.data());
    if (!view) return void(++broken);
    sent.header = view->header;
    const auto payload = packet.data().subspan(view->headerSize, view->payloadSize);
    sent.payload.assign(payload.begin(), payload.end());
    proto::RtpExtensionReader reader(*view);
    while (const auto element = reader.next())
      sent.extensions[element->id].assign(element->value.begin(), element->value.end());
    if (packet.tailroom() < 24) ++broken;  // No room for SRTP.
    rtp.push_back(std::move(sent));
  }
  void sendRtcp(LegIndex to, std::size_t section, proto::Packet packet) override {
    proto::RtcpReader reader(packet.data());
    while (reader.next()) {
    }
    if (!reader.ok() || packet.tailroom() < 24) ++broken;
    rtcp.push_back({to, section, Raw(packet.data().begin(), packet.data().end())});
  }
  void clear() {
    rtp.clear();
    rtcp.clear();
  }

  std::vector<SentRtp> rtp;
  std::vector<SentRtcp> rtcp;
  bool mayRepeat(LegIndex) const override { return repeatable; }
  void keyFrameWanted(LegIndex) override { ++keyFramesWanted; }
  int keyFramesWanted = 0;
  bool repeatable = true;  ///< As without AES-GCM.
  int broken = 0;          ///< Things sent that are not well-formed.

  /// All blocks sent to a leg that `parse` takes.
  template <class Parse>
  auto find(LegIndex to, Parse parse) const {
    std::vector<typename decltype(parse(std::declval<proto::RtcpBlock>()))::value_type> out;
    for (const SentRtcp& sent : rtcp) {
      if (sent.to != to) continue;
      proto::RtcpReader reader(sent.raw);
      while (const auto block = reader.next())
        if (auto parsed = parse(*block)) out.push_back(*parsed);
    }
    return out;
  }
};

/// A bridge between two configured, ready legs, with time that only tests move.
struct Rig {
  explicit Rig(bool video = true, BridgeOptions options = {}) : bridge(options, random, sink) {
    for (const LegIndex leg : {LegIndex{0}, LegIndex{1}}) {
      bridge.configure(leg, describe(leg, video));
      bridge.setReady(leg, true, now);
    }
  }

  void rtp(LegIndex from, const RtpSpec& spec) { rawRtp(from, bytesOf(spec)); }
  void rawRtp(LegIndex from, const Raw& raw) {
    slot.assign(64, 0);
    slot.insert(slot.end(), raw.begin(), raw.end());
    slot.resize(slot.size() + 64);
    bridge.onRtp(from, {slot, 64, raw.size()}, now);
  }
  void rtcp(LegIndex from, const std::function<void(proto::RtcpWriter&)>& write) {
    std::array<std::uint8_t, 1500> buffer;
    proto::RtcpWriter writer(buffer);
    write(writer);
    bridge.onRtcp(from, writer.written(), now, wall());
  }
  /// Moves time on, calling the timer when it is due.
  void pass(base::Micros by) {
    const base::Instant until = now + by;
    int calls = 0;
    while (bridge.nextTimer() <= until && ++calls < 10'000) {
      now = std::max(now, bridge.nextTimer());
      bridge.onTimer(now, wall());
    }
    timerCalls = calls;
    now = until;
  }
  base::WallTime wall() const {
    return base::WallTime(std::chrono::seconds(1'700'000'000)) +
           std::chrono::duration_cast<base::WallTime::duration>(now.time_since_epoch());
  }
  std::uint64_t drops(LegIndex leg, DropReason reason) const {
    return bridge.stats(leg, now).drops[static_cast<std::size_t>(reason)];
  }
  std::uint64_t allDrops(LegIndex leg) const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : bridge.stats(leg, now).drops) sum += count;
    return sum;
  }

  base::FakeRandom random{7};
  RecordingSink sink;
  MediaBridge bridge;
  Raw slot;
  base::Instant now = base::Instant{} + std::chrono::hours(1);
  int timerCalls = 0;
};

}  // namespace parley::rtc::testkit
