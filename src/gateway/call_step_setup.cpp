// From dialling to the answer: the caller at a page or a phone, the callee a page, a hunt group's pages or a
// phone.
#include <algorithm>

#include "gateway/call_stepper.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxAgents = 200;  // In one call's record.

}  // namespace

void Stepper::inIdle() {
  const auto* dialled = is<event::Dialled>();
  if (dialled == nullptr) return;
  s_.startedAt = event_.at;
  s_.phase = CallPhase::allocating;
  Party& caller = s_.party(s_.caller);
  if (!caller.isPhone()) {
    caller.told = true;
    act(action::SendCall{s_.caller, dialled->request});
  }
  if (dialled->refusal != EndReason::none) return end(dialled->refusal, EndedBy::system, false);
  takeSdp(caller, s_.offer);
  BrokerRequest request;
  request.op = BrokerOp::create;
  for (const Side side : {s_.caller, callee()}) {
    request.legs.push_back({s_.party(side).leg, s_.party(side).isPhone()});
  }
  act(action::Broker{std::move(request)});
}

void Stepper::inAllocating() {
  const auto* done = is<event::BrokerDone>();
  if (done == nullptr || done->asked.op != BrokerOp::create) return inAnyLive();
  if (!done->reply) return endByBroker(done->reply.error().reason);
  s_.broker = done->reply->text;
  s_.phase = CallPhase::offering;
  if (s_.delayedOffer) {
    broker(BrokerOp::makeOffer, s_.party(callee()).leg, s_.party(s_.caller).leg);
  } else {
    broker(BrokerOp::offer, s_.party(s_.caller).leg, s_.party(callee()).leg, std::move(s_.offer));
    s_.offer.clear();
  }
}

void Stepper::inOffering() {
  const auto* done = is<event::BrokerDone>();
  const bool offered =
      done != nullptr && (done->asked.op == BrokerOp::offer || done->asked.op == BrokerOp::makeOffer);
  if (!offered) return inAnyLive();
  if (!done->reply) return endByBroker(done->reply.error().reason);
  beginRinging(done->reply->text);
}

void Stepper::beginRinging(std::string offer) {
  s_.phase = CallPhase::ringing;
  start(CallTimer::ring, s_.times.ring);
  Party& to = s_.party(callee());
  if (to.isPhone()) {
    to.dialog = true;
    action::Phone invite;
    invite.op = PhoneOp::invite;
    invite.leg = to.leg;
    invite.sdp = std::move(offer);
    invite.number = to.address;
    return act(std::move(invite));
  }
  s_.ringOffer = std::move(offer);
  if (s_.hunt.group.empty()) to.told = true;
  ringPages();
  const Party& caller = s_.party(s_.caller);
  if (caller.isPhone()) phone(PhoneOp::ring, caller.leg);
}

/// All pages get the same offer: it has one answer, the first.
void Stepper::ringPages() {
  for (const RingingPage& page : s_.ringing) {
    act(action::SendPage{page.session, "incoming", ringFields(s_, page), s_.ringOffer, ""});
    const bool known = std::ranges::find(s_.agents, page.user) != s_.agents.end();
    if (!known && s_.agents.size() < kMaxAgents) s_.agents.push_back(page.user);
  }
  if (s_.hunt.oneByOne) start(CallTimer::member, s_.hunt.memberMillis);
}

void Stepper::inRinging() {
  const auto* done = is<event::BrokerDone>();
  if (const auto* answered = is<event::Answered>(); answered && ringingPage(answered->session) != nullptr) {
    onPageAnswers(*answered);
  } else if (const auto* phoneAnswered = is<event::PhoneAnswered>()) {
    onPhoneAnswers(*phoneAnswered);
  } else if (done != nullptr && done->asked.tag == "early") {
    onEarly(*done);
  } else if (fired(CallTimer::ring)) {
    end(EndReason::noAnswer, EndedBy::system);
  } else if (fired(CallTimer::member)) {
    if (!s_.ringing.empty()) memberOut(s_.ringing.front().session, EndReason::noAnswer, EndedBy::system, "");
  } else {
    inAnyLive();
  }
}

void Stepper::onMemberChosen(const event::MemberChosen& e) {
  const bool ringing = s_.phase == CallPhase::ringing || s_.transfer.stage == TransferStage::ringing;
  if (!ringing || !s_.ringing.empty() || s_.ringOffer.empty()) return;
  if (e.pages.empty()) return ringersGone(EndReason::noAnswer, EndedBy::system);
  s_.ringing = e.pages;
  if (s_.ringing.size() > kMaxRinging) s_.ringing.resize(kMaxRinging);
  for (const RingingPage& page : s_.ringing) s_.hunt.tried.push_back(page.user);
  ringPages();
}

