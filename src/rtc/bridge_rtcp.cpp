// MediaBridge: what a peer's RTCP means.
#include <algorithm>

#include "rtc/bridge_state.h"

namespace parley::rtc {
namespace {

// Numbers of one NACK that are looked up: bounds the work that one datagram can cause.
constexpr std::size_t kMaxNackedPerBlock = 512;
constexpr base::Micros kMaxRtt{10'000'000};
constexpr base::Millis kRembInterval{200};

}  // namespace

void MediaBridge::State::onRtcp(LegIndex from, base::Bytes packet, base::Instant now) {
  BridgeLeg& leg = legs[from];
  if (!leg.present) return drop(leg, DropReason::callClosed);
  proto::RtcpReader reader(packet);
  bool sound = true;
  while (const auto block = reader.next()) sound &= onBlock(from, *block, now);
  if (!sound || !reader.ok() || packet.empty()) drop(leg, DropReason::rtcpMalformed);
}

bool MediaBridge::State::onBlock(LegIndex from, const proto::RtcpBlock& block, base::Instant now) {
  switch (block.type) {
    case proto::RtcpType::senderReport:
    case proto::RtcpType::receiverReport:
      return onReport(from, block, now);
    case proto::RtcpType::bye:
      return onBye(from, block, now);
    case proto::RtcpType::transportFeedback:
      return onTransportFeedback(from, block, now);
    case proto::RtcpType::payloadFeedback:
      return onPayloadFeedback(from, block, now);
    case proto::RtcpType::sdes:
    case proto::RtcpType::app:
    case proto::RtcpType::extendedReport:
      return true;
  }
  return true;  // A type that we do not know: passed over (RFC 3550 section 6.1).
}

BridgeSection* MediaBridge::State::sectionByOurSsrc(BridgeLeg& leg, std::uint32_t ssrc) {
  for (BridgeSection& section : leg.sections)
    if (!section.rejected && section.ourSsrc == ssrc) return &section;
  return nullptr;
}

bool MediaBridge::State::onReport(LegIndex from, const proto::RtcpBlock& block, base::Instant now) {
  const auto report = proto::parseReport(block);
  if (!report) return false;
  BridgeLeg& leg = legs[from];
  if (report->sender) onSenderInfo(from, report->ssrc, *report->sender, now);
  for (std::size_t i = 0; i < report->size(); ++i) {
    const proto::RtcpReportBlock one = report->block(i);
    if (BridgeSection* section = sectionByOurSsrc(leg, one.ssrc)) onReportBlock(leg, *section, one, now);
  }
  return true;
}

void MediaBridge::State::onSenderInfo(LegIndex from, std::uint32_t ssrc, const proto::RtcpSenderInfo& info,
                                      base::Instant now) {
  for (BridgeSection& section : legs[from].sections) {
    BridgeInbound& in = section.in;
    if (!in.active || in.ssrc != ssrc) continue;
    const bool first = !in.hasSr;
    in.hasSr = true;
    in.sr = info;
    in.srAt = now;
    BridgeLeg& to = legs[other(from)];
    if (!first || !deliverable(from, section.index)) return;
    // A new source: the receiver synchronises the sooner.
    to.reportDue = std::min(to.reportDue, now + base::Millis(10));
    arm(to.reportDue);
    return;
  }
}

void MediaBridge::State::onReportBlock(BridgeLeg& leg, BridgeSection& section,
                                       const proto::RtcpReportBlock& block, base::Instant now) {
  section.out.report =
      BridgeOutbound::PeerReport{block.fractionLost, block.cumulativeLost, block.jitter, now};
  if (block.lastSr == 0) return;
  // The NTP time that we sent is another machine's: what counts is when we sent it.
  for (const BridgeOutbound::SentSr& sent : section.out.sentSrs) {
    if (sent.middle != block.lastSr || sent.at == base::Instant{}) continue;
    const base::Micros held(static_cast<std::int64_t>(block.delaySinceLastSr) * 1'000'000 / 65536);
    const auto rtt = std::chrono::duration_cast<base::Micros>(now - sent.at) - held;
    if (rtt > kMaxRtt) return;
    const base::Micros measured = std::max(rtt, base::Micros(0));
    leg.rtt = leg.rtt ? (*leg.rtt * 7 + measured) / 8 : measured;
    return;
  }
}

bool MediaBridge::State::onTransportFeedback(LegIndex from, const proto::RtcpBlock& block,
                                             base::Instant now) {
  if (block.count != proto::kFmtNack) return true;  // We send no transport-wide numbers.
  const auto nack = proto::parseNack(block);
  if (!nack) return false;
  onNack(from, *nack, now);
  return true;
}

void MediaBridge::State::onNack(LegIndex from, const proto::RtcpNack& nack, base::Instant now) {
  BridgeSection* section = sectionByOurSsrc(legs[from], nack.mediaSsrc);
  if (section == nullptr || !legs[from].ready || !section->peerReceives) return;
  ++section->out.nacks;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < nack.size() && seen < kMaxNackedPerBlock; ++i) {
    const std::uint16_t first = nack.packetId(i);
    resend(from, *section, first, now);
    ++seen;
    for (unsigned bit = 0; bit < 16; ++bit) {
      if ((nack.bitmask(i) >> bit & 1) == 0) continue;
      resend(from, *section, static_cast<std::uint16_t>(first + bit + 1), now);
      ++seen;
    }
  }
}

