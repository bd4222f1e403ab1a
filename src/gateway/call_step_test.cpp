// step() over the whole table of states and events, and the properties that hold whatever happens.
#include "gateway/call_step.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace parley::gateway {
namespace {

CallState stateIn(CallPhase phase) {
  CallState s;
  s.id = "c1";
  s.phase = phase;
  s.consumer = {"sc", "c-1", "Ada", "consumer"};
  s.agent = {"sa", "agent1", "Agent 1", "agent1"};
  s.times = {30'000, 20'000, 60'000};
  if (phase == CallPhase::idle || phase == CallPhase::allocating) s.offer = "offer";
  if (phase != CallPhase::idle) s.startedAt = 1000;
  if (phase > CallPhase::allocating) s.broker = "b1";
  if (phase == CallPhase::ringing) s.offerForAgent = "offer for agent";
  s.agentTold = phase >= CallPhase::ringing;
  if (phase >= CallPhase::answering) s.answeredAt = 2000;
  if (phase >= CallPhase::connected) {
    s.connectedAt = 3000;
    s.consumer.iceUp = s.consumer.dtlsUp = s.agent.iceUp = s.agent.dtlsUp = true;
  }
  if (phase == CallPhase::ended) {
    s.endedAt = 4000;
    s.reason = EndReason::hungUp;
    s.by = EndedBy::agent;
  }
  return s;
}

using What = decltype(Event::what);

std::vector<std::pair<std::string, What>> allEvents() {
  std::vector<std::pair<std::string, What>> out{
      {"dialled", event::Dialled{"r"}},
      {"dialled refused", event::Dialled{"r", EndReason::busy}},
      {"answered", event::Answered{"sdp", "r"}},
      {"rejected", event::Rejected{false, "r"}},
      {"rejected busy", event::Rejected{true, "r"}},
      {"created", event::BrokerCreated{"b1"}},
      {"create failed", event::BrokerCreated{base::fail("net.timeout", "")}},
      {"offered", event::BrokerOffered{"offer for agent"}},
      {"offer failed", event::BrokerOffered{base::fail("sdp.no_common_codec", "")}},
      {"broker answered", event::BrokerAnswered{"answer"}},
      {"answer failed", event::BrokerAnswered{base::fail("call.unknown", "")}},
      {"broker lost", event::BrokerGone{EndReason::brokerLost}},
      {"stopping", event::ServerStopping{}}};
  for (const Side side : {Side::consumer, Side::agent}) {
    const std::string who(toString(side));
    out.emplace_back(who + " hung up", event::HungUp{side, "r"});
    out.emplace_back(who + " muted", event::Muted{side, true, false, "r"});
    out.emplace_back(who + " restarted", event::Restarted{side, "sdp", "r"});
    out.emplace_back(who + " dtmf", event::DtmfSent{side, "1", "r"});
    out.emplace_back(who + " stats", event::StatsReported{side, "{}"});
    out.emplace_back(who + " lost", event::SessionLost{side});
    out.emplace_back(who + " back", event::SessionBack{side, side == Side::agent ? "sa" : "sc", false});
    out.emplace_back(who + " back fresh", event::SessionBack{side, "s2", true});
    out.emplace_back(who + " left", event::SessionGone{side, true});
    out.emplace_back(who + " expired", event::SessionGone{side, false});
    out.emplace_back(who + " local answer", event::BrokerAnsweredLocally{side, "r", "sdp"});
    out.emplace_back(who + " local failed",
                     event::BrokerAnsweredLocally{side, "r", base::fail("sdp.malformed", "")});
    out.emplace_back(who + " local unknown",
                     event::BrokerAnsweredLocally{side, "r", base::fail("call.unknown", "")});
    for (const auto& [name, change] :
         std::map<std::string, event::LegChange>{{"ice up", event::LegChange::iceUp},
                                                 {"ice down", event::LegChange::iceDown},
                                                 {"dtls up", event::LegChange::dtlsUp},
                                                 {"dtls down", event::LegChange::dtlsDown},
                                                 {"other", event::LegChange::other}}) {
      out.emplace_back(who + " " + name, event::LegChanged{side, change, name, "{}"});
    }
  }
  for (std::size_t i = 0; i < kCallTimers; ++i) {
    const auto timer = static_cast<CallTimer>(i);
    out.emplace_back("timer " + std::string(toString(timer)), event::TimerFired{timer});
  }
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
      {{P::ringing, "answered"}, "answering"},
      {{P::ringing, "rejected"}, "ended rejected"},
      {{P::ringing, "rejected busy"}, "ended busy"},
      {{P::ringing, "timer ring"}, "ended no_answer"},
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
    table[{phase, "consumer local unknown"}] = "ended broker_lost";
    table[{phase, "agent local unknown"}] = "ended broker_lost";
  }
  return table;
}

template <class T>
std::size_t countOf(const std::vector<Action>& actions) {
  std::size_t count = 0;
  for (const Action& action : actions) count += std::holds_alternative<T>(action) ? 1 : 0;
  return count;
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
    EXPECT_TRUE(after.state.offer.empty() && after.state.offerForAgent.empty()) << name;
    EXPECT_EQ(countOf<action::BrokerDelete>(actions), before.phase == CallPhase::idle ? 0u : 1u) << name;
  }
  for (const Side side : {Side::consumer, Side::agent}) {
    std::size_t told = 0;
    for (const Action& action : actions) {
      const auto* sent = std::get_if<action::SendCall>(&action);
      if (sent != nullptr && sent->side == side) ++told;
    }
    EXPECT_LE(told, 1u) << name;
    const bool knows = side == Side::consumer || after.state.agentTold;
    if (!knows) {
      EXPECT_EQ(told, 0u) << name;
    } else if (viewOf(before, side) != viewOf(after.state, side)) {
      EXPECT_EQ(told, 1u) << name;
    }
  }
  EXPECT_EQ(deserialise(serialise(after.state)), after.state) << name;
}

