// Hold and resume, what goes on beside a call (a shared page, a conference), and offers in an answered call
// (RFC 3264 section 8): one exchange at a time in a call.
#include <algorithm>

#include "gateway/call_stepper.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxWanted = 8;

}  // namespace

/// The broker stops the media at once; a phone is told by an offer, a page by its view.
void Stepper::onHold(const event::HoldAsked& e) {
  const auto side = sideOfSession(e.session);
  if (!side || !s_.answered() || s_.phase == CallPhase::answering || s_.transfer.running()) {
    return refuse(e.session, "call.wrong_state", e.request);
  }
  Party& party = s_.party(*side);
  act(action::SendCall{*side, e.request});
  if (party.holds == e.held) return;
  party.holds = e.held;
  if (e.held) party.conference = party.conferenceWith = {};
  brokerFlag(BrokerOp::hold, party.leg, e.held);
  const Party& peer = s_.party(otherSide(*side));
  if (peer.isPhone()) want(peer.leg);
}

void Stepper::onAssist(const event::AssistOpened& e) {
  if (sideOfSession(e.session) != Side::consumer) return refuse(e.session, "call.wrong_state", e.request);
  s_.assist = e.cid;
  if (!e.request.empty()) act(action::SendCall{Side::consumer, e.request});
}

/// The media is the page's own business: what is kept here is for the other side, which is told who hears it.
void Stepper::onConference(const event::ConferenceSet& e) {
  const auto side = sideOfSession(e.session);
  const bool begins = !e.other.empty();
  if (!side || !s_.answered() || !s_.party(*side).agent || (begins && s_.party(*side).holds)) {
    return refuse(e.session, "call.wrong_state", e.request);
  }
  s_.party(*side).conference = e.other;
  s_.party(*side).conferenceWith = begins ? e.with : "";
  if (!e.request.empty()) act(action::SendCall{*side, e.request});
}

void Stepper::onOffer(const event::OfferMade& e) {
  const auto side = sideOfSession(e.session);
  if (!side || !s_.answered() || s_.phase == CallPhase::answering) {
    return refuse(e.session, "call.wrong_state", e.request);
  }
  if (s_.negotiation.kind != OfferKind::none || s_.transfer.stage == TransferStage::bridging) {
    return act(action::SendError{e.session, "call.glare",
                                 "The call changes at this moment. Please try again.", e.request});
  }
  carry(*side, e.sdp, e.video, e.request);
}

void Stepper::carry(Side from, std::string sdp, bool video, std::string request) {
  const Party& own = s_.party(from);
  Negotiation& n = s_.negotiation;
  n = {};
  n.kind = OfferKind::carried;
  n.from = own.leg;
  n.to = s_.party(otherSide(from)).leg;
  n.request = std::move(request);
  n.video = video;
  if (own.isPhone()) n.sdp = sdp;
  broker(BrokerOp::offer, n.from, n.to, std::move(sdp));
}

/// The leg gets an offer of ours as soon as nothing else runs.
void Stepper::want(const std::string& leg) {
  if (!sideOfLeg(leg) && !isTargetLeg(leg)) return;
  if (std::ranges::find(s_.wanted, leg) != s_.wanted.end() || s_.wanted.size() >= kMaxWanted) return;
  s_.wanted.push_back(leg);
}

void Stepper::nextOffer() {
  const bool stands = s_.phase == CallPhase::connecting || s_.phase == CallPhase::connected;
  if (!stands || s_.delayedOffer) return;
  for (auto at = s_.wanted.begin(); at != s_.wanted.end() && s_.negotiation.kind == OfferKind::none;) {
    if (isTargetLeg(*at)) {  // Its turn comes when it is joined.
      ++at;
      continue;
    }
    const std::string leg = *at;
    at = s_.wanted.erase(at);
    const auto side = sideOfLeg(leg);
    if (side && (!s_.party(*side).isPhone() || s_.party(*side).dialog)) startMade(leg, OfferKind::made);
  }
}

void Stepper::startMade(const std::string& leg, OfferKind kind) {
  Negotiation& n = s_.negotiation;
  n = {};
  n.kind = kind;
  n.to = leg;
  const Transfer& t = s_.transfer;
  const bool hearsTarget = t.running() && t.early && leg == customer().leg;
  broker(BrokerOp::makeOffer, leg, hearsTarget ? t.target.leg : s_.party(otherSide(*sideOfLeg(leg))).leg);
}

