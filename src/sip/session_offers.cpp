// Offers and answers within a session: re-INVITE and UPDATE both ways, glare, and who may offer when
// (RFC 3261 section 14, RFC 3311, RFC 6337).
#include <algorithm>

#include "base/text.h"
#include "sip/invite_session.h"

namespace parley::sip {
namespace {

constexpr int kMaxGlares = 8;
constexpr std::uint32_t kMaxRetryAfter = 32;  ///< Seconds. RFC 3261 sections 14.2 and 15 mean 0 to 10.

bool isOffer(Pending::Purpose purpose) {
  return purpose == Pending::Purpose::reinvite || purpose == Pending::Purpose::update;
}
bool isInvite(Pending::Purpose purpose) {
  return purpose == Pending::Purpose::reinvite || purpose == Pending::Purpose::refreshInvite;
}
bool changesSession(const Pending& pending) {
  return isOffer(pending.purpose) || isInvite(pending.purpose) ||
         pending.purpose == Pending::Purpose::refreshUpdate;
}

/// Some count the version in the line "o=" on each time.
bool sameButOrigin(std::string_view a, std::string_view b) {
  const auto skip = [](std::string_view& text) {
    if (text.starts_with("o=")) text.remove_prefix(std::min(text.find('\n'), text.size()));
  };
  while (!a.empty() || !b.empty()) {
    skip(a);
    skip(b);
    const std::size_t endA = std::min(a.find('\n'), a.size()), endB = std::min(b.find('\n'), b.size());
    if (a.substr(0, endA) != b.substr(0, endB)) return false;
    a.remove_prefix(std::min(endA + 1, a.size()));
    b.remove_prefix(std::min(endB + 1, b.size()));
  }
  return true;
}

}  // namespace

bool InviteSession::mayOffer() const {
  if (localOffer_ || std::ranges::any_of(pending_, changesSession)) return false;
  if (activity_ && (activity_->incoming || activity_->awaitingAck != TransactionId{})) return false;
  switch (phase_) {
    case SessionPhase::confirmed:
      return true;
    case SessionPhase::ringing:  // UPDATE, once the first exchange is done (RFC 3311 section 5.1)
      return state_.peerUpdates && callee_->exchanged && !callee_->unacknowledged;
    case SessionPhase::calling:
    case SessionPhase::answering:
    case SessionPhase::answered:
    case SessionPhase::ended:
      break;
  }
  return false;
}

void InviteSession::offer(const std::string& sdp, const Headers& headers, base::Instant now) {
  if (phase_ == SessionPhase::ended) return;
  activity().queued = QueuedOffer{sdp, headers};
  activity().glares = 0;
  tryOffer(now);
}

void InviteSession::tryOffer(base::Instant now) {
  if (!activity_ || !activity_->queued) return;
  if (activity_->retryAt != kNever && activity_->retryAt > now) return;  // after glare
  // The caller before the answer: on the one phone that rings and has answered our first offer.
  const bool early = phase_ == SessionPhase::calling && caller_->forks.size() == 1 &&
                     caller_->forks.front().answered && state_.peerUpdates &&
                     std::ranges::none_of(pending_, changesSession) && !activity_->incoming;
  if (!early && !mayOffer()) return;
  const QueuedOffer offer = *std::exchange(activity_->queued, std::nullopt);
  activity_->retryAt = kNever;
  sendOffer(offer, now);
}

void InviteSession::sendOffer(const QueuedOffer& offer, base::Instant now) {
  const bool confirmed = phase_ == SessionPhase::confirmed;
  DialogState& dialog = phase_ == SessionPhase::calling ? caller_->forks.front().dialog : state_.dialog;
  Message request = makeRequest(confirmed ? Method::invite : Method::update, dialog);
  askForTimer(request);
  AgentCore::addHeaders(request, offer.headers);
  request.setBody(offer.sdp, "application/sdp");
  activity().sent = offer;
  localOffer_ = true;
  const auto purpose = confirmed ? Pending::Purpose::reinvite : Pending::Purpose::update;
  const Target hop = dialog.hop;
  if (sendRequest(std::move(request), hop, purpose, now) != TransactionId{}) return;
  localOffer_ = false;
  activity().sent.reset();
  tell([id = id_](UserAgentListener& listener) { listener.onOfferFailed(id, 503, "sip.table_full"); });
}

/// For refreshes by re-INVITE; elsewhere nobody asks for them, and quiet calls are small.
void InviteSession::remember(const std::string& local, const std::string& remote) {
  if (state_.peerUpdates || state_.refresher != Refresher::us) return;
  state_.localSdp = local;
  state_.remoteSdp = remote;
}

/// A refresh by re-INVITE is an offer like any other: if its answer is not the one that we know, the other
/// side has moved. The owner is asked for an offer; its answer says where to.
void InviteSession::onRefreshAnswer(const std::string& sdp, base::Instant now) {
  if (sdp.empty() || sameButOrigin(sdp, state_.remoteSdp)) return;
  if (state_.remoteSdp.empty()) {
    if (!state_.localSdp.empty()) state_.remoteSdp = sdp;
    return;
  }
  // What is known stays as it is until our offer is answered: if the owner makes none now, the next refresh
  // asks again.
  if ((activity_ && (activity_->incoming || activity_->queued))) return;
  takeOffer({}, OfferCarrier::refresh, {}, now);
}

/// 2xx to a re-INVITE or UPDATE of ours.
void InviteSession::onOfferResponse(const Pending& pending, const Message& response, base::Instant now) {
  const bool invite = isInvite(pending.purpose);
  DialogState& dialog = dialogOf(pending.request);
  retarget(dialog, response);
  if (invite) sendAckOf2xx(pending.transaction, pending.request.cseq().number, {}, now);
  if (response.has(HeaderId::allow)) state_.peerUpdates = response.lists(HeaderId::allow, "UPDATE");
  raises_ = 0;
  if (phase_ == SessionPhase::confirmed) agreeAsClient(response, now);
  changed();
  if (pending.purpose != Pending::Purpose::refreshUpdate) localOffer_ = false;
  if (!isOffer(pending.purpose)) {
    if (invite) onRefreshAnswer(sdpOf(response), now);
    return tryOffer(now);
  }
  const std::string sent = activity_ && activity_->sent ? activity_->sent->sdp : std::string();
  if (activity_) {
    activity_->sent.reset();
    activity_->glares = 0;
  }
  std::string sdp = sdpOf(response);
  remember(sent, sdp);
  if (EarlyDialog* fork = forkWith(dialog.remoteTag); fork != nullptr && !sdp.empty()) fork->changed = true;
  if (sdp.empty())
    tell([id = id_, status = response.status()](UserAgentListener& listener) {
      listener.onOfferFailed(id, status, "sip.no_answer_sdp");
    });
  else
    tell(
        [id = id_, sdp = std::move(sdp)](UserAgentListener& listener) { listener.onOfferAnswered(id, sdp); });
  tryOffer(now);
}

void InviteSession::onOfferRefused(const Pending& pending, int status, const Message* response,
                                   base::Instant now) {
  if (pending.purpose != Pending::Purpose::refreshUpdate) localOffer_ = false;
  // RFC 3261 section 12.2.1.2: there is no dialog there any more, or nobody who could tell.
  if (status == 481)
    return end({481, "sip.dialog_lost", "the other side does not know the call", {}, false}, now);
  if (status == 408) return endByLoss("sip.timeout", "the other side does not answer", now);
  if (status == 422 && response != nullptr) {
    const auto text = response->header(HeaderId::minSe);
    const auto least = text ? SessionExpires::parse(*text) : base::fail("sip.missing_header", "Min-SE");
    // RFC 4028 section 7.4 sets no bound; a peer that wants more each time would have us ask for ever.
    if (least && least->seconds > state_.interval && least->seconds <= 86'400 && raises_ < kMaxRaises) {
      ++raises_;
      state_.interval = state_.minSe = least->seconds;
      if (!isOffer(pending.purpose)) return refresh(now);
      activity().queued = std::exchange(activity().sent, std::nullopt);
      return tryOffer(now);
    }
  }
  if (!isOffer(pending.purpose)) {
    // Tried again before the interval is over; then expireAt_ ends it.
    refreshAt_ = now + base::Millis{10'000};
    arm();
    return tryOffer(now);
  }
  Activity& under = activity();
  const auto after = response != nullptr ? response->header(HeaderId::retryAfter) : std::nullopt;
  const bool later = status == 491 || (status == 500 && after);
  if (later && ++under.glares <= kMaxGlares) {
    // RFC 3261 section 14.1: who owns the Call-ID waits longer, so that one of the two goes first.
    const std::uint32_t least = state_.dialog.caller ? 210 : 0;
    const std::uint32_t most = state_.dialog.caller ? 400 : 200;
    base::Millis wait{10 * (least + core_.parts.random.u32() % (most - least + 1))};
    if (status == 500) wait += base::Millis{1'000} * std::min(secondsIn(*after).value_or(0), kMaxRetryAfter);
    if (!under.queued) under.queued = std::move(under.sent);
    under.sent.reset();
    under.retryAt = now + wait;
    return arm();
  }
  under.sent.reset();
  under.glares = 0;
  tell([id = id_, status](UserAgentListener& listener) {
    listener.onOfferFailed(id, status, std::string(reasonOfStatus(status)));
  });
  tryOffer(now);
}

/// Of a 500: RFC 3261 section 14.2, RFC 3311 section 5.2.
Header InviteSession::retryAfter() const {
  return {HeaderId::retryAfter, {}, std::to_string(core_.parts.random.u32() % 11)};
}

/// True: it was answered with 491 or 500 (RFC 3261 section 14.2, RFC 3311 section 5.2).
bool InviteSession::refuseCrossing(TransactionId id, bool withOffer, base::Instant now) {
  const bool ours = localOffer_ || std::ranges::any_of(pending_, [](const Pending& pending) {
                      return isOffer(pending.purpose) || isInvite(pending.purpose);
                    });
  const bool waiting = activity_ && activity_->awaitingAck != TransactionId{};
  const bool theirs = (activity_ && activity_->incoming) ||
                      (phase_ == SessionPhase::ringing && withOffer && !callee_->exchanged);
  if (!withOffer || (!ours && !theirs && !waiting)) return false;
  if (ours || waiting) {
    core_.refuse(Refusal::glare);
    core_.answer(id, 491, now);
  } else {
    core_.refuse(Refusal::overlapping);
    core_.answer(id, 500, now, {retryAfter()});
  }
  return true;
}

void InviteSession::onReinvite(TransactionId id, const Message& request, base::Instant now) {
  if (phase_ == SessionPhase::ringing) {  // the first one is not answered yet
    core_.refuse(Refusal::overlapping);
    return core_.answer(id, 500, now, {retryAfter()});
  }
  if (phase_ == SessionPhase::calling) {  // ours has no final response yet
    core_.refuse(Refusal::glare);
    return core_.answer(id, 491, now);
  }
  // An INVITE without SDP asks for an offer, so it crosses, too.
  if (refuseCrossing(id, true, now) || !core_.checkBody(id, request, now) ||
      !core_.checkInterval(id, request, now))
    return;
  core_.own(id, {.kind = Owner::Kind::session, .id = id_.value()});
  takeOffer(id, OfferCarrier::reinvite, sdpOf(request), now);
}

EarlyDialog* InviteSession::forkWith(std::string_view tag) {
  if (phase_ != SessionPhase::calling || !caller_) return nullptr;
  const auto found = std::ranges::find_if(
      caller_->forks, [&](const EarlyDialog& one) { return std::string_view(one.dialog.remoteTag) == tag; });
  return found == caller_->forks.end() ? nullptr : &*found;
}

/// Before the call stands (RFC 3311 section 5.2): our INVITE's offer is outstanding with a phone that has not
/// answered it reliably; and of several phones that ring the owner could not tell whose offer it is.
bool InviteSession::refuseEarlyOffer(TransactionId id, const Message& request, base::Instant now) {
  const EarlyDialog* fork = forkWith(request.from().tag());
  if (fork == nullptr) return false;
  if (!fork->answered) {
    core_.refuse(Refusal::glare);
    core_.answer(id, 491, now);
    return true;
  }
  if (caller_->forks.size() == 1) return false;
  core_.refuse(Refusal::overlapping);
  core_.answer(id, 500, now, {retryAfter()});
  return true;
}

void InviteSession::onUpdate(TransactionId id, const Message& request, base::Instant now) {
  const std::string sdp = sdpOf(request);
  if (!sdp.empty() && refuseEarlyOffer(id, request, now)) return;
  if (refuseCrossing(id, !sdp.empty(), now) || !core_.checkBody(id, request, now) ||
      !core_.checkInterval(id, request, now))
    return;
  if (!sdp.empty()) {
    core_.own(id, {.kind = Owner::Kind::session, .id = id_.value()});
    takeOffer(id, OfferCarrier::update, sdp, now);
    if (phase_ == SessionPhase::calling) activity().incoming->fork = request.from().tag();
    return;
  }
  DialogState* dialog = dialogFor(request);
  retarget(*dialog, request);
  Message response = core_.responseTo(id, 200);
  response.set(HeaderId::contact, core_.contact(state_.contactUser, dialog->hop, dialog->secure));
  response.set(HeaderId::allow, core_.allow);
  response.set(HeaderId::supported, std::string(kSupported));
  if (phase_ == SessionPhase::confirmed || phase_ == SessionPhase::answered)
    agreeAsServer(request, response, now);
  core_.layer.respond(id, response, now);
  changed();
  arm();
}

void InviteSession::takeOffer(TransactionId id, OfferCarrier carrier, const std::string& sdp,
                              base::Instant now) {
  Activity::Incoming incoming;
  incoming.transaction = id;
  incoming.carrier = carrier;
  incoming.wantsOurs = sdp.empty();
  incoming.until = now + core_.options.answerTimeout;
  activity().incoming = incoming;
  if (carrier != OfferCarrier::answer2xx)  // told by onAnswered
    tell([session = id_, sdp](UserAgentListener& listener) { listener.onOffer(session, sdp); });
  arm();
}

void InviteSession::answerOffer(const std::string& sdp, base::Instant now) {
  if (!activity_ || !activity_->incoming) return;
  const Activity::Incoming incoming = *std::exchange(activity_->incoming, std::nullopt);
  if (incoming.carrier == OfferCarrier::answer2xx) {
    phase_ = SessionPhase::confirmed;
    sendAckOf2xx(incoming.transaction, incoming.cseq, sdp, now);
    caller_.reset();
    remember(sdp, {});
    changed();
    arm();
    return tryOffer(now);
  }
  if (incoming.carrier == OfferCarrier::provisional) {
    if (!caller_) return;
    for (EarlyDialog& fork : caller_->forks)
      if (fork.dialog.remoteTag == incoming.fork) {
        fork.answered = true;  // The exchange is done: from now on either may offer by UPDATE.
        return sendPrack(fork, sdp, now);
      }
    return;
  }
  if (incoming.carrier == OfferCarrier::refresh) {
    arm();
    return sdp.empty() ? tryOffer(now) : offer(sdp, {}, now);
  }
  const Message* request = core_.layer.requestOf(incoming.transaction);
  if (request == nullptr) return;  // its time is over
  Message response = core_.responseTo(incoming.transaction, 200);
  if (incoming.carrier != OfferCarrier::prack) {
    DialogState* dialog = dialogFor(*request);
    if (dialog == nullptr) return core_.answer(incoming.transaction, 481, now);
    retarget(*dialog, *request);
    if (EarlyDialog* fork = forkWith(dialog->remoteTag)) fork->changed = true;
    response.set(HeaderId::contact, core_.contact(state_.contactUser, dialog->hop, dialog->secure));
    response.set(HeaderId::allow, core_.allow);
    response.set(HeaderId::supported, std::string(kSupported));
    if (phase_ == SessionPhase::confirmed) agreeAsServer(*request, response, now);
  }
  response.setBody(sdp, "application/sdp");
  remember(sdp, sdpOf(*request));
  if (incoming.carrier == OfferCarrier::reinvite) {
    activity_->awaitingAck = incoming.transaction;
    activity_->ackCSeq = request->cseq().number;
    activity_->ackHasAnswer = localOffer_ = incoming.wantsOurs;
    trace(true, "200 OK (INVITE)");
  }
  core_.layer.respond(incoming.transaction, response, now);
  changed();
  arm();
  if (phase_ == SessionPhase::ringing) return sendQueued(now);
  tryOffer(now);
}

void InviteSession::refuseOffer(int status, base::Instant now, bool mayComeAgain) {
  if (!activity_ || !activity_->incoming) return;
  const OfferCarrier carrier = activity_->incoming->carrier;
  if (carrier == OfferCarrier::answer2xx) {  // an answered call without media is none
    activity_->incoming.reset();
    sendAckOf2xx(caller_->invite, caller_->cseq, {}, now);
    sendBye("SIP;cause=488;text=\"No common media\"", now);
    return end({488, "sip.not_acceptable", "no common media", {}, true}, now);
  }
  if (carrier == OfferCarrier::provisional) {
    core_.layer.cancel(caller_->invite, "SIP;cause=488;text=\"No common media\"", now);
    return end({488, "sip.not_acceptable", "no common media", {}, true}, now);
  }
  // 500: not now (RFC 3311 section 5.2).
  const Headers headers = status == 500 && mayComeAgain ? Headers{retryAfter()} : Headers{};
  dropIncomingOffer(status < 300 || status > 699 ? 488 : status, now, headers);
  arm();
  if (phase_ == SessionPhase::ringing) return sendQueued(now);
  tryOffer(now);
}

void InviteSession::dropIncomingOffer(int status, base::Instant now, const Headers& headers) {
  if (!activity_ || !activity_->incoming) return;
  const Activity::Incoming incoming = *std::exchange(activity_->incoming, std::nullopt);
  if (incoming.transaction != TransactionId{} && incoming.carrier != OfferCarrier::answer2xx)
    core_.answer(incoming.transaction, status, now, headers);
}

/// The phone whose offer waits rings no more, or another one has the call.
void InviteSession::dropLostOffer(base::Instant now) {
  if (!activity_ || !activity_->incoming || activity_->incoming->fork.empty()) return;
  const std::string& fork = activity_->incoming->fork;
  if (forkWith(fork) == nullptr && state_.dialog.remoteTag != fork) dropIncomingOffer(481, now);
}

}  // namespace parley::sip
