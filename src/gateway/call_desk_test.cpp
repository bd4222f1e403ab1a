// Calls as pages see them, over the whole gateway without the network: real sessions, real state machine,
// real store; scripted brokers. Each test reads as the story of one call.
#include "base/log.h"
#include "gateway/test_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::Page;
using rig::Rig;
using namespace std::chrono_literals;

class Desk : public rig::DeskTest {
 protected:
  Desk() : DeskTest({.trunk = false}) {}
  void dial(const std::string& destination = "agent1", Json more = Json::object()) {
    more["destination"] = destination;
    more["sdp"] = "v=0 consumer";
    more["request"] = "d1";
    consumer_->send("dial", more);
  }
  std::string ring() {
    dial();
    const Json incoming = agent_->expect("incoming");
    return incoming.is_null() ? "" : incoming["call"].get<std::string>();
  }
  std::string connected() { return rig_->connectedCall(*consumer_, *agent_); }
};

TEST_F(Desk, DialRingAnswerConnectEnd) {
  EXPECT_EQ(agent_->expect("availability")["state"], "available");
  dial();
  const Json ringing = consumer_->expectCall("ringing");
  EXPECT_EQ(ringing["request"], "d1");
  EXPECT_EQ(ringing["direction"], "out");
  EXPECT_EQ(ringing["peer"]["name"], "Agent 1");
  EXPECT_EQ(agent_->expect("availability")["state"], "busy");
  const Json incoming = agent_->expect("incoming");
  EXPECT_EQ(incoming["state"], "ringing");
  EXPECT_EQ(incoming["direction"], "in");
  EXPECT_EQ(incoming["peer"]["name"], "Ada");
  EXPECT_EQ(incoming["sdp"], "offer for agent of v=0 consumer");
  const auto id = incoming["call"].get<std::string>();
  EXPECT_EQ(ringing["call"], id);
  EXPECT_EQ(rig_->storedCalls(), 1u);

  agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}, {"request", "a1"}});
  EXPECT_EQ(agent_->expectCall("connecting")["request"], "a1");
  EXPECT_EQ(consumer_->expectCall("connecting")["answeredAt"].is_string(), true);
  const Json sdp = consumer_->expect("sdp");
  EXPECT_EQ(sdp["kind"], "answer");
  EXPECT_EQ(sdp["sdp"], "answer for consumer of v=0 agent");
  rig_->brokers.leg(id, Side::agent, LegChange::dtlsUp);
  rig_->settle();
  EXPECT_TRUE(consumer_->silent("call")) << "one leg is not enough";
  rig_->brokers.leg(id, Side::consumer, LegChange::dtlsUp);
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  EXPECT_FALSE(agent_->expectCall("connected").is_null());

  consumer_->send("end", {{"call", id}, {"request", "e1"}});
  const Json ended = consumer_->expectCall("ended");
  EXPECT_EQ(ended["request"], "e1");
  EXPECT_EQ(ended["reason"], "hung_up");
  EXPECT_EQ(ended["text"], "You ended the call.");
  EXPECT_EQ(agent_->expectCall("ended")["text"], "Ada ended the call.");
  EXPECT_EQ(agent_->expect("availability")["state"], "available");
  expectNothingLeft();
  EXPECT_EQ(rig_->brokers.log,
            (std::vector<std::string>{"create", "offer consumer", "answer agent", "remove"}));
  const auto* record = rig_->records.find(id);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->media, R"({"legs":[]})");
  EXPECT_GT(record->timeline.entries().size(), 10u);
}

TEST_F(Desk, TheAgentRejects) {
  const auto id = ring();
  agent_->send("reject", {{"call", id}, {"reason", "busy"}});
  expectBothEnd("busy agent");
  const auto second = ring();
  agent_->send("reject", {{"call", second}});
  expectBothEnd("rejected agent");
  expectNothingLeft();
}

TEST_F(Desk, TheAgentIsBusyInACall) {
  const auto id = connected();
  auto other = rig_->consumer();
  ASSERT_TRUE(other->hello());
  other->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*other), "busy system");
  EXPECT_TRUE(agent_->silent("incoming"));
  consumer_->send("end", {{"call", id}});
  EXPECT_FALSE(agent_->expectCall("ended").is_null());
  other->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
  EXPECT_FALSE(agent_->expect("incoming").is_null());
}