/// False: not an answer that belongs to the running exchange.
bool Stepper::onOfferBroker(const event::BrokerDone& e) {
  Negotiation& n = s_.negotiation;
  const bool isOffer = e.asked.op == BrokerOp::offer || e.asked.op == BrokerOp::makeOffer;
  const bool running = n.kind != OfferKind::none;
  if (isOffer) {
    const std::string& to = e.asked.op == BrokerOp::offer ? e.asked.other : e.asked.leg;
    if (!running || n.stage != OfferStage::atBroker || n.to != to) {
      // It was given up meanwhile.
      if (e.reply && s_.answered())
        brokerFlag(BrokerOp::rollback, e.asked.leg, e.asked.op == BrokerOp::makeOffer);
      return false;
    }
    if (e.reply) {
      offerReady(e.reply->text);
    } else {
      offerDone(e);
    }
    return true;
  }
  if (e.asked.op != BrokerOp::answer || !running || n.stage != OfferStage::answering || n.to != e.asked.leg) {
    return false;
  }
  offerDone(e);
  return true;
}

/// The broker's version of the offer goes to who is to answer it.
void Stepper::offerReady(const std::string& sdp) {
  Negotiation& n = s_.negotiation;
  const auto side = sideOfLeg(n.to);
  if (!side) return abortOffer("media.refused", "The other side is gone.");
  n.stage = OfferStage::atPeer;
  start(CallTimer::offer, s_.times.offer);
  const Party& party = s_.party(*side);
  if (!party.isPhone()) return act(action::SendSdp{*side, true, sdp, "", hasVideo(sdp)});
  phone(n.kind == OfferKind::asked ? PhoneOp::answerOffer : PhoneOp::offer, party.leg, sdp);
}

/// The answer of who was to answer. False: nobody asked.
bool Stepper::onOfferAnswer(const std::string& leg, const std::string& sdp) {
  Negotiation& n = s_.negotiation;
  if (n.kind == OfferKind::none || n.stage != OfferStage::atPeer || n.to != leg) return false;
  n.stage = OfferStage::answering;
  stop(CallTimer::offer);
  takeSdp(s_.party(*sideOfLeg(leg)), sdp);
  broker(BrokerOp::answer, leg, "", sdp);
  return true;
}

/// Settled, or refused by the broker; who offered gets to know.
void Stepper::offerDone(const event::BrokerDone& e) {
  const Negotiation n = std::exchange(s_.negotiation, {});
  stop(CallTimer::offer);
  if (n.kind == OfferKind::asked && n.stage == OfferStage::atBroker) {
    return phone(PhoneOp::refuseOffer, n.to, "", 488);
  }
  const auto asker = sideOfLeg(n.from);
  if (n.kind != OfferKind::carried || !asker) return;
  Party& own = s_.party(*asker);
  if (!e.reply) {
    if (own.isPhone()) return phone(PhoneOp::refuseOffer, own.leg, "", 488);
    return act(action::SendError{own.session, e.reply.error().reason, e.reply.error().text, n.request});
  }
  own.video = n.video;
  s_.video = n.video && s_.party(otherSide(*asker)).video;
  if (own.isPhone()) return phone(PhoneOp::answerOffer, own.leg, e.reply->text);
  act(action::SendSdp{*asker, false, e.reply->text, n.request});
}

/// Everything stays as it was (RFC 3264 section 4).
void Stepper::abortOffer(const char* reason, const char* text) {
  const Negotiation n = std::exchange(s_.negotiation, {});
  stop(CallTimer::offer);
  if (n.stage != OfferStage::atBroker) {
    brokerFlag(BrokerOp::rollback, n.kind == OfferKind::carried ? n.from : n.to,
               n.kind != OfferKind::carried);
  }
  const auto asker = sideOfLeg(n.from);
  if (n.kind == OfferKind::asked && n.stage == OfferStage::atBroker) {
    return phone(PhoneOp::refuseOffer, n.to, "", 500);
  }
  if (n.kind != OfferKind::carried || !asker) return;
  const Party& own = s_.party(*asker);
  // The page would not have the phone's video: voice goes on.
  if (own.isPhone()) return broker(BrokerOp::answerLocally, own.leg, "", n.sdp);
  act(action::SendError{own.session, reason, text, n.request});
}

}  // namespace parley::gateway
