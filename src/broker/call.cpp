#include "broker/call.h"

#include <algorithm>
#include <utility>

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
    : worker_(worker),
      spec_(std::move(spec)),
      createdAt_(now),
      lastActivity_(now),
      now_(now),
      negotiator_(spec_.negotiator, random),
      bridge_(spec_.bridge, random, *this) {
  for (const LegSpec& leg : spec_.legs) {
    const rtc::LegId id(leg.id);
    negotiator_.addLeg(id, leg.kind, transport);
    legs_.push_back(std::make_unique<Leg>(host, *this, legs_.size(), spec_.id, id, certificate));
  }
}

Leg* Call::find(std::string_view id) {
  const auto at = std::ranges::find_if(legs_, [&](const auto& leg) { return leg->id().value() == id; });
  return at == legs_.end() ? nullptr : at->get();
}

base::Result<std::string> Call::offer(std::string_view from, std::string_view sdp, std::string_view to,
                                      base::Instant now) {
  touch(now);
  const Leg* offerer = find(from);
  const Leg* answerer = find(to);
  if (offerer == nullptr) return std::unexpected(unknownLeg(from));
  if (answerer == nullptr || answerer == offerer) return std::unexpected(unknownLeg(to));
  auto result = negotiator_.offer(offerer->id(), sdp, answerer->id());
  if (result) configureTransports(now);
  return result;
}

base::Result<std::string> Call::answer(std::string_view from, std::string_view sdp, base::Instant now) {
  touch(now);
  const Leg* answerer = find(from);
  if (answerer == nullptr) return std::unexpected(unknownLeg(from));
  auto result = negotiator_.answer(answerer->id(), sdp);
  if (!result) return result;
  configureMedia();
  configureTransports(now);
  return result;
}

base::Result<std::string> Call::answerLocally(std::string_view from, std::string_view sdp,
                                              base::Instant now) {
  touch(now);
  const Leg* offerer = find(from);
  if (offerer == nullptr) return std::unexpected(unknownLeg(from));
  auto result = negotiator_.answerLocally(offerer->id(), sdp);
  if (!result) return result;
  configureMedia();
  configureTransports(now);
  return result;
}

base::Result<void> Call::rollback(std::string_view from, base::Instant now) {
  touch(now);
  const Leg* offerer = find(from);
  if (offerer == nullptr) return std::unexpected(unknownLeg(from));
  negotiator_.rollback(offerer->id());
  configureTransports(now);
  return {};
}

void Call::configureTransports(base::Instant now) {
  now_ = now;
  for (const auto& leg : legs_) {
    if (const auto* description = negotiator_.description(leg->id())) leg->configure(*description, now);
  }
}

void Call::configureMedia() {
  for (const auto& leg : legs_) {
    const auto* description = negotiator_.description(leg->id());
    if (description == nullptr || description->sections.empty()) continue;
    bridge_.configure(leg->index(), *description);
    for (const rtc::MediaSection& section : description->sections) {
      if (section.rejected) continue;
      auto& awaited = awaited_[leg->index()][static_cast<std::size_t>(section.kind)];
      const auto from = bridge_.firstPacketFrom(leg->index(), section.kind);
      const auto to = bridge_.firstPacketTo(leg->index(), section.kind);
      awaited = {section.peerSends && !from, section.peerReceives && !to};
    }
  }
  anyAwaited_ = true;
}

void Call::onReadyChanged(Leg& leg) { bridge_.setReady(leg.index(), leg.ready(), now_); }

void Call::onRtp(Leg& leg, proto::Packet packet, base::Instant now) {
  lastActivity_ = now_ = now;
  bridge_.onRtp(leg.index(), packet, now);
}

void Call::onRtcp(Leg& leg, proto::Packet packet, base::Instant now) {
  lastActivity_ = now_ = now;
  bridge_.onRtcp(leg.index(), packet.data(), now, base::wallNow());
}

void Call::sendRtp(rtc::LegIndex to, proto::Packet packet, bool mustCopy) {
  if (to < legs_.size()) legs_[to]->sendRtp(packet, mustCopy);
}

void Call::sendRtcp(rtc::LegIndex to, proto::Packet packet) {
  if (to < legs_.size()) legs_[to]->sendRtcp(packet);
}

void Call::onTimer(base::Instant now) {
  now_ = now;
  for (const auto& leg : legs_) leg->onDtlsTimer(now);
  if (bridge_.nextTimer() <= now) bridge_.onTimer(now, base::wallNow());
  reportFirstMedia(now);
}

base::Instant Call::nextTimer() const {
  base::Instant next = bridge_.nextTimer();
  for (const auto& leg : legs_) next = std::min(next, leg->nextTimer());
  return next;
}

void Call::onSecond(base::Instant now) {
  now_ = now;
  for (const auto& leg : legs_) leg->checkIce(now);
  reportFirstMedia(now);
}

void Call::reportFirstMedia(base::Instant now) {
  if (!anyAwaited_) return;
  anyAwaited_ = false;
  for (const auto& leg : legs_) {
    for (const auto kind : {rtc::MediaKind::audio, rtc::MediaKind::video}) {
      auto& awaited = awaited_[leg->index()][static_cast<std::size_t>(kind)];
      for (const bool toPeer : {false, true}) {
        if (!awaited[toPeer]) continue;
        const auto first =
            toPeer ? bridge_.firstPacketTo(leg->index(), kind) : bridge_.firstPacketFrom(leg->index(), kind);
        if (!first) {
          anyAwaited_ = true;
          continue;
        }
        awaited[toPeer] = false;
        leg->emit("first-media",
                  {{"kind", kind == rtc::MediaKind::audio ? "audio" : "video"},
                   {"direction", toPeer ? "to-peer" : "from-peer"}},
                  wallOf(*first, now));
      }
    }
  }
}

void Call::close(base::Instant now) {
  now_ = now;
  for (const auto& leg : legs_) bridge_.removeLeg(leg->index(), now);
  for (const auto& leg : legs_) leg->close();
}

CallReport Call::report(base::Instant now) const {
  CallReport report{spec_.id, worker_, std::chrono::duration<double>(now - createdAt_).count(), {}};
  for (const auto& leg : legs_) {
    LegReport each = leg->report(now);
    const rtc::DropCounts transport = each.stats.drops;
    each.stats = bridge_.stats(leg->index(), now);
    for (std::size_t i = 0; i < transport.size(); ++i) each.stats.drops[i] += transport[i];
    if (const auto* description = negotiator_.description(leg->id())) {
      for (const rtc::MediaSection& section : description->sections) {
        if (section.index >= each.mids.size()) each.mids.resize(section.index + 1);
        each.mids[section.index] = section.mid;
      }
    }
    report.legs.push_back(std::move(each));
  }
  return report;
}

rtc::DropCounts Call::newBridgeDrops(base::Instant now) {
  rtc::DropCounts total{};
  for (const auto& leg : legs_) {
    const rtc::LegStats stats = bridge_.stats(leg->index(), now);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += stats.drops[i];
  }
  const rtc::DropCounts before = std::exchange(countedDrops_, total);
  rtc::DropCounts fresh{};
  for (std::size_t i = 0; i < total.size(); ++i) fresh[i] = total[i] - std::min(total[i], before[i]);
  return fresh;
}

}  // namespace parley::broker
