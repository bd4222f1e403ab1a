// The media of one call between its legs: rewrites RTP from one side into our own SSRC, sequence and time
// stamp space towards the other, answers and makes RTCP, retransmits, carries key frame requests across.
//
// Two legs at a time hear each other; a call may have more that wait (transfer, consultation). Legs 0 and 1
// are joined from the start.
//
// Engine: packets come decrypted, leave through BridgeSink to be encrypted; time comes in. One worker thread.
// No allocation for a packet that is only forwarded (stores are pooled per bridge and bounded).
// RFC 3550, 4585, 5104, 4588, 8285; transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-
// extensions-01) as receiver; REMB (draft-alvestrand-rmcat-remb-03) carried across.
//
// Bandwidth: a peer that sends gets transport-cc feedback about the way to us. Towards a peer that receives
// we stamp abs-send-time and no transport-wide number, so it answers with REMB about the way from us. Where
// that tells of congestion (receiver_capacity.h) it is carried to the sender, capped by options and b=AS, and
// the sender's reports show the worse of both losses. So each browser's rate rises to what the other can
// take.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "proto/packet.h"
#include "rtc/drop_reason.h"
#include "rtc/media_config.h"

namespace parley::rtc {

/// Position of a leg in its call, below kMaxLegs.
using LegIndex = std::size_t;
constexpr std::size_t kMaxLegs = 4;

class BridgeSink {
 public:
  virtual ~BridgeSink() = default;
  /// Encrypt and send to the leg's peer. `packet` may be changed and grown in place; it is valid until the
  /// batch is flushed when it came from onRtp's slot, else only during the call (`mustCopy`).
  /// `section` is the packet's: legs of plain RTP have a transport for each.
  virtual void sendRtp(LegIndex to, std::size_t section, proto::Packet packet, bool mustCopy) = 0;
  /// The packet is valid only during the call.
  virtual void sendRtcp(LegIndex to, std::size_t section, proto::Packet packet) = 0;
  /// A packet may be sent to this leg again just as it was. False with AES-GCM, where only RTX may answer a
  /// NACK.
  virtual bool mayRepeat(LegIndex) const { return true; }
  /// The peer of this leg should send a key frame and knows no RTCP to ask it with (a SIP device may know
  /// INFO, RFC 5168). At the pace of other requests.
  virtual void keyFrameWanted(LegIndex) {}
};

struct BridgeOptions {
  std::uint32_t maxVideoBitrate = 2'500'000;  ///< bit/s; caps REMB. 0 = none.
  std::size_t maxStoredPackets = 512;         ///< For retransmission, per video stream we send.
  std::size_t maxStoredBytes = 512 * 1024;    ///< Same; grows to it only as needed.
  base::Millis storeFor{600};
  base::Millis pliInterval{250};  ///< At most one key frame request to a sender per this.
  std::size_t maxSsrcsPerSection = 8;
};

struct StreamStats {  ///< One direction of one section of a leg.
  std::uint64_t packets = 0, bytes = 0;
  std::uint64_t lost = 0;  ///< Cumulative, as the receiving side counts.
  double jitterMs = 0;
  double fractionLost = 0;  ///< Last interval, 0…1.
  std::uint64_t nacks = 0, retransmitted = 0, plis = 0, firs = 0, keyFrames = 0;
  std::uint32_t bitrate = 0;  ///< bit/s over the last second.
  std::string codec;
};

struct SectionStats {
  std::size_t index = 0;
  MediaKind kind{};
  StreamStats fromPeer, toPeer;
};

struct LegStats {
  std::vector<SectionStats> sections;
  std::optional<double> rttMs;
  std::uint32_t remb = 0;  ///< Last estimate from the peer, bit/s.
  DropCounts drops{};
};

class MediaBridge {
 public:
  MediaBridge(BridgeOptions options, base::Random& random, BridgeSink& sink);
  ~MediaBridge();

  /// After each negotiation. Keeps our SSRC, sequence and time stamp space where the section stays; a new
  /// peer connection (dtlsGeneration changed) makes what the peer sends a new source, mapped on without a
  /// jump.
  void configure(LegIndex leg, const LegDescription& description);
  /// The transport can send (keys are there). False stops sending and asks nobody for anything.
  void setReady(LegIndex leg, bool ready, base::Instant now);
  void removeLeg(LegIndex leg, base::Instant now);  ///< Sends BYE if ready.

  /// From now on these two hear each other and no other leg; the peers that they had hear nobody.
  void join(LegIndex a, LegIndex b, base::Instant now);
  void part(LegIndex leg);    ///< Hears nobody.
  void forget(LegIndex leg);  ///< After removeLeg(): its place is for another leg now.
  std::optional<LegIndex> peerOf(LegIndex leg) const;
  /// Nothing is forwarded to or from this leg's peer while it is held.
  void setHeld(LegIndex leg, bool held);
  bool held(LegIndex leg) const;
  /// The peer of this leg hears a ringing tone instead of anybody, as far as it is a SIP device that takes
  /// G.711 (a page makes its own). Ends with part(), join() and removeLeg().
  void setRinging(LegIndex leg, bool ringing, base::Instant now);

  /// `section`: whose transport it came by, for legs that have one for each; else the packet tells.
  void onRtp(LegIndex from, proto::Packet packet, base::Instant now,
             std::optional<std::size_t> section = std::nullopt);
  void onRtcp(LegIndex from, base::Bytes packet, base::Instant now, base::WallTime wall);
  /// Reports, feedback, NACK retries. Call at nextTimer(); calling early or late is harmless.
  void onTimer(base::Instant now, base::WallTime wall);
  base::Instant nextTimer() const;

  LegStats stats(LegIndex leg, base::Instant now) const;
  /// For timelines: has the first RTP packet from / to this peer been seen?
  std::optional<base::Instant> firstPacketFrom(LegIndex leg, MediaKind kind) const;
  std::optional<base::Instant> firstPacketTo(LegIndex leg, MediaKind kind) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::rtc
