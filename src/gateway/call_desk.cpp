#include "gateway/call_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/overloaded.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

/// An agent whose connection broke so recently still rings: it is most likely a reload or a short gap.
constexpr base::Millis kReachableGrace{10'000};

std::int64_t nowMillis() { return base::millisOf(base::wallNow()); }

event::DtmfMethod methodOf(const std::string& name) {
  if (name == "rfc4733") return event::DtmfMethod::media;
  if (name == "info") return event::DtmfMethod::info;
  return name == "both" ? event::DtmfMethod::both : event::DtmfMethod::unsaid;
}

std::optional<Side> sideOfSession(const CallState& state, const std::string& session) {
  for (const Side side : {Side::consumer, Side::agent}) {
    if (!state.party(side).isPhone() && state.party(side).session == session) return side;
  }
  return std::nullopt;
}

/// For people; the same that pages show who know no name.
std::string nameOf(const Party& party) {
  if (!party.name.empty()) return party.name;
  if (!party.number.empty()) return party.number;
  return party.agent || party.isPhone() ? party.address : "a customer";
}

bool involves(const CallState& s, const std::string& user) {
  for (const Party* party : {&s.consumer, &s.agent, &s.transfer.target}) {
    if (party->user == user && !party->isPhone()) return true;
  }
  return std::ranges::find(s.ringing, user, &RingingPage::user) != s.ringing.end();
}

}  // namespace

bool knowsCall(const CallState& s, const std::string& session) {
  if (session.empty()) return false;
  if (sideOfSession(s, session)) return true;
  if (s.transfer.running() && s.transfer.target.session == session) return true;
  return std::ranges::find(s.ringing, session, &RingingPage::session) != s.ringing.end();
}

CallDesk::CallDesk(net::EventLoop& loop, Sessions& sessions, Calls& calls, CallRecords& records,
                   Phones& phones, const identity::Users& users, base::Random& random,
                   CallDeskOptions options)
    : loop_(loop),
      sessions_(sessions),
      calls_(calls),
      records_(records),
      phones_(phones),
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

std::vector<std::string> CallDesk::callIdsOf(const Session& session) const {
  if (session.isAgent()) return agents_.callsOf(session.token.user);
  const auto found = consumerCalls_.find(session.id);
  return found == consumerCalls_.end() ? std::vector<std::string>() : std::vector{found->second};
}

std::vector<std::string> CallDesk::callsOf(const Session& session) {
  std::vector<std::string> out;
  for (const std::string& id : callIdsOf(session)) {
    const CallState* state = calls_.find(id);
    if (state == nullptr || !state->live()) continue;
    const auto page = std::ranges::find(state->ringing, session.id, &RingingPage::session);
    if (const auto side = sideOfSession(*state, session.id)) {
      if (state->party(*side).told) out.push_back(callFields(*state, *side));
    } else if (page != state->ringing.end() && !state->ringOffer.empty()) {
      out.push_back(ringFields(*state, *page));
    } else if (state->transfer.running() && state->transfer.target.session == session.id) {
      out.push_back(ringFields(*state, {}, true));
    }
  }
  return out;
}

std::string CallDesk::refusalOf(const identity::CallToken& token) {
  if (!draining_) return {};
  // An agent's page may be reloaded in a call that still goes on.
  const bool mayReturn = token.role == "agent" && !agents_.callsOf(token.user).empty();
  return mayReturn ? std::string() : "server.draining";
}

void CallDesk::onSessionReplaced(const Session& old, const Session& fresh) {
  log.info("session replaced by a new page", {{"old", old.id}, {"user", fresh.token.user}});
  for (const std::string& call : callIdsOf(fresh)) {
    calls_.deliver(call, event::SessionBack{old.id, fresh.id, true});
  }
}

void CallDesk::onSessionUp(const Session& session, bool isNew) {
  if (session.isAgent()) {
    agents_.signedIn(session.token.user, nowMillis());
    if (isNew) sendAvailability(session.token.user);
  }
  if (isNew) return;
  for (const std::string& call : callIdsOf(session)) {
    calls_.deliver(call, event::SessionBack{session.id, session.id, session.newPage});
  }
}

void CallDesk::onSessionDown(const Session& session, bool leaves) {
  for (const std::string& call : callIdsOf(session)) {
    calls_.deliver(call, event::SessionLost{session.id, leaves});
  }
}

