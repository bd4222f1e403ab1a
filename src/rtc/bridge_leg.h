// Inside of MediaBridge: what it knows of each leg and section, as plain data. Used by bridge*.cpp only.
// Direction of words: "in" is what a leg's peer sends us, "out" what we send it.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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
#include "rtc/drop_reason.h"
#include "rtc/media_config.h"
#include "rtc/receiver_capacity.h"

namespace parley::rtc {

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

/// The ringing tone for a leg that waits.
struct BridgeTone {
  bool on = false;
  std::uint64_t packets = 0;
  base::Instant due = base::Instant::max();
};

struct BridgeLeg {
  bool present = false, ready = false;
  bool held = false;              ///< Nothing is forwarded to or from the peer.
  bool bundled = true;            ///< All sections share a transport; else each has its own (plain RTP).
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
  std::uint64_t remb = 0;      ///< The peer's last estimate of the way from us, 0 = none yet.
  ReceiverCapacity capacity;   ///< What binds of the estimates.
  std::uint64_t rembSent = 0;  ///< The last we told the peer, 0 = none yet.
  base::Instant rembSentAt{};
  base::Instant reportDue = base::Instant::max();
  base::Instant twccDue = base::Instant::max();
  base::Instant rembDue = base::Instant::max();
  BridgeTone tone;
  DropCounts drops{};

  bool waits() const { return held || tone.on; }
  BridgeSection* section(std::size_t index);
  const BridgeSection* section(std::size_t index) const {
    return const_cast<BridgeLeg*>(this)->section(index);
  }
  base::Micros rttOr(base::Micros unknown) const { return rtt.value_or(unknown); }
};

/// The legs of a call. A place that nobody took reads as a leg that is not present.
class BridgeLegs {
 public:
  static constexpr LegIndex kNobody = kMaxLegs;

  static constexpr std::size_t size() { return kMaxLegs; }
  BridgeLeg& operator[](LegIndex i) { return i < kMaxLegs && legs_[i] ? *legs_[i] : nobody_; }
  const BridgeLeg& operator[](LegIndex i) const { return i < kMaxLegs && legs_[i] ? *legs_[i] : nobody_; }
  /// Takes the place, below kMaxLegs.
  BridgeLeg& take(LegIndex i) {
    if (!legs_[i]) legs_[i] = std::make_unique<BridgeLeg>();
    return *legs_[i];
  }
  void leave(LegIndex i) { legs_[i].reset(); }
  LegIndex peer(LegIndex i) const { return i < kMaxLegs ? peers_[i] : kNobody; }
  void setPeers(LegIndex a, LegIndex b) {
    peers_[a] = b;
    if (b != kNobody) peers_[b] = a;
  }

 private:
  std::array<std::unique_ptr<BridgeLeg>, kMaxLegs> legs_;
  std::array<LegIndex, kMaxLegs> peers_{1, 0, kNobody, kNobody};
  BridgeLeg nobody_;  ///< Never present, has no sections.
};

}  // namespace parley::rtc
