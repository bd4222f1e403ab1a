// MediaBridge: the path of one RTP packet, in the order in which it is walked.
#include <algorithm>

#include "rtc/bridge_state.h"

namespace parley::rtc {
namespace {

// After a change of source, packets of the one before are stragglers for this long; later, it is back.
constexpr base::Millis kSwitchHold{500};
constexpr std::size_t kMaxCarried = 16;  // Bytes of an extension value that is carried across.

BridgeCarried readExtensions(const BridgeLeg& leg, const proto::RtpView& view) {
  BridgeCarried out;
  proto::RtpExtensionReader reader(view);
  while (const auto element = reader.next()) {
    switch (leg.extensions[element->id]) {
      case BridgeExtension::mid:
        out.mid = element->value;
        break;
      case BridgeExtension::transportCc:
        if (element->value.size() >= 2) out.transportCc = base::loadU16(element->value.data());
        break;
      case BridgeExtension::audioLevel:
        out.audioLevel = element->value;
        break;
      case BridgeExtension::videoOrientation:
        out.videoOrientation = element->value;
        break;
      case BridgeExtension::playoutDelay:
        out.playoutDelay = element->value;
        break;
      case BridgeExtension::none:
        break;
    }
  }
  return out;
}

base::Bytes writeExtensions(proto::RtpExtensionWriter& writer, const BridgeSection& target,
                            const BridgeCarried& carried, base::Instant now) {
  const ExtensionIds& ids = target.ids;
  if (ids.mid != 0) writer.add(ids.mid, base::asBytes(target.mid));
  if (ids.absSendTime != 0) {
    const auto time = absSendTime(now);
    writer.add(ids.absSendTime, time);
  }
  const auto carry = [&](std::uint8_t id, base::Bytes value) {
    if (id != 0 && !value.empty() && value.size() <= kMaxCarried) writer.add(id, value);
  };
  carry(ids.audioLevel, carried.audioLevel);
  carry(ids.videoOrientation, carried.videoOrientation);
  carry(ids.playoutDelay, carried.playoutDelay);
  return writer.finish();
}

}  // namespace

void MediaBridge::State::onRtp(LegIndex from, proto::Packet raw, base::Instant now,
                               std::optional<std::size_t> by) {
  BridgeLeg& leg = legs[from];
  if (!leg.present) return drop(leg, DropReason::callClosed);
  const auto view = proto::parseRtp(raw.data());
  if (!view) return drop(leg, DropReason::rtpMalformed);
  BridgePacket packet{from, raw, *view, readExtensions(leg, *view), {}, 0, 0, false, now};
  if (packet.carried.transportCc && leg.sendsTransportCc)
    noteTransportCc(from, *packet.carried.transportCc, now);
  SsrcEntry* entry = demux(leg, packet, by);
  if (entry == nullptr) return;
  BridgeSection& section = leg.sections[entry->section];
  if (!section.peerSends) return drop(leg, DropReason::rtpDirection);
  packet.route = section.routes[view->header.payloadType];
  if (packet.route.kind == PayloadRoute::Kind::none) return drop(leg, DropReason::rtpUnknownPayloadType);
  entry->lastSeen = now;
  const bool rtx = packet.route.kind == PayloadRoute::Kind::rtx;
  if (rtx != entry->rtx) return drop(leg, rtx ? DropReason::rtxUnusable : DropReason::rtpUnknownPayloadType);
  if (!(rtx ? acceptRtx(section, *entry, packet) : acceptMedia(section, packet))) return;

  BridgeInbound& in = section.in;
  ++in.packets;
  in.bytes += raw.size;
  in.rate.add(raw.size, now);
  in.codec = packet.route.codec;
  if (!in.firstAt) in.firstAt = now;
  if (section.video() && packet.payloadSize() != 0) lookForKeyFrame(section, packet);
  forward(section, packet);
}

/// Every packet that carries a number, whatever becomes of it: the sender asks what the network did.
void MediaBridge::State::noteTransportCc(LegIndex from, std::uint16_t sequence, base::Instant now) {
  BridgeLeg& leg = legs[from];
  if (leg.twcc.empty() && leg.ready) {
    leg.twccDue = now + leg.twccInterval;
    arm(leg.twccDue);
  }
  leg.twcc.onPacket(sequence, now);
  if (leg.twcc.full() && leg.ready) sendTransportCc(from);
}

SsrcEntry* MediaBridge::State::demux(BridgeLeg& leg, BridgePacket& packet, std::optional<std::size_t> by) {
  const std::uint32_t ssrc = packet.view.header.ssrc;
  std::optional<std::uint8_t> section;
  if (by) {
    if (const BridgeSection* own = leg.section(*by); own != nullptr && !own->rejected)
      section = static_cast<std::uint8_t>(own - leg.sections.data());
  }
  // Where each section has a transport, an SSRC may move to another one.
  if (SsrcEntry* known = leg.ssrcs.find(ssrc); known != nullptr && (!by || known->section == section))
    return known;
  if (!by) section = sectionOf(leg, packet);
  if (!section) {
    drop(leg, DropReason::rtpUnknownSsrc);
    return nullptr;
  }
  const PayloadRoute route = leg.sections[*section].routes[packet.view.header.payloadType];
  // Nothing is learned from a packet that goes no further.
  if (!leg.sections[*section].peerSends) {
    drop(leg, DropReason::rtpDirection);
    return nullptr;
  }
  if (route.kind == PayloadRoute::Kind::none) {
    drop(leg, DropReason::rtpUnknownPayloadType);
    return nullptr;
  }
  SsrcEntry entry;
  entry.ssrc = ssrc;
  entry.section = *section;
  entry.rtx = route.kind == PayloadRoute::Kind::rtx;
  entry.lastSeen = packet.now;
  SsrcEntry* added = leg.ssrcs.add(entry, options.maxSsrcsPerSection, packet.now);
  if (added == nullptr) drop(leg, DropReason::rtpSsrcTableFull);
  return added;
}

/// By the mid extension (RFC 8843 section 9.2), else by a payload type that only one section has.
std::optional<std::uint8_t> MediaBridge::State::sectionOf(const BridgeLeg& leg,
                                                          const BridgePacket& packet) const {
  if (!packet.carried.mid.empty()) {
    const std::string_view mid = base::asText(packet.carried.mid);
    for (std::size_t i = 0; i < leg.sections.size(); ++i)
      if (!leg.sections[i].rejected && leg.sections[i].mid == mid) return static_cast<std::uint8_t>(i);
    return std::nullopt;
  }
  std::optional<std::uint8_t> found;
  for (std::size_t i = 0; i < leg.sections.size(); ++i) {
    const BridgeSection& section = leg.sections[i];
    if (section.rejected) continue;
    if (section.routes[packet.view.header.payloadType].kind == PayloadRoute::Kind::none) continue;
    if (found) return std::nullopt;
    found = static_cast<std::uint8_t>(i);
  }
  return found;
}

bool MediaBridge::State::enterSource(BridgeSection& section, BridgePacket& packet) {
  BridgeInbound& in = section.in;
  const std::uint32_t ssrc = packet.view.header.ssrc;
  if (in.active && in.ssrc == ssrc) return true;
  if (in.previousSsrc == ssrc && packet.now - in.since < kSwitchHold) {
    drop(legs[packet.from], DropReason::rtpTooLate);
    return false;
  }
  beginSource(packet.from, section, ssrc, packet.now);
  return true;
}

void MediaBridge::State::beginSource(LegIndex from, BridgeSection& section, std::uint32_t ssrc,
                                     base::Instant now) {
  BridgeInbound& in = section.in;
  if (in.active) {
    in.previousSsrc = in.ssrc;
    in.lostBefore += in.received.cumulativeLost();
  }
  in.active = true;
  in.ssrc = ssrc;
  in.since = now;
  in.hasSr = false;
  in.received.reset();
  in.nack.clear();
  anotherSource(from, section.index);
  if (!section.video()) return;
  wantKeyFrame(from, section.index);  // Satisfied at once if it begins with one, as it should.
  if (legs[from].ready) {
    legs[from].rembDue = now;
    arm(now);
  }
}

void MediaBridge::State::anotherSource(LegIndex from, std::size_t index) {
  BridgeLeg& to = legs[other(from)];
  BridgeSection* target = to.section(index);
  if (target != nullptr && !to.tone.on) target->out.mapper.newSource();
}

bool MediaBridge::State::acceptMedia(BridgeSection& section, BridgePacket& packet) {
  if (!enterSource(section, packet)) return false;
  BridgeLeg& leg = legs[packet.from];
  leg.twccSsrc = packet.view.header.ssrc;
  BridgeInbound& in = section.in;
  const BridgeCodec& codec = section.codecs[packet.route.codec];
  const auto arrival = in.received.onSequence(packet.view.header.sequence);
  packet.sequence = arrival.sequence;
  switch (arrival.kind) {
    case ReceiveStats::Kind::duplicate:
      drop(leg, DropReason::rtpDuplicate);
      return false;
    case ReceiveStats::Kind::tooOld:
      drop(leg, DropReason::rtpTooLate);
      return false;
    case ReceiveStats::Kind::late:
      in.nack.onReceived(arrival.sequence);
      return true;
    case ReceiveStats::Kind::restarted:
      in.nack.clear();
      in.hasSr = false;  // Its clock may be another one now.
      anotherSource(packet.from, section.index);
      wantKeyFrame(packet.from, section.index);
      break;
    case ReceiveStats::Kind::next:
      break;
  }
  in.received.onTiming(packet.view.header.timestamp, codec.clockRate, packet.now);
  if (arrival.missing > 0 && codec.nack && deliverable(packet.from, section.index)) {
    if (in.nack.onGap(arrival.sequence, arrival.missing, packet.now))
      arm(in.nack.nextDue());
    else
      wantKeyFrame(packet.from, section.index);
  }
  return true;
}

bool MediaBridge::State::acceptRtx(BridgeSection& section, const SsrcEntry& entry, BridgePacket& packet) {
  BridgeLeg& leg = legs[packet.from];
  BridgeInbound& in = section.in;
  const auto refuse = [&](DropReason reason) {
    drop(leg, reason);
    return false;
  };
  if (packet.view.payloadSize == 0) return refuse(DropReason::rtpPaddingOnly);
  const auto original = proto::rtxOriginalSequence(packet.packet.data(), packet.view);
  if (!original || !in.active || (entry.mediaKnown && entry.media != in.ssrc))
    return refuse(DropReason::rtxUnusable);
  const auto arrival = in.received.onSequence(*original, false);
  if (arrival.kind == ReceiveStats::Kind::duplicate) return refuse(DropReason::rtpDuplicate);
  if (arrival.kind != ReceiveStats::Kind::late) return refuse(DropReason::rtpTooLate);
  packet.sequence = arrival.sequence;
  packet.skip = 2;
  in.nack.onReceived(arrival.sequence);
  ++in.recovered;
  return true;
}

void MediaBridge::State::lookForKeyFrame(BridgeSection& section, BridgePacket& packet) {
  BridgeInbound& in = section.in;
  const VideoFormat format = section.codecs[packet.route.codec].format;
  if (format == VideoFormat::none) {
    in.keyFrames.satisfied();  // Media comes; more cannot be seen.
  } else if (startsKeyFrame(format, packet.payload())) {
    in.keyFrames.satisfied();
    // An H264 key frame is several units of one time; its first packet may be one of the missing.
    if (format != VideoFormat::h264) in.nack.forgetBefore(packet.sequence);
    if (in.keyFrameStamp == packet.view.header.timestamp) return;
    in.keyFrameStamp = packet.view.header.timestamp;
    ++in.keyFrameCount;
    packet.keyFrame = true;
  } else if (in.keyFrames.wanted() && keyFrameSsrc(packet.from, section)) {
    // The first packet of a source may be what a request was waiting for.
    arm(in.keyFrames.nextDue(options.pliInterval));
  }
}

bool MediaBridge::State::deliverable(LegIndex from, std::size_t index) {
  BridgeLeg& to = legs[other(from)];
  if (!to.present || !to.ready || to.waits() || legs[from].waits()) return false;
  const BridgeSection* target = to.section(index);
  return target != nullptr && target->peerReceives;
}

void MediaBridge::State::forward(BridgeSection& section, BridgePacket& packet) {
  BridgeLeg& leg = legs[packet.from];
  BridgeLeg& to = legs[other(packet.from)];
  if (!to.present) return drop(leg, DropReason::noPeer);
  BridgeSection* target = to.section(section.index);
  if (target == nullptr) return drop(leg, DropReason::peerDirection);
  StreamMapper& mapper = target->out.mapper;
  if (leg.waits() || to.waits()) {
    if (!to.tone.on) mapper.pause();  // Else it is the tone's.
    return drop(leg, DropReason::onHold);
  }
  if (!to.ready || !target->peerReceives) {
    mapper.pause();
    return drop(leg, to.ready ? DropReason::peerDirection : DropReason::peerNotReady);
  }
  // What is left out must not look lost. If later packets went ahead with a gap for it, padding closes it.
  if (packet.payloadSize() == 0 && mapper.skip(packet.sequence)) return drop(leg, DropReason::rtpPaddingOnly);
  if (packet.route.target == kNoPayloadType) {
    mapper.skip(packet.sequence);
    return drop(leg, DropReason::peerNoCodec);
  }
  const auto out = mapper.map(packet.sequence, packet.view.header.timestamp,
                              section.codecs[packet.route.codec].clockRate, packet.now);
  if (!out) return drop(leg, DropReason::rtpTooLate);
  send(*target, packet, *out);
}

void MediaBridge::State::send(BridgeSection& target, BridgePacket& packet, StreamMapper::Out mapped) {
  const LegIndex to = other(packet.from);
  proto::RtpExtensionWriter writer(target.form);
  const base::Bytes extensions = writeExtensions(writer, target, packet.carried, packet.now);
  const proto::RtpHeader header{packet.view.header.marker, packet.route.target, mapped.sequence,
                                mapped.timestamp, target.ourSsrc};
  const std::size_t payload = packet.payloadSize();
  if (!proto::rewriteRtp(packet.packet, packet.view, header, extensions, packet.skip))
    return drop(legs[packet.from], DropReason::packetTooLarge);
  BridgeOutbound& out = target.out;
  out.codec = packet.route.targetCodec;
  if (target.codecs[out.codec].nack)
    out.store.put(packet.packet.data(), mapped.sequence, packet.now, storeLimits(legs[to]));
  out.keyFrames += packet.keyFrame;
  ++out.packets;
  out.octets += payload;
  out.bytes += packet.packet.size;
  out.rate.add(packet.packet.size, packet.now);
  out.lastAt = packet.now;
  if (!out.firstAt) out.firstAt = packet.now;
  sink.sendRtp(to, target.index, packet.packet, false);
}

}  // namespace parley::rtc
