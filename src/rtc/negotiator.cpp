#include "rtc/negotiator.h"

#include <algorithm>

#include "rtc/negotiator_plan.h"
#include "rtc/negotiator_state.h"

namespace parley::rtc {

using namespace negotiation;

struct Negotiator::State {
  NegotiatorOptions options;
  base::Random* random;
  std::map<LegId, Leg> legs;
  std::vector<Section> sections;
  std::vector<Pending> pending;  ///< Each leg is in one at most.
  bool joined = false;           ///< join() or part() decides who hears whom.

  base::Result<Leg*> find(const LegId& id);
  const Leg* partnerOf(const LegId& id) const;
  std::vector<Pending>::iterator pendingOf(const LegId& id) {
    return std::ranges::find_if(pending, [&](const Pending& p) { return p.from == id || p.to == id; });
  }
  base::Result<RemoteSdp> read(const Leg& leg, std::string_view sdp, SdpType type) const {
    if (leg.kind == LegKind::rtp) return readRemoteRtp(sdp, type, options, leg.transport.security);
    return readRemote(sdp, type, options);
  }
  std::vector<Section> allSections() const;
  void keepOffer(Leg& to, Pending next);
  base::Result<std::string> answerAgain(const LegId& from, Leg& leg, const RemoteSdp& remote);
  void takeSections(const Pending& next);
  void forget(std::vector<Pending>::iterator at);
  /// Descriptions stay where they are.
  void commit(const LegId& id, Leg leg) {
    leg.held = legs.at(id).held;  // What join() and setHeld() said meanwhile holds.
    if (joined) leg.partner = legs.at(id).partner;
    legs.at(id) = std::move(leg);
  }
};

base::Result<Leg*> Negotiator::State::find(const LegId& id) {
  const auto found = legs.find(id);
  if (found == legs.end()) return base::fail("sdp.unknown_leg", "expected a leg of this call");
  return &found->second;
}

/// Who hears `id`; before any join(), the leg that it last agreed with, else any other that has agreed to
/// something.
const Leg* Negotiator::State::partnerOf(const LegId& id) const {
  const auto& partner = legs.at(id).partner;
  if (partner)
    if (const auto found = legs.find(*partner); found != legs.end() && found->second.met)
      return &found->second;
  if (joined) return nullptr;
  for (const auto& [other, leg] : legs)
    if (other != id && leg.met) return &leg;
  return nullptr;
}

/// With those that pending offers are about to add.
std::vector<Section> Negotiator::State::allSections() const {
  std::vector<Section> all = sections;
  for (const Pending& each : pending)
    for (std::size_t s = all.size(); s < each.sections.size(); ++s)
      all.push_back({.kind = each.sections[s].kind, .agreed = {}});
  return all;
}

void Negotiator::State::keepOffer(Leg& to, Pending next) {
  to.local = next.toLeg.local;
  if (!to.met) {
    LegDescription& early = to.description.emplace();
    early.kind = to.kind;
    early.localIce = next.toLeg.local.ice;
    early.cname = next.toLeg.local.cname;
  }
  if (const auto before = pendingOf(next.to); before != pending.end()) pending.erase(before);
  pending.push_back(std::move(next));
}

void Negotiator::State::takeSections(const Pending& next) {
  for (std::size_t s = sections.size(); s < next.sections.size(); ++s)
    sections.push_back({.kind = next.sections[s].kind, .agreed = {}});
  for (const OfferedLine& line : next.offered)
    if (line.open) sections[line.section].agreed = next.sections[line.section].agreed;
}

void Negotiator::State::forget(std::vector<Pending>::iterator at) {
  if (at == pending.end()) return;
  if (const auto to = legs.find(at->to); to != legs.end() && !to->second.met) to->second.description.reset();
  pending.erase(at);
}

/// A device that answered before answers otherwise: what it was offered then still holds.
base::Result<std::string> Negotiator::State::answerAgain(const LegId& from, Leg& leg,
                                                         const RemoteSdp& remote) {
  Pending next;
  next.to = from;
  next.toLeg = leg;
  next.sections = sections;
  next.offered = leg.answered;
  auto text = settle(next, remote, options, *random);
  if (!text) return text;
  takeSections(next);
  commit(from, std::move(next.toLeg));
  return text;
}

Negotiator::Negotiator(NegotiatorOptions options, base::Random& random) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->random = &random;
}
Negotiator::~Negotiator() = default;
Negotiator::Negotiator(Negotiator&&) noexcept = default;

void Negotiator::addLeg(const LegId& leg, LegKind kind, LocalTransport transport) {
  Leg added;
  added.kind = kind;
  added.transport = std::move(transport);
  state_->legs.try_emplace(leg, std::move(added));
}

void Negotiator::removeLeg(const LegId& leg) {
  state_->forget(state_->pendingOf(leg));
  if (state_->joined) part(leg);
  state_->legs.erase(leg);
}

void Negotiator::join(const LegId& a, const LegId& b) {
  if (a == b || !state_->legs.contains(a) || !state_->legs.contains(b)) return;
  part(a);
  part(b);
  state_->legs.at(a).partner = b;
  state_->legs.at(b).partner = a;
}

void Negotiator::part(const LegId& leg) {
  state_->joined = true;
  for (auto& [id, each] : state_->legs)
    if (id == leg || each.partner == leg) each.partner.reset();
}

void Negotiator::setHeld(const LegId& leg, bool held) {
  if (const auto found = state_->legs.find(leg); found != state_->legs.end()) found->second.held = held;
}