void CallDesk::onSessionGone(const Session& session, bool left) {
  const auto calls = callIdsOf(session);
  if (session.isAgent()) agents_.signedOut(session.token.user);
  for (const std::string& call : calls) calls_.deliver(call, event::SessionGone{session.id, left});
  consumerCalls_.erase(session.id);
}

bool CallDesk::mayLeave(const Session& session) { return callIdsOf(session).empty(); }

void CallDesk::onMessage(const Session& session, const PageMessage& m) {
  const std::string& from = session.id;
  const auto request = [&](const std::string& call, What what) {
    onCallRequest(session, call, m.request, std::move(what));
  };
  std::visit(
      base::Overloaded{[&](const message::Dial& d) { onDial(session, m, d); },
                       [&](const message::Availability& a) { onAvailability(session, m, a.available); },
                       [&](const message::Answer& a) {
                         request(a.call, event::Answered{from, a.sdp, m.request});
                       },
                       [&](const message::Reject& r) {
                         if (!session.isAgent())
                           return sendError(session, "call.not_allowed", "Only the agent rejects.", m.request,
                                            r.call);
                         request(r.call, event::Rejected{from, r.busy, m.request});
                       },
                       [&](const message::End& e) {
                         request(e.call, event::HungUp{from, m.request});
                       },
                       [&](const message::Mute& u) {
                         request(u.call, event::Muted{from, u.audio, u.video, m.request});
                       },
                       [&](const message::Restart& r) {
                         request(r.call, event::Restarted{from, r.sdp, m.request});
                       },
                       [&](const message::Dtmf& d) {
                         request(d.call, event::DtmfSent{from, d.digits, m.request, methodOf(d.method)});
                       },
                       [&](const message::Assist& a) {
                         request(a.call, event::AssistOpened{from, a.cid, m.request});
                         shareAssist(session, a.call);
                       },
                       [&](const message::Hold& h) {
                         request(h.call, event::HoldAsked{from, h.held, m.request});
                         if (!h.held) tellRetrieved(session, h.call);
                       },
                       [&](const message::Conference& c) { onConference(session, m, c); },
                       [&](const message::Offer& o) {
                         request(o.call, event::OfferMade{from, o.sdp, o.audio, o.video, m.request});
                       },
                       [&](const message::Transfer& t) { onTransfer(session, m, t); },
                       [&](const message::CancelTransfer& c) {
                         request(c.call, event::TransferCancelled{from, m.request});
                       },
                       [&](const message::Stats& s) {
                         // A report for a call that has just ended is nobody's fault.
                         if (calls_.find(s.call) == nullptr && records_.find(s.call) != nullptr) return;
                         request(s.call, event::StatsReported{from, s.report});
                       },
                       [](const message::Bye&) {}, [](const message::Pong&) {}},
      m.what);
}

/// Gives a request about one call to it, if the session has to do with it.
void CallDesk::onCallRequest(const Session& session, const std::string& call, const std::string& request,
                             What what) {
  const CallState* state = calls_.find(call);
  const bool isEnd = std::holds_alternative<event::HungUp>(what);
  if (state != nullptr && knowsCall(*state, session.id)) return calls_.deliver(call, std::move(what));
  // A page that rang and was too late, or gave the call away.
  if (state != nullptr && session.isAgent() &&
      std::ranges::find(state->agents, session.token.user) != state->agents.end()) {
    return sendError(session, "call.ended", "The call is not here any more.", request, call);
  }
  onEndedCall(session, call, request, isEnd);
}

/// Hanging up what is over already is no error: both sides may do it at once.
void CallDesk::onEndedCall(const Session& session, const std::string& call, const std::string& request,
                           bool isEnd) {
  const CallRecord* record = records_.find(call);
  const auto side = record != nullptr ? sideOfSession(record->state, session.id) : std::nullopt;
  const bool was = record != nullptr && session.isAgent() &&
                   std::ranges::find(record->state.agents, session.token.user) != record->state.agents.end();
  if (!side && !was) return sendError(session, "call.unknown", "There is no such call.", request, call);
  if (!isEnd || !side) return sendError(session, "call.ended", "The call has already ended.", request, call);
  std::string head = "{\"type\":\"call\",";
  if (!request.empty()) head += "\"request\":" + dumpJson(request) + ",";
  sendToPage(session.id, head + callFields(record->state, *side).substr(1), "");
}

