#include "rtc/bridge.h"

#include <algorithm>
#include <limits>

#include "rtc/bridge_state.h"

namespace parley::rtc {

std::uint32_t RateMeter::bitsPerSecond(base::Instant now) const {
  const auto age = std::chrono::duration_cast<base::Millis>(now - since_).count();
  if (age < 0 || age >= 2000) return 0;
  const std::uint64_t current = age < 1000 ? current_ : 0;
  const std::uint64_t previous = age < 1000 ? previous_ : current_;
  const auto passed = static_cast<std::uint64_t>(age % 1000);
  const std::uint64_t bits = 8 * (current + previous * (1000 - passed) / 1000);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bits, std::numeric_limits<std::uint32_t>::max()));
}

BridgeSection* BridgeLeg::section(std::size_t index) {
  // Nearly always at its own index.
  if (index < sections.size() && sections[index].index == index) return &sections[index];
  for (BridgeSection& section : sections)
    if (section.index == index) return &section;
  return nullptr;
}

MediaBridge::MediaBridge(BridgeOptions options, base::Random& random, BridgeSink& sink)
    : state_(std::make_unique<State>(options, random, sink)) {}
MediaBridge::~MediaBridge() = default;

void MediaBridge::configure(LegIndex leg, const LegDescription& description) {
  if (leg < state_->legs.size()) state_->configure(leg, description);
}

void MediaBridge::join(LegIndex a, LegIndex b, base::Instant now) {
  if (a < kMaxLegs && b < kMaxLegs && a != b) state_->join(a, b, now);
}

void MediaBridge::part(LegIndex leg) {
  if (leg < kMaxLegs) state_->part(leg);
}

void MediaBridge::forget(LegIndex leg) {
  if (leg < kMaxLegs) state_->forget(leg);
}

std::optional<LegIndex> MediaBridge::peerOf(LegIndex leg) const {
  const LegIndex peer = state_->legs.peer(leg);
  return peer == BridgeLegs::kNobody ? std::nullopt : std::optional(peer);
}

void MediaBridge::setHeld(LegIndex leg, bool held) {
  if (leg < kMaxLegs) state_->setHeld(leg, held);
}

void MediaBridge::setRinging(LegIndex leg, bool ringing, base::Instant now) {
  if (leg < kMaxLegs) state_->setRinging(leg, ringing, now);
}

bool MediaBridge::held(LegIndex leg) const { return state_->legs[leg].held; }

void MediaBridge::setReady(LegIndex leg, bool ready, base::Instant now) {
  if (leg < state_->legs.size()) state_->setReady(leg, ready, now);
}

void MediaBridge::removeLeg(LegIndex leg, base::Instant) {
  if (leg < state_->legs.size()) state_->removeLeg(leg);
}

void MediaBridge::onRtp(LegIndex from, proto::Packet packet, base::Instant now,
                        std::optional<std::size_t> section) {
  if (from < state_->legs.size()) state_->onRtp(from, packet, now, section);
}

void MediaBridge::onRtcp(LegIndex from, base::Bytes packet, base::Instant now, base::WallTime) {
  if (from < state_->legs.size()) state_->onRtcp(from, packet, now);
}

void MediaBridge::onTimer(base::Instant now, base::WallTime wall) { state_->onTimer(now, wall); }

base::Instant MediaBridge::nextTimer() const { return state_->timerAt; }

namespace {

std::string codecName(const BridgeSection& section, std::uint8_t codec) {
  return codec < section.codecs.size() ? section.codecs[codec].name : std::string();
}

double jitterMs(std::uint32_t jitter, const BridgeSection& section, std::uint8_t codec) {
  const std::uint32_t clock = codec < section.codecs.size() ? section.codecs[codec].clockRate : 0;
  return clock == 0 ? 0 : 1000.0 * jitter / clock;
}

StreamStats inboundStats(const BridgeSection& section, base::Instant now) {
  const BridgeInbound& in = section.in;
  StreamStats out;
  out.packets = in.packets;
  out.bytes = in.bytes;
  out.lost =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, in.lostBefore + in.received.cumulativeLost()));
  out.jitterMs = jitterMs(in.received.jitter(), section, in.codec);
  out.fractionLost = in.fractionLost / 256.0;
  out.nacks = in.nacks;
  out.retransmitted = in.recovered;
  out.plis = in.plis;
  out.firs = in.firs;
  out.keyFrames = in.keyFrameCount;
  out.bitrate = in.rate.bitsPerSecond(now);
  out.codec = in.packets != 0 ? codecName(section, in.codec) : std::string();
  return out;
}

StreamStats outboundStats(const BridgeSection& section, base::Instant now) {
  const BridgeOutbound& from = section.out;
  StreamStats out;
  out.packets = from.packets;
  out.bytes = from.bytes;
  if (from.report) {
    out.lost = static_cast<std::uint64_t>(std::max(0, from.report->lost));
    out.jitterMs = jitterMs(from.report->jitter, section, from.codec);
    out.fractionLost = from.report->fractionLost / 256.0;
  }
  out.nacks = from.nacks;
  out.retransmitted = from.retransmitted;
  out.plis = from.plis;
  out.firs = from.firs;
  out.keyFrames = from.keyFrames;
  out.bitrate = from.rate.bitsPerSecond(now);
  out.codec = from.packets != 0 ? codecName(section, from.codec) : std::string();
  return out;
}

}  // namespace

LegStats MediaBridge::stats(LegIndex index, base::Instant now) const {
  LegStats out;
  if (index >= state_->legs.size()) return out;
  const BridgeLeg& leg = state_->legs[index];
  for (const BridgeSection& section : leg.sections)
    out.sections.push_back(
        {section.index, section.kind, inboundStats(section, now), outboundStats(section, now)});
  if (leg.rtt) out.rttMs = static_cast<double>(leg.rtt->count()) / 1000.0;
  out.remb = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(leg.remb, std::numeric_limits<std::uint32_t>::max()));
  out.drops = leg.drops;
  return out;
}

namespace {

template <class Direction>
std::optional<base::Instant> earliestOf(const BridgeLeg& leg, MediaKind kind, Direction direction) {
  std::optional<base::Instant> at;
  for (const BridgeSection& section : leg.sections) {
    const auto first = (section.*direction).firstAt;
    if (section.kind == kind && first && (!at || *first < *at)) at = first;
  }
  return at;
}

}  // namespace

std::optional<base::Instant> MediaBridge::firstPacketFrom(LegIndex leg, MediaKind kind) const {
  if (leg >= state_->legs.size()) return std::nullopt;
  return earliestOf(state_->legs[leg], kind, &BridgeSection::in);
}

std::optional<base::Instant> MediaBridge::firstPacketTo(LegIndex leg, MediaKind kind) const {
  if (leg >= state_->legs.size()) return std::nullopt;
  return earliestOf(state_->legs[leg], kind, &BridgeSection::out);
}

}  // namespace parley::rtc
