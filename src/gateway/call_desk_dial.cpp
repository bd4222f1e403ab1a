// Who calls whom: what pages dial, what phones call, what a transfer is to, and hunt groups.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "gateway/call_desk.h"
#include "gateway/internal_log.h"
#include "gateway/sip_call_headers.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kCallsOfAnAgent = 2;
constexpr std::size_t kMaxPhoneName = 64;

std::string shownName(const identity::User& user) {
  return user.displayName.empty() ? user.name : user.displayName;
}

}  // namespace

const identity::User* CallDesk::agentUser(std::string_view nameOrNumber) const {
  const identity::User* user = users_.find(nameOrNumber);
  const bool can = user != nullptr && !user->disabled && user->has(identity::Role::agent);
  return can ? user : nullptr;
}

EndReason CallDesk::refusalOfAgent(const std::string& user) const {
  switch (agents_.presence(user)) {
    case Presence::notSignedIn:
      return EndReason::agentNotSignedIn;
    case Presence::busy:
      return EndReason::busy;
    case Presence::away:
      return EndReason::agentAway;
    case Presence::available:
      break;
  }
  return reachable(user) ? EndReason::none : EndReason::agentNotSignedIn;
}

RingingPage CallDesk::ringingPage(const std::string& user, bool autoAnswer) {
  const Session* session = sessions_.agentSession(user);
  const identity::User* known = users_.find(user);
  return {.user = user,
          .name = known != nullptr ? shownName(*known) : user,
          .session = session != nullptr ? session->id : "",
          .sessionUp = session != nullptr && session->up(),
          .autoAnswer = autoAnswer || options_.autoAnswer.contains(user)};
}

void CallDesk::findAgent(Callee& out, const identity::User& user) {
  out.party.user = user.name;
  out.party.name = shownName(user);
  out.party.agent = true;
  out.agents.push_back(user.name);
  out.refusal = refusalOfAgent(user.name);
  if (out.refusal != EndReason::none) return;
  out.ringing.push_back(ringingPage(user.name, false));
  out.party.session = out.ringing.front().session;
  out.party.sessionUp = out.ringing.front().sessionUp;
}

void CallDesk::findMembers(Callee& out, const HuntGroup& group, const std::string& caller) {
  out.party.name = group.label.empty() ? group.name : group.label;
  out.party.agent = true;
  out.hunt.group = out.party.name;
  out.hunt.oneByOne = group.strategy != HuntStrategy::simultaneous;
  out.hunt.memberMillis = group.memberMillis;
  out.ringMillis = group.overflowMillis;
  const auto isFree = [&](const std::string& user) {
    return user != caller && agentUser(user) != nullptr && refusalOfAgent(user) == EndReason::none;
  };
  auto members =
      huntOrder(group, isFree, [this](const std::string& user) { return agents_.idleSince(user); });
  if (members.empty()) {
    // What would have to change for the call to succeed: the mildest of the reasons.
    out.refusal = EndReason::agentNotSignedIn;
    for (const std::string& member : group.members) {
      const EndReason reason = refusalOfAgent(member);
      if (reason == EndReason::busy || (reason == EndReason::agentAway && out.refusal != EndReason::busy)) {
        out.refusal = reason;
      }
    }
    return;
  }
  if (out.hunt.oneByOne) members.resize(1);
  if (members.size() > kMaxRinging) members.resize(kMaxRinging);
  for (const std::string& member : members) out.ringing.push_back(ringingPage(member, group.autoAnswer));
  out.hunt.tried = members;
  out.agents = members;
}

void CallDesk::findPhone(Callee& out, const std::string& address) {
  if (!phones_.available()) {
    out.refusal = looksLikePhone(address) ? EndReason::noTrunk : EndReason::destinationUnknown;
    return;
  }
  if (!isDialable(address)) {
    out.refusal = EndReason::destinationUnknown;
    return;
  }
  out.party.kind = PartyKind::phone;
  out.party.leg = "p" + random_.alphanumeric(12);
  out.party.number = dialledNumber(address);
  out.party.name = out.party.number;
}