TEST_F(Desk, TheAgentIsAwayOrNotSignedIn) {
  agent_->send("availability", {{"state", "away"}, {"request", "r"}});
  EXPECT_EQ(agent_->expect("availability", [](const Json& m) { return m.contains("request"); })["state"],
            "away");
  dial();
  EXPECT_EQ(endOf(*consumer_), "agent_away system");
  dial("agent2");
  EXPECT_EQ(endOf(*consumer_), "agent_not_signed_in system");
  agent_->send("bye");
  ASSERT_TRUE(agent_->waitClosed());
  dial();
  EXPECT_EQ(endOf(*consumer_), "agent_not_signed_in system");
  ASSERT_TRUE(agent_->hello());
  EXPECT_EQ(agent_->expect("availability")["state"], "away") << "the choice is remembered";
  expectNothingLeft();
}

TEST_F(Desk, DestinationsAreCheckedAgainstRulesAndToken) {
  Rig::Options options;
  options.desk.destinations.allowed = *NumberPattern::compile("(sip:)?agent[12](@.*)?");
  make(options);
  for (const auto& [destination, end] : std::vector<std::pair<std::string, std::string>>{
           {"nobody", "destination_refused system"},
           {"agent1 ' or 1=1", "destination_refused system"},
           {"agent2", "agent_not_signed_in system"},
           {"sip:agent2@example.com", "agent_not_signed_in system"}}) {
    dial(destination);
    EXPECT_EQ(endOf(*consumer_), end) << destination;
  }
  make({});
  for (const auto* destination : {"nobody", "admin", "http:agent1", "sip:"}) {
    dial(destination);
    EXPECT_EQ(endOf(*consumer_), "destination_unknown system") << destination;
  }
  auto bound = rig_->consumer({.destination = "agent2"});
  ASSERT_TRUE(bound->hello());
  bound->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*bound), "destination_refused system");
  bound->send("dial", {{"sdp", "v=0"}});
  EXPECT_EQ(endOf(*bound), "agent_not_signed_in system") << "what the token fixes is dialled";
  consumer_->send("dial", {{"sdp", "v=0"}});
  EXPECT_FALSE(agent_->expect("incoming").is_null()) << "the default destination";
}

TEST_F(Desk, NobodyAnswers) {
  Rig::Options options;
  options.desk.times.ring = 30;
  make(options);
  dial();
  expectBothEnd("no_answer system");
  expectNothingLeft();
}

TEST_F(Desk, TheConsumerCancelsWhileRinging) {
  const auto id = ring();
  consumer_->send("end", {{"call", id}});
  expectBothEnd("cancelled consumer");
  agent_->send("answer", {{"call", id}, {"sdp", "v=0"}, {"request", "late"}});
  const Json error = agent_->expect("error");
  EXPECT_EQ(error["reason"], "call.ended");
  EXPECT_EQ(error["request"], "late");
  expectNothingLeft();
}

TEST_F(Desk, TheConsumerCancelsBeforeTheBrokerAnswers) {
  for (const auto* kind : {"create", "offer"}) {
    rig_->brokers.hold = kind;
    dial();
    const auto id = consumer_->expectCall("ringing")["call"].get<std::string>();
    consumer_->send("end", {{"call", id}});
    EXPECT_EQ(endOf(*consumer_), "cancelled consumer") << "told at once";
    EXPECT_EQ(rig_->calls->live(), 0u);
    rig_->brokers.releaseHeld();
    expectNothingLeft();
    EXPECT_EQ(rig_->brokers.log.back(), "remove") << "what was made meanwhile is removed";
    EXPECT_TRUE(agent_->silent("incoming"));
  }
}

TEST_F(Desk, TheConsumerLeaves) {
  connected();
  consumer_->close(1000);
  EXPECT_EQ(endOf(*agent_), "consumer_left consumer");
  expectNothingLeft();
  EXPECT_EQ(rig_->sessions->size(), 1u);
  ASSERT_TRUE(consumer_->hello());
  connected();
  consumer_->send("bye");
  EXPECT_EQ(endOf(*agent_), "consumer_left consumer");
}

