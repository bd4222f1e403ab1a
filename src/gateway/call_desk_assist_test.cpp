// A customer's page whose call goes out by a trunk and comes back from the exchange to an agent's page: two
// calls of ours, one shared session (EA-10). And those who only pretend.
#include "gateway/test_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::kPhoneSdp;
using rig::Page;

class DeskAssist : public rig::DeskTest {
 protected:
  DeskAssist() : DeskTest({.trunk = true, .second = true}) {}
  void SetUp() override {
    DeskTest::SetUp();
    consumer_ = rig_->consumer({.name = "Ada", .correlationId = "c-77"});  // As phoneToAgent() has it.
    ASSERT_TRUE(consumer_->hello());
    rig_->desk->onRetrieved([this](const std::string& cid) { retrieved_.push_back(cid); });
  }
  /// Goes out by the trunk, rings there; gives the call's id.
  std::string dial(Page& page) {
    page.send("dial", {{"destination", "8000"}, {"sdp", "v=0 page"}});
    const Json call = page.expectCall("ringing");
    return call.is_null() ? "" : call["call"].get<std::string>();
  }
  static void share(Page& page, const std::string& call, const std::string& cid) {
    page.send("assist", {{"call", call}, {"cid", cid}, {"request", "s"}});
    EXPECT_EQ(page.expect("call", [](const Json& c) { return c.value("request", "") == "s"; })["assist"],
              cid.empty() ? Json() : Json({{"cid", cid}}));
  }
  /// The page is told of this session of its call.
  static bool isTold(Page& page, const std::string& call, const std::string& cid) {
    return !page.expect("call",
                        [&](const Json& c) {
                          return c["call"] == call && c.contains("assist") && c["assist"]["cid"] == cid;
                        })
                .is_null();
  }
  std::uint64_t sharedWith(const std::string& call) {
    rig_->settle();
    return rig_->calls->find(call)->assist.empty() ? 0 : 1;
  }
  /// Until the clock of the calls has another millisecond.
  static void nextMillisecond() {
    const auto now = base::millisOf(base::wallNow());
    while (base::millisOf(base::wallNow()) == now) {
    }
  }
  std::vector<std::string> retrieved_;
};

TEST_F(DeskAssist, ASessionFollowsTheCallThroughAnExchange) {
  const auto out = dial(*consumer_);
  EXPECT_TRUE(sees([&] { return phones().invited.correlationId == "c-77"; }));
  const auto in = phoneToAgent();
  ASSERT_FALSE(in.empty());
  share(*consumer_, out, "cid-1");
  EXPECT_TRUE(isTold(*agent_, in, "cid-1"));
  // Taken back from hold: what was drawn goes (EA-5).
  agent_->send("hold", {{"call", in}, {"held", true}});
  agent_->send("hold", {{"call", in}, {"held", false}});
  EXPECT_TRUE(sees([&] { return !retrieved_.empty(); }));
  EXPECT_EQ(retrieved_, std::vector<std::string>{"cid-1"});
  share(*consumer_, out, "cid-2");
  EXPECT_TRUE(isTold(*agent_, in, "cid-2"));
  share(*consumer_, out, "");
  EXPECT_EQ(sharedWith(in), 0u);
}

TEST_F(DeskAssist, AConsultUnderTheCustomersIdLeavesTheSessionAlone) {
  const auto out = dial(*consumer_);
  const auto in = phoneToAgent();
  ASSERT_FALSE(in.empty());
  agent_->send("dial", {{"destination", "3001"}, {"sdp", "v=0 consult"}});
  EXPECT_TRUE(sees([&] { return phones().invited.destination == "3001"; }));
  EXPECT_EQ(phones().invited.correlationId, "c-77");
  share(*consumer_, out, "cid-1");
  EXPECT_TRUE(isTold(*agent_, in, "cid-1")) << "still the one page of this id";
  EXPECT_EQ(sharedWith(phones().invited.call), 0u);
}

TEST_F(DeskAssist, AnAgentThatComesLaterHasIt) {
  const auto out = dial(*consumer_);
  share(*consumer_, out, "cid-1");
  const auto in = phoneToAgent();
  ASSERT_FALSE(in.empty());
  EXPECT_EQ(rig_->calls->find(in)->assist, "cid-1");
  // And the next one, whom the exchange passes the customer on to.
  phones().ends(leg_);
  EXPECT_EQ(endOf(*agent_), "hung_up consumer");
  const auto next = phoneToAgent("in2");
  ASSERT_FALSE(next.empty());
  EXPECT_EQ(rig_->calls->find(next)->assist, "cid-1");
}

