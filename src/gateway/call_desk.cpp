#include "gateway/call_desk.h"

#include <fmt/format.h>

#include "base/log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

const base::Logger log{"gateway"};
/// An agent whose connection broke so recently still rings: it is most likely a reload or a short gap.
constexpr base::Millis kReachableGrace{10'000};

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

CallDesk::CallDesk(net::EventLoop& loop, Sessions& sessions, Calls& calls, CallRecords& records,
                   const identity::Users& users, base::Random& random, CallDeskOptions options)
    : loop_(loop),
      sessions_(sessions),
      calls_(calls),
      records_(records),
      users_(users),
      random_(random),
      options_(std::move(options)) {
  sessions_.setListener(this);
  calls_.setListener(this);
}

CallDesk::~CallDesk() {
  sessions_.closeAll();
  sessions_.setListener(nullptr);
  calls_.setListener(nullptr);
}

std::string CallDesk::callIdOf(const Session& session) const {
  if (session.isAgent()) return agents_.callOf(session.token.user);
  const auto found = consumerCalls_.find(session.id);
  return found == consumerCalls_.end() ? std::string() : found->second;
}

std::vector<std::string> CallDesk::callsOf(const Session& session) {
  const CallState* state = calls_.find(callIdOf(session));
  if (state == nullptr || !state->live()) return {};
  const Side side = session.isAgent() ? Side::agent : Side::consumer;
  if (side == Side::agent && !state->agentTold) return {};
  return {callFields(*state, side)};
}

std::string CallDesk::refusalOf(const identity::CallToken& token) {
  if (!draining_) return {};
  // An agent's page may be reloaded in a call that still goes on.
  const bool mayReturn = token.role == "agent" && !agents_.callOf(token.user).empty();
  return mayReturn ? std::string() : "server.draining";
}

void CallDesk::onSessionReplaced(Session& old, Session& fresh) {
  log.info("session replaced by a new page", {{"old", old.id}, {"user", fresh.token.user}});
  calls_.deliver(agents_.callOf(fresh.token.user), event::SessionBack{Side::agent, fresh.id, true});
}

void CallDesk::onSessionUp(Session& session, bool isNew) {
  if (session.isAgent()) {
    agents_.signedIn(session.token.user);
    if (isNew) sendAvailability(session.token.user);
  }
  if (isNew) return;
  const Side side = session.isAgent() ? Side::agent : Side::consumer;
  calls_.deliver(callIdOf(session), event::SessionBack{side, session.id, false});
}

void CallDesk::onSessionDown(Session& session) {
  const Side side = session.isAgent() ? Side::agent : Side::consumer;
  calls_.deliver(callIdOf(session), event::SessionLost{side});
}

void CallDesk::onSessionGone(Session& session, bool left) {
  const Side side = session.isAgent() ? Side::agent : Side::consumer;
  const std::string call = callIdOf(session);
  if (session.isAgent()) agents_.signedOut(session.token.user);
  calls_.deliver(call, event::SessionGone{side, left});
  consumerCalls_.erase(session.id);
}

bool CallDesk::mayLeave(const Session& session) { return callIdOf(session).empty(); }

void CallDesk::onMessage(Session& session, const PageMessage& m) {
  const auto request = [&](const std::string& call, auto eventOf) {
    onCallRequest(session, call, m.request, eventOf);
  };
  using What = decltype(Event::what);
  std::visit(
      Overloaded{
          [&](const message::Dial& d) { onDial(session, m, d); },
          [&](const message::Availability& a) { onAvailability(session, m, a.available); },
          [&](const message::Answer& a) {
            if (!session.isAgent())
              return sendError(session, "call.not_allowed", "Only the agent answers.", m.request, a.call);
            request(a.call, [&](Side) -> What { return event::Answered{a.sdp, m.request}; });
          },
          [&](const message::Reject& r) {
            if (!session.isAgent())
              return sendError(session, "call.not_allowed", "Only the agent rejects.", m.request, r.call);
            request(r.call, [&](Side) -> What { return event::Rejected{r.busy, m.request}; });
          },
          [&](const message::End& e) {
            request(e.call, [&](Side side) -> What { return event::HungUp{side, m.request}; });
          },
          [&](const message::Mute& u) {
            request(u.call, [&](Side side) -> What {
              return event::Muted{side, u.audio, u.video, m.request};
            });
          },
          [&](const message::Restart& r) {
            request(r.call, [&](Side side) -> What { return event::Restarted{side, r.sdp, m.request}; });
          },
          [&](const message::Dtmf& d) {
            request(d.call, [&](Side side) -> What { return event::DtmfSent{side, d.digits, m.request}; });
          },
          [&](const message::Stats& s) {
            // A report for a call that has just ended is nobody's fault.
            if (calls_.find(s.call) == nullptr && records_.find(s.call) != nullptr) return;
            request(s.call, [&](Side side) -> What { return event::StatsReported{side, s.report}; });
          },
          [](const message::Bye&) {}, [](const message::Pong&) {}},
      m.what);
}

/// Makes an event of a request about one call, if the session is a party of it.
void CallDesk::onCallRequest(Session& session, const std::string& call, const std::string& request,
                             const std::function<decltype(Event::what)(Side)>& eventOf) {
  const CallState* state = calls_.find(call);
  const Side side = session.isAgent() ? Side::agent : Side::consumer;
  if (state != nullptr && state->party(side).session == session.id)
    return calls_.deliver(call, eventOf(side));
  onEndedCall(session, call, request, std::holds_alternative<event::HungUp>(eventOf(side)));
}

/// Hanging up what is over already is no error: both sides may do it at once.
void CallDesk::onEndedCall(Session& session, const std::string& call, const std::string& request,
                           bool isEnd) {
  const CallRecord* record = records_.find(call);
  const Side side = session.isAgent() ? Side::agent : Side::consumer;
  if (record == nullptr || record->state.party(side).session != session.id) {
    return sendError(session, "call.unknown", "There is no such call.", request, call);
  }
  if (!isEnd) return sendError(session, "call.ended", "The call has already ended.", request, call);
  std::string head = "{\"type\":\"call\",";
  if (!request.empty()) head += "\"request\":" + dumpJson(request) + ",";
  sendToPage(session.id, head + callFields(record->state, side).substr(1));
}

bool CallDesk::reachable(const std::string& user) const {
  const Session* session = sessions_.agentSession(user);
  if (session == nullptr) return false;
  return session->up() || loop_.now() - session->brokeAt < kReachableGrace;
}

EndReason CallDesk::refusalOf(const Session& caller, const Destination& destination) const {
  if (destination.refusal != EndReason::none) return destination.refusal;
  const identity::User* user = users_.find(destination.user);
  if (user == nullptr || user->disabled || !user->has(identity::Role::agent))
    return EndReason::destinationUnknown;
  if (calls_.size() >= options_.maxCalls || consumerCalls_.contains(caller.id))
    return EndReason::tooManyCalls;
  switch (agents_.presence(user->name)) {
    case Presence::notSignedIn:
      return EndReason::agentNotSignedIn;
    case Presence::busy:
      return EndReason::busy;
    case Presence::away:
      return EndReason::agentAway;
    case Presence::available:
      break;
  }
  return reachable(user->name) ? EndReason::none : EndReason::agentNotSignedIn;
}

void CallDesk::onDial(Session& session, const PageMessage& m, const message::Dial& dial) {
  if (session.isAgent()) {
    return sendError(session, "call.not_allowed", "Agents cannot dial in this version.", m.request);
  }
  if (draining_) {
    return sendError(session, "server.draining",
                     "The server is being restarted. Please try again in a moment.", m.request);
  }
  if (dial.uui && !session.token.uuiAllowed) {
    return sendError(session, "uui.not_allowed", "This page may not send User-to-User information.",
                     m.request);
  }
  const Destination destination =
      resolveDestination(dial.destination, session.token.destination, options_.destinations);
  const EndReason refusal = refusalOf(session, destination);
  CallState state;
  state.id = random_.alphanumeric(20);
  state.consumer = {session.id, session.token.user, session.token.name, "consumer"};
  if (state.consumer.name.empty()) state.consumer.name = dial.name.value_or("");
  state.agent.address = destination.address;
  state.audio = dial.audio;
  state.video = dial.video;
  state.uui = dial.uui.value_or(session.token.uui);
  state.correlationId = session.token.correlationId;
  state.times = options_.times;
  if (const auto* user = users_.find(destination.user)) {
    state.agent.user = user->name;
    state.agent.name = user->displayName.empty() ? user->name : user->displayName;
  }
  if (refusal == EndReason::none) {
    state.offer = dial.sdp;
    const Session* agent = sessions_.agentSession(state.agent.user);
    state.agent.session = agent->id;
    state.agent.sessionUp = agent->up();
    agents_.setCall(state.agent.user, state.id);
    consumerCalls_[session.id] = state.id;
    sendAvailability(state.agent.user);
  }
  const base::LogContext context("call", state.id);
  log.info("dialled", {{"destination", destination.address}, {"agent", state.agent.user}});
  calls_.begin(std::move(state), {m.request, refusal});
}

void CallDesk::onAvailability(Session& session, const PageMessage& m, bool available) {
  if (!session.isAgent())
    return sendError(session, "call.not_allowed", "Only agents are available.", m.request);
  agents_.setAvailable(session.token.user, available);
  Json out = {{"type", "availability"}, {"state", toString(agents_.presence(session.token.user))}};
  if (!m.request.empty()) out["request"] = m.request;
  sendToPage(session.id, dumpJson(out));
}

void CallDesk::sendAvailability(const std::string& user) {
  const Session* session = sessions_.agentSession(user);
  if (session == nullptr) return;
  sendToPage(session->id, dumpJson({{"type", "availability"}, {"state", toString(agents_.presence(user))}}));
}

void CallDesk::sendError(const Session& session, std::string_view reason, std::string_view text,
                         const std::string& request, const std::string& call) {
  Json out = {{"type", "error"}, {"fatal", false}, {"reason", reason}, {"text", text}};
  if (!request.empty()) out["request"] = request;
  if (!call.empty()) out["call"] = call;
  sendToPage(session.id, dumpJson(out));
}

void CallDesk::sendToPage(const std::string& session, std::string object) {
  sessions_.send(session, std::move(object));
}

void CallDesk::onCallEnded(const CallState& state) {
  const auto consumer = consumerCalls_.find(state.consumer.session);
  if (consumer != consumerCalls_.end() && consumer->second == state.id) consumerCalls_.erase(consumer);
  if (agents_.callOf(state.agent.user) != state.id) return;
  agents_.setCall(state.agent.user, "");
  sendAvailability(state.agent.user);
}

void CallDesk::stopCalls() {
  for (const std::string& id : calls_.ids()) calls_.deliver(id, event::ServerStopping{});
}

}  // namespace parley::gateway