TEST_F(Desk, BothEndAtOnce) {
  const auto id = connected();
  consumer_->send("end", {{"call", id}, {"request", "c"}});
  agent_->send("end", {{"call", id}, {"request", "a"}});
  expectBothEnd("hung_up consumer");
  EXPECT_TRUE(agent_->silent("error"));
  expectNothingLeft();
  agent_->send("end", {{"call", id}, {"request", "again"}});
  const auto isAgain = [](const Json& call) { return call.value("request", "") == "again"; };
  EXPECT_EQ(agent_->expect("call", isAgain)["reason"], "hung_up");
}

TEST_F(Desk, TheConsumerEndsDuringTheAnswer) {
  const auto id = ring();
  rig_->brokers.hold = "answer";
  agent_->send("answer", {{"call", id}, {"sdp", "v=0"}});
  EXPECT_FALSE(agent_->expectCall("connecting").is_null());
  consumer_->send("end", {{"call", id}});
  expectBothEnd("hung_up consumer");
  rig_->brokers.releaseHeld();
  expectNothingLeft();
  EXPECT_TRUE(consumer_->silent("sdp"));
}

TEST_F(Desk, TheAgentReloadsThePage) {
  const auto id = connected();
  agent_->close(1001);
  const Json lost = consumer_->expectCall("reconnecting");
  EXPECT_EQ(lost["peerConnection"], "lost");
  ASSERT_TRUE(agent_->hello());
  ASSERT_EQ(agent_->welcome["calls"].size(), 1u);
  EXPECT_EQ(agent_->welcome["calls"][0]["call"], id);
  EXPECT_EQ(agent_->welcome["calls"][0]["direction"], "in");
  EXPECT_FALSE(agent_->welcome["resumed"].get<bool>());
  agent_->send("restart", {{"call", id}, {"sdp", "v=0 new"}, {"request", "r1"}});
  const Json sdp = agent_->expect("sdp");
  EXPECT_EQ(sdp["sdp"], "local answer of v=0 new");
  EXPECT_EQ(sdp["request"], "r1");
  EXPECT_TRUE(consumer_->silent("call")) << "no media yet: still reconnecting";
  rig_->brokers.leg(id, Side::agent, LegChange::dtlsUp);
  const Json back = consumer_->expectCall("connected");
  EXPECT_EQ(back["peerConnection"], "ok");
  EXPECT_FALSE(agent_->expectCall("connected").is_null());
}

TEST_F(Desk, TheAgentReloadsWhileRinging) {
  const auto id = ring();
  agent_->close(1001);
  ASSERT_TRUE(agent_->hello());
  EXPECT_EQ(agent_->welcome["calls"][0]["state"], "ringing");
  const Json again = agent_->expect("incoming");
  EXPECT_EQ(again["call"], id);
  EXPECT_EQ(again["sdp"], "offer for agent of v=0 consumer");
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
  EXPECT_FALSE(consumer_->expect("sdp").is_null());
}

TEST_F(Desk, OneAgentInTwoPages) {
  const auto id = connected();
  auto second = rig_->agent();
  ASSERT_TRUE(second->hello());
  EXPECT_EQ(second->welcome["calls"][0]["call"], id);
  EXPECT_EQ(agent_->expect("session")["what"], "replaced");
  ASSERT_TRUE(agent_->waitClosed());
  EXPECT_EQ(agent_->closeCode, 4001);
  EXPECT_EQ(rig_->sessions->size(), 2u);
  EXPECT_EQ(consumer_->expectCall("reconnecting")["peerConnection"], "lost");
  second->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*consumer_), "hung_up agent");
}

TEST_F(Desk, NetworkGoneOnBothSidesLosesAndDoublesNothing) {
  const auto id = connected();
  const auto before = agent_->seqs.size();
  consumer_->breakOff();
  EXPECT_EQ(agent_->expectCall("reconnecting")["peerConnection"], "lost");
  agent_->breakOff();
  ASSERT_TRUE(consumer_->waitClosed() && agent_->waitClosed());
  consumer_->send("mute", {{"call", id}, {"audio", true}, {"video", false}});  // Goes nowhere …
  consumer_->send("dtmf", {{"call", id}, {"digits", "12#"}});
  ASSERT_TRUE(consumer_->resume());  // … and is sent again.
  EXPECT_TRUE(consumer_->welcome["resumed"].get<bool>());
  rig_->settle();
  ASSERT_TRUE(agent_->resume());
  EXPECT_TRUE(agent_->welcome["resumed"].get<bool>());
  const Json muted = agent_->expect("call", [](const Json& c) { return c["peerMuted"]["audio"] == true; });
  EXPECT_FALSE(muted.is_null());
  EXPECT_EQ(agent_->expect("dtmf")["digits"], "12#");
  EXPECT_TRUE(agent_->silent("dtmf"));
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  for (std::size_t i = before; i < agent_->seqs.size(); ++i) {
    EXPECT_EQ(agent_->seqs[i], static_cast<std::int64_t>(i) + 1) << "in order, without gaps";
  }
}