CallDesk::Callee CallDesk::findCallee(const std::string& address, const std::string& caller, bool mayGoOut) {
  Callee out;
  out.party.address = address;
  out.party.called = true;
  const std::string user = userPart(address);
  const auto* agent = agentUser(user);
  if (isRefusedNumber(address, options_.destinations)) {
    out.refusal = EndReason::numberRefused;
  } else if (agent != nullptr && agent->name == caller) {
    out.refusal = EndReason::destinationRefused;
  } else if (agent != nullptr) {
    findAgent(out, *agent);
  } else if (const HuntGroup* group = findGroup(options_.groups, user)) {
    findMembers(out, *group, caller);
  } else if (user.empty() || users_.find(user) != nullptr || !mayGoOut) {
    out.refusal = EndReason::destinationUnknown;
  } else {
    findPhone(out, address);
  }
  return out;
}

/// Reason of an error, or nothing.
std::string CallDesk::refusalOfDial(const Session& session, const message::Dial& dial) {
  if (draining_) return "server.draining";
  if (session.isAgent()) return {};
  if (dial.uui && !session.token.uuiAllowed) return "uui.not_allowed";
  if (!dials_.take(session.network, options_.dialsPerMinute, loop_.now())) return "rate.exceeded";
  return {};
}

/// A stranger's page must not dial the world at the company's expense: what it may call was said by an
/// administrator, or it is not asked to choose.
bool CallDesk::mayCallPhones(const Session& session, const message::Dial& dial) const {
  const bool chosenHere = base::trim(dial.destination).empty() && session.token.destination.empty();
  return session.isAgent() || chosenHere || options_.destinations.phones || session.token.phonesAllowed;
}

Party CallDesk::callerOf(const Session& session, const message::Dial& dial) const {
  Party out;
  out.session = session.id;
  out.user = session.token.user;
  out.name = session.token.name;
  out.address = "consumer";
  if (!session.isAgent()) {
    if (out.name.empty()) out.name = dial.name.value_or("");
    return out;
  }
  out.agent = true;
  out.address = out.user;
  if (const auto* user = users_.find(out.user)) {
    out.name = shownName(*user);
    out.number = user->number;
  }
  return out;
}

/// A second call of an agent is a consult: the first one waits meanwhile. False: it may not be begun now.
bool CallDesk::holdFirstCall(const Session& session) {
  const auto calls = agents_.callsOf(session.token.user);
  if (calls.size() >= kCallsOfAnAgent) return false;
  for (const std::string& id : calls) {
    const CallState* first = calls_.find(id);
    if (first == nullptr) continue;
    if (first->phase != CallPhase::connected || first->transfer.running()) return false;
    calls_.deliver(id, event::HoldAsked{session.id, true, ""});
  }
  return true;
}

/// A consult is about the agent's first call: what belongs to that goes along.
void CallDesk::addContext(CallState& state, const Session& session, const message::Dial& dial) {
  state.uui = dial.uui.value_or(session.token.uui);
  state.correlationId = session.token.correlationId;
  for (const std::string& id :
       session.isAgent() ? agents_.callsOf(session.token.user) : std::vector<std::string>{}) {
    const CallState* first = calls_.find(id);
    if (first == nullptr) continue;
    state.correlationId = first->correlationId;
    if (dial.uui) continue;
    state.uui = first->uui;
    state.uuiElement = first->uuiElement;
  }
  if (state.correlationId.empty()) state.correlationId = newCorrelationId(random_);
}

