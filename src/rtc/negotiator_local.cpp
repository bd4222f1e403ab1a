#include "rtc/negotiator_local.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace parley::rtc::negotiation {
namespace {

using proto::SdpMedia;

struct HostAddress {
  std::string type, text;
};

HostAddress hostOf(const proto::TransportAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.isV4()) {
    ::inet_ntop(AF_INET, &address.ip[12], text.data(), text.size());
    return {"IP4", text.data()};
  }
  ::inet_ntop(AF_INET6, address.ip.data(), text.data(), text.size());
  return {"IP6", text.data()};
}

/// RFC 8445 section 5.1.2.1 with type preference 126 (host) and component 1: the earlier the better.
std::uint32_t priorityOf(std::size_t position) {
  const auto local = static_cast<std::uint32_t>(65535 - std::min<std::size_t>(position, 65535));
  return 126u << 24 | local << 8 | 255u;
}

std::vector<proto::SdpCandidate> candidatesOf(const LocalTransport& transport) {
  std::vector<proto::SdpCandidate> candidates;
  std::vector<std::string> addresses;  // One foundation for each address, whatever the port.
  for (std::size_t i = 0; i < transport.candidates.size(); ++i) {
    const auto host = hostOf(transport.candidates[i]);
    auto at = std::ranges::find(addresses, host.text);
    if (at == addresses.end()) at = addresses.insert(addresses.end(), host.text);
    proto::SdpCandidate candidate;
    candidate.foundation = std::to_string(at - addresses.begin() + 1);
    candidate.priority = priorityOf(i);
    candidate.address = host.text;
    candidate.port = transport.candidates[i].port;
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

/// The address stands at session level too: old devices look for it there only.
void writeRtp(const LocalLine& line, SdpMedia& media) {
  const auto host = hostOf(line.address);
  media.port = line.address.port;
  media.connections = {{host.type, host.text}};
  media.rtcpMux = line.rtcpMux;
  for (const SdesLine& crypto : line.cryptos) media.others.push_back({"crypto", writeSdes(crypto)});
}

/// The one place where the kind of a leg decides what its transport lines are. Every section carries them
/// all: a peer that rejects the first section of the group still finds them in the next.
void writeTransport(const LocalSdp& local, const LocalLine& line, LegKind kind,
                    const LocalTransport& transport, SdpMedia& media) {
  switch (kind) {
    case LegKind::webrtc:
      media.transport.iceUfrag = local.ice.ufrag;
      media.transport.icePwd = local.ice.pwd;
      media.transport.fingerprints = {{transport.fingerprint.algorithm, transport.fingerprint.value}};
      media.transport.setup = local.setup;
      media.transport.candidates = candidatesOf(transport);
      media.transport.endOfCandidates = true;
      media.rtcpMux = true;
      break;
    case LegKind::rtp:
      return writeRtp(line, media);
  }
  // JSEP section 5.2.1: the default candidate, or the discard port of nowhere.
  media.port = 9;
  media.connections.emplace_back();
  if (transport.candidates.empty()) return;
  const auto host = hostOf(transport.candidates.front());
  media.port = transport.candidates.front().port;
  media.connections.front() = {host.type, host.text};
}

void writeCodec(const Codec& codec, SdpMedia& media) {
  const auto number = codec.payloadType.value();
  media.formats.push_back(std::to_string(number));
  media.rtpmaps.push_back({number, codec.name, codec.clockRate, codec.channels});
  if (!codec.fmtp.empty()) media.fmtps.push_back({number, codec.fmtp});
  const auto feedback = [&](bool wanted, const char* value) {
    if (wanted) media.rtcpFbs.push_back({number, value});
  };
  feedback(codec.remb, "goog-remb");
  feedback(codec.transportCc, "transport-cc");
  feedback(codec.ccmFir, "ccm fir");
  feedback(codec.nack, "nack");
  feedback(codec.nackPli, "nack pli");
  if (!codec.rtx) return;
  const Codec rtx = rtxOf(*codec.rtx, codec);
  media.formats.push_back(std::to_string(rtx.payloadType.value()));
  media.rtpmaps.push_back({rtx.payloadType.value(), rtx.name, rtx.clockRate, 1});
  media.fmtps.push_back({rtx.payloadType.value(), rtx.fmtp});
}

void writeStreams(const LocalSdp& local, const LocalLine& line, SdpMedia& media) {
  if (!line.direction.send) return;
  media.msids.push_back({local.stream, line.track});
  const auto ssrc = [&](Ssrc value) { media.ssrcs.push_back({value.value(), {"cname", local.cname}}); };
  ssrc(line.ssrc);
  if (std::ranges::none_of(line.codecs, [](const Codec& c) { return c.rtx.has_value(); })) return;
  media.ssrcGroups.push_back({"FID", {line.ssrc.value(), line.rtxSsrc.value()}});
  ssrc(line.rtxSsrc);
}

/// RFC 7741 section 6.1 and RFC 6184 section 8.1 name the same parameter for what a receiver can take.
Codec limited(const Codec& codec, std::uint32_t maxFrameBlocks) {
  const bool knows = base::equalsIgnoreCase(codec.name, "VP8") || base::equalsIgnoreCase(codec.name, "H264");
  if (maxFrameBlocks == 0 || !knows || fmtpValue(codec.fmtp, "max-fs")) return codec;
  Codec out = codec;
  // H264's max-fs may only raise what the level says (RFC 6184 section 8.1): there the level is lowered.
  if (base::equalsIgnoreCase(codec.name, "H264")) {
    out.fmtp = withLevelFor(codec.fmtp, maxFrameBlocks);
  } else {
    out.fmtp += fmt::format("{}max-fs={}", out.fmtp.empty() ? "" : ";", maxFrameBlocks);
  }
  return out;
}

SdpMedia writeClosed(const LocalLine& line) {
  SdpMedia media;
  media.kind = line.kind;
  media.protocol = line.protocol;
  media.formats = line.formats;
  media.connections.emplace_back();
  if (!line.mid.empty()) media.mid = line.mid;
  media.direction = proto::SdpDirection::inactive;
  if (line.firstMap) media.rtpmaps.push_back(*line.firstMap);
  return media;
}

SdpMedia writeLine(const LocalSdp& local, const LocalLine& line, LegKind kind,
                   const LocalTransport& transport) {
  if (!line.open) return writeClosed(line);
  SdpMedia media;
  media.kind = line.kind;
  media.protocol = line.protocol;
  if (!line.mid.empty()) media.mid = line.mid;
  media.direction = sdpOf(line.direction);
  writeTransport(local, line, kind, transport, media);
  media.rtcpRsize = line.reducedRtcp;
  if (line.maxBitrate != 0) {
    media.bandwidths.push_back({"AS", (std::uint64_t{line.maxBitrate} + 999) / 1000});
    media.bandwidths.push_back({"TIAS", line.maxBitrate});
  }
  for (std::size_t e = 0; e < kExtensions; ++e) {
    const auto& use = line.extensions[e];
    if (use.id == 0) continue;
    proto::SdpExtmap extmap;
    extmap.id = use.id;
    if (use.direction != proto::SdpDirection::sendrecv) extmap.direction = use.direction;
    extmap.uri = uriOf(static_cast<Extension>(e));
    media.extmaps.push_back(std::move(extmap));
  }
  for (const auto& codec : line.codecs) writeCodec(limited(codec, local.maxFrameBlocks), media);
  if (line.ptime) media.others.push_back({"ptime", std::to_string(*line.ptime)});
  if (line.maxptime) media.others.push_back({"maxptime", std::to_string(*line.maxptime)});
  if (kind == LegKind::webrtc) writeStreams(local, line, media);
  return media;
}

}  // namespace

std::string writeLocal(const LocalSdp& local, LegKind kind, const LocalTransport& transport) {
  proto::SdpSession session;
  session.origin.sessionId = local.sessionId;
  session.origin.version = local.version;
  if (kind == LegKind::webrtc) {
    session.iceLite = true;
    session.transport.iceOptions = {"ice2"};
  } else if (const auto open = std::ranges::find_if(local.lines, &LocalLine::open);
             open != local.lines.end()) {
    const auto host = hostOf(open->address);
    session.origin.addressType = host.type;
    session.origin.address = host.text;
    session.connection = {host.type, host.text};
  }
  if (!local.bundle.empty()) session.groups.push_back({"BUNDLE", local.bundle});
  for (const auto& line : local.lines) session.media.push_back(writeLine(local, line, kind, transport));
  return proto::writeSdp(session);
}

}  // namespace parley::rtc::negotiation
