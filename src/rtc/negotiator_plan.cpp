#include "rtc/negotiator_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace parley::rtc::negotiation {
namespace {

std::uint32_t ownLimit(MediaKind kind, const NegotiatorOptions& options) {
  return kind == MediaKind::video ? options.maxVideoBitrate : 0;
}

std::vector<bool> openSections(const Leg* leg, std::size_t count) {
  std::vector<bool> open(count, false);
  for (std::size_t s = 0; leg != nullptr && s < count; ++s) open[s] = leg->settled(s) != nullptr;
  return open;
}

/// The open m-line of the offer for a section.
std::optional<std::size_t> sourceOf(const Pending& next, std::optional<std::size_t> section) {
  for (std::size_t p = 0; p < next.fromLeg.lines.size(); ++p)
    if (section && next.fromLeg.lines[p].section == section && next.remote.lines[p].open) return p;
  return std::nullopt;
}

/// A line in use keeps its mid. A new or reopened one takes the offerer's if nobody here had it, since a
/// reopened m-line stands for another transceiver (RFC 8829 section 5.2.2).
std::string midFor(const Leg& leg, std::size_t position, const std::string& wanted) {
  if (leg.lines[position].open) return leg.lines[position].mid;
  const auto isFree = [&](const std::string& mid) {
    return std::ranges::none_of(leg.lines, [&](const Line& l) { return l.mid == mid; });
  };
  if (!wanted.empty() && isFree(wanted)) return wanted;
  for (std::size_t n = position;; ++n)
    if (auto mid = fmt::format("m{}", n); isFree(mid)) return mid;
}

std::vector<OfferedCodec> placeCodecs(const std::vector<Codec>& offered, Numbers& numbers) {
  std::vector<OfferedCodec> placed;
  std::vector<PayloadType> taken;
  for (const Codec& there : offered) {
    const auto number = numbers.place(there, taken);
    if (!number) continue;
    Codec here = there;
    here.payloadType = *number;
    here.rtx.reset();
    if (there.rtx) here.rtx = numbers.place(rtxOf(*there.rtx, here), taken);
    placed.push_back({std::move(here), there});
  }
  return placed;
}

/// What one of our kind offers a browser of its own, when the codecs are those of somebody who knows nothing
/// of feedback and repair.
void enrich(std::vector<OfferedCodec>& codecs, MediaKind kind, Numbers& numbers) {
  std::vector<PayloadType> taken;
  taken.reserve(codecs.size());
  for (const auto& codec : codecs) taken.push_back(codec.here.payloadType);
  for (auto& [here, there] : codecs) {
    if (isTelephoneEvent(here)) continue;
    here.transportCc = true;
    if (kind != MediaKind::video) continue;
    here.nack = here.nackPli = here.ccmFir = here.remb = true;
    if (here.rtx) continue;
    const auto wish = static_cast<std::uint8_t>(std::min(here.payloadType.value() + 1, 127));
    here.rtx = numbers.place(rtxOf(PayloadType{wish}, here), taken);
    if (!here.rtx) continue;
    numbers.codecs[*here.rtx].fmtp = rtxOf(*here.rtx, here).fmtp;
  }
}

constexpr std::array kPerHop{Extension::mid, Extension::transportCc, Extension::absSendTime};

/// Codecs that `order` names go first, in its order.
void sortBy(std::vector<OfferedCodec>& codecs, const std::vector<std::string>& order) {
  const auto rank = [&](const OfferedCodec& codec) {
    return std::ranges::find_if(
               order, [&](const auto& name) { return base::equalsIgnoreCase(name, codec.here.name); }) -
           order.begin();
  };
  std::ranges::stable_sort(codecs, {}, rank);
}

/// A device's hold is carried out by the bridge: the browser goes on with its audio.
bool isFreeOf(MediaKind kind, LegKind here, LegKind there) {
  return kind == MediaKind::audio && here == LegKind::webrtc && there == LegKind::rtp;
}

std::vector<Codec> codecsHere(const std::vector<OfferedCodec>& codecs) {
  std::vector<Codec> here;
  here.reserve(codecs.size());
  for (const auto& codec : codecs) here.push_back(codec.here);
  return here;
}

Extensions placeExtensions(const Extensions& offered, Numbers& numbers) {
  Extensions placed;
  for (std::size_t e = 0; e < kExtensions; ++e) {
    if (offered[e].id == 0) continue;
    if (const auto id = numbers.placeExtension(uriOf(static_cast<Extension>(e)), offered[e].id))
      placed[e] = {*id, offered[e].direction};
  }
  return placed;
}

/// Between us and a browser, for an offer that does not come from one.
Extensions ownExtensions(Numbers& numbers) {
  Extensions placed;
  std::uint8_t wish = 1;
  for (const Extension each : kPerHop)
    if (const auto id = numbers.placeExtension(uriOf(each), wish++))
      placed[static_cast<std::size_t>(each)] = {*id, proto::SdpDirection::sendrecv};
  return placed;
}

OfferedLine planLine(Pending& next, std::size_t position, const NegotiatorOptions& options) {
  Leg& leg = next.toLeg;
  OfferedLine line;
  line.section = next.toLeg.lines[position].section.value_or(0);
  const auto source = sourceOf(next, next.toLeg.lines[position].section);
  if (!source) return line;
  const RemoteLine& remote = next.remote.lines[*source];
  Numbers& numbers = leg.numbersOf(line.section);
  const bool toDevice = leg.kind == LegKind::rtp && next.fromLeg.kind == LegKind::webrtc;
  line.codecs = placeCodecs(toDevice ? oneH264PerMode(remote.codecs) : remote.codecs, numbers);
  sortBy(line.codecs, leg.kind == LegKind::rtp ? options.sipOrder : options.webrtcOrder);
  if (!hasMedia(codecsHere(line.codecs))) return line;  // All numbers are taken.
  line.open = true;
  line.source = *source;
  line.direction = remote.direction;
  if (leg.kind == LegKind::rtp) {
    for (auto& [here, there] : line.codecs) {
      here.rtx.reset();
      here.nack = here.remb = here.transportCc = false;
      if (isTelephoneEvent(here) && here.fmtp.empty()) here.fmtp = "0-16";
    }
    return line;
  }
  line.mid = midFor(leg, position, remote.mid);
  line.reducedRtcp = remote.text.rtcpRsize;
  if (!next.own() && next.fromLeg.kind == LegKind::webrtc) {
    line.extensions = placeExtensions(remote.extensions, numbers);
    return line;
  }
  enrich(line.codecs, *remote.kind, numbers);
  line.extensions = ownExtensions(numbers);
  line.reducedRtcp = true;
  if (!next.own() && isFreeOf(*remote.kind, leg.kind, next.fromLeg.kind))
    line.direction = {.send = true, .receive = true};
  return line;
}

/// RFC 8643 where SRTP is only preferred: the profile of plain RTP, with keys.
std::string protocolFor(const Leg& leg) {
  if (leg.kind == LegKind::webrtc) return "UDP/TLS/RTP/SAVPF";
  return leg.transport.security == RtpSecurity::sdes ? "RTP/SAVP" : "RTP/AVP";
}

LocalLine writeOffered(Pending& next, const OfferedLine& offered, LocalSession::Ssrcs ssrcs,
                       const NegotiatorOptions& options, base::Random& random) {
  Leg& leg = next.toLeg;
  const RemoteLine& source = next.remote.lines[offered.source];
  const Section& section = next.sections[offered.section];
  LocalLine line;
  line.kind = section.kind == MediaKind::audio ? "audio" : "video";
  line.protocol = protocolFor(leg);
  line.open = true;
  line.mid = offered.mid;
  line.direction = offered.direction;
  line.codecs = codecsHere(offered.codecs);
  line.extensions = offered.extensions;
  line.reducedRtcp = offered.reducedRtcp;
  line.ssrc = ssrcs.media;
  line.rtxSsrc = ssrcs.rtx;
  line.track = fmt::format("{}-{}", next.toLeg.local.stream, offered.section);
  line.maxBitrate = lowerLimit(ownLimit(section.kind, options), source.maxBitrate);
  line.ptime = source.ptime;
  line.maxptime = source.maxptime;
  if (leg.kind == LegKind::rtp) {
    line.address = leg.local.addresses[offered.section];
    line.cryptos = offeredKeys(leg, offered.section, random);
  }
  return line;
}

/// For when it is closed one day.
void noteOffered(Line& line, const LocalLine& written) {
  line.kind = written.kind;
  line.protocol = written.protocol;
  line.mid = written.mid;
  const Codec& first = written.codecs.front();
  line.formats = {std::to_string(first.payloadType.value())};
  line.firstMap = proto::SdpRtpmap{first.payloadType.value(), first.name, first.clockRate, first.channels};
}

std::unexpected<base::Error> mismatch(std::string text) {
  return base::fail("sdp.answer_mismatch", std::move(text));
}

bool wasOffered(const OfferedLine& offered, std::string_view format) {
  return std::ranges::any_of(offered.codecs, [&](const OfferedCodec& c) {
    return format == std::to_string(c.here.payloadType.value()) ||
           (c.here.rtx && format == std::to_string(c.here.rtx->value()));
  });
}

const OfferedCodec* offeredAs(const OfferedLine& offered, PayloadType number) {
  const auto found = std::ranges::find_if(
      offered.codecs, [&](const OfferedCodec& c) { return c.here.payloadType == number; });
  return found == offered.codecs.end() ? nullptr : &*found;
}

base::Result<void> checkAnswerLine(const Leg& leg, const OfferedLine& offered, const RemoteLine& answer,
                                   std::size_t position) {
  const Line& line = leg.lines[position];
  if (answer.text.kind != line.kind)
    return mismatch(fmt::format("section {}: expected {}", position, line.kind));
  if (answer.text.port == 0) return {};
  if (!offered.open) return mismatch(fmt::format("section {}: expected port 0, as it was offered", position));
  if (leg.kind == LegKind::rtp) return {};  // See adaptAnswer().
  if (!answer.mid.empty() && answer.mid != offered.mid)
    return mismatch(fmt::format("section {}: expected the a=mid that was offered", position));
  for (const auto& format : answer.text.formats)
    if (!wasOffered(offered, format))
      return mismatch(fmt::format("section {}: expected payload types that were offered", position));
  for (const Codec& codec : answer.codecs) {
    const auto* same = offeredAs(offered, codec.payloadType);
    if (same == nullptr || !base::equalsIgnoreCase(same->here.name, codec.name) ||
        same->here.clockRate != codec.clockRate || same->here.channels != codec.channels)
      return mismatch(fmt::format("section {}: expected each payload type as it was offered", position));
  }
  return {};
}

base::Result<void> checkAnswer(const Pending& next, const RemoteSdp& answer) {
  if (answer.lines.size() != next.offered.size())
    return mismatch(fmt::format("expected {} sections, found {}", next.offered.size(), answer.lines.size()));
  if (answer.setup == proto::SdpSetup::actpass)
    return mismatch("expected a=setup:active or passive, found actpass");
  for (std::size_t q = 0; q < answer.lines.size(); ++q)
    if (auto done = checkAnswerLine(next.toLeg, next.offered[q], answer.lines[q], q); !done) return done;
  return {};
}

Codec agreedCodec(const OfferedCodec& offered, const Codec& answered) {
  Codec codec = answered;
  codec.name = offered.here.name;
  if (codec.received == codec.payloadType) codec.received.reset();
  if (answered.rtx != offered.here.rtx) codec.rtx.reset();
  codec.nack &= offered.here.nack;
  codec.nackPli &= offered.here.nackPli;
  codec.ccmFir &= offered.here.ccmFir;
  codec.remb &= offered.here.remb;
  codec.transportCc &= offered.here.transportCc;
  return codec;
}

Extensions agreedExtensions(const Extensions& offered, const Extensions& answered) {
  Extensions agreed;
  for (std::size_t e = 0; e < kExtensions; ++e)
    if (offered[e].id != 0 && offered[e].id == answered[e].id &&
        answered[e].direction != proto::SdpDirection::inactive)
      agreed[e] = answered[e];
  return agreed;
}

Direction mirror(Direction d) { return {.send = d.receive, .receive = d.send}; }
Direction both(Direction a, Direction b) {
  return {.send = a.send && b.send, .receive = a.receive && b.receive};
}

/// Settles one m-line of the answerer. What the offerer gets for it, or nothing if it is rejected.
std::optional<Accepted> settleLine(Pending& next, std::size_t position, const RemoteLine& answer,
                                   const NegotiatorOptions& options, base::Random& random) {
  const OfferedLine& offered = next.offered[position];
  Leg& leg = next.toLeg;
  leg.lines[position].open = offered.open && answer.open;
  if (!leg.lines[position].open) return std::nullopt;
  MediaSection section = sectionOf(offered.section, answer, ssrcsFor(leg, offered.section, random));
  section.mid = offered.mid;
  section.peerSends = offered.direction.receive && answer.direction.send;
  section.peerReceives = offered.direction.send && answer.direction.receive;
  section.reducedRtcp = offered.reducedRtcp && answer.text.rtcpRsize;

  Accepted accepted;
  accepted.direction = {.send = section.peerSends, .receive = section.peerReceives};
  accepted.elsewhere = agreedExtensions(offered.extensions, answer.extensions);
  accepted.maxBitrate = lowerLimit(ownLimit(section.kind, options), answer.maxBitrate);
  accepted.ptime = answer.ptime;
  accepted.maxptime = answer.maxptime;
  if (leg.kind == LegKind::rtp) section.rtp = pathOf(leg, offered.section, answer, random, nullptr);
  if (!next.own() && isFreeOf(section.kind, next.fromLeg.kind, leg.kind))
    accepted.direction = mirror(next.remote.lines[offered.source].direction);
  if (!next.own() && isFreeOf(section.kind, leg.kind, next.fromLeg.kind))
    accepted.direction = both(accepted.direction, mirror(next.remote.lines[offered.source].direction));
  noteAbility(leg, offered.section, answer.codecs, &offered.codecs);
  for (const Codec& codec : answer.codecs) {
    const OfferedCodec* as = offeredAs(offered, codec.received.value_or(codec.payloadType));
    section.codecs.push_back(agreedCodec(*as, codec));
    Codec ours = as->there;
    ours.fmtp = codec.fmtp;
    if (leg.kind == LegKind::rtp && isTelephoneEvent(ours)) ours.fmtp = as->there.fmtp;
    accepted.codecs.push_back({.peer = as->there, .ours = std::move(ours)});
  }
  section.extensions = idsOf(accepted.elsewhere);
  next.sections[offered.section].agreed = section.codecs;
  leg.description->sections[offered.section] = std::move(section);
  return accepted;
}

/// The codecs of `offered` that were agreed before, in that order.
std::vector<Accepted::Agreed> keepAgreed(const std::vector<Codec>& agreed,
                                         const std::vector<Codec>& offered) {
  std::vector<Accepted::Agreed> kept;
  for (const Codec& before : agreed) {
    const auto found = std::ranges::find_if(offered, [&](const Codec& c) {
      return sameCodec(c, before) && std::ranges::none_of(kept, [&](const Accepted::Agreed& k) {
               return k.peer.payloadType == c.payloadType;
             });
    });
    if (found == offered.end()) continue;
    Codec ours = *found;
    ours.fmtp = before.fmtp;
    kept.push_back({.peer = *found, .ours = std::move(ours)});
  }
  return kept;
}

/// The codecs that are to be kept to, best first: of the other side; of a device alone, its own. A device
/// that speaks none of them any more gets what else the other side is able of, which then needs an offer of
/// ours.
std::vector<Accepted::Agreed> acceptCodecs(const Leg& leg, const RemoteLine& line, std::size_t index,
                                           const Leg* other, const Section& section) {
  const MediaSection* there = other == nullptr ? leg.settled(index) : other->settled(index);
  auto kept = keepAgreed(there == nullptr ? section.agreed : there->codecs, line.codecs);
  const auto isMedia = [](const Accepted::Agreed& c) { return !isTelephoneEvent(c.peer); };
  if (leg.kind != LegKind::rtp || std::ranges::any_of(kept, isMedia) || other == nullptr) return kept;
  const auto able = other->abilities.find(index);
  return able == other->abilities.end() ? kept : keepAgreed(able->second.codecs, line.codecs);
}

std::optional<Accepted> acceptLocally(const Leg& leg, const RemoteLine& line, std::size_t index,
                                      const Leg* other, const Section& section,
                                      const NegotiatorOptions& options) {
  const MediaSection* there = other == nullptr ? nullptr : other->settled(index);
  if (other != nullptr && there == nullptr) return std::nullopt;
  Accepted accepted;
  accepted.codecs = acceptCodecs(leg, line, index, other, section);
  if (leg.kind == LegKind::rtp) matchEventClocks(accepted.codecs, &Accepted::Agreed::peer);
  if (std::ranges::all_of(accepted.codecs, [](const auto& c) { return isTelephoneEvent(c.peer); }))
    return std::nullopt;
  accepted.direction = {.send = line.direction.receive && (there == nullptr || there->peerSends),
                        .receive = line.direction.send && (there == nullptr || there->peerReceives)};
  if (other != nullptr && isFreeOf(section.kind, leg.kind, other->kind))
    accepted.direction = mirror(line.direction);
  if (leg.held) accepted.direction.receive = false;
  accepted.elsewhere = there == nullptr ? line.extensions : extensionsOf(there->extensions);
  accepted.maxBitrate = lowerLimit(ownLimit(section.kind, options), there == nullptr ? 0 : there->maxBitrate);
  return accepted;
}

}  // namespace