void CallDesk::onDial(const Session& session, const PageMessage& m, const message::Dial& dial) {
  if (const std::string reason = refusalOfDial(session, dial); !reason.empty()) {
    const char* text = reason == "uui.not_allowed" ? "This page may not send User-to-User information."
                       : reason == "rate.exceeded"
                           ? "There were too many calls from here. Please try again in a minute."
                           : "The server is being restarted. Please try again in a moment.";
    return sendError(session, reason, text, m.request);
  }
  const bool agent = session.isAgent();
  Destination destination;
  if (agent) {
    destination.address = std::string(base::trim(dial.destination));
  } else {
    destination = resolveDestination(dial.destination, session.token.destination, options_.destinations);
  }
  Callee callee = findCallee(destination.address, agent ? session.token.user : "", true);
  if (destination.refusal != EndReason::none) callee.refusal = destination.refusal;
  if (callee.refusal == EndReason::none && callee.party.isPhone() && !mayCallPhones(session, dial)) {
    callee.refusal = EndReason::phonesNotAllowed;
  }
  const bool consumerHasOne = !agent && consumerCalls_.contains(session.id);
  const bool exists = callee.refusal == EndReason::none || callee.refusal == EndReason::busy ||
                      callee.refusal == EndReason::agentAway || callee.refusal == EndReason::agentNotSignedIn;
  const bool full = calls_.size() >= options_.maxCalls || consumerHasOne;
  if ((exists && full) || (callee.refusal == EndReason::none && agent && !holdFirstCall(session))) {
    callee.refusal = EndReason::tooManyCalls;
  }
  CallState state;
  state.caller = agent && callee.party.isPhone() ? Side::agent : Side::consumer;
  state.party(state.caller) = callerOf(session, dial);
  state.id = random_.alphanumeric(20);
  state.audio = dial.audio;
  state.video = dial.video;
  state.offer = dial.sdp;
  addContext(state, session, dial);
  if (callee.refusal == EndReason::none) {
    if (agent) {
      agents_.addCall(session.token.user, state.id);
      sendAvailability(session.token.user);
    } else {
      consumerCalls_[session.id] = state.id;
    }
  }
  begin(std::move(state), callee, m.request);
}

void CallDesk::begin(CallState state, const Callee& callee, const std::string& request) {
  const Side other = otherSide(state.caller);
  state.party(other) = callee.party;
  for (const Side side : {state.caller, other}) {
    if (!state.party(side).isPhone()) state.party(side).leg = toString(side);
  }
  state.agents = callee.agents;
  state.mayRefer = options_.referPhones;
  state.agentLabel = options_.agentLabel;
  state.times = options_.times;
  if (callee.ringMillis != 0) state.times.ring = callee.ringMillis;
  state.hunt = callee.hunt;
  if (callee.refusal == EndReason::none) {
    state.ringing = callee.ringing;
    for (const RingingPage& page : callee.ringing) {
      agents_.addCall(page.user, state.id);
      sendAvailability(page.user);
    }
  } else {
    state.offer.clear();
  }
  const base::LogContext context("call", state.id);
  log.info("dialled", {{"destination", callee.party.address}, {"agent", callee.party.user}});
  calls_.begin(std::move(state), {request, callee.refusal});
}

void CallDesk::onPhoneCall(const IncomingPhoneCall& call) {
  Party phone;
  phone.kind = PartyKind::phone;
  phone.leg = call.leg;
  phone.dialog = true;
  phone.address = base::printable(call.fromAddress, kMaxDestinationBytes);
  phone.number = base::printable(dialledNumber(call.fromAddress), kMaxPhoneName);
  phone.name = base::printable(call.fromName, kMaxPhoneName);
  if (phone.name.empty()) phone.name = phone.number;
  if (!call.replacesLeg.empty()) {
    const std::string id = calls_.callOfLeg(call.replacesLeg);
    if (id.empty()) return phones_.reject(call.leg, 481, "There is no such call to take over.");
    return calls_.deliver(id, event::PhoneReplaces{call.replacesLeg, phone, call.sdp});
  }
  // What comes from the telephone network does not go out to it again.
  Callee callee = findCallee(call.to, "", false);
  if (callee.refusal == EndReason::none && calls_.size() >= options_.maxCalls) {
    callee.refusal = EndReason::tooManyCalls;
  }
  CallState state;
  state.id = random_.alphanumeric(20);
  state.consumer = std::move(phone);
  state.offer = call.sdp;
  state.delayedOffer = call.sdp.empty();
  state.video = hasVideo(call.sdp);
  state.uui = call.uui;
  state.uuiElement = call.uuiElement;
  state.correlationId = call.correlationId.empty() ? newCorrelationId(random_) : call.correlationId;
  state.assist = assistOf(call.correlationId);
  if (draining_) return phones_.reject(call.leg, 503, "The server is being restarted.");
  begin(std::move(state), callee, "");
}