bool MediaBridge::State::resend(LegIndex to, BridgeSection& section, std::uint16_t sequence,
                                base::Instant now) {
  BridgeOutbound& out = section.out;
  const auto stored = out.store.take(sequence, now, legs[to].rttOr(kDefaultRtt));
  if (!stored) return false;
  // Room for a header extension before and SRTP after; bigger packets were never forwarded whole.
  constexpr std::size_t kHeadroom = 64, kTailroom = 64;
  std::array<std::uint8_t, 2048> slot;
  const base::MutableBytes room =
      base::MutableBytes(slot).subspan(kHeadroom, slot.size() - kHeadroom - kTailroom);
  const auto view = proto::parseRtp(*stored);
  if (!view) return false;
  std::uint8_t rtx = kNoPayloadType;
  for (const BridgeCodec& codec : section.codecs)
    if (codec.payloadType == view->header.payloadType) rtx = codec.rtx;
  std::size_t size = stored->size();
  if (rtx != kNoPayloadType && section.ourRtxSsrc != 0) {
    size = proto::writeRtx(*stored, rtx, section.ourRtxSsrc, out.rtxSequence, room);
    if (size == 0) return false;
    ++out.rtxSequence;
    if (section.ids.absSendTime != 0) {
      proto::patchRtpExtension(room.first(size), section.ids.absSendTime, absSendTime(now));
    }
  } else if (!sink.mayRepeat(to)) {
    drop(legs[to], DropReason::resendNeedsRtx);
    return false;
  } else {
    // Bit for bit as before: the same index under the same key must never protect something else.
    if (size > room.size()) return false;
    std::copy(stored->begin(), stored->end(), room.begin());
  }
  ++out.retransmitted;
  out.bytes += size;
  out.rate.add(size, now);
  sink.sendRtp(to, section.index, proto::Packet{slot, kHeadroom, size}, true);
  return true;
}

RetransmissionStore::Limits MediaBridge::State::storeLimits(const BridgeLeg& leg) const {
  RetransmissionStore::Limits limits{options.maxStoredPackets, options.maxStoredBytes, options.storeFor};
  // Who is near asks soon: some round trips and the receiver's delays are enough.
  if (leg.rtt)
    limits.storeFor =
        std::min(limits.storeFor, base::Millis(120) + std::chrono::duration_cast<base::Millis>(*leg.rtt * 4));
  return limits;
}

bool MediaBridge::State::onPayloadFeedback(LegIndex from, const proto::RtcpBlock& block, base::Instant now) {
  BridgeLeg& leg = legs[from];
  if (block.count == proto::kFmtPli) {
    const auto pli = proto::parsePli(block);
    if (!pli) return false;
    BridgeSection* section = sectionByOurSsrc(leg, pli->mediaSsrc);
    if (section == nullptr) return true;
    ++section->out.plis;
    onKeyFrameRequest(from, *section, now);
  } else if (block.count == proto::kFmtFir) {
    const auto fir = proto::parseFir(block);
    if (!fir) return false;
    for (std::size_t i = 0; i < fir->size(); ++i) {
      BridgeSection* section = sectionByOurSsrc(leg, fir->ssrc(i));
      if (section == nullptr) continue;
      ++section->out.firs;
      onKeyFrameRequest(from, *section, now);
    }
  } else if (block.count == proto::kFmtApplication) {
    if (const auto remb = proto::parseRemb(block)) onRemb(from, remb->bitrate, now);
  }
  return true;
}

void MediaBridge::State::onKeyFrameRequest(LegIndex from, BridgeSection& section, base::Instant now) {
  const LegIndex sender = other(from);
  BridgeSection* source = legs[sender].section(section.index);
  if (source == nullptr || !section.peerReceives || !legs[from].ready) return;
  wantKeyFrame(sender, section.index);
  askKeyFrame(sender, *source, now);
}

void MediaBridge::State::onRemb(LegIndex from, std::uint64_t bitrate, base::Instant now) {
  BridgeLeg& leg = legs[from];
  leg.remb = std::max<std::uint64_t>(bitrate, 1);
  std::uint64_t sending = 0;
  for (const BridgeSection& section : leg.sections) sending += section.out.rate.bitsPerSecond(now);
  leg.capacity.onEstimate(leg.remb, sending, now);
  BridgeLeg& sender = legs[other(from)];
  if (!sender.present || !sender.ready) return;
  const std::uint64_t wanted = rembFor(other(from), now);
  if (wanted == sender.rembSent) return;
  // A drop goes across at once, a rise may wait.
  const bool drop = sender.rembSent == 0 || wanted < sender.rembSent - sender.rembSent / 32;
  const base::Instant due = drop ? now : std::max(now, sender.rembSentAt + kRembInterval);
  sender.rembDue = std::min(sender.rembDue, due);
  arm(sender.rembDue);
}

bool MediaBridge::State::onBye(LegIndex from, const proto::RtcpBlock& block, base::Instant now) {
  const auto bye = proto::parseBye(block);
  if (!bye) return false;
  BridgeLeg& leg = legs[from];
  for (std::size_t i = 0; i < bye->size(); ++i) {
    const std::uint32_t ssrc = (*bye)[i];
    const SsrcEntry* entry = leg.ssrcs.find(ssrc);
    if (entry == nullptr) continue;
    const bool keep = entry->signalled;
    for (BridgeSection& section : leg.sections) {
      BridgeInbound& in = section.in;
      if (!in.active || in.ssrc != ssrc) continue;
      in.lostBefore += in.received.cumulativeLost();
      in.active = in.hasSr = false;
      in.previousSsrc = ssrc;  // Its stragglers are not a source that begins.
      in.since = now;
      in.received.reset();
      in.nack.clear();
    }
    if (!keep) leg.ssrcs.remove(ssrc);
  }
  return true;
}

}  // namespace parley::rtc
