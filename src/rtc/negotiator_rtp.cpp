// Offers and answers of SIP devices: plain RTP or SDES-SRTP, a transport for each m-line.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "rtc/negotiator_plan.h"
#include "rtc/negotiator_remote.h"

namespace parley::rtc::negotiation {
namespace {

using proto::SdpMedia;
using proto::SdpSession;

constexpr std::size_t kMaxCryptos = 8;

bool isPlain(std::string_view protocol) { return protocol == "RTP/AVP" || protocol == "RTP/AVPF"; }
bool isSecure(std::string_view protocol) { return protocol == "RTP/SAVP" || protocol == "RTP/SAVPF"; }

std::optional<proto::TransportAddress> parseAddress(std::string_view type, std::string text) {
  proto::TransportAddress address;
  if (const auto slash = text.find('/'); slash != text.npos) text.resize(slash);  // A multicast TTL.
  if (type == "IP4") {
    address.ip[10] = address.ip[11] = 0xff;
    if (::inet_pton(AF_INET, text.c_str(), &address.ip[12]) != 1) return std::nullopt;
    return address;
  }
  if (type != "IP6" || ::inet_pton(AF_INET6, text.c_str(), address.ip.data()) != 1) return std::nullopt;
  return address;
}

/// 0.0.0.0 or ::, "send me nothing" of before RFC 3264.
bool isNowhere(const proto::TransportAddress& address) {
  const auto begin = address.ip.begin() + (address.isV4() ? 12 : 0);
  return std::all_of(begin, address.ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// RFC 3605: a=rtcp:<port> [IN IP4|IP6 <address>].
proto::TransportAddress readRtcp(const SdpMedia& media, const RtpPath& path) {
  proto::TransportAddress rtcp = path.remote;
  if (path.rtcpMux) return rtcp;
  rtcp.port = static_cast<std::uint16_t>(path.remote.port == 65535 ? 0 : path.remote.port + 1);
  for (const auto& attribute : media.others) {
    if (attribute.name != "rtcp" || !attribute.value) continue;
    const auto words = base::split(base::trim(*attribute.value), ' ');
    const auto port = base::parseNumber<std::uint16_t>(words[0]);
    if (!port || *port == 0) break;
    rtcp.port = *port;
    if (words.size() == 4)
      if (const auto address = parseAddress(words[2], std::string(words[3]))) rtcp.ip = address->ip;
    break;
  }
  return rtcp;
}

std::vector<SdesLine> readCryptos(const SdpMedia& media) {
  std::vector<SdesLine> cryptos;
  for (const auto& attribute : media.others) {
    if (attribute.name != "crypto" || !attribute.value || cryptos.size() >= kMaxCryptos) continue;
    if (auto line = parseSdes(*attribute.value)) cryptos.push_back(std::move(*line));
  }
  return cryptos;
}

/// Whether the line's security is what the leg is set to; leaves only keys that are to be used.
bool suits(RemoteLine& line, RtpSecurity security) {
  if (security == RtpSecurity::none) {
    line.cryptos.clear();
    return isPlain(line.text.protocol);
  }
  const bool keysNeeded = security == RtpSecurity::sdes || isSecure(line.text.protocol);
  return !line.cryptos.empty() || !keysNeeded;
}

/// False: an address that we cannot send to.
bool readPath(const SdpSession& session, RemoteLine& line) {
  const SdpMedia& media = line.text;
  std::optional<proto::SdpConnection> connection = session.connection;
  if (!media.connections.empty()) connection = media.connections.front();
  if (!connection) return false;
  const auto address = parseAddress(connection->addressType, connection->address);
  if (!address) return false;
  line.rtp.rtcpMux = media.rtcpMux;
  if (isNowhere(*address)) {
    line.direction.receive = false;
  } else {
    line.rtp.remote = *address;
    line.rtp.remote.port = media.port;
    line.rtp.remoteRtcp = readRtcp(media, line.rtp);
  }
  line.holds = !line.direction.receive;
  return true;
}

base::Result<RemoteLine> readLine(const SdpSession& session, const SdpMedia& media, SdpType type,
                                  const NegotiatorOptions& options, RtpSecurity security) {
  RemoteLine line;
  readMedia(session, media, type, options, line);
  const bool open = line.open && media.port != 0 && (isPlain(media.protocol) || isSecure(media.protocol));
  line.open = false;
  if (!open) return line;
  for (Codec& codec : line.codecs) {  // Repair by RTX is for browsers; feedback of others is not understood.
    codec.rtx.reset();
    codec.nack = codec.remb = codec.transportCc = false;
  }
  line.ssrcs.clear();  // A device changes them as it likes; each m-line has its port.
  line.rtx.clear();
  line.cryptos = readCryptos(media);
  if (!suits(line, security)) {
    line.insecure = true;
    return line;
  }
  if (!readPath(session, line))
    return base::fail("sdp.bad_address", "expected an IP address in the c= of each section that is in use");
  line.open = true;
  return line;
}

/// Our offers number the suites in their order (offeredKeys()); an answer takes one of them or none.
void checkKeys(RtpSecurity security, RemoteLine& answer) {
  const bool any = !answer.cryptos.empty();
  std::erase_if(answer.cryptos, [](const SdesLine& line) {
    return line.tag == 0 || line.tag > sdesProfiles().size() || sdesProfiles()[line.tag - 1] != line.profile;
  });
  if (!answer.cryptos.empty() || security == RtpSecurity::none) return;
  if (!any && answer.open) return;  // Plain, where that may be: see readRemoteRtp().
  answer.insecure |= any;
  answer.open = false;
}

}  // namespace

base::Result<RemoteSdp> readRemoteRtp(std::string_view sdp, SdpType type, const NegotiatorOptions& options,
                                      RtpSecurity security) {
  const auto session = readSession(sdp, options);
  if (!session) return std::unexpected(session.error());
  RemoteSdp remote;
  remote.peerId =
      fmt::format("{} {} {}", session->origin.user, session->origin.sessionId, session->origin.address);
  for (const auto& media : session->media) {
    auto line = readLine(*session, media, type, options, security);
    if (!line) return std::unexpected(line.error());
    // Alternatives of one thing (secure and not) and slides: the first counts.
    const auto same = [&](const RemoteLine& before) { return before.open && before.kind == line->kind; };
    if (type == SdpType::offer && std::ranges::any_of(remote.lines, same)) line->open = false;
    remote.lines.push_back(std::move(*line));
  }
  if (std::ranges::any_of(remote.lines, &RemoteLine::open)) return remote;
  if (std::ranges::any_of(remote.lines, &RemoteLine::insecure))
    return base::fail("sdp.security_required", security == RtpSecurity::none
                                                   ? "expected RTP/AVP: this leg takes plain RTP only"
                                                   : "expected a=crypto with a suite that is known here");
  const auto inUse = [](const RemoteLine& l) {
    return l.kind && l.text.port != 0 && (isPlain(l.text.protocol) || isSecure(l.text.protocol));
  };
  if (type == SdpType::offer && std::ranges::none_of(remote.lines, inUse))
    return base::fail("sdp.no_media", "expected an audio or video section over RTP that is in use");
  return base::fail("sdp.no_common_codec", "expected a codec that is allowed here, found none");
}

void adaptAnswer(const Pending& next, RemoteSdp& answer) {
  while (answer.lines.size() < next.offered.size()) {
    RemoteLine missing;
    const Line& line = next.toLeg.lines[answer.lines.size()];
    missing.text.kind = line.kind;
    missing.text.formats = line.formats;
    answer.lines.push_back(std::move(missing));
  }
  for (std::size_t q = 0; q < next.offered.size(); ++q) {
    std::vector<Codec> kept;
    for (Codec& codec : answer.lines[q].codecs) {
      const OfferedCodec* as = nullptr;
      for (const OfferedCodec& each : next.offered[q].codecs) {
        const bool same = base::equalsIgnoreCase(each.here.name, codec.name) &&
                          each.here.clockRate == codec.clockRate && each.here.channels == codec.channels;
        if (same && (as == nullptr || each.here.payloadType == codec.payloadType)) as = &each;
      }
      const auto isTaken = [&](const Codec& c) { return c.received == as->here.payloadType; };
      if (as == nullptr || std::ranges::any_of(kept, isTaken)) continue;
      codec.received = as->here.payloadType;
      kept.push_back(std::move(codec));
    }
    matchEventClocks(kept);
    checkKeys(next.toLeg.transport.security, answer.lines[q]);
    answer.lines[q].codecs = std::move(kept);
    answer.lines[q].open = answer.lines[q].open && hasMedia(answer.lines[q].codecs);
  }
}

}  // namespace parley::rtc::negotiation