base::Result<std::string> planOffer(Pending& next, const NegotiatorOptions& options, base::Random& random) {
  Leg& leg = next.toLeg;
  const auto preferred = openSections(&leg, next.sections.size());
  if (!next.own())
    if (auto done = mapLines(next.fromLeg, next.remote, next.sections, preferred, true, options.maxSections);
        !done)
      return std::unexpected(done.error());
  for (std::size_t p = 0; p < next.fromLeg.lines.size(); ++p) {
    const auto section = next.fromLeg.lines[p].section;
    if (!next.remote.lines[p].open || !section) continue;
    if (std::ranges::any_of(leg.lines, [&](const Line& l) { return l.section == section; })) continue;
    leg.lines.emplace_back().section = section;
  }
  prepareLocal(leg.local, false, random);
  LocalSdp offer;
  offer.maxFrameBlocks = options.maxFrameBlocks;
  for (std::size_t q = 0; q < leg.lines.size(); ++q) {
    next.offered.push_back(planLine(next, q, options));
    const OfferedLine& planned = next.offered.back();
    if (planned.open)
      if (auto done = takeAddress(leg, planned.section, nullptr); !done) return std::unexpected(done.error());
    if (!planned.open) {
      if (leg.lines[q].formats.empty())
        return base::fail("sdp.no_common_codec", "expected a payload type to be free");
      offer.lines.push_back(closedLine(leg.lines[q]));
      continue;
    }
    const auto ssrcs = ssrcsFor(leg, planned.section, random);
    offer.lines.push_back(writeOffered(next, planned, ssrcs, options, random));
    if (leg.kind == LegKind::webrtc) offer.bundle.push_back(planned.mid);
    noteOffered(leg.lines[q], offer.lines.back());
    // Only now: midFor() above asks whether the line was in use before.
  }
  return writeVersioned(std::move(offer), leg);
}

