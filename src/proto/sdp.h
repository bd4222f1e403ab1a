// Session descriptions (RFC 8866) with the attributes of WebRTC (RFC 8829 section 5 and appendix) as plain
// structs: parsed once at the door or refused, written back byte for byte the same way each time.
//
// Lines and attributes that have no field are kept in `others`, in their order. Values hold no control
// characters. Not kept: the order between attributes of different kinds.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::proto {

enum class SdpDirection { sendrecv, sendonly, recvonly, inactive };
enum class SdpSetup { active, passive, actpass, holdconn };  ///< RFC 4145, RFC 8842.

struct SdpOrigin {  ///< o=
  std::string user = "-";
  std::uint64_t sessionId = 0, version = 0;
  std::string addressType = "IP4", address = "0.0.0.0";
  friend bool operator==(const SdpOrigin&, const SdpOrigin&) = default;
};

struct SdpConnection {  ///< c=
  std::string addressType = "IP4", address = "0.0.0.0";
  friend bool operator==(const SdpConnection&, const SdpConnection&) = default;
};

struct SdpBandwidth {  ///< b=; AS and CT in kbit/s, TIAS in bit/s.
  std::string type;
  std::uint64_t value = 0;
  friend bool operator==(const SdpBandwidth&, const SdpBandwidth&) = default;
};

struct SdpAttribute {  ///< a=name or a=name:value
  std::string name;
  std::optional<std::string> value;
  friend bool operator==(const SdpAttribute&, const SdpAttribute&) = default;
};

struct SdpRtpmap {
  std::uint8_t payloadType = 0;  ///< 0…127
  std::string name;
  std::uint32_t clockRate = 0;
  std::uint32_t channels = 1;
  friend bool operator==(const SdpRtpmap&, const SdpRtpmap&) = default;
};

struct SdpFmtp {
  std::uint8_t payloadType = 0;
  std::string parameters;
  friend bool operator==(const SdpFmtp&, const SdpFmtp&) = default;
};

struct SdpRtcpFb {                          ///< RFC 4585 section 4.2
  std::optional<std::uint8_t> payloadType;  ///< Nothing: "*", all of the section.
  std::string value;                        ///< "nack pli"
  friend bool operator==(const SdpRtcpFb&, const SdpRtcpFb&) = default;
};

struct SdpExtmap {       ///< RFC 8285 section 5
  std::uint16_t id = 0;  ///< 1…255, or 4096…4351 where an offer has too many.
  std::optional<SdpDirection> direction;
  std::string uri;
  std::string attributes;  ///< What follows the URI, "" if nothing.
  friend bool operator==(const SdpExtmap&, const SdpExtmap&) = default;
};

struct SdpSsrc {  ///< RFC 5576: a=ssrc:<ssrc> <attribute>
  std::uint32_t ssrc = 0;
  SdpAttribute attribute;
  friend bool operator==(const SdpSsrc&, const SdpSsrc&) = default;
};

struct SdpSsrcGroup {
  std::string semantics;  ///< "FID", "SIM", "FEC-FR"
  std::vector<std::uint32_t> ssrcs;
  friend bool operator==(const SdpSsrcGroup&, const SdpSsrcGroup&) = default;
};

struct SdpGroup {  ///< RFC 5888, RFC 9143
  std::string semantics;
  std::vector<std::string> mids;
  friend bool operator==(const SdpGroup&, const SdpGroup&) = default;
};

struct SdpFingerprint {   ///< RFC 8122
  std::string algorithm;  ///< Lower case.
  std::string value;      ///< "AB:CD:…", upper case; the length fits the algorithm if that is known.
  friend bool operator==(const SdpFingerprint&, const SdpFingerprint&) = default;
};