/// The hunt group's next. Those that became free meanwhile count, those that had their turn do not.
void CallDesk::onNextMember(const CallState& state) {
  event::MemberChosen chosen;
  const auto group = std::ranges::find_if(options_.groups, [&](const HuntGroup& g) {
    return (g.label.empty() ? g.name : g.label) == state.hunt.group;
  });
  if (group != options_.groups.end()) {
    const auto isFree = [&](const std::string& user) {
      return std::ranges::find(state.hunt.tried, user) == state.hunt.tried.end() &&
             agentUser(user) != nullptr && refusalOfAgent(user) == EndReason::none;
    };
    const auto members =
        huntOrder(*group, isFree, [this](const std::string& user) { return agents_.idleSince(user); });
    if (!members.empty()) chosen.pages.push_back(ringingPage(members.front(), group->autoAnswer));
  }
  for (const RingingPage& page : chosen.pages) {
    agents_.addCall(page.user, state.id);
    sendAvailability(page.user);
  }
  calls_.deliver(state.id, std::move(chosen));
}

void CallDesk::onTransfer(const Session& session, const PageMessage& m, const message::Transfer& t) {
  const CallState* state = calls_.find(t.call);
  event::TransferAsked asked;
  asked.session = session.id;
  asked.request = m.request;
  const bool can = session.isAgent() && state != nullptr && knowsCall(*state, session.id) &&
                   state->phase == CallPhase::connected && !state->transfer.running();
  // The call itself says why not.
  if (!can) return onCallRequest(session, t.call, m.request, std::move(asked));
  if (t.to.empty()) return transfer(*state, std::move(asked), t.destination);
  const CallState* other = calls_.find(t.to);
  if (other == nullptr || other == state || other->phase != CallPhase::connected ||
      other->transfer.running() || !knowsCall(*other, session.id)) {
    return sendError(session, "call.wrong_state", "The other call is not one that can be joined.", m.request,
                     t.call);
  }
  onConsult(session, m.request, *state, *other);
}

/// Blind: to an agent, a group or a phone; by REFER to an agent or a group, and to such phones as an
/// administrator said.
void CallDesk::transfer(const CallState& state, event::TransferAsked asked, const std::string& destination) {
  std::string address(base::trim(destination));
  const auto side = [&] {
    for (const Side each : {Side::consumer, Side::agent}) {
      const Party& party = state.party(each);
      if (asked.leg.empty() ? party.session == asked.session : party.leg == asked.leg) return each;
    }
    return Side::agent;
  }();
  // A phone must not go out again at our expense: neither one that called us or that an agent called, nor,
  // unless that is wanted, the one that a customer was given in an agent's place.
  const std::string caller = state.party(side).isPhone() ? "" : state.party(side).user;
  Callee callee = findCallee(address, caller, asked.leg.empty());
  if (!asked.leg.empty() && callee.refusal == EndReason::destinationUnknown) {
    if (side != Side::agent || !isAmong(address, options_.destinations.transfers)) {
      callee.refusal = EndReason::destinationRefused;
    } else if (isDialable(address)) {
      // What was compared is what is dialled: parameters of a user (RFC 3966) or a host may lead elsewhere.
      address = dialledNumber(address);
      callee = findCallee(address, caller, true);
    }
  }
  asked.to = callee.party.name.empty() ? address : callee.party.name;
  asked.refusal = callee.refusal;
  asked.target = callee.party;
  asked.hunt = callee.hunt;
  if (callee.refusal == EndReason::none) {
    asked.ringing = callee.ringing;
    for (const RingingPage& page : asked.ringing) {
      agents_.addCall(page.user, state.id);
      sendAvailability(page.user);
    }
  }
  if (!asked.target.isPhone()) asked.target.session.clear();  // Until one answers.
  calls_.deliver(state.id, std::move(asked));
}

