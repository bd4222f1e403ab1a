#include "rtc/negotiator_remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/text.h"

namespace parley::rtc::negotiation {
namespace {

using base::equalsIgnoreCase;
using proto::SdpMedia;
using proto::SdpSession;

/// RFC 3551 table 4, as far as somebody could leave out the rtpmap.
std::optional<Codec> staticCodec(std::uint8_t number) {
  Codec codec;
  codec.payloadType = PayloadType{number};
  codec.clockRate = 8000;
  switch (number) {
    case 0:
      codec.name = "PCMU";
      return codec;
    case 3:
      codec.name = "GSM";
      return codec;
    case 8:
      codec.name = "PCMA";
      return codec;
    case 9:
      codec.name = "G722";
      return codec;
    case 18:
      codec.name = "G729";
      return codec;
    default:
      return std::nullopt;
  }
}

bool isProtocolKnown(std::string_view protocol) {
  // RFC 8829 section 5.1.2: what a WebRTC peer may write there.
  return protocol == "UDP/TLS/RTP/SAVPF" || protocol == "UDP/TLS/RTP/SAVP" || protocol == "RTP/SAVPF" ||
         protocol == "RTP/SAVP" || protocol == "TCP/DTLS/RTP/SAVPF";
}

std::optional<MediaKind> kindOf(const SdpMedia& media) {
  if (media.kind == "audio") return MediaKind::audio;
  if (media.kind == "video") return MediaKind::video;
  return std::nullopt;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const auto& n) { return equalsIgnoreCase(n, name); });
}

/// Repair and redundancy formats that the bridge cannot carry, whatever the options say.
bool isRepair(std::string_view name) {
  return equalsIgnoreCase(name, "rtx") || equalsIgnoreCase(name, "red") || equalsIgnoreCase(name, "ulpfec") ||
         equalsIgnoreCase(name, "flexfec") || equalsIgnoreCase(name, "flexfec-03");
}

const std::vector<std::string>& listOf(const NegotiatorOptions& options, MediaKind kind) {
  return kind == MediaKind::audio ? options.audioCodecs : options.videoCodecs;
}

bool isAllowed(const Codec& codec, MediaKind kind, const NegotiatorOptions& options) {
  return !isRepair(codec.name) && contains(listOf(options, kind), codec.name) &&
         !contains(options.bannedCodecs, codec.name);
}

void readFeedback(const SdpMedia& media, Codec& codec) {
  for (const auto& fb : media.rtcpFbs) {
    if (fb.payloadType && *fb.payloadType != codec.payloadType.value()) continue;
    const auto value = base::trim(fb.value);
    codec.nack |= value == "nack";
    codec.nackPli |= value == "nack pli";
    codec.ccmFir |= value == "ccm fir" || value.starts_with("ccm fir ");
    codec.remb |= value == "goog-remb";
    codec.transportCc |= value == "transport-cc";
  }
}

/// Takes the RTX formats out of `all` and gives each codec its own.
std::vector<Codec> foldRtx(const std::vector<Codec>& all) {
  std::vector<Codec> codecs;
  for (Codec codec : all) {
    if (equalsIgnoreCase(codec.name, "rtx")) continue;
    const auto rtx = std::ranges::find_if(all, [&](const Codec& c) {
      return equalsIgnoreCase(c.name, "rtx") && c.clockRate == codec.clockRate &&
             fmtpValue(c.fmtp, "apt") == std::to_string(codec.payloadType.value());
    });
    if (rtx != all.end()) codec.rtx = rtx->payloadType;
    codecs.push_back(std::move(codec));
  }
  return codecs;
}

void sortByOurPreference(std::vector<Codec>& codecs, const std::vector<std::string>& order) {
  const auto rank = [&](const Codec& codec) {
    return std::ranges::find_if(order, [&](const auto& n) { return equalsIgnoreCase(n, codec.name); }) -
           order.begin();
  };
  std::ranges::stable_sort(codecs, {}, rank);
}

void readExtensions(const std::vector<proto::SdpExtmap>& extmaps, RemoteLine& line, Numbers& numbers) {
  for (const auto& extmap : extmaps) {
    if (extmap.id > 255) continue;
    const auto id = static_cast<std::uint8_t>(extmap.id);
    numbers.extensions[id] = extmap.uri;
    // Larger ids need two-byte headers, which peers mix only if told to: left out.
    if (id > 14) continue;
    for (std::size_t e = 0; e < kExtensions; ++e)
      if (line.extensions[e].id == 0 && extmap.uri == uriOf(static_cast<Extension>(e)))
        line.extensions[e] = {id, extmap.direction.value_or(proto::SdpDirection::sendrecv)};
  }
}

