#include "broker/call.h"

#include <algorithm>
#include <utility>

#include "broker/rtp_leg.h"
#include "broker/webrtc_leg.h"

namespace parley::broker {
namespace {

base::Error unknownLeg(std::string_view id) {
  return {"leg.unknown", "the call has no leg \"" + std::string(id) + "\""};
}

/// When an instant of a moment ago was, for people.
base::WallTime wallOf(base::Instant then, base::Instant now) {
  return base::wallNow() - std::chrono::duration_cast<base::WallTime::duration>(now - then);
}

}  // namespace

Call::Call(LegHost& host, unsigned worker, CallSpec spec, const rtc::LocalTransport& transport,
           std::shared_ptr<rtc::DtlsCertificate> certificate, base::Random& random, base::Instant now)
    : host_(host),
      worker_(worker),
      spec_(std::move(spec)),
      transport_(transport),
      certificate_(std::move(certificate)),
      createdAt_(now),
      lastActivity_(now),
      now_(now),
      negotiator_(spec_.negotiator, random),
      bridge_(spec_.bridge, random, *this) {
  for (rtc::LegIndex i = 0; i < std::min(spec_.legs.size(), kMaxLegs); ++i) placeLeg(i, spec_.legs[i]);
  if (spec_.legs.size() < 2) bridge_.part(0);
  if (spec_.legs.size() >= 2) negotiator_.join(legs_[0]->id(), legs_[1]->id());
}

void Call::placeLeg(rtc::LegIndex index, const LegSpec& spec) {
  const rtc::LegId id(spec.id);
  if (spec.kind == rtc::LegKind::webrtc) {
    legs_[index] = std::make_unique<WebrtcLeg>(host_, *this, index, spec_.id, id, certificate_);
    return negotiator_.addLeg(id, spec.kind, transport_);
  }
  auto leg = std::make_unique<RtpLeg>(host_, *this, index, spec_.id, id, spec.security);
  rtc::LocalTransport transport;
  transport.security = spec.security;
  transport.address = [leg = leg.get()](std::size_t section, std::optional<bool> isV4) {
    return leg->address(section, isV4);
  };
  negotiator_.addLeg(id, spec.kind, std::move(transport));
  legs_[index] = std::move(leg);
}

Leg* Call::find(std::string_view id) const {
  for (const auto& leg : legs_)
    if (leg && leg->id().value() == id) return leg.get();
  return nullptr;
}

std::size_t Call::legCount() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(legs_, [](const auto& leg) { return leg != nullptr; }));
}

base::Result<bool> Call::addLeg(const LegSpec& spec, base::Instant now) {
  touch(now);
  if (find(spec.id) != nullptr) {
    const auto known = std::ranges::find(spec_.legs, spec.id, &LegSpec::id);
    if (*known == spec) return false;
    return base::fail("leg.exists", "the call has a leg \"" + spec.id + "\" of another kind");
  }
  const auto free = std::ranges::find_if(legs_, [](const auto& leg) { return leg == nullptr; });
  if (free == legs_.end())
    return base::fail("call.too_many_legs", "the call has " + std::to_string(kMaxLegs) + " legs");
  const auto index = static_cast<rtc::LegIndex>(free - legs_.begin());
  bridge_.forget(index);
  awaited_[index] = {};
  placeLeg(index, spec);
  spec_.legs.push_back(spec);
  negotiator_.part(legs_[index]->id());
  return true;
}

base::Result<LegReport> Call::removeLeg(std::string_view id, base::Instant now) {
  touch(now);
  now_ = now;
  Leg* leg = find(id);
  if (leg == nullptr) return std::unexpected(unknownLeg(id));
  LegReport report = legReport(*leg, now);
  const rtc::DropCounts drops = bridge_.stats(leg->index(), now).drops;
  for (std::size_t i = 0; i < drops.size(); ++i) removedDrops_[i] += drops[i];
  bridge_.removeLeg(leg->index(), now);
  bridge_.forget(leg->index());
  leg->close();
  negotiator_.removeLeg(leg->id());
  std::erase_if(spec_.legs, [&](const LegSpec& each) { return each.id == id; });
  legs_[leg->index()].reset();
  configureTransports(now);
  return report;
}

base::Result<std::vector<std::string>> Call::join(std::string_view a, std::string_view b, base::Instant now) {
  touch(now);
  now_ = now;
  const Leg* first = find(a);
  const Leg* second = find(b);
  if (first == nullptr) return std::unexpected(unknownLeg(a));
  if (second == nullptr || first == second) return std::unexpected(unknownLeg(b));
  negotiator_.join(first->id(), second->id());
  bridge_.join(first->index(), second->index(), now);
  return renegotiate();
}

