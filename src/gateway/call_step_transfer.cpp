// Transfers: blind and consult, asked for by a page or by a phone's REFER (RFC 3515, RFC 5589), and an INVITE
// with Replaces (RFC 3891). The customer's leg is never touched: it waits, and is joined with the target's
// leg when that has its media: the one that came before the answer (183) counts, too. Two phones are first
// asked to do it themselves.
#include <algorithm>

#include "gateway/call_stepper.h"

namespace parley::gateway {
namespace {

constexpr std::int64_t kReferExtra = 5'000;  // After the target's ring time.

}  // namespace

void Stepper::onTransfer(const event::TransferAsked& e) {
  const auto side = e.leg.empty() ? sideOfSession(e.session) : sideOfLeg(e.leg);
  const bool can = side && s_.phase == CallPhase::connected && !s_.transfer.running() &&
                   (!e.leg.empty() || s_.party(*side).agent);
  if (!can) {
    if (e.leg.empty()) return refuse(e.session, "call.wrong_state", e.request);
    return phone(PhoneOp::referProgress, e.leg, "", 603);
  }
  if (e.leg.empty()) act(action::SendCall{*side, e.request});
  Transfer& t = s_.transfer;
  t = {};
  t.by = *side;
  t.to = e.to;
  t.byRefer = !e.leg.empty();
  if (e.refusal != EndReason::none) return transferRefused(e, *side);
  t.target = e.target;
  t.target.called = true;
  if (t.target.leg.empty()) t.target.leg = "page" + std::to_string(++s_.legs);
  t.otherCall = e.otherCall;
  t.replaces = e.replaces;
  s_.ringing = e.ringing;
  s_.hunt = e.hunt;
  for (const RingingPage& page : s_.ringing) s_.hunt.tried.push_back(page.user);
  if (s_.mayRefer && customer().isPhone() && t.target.isPhone() && t.replaces.empty()) {
    t.stage = TransferStage::referring;
    start(CallTimer::transfer, s_.times.ring + kReferExtra);
    action::Phone refer;
    refer.op = PhoneOp::refer;
    refer.leg = customer().leg;
    refer.text = t.target.address;
    if (!t.otherCall.empty()) refer.other = t.target.leg;
    return act(std::move(refer));
  }
  beginTransfer();
}

void Stepper::transferRefused(const event::TransferAsked& e, Side by) {
  Transfer& t = s_.transfer;
  t.stage = TransferStage::failed;
  t.text = endText(e.refusal, EndedBy::system, Side::consumer, e.target.name);
  if (t.byRefer) phone(PhoneOp::referProgress, s_.party(by).leg, "", sipStatusOf(e.refusal));
}

/// How the customer's own call to the target goes.
void Stepper::onReferred(const event::PhoneReferred& e) {
  Transfer& t = s_.transfer;
  if (t.stage != TransferStage::referring || customer().leg != e.leg) return;
  if (e.status < 200) {
    t.alerted = t.alerted || e.status >= 180;
    return referProgress(e.status);
  }
  if (e.status >= 300) return referFailed();
  referProgress(200);
  if (!t.otherCall.empty()) act(action::OtherCall{t.otherCall, "", true});
  // The consult's target was replaced there: nothing of it is ours any more.
  end(EndReason::transferred, endedBy(t.by));
}

/// The customer cannot, the target did not, or nothing was told in time: we do it, unless a consult's target
/// has hung up meanwhile.
void Stepper::referFailed() {
  const Transfer& t = s_.transfer;
  if (!t.otherCall.empty() && !t.target.dialog) return failTransfer(EndReason::hungUp);
  beginTransfer();
}

/// Through us: the customer waits while the target gets a leg of its own.
void Stepper::beginTransfer() {
  Transfer& t = s_.transfer;
  t.stage = TransferStage::adding;
  t.alerted = false;
  t.legMade = true;
  start(CallTimer::transfer, s_.times.ring);
  if (!s_.party(t.by).holds && !t.pickup) {
    t.held = true;
    brokerFlag(BrokerOp::hold, s_.party(t.by).leg, true);
  }
  BrokerRequest add;
  add.op = BrokerOp::addLeg;
  add.leg = t.target.leg;
  add.legs.push_back({t.target.leg, t.target.isPhone()});
  act(action::Broker{std::move(add)});
}

/// An INVITE in whose place the caller is: it answers by itself.
void Stepper::onPickup(const event::PhoneReplaces& e) {
  if (sideOfLeg(e.phone.leg) || isTargetLeg(e.phone.leg)) return;
  const auto side = sideOfLeg(e.replaced);
  if (!side || s_.phase != CallPhase::connected || s_.transfer.running()) {
    return phone(PhoneOp::reject, e.phone.leg, "", 481, "There is no such call to take over.");
  }
  Transfer& t = s_.transfer;
  t = {};
  t.by = *side;
  t.pickup = true;
  t.target = e.phone;
  t.target.dialog = true;
  t.to = e.phone.name;
  t.sdp = e.sdp;
  takeSdp(t.target, e.sdp);
  beginTransfer();
}

/// False: not an answer for the transfer.
bool Stepper::onTransferBroker(const event::BrokerDone& e) {
  Transfer& t = s_.transfer;
  if (t.running() && e.asked.tag == "early") {
    onTargetEarly(e);
    return true;
  }
  if (isTargetLeg(e.asked.leg) && e.asked.tag == "update") {
    onAnsweredLocally(e);
    return true;
  }
  if (!t.running() || e.asked.leg != (e.asked.op == BrokerOp::bridge ? customer().leg : t.target.leg)) {
    return false;
  }
  const bool expected = (t.stage == TransferStage::adding && e.asked.op == BrokerOp::addLeg) ||
                        (t.stage == TransferStage::offering &&
                         (e.asked.op == BrokerOp::makeOffer || e.asked.op == BrokerOp::answerLocally)) ||
                        (t.stage == TransferStage::answering && e.asked.op == BrokerOp::answer) ||
                        (t.stage == TransferStage::bridging && e.asked.op == BrokerOp::bridge);
  if (!expected) return true;  // Of a try that was given up.
  if (!e.reply) {
    failTransfer(endReasonOfBrokerError(e.reply.error().reason));
    return true;
  }
  switch (t.stage) {
    case TransferStage::adding:
      t.stage = TransferStage::offering;
      if (t.pickup && !t.sdp.empty()) {
        broker(BrokerOp::answerLocally, t.target.leg, "", std::exchange(t.sdp, {}));
      } else {
        broker(BrokerOp::makeOffer, t.target.leg, customer().leg);
      }
      break;
    case TransferStage::offering:
      if (!t.pickup) {
        offerTarget(e.reply->text);
        break;
      }
      phone(PhoneOp::answer, t.target.leg, e.reply->text);
      t.stage = TransferStage::ringing;  // Until the ACK brings its answer to our offer.
      if (e.asked.op == BrokerOp::answerLocally) bridge();
      break;
    case TransferStage::answering:
      if (t.target.isPhone()) {
        bridge();
      } else {
        t.stage = TransferStage::media;
        start(CallTimer::transfer, s_.times.media);
        targetMediaUp();
      }
      break;
    default:
      finishTransfer();
  }
  return true;
}

void Stepper::offerTarget(const std::string& offer) {
  Transfer& t = s_.transfer;
  t.stage = TransferStage::ringing;
  if (!t.target.isPhone()) {
    s_.ringOffer = offer;
    return targetRings();
  }
  action::Phone out;
  out.op = t.otherCall.empty() ? PhoneOp::invite : PhoneOp::offer;
  out.leg = t.target.leg;
  out.sdp = offer;
  if (t.otherCall.empty()) {
    t.target.dialog = true;
    out.number = t.target.address;
    out.replaces = t.replaces;
    if (t.byRefer) out.other = s_.party(t.by).leg;
  }
  act(std::move(out));
}

/// A page makes the tone by itself; a telephone that waits gets it from the broker.
void Stepper::targetAlerted() {
  Transfer& t = s_.transfer;
  if (!t.alerted && !t.described && t.stage == TransferStage::ringing && customer().isPhone()) {
    brokerFlag(BrokerOp::ringback, s_.party(t.by).leg, true);
  }
  t.alerted = true;
}

/// The target's network has something to say before it answers (RFC 3960 section 3.2): who waits hears that,
/// not our tone.
void Stepper::targetEarly(const std::string& sdp) {
  Transfer& t = s_.transfer;
  if (t.stage != TransferStage::ringing || t.pickup || !t.otherCall.empty()) return;
  t.described = true;
  broker(BrokerOp::answer, t.target.leg, "", sdp, "early");
}

void Stepper::onTargetEarly(const event::BrokerDone& e) {
  Transfer& t = s_.transfer;
  const bool ours = e.asked.op == BrokerOp::bridge ? e.asked.other == t.target.leg : isTargetLeg(e.asked.leg);
  if (!ours) return;  // Of a try that was given up.
  if (!e.reply) {
    // It cannot be heard; that it rings can.
    t.described = t.early = false;
    if (std::exchange(t.alerted, false)) targetAlerted();
    return;
  }
  if (e.asked.op == BrokerOp::bridge || t.early || t.stage != TransferStage::ringing) return;
  t.early = true;
  broker(BrokerOp::bridge, customer().leg, t.target.leg, "", "early");
  brokerFlag(BrokerOp::hold, t.target.leg, false);
}

/// The customer is back with who transfers.
void Stepper::leaveTarget() {
  const Transfer& t = s_.transfer;
  if (!t.early || t.byGone) return;
  const Party& by = s_.party(t.by);
  broker(BrokerOp::bridge, customer().leg, by.leg, "", "back");
  if (by.holds && !by.isPhone()) brokerFlag(BrokerOp::hold, by.leg, true);
  // What it was offered meanwhile is for a talk with the target.
  const Negotiation& n = s_.negotiation;
  if (n.kind == OfferKind::made && n.to == customer().leg) abortOffer("media.refused", "");
}

/// The broker has, or was given, what the target answered to our offer. A consult's phone is in a call of its
/// own, and one that takes a place by itself was answered.
bool Stepper::targetDescribed() const {
  const Transfer& t = s_.transfer;
  return t.otherCall.empty() && !t.pickup && (t.early || t.stage >= TransferStage::answering);
}

void Stepper::targetRings() {
  targetAlerted();
  referProgress(180);
  ringPages();
}

void Stepper::targetAnswers(const std::string& sdp) {
  Transfer& t = s_.transfer;
  t.stage = TransferStage::answering;
  takeSdp(t.target, sdp);
  stop(CallTimer::member);
  start(CallTimer::transfer, s_.times.media);
  // The description came in a reliable provisional answer already (RFC 3262 section 5).
  if (sdp.empty() && t.described) return bridge();
  broker(BrokerOp::answer, t.target.leg, "", sdp);
}

bool Stepper::targetMediaUp() {
  if (s_.transfer.stage != TransferStage::media || !s_.transfer.target.legGood()) return false;
  bridge();
  return true;
}

void Stepper::bridge() {
  s_.transfer.stage = TransferStage::bridging;
  broker(BrokerOp::bridge, customer().leg, s_.transfer.target.leg);
}

/// The target is the customer's other side from now on.
void Stepper::finishTransfer() {
  const std::string leaving = leftFields(s_, s_.transfer.by, EndReason::transferred, EndedBy::agent);
  const Transfer t = std::exchange(s_.transfer, {});
  const Party old = s_.party(t.by);
  stop(CallTimer::transfer);
  const Negotiation& n = s_.negotiation;
  if (n.kind != OfferKind::none && (n.to == old.leg || n.from == old.leg)) {
    abortOffer("media.refused", "The call was transferred.");
  }
  if (!old.isPhone()) {
    act(action::SendPage{old.session, "call", leaving, "", ""});
  } else if (!t.byGone) {
    if (t.byRefer) phone(PhoneOp::referProgress, old.leg, "", 200);
    phone(PhoneOp::hangUp, old.leg, "", 0, "transferred");
  }
  // What the broker knows of holds are the legs that wait: the customer's must not go on waiting, and one
  // that has put the other side on hold itself keeps the new one waiting.
  const bool waits = t.held || (old.holds && !old.isPhone());
  if (waits) brokerFlag(BrokerOp::hold, t.target.leg, false);
  const Party& kept = s_.party(otherSide(t.by));
  if (kept.holds && !kept.isPhone()) brokerFlag(BrokerOp::hold, kept.leg, true);
  broker(BrokerOp::removeLeg, old.leg);
  s_.party(t.by) = t.target;
  s_.transfer.by = t.by;
  s_.transferredBy = old.name;
  if (!t.target.isPhone()) act(action::SendCall{t.by, ""});
  // It was told of the hold by an offer: it needs one to know of its end.
  if (old.holds && !old.isPhone() && kept.isPhone()) want(kept.leg);
  if (!t.otherCall.empty()) act(action::OtherCall{t.otherCall, t.target.isPhone() ? t.target.leg : "", true});
}

void Stepper::failTransfer(EndReason reason) {
  failTransfer(endText(reason, EndedBy::system, Side::consumer, s_.transfer.target.name),
               sipStatusOf(reason));
}

/// The call stays with who had it.
void Stepper::failTransfer(const std::string& text, int status) {
  Transfer& t = s_.transfer;
  if (!t.running()) return;
  stop(CallTimer::transfer);
  if (isTarget(t.target.session)) {
    act(action::SendPage{t.target.session, "call",
                         leftFields(s_, t.by, EndReason::cancelled, EndedBy::system), "", ""});
  }
  endRinging("", EndReason::cancelled);
  if (t.target.isPhone() && t.target.dialog && t.otherCall.empty()) {
    const bool unanswered = t.pickup && t.stage < TransferStage::ringing;
    phone(unanswered ? PhoneOp::reject : PhoneOp::hangUp, t.target.leg, "", status, text);
  }
  // The consult's phone may have taken our offer already: its own call offers again.
  if (t.target.isPhone() && t.target.dialog && !t.otherCall.empty() && t.stage > TransferStage::offering) {
    act(action::OtherCall{t.otherCall, t.target.leg, false});
  }
  leaveTarget();
  if (t.legMade) broker(BrokerOp::removeLeg, t.target.leg);
  if (t.held) {
    brokerFlag(BrokerOp::hold, s_.party(t.by).leg, false);
  } else if (t.legMade && t.alerted && !t.early && s_.party(t.by).holds && customer().isPhone()) {
    brokerFlag(BrokerOp::ringback, s_.party(t.by).leg, false);
  }
  referProgress(status);
  const bool nobodyLeft = t.byGone;
  std::erase(s_.wanted, t.target.leg);
  Transfer failed;
  failed.stage = TransferStage::failed;
  failed.by = t.by;
  failed.to = t.to;
  failed.text = text;
  t = std::move(failed);
  s_.hunt = {};
  if (nobodyLeft) end(EndReason::noAnswer, EndedBy::system);
}

void Stepper::onCancelTransfer(const event::TransferCancelled& e) {
  const auto side = sideOfSession(e.session);
  if (!side || !s_.transfer.running() || s_.transfer.by != *side ||
      s_.transfer.stage == TransferStage::referring || s_.transfer.stage == TransferStage::bridging) {
    return refuse(e.session, "call.wrong_state", e.request);
  }
  act(action::SendCall{*side, e.request});
  failTransfer("You took the call back.", 487);
}

/// The NOTIFY for who asked by REFER.
void Stepper::referProgress(int status) {
  const Transfer& t = s_.transfer;
  if (t.byRefer && !t.byGone) phone(PhoneOp::referProgress, s_.party(t.by).leg, "", status);
}

}  // namespace parley::gateway