void readSsrcs(const SdpMedia& media, RemoteLine& line) {
  std::set<Ssrc> repair;
  for (const auto& group : media.ssrcGroups) {
    const bool isRtx = group.semantics == "FID";
    if (group.ssrcs.size() != 2 || (!isRtx && group.semantics != "FEC-FR")) continue;
    const Ssrc original{group.ssrcs[0]};
    const Ssrc second{group.ssrcs[1]};
    if (original == second || repair.size() >= 2 * RemoteLine::kMaxSsrcs) continue;
    repair.insert(second);
    if (isRtx && line.rtx.size() < RemoteLine::kMaxSsrcs) line.rtx.emplace(second, original);
  }
  for (const auto& s : media.ssrcs) {
    const Ssrc ssrc{s.ssrc};
    if (repair.contains(ssrc) || std::ranges::find(line.ssrcs, ssrc) != line.ssrcs.end()) continue;
    if (line.ssrcs.size() < RemoteLine::kMaxSsrcs) line.ssrcs.push_back(ssrc);
  }
}

std::uint32_t readBitrate(const SdpMedia& media) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t as = 0;
  for (const auto& b : media.bandwidths) {
    if (b.type == "TIAS") return static_cast<std::uint32_t>(std::min(b.value, kMax));
    if (b.type == "AS") as = std::min(b.value, kMax / 1000) * 1000;
  }
  return static_cast<std::uint32_t>(as);
}

/// a=ptime, a=maxptime (RFC 8866 sections 6.4, 6.5).
std::optional<std::uint32_t> readMillis(const SdpMedia& media, std::string_view name) {
  for (const auto& attribute : media.others) {
    if (attribute.name != name || !attribute.value) continue;
    const auto value = base::parseNumber<std::uint32_t>(base::trim(*attribute.value));
    if (value && *value >= 1 && *value <= 1000) return value;
  }
  return std::nullopt;
}

RemoteLine readLine(const SdpSession& session, const SdpMedia& media, SdpType type,
                    const NegotiatorOptions& options, Numbers& numbers) {
  RemoteLine line;
  readMedia(session, media, type, options, line);
  // RFC 9143 section 6: port 0 with bundle-only is no rejection, but only in an offer.
  const bool rejected = media.port == 0 && !(type == SdpType::offer && media.bundleOnly);
  const bool usable = !rejected && line.kind && isProtocolKnown(media.protocol);
  if (!usable) {  // Nothing of it means anything.
    RemoteLine closed;
    closed.text = media;
    closed.kind = line.kind;
    closed.mid = line.mid;
    closed.direction = line.direction;
    return closed;
  }
  for (const auto& codec : readFormats(media)) numbers.codecs.try_emplace(codec.payloadType, codec);
  readExtensions(session.extmaps, line, numbers);
  readExtensions(media.extmaps, line, numbers);
  return line;
}

/// In a BUNDLE one number is one codec (RFC 9143 section 9.1).
bool numbersAgree(const RemoteLine& line, const Numbers& numbers) {
  return std::ranges::all_of(readFormats(line.text), [&](const Codec& c) {
    const auto known = numbers.codecs.find(c.payloadType);
    return known == numbers.codecs.end() || sameCodec(known->second, c);
  });
}

base::Result<void> checkMids(const RemoteSdp& remote) {
  std::set<std::string> seen;
  for (const auto& line : remote.lines)
    if (!line.mid.empty() && !seen.insert(line.mid).second)
      return base::fail("sdp.malformed", "expected a different a=mid in each section");
  return {};
}

base::Result<void> checkSections(const RemoteSdp& remote, SdpType type) {
  const auto isMedia = [](const RemoteLine& l) {
    return l.kind && (l.text.port != 0 || l.text.bundleOnly) && isProtocolKnown(l.text.protocol);
  };
  const auto open = std::ranges::count_if(remote.lines, &RemoteLine::open);
  if (open == 0 && type == SdpType::offer && std::ranges::none_of(remote.lines, isMedia))
    return base::fail("sdp.no_media", "expected an audio or video section over DTLS-SRTP that is in use");
  if (open == 0)
    return base::fail("sdp.no_common_codec", "expected a codec that is allowed here, found none");
  for (const auto& line : remote.lines) {
    if (!line.open) continue;
    if (!line.text.rtcpMux)
      return base::fail("sdp.mux_required", "expected a=rtcp-mux in each audio and video section");
    if (open > 1 && (line.mid.empty() || std::ranges::find(remote.bundle, line.mid) == remote.bundle.end()))
      return base::fail("sdp.bundle_required", "expected all audio and video sections in one a=group:BUNDLE");
    if (!numbersAgree(line, remote.numbers))
      return base::fail("sdp.malformed", "expected each payload type to name one codec in all sections");
  }
  return {};
}

/// The section whose transport all share: the first of the group that is in use (RFC 9143 section 7.2).
const RemoteLine& taggedLine(const RemoteSdp& remote) {
  for (const auto& mid : remote.bundle)
    for (const auto& line : remote.lines)
      if (line.open && line.mid == mid) return line;
  return *std::ranges::find_if(remote.lines, &RemoteLine::open);
}

