// Requests within the dialog, both ways, that are not about media: BYE, INFO, MESSAGE, OPTIONS, and the
// bookkeeping of ours that wait for a response.
#include <algorithm>

#include "base/text.h"
#include "sip/dtmf.h"
#include "sip/invite_session.h"

namespace parley::sip {
namespace {

bool isTargetRefresh(Method method) {
  return method == Method::invite || method == Method::update || method == Method::refer ||
         method == Method::subscribe || method == Method::notify;
}

bool goesInTurn(const Pending& pending) {
  return pending.purpose == Pending::Purpose::message || pending.purpose == Pending::Purpose::notify;
}

}  // namespace

Message InviteSession::makeRequest(Method method, DialogState& dialog) {
  Message request = dialogRequest(dialog, method);
  if (phase_ == SessionPhase::calling && caller_) core_.noteCSeq(caller_->invite, dialog.localCSeq);
  if (isTargetRefresh(method))
    request.set(HeaderId::contact, core_.contact(state_.contactUser, dialog.hop, dialog.secure));
  if (method == Method::invite || method == Method::update) {
    request.set(HeaderId::allow, core_.allow);
    request.set(HeaderId::supported, std::string(kSupported));
  }
  core_.decorate(request);
  return request;
}

/// That a request of ours is in.
DialogState& InviteSession::dialogOf(const Message& request) {
  if (phase_ == SessionPhase::calling && caller_)
    for (EarlyDialog& fork : caller_->forks)
      if (fork.dialog.remoteTag == request.to().tag()) return fork.dialog;
  return state_.dialog;
}

TransactionId InviteSession::sendRequest(Message request, const Target& hop, Pending::Purpose purpose,
                                         base::Instant now) {
  if (pending_.size() >= kMaxPending) return {};
  core_.preauthorise(request, {hop, &dialogOf(request).neighbour});
  const TransactionId id = core_.send(request, hop, {.kind = Owner::Kind::session, .id = id_.value()}, now);
  if (id == TransactionId{}) return {};
  trace(true, std::string(request.methodName()));
  pending_.push_back({.transaction = id, .purpose = purpose, .request = std::move(request), .tries = 0});
  changed();
  return id;
}

void InviteSession::onResponse(TransactionId id, const Message& response, const Source& source,
                               base::Instant now) {
  if (response.vias().size() != 1) return core_.refuse(Refusal::badVia);  // RFC 3261 section 8.1.3.3
  if (caller_ && id == caller_->invite && phase_ == SessionPhase::calling)
    return onInviteResponse(response, source, now);
  const auto found = std::ranges::find(pending_, id, &Pending::transaction);
  if (found == pending_.end()) {
    const bool invite2xx =
        response.cseq().method == Method::invite && response.status() >= 200 && response.status() < 300;
    const bool waits = phase_ == SessionPhase::answering && response.to().tag() == state_.dialog.remoteTag;
    const bool elsewhere = phase_ != SessionPhase::calling;
    if (invite2xx && !waits)
      core_.ackAndBye(id, response, state_.dialog.hop, elsewhere ? std::string(kElsewhere) : std::string(),
                      now);
    return;
  }
  if (response.status() < 200) return;
  trace(false, std::to_string(response.status()) + " " + std::string(response.phrase()) + " (" +
                   std::string(response.methodName()) + ")");
  if ((response.status() == 401 || response.status() == 407) && retryWithCredentials(*found, response, now))
    return;
  Pending pending = std::move(*found);
  pending_.erase(found);
  if (response.status() < 300) {
    const DialogState& dialog = dialogOf(pending.request);
    core_.onAuthorised(response, pending.request, {dialog.hop, &dialog.neighbour});
  }
  onPendingDone(std::move(pending), response.status(), &response, reasonOfStatus(response.status()), now);
}

bool InviteSession::retryWithCredentials(Pending& pending, const Message& challenge, base::Instant now) {
  DialogState& dialog = dialogOf(pending.request);
  Asker asker{dialog.hop, &dialog.neighbour};
  auto again = core_.authorise(challenge, pending.request, asker, pending.tries);
  if (!again) return false;
  dialog.hop = std::move(asker.target);
  again->setCSeq(++dialog.localCSeq, pending.request.method());
  if (phase_ == SessionPhase::calling) core_.noteCSeq(caller_->invite, dialog.localCSeq);
  const TransactionId id =
      core_.send(*again, dialog.hop, {.kind = Owner::Kind::session, .id = id_.value()}, now);
  if (id == TransactionId{}) return false;
  pending.transaction = id;
  pending.request = std::move(*again);
  ++pending.tries;
  changed();
  return true;
}

void InviteSession::onPendingDone(Pending pending, int status, const Message* response,
                                  std::string_view reason, base::Instant now) {
  (void)reason;
  switch (pending.purpose) {
    case Pending::Purpose::reinvite:
    case Pending::Purpose::update:
    case Pending::Purpose::refreshInvite:
    case Pending::Purpose::refreshUpdate:
      if (status < 300 && response != nullptr) return onOfferResponse(pending, *response, now);
      return onOfferRefused(pending, status, response, now);
    case Pending::Purpose::refer:
      if (status >= 300) return finishRefer(status, now);
      tell([id = id_](UserAgentListener& listener) { listener.onReferProgress(id, 100, false); });
      return;
    case Pending::Purpose::notify:
      if (status >= 300 && activity_) {
        activity_->referred = false;
        std::erase_if(activity_->waiting,
                      [](const Waiting& one) { return one.purpose == Pending::Purpose::notify; });
      }
      break;
    case Pending::Purpose::message:
      if (status == 481)
        return end({481, "sip.dialog_lost", "the other side does not know the call", {}, false}, now);
      break;
    case Pending::Purpose::prack:
      return;
  }
  // Who said nothing for 32 s is told no keys of half a minute ago.
  if ((response == nullptr || status == 408) && activity_) activity_->waiting.clear();
  sendNextWaiting(now);
}

void InviteSession::onRequestFailed(TransactionId id, int status, std::string_view reason,
                                    base::Instant now) {
  if (caller_ && id == caller_->invite && phase_ == SessionPhase::calling) {
    if (!caller_->heard) core_.onSilent(caller_->target, now);
    caller_->lastStatus = status;
    caller_->lastReason = reason;
    caller_->lastText = status == 408 ? "nothing answered" : "the server cannot be reached";
    return tryNext(now);
  }
  const auto found = std::ranges::find(pending_, id, &Pending::transaction);
  if (found == pending_.end()) return;
  Pending pending = std::move(*found);
  pending_.erase(found);
  onPendingDone(std::move(pending), status, nullptr, reason, now);
}

void InviteSession::onResponseFailed(TransactionId id, std::string_view reason, base::Instant now) {
  if (callee_ && callee_->invite == id && phase_ == SessionPhase::ringing) {
    if (reason == "sip.no_prack") core_.answer(id, 504, now);
    return end({504, std::string(reason), "the caller does not acknowledge", {}, false}, now);
  }
  if (activity_ && activity_->awaitingAck == id) {
    activity_->awaitingAck = {};
    return endByLoss(reason, "the other side does not acknowledge", now);
  }
}

DialogState* InviteSession::dialogFor(const Message& request) {
  if (isInDialog(state_.dialog, request)) return &state_.dialog;
  if (phase_ == SessionPhase::calling && caller_)
    for (EarlyDialog& fork : caller_->forks)
      if (isInDialog(fork.dialog, request)) return &fork.dialog;
  return nullptr;
}

void InviteSession::onRequest(TransactionId id, const Message& request, base::Instant now) {
  DialogState* dialog = phase_ == SessionPhase::ended ? nullptr : dialogFor(request);
  if (dialog == nullptr) {
    core_.refuse(Refusal::noDialog);
    return core_.answer(id, 481, now);
  }
  if (!takeCSeq(*dialog, request)) {
    core_.refuse(Refusal::oldCSeq);
    return core_.answer(id, 500, now);
  }
  if (!core_.checkExtensions(id, request, now)) return;
  trace(false, withReason(request.methodName(), request));
  changed();
  switch (request.method()) {
    case Method::invite:
      return onReinvite(id, request, now);
    case Method::bye:
      return onBye(id, request, now);
    case Method::update:
      return onUpdate(id, request, now);
    case Method::prack:
      return onPrack(id, request, now);
    case Method::message:
      if (!core_.options.takesMessages) break;
      [[fallthrough]];
    case Method::info:
      return onInfo(id, request, now);
    case Method::refer:
      return onReferRequest(id, request, now);
    case Method::notify:
      return onNotify(id, request, now);
    case Method::options:
      return core_.answer(id, 200, now,
                          {{HeaderId::allow, {}, core_.allow},
                           {HeaderId::supported, {}, std::string(kSupported)},
                           {HeaderId::accept, {}, std::string(kAccept)}});
    case Method::subscribe:
      if (!core_.options.takesSubscriptions) break;
      core_.refuse(Refusal::notHere);
      return core_.answer(id, 489, now, {{HeaderId::allowEvents, {}, "refer"}});
    case Method::ack:
    case Method::cancel:
    case Method::registration:
    case Method::publish:
    case Method::other:
      break;
  }
  core_.refuse(Refusal::unknownMethod);
  core_.answer(id, request.method() == Method::other ? 501 : 405, now);
}

void InviteSession::onBye(TransactionId id, const Message& request, base::Instant now) {
  core_.answer(id, 200, now);
  const std::string cause(request.header(HeaderId::reason).value_or(std::string_view{}));
  if (phase_ == SessionPhase::ringing) core_.answer(callee_->invite, 487, now);
  if (phase_ == SessionPhase::calling) core_.layer.cancel(caller_->invite, {}, now);
  end({0, "sip.bye", textOfReason(cause), cause, false}, now);
}

void InviteSession::onInfo(TransactionId id, const Message& request, base::Instant now) {
  if (request.body().size() > core_.options.maxBodyBytes) {
    core_.refuse(Refusal::badBody);
    return core_.answer(id, 413, now);
  }
  const std::string type = request.contentType();
  if (request.method() == Method::info && isDtmfType(type)) {
    const auto signal = parseDtmf(type, request.body());
    if (!signal) {
      core_.refuse(Refusal::badBody);
      return core_.answer(id, 400, now);
    }
    core_.answer(id, 200, now);
    return tell(
        [session = id_, signal = *signal](UserAgentListener& listener) { listener.onDtmf(session, signal); });
  }
  if (!core_.options.takesMessages && !request.body().empty()) {  // RFC 2976 section 2.2
    core_.refuse(Refusal::badBody);
    return core_.answer(id, 415, now, {{HeaderId::accept, {}, "application/dtmf-relay, application/dtmf"}});
  }
  core_.answer(id, 200, now);
  if (!request.body().empty())
    tell([session = id_, request](UserAgentListener& listener) {
      listener.onSessionMessage(session, request);
    });
}

void InviteSession::sendMessage(Method method, std::string body, const std::string& contentType,
                                base::Instant now) {
  if (phase_ != SessionPhase::confirmed && phase_ != SessionPhase::answered) return;
  sendInTurn({.purpose = Pending::Purpose::message,
              .method = method,
              .body = std::move(body),
              .contentType = contentType},
             now);
}

void InviteSession::sendInTurn(Waiting wanted, base::Instant now) {
  const bool busy = std::ranges::any_of(pending_, goesInTurn) || (activity_ && !activity_->waiting.empty());
  if (!busy) {
    sendWaiting(wanted, now);
    return;
  }
  if (activity().waiting.size() >= kMaxWaiting) return core_.refuse(Refusal::tableFull);
  activity().waiting.push_back(std::move(wanted));
}

/// False: there is no room.
bool InviteSession::sendWaiting(const Waiting& wanted, base::Instant now) {
  Message request = makeRequest(wanted.method, state_.dialog);
  AgentCore::addHeaders(request, wanted.headers);
  if (!wanted.body.empty()) request.setBody(wanted.body, wanted.contentType);
  const Target hop = state_.dialog.hop;
  return sendRequest(std::move(request), hop, wanted.purpose, now) != TransactionId{};
}

void InviteSession::sendNextWaiting(base::Instant now) {
  if (!activity_ || activity_->waiting.empty()) return;
  const Waiting next = std::move(activity_->waiting.front());
  activity_->waiting.pop_front();
  if (!sendWaiting(next, now)) activity_->waiting.clear();  // nothing would call the next one
}

}  // namespace parley::sip
