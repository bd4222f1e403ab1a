// Inside of MediaBridge: its steps. Included by bridge*.cpp only. A packet from leg A's
// section i goes: demux → source → receive statistics → (leg B, section i) mapper → header → store → sink.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "rtc/bridge.h"
#include "rtc/bridge_leg.h"

namespace parley::rtc {

constexpr base::Micros kDefaultRtt{100'000};

/// The header extensions of one packet that mean something to us.
struct BridgeCarried {
  std::optional<std::uint16_t> transportCc;
  base::Bytes mid, audioLevel, videoOrientation, playoutDelay;
};

/// A packet on its way through.
struct BridgePacket {
  LegIndex from = 0;
  proto::Packet packet;
  proto::RtpView view;
  BridgeCarried carried;
  PayloadRoute route;
  std::int64_t sequence = 0;  ///< Extended, of the media stream.
  std::size_t skip = 0;       ///< 2 for RTX.
  bool keyFrame = false;      ///< The first packet of one.
  base::Instant now;

  std::size_t payloadSize() const { return view.payloadSize - skip; }
  base::Bytes payload() const { return packet.data().subspan(view.headerSize + skip, payloadSize()); }
};

/// abs-send-time header extension: seconds as 6.18 fixed point, on any clock.
inline std::array<std::uint8_t, 3> absSendTime(base::Instant now) {
  const auto micros =
      static_cast<std::uint64_t>(std::chrono::duration_cast<base::Micros>(now.time_since_epoch()).count());
  const std::uint64_t time = (micros % 64'000'000 << 18) / 1'000'000;
  return {static_cast<std::uint8_t>(time >> 16), static_cast<std::uint8_t>(time >> 8),
          static_cast<std::uint8_t>(time)};
}

struct MediaBridge::State {
  State(BridgeOptions o, base::Random& r, BridgeSink& s) : options(o), random(r), sink(s) {}

  BridgeOptions options;
  base::Random& random;
  BridgeSink& sink;
  BridgeLegs legs;
  base::Instant timerAt = base::Instant::max();

  LegIndex other(LegIndex leg) const { return legs.peer(leg); }
  void arm(base::Instant at) { timerAt = std::min(timerAt, at); }
  void drop(BridgeLeg& leg, DropReason reason) { ++leg.drops[static_cast<std::size_t>(reason)]; }
  /// Would a packet of this section of `from` be sent on?
  bool deliverable(LegIndex from, std::size_t index);

  // bridge_configure.cpp
  void configure(LegIndex leg, const LegDescription& description);
  void setReady(LegIndex leg, bool ready, base::Instant now);
  void removeLeg(LegIndex leg);
  void join(LegIndex a, LegIndex b, base::Instant now);
  void part(LegIndex leg);
  void forget(LegIndex leg);
  void beginAnew(LegIndex a, LegIndex b);
  void setHeld(LegIndex leg, bool held);
  void rebuildRoutes();
  // bridge_tone.cpp
  void setRinging(LegIndex leg, bool ringing, base::Instant now);
  void sendTone(LegIndex leg, base::Instant now);
  void sendTonePacket(LegIndex leg, BridgeSection& section, base::Bytes samples, base::Instant now);
  void wantKeyFrame(LegIndex sender, std::size_t index);

  // bridge_forward.cpp
  void onRtp(LegIndex from, proto::Packet packet, base::Instant now, std::optional<std::size_t> section);
  void noteTransportCc(LegIndex from, std::uint16_t sequence, base::Instant now);
  SsrcEntry* demux(BridgeLeg& leg, BridgePacket& packet, std::optional<std::size_t> by);
  std::optional<std::uint8_t> sectionOf(const BridgeLeg& leg, const BridgePacket& packet) const;
  bool enterSource(BridgeSection& section, BridgePacket& packet);
  void beginSource(LegIndex from, BridgeSection& section, std::uint32_t ssrc, base::Instant now);
  void anotherSource(LegIndex from, std::size_t index);
  bool acceptMedia(BridgeSection& section, BridgePacket& packet);
  bool acceptRtx(BridgeSection& section, const SsrcEntry& entry, BridgePacket& packet);
  void lookForKeyFrame(BridgeSection& section, BridgePacket& packet);
  void forward(BridgeSection& section, BridgePacket& packet);
  void send(BridgeSection& target, BridgePacket& packet, StreamMapper::Out out);

  // bridge_rtcp.cpp
  void onRtcp(LegIndex from, base::Bytes packet, base::Instant now);
  bool onBlock(LegIndex from, const proto::RtcpBlock& block, base::Instant now);
  bool onReport(LegIndex from, const proto::RtcpBlock& block, base::Instant now);
  void onReportBlock(BridgeLeg& leg, BridgeSection& section, const proto::RtcpReportBlock& block,
                     base::Instant now);
  void onSenderInfo(LegIndex from, std::uint32_t ssrc, const proto::RtcpSenderInfo& info, base::Instant now);
  bool onTransportFeedback(LegIndex from, const proto::RtcpBlock& block, base::Instant now);
  bool onPayloadFeedback(LegIndex from, const proto::RtcpBlock& block, base::Instant now);
  void onNack(LegIndex from, const proto::RtcpNack& nack, base::Instant now);
  bool resend(LegIndex to, BridgeSection& section, std::uint16_t sequence, base::Instant now);
  void onKeyFrameRequest(LegIndex from, BridgeSection& section, base::Instant now);
  void onRemb(LegIndex from, std::uint64_t bitrate, base::Instant now);
  bool onBye(LegIndex from, const proto::RtcpBlock& block, base::Instant now);
  BridgeSection* sectionByOurSsrc(BridgeLeg& leg, std::uint32_t ssrc);
  RetransmissionStore::Limits storeLimits(const BridgeLeg& leg) const;

  // bridge_reports.cpp
  void onTimer(base::Instant now, base::WallTime wall);
  base::Instant earliest();
  void sendReports(LegIndex leg, base::Instant now, base::WallTime wall);
  void sendReport(LegIndex leg, std::span<BridgeSection> sections, base::Instant now, base::WallTime wall);
  std::optional<proto::RtcpSenderInfo> senderInfo(LegIndex leg, BridgeSection& section, base::Instant now,
                                                  base::WallTime wall);
  std::optional<proto::RtcpReportBlock> reportBlock(LegIndex leg, BridgeSection& section, base::Instant now);
  void sendTransportCc(LegIndex leg);
  void sendRemb(LegIndex leg, base::Instant now);
  std::uint64_t rembFor(LegIndex sender, base::Instant now);
  void sendNacks(LegIndex leg, BridgeSection& section, base::Instant now);
  std::optional<std::uint32_t> keyFrameSsrc(LegIndex leg, const BridgeSection& section);
  void askKeyFrame(LegIndex leg, BridgeSection& section, base::Instant now);
  void sendBye(LegIndex leg);
  void sendBye(LegIndex leg, std::span<const BridgeSection> sections);
};

/// One RTCP datagram in the making, in a slot with room for SRTCP.
class BridgeRtcp {
 public:
  BridgeRtcp() : writer(base::MutableBytes(slot_).subspan(kHeadroom, kMaxSize)) {}
  /// What must precede feedback unless reduced size was agreed (RFC 5506): an empty RR and the CNAME.
  void begin(const BridgeLeg& leg, const BridgeSection& section);
  void send(BridgeSink& sink, LegIndex to, std::size_t section);

 private:
  static constexpr std::size_t kHeadroom = 16, kMaxSize = 1200, kTailroom = 64;
  std::array<std::uint8_t, kHeadroom + kMaxSize + kTailroom> slot_;

 public:
  proto::RtcpWriter writer;
};

}  // namespace parley::rtc
