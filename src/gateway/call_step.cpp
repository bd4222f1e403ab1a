#include "gateway/call_step.h"

#include <algorithm>
#include <ranges>

#include "gateway/call_stepper.h"

namespace parley::gateway {

Step Stepper::run() {
  if (const auto asked = pageRequest(); asked && !knows(asked->first)) {
    act(action::SendError{asked->first, "call.unknown", "There is no such call.", asked->second});
    return {std::move(s_), std::move(actions_)};
  }
  switch (s_.phase) {
    case CallPhase::idle:
      inIdle();
      break;
    case CallPhase::allocating:
      inAllocating();
      break;
    case CallPhase::offering:
      inOffering();
      break;
    case CallPhase::ringing:
      inRinging();
      break;
    case CallPhase::answering:
      inAnswering();
      break;
    case CallPhase::connecting:
      inConnecting();
      break;
    case CallPhase::connected:
      inAnyLive();
      break;
    case CallPhase::ended:
      inEnded();
      break;
  }
  settleMedia();
  settleSilence();
  nextOffer();
  sendChangedViews();
  if (s_ != before_) actions_.insert(actions_.begin(), action::Persist{});
  if (finished_) actions_.push_back(action::Finish{});
  return {std::move(s_), std::move(actions_)};
}

bool Stepper::fired(CallTimer timer) const {
  const auto* expiry = is<event::TimerFired>();
  return expiry != nullptr && expiry->timer == timer;
}

void Stepper::broker(BrokerOp op, std::string leg, std::string other, std::string sdp, std::string tag) {
  BrokerRequest request;
  request.op = op;
  request.leg = std::move(leg);
  request.other = std::move(other);
  request.sdp = std::move(sdp);
  request.tag = std::move(tag);
  act(action::Broker{std::move(request)});
}

void Stepper::brokerFlag(BrokerOp op, std::string leg, bool flag) {
  BrokerRequest request;
  request.op = op;
  request.leg = std::move(leg);
  request.flag = flag;
  act(action::Broker{std::move(request)});
}

void Stepper::phone(PhoneOp op, const std::string& leg, std::string sdp, int status, std::string text) {
  action::Phone out;
  out.op = op;
  out.leg = leg;
  out.sdp = std::move(sdp);
  out.status = status;
  out.text = std::move(text);
  act(std::move(out));
}

/// Session and request id, when the event is a request of a page.
std::optional<std::pair<std::string, std::string>> Stepper::pageRequest() const {
  return std::visit(
      [](const auto& e) -> std::optional<std::pair<std::string, std::string>> {
        if constexpr (requires {
                        e.session;
                        e.request;
                      }) {
          if (!e.session.empty()) return std::pair{e.session, e.request};
        }
        return std::nullopt;
      },
      event_.what);
}

/// A page does not know of a call before it rings there.
bool Stepper::knows(const std::string& session) const {
  const auto side = sideOfSession(session);
  if (side && s_.party(*side).told) return true;
  const bool rings = s_.phase >= CallPhase::ringing &&
                     std::ranges::any_of(s_.ringing, [&](const auto& p) { return p.session == session; });
  return rings || isTarget(session);
}

std::optional<Side> Stepper::sideOfSession(const std::string& session) const {
  if (session.empty()) return std::nullopt;
  for (const Side side : {Side::consumer, Side::agent}) {
    if (!s_.party(side).isPhone() && s_.party(side).session == session) return side;
  }
  return std::nullopt;
}

std::optional<Side> Stepper::sideOfLeg(const std::string& leg) const {
  if (leg.empty()) return std::nullopt;
  for (const Side side : {Side::consumer, Side::agent}) {
    if (s_.party(side).leg == leg) return side;
  }
  return std::nullopt;
}

RingingPage* Stepper::ringingPage(const std::string& session) {
  const auto found = std::ranges::find(s_.ringing, session, &RingingPage::session);
  return found == s_.ringing.end() ? nullptr : &*found;
}

/// The page that answered a transferred call and has not taken the place yet.
bool Stepper::isTarget(const std::string& session) const {
  const Transfer& t = s_.transfer;
  return t.stage >= TransferStage::answering && t.running() && !t.target.isPhone() && !session.empty() &&
         t.target.session == session;
}

/// What means the same from allocating to connected. What belongs to another phase (a late answer of the
/// broker, a timer that was stopped meanwhile) falls through without effect.
void Stepper::inAnyLive() {
  std::visit(base::Overloaded{
                 [this](const event::HungUp& e) { onHungUp(e); },
                 [this](const event::Muted& e) { onMuted(e); },
                 [this](const event::Restarted& e) { onRestarted(e); },
                 [this](const event::DtmfSent& e) { onDtmf(e); },
                 [this](const event::AssistOpened& e) { onAssist(e); },
                 [this](const event::AssistShared& e) { s_.assist = e.cid; },
                 [this](const event::HoldAsked& e) { onHold(e); },
                 [this](const event::ConferenceSet& e) { onConference(e); },
                 [this](const event::OfferMade& e) { onOffer(e); },
                 [this](const event::TransferAsked& e) { onTransfer(e); },
                 [this](const event::TransferCancelled& e) { onCancelTransfer(e); },
                 [this](const event::SessionLost& e) { onSessionLost(e); },
                 [this](const event::SessionBack& e) { onSessionBack(e); },
                 [this](const event::SessionGone& e) { onSessionGone(e); },
                 [this](const event::MemberChosen& e) { onMemberChosen(e); },
                 [this](const event::PhoneProgress& e) { onPhoneProgress(e); },
                 [this](const event::PhoneAnswered& e) { onPhoneAnswered(e); },
                 [this](const event::PhoneFailed& e) { onPhoneFailed(e); },
                 [this](const event::PhoneOffer& e) { onPhoneOffer(e); },
                 [this](const event::PhoneOfferAnswered& e) { onPhoneOfferAnswered(e); },
                 [this](const event::PhoneOfferFailed& e) { onPhoneOfferFailed(e); },
                 [this](const event::PhoneDtmf& e) { onPhoneDtmf(e); },
                 [this](const event::PhoneReferred& e) { onReferred(e); },
                 [this](const event::PhoneEnded& e) { onPhoneEnded(e); },
                 [this](const event::PhoneReplaces& e) { onPickup(e); },
                 [this](const event::BrokerDone& e) { onBrokerDone(e); },
                 [this](const event::LegChanged& e) { onLegChanged(e); },
                 [this](const event::Renegotiate& e) { want(e.leg); },
                 [this](const event::BrokerGone& e) { end(e.reason, EndedBy::system); },
                 [this](const event::Absorbed& e) {
                   for (Party* party : {&s_.consumer, &s_.agent}) {
                     if (party->isPhone() && party->leg == e.leg) party->dialog = false;
                   }
                   end(EndReason::transferred, EndedBy::agent);
                 },
                 [this](const event::TakenOver& e) { onTakenOver(e); },
                 [this](const event::TimerFired& e) { onTimer(e); },
                 [this](const event::ServerStopping&) { end(EndReason::serverStopping, EndedBy::system); },
                 [this](const event::Answered& e) {
                   if (ringingPage(e.session) != nullptr && s_.transfer.running()) return onPageAnswers(e);
                   const auto side = sideOfSession(e.session);
                   if (side && onOfferAnswer(s_.party(*side).leg, e.sdp)) {
                     if (!e.request.empty()) act(action::SendCall{*side, e.request});
                     return;
                   }
                   refuse(e.session, "call.wrong_state", e.request);
                 },
                 [this](const event::Rejected& e) {
                   if (ringingPage(e.session) == nullptr)
                     return refuse(e.session, "call.wrong_state", e.request);
                   memberOut(e.session, e.busy ? EndReason::busy : EndReason::rejected, EndedBy::agent,
                             e.request);
                 },
                 [](const event::StatsReported&) {},
                 [](const event::Dialled&) {}},
             event_.what);
}

void Stepper::inEnded() {
  const auto asked = pageRequest();
  if (!asked) return;
  const auto side = sideOfSession(asked->first);
  // Both ended it at once: no error.
  if (side && (is<event::HungUp>() != nullptr || is<event::Rejected>() != nullptr)) {
    return act(action::SendCall{*side, asked->second});
  }
  refuse(asked->first, "call.ended", asked->second);
}

void Stepper::onHungUp(const event::HungUp& e) {
  if (isTarget(e.session)) return failTransfer(EndReason::rejected);
  if (ringingPage(e.session) != nullptr) {
    return memberOut(e.session, EndReason::rejected, EndedBy::agent, e.request);
  }
  const Side side = *sideOfSession(e.session);
  act(action::SendCall{side, e.request});
  if (s_.answered()) return end(EndReason::hungUp, endedBy(side));
  end(side == s_.caller ? EndReason::cancelled : EndReason::rejected, endedBy(side));
}

void Stepper::onMuted(const event::Muted& e) {
  const auto side = sideOfSession(e.session);
  if (!side) return refuse(e.session, "call.wrong_state", e.request);
  s_.party(*side).mutedAudio = e.audio;
  s_.party(*side).mutedVideo = e.video;
  if (!e.request.empty()) act(action::SendCall{*side, e.request});
}

void Stepper::onRestarted(const event::Restarted& e) {
  const auto side = sideOfSession(e.session);
  if (!s_.answered() || !side) return refuse(e.session, "call.wrong_state", e.request);
  const std::string leg = s_.party(*side).leg;
  // What was offered to the page is overtaken by its own offer.
  if (s_.negotiation.kind != OfferKind::none && s_.negotiation.to == leg) {
    abortOffer("call.glare", "The other side changes its media at the same time.");
  }
  broker(BrokerOp::answerLocally, leg, "", e.sdp, e.request);
}

void Stepper::onDtmf(const event::DtmfSent& e) {
  const auto side = sideOfSession(e.session);
  if (!side || !s_.answered()) return refuse(e.session, "call.wrong_state", e.request);
  const Party& peer = s_.party(otherSide(*side));
  if (!peer.isPhone()) {
    act(action::SendDtmf{otherSide(*side), e.digits});
  } else if (e.method == event::DtmfMethod::info || e.method == event::DtmfMethod::both ||
             !peer.telephoneEvent) {
    phone(PhoneOp::dtmf, peer.leg, "", 0, e.digits);
  }  // Else the page sends them in the media (RFC 4733): twice would be two keys.
  if (!e.request.empty()) act(action::SendCall{*side, e.request});
}

void Stepper::onSessionLost(const event::SessionLost& e) {
  if (RingingPage* page = ringingPage(e.session)) page->sessionUp = false;
  if (const auto side = sideOfSession(e.session)) {
    s_.party(*side).sessionUp = false;
    s_.party(*side).pageLeft = e.leaves;
  }
  if (isTarget(e.session)) s_.transfer.target.sessionUp = false;
}

void Stepper::onSessionBack(const event::SessionBack& e) {
  if (RingingPage* page = ringingPage(e.before)) {
    page->session = e.session;
    page->sessionUp = true;
    if (e.fresh && !s_.ringOffer.empty()) {
      act(action::SendPage{page->session, "incoming", ringFields(s_, *page), s_.ringOffer, ""});
    }
  }
  if (isTarget(e.before)) {
    s_.transfer.target.session = e.session;
    s_.transfer.target.sessionUp = true;
  }
  const auto side = sideOfSession(e.before);
  if (!side) return;
  Party& party = s_.party(*side);
  party.session = e.session;
  party.sessionUp = true;
  party.pageLeft = party.pageLeft && e.fresh;
  if (!e.fresh || !s_.answered()) return;
  // Until it restarted the media: nothing of the old page's connection is worth anything.
  party.awaitingMedia = true;
  party.dtlsUp = false;
  const Negotiation& n = s_.negotiation;
  if (n.kind != OfferKind::none && (n.to == party.leg || n.from == party.leg)) {
    abortOffer("media.refused", "The other page was loaded anew.");
  }
}

void Stepper::onSessionGone(const event::SessionGone& e) {
  if (isTarget(e.session)) return failTransfer(e.left ? EndReason::agentLeft : EndReason::agentLost);
  const auto side = sideOfSession(e.session);
  if (ringingPage(e.session) != nullptr) {
    if (side) s_.party(*side).sessionUp = false;
    return memberOut(e.session, e.left ? EndReason::agentLeft : EndReason::agentLost,
                     e.left ? EndedBy::agent : EndedBy::system, "");
  }
  if (!side) return;
  s_.party(*side).sessionUp = false;
  const EndedBy by = e.left ? endedBy(*side) : EndedBy::system;
  if (*side == Side::consumer) return end(e.left ? EndReason::consumerLeft : EndReason::consumerLost, by);
  end(e.left ? EndReason::agentLeft : EndReason::agentLost, by);
}

void Stepper::onLegChanged(const event::LegChanged& e) {
  Party* party = isTargetLeg(e.leg) ? &s_.transfer.target : nullptr;
  if (const auto side = sideOfLeg(e.leg); party == nullptr && side) party = &s_.party(*side);
  if (party == nullptr) return;
  switch (e.change) {
    case event::LegChange::iceUp:
      party->iceUp = true;
      break;
    case event::LegChange::dtlsUp:
      party->iceUp = party->dtlsUp = true;
      party->awaitingMedia = party->pageLeft = false;
      break;
    case event::LegChange::iceDown:
      party->iceUp = false;
      break;
    case event::LegChange::dtlsDown:
      party->dtlsUp = false;
      break;
    case event::LegChange::silent:
      party->silentSince = std::max<std::int64_t>(1, event_.at - e.silentMillis);
      break;
    case event::LegChange::heard:
      party->silentSince = 0;
      break;
    case event::LegChange::other:
      break;
  }
  targetMediaUp();
}

void Stepper::onBrokerDone(const event::BrokerDone& e) {
  if (!e.reply && e.reply.error().reason == "call.unknown") {
    return end(EndReason::brokerLost, EndedBy::system);
  }
  if (e.reply) {
    for (const std::string& leg : e.reply->renegotiate) want(leg);
  }
  if (onTransferBroker(e)) return;
  if (e.asked.op == BrokerOp::answerLocally) return onAnsweredLocally(e);
  if (e.asked.op == BrokerOp::answer && e.asked.tag == "ack") {
    if (!e.reply) end(EndReason::mediaIncompatible, EndedBy::system);
    return;
  }
  onOfferBroker(e);
}

/// A page's restart, or a phone's re-INVITE that changes nothing for the other side.
void Stepper::onAnsweredLocally(const event::BrokerDone& e) {
  const auto side = sideOfLeg(e.asked.leg);
  if (!side && !isTargetLeg(e.asked.leg)) return;
  Party& party = side ? s_.party(*side) : s_.transfer.target;
  if (party.isPhone()) {
    if (!e.reply) return phone(PhoneOp::refuseOffer, party.leg, "", 488);
    party.holds = e.reply->peerHolds;
    takeSdp(party, e.asked.sdp);
    party.video = party.video && hasVideo(e.reply->text);
    if (side) s_.video = s_.video && party.video;
    return phone(PhoneOp::answerOffer, party.leg, e.reply->text);
  }
  if (e.reply) return act(action::SendSdp{*side, false, e.reply->text, e.asked.tag});
  act(action::SendError{party.session, e.reply.error().reason, e.reply.error().text, e.asked.tag});
}

void Stepper::onTimer(const event::TimerFired& e) {
  if (e.timer == CallTimer::offer && s_.negotiation.kind != OfferKind::none) {
    return abortOffer("media.refused", "The other side did not answer in time.");
  }
  if (e.timer == CallTimer::member && s_.transfer.stage == TransferStage::ringing && !s_.ringing.empty()) {
    return memberOut(s_.ringing.front().session, EndReason::noAnswer, EndedBy::system, "");
  }
  if (e.timer == CallTimer::transfer && s_.transfer.running()) {
    if (s_.transfer.stage == TransferStage::referring) return referFailed();
    const bool rang = s_.transfer.stage <= TransferStage::ringing;
    return failTransfer(rang ? EndReason::noAnswer : EndReason::mediaFailed);
  }
  if (s_.phase != CallPhase::connected) return;
  if (e.timer == CallTimer::silence && silentFrom(s_) != 0) {
    return end(EndReason::phoneSilent, EndedBy::system);
  }
  for (const Side side : {Side::consumer, Side::agent}) {
    const CallTimer timer = side == Side::consumer ? CallTimer::consumerMedia : CallTimer::agentMedia;
    if (e.timer != timer || s_.party(side).legGood()) continue;
    if (s_.party(side).sessionUp) return end(EndReason::mediaFailed, EndedBy::system);
    return end(side == Side::consumer ? EndReason::consumerLost : EndReason::agentLost, EndedBy::system);
  }
}

/// What was under way with a peer that the other process knew cannot go on; what stands does.
void Stepper::onTakenOver(const event::TakenOver& e) {
  const bool stands = s_.phase == CallPhase::connected || s_.phase == CallPhase::connecting ||
                      (s_.phase == CallPhase::ringing && !s_.party(callee()).isPhone());
  bool lost = false;
  for (Party* party : {&s_.consumer, &s_.agent, &s_.transfer.target}) {
    if (party->isPhone() && std::ranges::find(e.lostLegs, party->leg) != e.lostLegs.end()) {
      lost = lost || party != &s_.transfer.target;
      party->dialog = false;
    }
    party->sessionUp = false;
  }
  for (RingingPage& page : s_.ringing) page.sessionUp = false;
  if (!stands || lost) return end(EndReason::serverStopping, EndedBy::system);
  if (s_.negotiation.kind != OfferKind::none) abortOffer("media.refused", "The server was restarted.");
  if (s_.transfer.running()) failTransfer("The server was restarted during the transfer.");
  if (s_.phase == CallPhase::ringing) start(CallTimer::ring, s_.times.ring);
  if (s_.phase == CallPhase::connecting) start(CallTimer::media, s_.times.media);
  if (s_.phase != CallPhase::connected) return;
  timersLost_ = true;
  for (const Side side : {Side::consumer, Side::agent}) {
    if (s_.party(side).legGood()) continue;
    start(side == Side::consumer ? CallTimer::consumerMedia : CallTimer::agentMedia, s_.times.lost);
  }
}

void Stepper::refuse(const std::string& session, const char* reason, const std::string& request) {
  const bool ended = s_.phase == CallPhase::ended;
  act(action::SendError{session, reason,
                        ended ? "The call has already ended." : "The call is in another state.", request});
}

/// BYE, CANCEL or a refusal, as the leg's state wants.
void Stepper::dropPhone(Party& party, Side side) {
  if (!party.isPhone() || !party.dialog) return;
  party.dialog = false;
  if (!s_.answered() && side == s_.caller) {
    return phone(PhoneOp::reject, party.leg, "", sipStatusOf(s_.reason),
                 endText(s_.reason, s_.by, side, peerShownTo(s_, side).name));
  }
  phone(PhoneOp::hangUp, party.leg, "", 0, std::string(toString(s_.reason)));
}

void Stepper::end(EndReason reason, EndedBy by, bool brokerHasIt) {
  if (finished_) return;
  s_.reason = reason;
  s_.by = by;
  if (s_.transfer.running()) {
    Transfer& t = s_.transfer;
    if (isTarget(t.target.session)) {
      act(action::SendPage{t.target.session, "call",
                           leftFields(s_, t.by, EndReason::cancelled, EndedBy::system), "", ""});
    }
    // A consult's target still has its own call.
    if (t.otherCall.empty() && t.target.isPhone() && t.target.dialog) {
      const bool unanswered = t.pickup && t.stage < TransferStage::ringing;
      phone(unanswered ? PhoneOp::reject : PhoneOp::hangUp, t.target.leg, "", 480, "The call has ended.");
    }
  }
  endRinging("", EndReason::cancelled);
  dropPhone(s_.consumer, Side::consumer);
  dropPhone(s_.agent, Side::agent);
  s_.phase = CallPhase::ended;
  s_.endedAt = event_.at;
  s_.offer.clear();
  s_.transfer = {};
  s_.negotiation = {};
  s_.wanted.clear();
  if (brokerHasIt) act(action::BrokerDelete{});
  finished_ = true;
}

/// Connecting becomes connected when both legs are good; in a connected call a leg that is not good has
/// its own limited time.
void Stepper::settleMedia() {
  if (s_.phase == CallPhase::connecting && s_.consumer.legGood() && s_.agent.legGood()) {
    s_.phase = CallPhase::connected;
    s_.connectedAt = event_.at;
    stop(CallTimer::media);
  }
  if (s_.phase != CallPhase::connected || before_.phase != CallPhase::connected) return;
  for (const Side side : {Side::consumer, Side::agent}) {
    const bool good = s_.party(side).legGood();
    if (good == before_.party(side).legGood()) continue;
    const CallTimer timer = side == Side::consumer ? CallTimer::consumerMedia : CallTimer::agentMedia;
    if (good) {
      stop(timer);
    } else {
      start(timer, s_.times.lost);
    }
  }
}

/// Each side's page is told of every change that it can see, once.
void Stepper::sendChangedViews() {
  for (const Side side : {Side::consumer, Side::agent}) {
    const Party& party = s_.party(side);
    if (party.isPhone() || !party.told) continue;
    const bool told = std::ranges::any_of(actions_, [&](const Action& action) {
      const auto* sent = std::get_if<action::SendCall>(&action);
      const auto* page = std::get_if<action::SendPage>(&action);
      return (sent != nullptr && sent->side == side) || (page != nullptr && page->session == party.session);
    });
    if (!told && viewOf(s_, side) != viewOf(before_, side)) act(action::SendCall{side, ""});
  }
}

Step step(const CallState& state, const Event& event) { return Stepper(state, event).run(); }

}  // namespace parley::gateway
