// MediaBridge: from what was negotiated to what the packet path reads.
#include <algorithm>

#include "rtc/bridge_state.h"

namespace parley::rtc {
namespace {

constexpr std::size_t kMaxSections = 32;  // The negotiator allows fewer; SsrcEntry::section is a byte.

BridgeSection& sectionFor(BridgeLeg& leg, std::size_t index, base::Random& random) {
  const auto at = std::lower_bound(leg.sections.begin(), leg.sections.end(), index,
                                   [](const BridgeSection& s, std::size_t i) { return s.index < i; });
  if (at != leg.sections.end() && at->index == index) return *at;
  if (at != leg.sections.end()) leg.ssrcs.clear();  // Learned positions behind it would point astray.
  BridgeSection& made = *leg.sections.insert(at, BridgeSection(random));
  made.index = index;
  return made;
}

void readExtensionIds(BridgeLeg& leg, const ExtensionIds& ids) {
  const auto set = [&](std::uint8_t id, BridgeExtension meaning) {
    if (id != 0) leg.extensions[id] = meaning;
  };
  set(ids.mid, BridgeExtension::mid);
  set(ids.transportCc, BridgeExtension::transportCc);
  set(ids.audioLevel, BridgeExtension::audioLevel);
  set(ids.videoOrientation, BridgeExtension::videoOrientation);
  set(ids.playoutDelay, BridgeExtension::playoutDelay);
}

/// Copies what changes; false when nothing did that a receiver of the section would need a key frame for.
bool apply(BridgeSection& section, const MediaSection& from) {
  std::vector<BridgeCodec> codecs;
  codecs.reserve(from.codecs.size());
  for (const Codec& codec : from.codecs) codecs.push_back(bridgeCodecOf(codec));
  const bool peerReceives = from.peerReceives && !from.rejected;
  const bool needsKeyFrame = (peerReceives && !section.peerReceives) || codecs != section.codecs;
  section.kind = from.kind;
  section.mid = from.mid;
  section.rejected = from.rejected;
  section.peerSends = from.peerSends && !from.rejected;
  section.peerReceives = peerReceives;
  section.reducedRtcp = from.reducedRtcp;
  section.maxBitrate = from.maxBitrate;
  section.ourSsrc = from.ourSsrc.value();
  section.ourRtxSsrc = from.ourRtxSsrc.value();
  section.codecs = std::move(codecs);
  section.ids = from.extensions;
  const ExtensionIds& ids = section.ids;
  const std::uint8_t highest =
      std::max({ids.mid, ids.absSendTime, ids.audioLevel, ids.videoOrientation, ids.playoutDelay});
  const bool twoByte = highest > 14 || (ids.mid != 0 && section.mid.size() > 16);
  section.form =
      twoByte ? proto::RtpExtensionWriter::Form::twoByte : proto::RtpExtensionWriter::Form::oneByte;
  section.signalledSsrc.reset();
  for (const Ssrc ssrc : from.peerSsrcs) {
    if (from.peerRtx.contains(ssrc)) continue;
    section.signalledSsrc = ssrc.value();
    break;
  }
  if (section.in.codec >= section.codecs.size()) section.in.codec = 0;
  if (section.out.codec >= section.codecs.size()) section.out.codec = 0;
  return needsKeyFrame;
}

void addSignalled(SsrcTable& table, const MediaSection& from, std::uint8_t position, std::size_t limit) {
  SsrcEntry entry;
  entry.section = position;
  entry.signalled = true;
  for (const auto& [rtx, media] : from.peerRtx) {
    entry.ssrc = rtx.value();
    entry.media = media.value();
    entry.rtx = entry.mediaKnown = true;
    table.add(entry, limit, {});
  }
  entry.rtx = entry.mediaKnown = false;
  entry.media = 0;
  for (const Ssrc ssrc : from.peerSsrcs) {
    if (from.peerRtx.contains(ssrc)) continue;
    entry.ssrc = ssrc.value();
    table.add(entry, limit, {});
  }
}

/// A new peer connection: nothing that the old one sent or received means anything any more.
void forgetPeer(BridgeLeg& leg) {
  leg.ssrcs.clear();
  leg.twcc.reset();
  leg.twccDue = base::Instant::max();
  leg.remb = leg.rembSent = 0;
  leg.capacity.reset();
  leg.rtt.reset();
  for (BridgeSection& section : leg.sections) {
    BridgeInbound& in = section.in;
    if (in.active) in.lostBefore += in.received.cumulativeLost();
    in.active = in.hasSr = false;
    in.previousSsrc.reset();
    in.received.reset();
    in.nack.clear();
    section.out.store.clear();
    section.out.report.reset();
  }
}

}  // namespace

void MediaBridge::State::configure(LegIndex index, const LegDescription& description) {
  BridgeLeg& leg = legs.take(index);
  const bool newPeer = leg.present && leg.dtlsGeneration != description.dtlsGeneration;
  if (newPeer) forgetPeer(leg);
  leg.present = true;
  leg.bundled = description.kind == LegKind::webrtc;
  leg.dtlsGeneration = description.dtlsGeneration;
  leg.cname = description.cname;
  leg.extensions.fill(BridgeExtension::none);
  leg.ssrcs.removeSignalled();
  leg.sendsTransportCc = false;
  leg.twccInterval = base::Millis(100);

  std::vector<std::size_t> needKeyFrame;
  for (BridgeSection& section : leg.sections) {  // Those that are not named any more.
    section.rejected = true;
    section.peerSends = false;
  }
  const std::size_t count = std::min(description.sections.size(), kMaxSections);
  for (const MediaSection& from : std::span(description.sections).first(count)) {
    if (leg.sections.size() >= kMaxSections && leg.section(from.index) == nullptr) continue;
    BridgeSection& section = sectionFor(leg, from.index, random);
    if (apply(section, from) || newPeer) needKeyFrame.push_back(from.index);
    readExtensionIds(leg, from.extensions);
    // Often enough for a sender's estimate of video, rarely enough to cost an audio call little.
    if (section.video() && section.peerSends) leg.twccInterval = base::Millis(60);
    leg.sendsTransportCc |= from.extensions.transportCc != 0 &&
                            std::ranges::any_of(from.codecs, [](const Codec& c) { return c.transportCc; });
  }
  for (BridgeSection& section : leg.sections)
    if (section.rejected) section.peerReceives = false;
  // Positions are settled only now.
  for (const MediaSection& from : std::span(description.sections).first(count)) {
    const BridgeSection* section = leg.section(from.index);
    if (section == nullptr || section->rejected) continue;
    addSignalled(leg.ssrcs, from, static_cast<std::uint8_t>(section - leg.sections.data()),
                 options.maxSsrcsPerSection);
  }
  rebuildRoutes();
  for (const std::size_t i : needKeyFrame) wantKeyFrame(other(index), i);
  arm(base::Instant{});
}

void MediaBridge::State::rebuildRoutes() {
  for (LegIndex from = 0; from < legs.size(); ++from)
    for (BridgeSection& section : legs[from].sections) {
      const BridgeSection* target = legs[other(from)].section(section.index);
      static const std::vector<BridgeCodec> none;
      section.routes = routesBetween(section.codecs, target != nullptr ? target->codecs : none);
    }
}

void MediaBridge::State::wantKeyFrame(LegIndex sender, std::size_t index) {
  BridgeSection* section = legs[sender].section(index);
  if (section == nullptr || !section->video()) return;
  section->in.keyFrames.want();
  arm(base::Instant{});
}

void MediaBridge::State::setReady(LegIndex index, bool ready, base::Instant now) {
  BridgeLeg& leg = legs.take(index);
  if (leg.ready == ready) return;  // May come before the leg is configured: an early handshake.
  leg.ready = ready;
  if (!ready) {
    leg.reportDue = leg.twccDue = leg.rembDue = base::Instant::max();
    for (BridgeSection& section : leg.sections) section.out.mapper.pause();
    return;
  }
  // The first report comes early (RFC 3550 section 6.2), spread so that calls do not report in step.
  leg.reportDue = now + base::Millis(200 + random.u32() % 300);
  leg.rembDue = now;
  if (!leg.twcc.empty()) leg.twccDue = now + leg.twccInterval;  // Came while nothing could be sent.
  for (const BridgeSection& section : leg.sections) wantKeyFrame(other(index), section.index);
  arm(now);
}

void MediaBridge::State::removeLeg(LegIndex index) {
  if (legs[index].present && legs[index].ready) sendBye(index);
  BridgeLeg& leg = legs.take(index);
  const DropCounts drops = leg.drops;
  leg = BridgeLeg{};
  leg.drops = drops;
  beginAnew(index, other(index));
}

void MediaBridge::State::forget(LegIndex index) {
  part(index);
  legs.leave(index);
}

void MediaBridge::State::part(LegIndex index) {
  const LegIndex peer = other(index);
  legs.setPeers(index, BridgeLegs::kNobody);
  if (peer != BridgeLegs::kNobody) legs.setPeers(peer, BridgeLegs::kNobody);
  beginAnew(index, peer);
}

/// What they send from now on comes from another source than before.
void MediaBridge::State::beginAnew(LegIndex a, LegIndex b) {
  for (const LegIndex each : {a, b}) {
    legs[each].tone = {};
    for (BridgeSection& section : legs[each].sections) {
      section.out.mapper.newSource();
      section.in.nack.clear();
    }
  }
  rebuildRoutes();
}

void MediaBridge::State::join(LegIndex a, LegIndex b, base::Instant now) {
  if (other(a) == b) return;
  part(a);
  part(b);
  legs.setPeers(a, b);
  rebuildRoutes();
  for (const LegIndex each : {a, b}) {
    BridgeLeg& leg = legs[each];
    leg.rembSent = 0;
    if (leg.ready) leg.rembDue = now;
    for (const BridgeSection& section : leg.sections) wantKeyFrame(each, section.index);
  }
  arm(base::Instant{});
}

void MediaBridge::State::setHeld(LegIndex index, bool held) {
  BridgeLeg& leg = legs.take(index);
  if (leg.held == held) return;
  leg.held = held;
  if (held) return;
  for (const LegIndex each : {index, other(index)})
    for (const BridgeSection& section : legs[each].sections) wantKeyFrame(each, section.index);
}

}  // namespace parley::rtc