base::Result<std::string> settle(Pending& next, RemoteSdp answer, const NegotiatorOptions& options,
                                 base::Random& random) {
  if (next.toLeg.kind == LegKind::rtp) adaptAnswer(next, answer);
  if (auto done = checkAnswer(next, answer); !done) return std::unexpected(done.error());
  takeTransport(next.toLeg, answer, SdpType::answer);
  next.toLeg.description->sections = rejectedSections(next.sections, next.toLeg);
  std::vector<std::optional<Accepted>> accepted(next.remote.lines.size());
  bool any = false;
  for (std::size_t q = 0; q < answer.lines.size(); ++q) {
    auto line = settleLine(next, q, answer.lines[q], options, random);
    if (!line) continue;
    any = true;
    if (!next.own()) accepted[next.offered[q].source] = std::move(line);
  }
  if (!any && std::ranges::any_of(answer.lines, &RemoteLine::insecure))
    return base::fail("sdp.security_required", "expected an a=crypto with a tag and suite that were offered");
  if (!any) return base::fail("sdp.no_common_codec", "expected the answer to take a section");
  next.toLeg.answered = next.offered;
  if (next.own()) return std::string();
  for (std::size_t p = 0; p < accepted.size(); ++p)
    if (accepted[p])
      if (auto done = takeAddress(next.fromLeg, *next.fromLeg.lines[p].section, &next.remote.lines[p]); !done)
        return std::unexpected(done.error());
  return answerPeer(next.fromLeg, next.remote, next.sections, accepted, options, random);
}

base::Result<std::string> settleLocally(Leg& leg, const RemoteSdp& remote, const Leg* other,
                                        const std::vector<Section>& agreed, const NegotiatorOptions& options,
                                        base::Random& random) {
  std::vector<Section> sections = agreed;
  if (auto done =
          mapLines(leg, remote, sections, openSections(other, sections.size()), false, options.maxSections);
      !done)
    return std::unexpected(done.error());
  std::vector<std::optional<Accepted>> accepted(remote.lines.size());
  bool any = false;
  for (std::size_t p = 0; p < remote.lines.size(); ++p) {
    const auto section = leg.lines[p].section;
    if (!remote.lines[p].open || !section) continue;
    accepted[p] = acceptLocally(leg, remote.lines[p], *section, other, sections[*section], options);
    if (!accepted[p]) continue;
    any = true;
    if (auto done = takeAddress(leg, *section, &remote.lines[p]); !done) return std::unexpected(done.error());
  }
  if (!any) return base::fail("sdp.no_common_codec", "expected a codec that was agreed before");
  return answerPeer(leg, remote, sections, accepted, options, random);
}

}  // namespace parley::rtc::negotiation
