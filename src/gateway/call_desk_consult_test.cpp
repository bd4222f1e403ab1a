// Consults that become transfers, and what phones ask for by REFER and Replaces.
#include "gateway/test_transfer_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::kPhoneSdp;

class DeskConsult : public rig::TransferTest {};

TEST_F(DeskConsult, ConsultWithAPhoneThenJoin) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  const auto [other, leg] = agentToPhone();
  EXPECT_TRUE(brokers().has("hold agent on")) << "the first call waits";
  EXPECT_EQ(stateOf(id).agent.holds, true);
  agent_->send("dial", {{"destination", "3002"}, {"sdp", "v=0"}});
  EXPECT_EQ(agent_->expect("call", [](const Json& c) { return c["state"] == "ended"; })["reason"],
            "too_many_calls");
  agent_->send("transfer", {{"call", id}, {"to", other}, {"request", "t"}});
  EXPECT_TRUE(said("offer " + leg + " broker's offer for " + leg + " towards consumer"));
  EXPECT_TRUE(phones().offered.tells);
  EXPECT_EQ(phones().offered.fromName, "Ada") << "no longer the agent";
  EXPECT_EQ(phones().offered.uui, "cafe");
  EXPECT_EQ(phones().offered.correlationId, "corr-1");
  phones().answersOffer(leg, kPhoneSdp);
  EXPECT_TRUE(asked("bridge consumer " + leg));
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_EQ(endOf(*agent_), "transferred agent") << "both of its calls";
  EXPECT_TRUE(sees([&] { return rig_->calls->size() == 1; }));
  EXPECT_TRUE(phones().legs.contains(leg)) << "the dialog lives on in the first call";
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::available);
  EXPECT_EQ(rig_->calls->callOfLeg(leg), id);
  consumer_->send("end", {{"call", id}});
  EXPECT_TRUE(said("hangUp " + leg));
  expectNothingLeft();
}

TEST_F(DeskConsult, ConsultWithAnAgentThenJoin) {
  const auto id = phoneToAgent();
  agent_->send("dial", {{"destination", "agent2"}, {"sdp", "v=0 consult"}});
  const Json consult = second_->expect("incoming");
  EXPECT_EQ(consult["correlationId"], "c-77") << "about the first call";
  EXPECT_EQ(consult["uui"], "beef");
  const auto other = consult["call"].get<std::string>();
  second_->send("answer", {{"call", other}, {"sdp", "v=0 a2"}});
  rig_->mediaUp(other);
  EXPECT_FALSE(second_->expectCall("connected").is_null());
  agent_->send("transfer", {{"call", id}, {"to", other}});
  const Json incoming = second_->expect("incoming");
  EXPECT_EQ(incoming["call"], id);
  EXPECT_EQ(incoming["autoAnswer"], true);
  EXPECT_EQ(incoming["replaces"], other);
  EXPECT_EQ(incoming["peer"]["number"], "+4989123");
  second_->send("answer", {{"call", id}, {"sdp", "v=0 a2 new"}});
  sees([&] { return stateOf(id).transfer.stage == TransferStage::media; });
  brokers().leg(id, "page1", LegChange::dtlsUp);
  const Json ended = second_->expectCall("ended");
  EXPECT_EQ(ended["call"], other);
  EXPECT_EQ(ended["reason"], "transferred");
  EXPECT_EQ(rig_->desk->agents().presence("agent2"), Presence::busy);
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::available);
  phones().ends("in1");
  EXPECT_EQ(endOf(*second_), "hung_up consumer");
  expectNothingLeft();
}

TEST_F(DeskConsult, ConsultOfTwoPhonesByReferWithReplaces) {
  const auto id = phoneToAgent();
  const auto [other, leg] = agentToPhone();
  agent_->send("transfer", {{"call", id}, {"to", other}});
  EXPECT_TRUE(said("refer in1 3001 replaces " + leg));
  phones().tellsRefer("in1", 200);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_TRUE(sees([&] { return rig_->calls->size() == 0; }));
  expectNothingLeft();

  const auto id2 = phoneToAgent("in2");
  const auto [other2, leg2] = agentToPhone();
  agent_->send("transfer", {{"call", id2}, {"to", other2}});
  EXPECT_TRUE(said("refer in2 3001 replaces " + leg2));
  phones().tellsRefer("in2", 501);
  EXPECT_TRUE(said("offer " + leg2 + " broker's offer for " + leg2 + " towards in2"));
  phones().ends(leg2);
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null()) << "the consult's phone hung up meanwhile";
  EXPECT_TRUE(sees([&] { return rig_->calls->find(other2) == nullptr; }));
  EXPECT_EQ(stateOf(id2).phase, CallPhase::connected);
  phones().ends("in2");
  expectNothingLeft();
}