TEST(CallStep, TheWholeTable) {
  const auto table = movingTable();
  std::size_t moved = 0;
  for (std::size_t i = 0; i < kCallPhases; ++i) {
    const auto phase = static_cast<CallPhase>(i);
    for (const auto& [eventName, what] : allEvents()) {
      const std::string name = std::string(toString(phase)) + " + " + eventName;
      const CallState before = stateIn(phase);
      const Step after = step(before, {5000, what});
      expectSound(before, after, name);
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

TEST(CallStep, EveryRequestGetsAnAnswerOrAnErrorOrAsksTheBroker) {
  for (std::size_t i = 1; i < kCallPhases; ++i) {
    const auto phase = static_cast<CallPhase>(i);
    for (const auto& [name, what] : allEvents()) {
      const bool isRequest =
          std::holds_alternative<event::Answered>(what) || std::holds_alternative<event::Rejected>(what) ||
          std::holds_alternative<event::HungUp>(what) || std::holds_alternative<event::Muted>(what) ||
          std::holds_alternative<event::Restarted>(what) || std::holds_alternative<event::DtmfSent>(what);
      if (!isRequest) continue;
      bool answered = false;
      for (const Action& action : step(stateIn(phase), {5000, what}).actions) {
        if (const auto* call = std::get_if<action::SendCall>(&action)) answered |= call->request == "r";
        if (const auto* error = std::get_if<action::SendError>(&action)) answered |= error->request == "r";
        if (const auto* asked = std::get_if<action::BrokerAnswerLocally>(&action))
          answered |= asked->request == "r";
      }
      EXPECT_TRUE(answered) << toString(phase) << " + " << name;
    }
  }
}

TEST(CallStep, RandomWalksStaySoundAndCanAlwaysEnd) {
  base::FakeRandom random(7);
  const auto events = allEvents();
  for (int walk = 0; walk < 300; ++walk) {
    CallState state = stateIn(CallPhase::idle);
    for (int i = 0; i < 40; ++i) {
      const auto& [name, what] = events[random.u32() % events.size()];
      const Step next = step(state, {5000 + i, what});
      expectSound(state, next, std::string(toString(state.phase)) + " + " + name);
      state = next.state;
    }
    if (!state.live()) continue;
    EXPECT_EQ(step(state, {9000, event::HungUp{Side::consumer, ""}}).state.phase, CallPhase::ended);
  }
}

TEST(CallStep, BothLegsMakeItConnectedInAnyOrderAlsoBeforeTheAnswerIsThere) {
  CallState state = stateIn(CallPhase::answering);
  const auto up = [](Side side) { return What(event::LegChanged{side, event::LegChange::dtlsUp, "", "{}"}); };
  state = step(state, {1, up(Side::agent)}).state;
  state = step(state, {2, up(Side::consumer)}).state;
  EXPECT_EQ(state.phase, CallPhase::answering);
  const Step answered = step(state, {3, event::BrokerAnswered{"sdp"}});
  EXPECT_EQ(answered.state.phase, CallPhase::connected);
  EXPECT_EQ(answered.state.connectedAt, 3);
  EXPECT_EQ(countOf<action::SendSdp>(answered.actions), 1u) << "the consumer still needs the answer";
}

TEST(CallStep, AReloadedPageCountsAsLostUntilItsMediaIsBack) {
  CallState state = stateIn(CallPhase::connected);
  state = step(state, {1, event::SessionBack{Side::agent, "s2", true}}).state;
  EXPECT_TRUE(viewOf(state, Side::consumer).peerLost);
  EXPECT_EQ(state.agent.session, "s2");
  const Step restart = step(state, {2, event::Restarted{Side::agent, "sdp", "r"}});
  EXPECT_EQ(countOf<action::BrokerAnswerLocally>(restart.actions), 1u);
  const Step back =
      step(restart.state, {3, event::LegChanged{Side::agent, event::LegChange::iceUp, "", "{}"}});
  EXPECT_FALSE(viewOf(back.state, Side::consumer).peerLost);
  EXPECT_EQ(countOf<action::StopTimer>(back.actions), 1u);
}

TEST(CallStep, ALostLegHasItsTimeAndAReasonByWhatIsLeft) {
  CallState state = stateIn(CallPhase::connected);
  const Step lost = step(state, {1, event::LegChanged{Side::agent, event::LegChange::iceDown, "", "{}"}});
  ASSERT_EQ(countOf<action::StartTimer>(lost.actions), 1u);
  const Step again =
      step(lost.state, {2, event::LegChanged{Side::agent, event::LegChange::dtlsDown, "", "{}"}});
  EXPECT_EQ(countOf<action::StartTimer>(again.actions), 0u) << "the time is not begun anew";
  const event::TimerFired fired{CallTimer::agentMedia};
  EXPECT_EQ(step(again.state, {3, fired}).state.reason, EndReason::mediaFailed);
  const CallState gone = step(again.state, {3, event::SessionLost{Side::agent}}).state;
  EXPECT_EQ(step(gone, {4, fired}).state.reason, EndReason::agentLost);
  EXPECT_EQ(step(gone, {4, event::TimerFired{CallTimer::consumerMedia}}).state.phase, CallPhase::connected);
}

TEST(CallStateForm, DamagedTextsAreNoCalls) {
  const std::string good = serialise(stateIn(CallPhase::ringing));
  ASSERT_TRUE(deserialise(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) EXPECT_FALSE(deserialise(good.substr(0, cut))) << cut;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"format\":1", "\"format\":2"},
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
