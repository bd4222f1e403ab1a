// What an offer/answer settled for one leg: the negotiator writes it, transport and bridge read it.
// Plain values. "Peer" is the browser (or phone) at the other end of this leg.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/strong_id.h"
#include "proto/address.h"
#include "rtc/srtp.h"

namespace parley::rtc {

using Ssrc = base::StrongId<struct SsrcTag, std::uint32_t>;
using PayloadType = base::StrongId<struct PayloadTypeTag, std::uint8_t>;
using LegId = base::StrongId<struct LegIdTag, std::string>;

enum class MediaKind { audio, video };
/// webrtc: ICE, DTLS-SRTP, BUNDLE, rtcp-mux. rtp: plain RTP or SDES on ports of its own (SIP side).
enum class LegKind { webrtc, rtp };
/// Of an rtp leg. sdesPreferred: SRTP if the peer takes it (RFC 8643), else plain RTP.
enum class RtpSecurity { none, sdes, sdesPreferred };

struct IceParameters {
  std::string ufrag;
  std::string pwd;
  friend bool operator==(const IceParameters&, const IceParameters&) = default;
};

enum class DtlsRole { client, server };

struct Fingerprint {
  std::string algorithm;  ///< "sha-256", lower case.
  std::string value;      ///< "AB:CD:…", upper case.
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

struct Codec {
  PayloadType payloadType;  ///< As numbered in this leg's SDP.
  std::string name;         ///< As registered: "opus", "VP8", "H264", "telephone-event".
  std::uint32_t clockRate = 0;
  std::uint32_t channels = 1;
  std::string fmtp;  ///< Raw parameters, "" if none.
  std::optional<PayloadType> rtx;
  /// What the peer sends it with, if that is another number (RFC 3264 section 6.1: an answer may renumber).
  std::optional<PayloadType> received;
  bool nack = false, nackPli = false, ccmFir = false, remb = false, transportCc = false;
};

/// RTP header extension ids (RFC 8285), 1…14 one-byte, up to 255 two-byte; 0 = not negotiated.
struct ExtensionIds {
  std::uint8_t mid = 0;
  std::uint8_t transportCc = 0;
  std::uint8_t absSendTime = 0;
  std::uint8_t audioLevel = 0;
  std::uint8_t videoOrientation = 0;
  std::uint8_t toffset = 0;
  std::uint8_t playoutDelay = 0;
};

/// Master key and salt of each direction, in that order (RFC 4568).
struct SdesKeys {
  SrtpProfile profile{};
  base::Secret ours, peers;
};

/// Where the peer of an rtp leg receives a section; port 0: nowhere (yet).
struct RtpPath {
  proto::TransportAddress remote, remoteRtcp;
  bool rtcpMux = false;
  std::optional<SdesKeys> keys;  ///< None: plain RTP.
};

/// One m-line that is in use. Sections of both legs of a call correspond by `index`.
struct MediaSection {
  std::size_t index = 0;  ///< The same on both legs, and the position in `sections`.
  std::string mid;
  MediaKind kind = MediaKind::audio;
  bool rejected = false;      ///< Port 0: no media either way.
  bool peerSends = false;     ///< The peer may send to us.
  bool peerReceives = false;  ///< We may send to the peer.
  std::vector<Codec> codecs;  ///< In the order of preference agreed; never empty unless rejected.
  ExtensionIds extensions;
  /// What the peer said it sends media with (a=ssrc; those of RTX are in peerRtx only); may be empty: then
  /// learn by mid extension, else by payload type.
  std::vector<Ssrc> peerSsrcs;
  std::map<Ssrc, Ssrc> peerRtx;  ///< RTX SSRC → its media SSRC.
  /// What we send with: fixed for the leg's life, whatever changes on the other side.
  Ssrc ourSsrc;
  Ssrc ourRtxSsrc;
  std::uint32_t maxBitrate = 0;  ///< bit/s to the peer from b=AS/TIAS; 0 = none.
  bool reducedRtcp = false;      ///< a=rtcp-rsize
  RtpPath rtp;                   ///< Legs of kind rtp only.
};

struct LegDescription {
  LegKind kind = LegKind::webrtc;
  IceParameters localIce, remoteIce;
  std::vector<Fingerprint> remoteFingerprints;
  DtlsRole ourDtlsRole = DtlsRole::server;
  /// Counts up when ICE restarted / when a new DTLS association must be made (new peer connection). Of an rtp
  /// leg the first counts the peer's descriptions.
  unsigned iceGeneration = 0, dtlsGeneration = 0;
  std::string cname;  ///< Ours towards the peer.
  std::vector<MediaSection> sections;
};

}  // namespace parley::rtc
