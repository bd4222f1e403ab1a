// What comes in: from bytes to the session, subscription or listener that it is for. The checks stand in the
// order of RFC 3261 section 8.2; docs/protocols/sip.md lists them with their answers.
#include "sip/request_desk.h"
#include "sip/subscription_desk.h"
#include "sip/user_agent_state.h"

namespace parley::sip {

void UserAgent::State::receive(std::string_view bytes, const Source& source, base::Instant at) {
  now = at;
  auto message = Message::parse(bytes);
  if (!message) {
    if (onMalformed(message.error(), source))
      core.layer.answerStateless(*message.error().head, source, message.error().status);
    return;
  }
  core.layer.receive(std::move(*message), source, at);
}

void UserAgent::State::receive(Message message, const Source& source, base::Instant at) {
  now = at;
  core.layer.receive(std::move(message), source, at);
}

/// A stranger that is to hear nothing hears nothing of its faults, either; its CANCEL never (see admits()).
bool UserAgent::State::onMalformed(const ParseFailure& failure, const Source& source) {
  core.refuse(Refusal::malformed);
  if (!failure.isRequest || failure.isAck || !failure.head || failure.head->topVia() == nullptr) return false;
  if (core.parts.admission == nullptr || knows(*failure.head)) return true;
  const Verdict::Kind verdict = core.parts.admission->admit(*failure.head, source).kind;
  if (verdict == Verdict::Kind::silence) core.refuse(Refusal::silenced);
  return verdict == Verdict::Kind::allow ||
         (verdict == Verdict::Kind::refuse && failure.head->method() != Method::cancel);
}

void UserAgent::State::onLocated(LocateId id, std::vector<Target> targets, base::Instant at) {
  now = at;
  const auto owner = core.takeLocating(id);
  if (!owner) return;
  switch (owner->kind) {
    case Owner::Kind::session:
      if (InviteSession* session = core.find(SessionId{owner->id}))
        session->onLocated(std::move(targets), at);
      return;
    case Owner::Kind::request:
      return core.requests->onLocated(RequestId{owner->id}, targets, at);
    case Owner::Kind::subscription:
      return core.subscriptions->onLocated(SubscriptionId{owner->id}, targets, at);
  }
}

void UserAgent::State::refuse(TransactionId id, Refusal why, int status, const Headers& headers) {
  core.refuse(why);
  core.answer(id, status, now, headers);
}

void UserAgent::State::onRequest(TransactionId id, const Message& request, const Source& source) {
  if (!request.to().tag().empty()) return inDialog(id, request, source);
  outOfDialog(id, request, source);
}

/// Does it belong to a dialog of ours? The other side of a dialog need not be who may begin one.
bool UserAgent::State::knows(const Message& request) {
  const std::string_view tag = request.to().tag();
  if (tag.empty()) return false;
  if (const InviteSession* session = core.findByTag(tag))
    return session->state().dialog.callId == request.callId();
  return core.subscriptions->knows(request);
}

/// A stranger costs no memory, however much it sends: the answer is stateless. Of each copy there is one
/// answer, never repeated; it may be longer than a short request by a tag, what was seen of the source, and
/// the headers of the policy (a challenge). A stateless server ignores CANCEL (RFC 3261 section 8.2.7).
bool UserAgent::State::admits(const Message& request, const Source& source) {
  if (core.parts.admission == nullptr || knows(request)) return true;
  const Verdict verdict = core.parts.admission->admit(request, source);
  switch (verdict.kind) {
    case Verdict::Kind::allow:
      return true;
    case Verdict::Kind::refuse:
      if (request.method() == Method::cancel) {
        core.refuse(Refusal::silenced);
        return false;
      }
      core.refuse(verdict.status == 401 || verdict.status == 407 ? Refusal::challenged : Refusal::forbidden);
      core.layer.answerStateless(request, source, verdict.status, verdict.headers);
      return false;
    case Verdict::Kind::silence:
      core.refuse(Refusal::silenced);
      return false;
  }
  return false;
}

void UserAgent::State::inDialog(TransactionId id, const Message& request, const Source& source) {
  if (request.method() == Method::cancel) return refuse(id, Refusal::noDialog, 481);  // its INVITE is over
  if (InviteSession* session = core.findByTag(request.to().tag()))
    return session->onRequest(id, request, now);
  if (core.subscriptions->inDialog(id, request, source, now)) return;
  refuse(id, Refusal::noDialog, 481);
}

void UserAgent::State::outOfDialog(TransactionId id, const Message& request, const Source& source) {
  const Uri& uri = request.requestUri();
  if (!uri.isSip() && uri.scheme != UriScheme::tel) return refuse(id, Refusal::badUri, 416);
  if (!core.checkExtensions(id, request, now)) return;
  if (request.method() != Method::invite && request.body().size() > core.options.maxBodyBytes)
    return refuse(id, Refusal::badBody, 413);
  switch (request.method()) {
    case Method::invite:
      return startCall(id, request, source);
    case Method::options:  // RFC 3261 section 11.2: what an INVITE would get
      if (core.draining) return refuse(id, Refusal::draining, 503, {{HeaderId::retryAfter, {}, "60"}});
      return core.answer(id, 200, now,
                         {{HeaderId::allow, {}, core.allow},
                          {HeaderId::supported, {}, std::string(kSupported)},
                          {HeaderId::accept, {}, std::string(kAccept)}});
    case Method::subscribe:
      if (!core.options.takesSubscriptions) break;
      return core.subscriptions->incoming(id, request, source, now);
    case Method::bye:
    case Method::prack:
    case Method::update:
    case Method::info:
    case Method::notify:
    case Method::cancel:
      return refuse(id, Refusal::noDialog, 481);
    case Method::ack:
    case Method::registration:
    case Method::refer:
    case Method::message:
    case Method::publish:
    case Method::other:
      break;
  }
  core.requests->incoming(id, request, source, now);
}

void UserAgent::State::startCall(TransactionId id, const Message& request, const Source& source) {
  if (core.draining) return refuse(id, Refusal::draining, 503, {{HeaderId::retryAfter, {}, "60"}});
  if (core.sessions().size() >= core.options.maxSessions)
    return refuse(id, Refusal::sessionsFull, 503, {{HeaderId::retryAfter, {}, "10"}});
  // We call on for the caller, so his hops are ours (RFC 7332).
  if (core.options.refuseLastHop && request.maxForwards() && *request.maxForwards() <= 0)
    return refuse(id, Refusal::tooManyHops, 483);
  if (!core.checkBody(id, request, now) || !core.checkInterval(id, request, now)) return;
  if (expiresOf(request) == 0U) return core.answer(id, 487, now);  // over before anybody could ring
  auto dialog = dialogOfRequest(request, core.layer.localTag(id), source);
  if (!dialog) return refuse(id, Refusal::badRequest, 400);
  std::optional<SessionId> replaced;
  if (const auto text = request.header(HeaderId::replaces)) {  // RFC 3891 section 3
    const auto replaces = Replaces::parse(*text);
    if (!replaces || request.list(HeaderId::replaces).size() != 1)
      return refuse(id, Refusal::badRequest, 400);
    const InviteSession* other = core.findByTag(replaces->toTag);
    if (other == nullptr || !other->isNamedBy(*replaces) || other->phase() == SessionPhase::ringing)
      return refuse(id, Refusal::noDialog, 481);
    if (replaces->earlyOnly && other->phase() != SessionPhase::calling)
      return refuse(id, Refusal::noDialog, 486);
    replaced = other->id();
  }
  auto session = std::make_unique<InviteSession>(core, SessionId{core.newId()});
  session->takeDialog(std::move(*dialog));
  core.add(std::move(session)).incoming(id, request, source, replaced, now);
}

InviteSession* UserAgent::State::sessionOf(TransactionId id) {
  const auto owner = core.ownerOf(id);
  return owner && owner->kind == Owner::Kind::session ? core.find(SessionId{owner->id}) : nullptr;
}

void UserAgent::State::onCancel(TransactionId invite, const Message& cancel) {
  if (InviteSession* session = sessionOf(invite)) session->onCancel(invite, cancel, now);
}

void UserAgent::State::onAck(const Message& ack, const Source&) {
  InviteSession* session = core.findByTag(ack.to().tag());
  if (session == nullptr || !isInDialog(session->state().dialog, ack)) return core.refuse(Refusal::strayAck);
  session->onAck(ack, now);
}

void UserAgent::State::onResponse(TransactionId id, const Message& response, const Source& source) {
  const auto owner = core.ownerOf(id);
  if (!owner) return;
  if (owner->kind == Owner::Kind::request)
    return core.requests->onResponse(RequestId{owner->id}, response, now);
  if (owner->kind == Owner::Kind::subscription)
    return core.subscriptions->onResponse(SubscriptionId{owner->id}, response, now);
  if (InviteSession* session = core.find(SessionId{owner->id}))
    return session->onResponse(id, response, source, now);
  // A 2xx that crossed our CANCEL: the call is wanted no more (RFC 3261 section 9.1).
  if (response.cseq().method == Method::invite && response.status() >= 200 && response.status() < 300)
    core.ackAndBye(id, response, source.target(), {}, now);
}

void UserAgent::State::onRequestFailed(TransactionId id, int status, std::string_view reason) {
  const auto owner = core.ownerOf(id);
  if (!owner) return;
  if (owner->kind == Owner::Kind::request)
    return core.requests->onRequestFailed(RequestId{owner->id}, status, reason, now);
  if (owner->kind == Owner::Kind::subscription)
    return core.subscriptions->onRequestFailed(SubscriptionId{owner->id}, status, reason, now);
  if (InviteSession* session = core.find(SessionId{owner->id}))
    session->onRequestFailed(id, status, reason, now);
}

void UserAgent::State::onResponseFailed(TransactionId id, std::string_view reason) {
  if (InviteSession* session = sessionOf(id)) session->onResponseFailed(id, reason, now);
}

void UserAgent::State::onGone(TransactionId id) {
  core.disown(id);
  core.requests->onGone(id);
}

}  // namespace parley::sip