base::Result<std::string> Negotiator::offer(const LegId& from, std::string_view sdp, const LegId& to) {
  const auto fromLeg = state_->find(from);
  if (!fromLeg) return std::unexpected(fromLeg.error());
  const auto toLeg = state_->find(to);
  if (!toLeg) return std::unexpected(toLeg.error());
  if (from == to) return base::fail("sdp.unknown_leg", "expected two different legs");
  for (const auto& id : {from, to}) {
    const auto pending = state_->pendingOf(id);
    if (pending != state_->pending.end() &&
        (pending->from != from || pending->to != to || pending->sdp != sdp))
      return base::fail("sdp.glare", "expected no other offer to be pending");
  }
  auto remote = state_->read(**fromLeg, sdp, SdpType::offer);
  if (!remote) return std::unexpected(remote.error());
  Pending next;
  next.from = from;
  next.to = to;
  next.sdp = sdp;
  next.remote = std::move(*remote);
  next.fromLeg = **fromLeg;
  next.toLeg = **toLeg;
  next.sections = state_->allSections();
  auto text = planOffer(next, state_->options, *state_->random);
  if (text) state_->keepOffer(**toLeg, std::move(next));
  return text;
}

base::Result<std::string> Negotiator::makeOffer(const LegId& to, const std::optional<LegId>& towards) {
  const auto leg = state_->find(to);
  if (!leg) return std::unexpected(leg.error());
  if (towards == to || (towards && !state_->legs.contains(*towards)))
    return base::fail("sdp.unknown_leg", "expected two legs of this call");
  if (const auto pending = state_->pendingOf(to); pending != state_->pending.end() && !pending->own())
    return base::fail("sdp.glare", "expected no other offer to be pending");
  const Leg* other = towards ? &state_->legs.at(*towards) : state_->partnerOf(to);
  Pending next = planOwn(to, **leg, other, state_->allSections(), state_->options);
  auto text = planOffer(next, state_->options, *state_->random);
  if (text) state_->keepOffer(**leg, std::move(next));
  return text;
}

base::Result<std::string> Negotiator::answer(const LegId& from, std::string_view sdp) {
  const auto leg = state_->find(from);
  if (!leg) return std::unexpected(leg.error());
  const auto pending = state_->pendingOf(from);
  const bool asked = pending != state_->pending.end() && pending->to == from;
  const bool again =
      !asked && pending == state_->pending.end() && (*leg)->kind == LegKind::rtp && !(*leg)->answered.empty();
  if (!asked && !again) return base::fail("sdp.no_offer", "expected an offer to this leg to be pending");
  if (asked && pending->stale)
    return base::fail("sdp.glare", "expected the offer to be repeated: the leg was renegotiated meanwhile");
  const auto remote = state_->read(**leg, sdp, SdpType::answer);
  if (!remote) return std::unexpected(remote.error());
  if (again) return state_->answerAgain(from, **leg, *remote);
  Pending next = *pending;
  auto text = settle(next, *remote, state_->options, *state_->random);
  if (!text) return text;
  state_->takeSections(next);
  if (!next.own()) {
    if (!state_->joined) next.fromLeg.partner = next.to;
    if (!state_->joined) next.toLeg.partner = next.from;
    state_->commit(next.from, std::move(next.fromLeg));
  }
  state_->commit(next.to, std::move(next.toLeg));
  state_->pending.erase(pending);
  return text;
}

base::Result<std::string> Negotiator::answerLocally(const LegId& from, std::string_view sdp) {
  const auto found = state_->find(from);
  if (!found) return std::unexpected(found.error());
  const auto pending = state_->pendingOf(from);
  if (pending != state_->pending.end() && pending->from == from)
    return base::fail("sdp.glare", "expected no offer of the same leg to be pending");
  if (state_->sections.empty())
    return base::fail("sdp.no_offer", "expected an earlier offer and answer to keep to");
  const auto remote = state_->read(**found, sdp, SdpType::offer);
  if (!remote) return std::unexpected(remote.error());
  Leg leg = **found;
  auto text = settleLocally(leg, *remote, state_->partnerOf(from), state_->sections, state_->options,
                            *state_->random);
  if (!text) return text;
  state_->commit(from, std::move(leg));
  if (pending != state_->pending.end()) pending->stale = true;
  return text;
}

void Negotiator::rollback(const LegId& from) {
  const auto pending = state_->pendingOf(from);
  if (pending != state_->pending.end() && pending->from == from) state_->forget(pending);
}

void Negotiator::rollbackTo(const LegId& to) {
  const auto pending = state_->pendingOf(to);
  if (pending != state_->pending.end() && pending->to == to) state_->forget(pending);
}

bool Negotiator::pending() const { return !state_->pending.empty(); }
bool Negotiator::pending(const LegId& leg) const { return state_->pendingOf(leg) != state_->pending.end(); }

std::vector<LegId> Negotiator::renegotiate() const {
  std::vector<LegId> needed;
  for (const auto& [id, leg] : state_->legs) {
    if (!leg.partner || !(id < *leg.partner)) continue;  // Each pair once.
    const auto other = state_->legs.find(*leg.partner);
    if (other == state_->legs.end() || other->second.partner != id) continue;
    if (const auto second = secondNeedsOffer(leg, other->second))
      needed.push_back(*second ? other->first : id);
  }
  return needed;
}

bool Negotiator::peerHolds(const LegId& leg) const {
  const auto found = state_->legs.find(leg);
  return found != state_->legs.end() && found->second.holds;
}

const LegDescription* Negotiator::description(const LegId& leg) const {
  const auto found = state_->legs.find(leg);
  if (found == state_->legs.end() || !found->second.description) return nullptr;
  return &*found->second.description;
}

}  // namespace parley::rtc
