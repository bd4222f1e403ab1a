#include "sip/invite_session.h"

#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "sip/address_text.h"
#include "sip/saved_text.h"

namespace parley::sip {

InviteSession::InviteSession(AgentCore& core, SessionId id) : core_(core), id_(id) {
  state_.dialog.localTag = core.newTag();
  state_.dialog.callId = core.newCallId();
}

InviteSession::~InviteSession() = default;

Activity& InviteSession::activity() {
  if (!activity_) activity_ = std::make_unique<Activity>();
  return *activity_;
}

void InviteSession::trace(bool outgoing, std::string what) {
  tell([id = id_, outgoing, what = std::move(what)](UserAgentListener& listener) {
    listener.onTrace(id, outgoing, what);
  });
}

void InviteSession::changed() {
  const bool saved = phase_ == SessionPhase::confirmed || phase_ == SessionPhase::answered;
  if (!saved || silent_ || touched_) return;
  touched_ = true;
  core_.touch(*this);
}

void InviteSession::settle() {
  touched_ = false;
  if (activity_ && phase_ == SessionPhase::confirmed && activity_->idle()) activity_.reset();
  if (pending_.empty()) std::vector<Pending>().swap(pending_);
}

/// The next hop as a literal address, or for a name what the Locator says of it; until then requests go to
/// the neighbour, who wrote himself into the route.
void InviteSession::chooseHop(DialogState& dialog, const Target& peer) {
  const Owner owner{.kind = Owner::Kind::session, .id = id_.value()};
  // What is still looked up for the former target must not come after this one.
  core_.stopLocating(owner);
  if (!sip::chooseHop(dialog, peer)) return;
  auto uri = nextHop(dialog);
  if (!uri) return;
  // A name that says nothing of the transport stays on the kind of stream that it came by: DNS leads nobody
  // from TLS to a plain datagram.
  if (uri->scheme == UriScheme::sip && isReliable(peer.kind) && !uri->params.has("transport"))
    uri->params.set("transport", base::toLower(toString(inheritedKind(peer.kind))));
  core_.locate(*uri, owner);
}

void InviteSession::retarget(DialogState& dialog, const Message& message) {
  if (refreshTarget(dialog, message)) chooseHop(dialog, Target(dialog.hop));
}

bool InviteSession::isNamedBy(const Replaces& replaces) const {
  const DialogState& dialog = state_.dialog;
  if (phase_ == SessionPhase::ended || silent_ || replaces.callId != dialog.callId ||
      replaces.toTag != dialog.localTag)
    return false;
  if (phase_ != SessionPhase::calling) return replaces.fromTag == dialog.remoteTag;
  return std::ranges::any_of(
      caller_->forks, [&](const EarlyDialog& fork) { return fork.dialog.remoteTag == replaces.fromTag; });
}

void InviteSession::hangUp(const std::string& cause, base::Instant now) {
  silent_ = true;
  switch (phase_) {
    case SessionPhase::calling:
      core_.layer.cancel(caller_->invite, cause, now);
      break;
    case SessionPhase::answering:  // RFC 3261 section 13.2.2.4: the 2xx wants its ACK in any case
      activity().incoming.reset();
      sendAckOf2xx(caller_->invite, caller_->cseq, {}, now);
      sendBye(cause, now);
      break;
    case SessionPhase::ringing:
      // No 6xx: others may be asked.
      core_.answer(callee_->invite, 480, now,
                   cause.empty() ? Headers{} : Headers{{HeaderId::reason, {}, cause}});
      break;
    case SessionPhase::answered:  // RFC 3261 section 15: no BYE before the ACK
      hangUpWhenAcked_ = true;
      hangUpCause_ = cause;
      return;
    case SessionPhase::confirmed:
      sendBye(cause, now);
      break;
    case SessionPhase::ended:
      return;
  }
  end({}, now);
}

void InviteSession::sendBye(const std::string& cause, base::Instant now) {
  // The last news of a transfer are of more use than that nothing overtakes.
  if (activity_) {
    const auto news = std::ranges::find(activity_->waiting | std::views::reverse, Pending::Purpose::notify,
                                        &Waiting::purpose);
    if (news != activity_->waiting.rend()) sendWaiting(*news, now);
  }
  Message bye = makeRequest(Method::bye, state_.dialog);
  if (!cause.empty()) bye.set(HeaderId::reason, cause);
  trace(true, "BYE");
  core_.sendLast(std::move(bye), state_.dialog, now);
}

void InviteSession::end(Ending ending, base::Instant now) {
  if (phase_ == SessionPhase::ended) return;
  dropIncomingOffer(487, now);
  phase_ = SessionPhase::ended;
  refreshAt_ = expireAt_ = kNever;
  ending.redirected = caller_ && caller_->redirects != 0;
  tell([id = id_, ending = std::move(ending)](UserAgentListener& listener) { listener.onEnded(id, ending); });
  core_.retire(*this);
}

void InviteSession::endByLoss(std::string_view reason, std::string text, base::Instant now) {
  std::string cause = "SIP;cause=408;text=\"";
  cause.append(text).append(1, '"');
  sendBye(cause, now);
  end({408, std::string(reason), std::move(text), {}, true}, now);
}

void InviteSession::arm() {
  if (phase_ == SessionPhase::ended) return;
  base::Instant due = std::min(refreshAt_, expireAt_);
  if (caller_) due = std::min({due, caller_->ringUntil, caller_->targetUntil});
  if (callee_) due = std::min({due, callee_->ringUntil, callee_->ringAgainAt, callee_->expiresAt});
  if (activity_) {
    due = std::min({due, activity_->retryAt, activity_->referUntil});
    if (activity_->incoming) due = std::min(due, activity_->incoming->until);
  }
  core_.timers.arm(*this, due);
}

void InviteSession::onDue(base::Instant now) {
  if (caller_ && caller_->ringUntil <= now) {
    core_.layer.cancel(caller_->invite, "SIP;cause=408;text=\"No answer\"", now);
    return end({408, "sip.no_answer", "nobody answered", {}, true}, now);
  }
  if (caller_ && caller_->targetUntil <= now) {
    // Should this one answer late, it gets CANCEL, or ACK and BYE.
    if (!caller_->locating) {
      core_.onSilent(caller_->target, now);
      core_.layer.cancel(caller_->invite, {}, now);
    }
    caller_->lastStatus = caller_->locating ? 503 : 408;
    caller_->lastReason = caller_->locating ? "sip.no_target" : "sip.timeout";
    caller_->lastText = caller_->locating ? "the address was not found" : "nothing answered";
    caller_->locating = false;
    return tryNext(now);
  }
  if (callee_ && callee_->expiresAt <= now) {  // RFC 3261 section 13.3.1
    core_.answer(callee_->invite, 487, now);
    return end({487, "sip.expired", "the caller waits no longer", {}, false}, now);
  }
  if (callee_ && callee_->ringUntil <= now) {
    core_.answer(callee_->invite, 480, now);
    return end({480, "sip.no_answer", "nobody answered", {}, true}, now);
  }
  if (callee_ && callee_->ringAgainAt <= now) ringAgain(now);
  if (activity_ && activity_->incoming && activity_->incoming->until <= now) {
    core_.refuse(Refusal::answerTimeout);
    refuseOffer(500, now, false);
    return;
  }
  if (expireAt_ <= now) return endByLoss("sip.session_expired", "the session was not refreshed", now);
  if (refreshAt_ <= now) refresh(now);
  if (activity_ && activity_->referUntil <= now) finishRefer(408, now);
  if (activity_ && activity_->retryAt <= now) {
    activity_->retryAt = kNever;
    tryOffer(now);
  }
  arm();
}

std::string InviteSession::save() const {
  const bool answered = phase_ == SessionPhase::answered && !(activity_ && activity_->ackHasAnswer);
  if (silent_ || (phase_ != SessionPhase::confirmed && !answered)) return {};
  return serialise(state_);
}

void InviteSession::restore(SessionState state, base::Instant now) {
  state_ = std::move(state);
  phase_ = SessionPhase::confirmed;
  // Requests may have gone out after the last save; gaps in CSeq are allowed, going back is not.
  state_.dialog.localCSeq += 100;
  chooseHop(state_.dialog, Target(state_.dialog.hop));
  startTimer(now);
  if (refreshAt_ != kNever)  // how much of the interval is over is not known
    refreshAt_ = now + base::Millis{1'000 + core_.parts.random.u32() % 10'000};
  changed();
  arm();
}

std::string serialise(const SessionState& state) {
  SavedWriter out;
  out.put("parley-sip-session", 1);
  out.put("contact-user", state.contactUser);
  out.flag("peer-updates", state.peerUpdates);
  out.flag("peer-timer", state.peerTimer);
  out.put("interval", state.interval);
  if (state.refresher != Refresher::none)
    out.put("refresher", state.refresher == Refresher::us ? "us" : "them");
  if (state.minSe != 0) out.put("min-se", state.minSe);
  out.put("local-sdp", state.localSdp);
  out.put("remote-sdp", state.remoteSdp);
  return out.take() + serialise(state.dialog);
}

std::optional<SessionState> deserialiseSession(std::string_view text) {
  const auto lines = readSaved(text);
  if (!lines || lines->empty()) return std::nullopt;
  if (lines->front().key != "parley-sip-session" || lines->front().value != "1") return std::nullopt;
  auto dialog = deserialiseDialog(text);
  if (!dialog || dialog->early) return std::nullopt;
  SessionState state;
  state.dialog = std::move(*dialog);
  for (const auto& [key, value] : *lines) {
    if (key == "contact-user") state.contactUser = value;
    if (key == "peer-updates") state.peerUpdates = value == "1";
    if (key == "peer-timer") state.peerTimer = value == "1";
    if (key == "interval")
      state.interval = std::min(base::parseNumber<std::uint32_t>(value).value_or(0), 86'400U);
    if (key == "refresher") state.refresher = value == "us" ? Refresher::us : Refresher::them;
    if (key == "min-se") state.minSe = std::min(base::parseNumber<std::uint32_t>(value).value_or(0), 86'400U);
    if (key == "local-sdp") state.localSdp = value;
    if (key == "remote-sdp") state.remoteSdp = value;
  }
  if (state.interval < 32) state.refresher = Refresher::none;
  return state;
}

}  // namespace parley::sip
