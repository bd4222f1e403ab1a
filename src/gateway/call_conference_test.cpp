// A conference of three is mixed in the agent's page: what the gateway knows of it, and whom it tells.
#include <gtest/gtest.h>

#include <chrono>

#include "gateway/call_step.h"
#include "gateway/test_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::kPhoneSdp;
using rig::Page;

class DeskConference : public rig::DeskTest {
 protected:
  DeskConference() : DeskTest({.second = true}) {}
  /// Ada's page with agent1, who has asked at 3001 meanwhile; nobody is on hold any more.
  void consult() {
    first_ = rig_->connectedCall(*consumer_, *agent_);
    agent_->send("dial", {{"destination", "3001"}, {"sdp", "v=0 consult"}});
    ASSERT_TRUE(sees([&] { return !phones().invited.leg.empty(); }));
    leg_ = phones().invited.leg;
    other_ = phones().invited.call;
    phones().answers(leg_, kPhoneSdp);
    brokers().leg(other_, Side::agent, LegChange::dtlsUp);
    ASSERT_TRUE(sees([&] { return known(other_).phase == CallPhase::connected; }));
    agent_->send("hold", {{"call", first_}, {"held", false}});
    ASSERT_TRUE(sees([&] { return !known(first_).agent.holds; }));
  }
  /// As the agent's page does it: each of the two calls is told of the other.
  void mix() {
    agent_->send("conference", {{"call", first_}, {"to", other_}, {"request", "m1"}});
    agent_->send("conference", {{"call", other_}, {"to", first_}, {"request", "m2"}});
    ASSERT_FALSE(with(*consumer_, "3001").is_null());
  }
  const CallState& known(const std::string& id) {
    static const CallState none;
    const auto* state = rig_->calls->find(id);
    return state != nullptr ? *state : none;
  }
  /// The next `call` message in which this one is named; empty: nobody is.
  static Json with(Page& page, const std::string& name) {
    return page.expect("call", [&](const Json& c) {
      return name.empty() ? !c.contains("conference")
                          : c.contains("conference") && c["conference"]["name"] == name;
    });
  }
  std::string reasonOf(Page& page) { return page.expect("error")["reason"].get<std::string>(); }

  std::string first_, other_;
};

TEST_F(DeskConference, TheOtherSidesAreToldWhoHearsThem) {
  consult();
  mix();
  EXPECT_EQ(with(*agent_, "3001")["conference"], Json({{"name", "3001"}, {"call", other_}}));
  EXPECT_EQ(with(*agent_, "Ada")["conference"], Json({{"name", "Ada"}, {"call", first_}}));
  const std::string timeline = rig_->calls->timelineOf(first_)->json(0);
  EXPECT_NE(
      timeline.find("\"what\":\"conference\",\"detail\":{\"call\":\"" + other_ + "\",\"with\":\"3001\"}"),
      std::string::npos)
      << timeline;
  agent_->send("conference", {{"call", first_}, {"to", ""}});
  EXPECT_FALSE(with(*consumer_, "").is_null());
}

TEST_F(DeskConference, AHoldEndsIt) {
  consult();
  mix();
  agent_->send("hold", {{"call", first_}, {"held", true}});
  const Json told = consumer_->expect("call", [](const Json& c) { return c["peerHeld"] == true; });
  EXPECT_FALSE(told.contains("conference")) << told;
  agent_->send("conference", {{"call", first_}, {"to", other_}, {"request", "held"}});
  EXPECT_EQ(reasonOf(*agent_), "call.wrong_state");
  agent_->send("conference", {{"call", other_}, {"to", first_}, {"request", "other held"}});
  EXPECT_EQ(reasonOf(*agent_), "call.wrong_state");
}

TEST_F(DeskConference, WhoHangsUpLeavesAPlainCallEvenWhileTheAgentsPageIsAway) {
  consult();
  mix();
  agent_->breakOff();
  phones().ends(leg_);
  EXPECT_FALSE(with(*consumer_, "").is_null()) << "the customer still reads of the one who left";
  EXPECT_TRUE(sees([&] { return rig_->calls->find(other_) == nullptr; }));
  consumer_->send("end", {{"call", first_}});
  expectNothingLeft();
}

TEST_F(DeskConference, TheAgentWhoNeverComesBackEndsBothCallsInWords) {
  rig::RigOptions options;
  options.sessions.resume = std::chrono::milliseconds(40);
  make(std::move(options));
  consult();
  mix();
  agent_->breakOff();
  EXPECT_EQ(endOf(*consumer_), "agent_lost system");
  EXPECT_TRUE(said("hangUp " + leg_));
  expectNothingLeft();
}

TEST_F(DeskConference, TheAgentLeavesAndTheTwoGoOnAsInAnyTransfer) {
  consult();
  mix();
  agent_->send("transfer", {{"call", first_}, {"to", other_}});
  ASSERT_TRUE(said("offer " + leg_ + " broker's offer for " + leg_ + " towards consumer"));
  phones().answersOffer(leg_, kPhoneSdp);
  EXPECT_TRUE(asked("bridge consumer " + leg_));
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_FALSE(with(*consumer_, "").is_null());
  consumer_->send("end", {{"call", first_}});
  EXPECT_TRUE(said("hangUp " + leg_));
  expectNothingLeft();
}

TEST_F(DeskConference, NobodyElseMakesOne) {
  consult();
  consumer_->send("conference", {{"call", first_}, {"to", other_}});
  EXPECT_EQ(reasonOf(*consumer_), "call.not_allowed");
  second_->send("conference", {{"call", first_}, {"to", other_}});
  EXPECT_EQ(reasonOf(*second_), "call.wrong_state");
  second_->send("conference", {{"call", first_}, {"to", ""}});
  EXPECT_EQ(reasonOf(*second_), "call.unknown");
  agent_->send("conference", {{"call", first_}, {"to", first_}});
  EXPECT_EQ(reasonOf(*agent_), "call.wrong_state");
  agent_->send("conference", {{"call", first_}, {"to", "nonsense"}});
  EXPECT_EQ(reasonOf(*agent_), "call.wrong_state");
  EXPECT_TRUE(known(first_).agent.conference.empty());
}

TEST(CallStateForm, StatesOfBeforeHaveNoConference) {
  CallState s;
  s.id = "c";
  s.agent.conference = "c2";
  s.agent.conferenceWith = "Noa";
  EXPECT_EQ(deserialise(serialise(s)), s);
  Json json = Json::parse(serialise(s));
  for (const auto* side : {"consumer", "agent"}) {
    json[side].erase("conference");
    json[side].erase("conferenceWith");
  }
  const auto before = deserialise(json.dump());
  ASSERT_TRUE(before.has_value());
  EXPECT_TRUE(before->agent.conference.empty());
}

}  // namespace
}  // namespace parley::gateway
