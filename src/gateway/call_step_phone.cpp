// What phones tell (phones.h).
#include <algorithm>

#include "gateway/call_stepper.h"

namespace parley::gateway {

void Stepper::takeSdp(Party& party, const std::string& sdp) {
  if (sdp.empty()) return;
  party.video = hasVideo(sdp);
  if (party.isPhone()) party.telephoneEvent = hasTelephoneEvent(sdp);
}

void Stepper::onPhoneProgress(const event::PhoneProgress& e) {
  if (isTargetLeg(e.leg)) {
    if (!e.sdp.empty()) targetEarly(e.sdp);
    if (e.status >= 180) targetAlerted();
    return referProgress(e.status);
  }
  const Party& party = s_.party(callee());
  if (s_.phase != CallPhase::ringing || party.leg != e.leg || e.sdp.empty()) return;
  broker(BrokerOp::answer, e.leg, "", e.sdp, "early");
}

void Stepper::onPhoneAnswered(const event::PhoneAnswered& e) {
  if (!isTargetLeg(e.leg) || s_.transfer.stage != TransferStage::ringing) return;
  takeSdp(s_.transfer.target, e.sdp);
  targetAnswers(e.sdp);
}

void Stepper::onPhoneFailed(const event::PhoneFailed& e) {
  const EndReason reason = endReasonOfSip(e.status, e.reason);
  if (isTargetLeg(e.leg)) {
    s_.transfer.target.dialog = false;
    const std::string text = endText(reason, EndedBy::system, Side::consumer, s_.transfer.target.name);
    return failTransfer(text, e.status);
  }
  const auto side = sideOfLeg(e.leg);
  if (!side) return;
  s_.party(*side).dialog = false;
  end(reason, endedBy(*side));
}

/// A re-INVITE or UPDATE: hold, resume, a new address, a session refresh are between the phone and the
/// broker. Only new video concerns the other side.
void Stepper::onPhoneOffer(const event::PhoneOffer& e) {
  const auto side = sideOfLeg(e.leg);
  if (!side || !s_.answered() || s_.phase == CallPhase::answering) return onEarlyOffer(e);
  const bool busy = s_.negotiation.kind != OfferKind::none;
  if (e.sdp.empty()) {
    if (busy) return phone(PhoneOp::refuseOffer, e.leg, "", 491);
    return startMade(e.leg, OfferKind::asked);
  }
  const Party& own = s_.party(*side);
  const Party& peer = s_.party(otherSide(*side));
  const bool adds = hasVideo(e.sdp) && !own.video && !peer.isPhone() && peer.sessionUp;
  if (!adds) return broker(BrokerOp::answerLocally, e.leg, "", e.sdp);
  if (busy) return phone(PhoneOp::refuseOffer, e.leg, "", 491);
  carry(*side, e.sdp, true, "");
}

/// No offer of ours is outstanding in this dialog, or the engine had refused this one: 491 would be wrong
/// (RFC 3311 section 5.2). Once the broker has the phone's first answer, in order, a new description is
/// between the two; else the phone may come again: 500 with Retry-After.
void Stepper::onEarlyOffer(const event::PhoneOffer& e) {
  const bool target = isTargetLeg(e.leg);
  const bool described =
      target ? targetDescribed()
             : sideOfLeg(e.leg) == callee() &&
                   (s_.phase == CallPhase::answering || (s_.phase == CallPhase::ringing && s_.early));
  if (!described || e.sdp.empty()) return phone(PhoneOp::refuseOffer, e.leg, "", 500);
  broker(BrokerOp::answerLocally, e.leg, "", e.sdp, target ? "update" : "");
}

void Stepper::onPhoneOfferAnswered(const event::PhoneOfferAnswered& e) {
  if (isTargetLeg(e.leg)) {
    takeSdp(s_.transfer.target, e.sdp);
    if (s_.transfer.stage == TransferStage::ringing) return targetAnswers(e.sdp);
  }
  const auto side = sideOfLeg(e.leg);
  if (!side) return;
  if (s_.delayedOffer && *side == s_.caller && s_.phase >= CallPhase::connecting) {
    s_.delayedOffer = false;
    takeSdp(s_.party(*side), e.sdp);
    return broker(BrokerOp::answer, e.leg, "", e.sdp, "ack");
  }
  onOfferAnswer(e.leg, e.sdp);
}

void Stepper::onPhoneOfferFailed(const event::PhoneOfferFailed& e) {
  if (isTargetLeg(e.leg)) return failTransfer(endReasonOfSip(e.status, e.reason));
  const Negotiation& n = s_.negotiation;
  if (n.kind == OfferKind::none || n.to != e.leg) return;
  if (e.status == 491) return abortOffer("call.glare", "The other side changes its media at the same time.");
  abortOffer("media.refused", "The other side did not take the change.");
}

void Stepper::onPhoneDtmf(const event::PhoneDtmf& e) {
  const auto side = sideOfLeg(e.leg);
  if (!side || !s_.answered() || e.digits.empty()) return;
  const Party& peer = s_.party(otherSide(*side));
  if (peer.isPhone()) {
    // What came in the media goes on in the media: twice would be two keys.
    if (!e.inMedia || !peer.telephoneEvent) phone(PhoneOp::dtmf, peer.leg, "", 0, e.digits);
    return;
  }
  act(action::SendDtmf{otherSide(*side), e.digits});
}

void Stepper::onPhoneEnded(const event::PhoneEnded& e) {
  Transfer& t = s_.transfer;
  if (isTargetLeg(e.leg)) {
    t.target.dialog = false;
    // Replaced (RFC 3891 section 3): the target ends our dialog before the customer tells that it is there.
    if (t.stage == TransferStage::referring && e.reason == "sip.bye") return;
    return failTransfer(e.reason == "sip.bye" ? EndReason::hungUp : EndReason::phoneUnreachable);
  }
  const auto side = sideOfLeg(e.leg);
  if (!side) return;
  s_.party(*side).dialog = false;
  if (t.running() && (t.byRefer || t.pickup) && *side == t.by) {
    t.byGone = true;  // The customer goes on to the target without it.
    return;
  }
  if (t.stage == TransferStage::referring && *side != t.by && e.reason == "sip.bye") {
    return end(EndReason::transferred, endedBy(t.by));  // It calls the target itself.
  }
  if (!s_.answered()) {
    return end(*side == s_.caller ? EndReason::cancelled : EndReason::phoneUnreachable, endedBy(*side));
  }
  if (e.reason == "sip.session_expired") return end(EndReason::sessionExpired, EndedBy::system);
  // The last two can come only while an answer is on its way to the phone.
  const bool left = e.reason == "sip.bye" || e.reason == "sip.cancelled" || e.reason == "sip.expired";
  if (left) return end(EndReason::hungUp, endedBy(*side));
  end(e.reason == "sip.trunk_down" ? EndReason::trunkDown : EndReason::sipError, EndedBy::system);
}

/// Since when one of the phones is silent; 0: none is, or nobody minds.
std::int64_t Stepper::silentFrom(const CallState& s) {
  std::int64_t since = 0;
  if (s.phase != CallPhase::connected || s.times.silence == 0) return since;
  for (const Party* party : {&s.consumer, &s.agent}) {
    if (!party->isPhone() || party->silentSince == 0) continue;
    since = since == 0 ? party->silentSince : std::min(since, party->silentSince);
  }
  return since;
}

/// Nobody need be heard while the call waits: the broker tells of a silence that begins after that again.
void Stepper::settleSilence() {
  const bool waits = s_.consumer.holds || s_.agent.holds || s_.transfer.running();
  if (waits || s_.phase == CallPhase::ended) s_.consumer.silentSince = s_.agent.silentSince = 0;
  const std::int64_t since = silentFrom(s_), timed = timersLost_ ? 0 : silentFrom(before_);
  if (since == timed) return;
  if (since == 0) return stop(CallTimer::silence);
  start(CallTimer::silence, std::max<std::int64_t>(0, since + s_.times.silence - event_.at));
}

}  // namespace parley::gateway