base::Result<void> Call::hold(std::string_view id, bool held, base::Instant now, bool ringing) {
  touch(now);
  const Leg* leg = find(id);
  if (leg == nullptr) return std::unexpected(unknownLeg(id));
  const auto peer = bridge_.peerOf(leg->index());
  if (!peer || !legs_[*peer])
    return base::fail("leg.alone", "nobody hears the leg \"" + std::string(id) + "\"");
  negotiator_.setHeld(legs_[*peer]->id(), held);
  bridge_.setHeld(*peer, held);
  bridge_.setRinging(*peer, held && ringing, now);
  return {};
}

base::Result<std::string> Call::offer(std::string_view from, std::string_view sdp, std::string_view to,
                                      base::Instant now) {
  touch(now);
  const Leg* offerer = find(from);
  const Leg* answerer = find(to);
  if (offerer == nullptr) return std::unexpected(unknownLeg(from));
  if (answerer == nullptr || answerer == offerer) return std::unexpected(unknownLeg(to));
  auto result = negotiator_.offer(offerer->id(), sdp, answerer->id());
  configureTransports(now);  // Failed, too: ports that were opened for it close.
  return result;
}

base::Result<SdpAnswer> Call::answer(std::string_view from, std::string_view sdp, base::Instant now) {
  touch(now);
  const Leg* answerer = find(from);
  if (answerer == nullptr) return std::unexpected(unknownLeg(from));
  auto result = negotiator_.answer(answerer->id(), sdp);
  if (!result) {
    configureTransports(now);
    return std::unexpected(result.error());
  }
  afterAnswer(now);
  return answerOf(std::move(*result), *answerer);
}

base::Result<SdpAnswer> Call::answerLocally(std::string_view from, std::string_view sdp, base::Instant now) {
  touch(now);
  const Leg* offerer = find(from);
  if (offerer == nullptr) return std::unexpected(unknownLeg(from));
  auto result = negotiator_.answerLocally(offerer->id(), sdp);
  if (!result) {
    configureTransports(now);
    return std::unexpected(result.error());
  }
  afterAnswer(now);
  return answerOf(std::move(*result), *offerer);
}

base::Result<std::string> Call::makeOffer(std::string_view to, std::string_view towards, base::Instant now) {
  touch(now);
  const Leg* leg = find(to);
  if (leg == nullptr) return std::unexpected(unknownLeg(to));
  std::optional<rtc::LegId> other;
  if (!towards.empty()) {
    const Leg* found = find(towards);
    if (found == nullptr || found == leg) return std::unexpected(unknownLeg(towards));
    other = found->id();
  }
  auto result = negotiator_.makeOffer(leg->id(), other);
  configureTransports(now);
  return result;
}

base::Result<void> Call::rollback(std::string_view from, std::string_view to, base::Instant now) {
  touch(now);
  const Leg* leg = find(from.empty() ? to : from);
  if (leg == nullptr) return std::unexpected(unknownLeg(from.empty() ? to : from));
  if (from.empty()) {
    negotiator_.rollbackTo(leg->id());
  } else {
    negotiator_.rollback(leg->id());
  }
  configureTransports(now);
  return {};
}

void Call::afterAnswer(base::Instant now) {
  configureMedia();
  configureTransports(now);
}

SdpAnswer Call::answerOf(std::string sdp, const Leg& leg) const {
  return {std::move(sdp), negotiator_.peerHolds(leg.id()), renegotiate()};
}

std::vector<std::string> Call::renegotiate() const {
  std::vector<std::string> legs;
  for (const rtc::LegId& id : negotiator_.renegotiate()) legs.push_back(id.value());
  return legs;
}

void Call::configureTransports(base::Instant now) {
  now_ = now;
  eachLeg([&](Leg& leg) {
    if (const auto* description = negotiator_.description(leg.id())) leg.configure(*description, now);
    if (leg.kind() == rtc::LegKind::rtp && !negotiator_.pending(leg.id()))
      static_cast<RtpLeg&>(leg).closeUnused();
  });
}

void Call::configureMedia() {
  eachLeg([&](const Leg& leg) {
    const auto* description = negotiator_.description(leg.id());
    if (description == nullptr || description->sections.empty()) return;
    bridge_.configure(leg.index(), *description);
    for (const rtc::MediaSection& section : description->sections) {
      if (section.rejected) continue;
      auto& awaited = awaited_[leg.index()][static_cast<std::size_t>(section.kind)];
      const auto from = bridge_.firstPacketFrom(leg.index(), section.kind);
      const auto to = bridge_.firstPacketTo(leg.index(), section.kind);
      awaited = {section.peerSends && !from, section.peerReceives && !to};
    }
  });
  anyAwaited_ = true;
}

void Call::onReadyChanged(Leg& leg) { bridge_.setReady(leg.index(), leg.ready(), now_); }

void Call::onRtp(Leg& leg, proto::Packet packet, base::Instant now, std::optional<std::size_t> section) {
  lastActivity_ = now_ = now;
  bridge_.onRtp(leg.index(), packet, now, section);
}

