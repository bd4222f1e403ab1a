// A server that dies in a call, and pages that are away.
#include "gateway/test_transfer_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::Rig;
using namespace std::chrono_literals;

class DeskTakeOver : public rig::TransferTest {};

TEST_F(DeskTakeOver, ANewProcessTakesACallOver) {
  const auto id = phoneToAgent();
  rig_->restartGateway();
  ASSERT_EQ(rig_->calls->live(), 1u);
  EXPECT_TRUE(phones().has("restore in1"));
  EXPECT_FALSE(brokers().has("remove")) << "the media goes on";
  ASSERT_TRUE(agent_->waitClosed());
  ASSERT_TRUE(agent_->resume());
  EXPECT_TRUE(agent_->welcome["resumed"].get<bool>()) << "the page knows nothing of it";
  ASSERT_EQ(agent_->welcome["calls"].size(), 1u);
  EXPECT_EQ(agent_->welcome["calls"][0]["call"], id);
  agent_->send("mute", {{"call", id}, {"audio", true}, {"video", false}, {"request", "m"}});
  EXPECT_EQ(agent_->expect("call", [](const Json& c) { return c.value("request", "") == "m"; })["state"],
            "connected");
  phones().ends("in1");
  EXPECT_EQ(endOf(*agent_), "hung_up consumer") << "the phone hangs up";
  expectNothingLeft();
}

TEST_F(DeskTakeOver, AfterATakeOverThePageHangsUpToo) {
  const auto id = phoneToAgent();
  // A refresh inside of the dialog, which is no step of the call, is stored as well.
  phones().changes("in1", "the same dialog, further on");
  std::string value;
  EXPECT_TRUE(sees([&] {
    rig_->store->bucket("calls", {})->get(id, [&](auto entry) { value = entry ? entry->value : ""; });
    rig_->settle();
    return value.find("further on") != std::string::npos;
  }));
  rig_->restartGateway();
  agent_->setToken(rig_->agentToken());
  ASSERT_TRUE(agent_->resume());
  agent_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*agent_), "hung_up agent");
  EXPECT_TRUE(said("hangUp in1"));
  expectNothingLeft();
}

TEST_F(DeskTakeOver, APageCallIsTakenOverAndAStrangerGetsNothing) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  const Json before = consumer_->welcome;
  rig_->restartGateway();
  auto stranger = rig_->consumer();
  ASSERT_TRUE(stranger->hello());
  stranger->welcome["session"] = before["session"];
  stranger->welcome["key"] = "guessed";
  ASSERT_TRUE(stranger->resume());
  EXPECT_FALSE(stranger->welcome["resumed"].get<bool>());
  EXPECT_TRUE(stranger->welcome["calls"].empty());
  ASSERT_TRUE(consumer_->resume());
  EXPECT_TRUE(consumer_->welcome["resumed"].get<bool>());
  // The agent's page was reloaded meanwhile.
  ASSERT_TRUE(agent_->hello());
  ASSERT_EQ(agent_->welcome["calls"].size(), 1u);
  agent_->send("restart", {{"call", id}, {"sdp", "v=0 new"}});
  EXPECT_EQ(agent_->expect("sdp")["kind"], "answer");
  brokers().leg(id, Side::agent, LegChange::dtlsUp);
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  consumer_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*agent_), "hung_up consumer");
  expectNothingLeft();
}

TEST_F(DeskTakeOver, WhatCannotBeTakenOverIsEndedProperly) {
  Rig::Options options;
  options.sessions.resume = 50ms;
  make(options);
  phoneToAgent();
  phones().restorable = false;
  rig_->restartGateway();
  expectNothingLeft();
  EXPECT_EQ(rig_->records.all().front().state.reason, EndReason::serverStopping);
  phones().restorable = true;
  agent_ = rig_->agent();
  ASSERT_TRUE(agent_->hello());
  const auto id = phoneToAgent("in2");
  rig_->restartGateway();
  EXPECT_TRUE(said("hangUp in2")) << "its page does not come back";
  EXPECT_TRUE(sees([&] { return rig_->records.find(id) != nullptr; }));
  EXPECT_EQ(rig_->records.find(id)->state.reason, EndReason::agentLost);
  expectNothingLeft();
  // A damaged entry is dropped, not a reason to fail.
  bool put = false;
  rig_->store->bucket("calls", {})->put("x", "{\"state\":{}}", [&](auto) { put = true; });
  sees([&] { return put; });
  rig_->restartGateway();
  EXPECT_EQ(rig_->storedCalls(), 0u);
}

TEST_F(DeskTakeOver, AFloodTowardsAnAbsentPageIsMadeSmall) {
  Rig::Options options;
  options.sessions.messagesPerSecond = 1e6;
  options.sessions.burst = 1e6;
  options.sessions.resume = base::Millis{600'000};  // Of real time, which a busy machine takes for the flood.
  make(options);
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->breakOff();
  EXPECT_FALSE(consumer_->expectCall("reconnecting").is_null());
  for (int i = 0; i < 2'000; ++i) {
    consumer_->send("mute", {{"call", id}, {"audio", i % 2 == 0}, {"video", false}});
    consumer_->send("dtmf", {{"call", id}, {"digits", "1"}});
    if (i % 50 == 0) rig_->settle();
  }
  rig_->settle();
  ASSERT_TRUE(agent_->resume());
  EXPECT_TRUE(agent_->welcome["resumed"].get<bool>()) << "it did not overflow";
  rig_->settle();
  int calls = 0;
  const auto handled = agent_->seqs.size();
  while (!agent_->silent("call")) {
    agent_->expect("call");
    ++calls;
  }
  EXPECT_LE(calls, 3);
  EXPECT_LE(handled, 60u) << "digits are bounded";
  EXPECT_EQ(stateOf(id).consumer.mutedAudio, false) << "the last one counts";
}

}  // namespace
}  // namespace parley::gateway
