#include "rtc/negotiator_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/text.h"

namespace parley::rtc::negotiation {
namespace {

bool hasSsrc(const Leg& leg, Ssrc ssrc) {
  if (!leg.description) return false;
  return std::ranges::any_of(leg.description->sections, [&](const MediaSection& s) {
    return std::ranges::find(s.peerSsrcs, ssrc) != s.peerSsrcs.end() || s.peerRtx.contains(ssrc);
  });
}

Ssrc newSsrc(const Leg& leg, base::Random& random) {
  for (;;) {
    const Ssrc ssrc{random.u32()};
    const bool used = std::ranges::any_of(
        leg.local.ssrcs, [&](const auto& s) { return s.second.media == ssrc || s.second.rtx == ssrc; });
    if (ssrc.value() != 0 && !used && !hasSsrc(leg, ssrc)) return ssrc;
  }
}

bool sameFingerprints(const Leg& leg, const RemoteSdp& remote) {
  return leg.description && leg.description->remoteFingerprints == remote.fingerprints;
}

bool isNewTlsId(const Leg& leg, const RemoteSdp& remote) {
  return isIceRestart(leg, remote) && leg.tlsId != remote.tlsId;
}

/// RFC 8842 section 3.1, where the role stays.
bool keepsAssociation(const Leg& leg, const RemoteSdp& remote) {
  return leg.met && sameFingerprints(leg, remote) && !isNewPeer(leg, remote) && !isNewTlsId(leg, remote);
}

std::optional<std::size_t> freeSection(const Leg& leg, const std::vector<Section>& sections, MediaKind kind,
                                       const std::vector<bool>& preferred, bool onlyPreferred) {
  for (std::size_t s = 0; s < sections.size(); ++s) {
    if (sections[s].kind != kind) continue;
    if (onlyPreferred && !(s < preferred.size() && preferred[s])) continue;
    if (std::ranges::none_of(leg.lines, [&](const Line& l) { return l.section == s; })) return s;
  }
  return std::nullopt;
}

proto::SdpDirection mirrored(proto::SdpDirection d) {
  const auto [send, receive] = directionOf(d);
  return sdpOf({.send = receive, .receive = send});
}

Extensions answerExtensions(const Extensions& offered, const Extensions& elsewhere) {
  Extensions answered;
  for (std::size_t e = 0; e < kExtensions; ++e) {
    if (offered[e].id == 0 || offered[e].direction == proto::SdpDirection::inactive) continue;
    if (!isPerHop(static_cast<Extension>(e)) && elsewhere[e].id == 0) continue;
    answered[e] = {offered[e].id, mirrored(offered[e].direction)};
  }
  return answered;
}

LocalLine openLine(const RemoteLine& remote, const Accepted& accepted, LocalSession::Ssrcs ssrcs) {
  LocalLine line;
  line.kind = remote.text.kind;
  line.protocol = remote.text.protocol;
  line.open = true;
  line.mid = remote.mid;
  line.direction = accepted.direction;
  for (const auto& codec : accepted.codecs) line.codecs.push_back(codec.ours);
  line.extensions = answerExtensions(remote.extensions, accepted.elsewhere);
  line.reducedRtcp = remote.text.rtcpRsize;
  line.ssrc = ssrcs.media;
  line.rtxSsrc = ssrcs.rtx;
  line.maxBitrate = accepted.maxBitrate;
  line.ptime = accepted.ptime;
  line.maxptime = accepted.maxptime;
  return line;
}

}  // namespace

const MediaSection* Leg::settled(std::size_t section) const {
  if (!description || section >= description->sections.size()) return nullptr;
  const MediaSection& found = description->sections[section];
  return found.rejected ? nullptr : &found;
}

void prepareLocal(LocalSession& local, bool restart, base::Random& random) {
  if (local.id == 0) {
    local.id = random.u64() >> 1 | 1;  // RFC 8829 section 5.2.1: 63 bits.
    local.cname = random.alphanumeric(16);
    local.stream = random.alphanumeric(16);
  }
  if (restart || local.ice.ufrag.empty()) local.ice = {random.alphanumeric(8), random.alphanumeric(32)};
}

LocalSession::Ssrcs ssrcsFor(Leg& leg, std::size_t section, base::Random& random) {
  const auto known = leg.local.ssrcs.find(section);
  if (known != leg.local.ssrcs.end()) return known->second;
  LocalSession::Ssrcs ssrcs;
  ssrcs.media = newSsrc(leg, random);
  do ssrcs.rtx = newSsrc(leg, random);
  while (ssrcs.rtx == ssrcs.media);
  return leg.local.ssrcs[section] = ssrcs;
}

std::string writeVersioned(LocalSdp sdp, Leg& leg) {
  LocalSession& local = leg.local;
  sdp.sessionId = local.id;
  sdp.version = local.version;
  sdp.ice = local.ice;
  sdp.cname = local.cname;
  sdp.stream = local.stream;
  std::string text = writeLocal(sdp, leg.kind, leg.transport);
  if (text == local.lastText) return text;
  sdp.version = ++local.version;
  local.lastText = writeLocal(sdp, leg.kind, leg.transport);
  return local.lastText;
}

bool isIceRestart(const Leg& leg, const RemoteSdp& remote) {
  return leg.kind == LegKind::webrtc && leg.met && leg.description &&
         leg.description->remoteIce != remote.ice;
}

bool isNewPeer(const Leg& leg, const RemoteSdp& remote) {
  return leg.kind == LegKind::webrtc && leg.met && leg.peerId != remote.peerId &&
         (isIceRestart(leg, remote) || !sameFingerprints(leg, remote));
}

namespace {

/// Whether it is the same device or another one behind the same dialog makes no difference here.
void takeRtp(Leg& leg, const RemoteSdp& remote) {
  LegDescription& description = leg.description ? *leg.description : leg.description.emplace();
  description.kind = leg.kind;
  description.cname = leg.local.cname;
  ++description.iceGeneration;
  leg.met = true;
  leg.peerId = remote.peerId;
  leg.holds = std::ranges::any_of(remote.lines, [](const RemoteLine& line) {
    return line.open && line.kind == MediaKind::audio && line.holds;
  });
}

/// A device may come back with other m-lines (another device was put through).
void dropChangedLines(Leg& leg, const RemoteSdp& remote) {
  const bool same =
      remote.lines.size() >= leg.lines.size() &&
      std::ranges::equal(leg.lines, std::span(remote.lines).first(leg.lines.size()),
                         [](const Line& line, const RemoteLine& now) { return line.kind == now.text.kind; });
  if (same) return;
  leg.lines.clear();
  leg.sectionNumbers.clear();
}

}  // namespace

DtlsRole roleAfter(const Leg& leg, const RemoteSdp& remote, SdpType type) {
  const auto setup = remote.setup.value_or(proto::SdpSetup::active);  // RFC 4145 section 4.1
  if (setup == proto::SdpSetup::passive) return DtlsRole::client;
  if (type == SdpType::offer && setup == proto::SdpSetup::actpass && keepsAssociation(leg, remote))
    return leg.description->ourDtlsRole;
  return DtlsRole::server;
}

void takeTransport(Leg& leg, const RemoteSdp& remote, SdpType type) {
  if (leg.kind == LegKind::rtp) return takeRtp(leg, remote);
  const DtlsRole role = roleAfter(leg, remote, type);
  const bool restarted = type == SdpType::offer && isIceRestart(leg, remote);
  const bool keeps = keepsAssociation(leg, remote) && leg.description->ourDtlsRole == role;
  LegDescription& description = leg.description ? *leg.description : leg.description.emplace();
  if (restarted) ++description.iceGeneration;
  if (leg.met && !keeps) ++description.dtlsGeneration;
  description.kind = leg.kind;
  description.localIce = leg.local.ice;
  description.cname = leg.local.cname;
  description.remoteIce = remote.ice;
  description.remoteFingerprints = remote.fingerprints;
  description.ourDtlsRole = role;
  leg.met = true;
  leg.peerId = remote.peerId;
  leg.tlsId = remote.tlsId;
  leg.numbers.learn(remote.numbers);
}

base::Result<void> mapLines(Leg& leg, const RemoteSdp& remote, std::vector<Section>& sections,
                            const std::vector<bool>& preferred, bool create, std::size_t maxSections) {
  if (!leg.met || isNewPeer(leg, remote)) {
    leg.lines.clear();
    leg.numbers = {};
    leg.abilities.clear();
  }
  if (leg.kind == LegKind::rtp) dropChangedLines(leg, remote);
  if (remote.lines.size() < leg.lines.size())
    return base::fail("sdp.malformed", fmt::format("expected at least the {} sections of before, found {}",
                                                   leg.lines.size(), remote.lines.size()));
  for (std::size_t p = 0; p < leg.lines.size(); ++p) {
    Line& line = leg.lines[p];
    const RemoteLine& now = remote.lines[p];
    if (line.open && line.kind != now.text.kind)
      return base::fail("sdp.malformed", fmt::format("expected section {} to stay {}", p, line.kind));
    if (line.section && now.open && sections[*line.section].kind != *now.kind) line.section.reset();
  }
  leg.lines.resize(remote.lines.size());
  for (std::size_t p = 0; p < leg.lines.size(); ++p) {
    Line& line = leg.lines[p];
    const RemoteLine& now = remote.lines[p];
    noteLine(line, now.text);
    if (!now.open || line.section) continue;
    line.section = freeSection(leg, sections, *now.kind, preferred, true);
    if (!line.section) line.section = freeSection(leg, sections, *now.kind, preferred, false);
    if (line.section || !create) continue;
    if (sections.size() >= maxSections)
      return base::fail("sdp.too_many_sections", fmt::format("expected at most {} sections", maxSections));
    line.section = sections.size();
    sections.push_back({.kind = *now.kind, .agreed = {}});
  }
  return {};
}

void noteLine(Line& line, const proto::SdpMedia& media) {
  line.kind = media.kind;
  line.protocol = media.protocol;
  line.mid = media.mid.value_or("");
  line.formats = media.formats;
  line.firstMap.reset();
  for (const auto& map : media.rtpmaps)
    if (media.formats.front() == std::to_string(map.payloadType)) line.firstMap = map;
}

LocalLine closedLine(const Line& line) {
  LocalLine closed;
  closed.kind = line.kind;
  closed.protocol = line.protocol;
  closed.formats = line.formats;
  closed.firstMap = line.firstMap;
  closed.mid = line.mid;
  return closed;
}

std::string answerPeer(Leg& leg, const RemoteSdp& remote, const std::vector<Section>& sections,
                       const std::vector<std::optional<Accepted>>& accepted, const NegotiatorOptions& options,
                       base::Random& random) {
  prepareLocal(leg.local, isIceRestart(leg, remote), random);
  takeTransport(leg, remote, SdpType::offer);
  LocalSdp answer;
  answer.maxFrameBlocks = options.maxFrameBlocks;
  answer.setup =
      leg.description->ourDtlsRole == DtlsRole::client ? proto::SdpSetup::active : proto::SdpSetup::passive;
  leg.description->sections = rejectedSections(sections, leg);
  std::set<std::string> open;
  for (std::size_t p = 0; p < remote.lines.size(); ++p) {
    const RemoteLine& line = remote.lines[p];
    leg.lines[p].open = accepted[p].has_value();
    if (!accepted[p]) {
      answer.lines.push_back(closedLine(leg.lines[p]));
      continue;
    }
    const std::size_t index = *leg.lines[p].section;
    const auto ssrcs = ssrcsFor(leg, index, random);
    noteAbility(leg, index, line.codecs, nullptr);
    LocalLine ours = openLine(line, *accepted[p], ssrcs);
    ours.track = fmt::format("{}-{}", leg.local.stream, index);
    MediaSection settled = sectionOf(index, line, ssrcs);
    settled.peerSends = accepted[p]->direction.receive;
    settled.peerReceives = accepted[p]->direction.send;
    for (const auto& codec : accepted[p]->codecs) settled.codecs.push_back(codec.peer);
    settled.extensions = idsOf(ours.extensions);
    settled.reducedRtcp = line.text.rtcpRsize;
    if (leg.kind == LegKind::rtp) {
      leg.sectionNumbers[index] = {};
      for (const Codec& codec : readFormats(line.text))
        leg.sectionNumbers[index].codecs.try_emplace(codec.payloadType, codec);
      settled.rtp = pathOf(leg, index, line, random, &ours.cryptos);
      ours.address = leg.local.addresses[index];
      ours.rtcpMux = line.rtp.rtcpMux;
    }
    leg.description->sections[index] = std::move(settled);
    answer.lines.push_back(std::move(ours));
    open.insert(line.mid);
  }
  for (const auto& mid : remote.bundle)
    if (open.contains(mid)) answer.bundle.push_back(mid);
  return writeVersioned(std::move(answer), leg);
}

void noteAbility(Leg& leg, std::size_t section, const std::vector<Codec>& codecs,
                 const std::vector<OfferedCodec>* offered) {
  Ability& ability = leg.abilities[section];
  if (offered == nullptr) {
    ability = {.codecs = codecs, .refused = {}, .offered = true};
    return;
  }
  const auto isIn = [](const std::vector<Codec>& list, const Codec& codec) {
    return std::ranges::any_of(list, [&](const Codec& c) { return sameCodec(c, codec); });
  };
  for (const Codec& codec : codecs)
    if (!isIn(ability.codecs, codec)) ability.codecs.push_back(codec);
  ability.refused.clear();
  for (const OfferedCodec& each : *offered)
    if (!isIn(codecs, each.here)) ability.refused.push_back(each.here);
}

base::Result<void> takeAddress(Leg& leg, std::size_t section, const RemoteLine* peer) {
  if (leg.kind != LegKind::rtp) return {};
  std::optional<bool> isV4;
  if (peer != nullptr && peer->rtp.remote.port != 0)
    isV4 = peer->rtp.remote.isV4();
  else if (const auto* before = leg.settled(section); before && before->rtp.remote.port != 0)
    isV4 = before->rtp.remote.isV4();
  const auto address = leg.transport.address ? leg.transport.address(section, isV4) : std::nullopt;
  if (!address) return base::fail("sdp.no_ports", "expected a pair of ports for RTP to be free");
  leg.local.addresses[section] = *address;
  return {};
}

namespace {
const base::Secret& keyFor(Leg& leg, std::size_t section, SrtpProfile profile, base::Random& random) {
  base::Secret& key = leg.local.keys[{section, profile}];
  if (key.empty()) key = newSdesKey(profile, random);
  return key;
}
}  // namespace

std::vector<SdesLine> offeredKeys(Leg& leg, std::size_t section, base::Random& random) {
  std::vector<SdesLine> lines;
  if (leg.transport.security == RtpSecurity::none) return lines;
  for (const SrtpProfile profile : sdesProfiles())
    lines.push_back(
        {static_cast<std::uint32_t>(lines.size() + 1), profile, keyFor(leg, section, profile, random)});
  return lines;
}

RtpPath pathOf(Leg& leg, std::size_t section, const RemoteLine& peer, base::Random& random,
               std::vector<SdesLine>* answer) {
  RtpPath path = peer.rtp;
  if (peer.cryptos.empty()) return path;
  const SdesLine& taken = peer.cryptos.front();
  const base::Secret& ours = keyFor(leg, section, taken.profile, random);
  path.keys = SdesKeys{taken.profile, ours, taken.key};
  if (answer != nullptr) answer->push_back({taken.tag, taken.profile, ours});
  return path;
}

std::vector<MediaSection> rejectedSections(const std::vector<Section>& sections, const Leg& leg) {
  std::vector<MediaSection> rejected(sections.size());
  for (std::size_t s = 0; s < sections.size(); ++s) {
    rejected[s].index = s;
    rejected[s].kind = sections[s].kind;
    rejected[s].rejected = true;
    for (const auto& line : leg.lines)
      if (line.section == s) rejected[s].mid = line.mid;
    if (const auto ssrcs = leg.local.ssrcs.find(s); ssrcs != leg.local.ssrcs.end()) {
      rejected[s].ourSsrc = ssrcs->second.media;
      rejected[s].ourRtxSsrc = ssrcs->second.rtx;
    }
  }
  return rejected;
}

MediaSection sectionOf(std::size_t index, const RemoteLine& remote, LocalSession::Ssrcs ours) {
  MediaSection section;
  section.index = index;
  section.mid = remote.mid;
  section.kind = *remote.kind;
  section.peerSsrcs = remote.ssrcs;
  section.peerRtx = remote.rtx;
  section.ourSsrc = ours.media;
  section.ourRtxSsrc = ours.rtx;
  section.maxBitrate = remote.maxBitrate;
  return section;
}

}  // namespace parley::rtc::negotiation