/// Which of the two calls goes on is decided by whom an agent's page can ring: the one whose other side is a
/// consumer's page stays, since nobody can ring that.
void CallDesk::onConsult(const Session& session, const std::string& request, const CallState& state,
                         const CallState& other) {
  const auto byOf = [&](const CallState& s) {
    return !s.consumer.isPhone() && s.consumer.session == session.id ? Side::consumer : Side::agent;
  };
  const auto canMove = [](const Party& party) { return party.isPhone() || party.agent; };
  event::TransferAsked asked;
  asked.session = session.id;
  asked.request = request;
  const Side by = byOf(state);
  const Side otherBy = byOf(other);
  if (canMove(other.party(otherSide(otherBy)))) return joinCalls(state, by, other, otherBy, std::move(asked));
  if (canMove(state.party(otherSide(by)))) return joinCalls(other, otherBy, state, by, std::move(asked));
  sendError(session, "call.not_allowed", "Two customers cannot be joined.", request, state.id);
}

void CallDesk::joinCalls(const CallState& state, Side, const CallState& other, Side otherBy,
                         event::TransferAsked asked) {
  const Party& target = other.party(otherSide(otherBy));
  asked.to = target.name;
  asked.otherCall = other.id;
  asked.target.kind = target.kind;
  asked.target.user = target.user;
  asked.target.name = target.name;
  asked.target.address = target.address;
  asked.target.number = target.number;
  asked.target.agent = target.agent;
  if (target.isPhone()) {
    asked.target.leg = target.leg;
    asked.target.dialog = true;
    asked.target.video = target.video;
    asked.target.telephoneEvent = target.telephoneEvent;
  } else {
    RingingPage page = ringingPage(target.user, false);
    page.autoAnswer = true;  // It talks with the transferrer already.
    page.session = target.session;
    asked.ringing.push_back(std::move(page));
    agents_.addCall(target.user, state.id);
  }
  calls_.deliver(state.id, std::move(asked));
}

/// A phone's REFER. What it names may be one of our own legs: then two calls are joined.
void CallDesk::onPhoneRefer(const CallState& state, const std::string& leg, const std::string& target,
                            const std::string& replaces, const std::string& replacesLeg) {
  if (state.phase != CallPhase::connected || state.transfer.running()) return phones_.referProgress(leg, 603);
  event::TransferAsked asked;
  asked.leg = leg;
  asked.replaces = replaces;
  const std::string otherId = replacesLeg.empty() ? std::string() : calls_.callOfLeg(replacesLeg);
  const CallState* other = otherId == state.id ? nullptr : calls_.find(otherId);
  if (replacesLeg.empty()) return transfer(state, std::move(asked), target);
  if (other == nullptr || other->phase != CallPhase::connected || other->transfer.running()) {
    return phones_.referProgress(leg, 481);
  }
  const Side by = state.consumer.leg == leg ? Side::consumer : Side::agent;
  const Side otherBy = other->consumer.leg == replacesLeg ? Side::consumer : Side::agent;
  const Party& moved = other->party(otherSide(otherBy));
  if (!moved.isPhone() && !moved.agent) return phones_.referProgress(leg, 603);
  asked.replaces.clear();
  joinCalls(state, by, *other, otherBy, std::move(asked));
}

}  // namespace parley::gateway