TEST_F(DeskConsult, TwoPhonesAreJoinedHereWhenTheCustomersTakesNoRefer) {
  const auto id = phoneToAgent();
  const auto [other, leg] = agentToPhone();
  EXPECT_EQ(phones().invited.correlationId, "c-77") << "a consult is about the first call";
  EXPECT_EQ(phones().invited.uui, "beef");
  EXPECT_EQ(phones().invited.uuiElement, "0462656566;encoding=hex;purpose=isdn-uui");
  agent_->send("transfer", {{"call", id}, {"to", other}});
  EXPECT_TRUE(said("refer in1 3001 replaces " + leg));
  phones().tellsRefer("in1", 501);
  EXPECT_TRUE(said("offer " + leg + " broker's offer for " + leg + " towards in1"));
  EXPECT_EQ(phones().offered.fromAddress, "+4989123");
  EXPECT_EQ(phones().offered.fromName, "Grace");
  EXPECT_EQ(phones().offered.uuiElement, "0462656566;encoding=hex;purpose=isdn-uui");
  EXPECT_EQ(phones().offered.correlationId, "c-77");
  phones().answersOffer(leg, kPhoneSdp);
  EXPECT_TRUE(asked("bridge in1 " + leg));
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_EQ(endOf(*agent_), "transferred agent") << "both of its calls";
  EXPECT_TRUE(sees([&] { return rig_->calls->find(other) == nullptr; }));
  EXPECT_EQ(stateOf(id).phase, CallPhase::connected);
  EXPECT_EQ(stateOf(id).agent.leg, leg);
  EXPECT_TRUE(phones().legs.contains("in1") && phones().legs.contains(leg));
  phones().ends("in1");
  EXPECT_TRUE(said("hangUp " + leg));
  expectNothingLeft();
}

TEST_F(DeskConsult, AConsultsPhoneThatIsReplacedEndsItsDialogFirst) {
  const auto id = phoneToAgent();
  const auto [other, leg] = agentToPhone();
  agent_->send("transfer", {{"call", id}, {"to", other}});
  EXPECT_TRUE(said("refer in1 3001 replaces " + leg));
  phones().ends(leg);
  EXPECT_TRUE(sees([&] { return rig_->calls->find(other) == nullptr; }));
  EXPECT_EQ(stateOf(id).transfer.stage, TransferStage::referring);
  phones().tellsRefer("in1", 200);
  EXPECT_TRUE(said("hangUp in1"));
  EXPECT_EQ(endOf(*agent_), "hung_up consumer") << "of the consult, by its phone";
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::available);
  expectNothingLeft();

  // The phone did hang up: the customer finds nothing to replace, and stays with the agent.
  const auto id2 = phoneToAgent("in2");
  const auto [other2, leg2] = agentToPhone();
  agent_->send("transfer", {{"call", id2}, {"to", other2}});
  EXPECT_TRUE(said("refer in2 3001 replaces " + leg2));
  phones().ends(leg2);
  EXPECT_TRUE(sees([&] { return rig_->calls->find(other2) == nullptr; }));
  phones().tellsRefer("in2", 481);
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null());
  EXPECT_EQ(stateOf(id2).phase, CallPhase::connected);
  phones().ends("in2");
  expectNothingLeft();
}

TEST_F(DeskConsult, AConsultThatFailsLeavesBothCalls) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  const auto [other, leg] = agentToPhone();
  agent_->send("transfer", {{"call", id}, {"to", other}});
  EXPECT_TRUE(said("offer " + leg));
  phones().failsOffer(leg, 488);
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null());
  EXPECT_TRUE(said("offer " + leg + " broker's offer for " + leg + " towards agent"));
  EXPECT_EQ(phones().offered.fromName, "Agent 1") << "the phone reads again whom it talks with";
  phones().answersOffer(leg, kPhoneSdp);
  rig_->settle();
  EXPECT_EQ(stateOf(id).phase, CallPhase::connected);
  EXPECT_EQ(stateOf(other).phase, CallPhase::connected);
  EXPECT_TRUE(phones().legs.contains(leg));
  agent_->send("transfer", {{"call", id}, {"to", "nonsense"}, {"request", "x"}});
  EXPECT_EQ(agent_->expect("error")["reason"], "call.wrong_state");
  agent_->send("end", {{"call", other}});
  EXPECT_TRUE(said("hangUp " + leg));
  consumer_->send("end", {{"call", id}});
  expectNothingLeft();
}