TEST_F(Desk, ALostSideThatDoesNotComeBackEndsTheCall) {
  Rig::Options options;
  options.sessions.resume = 40ms;
  make(options);
  connected();
  consumer_->breakOff();
  EXPECT_EQ(endOf(*agent_), "consumer_lost system");
  expectNothingLeft();
  ASSERT_TRUE(consumer_->resume());
  EXPECT_FALSE(consumer_->welcome["resumed"].get<bool>()) << "its session is over";
  EXPECT_EQ(consumer_->welcome["calls"].size(), 0u);
  consumer_ = rig_->consumer();
  ASSERT_TRUE(consumer_->hello());
  connected();
  agent_->breakOff();
  EXPECT_EQ(endOf(*consumer_), "agent_lost system");
  expectNothingLeft();
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::notSignedIn);
}

TEST_F(Desk, IceRestart) {
  const auto id = connected();
  rig_->brokers.leg(id, Side::consumer, LegChange::iceDown, "ice-disconnected");
  EXPECT_EQ(agent_->expectCall("reconnecting")["peerConnection"], "lost");
  EXPECT_EQ(consumer_->expectCall("reconnecting")["peerConnection"], "ok");
  consumer_->send("restart", {{"call", id}, {"sdp", "v=0 restart"}, {"request", "r"}});
  EXPECT_EQ(consumer_->expect("sdp")["request"], "r");
  rig_->brokers.leg(id, Side::consumer, LegChange::iceUp, "ice-connected");
  EXPECT_EQ(agent_->expectCall("connected")["peerConnection"], "ok");
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
}

TEST_F(Desk, ARestartThatTheBrokerRefusesIsAnErrorNotAnEnd) {
  const auto id = connected();
  rig_->brokers.failures["answer-locally"] = {"sdp.malformed", "bad"};
  consumer_->send("restart", {{"call", id}, {"sdp", "v=0"}, {"request", "r"}});
  const Json error = consumer_->expect("error");
  EXPECT_EQ(error["reason"], "sdp.malformed");
  EXPECT_EQ(error["request"], "r");
  EXPECT_EQ(rig_->calls->live(), 1u);
  rig_->brokers.failures["answer-locally"] = {"call.unknown", "gone"};
  consumer_->send("restart", {{"call", id}, {"sdp", "v=0"}});
  expectBothEnd("broker_lost system");
}

TEST_F(Desk, MediaThatDoesNotComeOrDoesNotComeBack) {
  Rig::Options options;
  options.desk.times.media = 30;
  make(options);
  auto id = ring();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0"}});
  expectBothEnd("media_failed system");
  options.desk.times = {30'000, 20'000, 30};
  make(options);
  id = connected();
  rig_->brokers.leg(id, Side::agent, LegChange::dtlsDown, "dtls-failed");
  expectBothEnd("media_failed system");
  expectNothingLeft();
}

TEST_F(Desk, MutingAndDigitsAreTold) {
  const auto id = connected();
  agent_->send("mute", {{"call", id}, {"audio", true}, {"video", true}, {"request", "m"}});
  EXPECT_EQ(agent_->expect("call")["request"], "m");
  const Json told = consumer_->expect("call");
  EXPECT_EQ(told["peerMuted"], Json({{"audio", true}, {"video", true}}));
  consumer_->send("dtmf", {{"call", id}, {"digits", "0*#D"}});
  EXPECT_EQ(agent_->expect("dtmf")["digits"], "0*#D");
  consumer_->send("dtmf", {{"call", id}, {"digits", "12x"}, {"request", "bad"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "message.malformed");
}

TEST_F(Desk, BrokerTroubleHasAReasonEach) {
  for (const auto& [kind, reason, end] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"create", "net.connect_failed", "broker_down system"},
           {"create", "net.timeout", "broker_down system"},
           {"create", "broker.overloaded", "broker_overloaded system"},
           {"create", "broker.draining", "broker_overloaded system"},
           {"offer", "sdp.no_common_codec", "sdp_refused system"},
           {"offer", "net.timeout", "broker_down system"},
           {"offer", "call.unknown", "broker_lost system"}}) {
    rig_->brokers.failures = {{kind, {reason, "scripted"}}};
    dial();
    EXPECT_EQ(endOf(*consumer_), end) << kind << " " << reason;
    expectNothingLeft();
  }
  rig_->brokers.failures = {{"answer", {"sdp.no_common_codec", "scripted"}}};
  const auto id = ring();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0"}});
  expectBothEnd("sdp_refused system");
  rig_->brokers.failures.clear();
  connected();
  rig_->brokers.lose();
  expectBothEnd("broker_lost system");
  expectNothingLeft();
}