void Call::onRtcp(Leg& leg, proto::Packet packet, base::Instant now) {
  lastActivity_ = now_ = now;
  bridge_.onRtcp(leg.index(), packet.data(), now, base::wallNow());
}

void Call::sendRtp(rtc::LegIndex to, std::size_t section, proto::Packet packet, bool mustCopy) {
  if (legs_[to]) legs_[to]->sendRtp(section, packet, mustCopy);
}

void Call::sendRtcp(rtc::LegIndex to, std::size_t section, proto::Packet packet) {
  if (legs_[to]) legs_[to]->sendRtcp(section, packet);
}

void Call::keyFrameWanted(rtc::LegIndex from) {
  if (legs_[from]) legs_[from]->emit("key-frame-wanted", {}, base::wallNow());
}

void Call::onTimer(base::Instant now) {
  now_ = now;
  eachLeg([&](Leg& leg) { leg.onTimer(now); });
  if (bridge_.nextTimer() <= now) bridge_.onTimer(now, base::wallNow());
  reportFirstMedia(now);
}

base::Instant Call::nextTimer() const {
  base::Instant next = bridge_.nextTimer();
  eachLeg([&](const Leg& leg) { next = std::min(next, leg.nextTimer()); });
  return next;
}

void Call::onSecond(base::Instant now) {
  now_ = now;
  eachLeg([&](Leg& leg) { leg.onSecond(now); });
  reportFirstMedia(now);
}

bool Call::expectsMedia(const Leg& leg, std::size_t section) const {
  if (bridge_.held(leg.index()) || !bridge_.peerOf(leg.index())) return false;
  const auto* description = negotiator_.description(leg.id());
  return description != nullptr && section < description->sections.size() &&
         description->sections[section].kind == rtc::MediaKind::audio && !negotiator_.peerHolds(leg.id());
}

void Call::reportFirstMedia(base::Instant now) {
  if (!anyAwaited_) return;
  anyAwaited_ = false;
  eachLeg([&](Leg& leg) {
    for (const auto kind : {rtc::MediaKind::audio, rtc::MediaKind::video}) {
      auto& awaited = awaited_[leg.index()][static_cast<std::size_t>(kind)];
      for (const bool toPeer : {false, true}) {
        if (!awaited[toPeer]) continue;
        const auto first =
            toPeer ? bridge_.firstPacketTo(leg.index(), kind) : bridge_.firstPacketFrom(leg.index(), kind);
        if (!first) {
          anyAwaited_ = true;
          continue;
        }
        awaited[toPeer] = false;
        leg.emit("first-media",
                 {{"kind", kind == rtc::MediaKind::audio ? "audio" : "video"},
                  {"direction", toPeer ? "to-peer" : "from-peer"}},
                 wallOf(*first, now));
      }
    }
  });
}

void Call::close(base::Instant now) {
  now_ = now;
  eachLeg([&](const Leg& leg) { bridge_.removeLeg(leg.index(), now); });
  eachLeg([](Leg& leg) { leg.close(); });
}

LegReport Call::legReport(const Leg& leg, base::Instant now) const {
  LegReport report = leg.report(now);
  const rtc::DropCounts transport = report.stats.drops;
  report.stats = bridge_.stats(leg.index(), now);
  for (std::size_t i = 0; i < transport.size(); ++i) report.stats.drops[i] += transport[i];
  report.held = bridge_.held(leg.index());
  report.holds = negotiator_.peerHolds(leg.id());
  if (const auto peer = bridge_.peerOf(leg.index()); peer && legs_[*peer])
    report.peer = legs_[*peer]->id().value();
  const auto* description = negotiator_.description(leg.id());
  if (description == nullptr) return report;
  for (const rtc::MediaSection& section : description->sections) {
    if (section.index >= report.mids.size()) report.mids.resize(section.index + 1);
    report.mids[section.index] = section.mid;
  }
  return report;
}

CallReport Call::report(base::Instant now) const {
  CallReport report{spec_.id, worker_, std::chrono::duration<double>(now - createdAt_).count(), {}};
  eachLeg([&](const Leg& leg) { report.legs.push_back(legReport(leg, now)); });
  return report;
}

rtc::DropCounts Call::newBridgeDrops(base::Instant now) {
  rtc::DropCounts total = removedDrops_;
  eachLeg([&](const Leg& leg) {
    const rtc::LegStats stats = bridge_.stats(leg.index(), now);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += stats.drops[i];
  });
  const rtc::DropCounts before = std::exchange(countedDrops_, total);
  rtc::DropCounts fresh{};
  for (std::size_t i = 0; i < total.size(); ++i) fresh[i] = total[i] - std::min(total[i], before[i]);
  return fresh;
}

}  // namespace parley::broker
