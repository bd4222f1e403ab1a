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
  std::optional<Pending> pending;

  base::Result<Leg*> find(const LegId& id);
  const Leg* partnerOf(const LegId& id) const;
  void commit(const LegId& id, Leg leg) {
    legs.at(id) = std::move(leg);
  }  // Descriptions stay where they are.
};

base::Result<Leg*> Negotiator::State::find(const LegId& id) {
  const auto found = legs.find(id);
  if (found == legs.end()) return base::fail("sdp.unknown_leg", "expected a leg of this call");
  if (found->second.kind != LegKind::webrtc)
    return base::fail("sdp.unsupported_kind", "expected a WebRTC leg, found plain RTP");
  return &found->second;
}

/// The leg that `id` last agreed with, else any other that has agreed to something.
const Leg* Negotiator::State::partnerOf(const LegId& id) const {
  const auto& partner = legs.at(id).partner;
  if (partner)
    if (const auto found = legs.find(*partner); found != legs.end() && found->second.met)
      return &found->second;
  for (const auto& [other, leg] : legs)
    if (other != id && leg.met) return &leg;
  return nullptr;
}

Negotiator::Negotiator(NegotiatorOptions options, base::Random& random)
    : state_(std::make_unique<State>(State{
          .options = std::move(options), .random = &random, .legs = {}, .sections = {}, .pending = {}})) {}
Negotiator::~Negotiator() = default;
Negotiator::Negotiator(Negotiator&&) noexcept = default;

void Negotiator::addLeg(const LegId& leg, LegKind kind, LocalTransport transport) {
  Leg added;
  added.kind = kind;
  added.transport = std::move(transport);
  state_->legs.try_emplace(leg, std::move(added));
}

void Negotiator::removeLeg(const LegId& leg) {
  if (state_->pending && state_->pending->to == leg) rollback(state_->pending->from);
  rollback(leg);
  state_->legs.erase(leg);
}

base::Result<std::string> Negotiator::offer(const LegId& from, std::string_view sdp, const LegId& to) {
  const auto fromLeg = state_->find(from);
  if (!fromLeg) return std::unexpected(fromLeg.error());
  const auto toLeg = state_->find(to);
  if (!toLeg) return std::unexpected(toLeg.error());
  if (from == to) return base::fail("sdp.unknown_leg", "expected two different legs");
  const auto& pending = state_->pending;
  if (pending && (pending->from != from || pending->to != to || pending->sdp != sdp))
    return base::fail("sdp.glare", "expected no other offer to be pending");

  auto remote = readRemote(sdp, SdpType::offer, state_->options);
  if (!remote) return std::unexpected(remote.error());
  Pending next{.from = from,
               .to = to,
               .sdp = std::string(sdp),
               .remote = std::move(*remote),
               .fromLeg = **fromLeg,
               .toLeg = **toLeg,
               .sections = state_->sections,
               .offered = {},
               .stale = false};
  auto text = planOffer(next, state_->options, *state_->random);
  if (!text) return text;

  (*toLeg)->local = next.toLeg.local;
  if (!(*toLeg)->met) {
    LegDescription& early = (*toLeg)->description.emplace();
    early.kind = (*toLeg)->kind;
    early.localIce = next.toLeg.local.ice;
    early.cname = next.toLeg.local.cname;
  }
  state_->pending = std::move(next);
  return text;
}

base::Result<std::string> Negotiator::answer(const LegId& from, std::string_view sdp) {
  if (const auto leg = state_->find(from); !leg) return std::unexpected(leg.error());
  if (!state_->pending || state_->pending->to != from)
    return base::fail("sdp.no_offer", "expected an offer to this leg to be pending");
  if (state_->pending->stale)
    return base::fail("sdp.glare", "expected the offer to be repeated: the leg was renegotiated meanwhile");
  const auto remote = readRemote(sdp, SdpType::answer, state_->options);
  if (!remote) return std::unexpected(remote.error());
  Pending next = *state_->pending;
  auto text = settle(next, *remote, state_->options, *state_->random);
  if (!text) return text;
  next.fromLeg.partner = next.to;
  next.toLeg.partner = next.from;
  state_->commit(next.from, std::move(next.fromLeg));
  state_->commit(next.to, std::move(next.toLeg));
  state_->sections = std::move(next.sections);
  state_->pending.reset();
  return text;
}

base::Result<std::string> Negotiator::answerLocally(const LegId& from, std::string_view sdp) {
  const auto found = state_->find(from);
  if (!found) return std::unexpected(found.error());
  if (state_->pending && state_->pending->from == from)
    return base::fail("sdp.glare", "expected no offer of the same leg to be pending");
  if (state_->sections.empty())
    return base::fail("sdp.no_offer", "expected an earlier offer and answer to keep to");
  const auto remote = readRemote(sdp, SdpType::offer, state_->options);
  if (!remote) return std::unexpected(remote.error());
  Leg leg = **found;
  auto text = settleLocally(leg, *remote, state_->partnerOf(from), state_->sections, state_->options,
                            *state_->random);
  if (!text) return text;
  state_->commit(from, std::move(leg));
  if (state_->pending && state_->pending->to == from) state_->pending->stale = true;
  return text;
}

void Negotiator::rollback(const LegId& from) {
  if (!state_->pending || state_->pending->from != from) return;
  if (const auto to = state_->legs.find(state_->pending->to); to != state_->legs.end() && !to->second.met)
    to->second.description.reset();
  state_->pending.reset();
}

bool Negotiator::pending() const { return state_->pending.has_value(); }

const LegDescription* Negotiator::description(const LegId& leg) const {
  const auto found = state_->legs.find(leg);
  if (found == state_->legs.end() || !found->second.description) return nullptr;
  return &*found->second.description;
}

}  // namespace parley::rtc