/// Who hears the call besides its two sides is said by the calls themselves, not by the page.
void CallDesk::onConference(const Session& session, const PageMessage& m, const message::Conference& c) {
  if (!session.isAgent())
    return sendError(session, "call.not_allowed", "Only agents join calls in a conference.", m.request,
                     c.call);
  event::ConferenceSet set{session.id, c.to, "", m.request};
  if (!c.to.empty()) {
    const CallState* other = calls_.find(c.to);
    const auto side = other != nullptr ? sideOfSession(*other, session.id) : std::nullopt;
    if (!side || c.to == c.call || other->phase != CallPhase::connected || other->party(*side).holds) {
      return sendError(session, "call.wrong_state", "The other call is not one that can be joined.",
                       m.request, c.call);
    }
    const Party& third = other->party(otherSide(*side));
    const CallState* state = calls_.find(c.call);
    const bool customer = state != nullptr && (!state->consumer.agent || !state->agent.agent);
    set.with = customer && third.agent && !options_.agentLabel.empty() ? options_.agentLabel : nameOf(third);
  }
  onCallRequest(session, c.call, m.request, std::move(set));
}

/// The other call of a conference goes on as any call; its page may be away just now.
void CallDesk::endConference(const CallState& ended) {
  for (const Side side : {Side::consumer, Side::agent}) {
    const Party& party = ended.party(side);
    const CallState* other = party.conference.empty() ? nullptr : calls_.find(party.conference);
    const auto place =
        other != nullptr && other->live() ? sideOfSession(*other, party.session) : std::nullopt;
    if (!place || other->party(*place).conference != ended.id) continue;
    calls_.deliver(party.conference, event::ConferenceSet{party.session, "", "", ""});
  }
}

bool CallDesk::reachable(const std::string& user) const {
  const Session* session = sessions_.agentSession(user);
  if (session == nullptr) return false;
  return session->up() || loop_.now() - session->brokeAt < kReachableGrace;
}

void CallDesk::onAvailability(const Session& session, const PageMessage& m, bool available) {
  if (!session.isAgent())
    return sendError(session, "call.not_allowed", "Only agents are available.", m.request);
  agents_.setAvailable(session.token.user, available);
  Json out = {{"type", "availability"}, {"state", toString(agents_.presence(session.token.user))}};
  if (!m.request.empty()) out["request"] = m.request;
  sendToPage(session.id, dumpJson(out), "");
}

void CallDesk::sendAvailability(const std::string& user) {
  const Session* session = sessions_.agentSession(user);
  if (session == nullptr) return;
  sendToPage(session->id, dumpJson({{"type", "availability"}, {"state", toString(agents_.presence(user))}}),
             "availability");
}

void CallDesk::sendError(const Session& session, std::string_view reason, std::string_view text,
                         const std::string& request, const std::string& call) {
  Json out = {{"type", "error"}, {"fatal", false}, {"reason", reason}, {"text", text}};
  if (!request.empty()) out["request"] = request;
  if (!call.empty()) out["call"] = call;
  sendToPage(session.id, dumpJson(out), "");
}

void CallDesk::sendToPage(const std::string& session, std::string object, const std::string& key) {
  sessions_.send(session, std::move(object), key);
}

void CallDesk::release(const std::string& user, const std::string& call) {
  agents_.removeCall(user, call, nowMillis());
  sendAvailability(user);
}

/// Agents that rang, or passed the call on, are free again.
void CallDesk::onPartiesChanged(const CallState& state) {
  for (const std::string& user : agents_.usersIn(state.id)) {
    if (!involves(state, user)) release(user, state.id);
  }
}

void CallDesk::onCallEnded(const CallState& state) {
  for (const Side side : {Side::consumer, Side::agent}) {
    const auto consumer = consumerCalls_.find(state.party(side).session);
    if (consumer != consumerCalls_.end() && consumer->second == state.id) consumerCalls_.erase(consumer);
  }
  for (const std::string& user : agents_.usersIn(state.id)) release(user, state.id);
  endConference(state);
}

std::string CallDesk::saveSession(const std::string& session) { return sessions_.save(session); }

void CallDesk::onRecovered(const CallState& state, const std::vector<std::string>& sessions) {
  for (const std::string& saved : sessions) {
    const Session* session = sessions_.find(sessions_.restore(saved));
    if (session == nullptr) continue;
    if (session->isAgent()) {
      agents_.signedIn(session->token.user, nowMillis());
      agents_.addCall(session->token.user, state.id);
    } else {
      consumerCalls_[session->id] = state.id;
    }
  }
}

void CallDesk::stopCalls() {
  for (const std::string& id : calls_.ids()) calls_.deliver(id, event::ServerStopping{});
}

}  // namespace parley::gateway
