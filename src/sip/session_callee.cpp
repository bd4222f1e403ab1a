// The callee's side of an INVITE: ringing (reliably where wanted), early media, the answer, refusals.
#include <algorithm>

#include "base/text.h"
#include "sip/invite_session.h"

namespace parley::sip {
namespace {

constexpr base::Millis kRingAgain{60'000};

}  // namespace

void InviteSession::incoming(TransactionId invite, const Message& request, const Source& source,
                             std::optional<SessionId> replaces, base::Instant now) {
  phase_ = SessionPhase::ringing;
  callee_ = std::make_unique<CalleeSetup>();
  CalleeSetup& setup = *callee_;
  setup.invite = invite;
  setup.cseq = request.cseq().number;
  setup.requires100rel = request.lists(HeaderId::require, "100rel");
  setup.supports100rel = setup.requires100rel || request.lists(HeaderId::supported, "100rel");
  setup.ringUntil = now + core_.options.ringTimeout;
  if (const auto seconds = expiresOf(request)) setup.expiresAt = now + std::chrono::seconds{*seconds};
  state_.peerUpdates = request.lists(HeaderId::allow, "UPDATE");
  state_.contactUser = request.requestUri().isSip() ? request.requestUri().user : std::string();
  IncomingCall call{id_, request, source, sdpOf(request), replaces};
  setup.offered = !call.sdp.empty();
  core_.own(invite, {.kind = Owner::Kind::session, .id = id_.value()});
  chooseHop(state_.dialog, source.target());
  trace(false, "INVITE " + request.requestUri().toString());
  tell([call = std::move(call)](UserAgentListener& listener) { listener.onCall(call); });
  arm();
}

void InviteSession::ring(const std::string& sdp, const Headers& headers, base::Instant now) {
  if (phase_ != SessionPhase::ringing) return;
  const int status = sdp.empty() ? 180 : 183;
  if (callee_->unacknowledged) {  // RFC 3262 section 3: one at a time
    callee_->queuedRing = CalleeSetup::Queued{status, sdp, headers};
    return;
  }
  sendProvisional(status, sdp, headers, now);
}

void InviteSession::sendProvisional(int status, const std::string& sdp, const Headers& headers,
                                    base::Instant now) {
  CalleeSetup& setup = *callee_;
  const bool reliable =
      setup.requires100rel || (setup.supports100rel && core_.options.reliableProvisional && !sdp.empty());
  // To an INVITE without offer the first reliable response has ours (RFC 3261 section 13.2.1, RFC 3262
  // section 5). Who requires reliable ones hears nothing before there is one: early media, or the answer.
  if (reliable && !setup.offered && setup.rseq == 0 && sdp.empty()) return;
  Message response = core_.responseTo(setup.invite, status);
  response.set(HeaderId::contact, core_.contact(state_.contactUser, state_.dialog.hop, state_.dialog.secure));
  response.set(HeaderId::allow, core_.allow);
  AgentCore::addHeaders(response, headers);
  // An offer of ours may stand in a reliable response only (RFC 6337 section 2.2).
  const bool withSdp = !sdp.empty() && !setup.exchanged && (setup.offered || reliable);
  if (withSdp) {
    response.setBody(sdp, "application/sdp");
    setup.earlySdp = sdp;
  }
  if (reliable) {
    if (setup.rseq == 0) setup.rseq = core_.parts.random.u32() % 0x3fffffff;
    response.set(HeaderId::require, "100rel");
    response.set(HeaderId::rseq, std::to_string(++setup.rseq));
    setup.unacknowledged = true;
    setup.withSdp = withSdp;
    if (withSdp && setup.offered) setup.exchanged = true;
    if (withSdp && !setup.offered) localOffer_ = true;
  }
  core_.layer.respond(setup.invite, response, now, reliable);
  setup.rings = status;
  setup.ringAgainAt = now + kRingAgain;
  arm();
  trace(true, std::to_string(status) + " " + std::string(phraseOf(status)) + " (INVITE)");
}

/// RFC 3261 section 13.3.1.1: each minute, or a proxy thinks that nobody is there any more.
void InviteSession::ringAgain(base::Instant now) {
  CalleeSetup& setup = *callee_;
  setup.ringAgainAt = now + kRingAgain;
  if (setup.unacknowledged) return;  // it is repeated anyway
  sendProvisional(setup.rings, setup.exchanged ? std::string() : std::string(setup.earlySdp), {}, now);
}

/// RFC 3262 section 3.
void InviteSession::onPrack(TransactionId id, const Message& request, base::Instant now) {
  const auto text = request.header(HeaderId::rack);
  const auto rack = text ? RAck::parse(*text) : base::fail("sip.missing_header", "RAck");
  if (!rack) {
    core_.refuse(Refusal::badRequest);
    return core_.answer(id, 400, now);
  }
  if (!callee_ || rack->rseq != callee_->rseq || rack->cseq != callee_->cseq ||
      rack->methodName != "INVITE") {
    core_.refuse(Refusal::noDialog);
    return core_.answer(id, 481, now);
  }
  if (!core_.checkBody(id, request, now)) return;
  CalleeSetup& setup = *callee_;
  const bool first = setup.unacknowledged;
  const std::string sdp = sdpOf(request);
  setup.unacknowledged = false;
  if (first) core_.layer.provisionalAcknowledged(setup.invite, now);
  if (first && localOffer_) {
    localOffer_ = false;
    setup.exchanged = !sdp.empty();
    core_.answer(id, 200, now);
    if (setup.exchanged)
      tell([session = id_, sdp](UserAgentListener& listener) { listener.onOfferAnswered(session, sdp); });
  } else if (first && !sdp.empty() && setup.exchanged && !(activity_ && activity_->incoming)) {
    return takeOffer(id, OfferCarrier::prack, sdp, now);  // the 200 goes with our answer
  } else {
    core_.answer(id, 200, now);
  }
  sendQueued(now);
}

void InviteSession::sendQueued(base::Instant now) {
  if (phase_ != SessionPhase::ringing || callee_->unacknowledged) return;
  if (callee_->queuedAnswer) {
    const auto queued = *std::exchange(callee_->queuedAnswer, std::nullopt);
    return answer(queued.sdp, queued.headers, now);
  }
  if (!callee_->queuedRing) return;
  const auto queued = *std::exchange(callee_->queuedRing, std::nullopt);
  sendProvisional(queued.status, queued.sdp, queued.headers, now);
}

void InviteSession::answer(const std::string& sdp, const Headers& headers, base::Instant now) {
  if (phase_ != SessionPhase::ringing) return;
  callee_->expiresAt = kNever;
  // RFC 3262 section 3: no 2xx while a description waits for its PRACK; and none while an offer of theirs
  // waits for its answer.
  if ((callee_->unacknowledged && callee_->withSdp) || (activity_ && activity_->incoming)) {
    callee_->queuedAnswer = CalleeSetup::Queued{200, sdp, headers};
    return;
  }
  sendAnswer(sdp, headers, now);
}

void InviteSession::sendAnswer(const std::string& sdp, const Headers& headers, base::Instant now) {
  CalleeSetup& setup = *callee_;
  Message response = core_.responseTo(setup.invite, 200);
  response.set(HeaderId::contact, core_.contact(state_.contactUser, state_.dialog.hop, state_.dialog.secure));
  response.set(HeaderId::allow, core_.allow);
  response.set(HeaderId::supported, std::string(kSupported));
  agreeAsServer(*core_.layer.requestOf(setup.invite), response, now);
  AgentCore::addHeaders(response, headers);
  Activity& under = activity();
  if (!setup.exchanged) {
    response.setBody(sdp, "application/sdp");
    under.ackHasAnswer = !setup.offered;
    localOffer_ = !setup.offered;
  } else if (!sdp.empty() && sdp != setup.earlySdp) {
    under.queued = QueuedOffer{sdp, {}};  // what was agreed early cannot be changed by the 2xx
  }
  remember(sdp, sdpOf(*core_.layer.requestOf(setup.invite)));
  setup.ringUntil = setup.ringAgainAt = kNever;
  setup.unacknowledged = false;
  setup.queuedRing.reset();
  under.awaitingAck = setup.invite;
  under.ackCSeq = setup.cseq;
  under.ackOfFirst = true;
  state_.dialog.early = false;
  phase_ = SessionPhase::answered;
  core_.layer.respond(setup.invite, response, now);
  trace(true, "200 OK (INVITE)");
  changed();
  arm();
}

void InviteSession::reject(int status, const Headers& headers, base::Instant now) {
  if (phase_ != SessionPhase::ringing) return;
  silent_ = true;
  core_.answer(callee_->invite, status < 300 || status > 699 ? 480 : status, now, headers);
  end({}, now);
}

void InviteSession::onCancel(TransactionId invite, const Message& cancel, base::Instant now) {
  const auto reason = cancel.header(HeaderId::reason);
  if (phase_ == SessionPhase::ringing && callee_->invite == invite) {
    trace(false, withReason("CANCEL", cancel));
    core_.answer(invite, 487, now);
    const std::string cause(reason.value_or(std::string_view{}));
    // RFC 3326: "answered elsewhere" is a CANCEL with cause 200.
    const bool elsewhere = cause.find("cause=200") != std::string::npos;
    return end({0, elsewhere ? "sip.answered_elsewhere" : "sip.cancelled", textOfReason(cause), cause, false},
               now);
  }
  if (!activity_ || !activity_->incoming || activity_->incoming->transaction != invite) return;
  activity_->incoming.reset();
  core_.answer(invite, 487, now);
  tell([id = id_](UserAgentListener& listener) { listener.onOfferFailed(id, 487, "sip.cancelled"); });
  arm();
  tryOffer(now);
}

/// RFC 3261 section 13.3.1.4, and for a re-INVITE section 14.2.
void InviteSession::onAck(const Message& ack, base::Instant now) {
  if (!activity_ || activity_->awaitingAck == TransactionId{} || ack.cseq().number != activity_->ackCSeq)
    return;
  const bool first = activity_->ackOfFirst;
  const bool hasAnswer = activity_->ackHasAnswer;
  core_.layer.acknowledged(activity_->awaitingAck, now);
  activity_->awaitingAck = {};
  activity_->ackHasAnswer = activity_->ackOfFirst = false;
  if (hasAnswer) localOffer_ = false;
  callee_.reset();
  if (phase_ == SessionPhase::answered) phase_ = SessionPhase::confirmed;
  if (first) trace(false, "ACK");
  if (hangUpWhenAcked_) {
    sendBye(hangUpCause_, now);
    return end({}, now);
  }
  const std::string sdp = hasAnswer ? sdpOf(ack) : std::string();
  if (hasAnswer) remember(state_.localSdp, sdp);
  if (hasAnswer && sdp.empty()) return endByLoss("sip.no_answer_sdp", "our offer was not answered", now);
  if (first) {
    tell([id = id_, sdp](UserAgentListener& listener) { listener.onConfirmed(id, sdp); });
  } else if (hasAnswer) {
    tell([id = id_, sdp](UserAgentListener& listener) { listener.onOfferAnswered(id, sdp); });
  }
  changed();
  arm();
  tryOffer(now);
}

}  // namespace parley::sip
