// Decides SDP for the legs of one call (design decision 4): takes each side's offers and answers, gives
// rewritten ones for the other side. RFC 3264, 8829 (JSEP), 8843 (BUNDLE), 8858, 5888, 4585, 5104, 4588.
//
// A value machine: no sockets, no clock. Errors carry a reason: sdp.malformed, sdp.too_large,
// sdp.no_common_codec, sdp.no_media, sdp.no_fingerprint, sdp.no_ice, sdp.bundle_required,
// sdp.mux_required, sdp.answer_mismatch, sdp.no_offer, sdp.glare, sdp.unknown_leg, sdp.too_many_sections;
// of rtp legs: sdp.security_required, sdp.bad_address, sdp.no_ports. After an error the state is what it was
// before the call.
//
// A leg of kind rtp speaks to a SIP device: RTP/AVP, AVPF, SAVP or SAVPF on ports of its own for each m-line,
// static payload types without rtpmap (RFC 3551), SDES keys (RFC 4568, RFC 8643), rtcp and rtcp-mux (RFC
// 3605, 5761), hold (RFC 3264 section 8.4). A browser's audio keeps its direction whatever the device does:
// the bridge carries a hold out. Events (RFC 4733) go with the clock of the audio codec.
//
// Nothing is transcoded: legs that are joined must end with the same codecs. renegotiate() says which leg
// needs an offer of ours for that.
//
// Sections are numbered for the call: what is neither audio nor video has no number, is answered with port 0
// and not offered on. Both legs list a section's codecs in the same order. What is between us and one peer
// (RTX, feedback, mid, transport-cc, abs-send-time) is agreed with each alone; other extensions only if both
// sides have them.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "proto/address.h"
#include "rtc/media_config.h"

namespace parley::rtc {

struct NegotiatorOptions {
  /// Names in order of preference; a codec not listed is not offered on. Compared without case.
  std::vector<std::string> audioCodecs{"opus", "G722", "PCMU", "PCMA", "telephone-event"};
  std::vector<std::string> videoCodecs{"VP8", "H264", "VP9", "AV1"};
  std::vector<std::string> bannedCodecs{"iLBC", "CN", "isac", "g7221", "MP4A-LATM"};
  std::uint32_t maxVideoBitrate = 2'500'000;  ///< bit/s, as b=AS/TIAS and REMB cap. 0 = none.
  std::size_t maxSdpBytes = 64 * 1024;
  std::size_t maxSections = 8;
  bool keepOffererOrder = true;  ///< The offerer's codec order wins over ours.
  /// Codecs by name that go first in offers to SIP devices / to browsers, best first; empty: the offerer's
  /// order.
  std::vector<std::string> sipOrder{}, webrtcOrder{};
  /// Most macroblocks (16×16) of a picture that a peer is told it may send (RFC 7741 max-fs); 0 = no limit.
  std::uint32_t maxFrameBlocks = 0;
};

/// What the broker brings to a leg.
struct LocalTransport {
  Fingerprint fingerprint;
  std::vector<proto::TransportAddress> candidates;  ///< Host candidates (advertised), best first.

  // Of rtp legs:
  RtpSecurity security = RtpSecurity::none;
  /// Our address for a section, in the peer's address family if it is known; nothing when no port is free.
  /// Asking again gives the same.
  std::function<std::optional<proto::TransportAddress>(std::size_t section, std::optional<bool> isV4)>
      address{};
};

class Negotiator {
 public:
  Negotiator(NegotiatorOptions options, base::Random& random);
  ~Negotiator();
  Negotiator(Negotiator&&) noexcept;

  void addLeg(const LegId& leg, LegKind kind, LocalTransport transport);
  void removeLeg(const LegId& leg);
  /// From now on these two hear each other and no other leg. Until the first join() or part(), the two legs
  /// of the last offer do.
  void join(const LegId& a, const LegId& b);
  void part(const LegId& leg);
  /// We hold the peer of this leg: offers of ours ask it to send nothing.
  void setHeld(const LegId& leg, bool held);

  /// `sdp` is an offer from `from`; the result is the offer for `to`. It stays pending until answer() or
  /// rollback(). Payload types and extension ids are kept where they are free on the other side. The same
  /// call again while it is pending gives the offer again, brought up to date after an answerLocally(to).
  base::Result<std::string> offer(const LegId& from, std::string_view sdp, const LegId& to);
  /// `sdp` is `from`'s answer to the pending offer it was given; the result is the answer for the offerer, ""
  /// if the offer was ours. With nothing pending, an rtp leg that answered before has changed its mind (183
  /// and 200, forking): taken for itself, "".
  base::Result<std::string> answer(const LegId& from, std::string_view sdp);
  /// Answers `from`'s offer here, telling the other side nothing: an ICE restart, a new peer connection
  /// after a reload (new DTLS), a change of direction. Codecs stay those that the other leg agreed to
  /// (peers that number them differently are mapped); sdp.no_common_codec if the new offer lacks them.
  /// sdp.glare while an offer of `from` itself is pending; an offer pending to `from` must be repeated.
  base::Result<std::string> answerLocally(const LegId& from, std::string_view sdp);
  /// An offer of ours to a leg, from what `towards` (nothing: the leg it is joined with) has settled: a new
  /// leg, an INVITE without offer, hold and resume, session refresh, another codec. Pending until answer() or
  /// rollbackTo().
  base::Result<std::string> makeOffer(const LegId& to, const std::optional<LegId>& towards);
  /// Forgets a pending offer (refused, timed out, the other side hung up).
  void rollback(const LegId& from);
  void rollbackTo(const LegId& to);
  bool pending() const;
  bool pending(const LegId& leg) const;  ///< It gave or was given an offer that is not answered.

  /// Joined legs whose settled codecs do not fit the other's: each needs makeOffer().
  std::vector<LegId> renegotiate() const;
  /// The peer's last description stops us from sending audio.
  bool peerHolds(const LegId& leg) const;

  /// What is settled; nullptr before. For the leg that was given an offer, description() also exists while
  /// the offer is pending, with localIce set and no sections in use, so that early ICE checks are answered.
  const LegDescription* description(const LegId& leg) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::rtc