TEST_F(Desk, AnAssociationThatFailedWhileEventsCouldNotBeHeardIsDown) {
  for (const char* dtls : {"failed", "closed"}) {
    const auto id = rig_->connectedCall(*consumer_, *agent_);
    const auto report = [&](const std::string& state) {
      rig_->brokers.reported = R"({"legs":[{"id":"consumer","ice":"connected","dtls":")" + state +
                               R"("},{"id":"agent","ice":"connected","dtls":"connected"}]})";
      rig_->brokers.comeBack();
    };
    // A report may be older than the event that it is up.
    report("handshaking");
    EXPECT_TRUE(agent_->silent("call"));
    report(dtls);
    EXPECT_EQ(agent_->expectCall("reconnecting")["peerConnection"], "lost") << dtls;
    report("connected");
    EXPECT_FALSE(agent_->expectCall("connected").is_null()) << dtls;
    agent_->send("end", {{"call", id}});
    expectBothEnd("hung_up agent");
  }
}

TEST_F(Desk, LegsThatCameUpWhileEventsCouldNotBeHeardAreAskedFor) {
  const auto id = ring();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0"}});
  consumer_->expectCall("connecting");
  rig_->brokers.reported =
      R"({"legs":[{"id":"consumer","ice":"connected","dtls":"connected"},{"id":"agent","ice":"waiting"}]})";
  rig_->brokers.comeBack();
  EXPECT_TRUE(consumer_->silent("call"));
  rig_->brokers.reported =
      R"({"legs":[{"id":"consumer","ice":"connected","dtls":"connected"},{"id":"agent","ice":"connected","dtls":"connected"}]})";
  rig_->brokers.comeBack();
  consumer_->expectCall("connected");
  agent_->expectCall("connected");
  rig_->brokers.failures = {{"report", {"call.unknown", "scripted"}}};
  rig_->brokers.comeBack();
  expectBothEnd("broker_lost system");
  expectNothingLeft();
}

TEST_F(Desk, TheBrokerRemovesAnIdleCall) {
  const auto id = connected();
  rig_->brokers.listener()->onCallRemoved(id);
  expectBothEnd("media_failed system");
}

