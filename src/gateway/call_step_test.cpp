// step() over the whole table of states and events, and the properties that hold whatever happens.
#include "gateway/call_step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/random.h"

namespace parley::gateway {
namespace {

enum class Shape { pages, toPhone, fromPhone };
constexpr std::array kShapes{Shape::pages, Shape::toPhone, Shape::fromPhone};

const char* const kOfferWithVideo = "v=0\r\nm=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 96\r\n";
const char* const kAudioSdp = "v=0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

void makePhone(Party& party, bool dialog) {
  party.kind = PartyKind::phone;
  party.leg = "p1";
  party.session.clear();
  party.number = "2001";
  party.dialog = dialog;
  party.agent = false;
}

CallState stateIn(CallPhase phase, Shape shape = Shape::pages) {
  CallState s;
  s.id = "c1";
  s.phase = phase;
  s.consumer.session = "sc";
  s.consumer.user = "c-1";
  s.consumer.name = "Ada";
  s.consumer.address = "consumer";
  s.consumer.leg = "consumer";
  s.consumer.told = phase != CallPhase::idle;
  s.agent.session = "sa";
  s.agent.user = s.agent.address = "agent1";
  s.agent.name = "Agent 1";
  s.agent.leg = "agent";
  s.agent.agent = s.agent.called = true;
  s.times = {30'000, 20'000, 60'000};
  if (phase == CallPhase::idle || phase == CallPhase::allocating) s.offer = "offer";
  if (phase != CallPhase::idle) s.startedAt = 1000;
  if (phase > CallPhase::allocating) s.broker = "b1";
  if (phase <= CallPhase::ringing) s.ringing = {{"agent1", "Agent 1", "sa", true, false}};
  if (phase == CallPhase::ringing) s.ringOffer = "offer for agent";
  s.agent.told = phase >= CallPhase::ringing;
  if (phase >= CallPhase::answering) s.answeredAt = 2000;
  if (phase >= CallPhase::connected) {
    s.connectedAt = 3000;
    s.consumer.iceUp = s.consumer.dtlsUp = s.agent.iceUp = s.agent.dtlsUp = true;
  }
  if (shape == Shape::fromPhone) makePhone(s.consumer, phase != CallPhase::ended);
  if (shape == Shape::toPhone) {
    makePhone(s.agent, phase >= CallPhase::ringing && phase != CallPhase::ended);
    s.ringing.clear();
    s.ringOffer.clear();
  }
  if (phase == CallPhase::ended) {
    s.endedAt = 4000;
    s.reason = EndReason::hungUp;
    s.by = EndedBy::agent;
  }
  return s;
}

using What = decltype(Event::what);

What brokerDone(BrokerOp op, std::string leg, base::Result<std::string> result, std::string tag = {}) {
  event::BrokerDone done;
  done.asked.op = op;
  done.asked.leg = std::move(leg);
  done.asked.other = done.asked.leg == "consumer" ? "agent" : "consumer";
  done.asked.tag = std::move(tag);
  if (result) {
    done.reply = BrokerReply{*result, false, {}};
  } else {
    done.reply = std::unexpected(result.error());
  }
  return done;
}

Party phoneParty(std::string leg) {
  Party out;
  out.kind = PartyKind::phone;
  out.leg = std::move(leg);
  out.name = out.address = out.number = "3001";
  return out;
}

event::TransferAsked toPhone(std::string session, std::string leg = {}) {
  event::TransferAsked asked;
  asked.session = std::move(session);
  asked.leg = std::move(leg);
  asked.request = "r";
  asked.to = "3001";
  asked.target = phoneParty("p9");
  return asked;
}

event::TransferAsked toAgent(std::string session, std::string leg = {}) {
  event::TransferAsked asked;
  asked.session = std::move(session);
  asked.leg = std::move(leg);
  asked.request = "r";
  asked.to = "Agent 2";
  asked.target.user = "agent2";
  asked.target.name = "Agent 2";
  asked.ringing = {{"agent2", "Agent 2", "s2", true, false}};
  return asked;
}

std::vector<std::pair<std::string, What>> phoneEvents() {
  std::vector<std::pair<std::string, What>> out;
  for (const std::string leg : {"p1", "p9"}) {
    out.emplace_back(leg + " rings", event::PhoneProgress{leg, 180, ""});
    out.emplace_back(leg + " early", event::PhoneProgress{leg, 183, kAudioSdp});
    out.emplace_back(leg + " answers", event::PhoneAnswered{leg, kAudioSdp});
    out.emplace_back(leg + " busy", event::PhoneFailed{leg, 486, "sip.busy", ""});
    out.emplace_back(leg + " offers", event::PhoneOffer{leg, kAudioSdp});
    out.emplace_back(leg + " offers video", event::PhoneOffer{leg, kOfferWithVideo});
    out.emplace_back(leg + " wants an offer", event::PhoneOffer{leg, ""});
    out.emplace_back(leg + " answers the offer", event::PhoneOfferAnswered{leg, kAudioSdp});
    out.emplace_back(leg + " refuses the offer", event::PhoneOfferFailed{leg, 488, "sip.refused"});
    out.emplace_back(leg + " digits", event::PhoneDtmf{leg, "1"});
    out.emplace_back(leg + " refer trying", event::PhoneReferred{leg, 100});
    out.emplace_back(leg + " refer done", event::PhoneReferred{leg, 200});
    out.emplace_back(leg + " refer failed", event::PhoneReferred{leg, 405});
    out.emplace_back(leg + " bye", event::PhoneEnded{leg, "sip.bye", ""});
    out.emplace_back(leg + " expired", event::PhoneEnded{leg, "sip.session_expired", ""});
    out.emplace_back(leg + " replaced", event::PhoneReplaces{leg, phoneParty("p7"), kAudioSdp});
    for (const BrokerOp op :
         {BrokerOp::addLeg, BrokerOp::makeOffer, BrokerOp::answer, BrokerOp::removeLeg, BrokerOp::hold,
          BrokerOp::rollback, BrokerOp::answerLocally, BrokerOp::ringback}) {
      out.emplace_back(leg + " " + std::string(toString(op)) + " done", brokerDone(op, leg, "sdp"));
    }
  }
  return out;
}

std::vector<std::pair<std::string, What>> transferEvents() {
  std::vector<std::pair<std::string, What>> out{
      {"transfer to phone", toPhone("sa")},
      {"transfer to agent", toAgent("sa")},
      {"transfer by phone", toAgent("", "p1")},
      {"cancel transfer", event::TransferCancelled{"sa", "r"}},
      {"target answers", event::Answered{"s2", kOfferWithVideo, "r"}},
      {"target rejects", event::Rejected{"s2", false, "r"}},
      {"target hangs up", event::HungUp{"s2", "r"}},
      {"target goes", event::SessionGone{"s2", false}},
      {"target reloads", event::SessionBack{"s2", "s2b", true}},
      {"target media", event::LegChanged{"page1", event::LegChange::dtlsUp, "", "{}", 0}},
      {"bridged", brokerDone(BrokerOp::bridge, "consumer", "")},
      {"bridge of phone", brokerDone(BrokerOp::bridge, "p1", "")},
      {"bridge failed", brokerDone(BrokerOp::bridge, "consumer", base::fail("net.timeout", ""))},
      {"nobody in group", event::MemberChosen{}},
      {"member", event::MemberChosen{{{"agent3", "Agent 3", "s3", true, true}}}},
      {"absorbed", event::Absorbed{"p1"}},
      {"taken over", event::TakenOver{}},
      {"taken over, phone lost", event::TakenOver{{"p1"}}}};
  auto refused = toAgent("sa");
  refused.refusal = EndReason::busy;
  refused.ringing.clear();
  out.emplace_back("transfer refused", refused);
  auto consult = toPhone("sa");
  consult.otherCall = "c2";
  consult.target.dialog = true;
  out.emplace_back("consult with phone", consult);
  for (const BrokerOp op : {BrokerOp::addLeg, BrokerOp::makeOffer, BrokerOp::answer}) {
    out.emplace_back("target " + std::string(toString(op)), brokerDone(op, "page1", "sdp"));
    out.emplace_back("target failed " + std::string(toString(op)),
                     brokerDone(op, "page1", base::fail("net.timeout", "")));
  }
  return out;
}

/// What needs neither a phone nor a transfer.
std::vector<std::pair<std::string, What>> pageEvents() {
  std::vector<std::pair<std::string, What>> out{
      {"dialled", event::Dialled{"r"}},
      {"dialled refused", event::Dialled{"r", EndReason::busy}},
      {"answered", event::Answered{"sa", "sdp", "r"}},
      {"rejected", event::Rejected{"sa", false, "r"}},
      {"rejected busy", event::Rejected{"sa", true, "r"}},
      {"created", brokerDone(BrokerOp::create, "", "b1")},
      {"create failed", brokerDone(BrokerOp::create, "", base::fail("net.timeout", ""))},
      {"offered", brokerDone(BrokerOp::offer, "consumer", "offer for agent")},
      {"offer failed", brokerDone(BrokerOp::offer, "consumer", base::fail("sdp.no_common_codec", ""))},
      {"broker answered", brokerDone(BrokerOp::answer, "agent", "answer")},
      {"answer failed", brokerDone(BrokerOp::answer, "agent", base::fail("leg.unknown", ""))},
      {"broker forgot", brokerDone(BrokerOp::hold, "agent", base::fail("call.unknown", ""))},
      {"renegotiate", event::Renegotiate{"consumer"}},
      {"shared session beside", event::AssistShared{"cid-2"}},
      {"broker lost", event::BrokerGone{EndReason::brokerLost}},
      {"stopping", event::ServerStopping{}}};
  for (const std::string who : {"consumer", "agent"}) {
    const std::string session = who == "agent" ? "sa" : "sc";
    out.emplace_back(who + " hung up", event::HungUp{session, "r"});
    out.emplace_back(who + " muted", event::Muted{session, true, false, "r"});
    out.emplace_back(who + " restarted", event::Restarted{session, "sdp", "r"});
    out.emplace_back(who + " dtmf", event::DtmfSent{session, "1", "r", {}});
    out.emplace_back(who + " holds", event::HoldAsked{session, true, "r"});
    out.emplace_back(who + " shares", event::AssistOpened{session, "cid-1", "r"});
    out.emplace_back(who + " mixes", event::ConferenceSet{session, "c2", "Noa", "r"});
    out.emplace_back(who + " mixes no longer", event::ConferenceSet{session, "", "", "r"});
    out.emplace_back(who + " resumes", event::HoldAsked{session, false, "r"});
    out.emplace_back(who + " offers", event::OfferMade{session, kOfferWithVideo, true, true, "r"});
    out.emplace_back(who + " answers an offer", event::Answered{session, kOfferWithVideo, "r"});
    out.emplace_back(who + " stats", event::StatsReported{session, "{}"});
    out.emplace_back(who + " lost", event::SessionLost{session});
    out.emplace_back(who + " back", event::SessionBack{session, session, false});
    out.emplace_back(who + " back fresh", event::SessionBack{session, session, true});
    out.emplace_back(who + " left", event::SessionGone{session, true});
    out.emplace_back(who + " expired", event::SessionGone{session, false});
    out.emplace_back(who + " make offer done", brokerDone(BrokerOp::makeOffer, who, "sdp"));
    out.emplace_back(who + " make offer failed",
                     brokerDone(BrokerOp::makeOffer, who, base::fail("sdp.malformed", "")));
    out.emplace_back(who + " local answer", brokerDone(BrokerOp::answerLocally, who, "sdp", "r"));
    out.emplace_back(who + " local failed",
                     brokerDone(BrokerOp::answerLocally, who, base::fail("sdp.malformed", ""), "r"));
    out.emplace_back(who + " local unknown",
                     brokerDone(BrokerOp::answerLocally, who, base::fail("call.unknown", ""), "r"));
    for (const auto& [name, change] :
         std::map<std::string, event::LegChange>{{"ice up", event::LegChange::iceUp},
                                                 {"ice down", event::LegChange::iceDown},
                                                 {"dtls up", event::LegChange::dtlsUp},
                                                 {"dtls down", event::LegChange::dtlsDown},
                                                 {"other", event::LegChange::other}}) {
      out.emplace_back(who + " " + name, event::LegChanged{who, change, name, "{}", 0});
    }
  }
  for (std::size_t i = 0; i < kCallTimers; ++i) {
    const auto timer = static_cast<CallTimer>(i);
    out.emplace_back("timer " + std::string(toString(timer)), event::TimerFired{timer});
  }
  return out;
}

std::vector<std::pair<std::string, What>> allEvents() {
  auto out = pageEvents();
  for (auto& each : phoneEvents()) out.push_back(std::move(each));
  for (auto& each : transferEvents()) out.push_back(std::move(each));
  return out;
}

/// Where the call goes, for every phase and event that moves it. What is not named stays in its phase.
std::map<std::pair<CallPhase, std::string>, std::string> movingTable() {
  using P = CallPhase;
  std::map<std::pair<P, std::string>, std::string> table{
      {{P::idle, "dialled"}, "allocating"},
      {{P::idle, "dialled refused"}, "ended busy"},
      {{P::allocating, "created"}, "offering"},
      {{P::allocating, "create failed"}, "ended broker_down"},
      {{P::offering, "offered"}, "ringing"},
      {{P::offering, "offer failed"}, "ended sdp_refused"},
      {{P::offering, "consumer make offer done"}, "ringing"},
      {{P::offering, "agent make offer done"}, "ringing"},
      {{P::offering, "consumer make offer failed"}, "ended sdp_refused"},
      {{P::offering, "agent make offer failed"}, "ended sdp_refused"},
      {{P::ringing, "answered"}, "answering"},
      {{P::ringing, "agent answers an offer"}, "answering"},
      {{P::ringing, "rejected"}, "ended rejected"},
      {{P::ringing, "rejected busy"}, "ended busy"},
      {{P::ringing, "timer ring"}, "ended no_answer"},
      {{P::ringing, "timer member's ring"}, "ended no_answer"},
      {{P::answering, "broker answered"}, "connecting"},
      {{P::answering, "answer failed"}, "ended broker_lost"},
      {{P::connecting, "timer media"}, "ended media_failed"},
  };
  for (const P phase : {P::allocating, P::offering, P::ringing, P::answering, P::connecting, P::connected}) {
    const bool answered = phase >= P::answering;
    table[{phase, "consumer hung up"}] = answered ? "ended hung_up" : "ended cancelled";
    if (phase >= P::ringing) table[{phase, "agent hung up"}] = answered ? "ended hung_up" : "ended rejected";
    table[{phase, "consumer left"}] = "ended consumer_left";
    table[{phase, "consumer expired"}] = "ended consumer_lost";
    table[{phase, "agent left"}] = "ended agent_left";
    table[{phase, "agent expired"}] = "ended agent_lost";
    table[{phase, "broker lost"}] = "ended broker_lost";
    table[{phase, "stopping"}] = "ended server_stopping";
    for (const auto* event : {"broker forgot", "consumer local unknown", "agent local unknown"}) {
      table[{phase, event}] = "ended broker_lost";
    }
  }
  return table;
}

template <class T>
std::size_t countOf(const std::vector<Action>& actions) {
  std::size_t count = 0;
  for (const Action& action : actions) count += std::holds_alternative<T>(action) ? 1 : 0;
  return count;
}

const action::Broker* brokerAction(const Step& step, BrokerOp op) {
  for (const Action& action : step.actions) {
    const auto* broker = std::get_if<action::Broker>(&action);
    if (broker != nullptr && broker->request.op == op) return broker;
  }
  return nullptr;
}

const action::Phone* phoneAction(const Step& step, PhoneOp op) {
  for (const Action& action : step.actions) {
    const auto* phone = std::get_if<action::Phone>(&action);
    if (phone != nullptr && phone->op == op) return phone;
  }
  return nullptr;
}

/// A dialog is ended once, by us or by the phone: nothing of it is left behind.
void expectPhonesDropped(const CallState& before, const Step& after, const std::string& name) {
  std::map<std::string, int> dropped;
  for (const Action& action : after.actions) {
    const auto* phone = std::get_if<action::Phone>(&action);
    if (phone == nullptr || (phone->op != PhoneOp::hangUp && phone->op != PhoneOp::reject)) continue;
    EXPECT_EQ(++dropped[phone->leg], 1) << name;
  }
  const auto left = phoneLegs(after.state);
  if (after.state.phase == CallPhase::ended) {
    EXPECT_TRUE(left.empty()) << name;
  }
  for (const auto& [leg, count] : dropped) {
    EXPECT_EQ(std::ranges::count(left, leg), 0) << name << ": a leg that was dropped is no leg of it";
  }
  for (const std::string& leg : phoneLegs(before)) {
    const bool consults =
        before.transfer.running() && before.transfer.target.leg == leg && !before.transfer.otherCall.empty();
    const bool byItself = name.find(leg) != std::string::npos || name.find("absorbed") != std::string::npos ||
                          name.find("taken over") != std::string::npos;
    if (std::ranges::count(left, leg) == 0 && !consults && !byItself) {
      EXPECT_EQ(dropped[leg], 1) << name << leg;
    }
  }
}

/// What holds after every step.
void expectSound(const CallState& before, const Step& after, const std::string& name) {
  const auto& actions = after.actions;
  const bool changed = !(before == after.state);
  EXPECT_EQ(countOf<action::Persist>(actions), changed ? 1u : 0u) << name;
  if (changed) {
    EXPECT_TRUE(std::holds_alternative<action::Persist>(actions.front())) << name;
  }
  const bool ends = before.phase != CallPhase::ended && after.state.phase == CallPhase::ended;
  EXPECT_EQ(countOf<action::Finish>(actions), ends ? 1u : 0u) << name;
  if (ends) {
    EXPECT_TRUE(std::holds_alternative<action::Finish>(actions.back())) << name;
    EXPECT_NE(after.state.reason, EndReason::none) << name;
    EXPECT_NE(after.state.endedAt, 0) << name;
    EXPECT_TRUE(after.state.offer.empty() && after.state.ringOffer.empty()) << name;
    EXPECT_TRUE(after.state.ringing.empty() && !after.state.transfer.running()) << name;
    EXPECT_EQ(countOf<action::BrokerDelete>(actions), before.phase == CallPhase::idle ? 0u : 1u) << name;
  }
  expectPhonesDropped(before, after, name);
  for (const Side side : {Side::consumer, Side::agent}) {
    const Party& party = after.state.party(side);
    std::size_t told = 0;
    for (const Action& action : actions) {
      const auto* sent = std::get_if<action::SendCall>(&action);
      if (sent != nullptr && sent->side == side) ++told;
      const auto* page = std::get_if<action::SendPage>(&action);
      if (page != nullptr && page->session == party.session) ++told;
    }
    EXPECT_LE(told, 1u) << name;
    if (!party.told || party.isPhone()) {
      EXPECT_EQ(told, 0u) << name;
    } else if (changed && viewOf(before, side) != viewOf(after.state, side)) {
      EXPECT_EQ(told, 1u) << name;
    }
  }
}

/// Nothing of it is lost in the store. Dear: four fifths of a step's time.
void expectStorable(const CallState& state, const std::string& name) {
  EXPECT_EQ(deserialise(serialise(state)), state) << name;
}

TEST(CallStep, TheWholeTable) {
  const auto table = movingTable();
  std::size_t moved = 0;
  for (std::size_t i = 0; i < kCallPhases; ++i) {
    const auto phase = static_cast<CallPhase>(i);
    for (const auto& [eventName, what] : pageEvents()) {
      const std::string name = std::string(toString(phase)) + " + " + eventName;
      const CallState before = stateIn(phase);
      const Step after = step(before, {5000, what});
      expectSound(before, after, name);
      expectStorable(after.state, name);
      std::string to(toString(after.state.phase));
      if (after.state.phase == CallPhase::ended && phase != CallPhase::ended) {
        to += " " + std::string(toString(after.state.reason));
      }
      const auto wanted = table.find({phase, eventName});
      EXPECT_EQ(to, wanted == table.end() ? toString(phase) : wanted->second) << name;
      moved += wanted == table.end() ? 0 : 1;
      if (phase == CallPhase::ended) {
        EXPECT_EQ(after.state, before) << name << ": an ended call never changes";
      }
      if (phase == CallPhase::idle && !eventName.starts_with("dialled")) {
        EXPECT_EQ(countOf<action::SendError>(after.actions), after.actions.size()) << name;
      }
    }
  }
  EXPECT_EQ(moved, table.size());
}

TEST(CallStep, EveryShapePhaseAndEventIsSound) {
  for (const Shape shape : kShapes) {
    for (std::size_t i = 0; i < kCallPhases; ++i) {
      const auto phase = static_cast<CallPhase>(i);
      for (const auto& [eventName, what] : allEvents()) {
        const std::string name =
            std::to_string(static_cast<int>(shape)) + " " + std::string(toString(phase)) + " + " + eventName;
        const CallState before = stateIn(phase, shape);
        const Step after = step(before, {5000, what});
        expectSound(before, after, name);
        if (after.state != before) expectStorable(after.state, name);
        if (phase == CallPhase::ended) {
          EXPECT_EQ(after.state, before) << name;
        }
      }
    }
  }
}

TEST(CallStep, EveryRequestGetsAnAnswerOrAnErrorOrAsksTheBroker) {
  for (std::size_t i = 1; i < kCallPhases; ++i) {
    const auto phase = static_cast<CallPhase>(i);
    for (const auto& [name, what] : allEvents()) {
      const bool isRequest = std::visit(
          [](const auto& e) {
            if constexpr (requires {
                            e.session;
                            e.request;
                          })
              return !e.session.empty();
            return false;
          },
          what);
      if (!isRequest) continue;
      bool answered = false;
      for (const Action& action : step(stateIn(phase), {5000, what}).actions) {
        if (const auto* call = std::get_if<action::SendCall>(&action)) answered |= call->request == "r";
        if (const auto* page = std::get_if<action::SendPage>(&action)) answered |= page->request == "r";
        if (const auto* error = std::get_if<action::SendError>(&action)) answered |= error->request == "r";
        if (const auto* asked = std::get_if<action::Broker>(&action)) {
          answered |= asked->request.op == BrokerOp::answerLocally || asked->request.op == BrokerOp::offer;
        }
      }
      EXPECT_TRUE(answered) << toString(phase) << " + " << name;
    }
  }
}

TEST(CallStep, RandomWalksStaySoundAndCanAlwaysEnd) {
  base::FakeRandom random(7);
  const auto events = allEvents();
  for (int walk = 0; walk < 700; ++walk) {
    const Shape shape = kShapes[static_cast<std::size_t>(walk) % kShapes.size()];
    const CallPhase from = walk % 2 == 0 ? CallPhase::idle : CallPhase::connected;
    CallState state = stateIn(from, shape);
    std::string story;
    for (int i = 0; i < 60 && state.phase != CallPhase::ended; ++i) {
      const auto& [name, what] = events[random.u32() % events.size()];
      Step next = step(state, {5000 + i, what});
      story += "; " + name;
      expectSound(state, next, name);
      // Some of the states that it comes by, others in each walk; the tables have seen every kind.
      if ((i + walk) % 8 == 0 && next.state != state) expectStorable(next.state, name);
      if (::testing::Test::HasFailure()) FAIL() << story;
      state = std::move(next.state);
    }
    expectStorable(state, story);
    if (!state.live()) continue;
    EXPECT_EQ(step(state, {9000, event::ServerStopping{}}).state.phase, CallPhase::ended);
  }
}

TEST(CallStep, APhoneIsLetGoAsItsStateWants) {
  const Step cancelled = step(stateIn(CallPhase::ringing, Shape::toPhone), {1, event::HungUp{"sc", ""}});
  ASSERT_NE(phoneAction(cancelled, PhoneOp::hangUp), nullptr);
  const Step refused =
      step(stateIn(CallPhase::idle, Shape::fromPhone), {1, event::Dialled{"", EndReason::busy}});
  ASSERT_NE(phoneAction(refused, PhoneOp::reject), nullptr);
  EXPECT_EQ(phoneAction(refused, PhoneOp::reject)->status, 486);
  const Step over = step(stateIn(CallPhase::connected, Shape::fromPhone), {1, event::HungUp{"sa", ""}});
  ASSERT_NE(phoneAction(over, PhoneOp::hangUp), nullptr);
  EXPECT_EQ(phoneAction(over, PhoneOp::hangUp)->text, "hung_up");
}

TEST(CallStep, BothLegsMakeItConnectedInAnyOrderAlsoBeforeTheAnswerIsThere) {
  CallState state = stateIn(CallPhase::answering);
  const auto up = [](const char* leg) {
    return What(event::LegChanged{leg, event::LegChange::dtlsUp, "", "{}", 0});
  };
  state = step(state, {1, up("agent")}).state;
  state = step(state, {2, up("consumer")}).state;
  EXPECT_EQ(state.phase, CallPhase::answering);
  const Step answered = step(state, {3, brokerDone(BrokerOp::answer, "agent", "sdp")});
  EXPECT_EQ(answered.state.phase, CallPhase::connected);
  EXPECT_EQ(answered.state.connectedAt, 3);
  EXPECT_EQ(countOf<action::SendSdp>(answered.actions), 1u) << "the consumer still needs the answer";
}

TEST(CallStep, AReloadedPageCountsAsLostUntilItsMediaIsBack) {
  CallState state = stateIn(CallPhase::connected);
  state = step(state, {1, event::SessionBack{"sa", "s2", true}}).state;
  EXPECT_TRUE(viewOf(state, Side::consumer).peerLost);
  EXPECT_EQ(state.agent.session, "s2");
  const Step restart = step(state, {2, event::Restarted{"s2", "sdp", "r"}});
  EXPECT_NE(brokerAction(restart, BrokerOp::answerLocally), nullptr);
  const Step checked =
      step(restart.state, {3, event::LegChanged{"agent", event::LegChange::iceUp, "", "{}", 0}});
  EXPECT_TRUE(viewOf(checked.state, Side::consumer).peerLost) << "a check alone is no media";
  EXPECT_EQ(countOf<action::StopTimer>(checked.actions), 0u);
  const CallState failed =
      step(checked.state, {4, event::LegChanged{"agent", event::LegChange::dtlsDown, "", "{}", 0}}).state;
  EXPECT_EQ(step(failed, {5, event::TimerFired{CallTimer::agentMedia}}).state.reason, EndReason::mediaFailed);
  const Step back =
      step(checked.state, {4, event::LegChanged{"agent", event::LegChange::dtlsUp, "", "{}", 0}});
  EXPECT_FALSE(viewOf(back.state, Side::consumer).peerLost);
  EXPECT_EQ(countOf<action::StopTimer>(back.actions), 1u);
}

TEST(CallStep, ALostLegHasItsTimeAndAReasonByWhatIsLeft) {
  CallState state = stateIn(CallPhase::connected);
  const Step lost = step(state, {1, event::LegChanged{"agent", event::LegChange::iceDown, "", "{}", 0}});
  ASSERT_EQ(countOf<action::StartTimer>(lost.actions), 1u);
  const Step again =
      step(lost.state, {2, event::LegChanged{"agent", event::LegChange::dtlsDown, "", "{}", 0}});
  EXPECT_EQ(countOf<action::StartTimer>(again.actions), 0u) << "the time is not begun anew";
  const event::TimerFired fired{CallTimer::agentMedia};
  EXPECT_EQ(step(again.state, {3, fired}).state.reason, EndReason::mediaFailed);
  const CallState gone = step(again.state, {3, event::SessionLost{"sa"}}).state;
  EXPECT_EQ(step(gone, {4, fired}).state.reason, EndReason::agentLost);
  EXPECT_EQ(step(gone, {4, event::TimerFired{CallTimer::consumerMedia}}).state.phase, CallPhase::connected);
}

TEST(CallStateForm, DamagedTextsAreNoCalls) {
  const std::string good = serialise(stateIn(CallPhase::ringing));
  ASSERT_TRUE(deserialise(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) EXPECT_FALSE(deserialise(good.substr(0, cut))) << cut;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"format\":3", "\"format\":2"},
           {"\"phase\":\"ringing\"", "\"phase\":\"singing\""},
           {"\"phase\":\"ringing\"", "\"phase\":3"},
           {"\"startedAt\":1000", "\"startedAt\":-1"},
           {"\"startedAt\":1000", "\"startedAt\":99999999999999999"},
           {"\"startedAt\":1000", "\"startedAt\":1.5"},
           {"\"reason\":\"\"", "\"reason\":\"because\""},
           {"\"by\":\"system\"", "\"by\":\"nobody\""},
           {"\"sessionUp\":true", "\"sessionUp\":1"},
           {"\"id\":\"c1\"", "\"id\":\"\""}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    EXPECT_FALSE(deserialise(bad)) << to;
  }
}

TEST(EndReasons, EachHasATokenAndASentenceForBothSides) {
  for (std::size_t i = 1; i < kEndReasons; ++i) {
    const auto reason = static_cast<EndReason>(i);
    EXPECT_FALSE(toString(reason).empty());
    EXPECT_EQ(endReasonOf(toString(reason)), reason);
    for (const Side side : {Side::consumer, Side::agent}) {
      for (const EndedBy by : {EndedBy::system, EndedBy::consumer, EndedBy::agent}) {
        EXPECT_TRUE(endText(reason, by, side, "").ends_with('.')) << toString(reason);
      }
    }
  }
  EXPECT_FALSE(endReasonOf("unknown"));
}

}  // namespace
}  // namespace parley::gateway