/// One page does not take it. The last one's reason is the call's.
void Stepper::memberOut(const std::string& session, EndReason reason, EndedBy by,
                        const std::string& request) {
  const auto at = std::ranges::find(s_.ringing, session, &RingingPage::session);
  if (at == s_.ringing.end()) return;
  const bool alone = s_.ringing.size() == 1 && !s_.hunt.oneByOne;
  const bool isParty = sideOfSession(session).has_value();
  const bool rang = !s_.ringOffer.empty();
  if (alone && isParty) {
    if (s_.party(*sideOfSession(session)).told && !request.empty()) {
      act(action::SendCall{*sideOfSession(session), request});
    }
  } else if (rang) {
    act(action::SendPage{session, "call", leftFields(s_, ringSide(s_), reason, by), "", request});
  }
  s_.ringing.erase(at);
  if (!s_.ringing.empty()) return;
  if (!s_.hunt.oneByOne) return ringersGone(reason, by);
  stop(CallTimer::member);
  act(action::NextMember{});
}

void Stepper::ringersGone(EndReason reason, EndedBy by) {
  if (s_.transfer.running()) return failTransfer(reason);
  end(reason, by);
}

/// Takes the call away from all pages that ring, but one.
void Stepper::endRinging(const std::string& except, EndReason reason) {
  const Side place = ringSide(s_);
  for (const RingingPage& page : s_.ringing) {
    // One agent without a group is a party, and told as one.
    if (page.session == except || s_.ringOffer.empty() || sideOfSession(page.session)) continue;
    const EndReason why = reason == EndReason::cancelled && s_.reason != EndReason::none ? s_.reason : reason;
    act(action::SendPage{page.session, "call", leftFields(s_, place, why, s_.by), "", ""});
  }
  s_.ringing.clear();
  s_.ringOffer.clear();
  stop(CallTimer::member);
}

/// The first page that answers has the call.
void Stepper::onPageAnswers(const event::Answered& e) {
  const RingingPage page = *ringingPage(e.session);
  if (s_.transfer.running()) {
    Party& target = s_.transfer.target;
    target.session = page.session;
    target.user = page.user;
    target.name = page.name;
    target.sessionUp = page.sessionUp;
    target.agent = target.told = target.called = true;
    act(action::SendPage{page.session, "call", ringFields(s_, page, true), "", e.request});
    endRinging(page.session, EndReason::answeredElsewhere);
    return targetAnswers(e.sdp);
  }
  Party& party = s_.party(callee());
  party.session = page.session;
  party.user = page.user;
  party.name = page.name;
  party.sessionUp = page.sessionUp;
  party.agent = party.told = true;
  takeSdp(party, e.sdp);
  endRinging(page.session, EndReason::answeredElsewhere);
  s_.answeredAt = event_.at;
  s_.phase = CallPhase::answering;
  stop(CallTimer::ring);
  act(action::SendCall{callee(), e.request});
  broker(BrokerOp::answer, party.leg, "", e.sdp);
}

void Stepper::onPhoneAnswers(const event::PhoneAnswered& e) {
  Party& party = s_.party(callee());
  if (party.leg != e.leg) return;
  takeSdp(party, e.sdp);
  s_.video = s_.video && party.video;
  s_.answeredAt = event_.at;
  s_.phase = CallPhase::answering;
  stop(CallTimer::ring);
  // The description came in a reliable provisional answer already (RFC 3262 section 5).
  if (e.sdp.empty() && s_.early) return answerCaller("");
  broker(BrokerOp::answer, party.leg, "", e.sdp);
}

/// Ringback or an announcement is there. If it cannot be heard the call still may succeed.
void Stepper::onEarly(const event::BrokerDone& e) {
  if (!e.reply) {
    if (e.reply.error().reason == "call.unknown") end(EndReason::brokerLost, EndedBy::system);
    return;
  }
  s_.early = true;
  if (!e.reply->text.empty()) act(action::SendSdp{s_.caller, false, e.reply->text, ""});
}

void Stepper::inAnswering() {
  const auto* done = is<event::BrokerDone>();
  if (done == nullptr) return inAnyLive();
  const Party& caller = s_.party(s_.caller);
  if (done->asked.op == BrokerOp::answer && done->asked.tag == "early") {
    onEarly(*done);
  } else if (done->asked.op == BrokerOp::answer) {
    if (!done->reply) return endByBroker(done->reply.error().reason);
    for (const std::string& leg : done->reply->renegotiate) want(leg);
    if (s_.delayedOffer) return broker(BrokerOp::makeOffer, caller.leg, s_.party(callee()).leg);
    answerCaller(done->reply->text);
  } else if (s_.delayedOffer && done->asked.op == BrokerOp::makeOffer && done->asked.leg == caller.leg) {
    if (!done->reply) return endByBroker(done->reply.error().reason);
    answerCaller(done->reply->text);
  } else {
    inAnyLive();
  }
}

void Stepper::answerCaller(const std::string& sdp) {
  const Party& caller = s_.party(s_.caller);
  s_.phase = CallPhase::connecting;
  start(CallTimer::media, s_.times.media);
  if (caller.isPhone()) {
    phone(PhoneOp::answer, caller.leg, sdp);
  } else if (!sdp.empty()) {
    act(action::SendSdp{s_.caller, false, sdp, ""});
  }
}

void Stepper::inConnecting() {
  if (fired(CallTimer::media)) return end(EndReason::mediaFailed, EndedBy::system);
  inAnyLive();
}

}  // namespace parley::gateway