TEST_F(Desk, TheServerStops) {
  const auto id = connected();
  rig_->desk->drain();
  auto late = rig_->consumer();
  EXPECT_FALSE(late->hello());
  EXPECT_EQ(late->error, "server.draining");
  EXPECT_EQ(late->closeCode, 4010);
  agent_->breakOff();
  ASSERT_TRUE(agent_->waitClosed());
  EXPECT_TRUE(agent_->resume()) << "running calls go on";
  agent_->close(1001);
  ASSERT_TRUE(agent_->waitClosed());
  EXPECT_TRUE(agent_->hello()) << "also over a reload";
  EXPECT_EQ(agent_->welcome["calls"][0]["call"], id);
  rig_->desk->stopCalls();
  expectBothEnd("server_stopping system");
  consumer_->send("dial", {{"sdp", "v=0"}, {"request", "x"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "server.draining");
  expectNothingLeft();
}

TEST_F(Desk, OneCallForAPageAndALimitForAll) {
  const auto id = connected();
  dial("agent2");
  EXPECT_EQ(endOf(*consumer_), "too_many_calls system");
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
  Rig::Options options;
  options.desk.maxCalls = 1;
  make(options);
  auto agent2 = rig_->agent("agent2");
  auto other = rig_->consumer();
  ASSERT_TRUE(agent2->hello() && other->hello());
  connected();
  other->send("dial", {{"destination", "agent2"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*other), "too_many_calls system");
}

TEST_F(Desk, NobodyTouchesAnotherOnesCall) {
  const auto id = connected();
  auto stranger = rig_->consumer();
  auto agent2 = rig_->agent("agent2");
  ASSERT_TRUE(stranger->hello() && agent2->hello());
  for (Page* page : {stranger.get(), agent2.get()}) {
    page->send("end", {{"call", id}, {"request", "x"}});
    EXPECT_EQ(page->expect("error")["reason"], "call.unknown");
    page->send("restart", {{"call", id}, {"sdp", "v=0"}});
    EXPECT_EQ(page->expect("error")["reason"], "call.unknown");
    page->send("stats", {{"call", id}, {"report", Json::object()}});
    EXPECT_EQ(page->expect("error")["reason"], "call.unknown");
  }
  consumer_->send("answer", {{"call", id}, {"sdp", "v=0"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "call.wrong_state") << "nothing was offered";
  consumer_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "call.wrong_state") << "customers do not transfer";
  consumer_->send("availability", {{"state", "away"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "call.not_allowed");
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
}

TEST_F(Desk, UuiOnlyWhereTheTokenAllowsIt) {
  dial("agent1", {{"uui", "00c8"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "uui.not_allowed");
  auto trusted = rig_->consumer({.uuiAllowed = true});
  ASSERT_TRUE(trusted->hello());
  trusted->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}, {"uui", "00c8"}});
  const auto id = agent_->expect("incoming")["call"].get<std::string>();
  EXPECT_EQ(rig_->calls->find(id)->uui, "00c8");
}

TEST_F(Desk, LogsAndTimelinesHoldNoSdpAndNoDigits) {
  std::vector<std::string> lines;
  base::captureLog(&lines);
  dial("agent1", {{"sdp", "ignored"}});
  auto id = agent_->expect("incoming")["call"].get<std::string>();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 s3cret"}});
  EXPECT_FALSE(consumer_->expect("sdp").is_null());
  consumer_->send("dtmf", {{"call", id}, {"digits", "4111222"}});
  EXPECT_FALSE(agent_->expect("dtmf").is_null());
  const auto* state = rig_->calls->find(id);
  const std::string detail = detailJson(*state, *rig_->calls->timelineOf(id), "null");
  base::captureLog(nullptr);
  EXPECT_FALSE(Json::parse(detail, nullptr, false).is_discarded());
  for (const auto* secret : {"s3cret", "v=0", "4111222"}) {
    EXPECT_EQ(detail.find(secret), std::string::npos) << secret;
    for (const auto& line : lines) EXPECT_EQ(line.find(secret), std::string::npos) << line;
  }
  const bool hasContext = std::ranges::any_of(
      lines, [&](const auto& line) { return line.find("call=" + id) != std::string::npos; });
  EXPECT_TRUE(hasContext);
}

TEST_F(Desk, ManyShortCallsLeaveNothing) {
  Rig::Options options;
  options.sessions.messagesPerSecond = 1e9;
  options.desk.dialsPerMinute = 1'000'000;
  make(options);
  const std::array<std::string_view, 5> ways{"cancel", "reject", "answer", "hang up", "leave"};
  for (int i = 0; i < 550; ++i) {
    const auto way = ways[static_cast<std::size_t>(i) % ways.size()];
    const auto id = ring();
    ASSERT_FALSE(id.empty()) << i;
    if (way == "cancel") consumer_->send("end", {{"call", id}});
    if (way == "reject") agent_->send("reject", {{"call", id}});
    if (way == "answer" || way == "hang up") {
      agent_->send("answer", {{"call", id}, {"sdp", "v=0"}});
      rig_->mediaUp(id);
      (way == "answer" ? consumer_ : agent_)->send("end", {{"call", id}});
    }
    if (way == "leave") {
      consumer_->close(1000);
      ASSERT_TRUE(consumer_->waitClosed());
      ASSERT_TRUE(consumer_->hello());
    }
    ASSERT_FALSE(agent_->expectCall("ended").is_null()) << i << way;
  }
  expectNothingLeft();
  EXPECT_EQ(rig_->sessions->size(), 2u);
  EXPECT_EQ(rig_->sessions->connections(), 2u);
  EXPECT_EQ(rig_->records.all().size(), CallRecords::kMaxRecords);
}

}  // namespace
}  // namespace parley::gateway
