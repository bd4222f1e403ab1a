// Hunt groups: who rings, in what order, and whose the call is.
#include "gateway/test_transfer_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;

class DeskHunt : public rig::TransferTest {};

TEST_F(DeskHunt, AGroupRingsAtOnceAndTheFirstHasTheCall) {
  make(withGroup(HuntStrategy::simultaneous));
  consumer_->send("dial", {{"destination", "9000"}, {"sdp", "v=0 c"}});
  EXPECT_EQ(consumer_->expectCall("ringing")["peer"]["name"], "Support");
  const Json one = agent_->expect("incoming");
  const Json two = second_->expect("incoming");
  EXPECT_EQ(one["sdp"], two["sdp"]) << "one offer for all";
  EXPECT_EQ(one["group"], "Support");
  EXPECT_EQ(one["autoAnswer"], true);
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::busy);
  second_->send("answer", {{"call", two["call"]}, {"sdp", "v=0 a2"}});
  EXPECT_EQ(endOf(*agent_), "answered_elsewhere system");
  EXPECT_EQ(agent_->expect("availability", [](const Json& m) { return m["state"] == "available"; }).is_null(),
            false);
  EXPECT_EQ(consumer_->expect("call", [](const Json& c) { return c["peer"]["name"] == "Agent 2"; }).is_null(),
            false);
  agent_->send("answer", {{"call", one["call"]}, {"sdp", "v=0 a1"}, {"request", "late"}});
  EXPECT_EQ(agent_->expect("error")["reason"], "call.ended");
  rig_->mediaUp(one["call"].get<std::string>());
  EXPECT_FALSE(second_->expectCall("connected").is_null());
  consumer_->send("end", {{"call", one["call"]}});
  EXPECT_EQ(endOf(*second_), "hung_up consumer");
  expectNothingLeft();
  EXPECT_EQ(Json::parse(rig_->records.historyOf("agent1"))["calls"].size(), 1u)
      << "a missed call is one, too";
}

TEST_F(DeskHunt, AGroupOfWhichNobodyTakesIt) {
  make(withGroup(HuntStrategy::simultaneous));
  consumer_->send("dial", {{"destination", "support"}, {"sdp", "v=0 c"}});
  const auto id = agent_->expect("incoming")["call"];
  second_->expect("incoming");
  agent_->send("reject", {{"call", id}, {"request", "r"}});
  EXPECT_EQ(endOf(*agent_), "rejected agent");
  EXPECT_TRUE(consumer_->silent("ended"));
  second_->send("reject", {{"call", id}, {"reason", "busy"}});
  EXPECT_EQ(endOf(*consumer_), "busy agent");
  expectNothingLeft();
  consumer_->send("dial", {{"destination", "support"}, {"sdp", "v=0 c"}});
  agent_->expect("incoming");
  second_->expect("incoming");
  consumer_->send("end", {{"call", rig_->calls->ids().front()}});
  EXPECT_EQ(endOf(*agent_), "cancelled consumer");
  EXPECT_EQ(endOf(*second_), "cancelled consumer");
  EXPECT_EQ(endOf(*consumer_), "cancelled consumer");
  agent_->send("availability", {{"state", "away"}});
  second_->send("bye");
  ASSERT_TRUE(second_->waitClosed());
  consumer_->send("dial", {{"destination", "support"}, {"sdp", "v=0 c"}});
  EXPECT_EQ(endOf(*consumer_), "agent_away system");
  expectNothingLeft();
}

TEST_F(DeskHunt, AGroupOneByOne) {
  make(withGroup(HuntStrategy::sequential));
  consumer_->send("dial", {{"destination", "support"}, {"sdp", "v=0 c"}});
  const Json one = agent_->expect("incoming");
  EXPECT_TRUE(second_->silent("incoming"));
  const Json two = second_->expect("incoming");
  EXPECT_EQ(endOf(*agent_), "no_answer system") << "its time was over";
  second_->send("answer", {{"call", two["call"]}, {"sdp", "v=0 a2"}});
  EXPECT_FALSE(consumer_->expect("sdp").is_null());
  consumer_->send("end", {{"call", two["call"]}});
  EXPECT_FALSE(second_->expectCall("ended").is_null());
  EXPECT_EQ(endOf(*consumer_), "hung_up consumer");
  consumer_->send("dial", {{"destination", "support"}, {"sdp", "v=0 c"}});
  agent_->expect("incoming");
  agent_->send("reject", {{"call", rig_->calls->ids().front()}});
  second_->expect("incoming");
  second_->close(1001);
  rig_->settle();
  EXPECT_EQ(endOf(*consumer_), "no_answer system") << "nobody is left";
  expectNothingLeft();
}

TEST_F(DeskHunt, ToAGroup) {
  make(withGroup(HuntStrategy::simultaneous));
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "9000"}});
  EXPECT_EQ(second_->expect("incoming")["group"], "Support") << "the transferrer does not ring itself";
  second_->send("answer", {{"call", id}, {"sdp", "v=0 a2"}});
  sees([&] { return stateOf(id).transfer.stage == TransferStage::media; });
  brokers().leg(id, "page1", LegChange::dtlsUp);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  second_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*consumer_), "hung_up agent");
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::gateway
