// Inside of MediaBridge: what it knows of each leg and section. Included by bridge*.cpp and their tests only.
//
// Direction of words: "in" is what a leg's peer sends us, "out" what we send it. A packet from leg A's
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
#include "rtc/bridge_codecs.h"
#include "rtc/bridge_demux.h"
#include "rtc/bridge_key_frames.h"
#include "rtc/bridge_mapper.h"
#include "rtc/bridge_nack.h"
#include "rtc/bridge_receive_stats.h"
#include "rtc/bridge_store.h"
#include "rtc/bridge_twcc.h"

namespace parley::rtc {

constexpr base::Micros kDefaultRtt{100'000};

/// Bits per second over about the last second: the running second and the one before, weighted.
class RateMeter {
 public:
  void add(std::size_t bytes, base::Instant now) {
    roll(now);
    current_ += bytes;
  }
  std::uint32_t bitsPerSecond(base::Instant now) const;

 private:
  void roll(base::Instant now) {
    if (now - since_ < std::chrono::seconds(1)) return;
    previous_ = now - since_ < std::chrono::seconds(2) ? current_ : 0;
    current_ = 0;
    since_ = now;
  }
  base::Instant since_{};
  std::uint64_t current_ = 0, previous_ = 0;
};

struct BridgeInbound {
  bool active = false;  ///< A source is known; `ssrc` is the one we forward.
  std::uint32_t ssrc = 0;
  std::optional<std::uint32_t> previousSsrc;
  base::Instant since{};
  ReceiveStats received;
  NackGenerator nack;
  KeyFrameRequester keyFrames;
  std::uint8_t codec = 0;
  std::uint8_t fractionLost = 0;  ///< Of 256, our link, last report.
  bool hasSr = false;             ///< The source's last sender report, and when it came.
  proto::RtcpSenderInfo sr;
  base::Instant srAt{};
  std::optional<std::uint32_t> keyFrameStamp;  ///< Of the last key frame: counted once.
  std::uint64_t packets = 0, bytes = 0, nacks = 0, recovered = 0, plis = 0, firs = 0, keyFrameCount = 0;
  std::int64_t lostBefore = 0;  ///< Of earlier sources.
  RateMeter rate;
  std::optional<base::Instant> firstAt;
};

struct BridgeOutbound {
  explicit BridgeOutbound(base::Random& random)
      : mapper(random), rtxSequence(static_cast<std::uint16_t>(random.u32() & 0x7fff)) {}
  StreamMapper mapper;
  RetransmissionStore store;
  std::uint16_t rtxSequence;
  std::uint8_t codec = 0;
  std::uint64_t packets = 0, bytes = 0, octets = 0;  ///< octets: payload only, for SR.
  std::uint64_t nacks = 0, retransmitted = 0, plis = 0, firs = 0, keyFrames = 0;
  RateMeter rate;
  std::optional<base::Instant> firstAt;
  base::Instant lastAt{};
  struct SentSr {
    std::uint32_t middle = 0;  ///< Of its NTP time: comes back as LSR.
    base::Instant at{};
  };
  std::array<SentSr, 4> sentSrs;
  std::size_t nextSr = 0;
  struct PeerReport {  ///< Last report block from the peer about us.
    std::uint8_t fractionLost = 0;
    std::int32_t lost = 0;
    std::uint32_t jitter = 0;
    base::Instant at{};
  };
  std::optional<PeerReport> report;
};

struct BridgeSection {
  explicit BridgeSection(base::Random& random) : out(random) {}
  std::size_t index = 0;
  MediaKind kind{};
  bool rejected = true, peerSends = false, peerReceives = false, reducedRtcp = false;
  std::string mid;
  ExtensionIds ids;
  proto::RtpExtensionWriter::Form form = proto::RtpExtensionWriter::Form::oneByte;
  std::uint32_t maxBitrate = 0;
  std::uint32_t ourSsrc = 0, ourRtxSsrc = 0;
  std::optional<std::uint32_t> signalledSsrc;  ///< First media SSRC of the peer's SDP.
  std::vector<BridgeCodec> codecs;
  PayloadRoutes routes{};
  BridgeInbound in;
  BridgeOutbound out;

  bool video() const { return kind == MediaKind::video; }
};

/// What a leg's header extension id means; the ids are one space per leg (RFC 8843 section 9.2).
enum class BridgeExtension : std::uint8_t {
  none,
  mid,
  transportCc,
  audioLevel,
  videoOrientation,
  playoutDelay,
};

struct BridgeLeg {
  bool present = false, ready = false;
  bool sendsTransportCc = false;  ///< The peer stamps numbers and wants feedback, this often:
  base::Millis twccInterval{100};
  unsigned dtlsGeneration = 0;
  std::string cname;
  std::vector<BridgeSection> sections;  ///< Ascending by index.
  std::array<BridgeExtension, 256> extensions{};
  SsrcTable ssrcs;
  TwccReceiver twcc;
  std::uint32_t twccSsrc = 0;
  std::optional<base::Micros> rtt;
  std::uint64_t remb = 0;  ///< The peer's last estimate of the way from us, 0 = none yet.
  base::Instant rembAt{};
  std::uint64_t rembSent = 0;  ///< The last we told the peer, 0 = none yet.
  base::Instant rembSentAt{};
  base::Instant reportDue = base::Instant::max();
  base::Instant twccDue = base::Instant::max();
  base::Instant rembDue = base::Instant::max();
  DropCounts drops{};

  BridgeSection* section(std::size_t index);
  base::Micros rttOr(base::Micros unknown) const { return rtt.value_or(unknown); }
};

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
  std::array<BridgeLeg, 2> legs;
  base::Instant timerAt = base::Instant::max();

  static LegIndex other(LegIndex leg) { return 1 - leg; }
  void arm(base::Instant at) { timerAt = std::min(timerAt, at); }
  void drop(BridgeLeg& leg, DropReason reason) { ++leg.drops[static_cast<std::size_t>(reason)]; }
  /// Would a packet of this section of `from` be sent on?
  bool deliverable(LegIndex from, std::size_t index);

  // bridge_configure.cpp
  void configure(LegIndex leg, const LegDescription& description);
  void setReady(LegIndex leg, bool ready, base::Instant now);
  void removeLeg(LegIndex leg);
  void rebuildRoutes();
  void wantKeyFrame(LegIndex sender, std::size_t index);

  // bridge_forward.cpp
  void onRtp(LegIndex from, proto::Packet packet, base::Instant now);
  void noteTransportCc(LegIndex from, std::uint16_t sequence, base::Instant now);
  SsrcEntry* demux(BridgeLeg& leg, BridgePacket& packet);
  std::optional<std::uint8_t> sectionOf(const BridgeLeg& leg, const BridgePacket& packet) const;
  bool enterSource(BridgeSection& section, BridgePacket& packet);
  void beginSource(LegIndex from, BridgeSection& section, std::uint32_t ssrc, base::Instant now);
  bool acceptMedia(BridgeSection& section, BridgePacket& packet);
  bool acceptRtx(BridgeSection& section, const SsrcEntry& entry, BridgePacket& packet);
  void lookForKeyFrame(BridgeSection& section, const BridgePacket& packet);
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
};

/// One RTCP datagram in the making, in a slot with room for SRTCP.
class BridgeRtcp {
 public:
  BridgeRtcp() : writer(base::MutableBytes(slot_).subspan(kHeadroom, kMaxSize)) {}
  /// What must precede feedback unless reduced size was agreed (RFC 5506): an empty RR and the CNAME.
  void begin(const BridgeLeg& leg, const BridgeSection& section);
  void send(BridgeSink& sink, LegIndex to);

 private:
  static constexpr std::size_t kHeadroom = 16, kMaxSize = 1200, kTailroom = 64;
  std::array<std::uint8_t, kHeadroom + kMaxSize + kTailroom> slot_;

 public:
  proto::RtcpWriter writer;
};

}  // namespace parley::rtc
