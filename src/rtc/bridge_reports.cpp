// MediaBridge: the RTCP that we make. Reports each second, feedback when it is due.
#include <algorithm>

#include "rtc/bridge_state.h"

namespace parley::rtc {
namespace {

constexpr base::Millis kReportInterval{1000};
constexpr base::Millis kPlainReportInterval{5000};  ///< Without AVPF (RFC 3550 section 6.2).
constexpr base::Millis kRembRepeat{1000};
constexpr base::Millis kSendingFor{2'500};   ///< A stream that was silent longer gets no SR.
constexpr base::Millis kReportFresh{4'000};  ///< A receiver's report counts for the sender's this long.
constexpr base::Millis kOwnClockAfter{2'000};

std::uint64_t ntpAfter(std::uint64_t ntp, base::Instant::duration elapsed) {
  const auto micros = static_cast<std::uint64_t>(std::chrono::duration_cast<base::Micros>(elapsed).count());
  return ntp + (micros / 1'000'000 << 32) + ((micros % 1'000'000 << 32) / 1'000'000);
}

std::uint32_t stampAfter(std::uint32_t stamp, base::Instant::duration elapsed, std::uint32_t clockRate) {
  const auto micros = static_cast<std::uint64_t>(std::chrono::duration_cast<base::Micros>(elapsed).count());
  return stamp + static_cast<std::uint32_t>(micros / 1'000'000 * clockRate +
                                            micros % 1'000'000 * clockRate / 1'000'000);
}

proto::RtcpSenderInfo sentSoFar(const BridgeOutbound& out) {
  proto::RtcpSenderInfo info;
  info.packets = static_cast<std::uint32_t>(out.packets);
  info.octets = static_cast<std::uint32_t>(out.octets);
  return info;
}

proto::RtcpSenderInfo ownClock(const BridgeOutbound& out, base::Instant now, base::WallTime wall) {
  proto::RtcpSenderInfo info = sentSoFar(out);
  info.ntp = base::ntpOf(wall);
  info.rtpTimestamp = stampAfter(out.mapper.lastTimestamp(), now - out.lastAt, out.mapper.clockRate());
  return info;
}

std::uint32_t middleOf(std::uint64_t ntp) { return static_cast<std::uint32_t>(ntp >> 16); }

}  // namespace

void BridgeRtcp::begin(const BridgeLeg& leg, const BridgeSection& section) {
  if (section.reducedRtcp) return;
  writer.receiverReport(section.ourSsrc, {});
  writer.cname({&section.ourSsrc, 1}, leg.cname);
}

void BridgeRtcp::send(BridgeSink& sink, LegIndex to, std::size_t section) {
  if (writer.size() != 0) sink.sendRtcp(to, section, proto::Packet{slot_, kHeadroom, writer.size()});
}

void MediaBridge::State::onTimer(base::Instant now, base::WallTime wall) {
  for (LegIndex i = 0; i < legs.size(); ++i) {
    BridgeLeg& leg = legs[i];
    if (!leg.present || !leg.ready) continue;
    for (BridgeSection& section : leg.sections) {
      sendNacks(i, section, now);
      askKeyFrame(i, section, now);
    }
    if (leg.twccDue <= now) sendTransportCc(i);
    if (leg.rembDue <= now) sendRemb(i, now);
    if (leg.reportDue <= now) sendReports(i, now, wall);
    if (leg.tone.due <= now) sendTone(i, now);
  }
  timerAt = earliest();
}

base::Instant MediaBridge::State::earliest() {
  base::Instant at = base::Instant::max();
  for (LegIndex i = 0; i < legs.size(); ++i) {
    BridgeLeg& leg = legs[i];
    if (!leg.present || !leg.ready) continue;
    at = std::min({at, leg.reportDue, leg.twccDue, leg.rembDue, leg.tone.due});
    for (BridgeSection& section : leg.sections) {
      at = std::min(at, section.in.nack.nextDue());
      if (section.in.keyFrames.wanted() && keyFrameSsrc(i, section))
        at = std::min(at, section.in.keyFrames.nextDue(options.pliInterval));
    }
  }
  return at;
}

void MediaBridge::State::sendReports(LegIndex index, base::Instant now, base::WallTime wall) {
  BridgeLeg& leg = legs[index];
  const base::Millis interval = leg.bundled ? kReportInterval : kPlainReportInterval;
  leg.reportDue = now + interval * (80 + random.u32() % 41) / 100;
  if (leg.bundled) return sendReport(index, leg.sections, now, wall);
  for (BridgeSection& section : leg.sections) sendReport(index, {&section, 1}, now, wall);
}

/// Of sections that share a transport.
void MediaBridge::State::sendReport(LegIndex index, std::span<BridgeSection> sections, base::Instant now,
                                    base::WallTime wall) {
  BridgeLeg& leg = legs[index];
  BridgeRtcp rtcp;
  std::array<std::uint32_t, 8> ssrcs;
  std::size_t count = 0;
  for (BridgeSection& section : sections) {
    section.out.store.trim(now, storeLimits(leg));
    if (section.rejected || count == ssrcs.size()) continue;
    const auto block = reportBlock(index, section, now);
    const auto blocks = block ? std::span(&*block, 1) : std::span<const proto::RtcpReportBlock>{};
    if (const auto info = senderInfo(index, section, now, wall)) {
      rtcp.writer.senderReport(section.ourSsrc, *info, blocks);
      section.out.sentSrs[section.out.nextSr++ % section.out.sentSrs.size()] = {middleOf(info->ntp), now};
    } else if (block || count == 0) {
      rtcp.writer.receiverReport(section.ourSsrc, blocks);
    } else {
      continue;
    }
    ssrcs[count++] = section.ourSsrc;
  }
  if (count == 0) return;
  rtcp.writer.cname(std::span(ssrcs).first(count), leg.cname);
  rtcp.send(sink, index, sections.front().index);
}

/// The source's own clock, moved on to now, so that audio and video of one machine stay in step. A source
/// that sends no reports at all gets our clock.
std::optional<proto::RtcpSenderInfo> MediaBridge::State::senderInfo(LegIndex index, BridgeSection& section,
                                                                    base::Instant now, base::WallTime wall) {
  const BridgeOutbound& out = section.out;
  if (!section.peerReceives || out.packets == 0 || now - out.lastAt > kSendingFor) return std::nullopt;
  if (legs[index].tone.on) return ownClock(out, now, wall);
  const BridgeLeg& from = legs[other(index)];
  const BridgeSection* source = legs[other(index)].section(section.index);
  if (source == nullptr || !source->in.active) return std::nullopt;
  const BridgeInbound& in = source->in;
  if (in.hasSr) {
    const auto stamp = out.mapper.timestampOf(in.sr.rtpTimestamp);
    if (!stamp) return std::nullopt;
    proto::RtcpSenderInfo info = sentSoFar(out);
    info.ntp = ntpAfter(in.sr.ntp, now - in.srAt);
    info.rtpTimestamp = stampAfter(*stamp, now - in.srAt, out.mapper.clockRate());
    return info;
  }
  const bool silent = std::ranges::none_of(from.sections, [](const BridgeSection& s) { return s.in.hasSr; });
  if (!silent || now - in.since < kOwnClockAfter) return std::nullopt;
  return ownClock(out, now, wall);
}

std::optional<proto::RtcpReportBlock> MediaBridge::State::reportBlock(LegIndex index, BridgeSection& section,
                                                                      base::Instant now) {
  BridgeInbound& in = section.in;
  if (!in.active || !in.received.started()) return std::nullopt;
  in.fractionLost = in.received.takeFraction();
  proto::RtcpReportBlock block;
  block.ssrc = in.ssrc;
  block.fractionLost = in.fractionLost;
  // The sender should slow down for the worse of the two ways.
  const BridgeSection* target = legs[other(index)].section(section.index);
  if (target != nullptr && target->out.report && now - target->out.report->at < kReportFresh)
    block.fractionLost = std::max(block.fractionLost, target->out.report->fractionLost);
  block.cumulativeLost =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(in.received.cumulativeLost(), -0x800000, 0x7fffff));
  block.highestSequence = in.received.highestExtended();
  block.jitter = in.received.jitter();
  if (in.hasSr) {
    const auto held = std::chrono::duration_cast<base::Micros>(now - in.srAt).count();
    block.lastSr = middleOf(in.sr.ntp);
    block.delaySinceLastSr = static_cast<std::uint32_t>(held * 65536 / 1'000'000);
  }
  return block;
}

void MediaBridge::State::sendTransportCc(LegIndex index) {
  BridgeLeg& leg = legs[index];
  leg.twccDue = base::Instant::max();
  const auto section = std::ranges::find_if(leg.sections, [](const BridgeSection& s) { return !s.rejected; });
  if (section == leg.sections.end()) return leg.twcc.reset();
  while (!leg.twcc.empty()) {
    BridgeRtcp rtcp;
    rtcp.begin(leg, *section);
    const std::size_t before = rtcp.writer.size();
    while (leg.twcc.write(rtcp.writer, section->ourSsrc, leg.twccSsrc)) {
    }
    if (rtcp.writer.size() == before) return leg.twcc.reset();
    rtcp.send(sink, index, section->index);
  }
}

/// What the sender may send: what the receiver says it can take, under the caps. 0: no limit.
std::uint64_t MediaBridge::State::rembFor(LegIndex sender, base::Instant now) {
  BridgeLeg& receiver = legs[other(sender)];
  std::uint64_t cap = 0;
  for (const BridgeSection& section : legs[sender].sections) {
    if (!section.video() || !section.peerSends) continue;
    const BridgeSection* target = receiver.section(section.index);
    const std::uint32_t asked = target != nullptr ? target->maxBitrate : 0;
    const std::uint32_t most = options.maxVideoBitrate;
    cap += asked == 0 || most == 0 ? std::max(asked, most) : std::min(asked, most);
  }
  const std::uint64_t limit = receiver.capacity.limit(now);
  if (limit == ReceiverCapacity::kNone) return cap;
  return cap == 0 ? limit : std::min(cap, limit);
}

void MediaBridge::State::sendRemb(LegIndex index, base::Instant now) {
  BridgeLeg& leg = legs[index];
  leg.rembDue = base::Instant::max();
  std::array<std::uint32_t, 8> ssrcs;
  std::size_t count = 0;
  const BridgeSection* first = nullptr;
  for (const BridgeSection& section : leg.sections) {
    const bool wanted = section.video() && section.peerSends &&
                        std::ranges::any_of(section.codecs, [](const BridgeCodec& c) { return c.remb; });
    if (!wanted || !section.in.active || count == ssrcs.size()) continue;
    if (first == nullptr) first = &section;
    ssrcs[count++] = section.in.ssrc;
  }
  if (first == nullptr) return;  // A source that begins makes it due.
  leg.rembDue = now + kRembRepeat;
  const std::uint64_t rate = rembFor(index, now);
  if (rate == 0) return;
  BridgeRtcp rtcp;
  rtcp.begin(leg, *first);
  rtcp.writer.remb(first->ourSsrc, rate, std::span(ssrcs).first(count));
  rtcp.send(sink, index, first->index);
  leg.rembSent = rate;
  leg.rembSentAt = now;
}

void MediaBridge::State::sendNacks(LegIndex index, BridgeSection& section, base::Instant now) {
  BridgeInbound& in = section.in;
  if (in.nack.nextDue() > now) return;
  if (!deliverable(index, section.index)) return in.nack.clear();
  std::array<std::uint16_t, NackGenerator::kMaxMissing> due;
  const auto taken = in.nack.takeDue(now, legs[index].rttOr(kDefaultRtt), due);
  if (taken.gaveUp) wantKeyFrame(index, section.index);
  if (taken.count == 0) return;
  BridgeRtcp rtcp;
  rtcp.begin(legs[index], section);
  rtcp.writer.nack(section.ourSsrc, in.ssrc, std::span(due).first(taken.count));
  rtcp.send(sink, index, section.index);
  ++in.nacks;
}

/// Whom to ask: nothing when asking makes no sense (yet).
std::optional<std::uint32_t> MediaBridge::State::keyFrameSsrc(LegIndex index, const BridgeSection& section) {
  if (!legs[index].ready || !section.peerSends || !deliverable(index, section.index)) return std::nullopt;
  if (section.codecs.empty()) return std::nullopt;
  const BridgeCodec& codec = section.codecs[section.in.codec];
  if (!codec.pli && !codec.fir && legs[index].bundled) return std::nullopt;
  if (section.in.active) return section.in.ssrc;
  return section.signalledSsrc;
}

void MediaBridge::State::askKeyFrame(LegIndex index, BridgeSection& section, base::Instant now) {
  BridgeInbound& in = section.in;
  if (!in.keyFrames.wanted()) return;
  const auto ssrc = keyFrameSsrc(index, section);
  if (!ssrc || !in.keyFrames.take(now, options.pliInterval)) return;
  const BridgeCodec& codec = section.codecs[in.codec];
  if (!codec.pli && !codec.fir) return sink.keyFrameWanted(index);
  BridgeRtcp rtcp;
  rtcp.begin(legs[index], section);
  if (codec.pli) {
    rtcp.writer.pli(section.ourSsrc, *ssrc);
    ++in.plis;
  } else {
    rtcp.writer.fir(section.ourSsrc, *ssrc, in.keyFrames.nextFir());
    ++in.firs;
  }
  rtcp.send(sink, index, section.index);
}

void MediaBridge::State::sendBye(LegIndex index) {
  const BridgeLeg& leg = legs[index];
  if (leg.bundled) return sendBye(index, leg.sections);
  for (const BridgeSection& section : leg.sections) sendBye(index, {&section, 1});
}

void MediaBridge::State::sendBye(LegIndex index, std::span<const BridgeSection> sections) {
  std::array<std::uint32_t, 8> ssrcs;
  std::size_t count = 0;
  for (const BridgeSection& section : sections)
    if (!section.rejected && count < ssrcs.size()) ssrcs[count++] = section.ourSsrc;
  if (count == 0) return;
  BridgeRtcp rtcp;
  rtcp.writer.receiverReport(ssrcs[0], {});
  rtcp.writer.cname(std::span(ssrcs).first(1), legs[index].cname);
  rtcp.writer.bye(std::span(ssrcs).first(count));
  rtcp.send(sink, index, sections.front().index);
}

}  // namespace parley::rtc
