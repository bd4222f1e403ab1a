// A peer's offer or answer as the negotiator sees it: checked, reduced to what we understand.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/sdp.h"
#include "rtc/media_config.h"
#include "rtc/negotiator.h"
#include "rtc/negotiator_codecs.h"
#include "rtc/sdes.h"

namespace parley::rtc::negotiation {

/// As the writer of the SDP sees it.
struct Direction {
  bool send = false, receive = false;
  friend bool operator==(const Direction&, const Direction&) = default;
};
Direction directionOf(proto::SdpDirection direction);
proto::SdpDirection sdpOf(Direction direction);

struct RemoteLine {
  proto::SdpMedia text;  ///< As received.
  std::optional<MediaKind> kind;
  bool open = false;  ///< Audio or video over DTLS-SRTP, not rejected, with a codec that we let through.
  std::string mid;    ///< "" if none.
  Direction direction;
  std::vector<Codec> codecs;  ///< In the peer's order, RTX folded in. Offers: only what options allow.
  Extensions extensions;
  std::vector<Ssrc> ssrcs;  ///< Media only, at most kMaxSsrcs.
  std::map<Ssrc, Ssrc> rtx;
  std::uint32_t maxBitrate = 0;
  std::optional<std::uint32_t> ptime, maxptime;  ///< ms
  // Of rtp legs:
  RtpPath rtp;
  std::vector<SdesLine> cryptos;  ///< Those that we can use, in the peer's order.
  bool insecure = false;          ///< Closed because its security is not what the leg needs.
  bool holds = false;             ///< The peer wants nothing: by direction or by the address 0.0.0.0.
  static constexpr std::size_t kMaxSsrcs = 8;
};

struct RemoteSdp {
  std::string peerId;  ///< From o=: another one means another peer connection.
  std::vector<std::string> bundle;
  IceParameters ice;
  std::vector<Fingerprint> fingerprints;  ///< Sorted, of hash functions that are good enough.
  std::optional<proto::SdpSetup> setup;
  std::string tlsId;
  /// All that the peer uses, what we do not understand included. Of an rtp leg empty: see numbersOf().
  Numbers numbers;
  std::vector<RemoteLine> lines;
};

enum class SdpType { offer, answer };
/// Everything in the header of negotiator.h that needs no state is refused here.
base::Result<RemoteSdp> readRemote(std::string_view sdp, SdpType type, const NegotiatorOptions& options);
/// Of an rtp leg (negotiator_rtp.cpp).
base::Result<RemoteSdp> readRemoteRtp(std::string_view sdp, SdpType type, const NegotiatorOptions& options,
                                      RtpSecurity security);

// Shared by both.
base::Result<proto::SdpSession> readSession(std::string_view sdp, const NegotiatorOptions& options);
/// All codecs of the m-line, RTX and others still as entries of their own.
std::vector<Codec> readFormats(const proto::SdpMedia& media);
/// Kind, direction, codecs, bit rate, packet times and SSRCs; `open` if a codec is left.
void readMedia(const proto::SdpSession& session, const proto::SdpMedia& media, SdpType type,
               const NegotiatorOptions& options, RemoteLine& line);

}  // namespace parley::rtc::negotiation
