#include "sip/user_agent.h"

#include <algorithm>

#include "sip/dtmf.h"
#include "sip/invite_session.h"
#include "sip/request_desk.h"
#include "sip/subscription_desk.h"
#include "sip/user_agent_state.h"

namespace parley::sip {

UserAgent::UserAgent(UserAgentOptions options, UserAgentParts parts)
    : state_(std::make_unique<State>(std::move(options), parts)) {}

UserAgent::~UserAgent() = default;

void UserAgent::receive(std::string_view bytes, const Source& source, base::Instant now) {
  state_->receive(bytes, source, now);
  state_->finish();
}

void UserAgent::receive(Message message, const Source& source, base::Instant now) {
  state_->receive(std::move(message), source, now);
  state_->finish();
}

bool UserAgent::onMalformed(const ParseFailure& failure, const Source& source) {
  return state_->onMalformed(failure, source);
}

void UserAgent::onSendFailed(SendToken token, std::string_view reason, base::Instant now) {
  state_->now = now;
  state_->core.layer.onSendFailed(token, reason, now);
  state_->finish();
}

void UserAgent::onLocated(LocateId id, std::vector<Target> targets, base::Instant now) {
  state_->onLocated(id, std::move(targets), now);
  state_->finish();
}

void UserAgent::onTimer(base::Instant now) {
  state_->now = now;
  state_->core.timers.run(now);
  state_->finish();
}

base::Instant UserAgent::nextTimer() const {
  return state_->core.hasEvents() ? base::Instant::min() : state_->core.timers.next();
}

void UserAgent::setCallTimes(const CallTimes& times) { state_->core.setCallTimes(times); }

SessionId UserAgent::invite(OutgoingCall call, base::Instant now) {
  AgentCore& core = state_->core;
  const SessionId id{core.newId()};
  if (core.sessions().size() >= core.options.maxSessions || core.draining) {
    const bool draining = core.draining;
    core.emit([id, draining](UserAgentListener& listener) {
      listener.onEnded(id, {503,
                            draining ? "sip.draining" : "sip.sessions_full",
                            draining ? "shutting down" : "too many calls",
                            {},
                            true});
    });
    return id;
  }
  core.add(std::make_unique<InviteSession>(core, id)).call(std::move(call), now);
  core.sweep();
  return id;
}

void UserAgent::ring(SessionId session, const std::string& sdp, base::Instant now, const Headers& headers) {
  state_->with(session, [&](InviteSession& one) { one.ring(sdp, headers, now); });
}

void UserAgent::answer(SessionId session, const std::string& sdp, base::Instant now, const Headers& headers) {
  state_->with(session, [&](InviteSession& one) { one.answer(sdp, headers, now); });
}

void UserAgent::reject(SessionId session, int status, base::Instant now, const Headers& headers) {
  state_->with(session, [&](InviteSession& one) { one.reject(status, headers, now); });
}

void UserAgent::redirect(SessionId session, const Uri& contact, base::Instant now) {
  NameAddr address;
  address.uri = contact;
  state_->with(session, [&](InviteSession& one) {
    one.reject(302, {{HeaderId::contact, {}, address.toString()}}, now);
  });
}

void UserAgent::hangUp(SessionId session, const std::string& cause, base::Instant now) {
  state_->with(session, [&](InviteSession& one) { one.hangUp(cause, now); });
}

void UserAgent::offer(SessionId session, const std::string& sdp, base::Instant now, const Headers& headers) {
  state_->with(session, [&](InviteSession& one) { one.offer(sdp, headers, now); });
}

void UserAgent::answerOffer(SessionId session, const std::string& sdp, base::Instant now) {
  state_->with(session, [&](InviteSession& one) { one.answerOffer(sdp, now); });
}

void UserAgent::refuseOffer(SessionId session, int status, base::Instant now) {
  state_->with(session, [&](InviteSession& one) { one.refuseOffer(status, now); });
}

void UserAgent::sendDtmf(SessionId session, const DtmfSignal& signal, base::Instant now, DtmfBody form) {
  sendMessage(session, Method::info, writeDtmf(signal, form), std::string(contentTypeOf(form)), now);
}

void UserAgent::sendMessage(SessionId session, Method method, std::string body,
                            const std::string& contentType, base::Instant now) {
  if (method != Method::info && method != Method::message) return;
  state_->with(session,
               [&](InviteSession& one) { one.sendMessage(method, std::move(body), contentType, now); });
}

void UserAgent::refer(SessionId session, const OutgoingRefer& refer, base::Instant now) {
  state_->with(session, [&](InviteSession& one) { one.refer(refer, now); });
}

void UserAgent::referProgress(SessionId session, int status, base::Instant now) {
  state_->with(session, [&](InviteSession& one) { one.referProgress(status, now); });
}

std::string UserAgent::save(SessionId session) const {
  const InviteSession* found = state_->core.find(session);
  return found == nullptr ? std::string() : found->save();
}

std::optional<SessionId> UserAgent::restore(std::string_view saved, base::Instant now) {
  AgentCore& core = state_->core;
  auto state = deserialiseSession(saved);
  if (!state || core.sessions().size() >= core.options.maxSessions) return std::nullopt;
  if (core.findByTag(state->dialog.localTag) != nullptr) return std::nullopt;  // it is here
  const SessionId id{core.newId()};
  auto session = std::make_unique<InviteSession>(core, id);
  session->restore(std::move(*state), now);
  core.add(std::move(session));
  return id;
}

RequestId UserAgent::request(OutgoingRequest request, base::Instant now) {
  return state_->core.requests->send(std::move(request), now);
}

void UserAgent::respond(RequestId request, int status, base::Instant now, const Headers& headers,
                        const std::string& body, const std::string& contentType) {
  state_->core.requests->respond(request, status, now, headers, body, contentType);
}

SubscriptionId UserAgent::subscribe(OutgoingSubscription subscription, base::Instant now) {
  return state_->core.subscriptions->subscribe(std::move(subscription), now);
}

void UserAgent::unsubscribe(SubscriptionId subscription, base::Instant now) {
  state_->core.subscriptions->unsubscribe(subscription, now);
}

void UserAgent::acceptSubscription(SubscriptionId subscription, base::Instant now) {
  state_->core.subscriptions->accept(subscription, now);
}

void UserAgent::refuseSubscription(SubscriptionId subscription, int status, base::Instant now) {
  state_->core.subscriptions->refuse(subscription, status, now);
}

void UserAgent::notify(SubscriptionId subscription, const std::string& state, const std::string& body,
                       const std::string& contentType, base::Instant now) {
  state_->core.subscriptions->notify(subscription, state, body, contentType, now);
}

void UserAgent::drain() { state_->core.draining = true; }

void UserAgent::shutDown(base::Instant now) {
  drain();
  for (const SessionId id : state_->core.sessionIds()) hangUp(id, {}, now);
  state_->core.subscriptions->endAll(now);
}

bool UserAgent::idle() const {
  const AgentCore& core = state_->core;
  return core.sessions().empty() && core.subscriptions->size() == 0 && core.requests->size() == 0 &&
         core.layer.waiting() == 0;
}

UserAgent::Sizes UserAgent::sizes() const {
  const AgentCore& core = state_->core;
  Sizes sizes;
  sizes.sessions = core.sessions().size();
  sizes.dialogs = static_cast<std::size_t>(std::ranges::count_if(
      core.sessions(), [](const auto& entry) { return entry.second->phase() == SessionPhase::confirmed; }));
  sizes.subscriptions = core.subscriptions->size();
  sizes.requests = core.requests->size();
  sizes.serverTransactions = core.layer.serverSize();
  sizes.clientTransactions = core.layer.clientSize();
  sizes.timers = core.timers.size();
  sizes.locating = core.locating();
  return sizes;
}

bool UserAgent::isSilent(const Target& target, base::Instant now) const {
  return state_->core.isSilent(target, now);
}

const RefusalCounts& UserAgent::refusals() const { return state_->core.refusals; }

std::optional<Replaces> UserAgent::dialogOf(SessionId session) const {
  const InviteSession* found = state_->core.find(session);
  if (found == nullptr || found->phase() == SessionPhase::calling) return std::nullopt;
  const DialogState& dialog = found->state().dialog;
  return Replaces{dialog.callId, dialog.remoteTag, dialog.localTag, false};
}

std::optional<SessionId> UserAgent::findDialog(const Replaces& replaces) const {
  const InviteSession* found = state_->core.findByTag(replaces.toTag);
  return found != nullptr && found->isNamedBy(replaces) ? std::optional(found->id()) : std::nullopt;
}

}  // namespace parley::sip