base::Result<void> readTransport(const SdpSession& session, RemoteSdp& remote) {
  const auto& own = taggedLine(remote).text.transport;
  const auto& common = session.transport;
  const auto ufrag = own.iceUfrag ? own.iceUfrag : common.iceUfrag;
  const auto pwd = own.icePwd ? own.icePwd : common.icePwd;
  if (!ufrag || !pwd) return base::fail("sdp.no_ice", "expected a=ice-ufrag and a=ice-pwd");
  if (session.iceLite)
    return base::fail("sdp.no_ice", "expected a full ICE agent, found a=ice-lite: nobody would check");
  remote.ice = {*ufrag, *pwd};
  for (const auto& f : own.fingerprints.empty() ? common.fingerprints : own.fingerprints)
    if (f.algorithm == "sha-256" || f.algorithm == "sha-384" || f.algorithm == "sha-512")
      remote.fingerprints.push_back({f.algorithm, f.value});
  if (remote.fingerprints.empty())
    return base::fail("sdp.no_fingerprint", "expected a=fingerprint with sha-256, sha-384 or sha-512");
  if (remote.fingerprints.size() > 8) return base::fail("sdp.too_large", "expected at most 8 fingerprints");
  std::ranges::sort(remote.fingerprints, {},
                    [](const Fingerprint& f) { return std::tie(f.algorithm, f.value); });
  remote.setup = own.setup ? own.setup : common.setup;
  if (remote.setup == proto::SdpSetup::holdconn)
    return base::fail("sdp.malformed", "expected a=setup:actpass, active or passive, found holdconn");
  remote.tlsId = own.tlsId ? *own.tlsId : common.tlsId.value_or("");
  return {};
}

}  // namespace

Direction directionOf(proto::SdpDirection d) {
  return {d == proto::SdpDirection::sendrecv || d == proto::SdpDirection::sendonly,
          d == proto::SdpDirection::sendrecv || d == proto::SdpDirection::recvonly};
}

proto::SdpDirection sdpOf(Direction d) {
  if (d.send) return d.receive ? proto::SdpDirection::sendrecv : proto::SdpDirection::sendonly;
  return d.receive ? proto::SdpDirection::recvonly : proto::SdpDirection::inactive;
}

std::vector<Codec> readFormats(const SdpMedia& media) {
  std::vector<Codec> codecs;
  for (const auto& format : media.formats) {
    const auto number = base::parseNumber<std::uint8_t>(format);
    if (!number) continue;
    const auto map = std::ranges::find(media.rtpmaps, *number, &proto::SdpRtpmap::payloadType);
    Codec codec;
    if (map != media.rtpmaps.end()) {
      codec.payloadType = PayloadType{*number};
      codec.name = map->name;
      codec.clockRate = map->clockRate;
      codec.channels = map->channels;
    } else if (const auto known = staticCodec(*number)) {
      codec = *known;
    } else {
      continue;
    }
    const auto fmtp = std::ranges::find(media.fmtps, *number, &proto::SdpFmtp::payloadType);
    if (fmtp != media.fmtps.end()) codec.fmtp = fmtp->parameters;
    readFeedback(media, codec);
    codecs.push_back(std::move(codec));
  }
  return codecs;
}

base::Result<SdpSession> readSession(std::string_view sdp, const NegotiatorOptions& options) {
  proto::SdpLimits limits;
  limits.maxBytes = options.maxSdpBytes;
  auto session = proto::parseSdp(sdp, limits);
  if (session && session->media.size() > options.maxSections)
    return base::fail("sdp.too_many_sections", fmt::format("expected at most {} sections, found {}",
                                                           options.maxSections, session->media.size()));
  return session;
}

void readMedia(const SdpSession& session, const SdpMedia& media, SdpType type,
               const NegotiatorOptions& options, RemoteLine& line) {
  line.text = media;
  line.kind = kindOf(media);
  line.mid = media.mid.value_or("");
  line.direction =
      directionOf(media.direction.value_or(session.direction.value_or(proto::SdpDirection::sendrecv)));
  if (!line.kind) return;
  line.codecs = foldRtx(readFormats(media));
  if (type == SdpType::offer) {
    std::erase_if(line.codecs, [&](const Codec& c) { return !isAllowed(c, *line.kind, options); });
    if (!options.keepOffererOrder) sortByOurPreference(line.codecs, listOf(options, *line.kind));
  }
  readSsrcs(media, line);
  line.maxBitrate = readBitrate(media);
  line.ptime = readMillis(media, "ptime");
  line.maxptime = readMillis(media, "maxptime");
  line.open = hasMedia(line.codecs);
}

base::Result<RemoteSdp> readRemote(std::string_view sdp, SdpType type, const NegotiatorOptions& options) {
  auto session = readSession(sdp, options);
  if (!session) return std::unexpected(session.error());
  RemoteSdp remote;
  remote.peerId = fmt::format("{} {}", session->origin.user, session->origin.sessionId);
  for (const auto& group : session->groups)
    if (group.semantics == "BUNDLE" && remote.bundle.empty()) remote.bundle = group.mids;
  for (const auto& media : session->media)
    remote.lines.push_back(readLine(*session, media, type, options, remote.numbers));
  if (auto done = checkMids(remote); !done) return std::unexpected(done.error());
  if (auto done = checkSections(remote, type); !done) return std::unexpected(done.error());
  if (auto done = readTransport(*session, remote); !done) return std::unexpected(done.error());
  return remote;
}

}  // namespace parley::rtc::negotiation