TEST_F(DeskAssist, OnlyAgentsBehindATrunkWithTheSameId) {
  const auto out = dial(*consumer_);
  const auto other = rig_->consumer({.name = "Eve", .correlationId = "c-77"});
  ASSERT_TRUE(other->hello());
  other->send("dial", {{"destination", "agent2"}, {"sdp", "v=0"}});
  const Json direct = second_->expect("incoming");
  ASSERT_FALSE(direct.is_null());
  share(*consumer_, out, "cid-1");
  EXPECT_EQ(sharedWith(direct["call"].get<std::string>()), 0u) << "its customer is another page";
}

TEST_F(DeskAssist, TwoPagesOfOneIdGiveAgentsNothing) {
  const auto out = dial(*consumer_);
  const auto forger = rig_->consumer({.name = "Eve", .correlationId = "c-77"});
  ASSERT_TRUE(forger->hello());
  const auto forged = dial(*forger);
  const auto in = phoneToAgent();
  ASSERT_FALSE(in.empty());
  share(*forger, forged, "evil");
  EXPECT_EQ(sharedWith(in), 0u);
  share(*consumer_, out, "cid-1");
  EXPECT_EQ(sharedWith(in), 0u) << "nobody can say which of them the agent talks with";
}

TEST_F(DeskAssist, WhoTakesUpTheIdOfARunningCallIsTooLate) {
  const auto in = phoneToAgent();  // Of a page elsewhere, or a telephone.
  ASSERT_FALSE(in.empty());
  nextMillisecond();
  const auto forged = dial(*consumer_);
  share(*consumer_, forged, "evil");
  EXPECT_EQ(sharedWith(in), 0u);
  // An agent's page that calls a telephone is no customer's page.
  agent_->send("end", {{"call", in}});
  EXPECT_EQ(endOf(*agent_), "hung_up agent");
}

TEST_F(DeskAssist, CustomersReadALabelInsteadOfTheAgentsName) {
  rig::Rig::Options options;
  options.desk.agentLabel = "Customer service";
  make(options);
  consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
  const Json ringing = consumer_->expectCall("ringing");
  EXPECT_EQ(ringing["peer"], Json({{"name", "Customer service"}, {"address", "agent"}, {"kind", "page"}}));
  const Json incoming = agent_->expect("incoming");
  EXPECT_EQ(incoming["peer"]["name"], "Ada");
  const auto id = incoming["call"].get<std::string>();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
  rig_->mediaUp(id);
  EXPECT_EQ(consumer_->expectCall("connected")["peer"]["name"], "Customer service");
  agent_->send("end", {{"call", id}});
  const Json ended = consumer_->expectCall("ended");
  EXPECT_EQ(ended["text"], "Customer service ended the call.");
  EXPECT_EQ(dumpJson(ended).find("Agent 1"), std::string::npos);
  EXPECT_EQ(rig_->calls->find(id), nullptr);
  EXPECT_EQ(rig_->records.find(id)->state.agent.name, "Agent 1") << "administrators see who it was";
}

TEST_F(DeskAssist, TheLabelIsForCustomersOnly) {
  rig::Rig::Options options;
  options.desk.agentLabel = "Customer service";
  make(options);
  agent_->send("dial", {{"destination", "agent2"}, {"sdp", "v=0"}});
  EXPECT_EQ(agent_->expectCall("ringing")["peer"]["name"], "Agent 2");
  EXPECT_EQ(second_->expect("incoming")["peer"]["name"], "Agent 1") << "colleagues know each other";
  agent_->send("end", {{"call", rig_->calls->ids().front()}});
  EXPECT_EQ(endOf(*agent_), "cancelled consumer");
  agent_->send("dial", {{"destination", "2001"}, {"sdp", "v=0"}});
  EXPECT_TRUE(sees([&] { return phones().invited.destination == "2001"; }));
  EXPECT_EQ(phones().invited.fromName, "Customer service") << "a telephone may be a customer's";
  EXPECT_EQ(phones().invited.fromAddress, "") << "nor does it read the name that the agent signs in with";
}

}  // namespace
}  // namespace parley::gateway