TEST_F(DeskConsult, APhoneTransfersByRefer) {
  rig::Rig::Options options;
  options.desk.destinations.transfers.push_back(*NumberPattern::compile("nobody.*"));
  make(options);
  // The agent is at a phone here: the customer's page calls it.
  phones().invited = {};
  consumer_->send("dial", {{"destination", "2001"}, {"sdp", "v=0 c"}});
  sees([&] { return !phones().invited.leg.empty(); });
  const auto leg = phones().invited.leg;
  const auto id = phones().invited.call;
  phones().answers(leg, kPhoneSdp);
  brokers().leg(id, Side::consumer, LegChange::dtlsUp);
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  phones().refers(leg, "sip:nobody-here agent@x");
  EXPECT_TRUE(said("referProgress " + leg + " 404"));
  phones().refers(leg, "sip:agent2@parley");
  EXPECT_EQ(second_->expect("incoming")["peer"]["name"], "Ada");
  EXPECT_TRUE(said("referProgress " + leg + " 180"));
  phones().ends(leg);  // It does not wait for the outcome (RFC 5589 section 6.1).
  rig_->settle();
  second_->send("answer", {{"call", id}, {"sdp", "v=0 a2"}});
  sees([&] { return stateOf(id).transfer.stage == TransferStage::media; });
  brokers().leg(id, stateOf(id).transfer.target.leg, LegChange::dtlsUp);
  EXPECT_FALSE(second_->expectCall("connected").is_null());
  consumer_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*second_), "hung_up consumer");
  expectNothingLeft();
}

TEST_F(DeskConsult, AReferThatFailsAfterTheTransferrerWentEndsTheCall) {
  rig::Rig::Options options;
  options.desk.destinations.transfers.push_back(*NumberPattern::compile("30\\d\\d"));
  make(options);
  phones().invited = {};
  consumer_->send("dial", {{"destination", "2001"}, {"sdp", "v=0 c"}});
  sees([&] { return !phones().invited.leg.empty(); });
  const auto leg = phones().invited.leg;
  phones().answers(leg, kPhoneSdp);
  brokers().leg(phones().invited.call, Side::consumer, LegChange::dtlsUp);
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  phones().invited = {};
  phones().refers(leg, "sip:3001@pbx", "abc;to-tag=1;from-tag=2");
  sees([&] { return !phones().invited.leg.empty(); });
  EXPECT_EQ(phones().invited.replaces, "abc;to-tag=1;from-tag=2");
  EXPECT_EQ(phones().invited.referredByLeg, leg);
  phones().ends(leg);
  phones().fails(phones().invited.leg, 486);
  EXPECT_EQ(endOf(*consumer_), "no_answer system");
  expectNothingLeft();
}

TEST_F(DeskConsult, AnInviteWithReplacesTakesThePlaceOfAPhone) {
  const auto id = phoneToAgent();
  const auto replaces = [&](const char* leg, const char* name, const std::string& sdp, const char* replaced) {
    phones().call({.leg = leg,
                   .to = {},
                   .toAddress = {},
                   .fromAddress = "sip:9@x",
                   .fromName = name,
                   .sdp = sdp,
                   .uui = {},
                   .correlationId = {},
                   .replacesLeg = replaced,
                   .trunk = {}});
  };
  replaces("n1", "New", kPhoneSdp, "in1");
  EXPECT_TRUE(said("answer n1 local answer of"));
  EXPECT_TRUE(said("hangUp in1 transferred"));
  EXPECT_EQ(agent_->expect("call", [](const Json& c) { return c["peer"]["name"] == "New"; })["state"],
            "connected");
  replaces("n2", "Late", kPhoneSdp, "in1");
  EXPECT_TRUE(said("reject n2 481"));
  replaces("n3", "Empty", "", "n1");
  EXPECT_TRUE(said("answer n3 broker's offer for n3 towards agent"));
  phones().answersOffer("n3", kPhoneSdp);
  EXPECT_TRUE(said("hangUp n1 transferred"));
  agent_->send("end", {{"call", id}});
  EXPECT_TRUE(said("hangUp n3"));
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::gateway