struct SdpCandidate {  ///< RFC 8839 section 5.1
  std::string foundation;
  std::uint16_t component = 1;  ///< 1…256
  std::string transport = "udp";
  std::uint32_t priority = 0;
  std::string address;  ///< IPv4, IPv6 or a name (mDNS); not checked further.
  std::uint16_t port = 0;
  std::string type = "host";
  std::string extensions;  ///< "raddr …", "generation 0", "" if nothing.
  friend bool operator==(const SdpCandidate&, const SdpCandidate&) = default;
};

struct SdpMsid {  ///< RFC 8830
  std::string stream, track;
  friend bool operator==(const SdpMsid&, const SdpMsid&) = default;
};

/// What may stand at session level for all sections, or in a section.
struct SdpTransport {
  std::optional<std::string> iceUfrag, icePwd;  ///< 4…256 and 22…256 ice-chars.
  std::vector<std::string> iceOptions;
  std::vector<SdpFingerprint> fingerprints;
  std::optional<SdpSetup> setup;
  std::optional<std::string> tlsId;  ///< RFC 8842
  std::vector<SdpCandidate> candidates;
  bool endOfCandidates = false;
  friend bool operator==(const SdpTransport&, const SdpTransport&) = default;
};

struct SdpMedia {
  std::string kind;  ///< "audio", "video", "application" …
  std::uint16_t port = 0;
  std::uint16_t portCount = 1;
  std::string protocol;              ///< "UDP/TLS/RTP/SAVPF"
  std::vector<std::string> formats;  ///< At least one. Payload types for RTP.
  std::string title;                 ///< i=
  std::vector<SdpConnection> connections;
  std::vector<SdpBandwidth> bandwidths;

  std::optional<std::string> mid;
  std::optional<SdpDirection> direction;
  SdpTransport transport;
  bool rtcpMux = false, rtcpRsize = false, bundleOnly = false;
  std::vector<SdpRtpmap> rtpmaps;
  std::vector<SdpFmtp> fmtps;
  std::vector<SdpRtcpFb> rtcpFbs;
  std::vector<SdpExtmap> extmaps;
  std::vector<SdpMsid> msids;
  std::vector<SdpSsrcGroup> ssrcGroups;
  std::vector<SdpSsrc> ssrcs;
  std::vector<SdpAttribute> others;

  bool isRtp() const { return protocol.find("RTP/") != std::string::npos; }
  friend bool operator==(const SdpMedia&, const SdpMedia&) = default;
};

struct SdpSession {
  SdpOrigin origin;
  std::string name = "-";                 ///< s=
  std::vector<std::string> times{"0 0"};  ///< t=, at least one.
  std::vector<std::string> otherLines;    ///< i= u= e= p= r= z=, whole lines. k= is not kept.
  std::optional<SdpConnection> connection;
  std::vector<SdpBandwidth> bandwidths;

  bool iceLite = false;
  std::vector<SdpGroup> groups;
  std::optional<SdpDirection> direction;
  SdpTransport transport;
  std::vector<SdpExtmap> extmaps;
  std::vector<SdpAttribute> others;
  std::vector<SdpMedia> media;
  friend bool operator==(const SdpSession&, const SdpSession&) = default;
};

struct SdpLimits {
  std::size_t maxBytes = 64 * 1024;
  std::size_t maxLineBytes = 4096;
  std::size_t maxLinesPerSection = 512;  ///< Bounds every list of a section and of the session level.
  std::size_t maxMedia = 32;
  std::size_t maxFormats = 128;  ///< Of an m-line; also words of a=group, a=ssrc-group, a=ice-options.
};

/// Lines end in CRLF or LF. Errors: sdp.too_large (a limit), sdp.malformed; the text names the line number
/// and what was expected there, and repeats nothing of the input (it may hold a password).
base::Result<SdpSession> parseSdp(std::string_view text, const SdpLimits& limits = {});

/// CRLF after each line. parseSdp(writeSdp(x)) == x for all that parseSdp gives.
std::string writeSdp(const SdpSession& session);

std::string_view toString(SdpDirection direction);
std::string_view toString(SdpSetup setup);

}  // namespace parley::proto
