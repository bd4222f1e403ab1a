// Blind transfers in every combination of pages and phones.
#include <algorithm>

#include "gateway/test_transfer_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::kPhoneSdp;
using rig::Rig;

class DeskTransfer : public rig::TransferTest {};

TEST_F(DeskTransfer, BlindFromPageToPageKeepsTheCustomer) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}, {"request", "t"}});
  EXPECT_EQ(withTransfer(*agent_, "trying")["request"], "t");
  EXPECT_FALSE(consumer_->expect("call", [](const Json& c) { return c["peerHeld"] == true; }).is_null());
  EXPECT_TRUE(brokers().has("hold agent on"));
  const Json incoming = second_->expect("incoming");
  EXPECT_EQ(incoming["call"], id);
  EXPECT_EQ(incoming["peer"]["name"], "Ada");
  EXPECT_EQ(incoming["transferredBy"], "Agent 1");
  EXPECT_EQ(incoming["correlationId"], "corr-1");
  EXPECT_EQ(incoming["sdp"], "broker's offer for page1 towards consumer");
  EXPECT_FALSE(withTransfer(*agent_, "ringing").is_null());
  second_->send("answer", {{"call", id}, {"sdp", "v=0 a2"}});
  EXPECT_EQ(second_->expectCall("connecting")["peer"]["name"], "Ada");
  rig_->settle();
  EXPECT_FALSE(brokers().has("bridge consumer page1")) << "not before there is media";
  brokers().leg(id, "page1", LegChange::dtlsUp);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  const Json now = second_->expectCall("connected");
  EXPECT_EQ(now["peer"]["name"], "Ada");
  EXPECT_EQ(
      consumer_->expect("call", [](const Json& c) { return c["peer"]["name"] == "Agent 2"; })["peerHeld"],
      false);
  EXPECT_TRUE(asked("hold page1 off")) << "the customer does not go on waiting";
  EXPECT_TRUE(asked("remove-leg agent"));
  EXPECT_EQ(stateOf(id).uui, "cafe");
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::available);
  second_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*consumer_), "hung_up agent");
  expectNothingLeft();
  EXPECT_EQ(Json::parse(rig_->records.historyOf("agent1"))["calls"].size(), 1u);
  EXPECT_EQ(Json::parse(rig_->records.historyOf("agent2"))["calls"].size(), 1u);
}

TEST_F(DeskTransfer, ABlindTransferThatFailsLeavesTheCallWithTheAgent) {
  Rig::Options options;
  options.desk.times.ring = 600;
  make(options);
  auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "nobody"}});
  EXPECT_FALSE(withTransfer(*agent_, "failed")["transfer"]["text"].get<std::string>().empty());
  second_->send("availability", {{"state", "away"}});
  rig_->settle();
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  EXPECT_EQ(withTransfer(*agent_, "failed")["transfer"]["text"], "The agent is away.");
  second_->send("availability", {{"state", "available"}});
  rig_->settle();
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  second_->expect("incoming");
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null()) << "nobody answers";
  EXPECT_FALSE(second_->expectCall("ended").is_null());
  EXPECT_TRUE(asked("hold agent off"));
  EXPECT_TRUE(asked("remove-leg page1"));
  EXPECT_FALSE(consumer_->expect("call", [](const Json& c) { return c["peerHeld"] == false; }).is_null());
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  second_->expect("incoming");
  second_->send("reject", {{"call", id}});
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null());
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  second_->expect("incoming");
  agent_->send("cancelTransfer", {{"call", id}, {"request", "c"}});
  EXPECT_EQ(withTransfer(*agent_, "failed")["transfer"]["text"], "You took the call back.");
  EXPECT_FALSE(second_->expectCall("ended").is_null());
  EXPECT_EQ(rig_->desk->agents().presence("agent2"), Presence::available);
  EXPECT_EQ(stateOf(id).phase, CallPhase::connected);
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  second_->expect("incoming");
  consumer_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*second_), "hung_up consumer") << "the customer went while it rang";
  expectNothingLeft();
}

TEST_F(DeskTransfer, BlindFromPageToPhone) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "3001"}});
  EXPECT_TRUE(said("invite 3001 broker's offer"));
  const auto leg = phones().invited.leg;
  EXPECT_EQ(phones().invited.fromName, "Ada");
  EXPECT_EQ(phones().invited.uui, "cafe");
  EXPECT_EQ(phones().invited.correlationId, "corr-1");
  phones().fails(leg, 486, "sip.busy");
  EXPECT_NE(withTransfer(*agent_, "failed")["transfer"]["text"].get<std::string>().find("busy"),
            std::string::npos);
  phones().invited = {};
  agent_->send("transfer", {{"call", id}, {"destination", "3001"}});
  sees([&] { return !phones().invited.leg.empty(); });
  const auto again = phones().invited.leg;
  phones().progress(again, 180);
  EXPECT_FALSE(withTransfer(*agent_, "ringing").is_null());
  brokers().renegotiate = {"consumer"};
  phones().answers(again, kPhoneSdp);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_TRUE(brokers().has("bridge consumer " + again));
  EXPECT_EQ(consumer_->expect("sdp", [](const Json& m) { return m["kind"] == "offer"; }).is_null(), false);
  consumer_->send("answer", {{"call", id}, {"sdp", "v=0"}});
  EXPECT_EQ(stateOf(id).agent.kind, PartyKind::phone);
  phones().ends(again);
  EXPECT_EQ(endOf(*consumer_), "hung_up agent");
  expectNothingLeft();
}

TEST_F(DeskTransfer, WhoWaitsHearsWhatTheTargetsNetworkSays) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "3001"}});
  EXPECT_TRUE(said("invite 3001"));
  const auto leg = phones().invited.leg;
  brokers().renegotiate = {"consumer"};
  phones().progress(leg, 183, kPhoneSdp);
  EXPECT_TRUE(asked("bridge consumer " + leg));
  EXPECT_TRUE(asked("hold " + leg + " off")) << "else the customer would go on waiting in silence";
  EXPECT_FALSE(withTransfer(*agent_, "ringing").is_null());
  EXPECT_EQ(consumer_->expect("sdp", [](const Json& m) { return m["kind"] == "offer"; })["sdp"],
            "broker's offer for consumer towards " + leg);
  consumer_->send("answer", {{"call", id}, {"sdp", "v=0 like the phone"}});
  phones().progress(leg, 180);
  phones().progress(leg, 183, kPhoneSdp + "again");
  rig_->settle();
  EXPECT_EQ(std::ranges::count(brokers().log, "bridge consumer " + leg), 1);
  EXPECT_EQ(callFields(stateOf(id), Side::consumer).find("peerTransfer"), std::string::npos)
      << "no tone over it";
  brokers().renegotiate = {"consumer"};
  phones().fails(leg, 486, "sip.busy");
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null());
  EXPECT_TRUE(asked("bridge consumer agent")) << "back";
  EXPECT_TRUE(asked("remove-leg " + leg));
  EXPECT_EQ(consumer_->expect("sdp", [](const Json& m) { return m["kind"] == "offer"; })["sdp"],
            "broker's offer for consumer towards agent");
  consumer_->send("answer", {{"call", id}, {"sdp", "v=0"}});

  phones().invited = {};
  agent_->send("transfer", {{"call", id}, {"destination", "3001"}});
  sees([&] { return !phones().invited.leg.empty(); });
  const auto again = phones().invited.leg;
  phones().progress(again, 183, kPhoneSdp);
  EXPECT_TRUE(asked("bridge consumer " + again));
  phones().answers(again, "");  // The description came before (RFC 3262).
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_EQ(stateOf(id).agent.leg, again);
  phones().ends(again);
  EXPECT_EQ(endOf(*consumer_), "hung_up agent");
  expectNothingLeft();
}

TEST_F(DeskTransfer, AnAnnouncementThatCannotBeHeardIsATone) {
  const auto id = phoneToAgent();
  agent_->send("hold", {{"call", id}, {"held", true}});
  phones().answersOffer("in1", kPhoneSdp);
  agent_->send("transfer", {{"call", id}, {"destination", "sip:3001@pbx"}});
  EXPECT_TRUE(said("refer in1"));
  phones().tellsRefer("in1", 405);
  EXPECT_TRUE(said("invite sip:3001@pbx"));
  auto leg = phones().invited.leg;
  brokers().failures = {{"answer", {"sdp.no_common_codec", "scripted"}}};
  phones().progress(leg, 183, kPhoneSdp);
  EXPECT_TRUE(asked("ringing tone agent on"));
  EXPECT_FALSE(brokers().has("bridge in1 " + leg));
  brokers().failures.clear();
  phones().progress(leg, 183, kPhoneSdp);
  EXPECT_TRUE(asked("bridge in1 " + leg));
  brokers().log.clear();
  agent_->send("cancelTransfer", {{"call", id}});
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null());
  EXPECT_TRUE(asked("remove-leg " + leg));
  EXPECT_TRUE(brokers().has("bridge in1 agent"));
  EXPECT_TRUE(brokers().has("hold agent on")) << "as before: the agent had put it on hold";
  phones().ends("in1");
  expectNothingLeft();
}

TEST_F(DeskTransfer, APhoneCustomerKeepsItsNumberAtTheSecondAgent) {
  const auto id = phoneToAgent();
  agent_->send("hold", {{"call", id}, {"held", true}});
  EXPECT_TRUE(said("offer in1"));
  phones().answersOffer("in1", kPhoneSdp);
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  const Json incoming = second_->expect("incoming");
  EXPECT_EQ(incoming["peer"]["number"], "+4989123");
  EXPECT_EQ(incoming["peer"]["name"], "Grace");
  EXPECT_EQ(incoming["uui"], "beef");
  EXPECT_FALSE(phones().has("refer")) << "only two phones can do it themselves";
  EXPECT_TRUE(sees([&] { return brokers().has("ringing tone agent on"); }))
      << "the phone hears that it rings";
  agent_->send("cancelTransfer", {{"call", id}});
  EXPECT_TRUE(sees([&] { return brokers().has("ringing tone agent off"); })) << "on hold it was before, too";
  EXPECT_FALSE(second_->expectCall("ended").is_null());
  agent_->send("transfer", {{"call", id}, {"destination", "agent2"}});
  second_->expect("incoming");
  second_->send("answer", {{"call", id}, {"sdp", "v=0 a2"}});
  sees([&] { return stateOf(id).transfer.stage == TransferStage::media; });
  const auto offers =
      std::ranges::count_if(phones().log, [](const auto& l) { return l.starts_with("offer in1"); });
  brokers().leg(id, "page2", LegChange::dtlsUp);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_TRUE(sees([&] {
    return std::ranges::count_if(phones().log, [](const auto& l) { return l.starts_with("offer in1"); }) ==
           offers + 1;
  })) << "the phone was told of the hold and is told of its end";
  phones().answersOffer("in1", kPhoneSdp);
  phones().ends("in1");
  EXPECT_EQ(endOf(*second_), "hung_up consumer");
  expectNothingLeft();
}

TEST_F(DeskTransfer, TwoPhonesAreAskedToDoItThemselves) {
  auto id = phoneToAgent();
  agent_->send("transfer", {{"call", id}, {"destination", "sip:3001@pbx"}});
  EXPECT_TRUE(said("refer in1 sip:3001@pbx"));
  EXPECT_EQ(phones().referred.uui, "beef");
  EXPECT_EQ(phones().referred.uuiElement, "0462656566;encoding=hex;purpose=isdn-uui");
  EXPECT_EQ(phones().referred.correlationId, "c-77");
  phones().tellsRefer("in1", 180);
  EXPECT_FALSE(withTransfer(*agent_, "ringing").is_null());
  phones().tellsRefer("in1", 200);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_TRUE(phones().has("hangUp in1"));
  expectNothingLeft();

  id = phoneToAgent("in2");
  agent_->send("transfer", {{"call", id}, {"destination", "sip:3001@pbx"}});
  EXPECT_TRUE(said("refer in2"));
  phones().tellsRefer("in2", 405);
  EXPECT_TRUE(said("invite sip:3001@pbx broker's offer")) << "it cannot: through us";
  const auto leg = phones().invited.leg;
  EXPECT_EQ(phones().invited.fromAddress, "+4989123");
  EXPECT_EQ(phones().invited.uui, "beef");
  EXPECT_EQ(phones().invited.uuiElement, "0462656566;encoding=hex;purpose=isdn-uui");
  phones().answers(leg, kPhoneSdp);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_TRUE(brokers().has("bridge in2 " + leg));
  phones().presses("in2", "5");
  EXPECT_TRUE(said("dtmf " + leg + " 5"));
  brokers().key(id, "in2", '6', 100);
  phones().presses("in2", "7");
  EXPECT_TRUE(said("dtmf " + leg + " 7"));
  EXPECT_FALSE(phones().has("dtmf " + leg + " 6")) << "the broker passes it on in the media";
  phones().presses("in2", "8");
  brokers().key(id, "in2", '8', 100);
  phones().presses("in2", "9");
  EXPECT_TRUE(said("dtmf " + leg + " 9"));
  EXPECT_FALSE(phones().has("dtmf " + leg + " 8")) << "by INFO first, and in the media as well";
  phones().ends("in2");
  EXPECT_TRUE(said("hangUp " + leg));
  expectNothingLeft();
}

/// Whoever calls, or is called by an agent, does not go out again by REFER: that is a call at our expense.
TEST_F(DeskTransfer, AReferOfTheCustomersSideDoesNotLeadOutAgain) {
  Rig::Options options;
  options.desk.destinations.transfers.push_back(*NumberPattern::compile(".*"));
  make(options);
  const auto id = phoneToAgent();
  phones().refers("in1", "sip:+49900123@pbx");
  EXPECT_TRUE(said("referProgress in1 403"));
  phones().refers("in1", "sip:3001@pbx", "abc;to-tag=1;from-tag=2");
  EXPECT_TRUE(sees([&] { return std::ranges::count(phones().log, "referProgress in1 403") == 2; }));
  const auto [consult, leg] = agentToPhone();
  phones().refers(leg, "sip:+49900123@pbx");
  EXPECT_TRUE(said("referProgress " + leg + " 403"));
  agent_->send("end", {{"call", consult}});
  EXPECT_TRUE(said("hangUp " + leg));
  phones().invited = {};
  phones().refers("in1", "sip:agent2@parley");
  EXPECT_FALSE(second_->expect("incoming").is_null()) << "an agent may be asked for";
  EXPECT_TRUE(phones().invited.leg.empty());
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
}

/// Nor does a phone in an agent's place, unless that is wanted: whoever holds it is out there, too.
TEST_F(DeskTransfer, APhoneInAnAgentsPlacePassesOnWhereItMay) {
  Rig::Options options;
  options.desk.destinations.transfers.push_back(*NumberPattern::compile("30\\d\\d"));
  make(options);
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "3001"}});
  EXPECT_TRUE(said("invite 3001"));
  const auto leg = phones().invited.leg;
  phones().answers(leg, kPhoneSdp);
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  phones().invited = {};
  phones().refers(leg, "sip:+49900123@pbx");
  EXPECT_TRUE(said("referProgress " + leg + " 403"));
  phones().refers(leg, "sip:+49900123@pbx", "abc;to-tag=1;from-tag=2");
  EXPECT_TRUE(sees([&] { return std::ranges::count(phones().log, "referProgress " + leg + " 403") == 2; }));
  EXPECT_TRUE(phones().invited.leg.empty());
  EXPECT_EQ(stateOf(id).phase, CallPhase::connected);
  // Only the number that was compared is dialled, at our own servers.
  phones().refers(leg, "sip:3002;rn=+49900123;npdi;phone-context=+1900@premium.example;user=phone");
  EXPECT_TRUE(said("invite 3002"));
  phones().answers(phones().invited.leg, kPhoneSdp);
  EXPECT_TRUE(said("referProgress " + leg + " 200"));
  consumer_->send("end", {{"call", id}});
  EXPECT_TRUE(said("hangUp " + phones().invited.leg));
  expectNothingLeft();
}

/// Who withholds a number is nobody to the target, either: anonymous, or sip.caller_without_number.
TEST_F(DeskTransfer, AWithheldNumberStaysWithheld) {
  phones().call({.leg = "in1",
                 .to = "agent1",
                 .toAddress = "sip:agent1@x",
                 .fromAddress = {},
                 .fromName = {},
                 .sdp = kPhoneSdp,
                 .uui = {},
                 .correlationId = {},
                 .replacesLeg = {},
                 .trunk = "t1"});
  const auto id = agent_->expect("incoming")["call"].get<std::string>();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
  brokers().leg(id, Side::agent, LegChange::dtlsUp);
  EXPECT_FALSE(agent_->expectCall("connected").is_null());
  agent_->send("transfer", {{"call", id}, {"destination", "sip:3001@pbx"}});
  EXPECT_TRUE(said("refer in1"));
  phones().tellsRefer("in1", 405);
  EXPECT_TRUE(said("invite sip:3001@pbx"));
  EXPECT_EQ(phones().invited.fromAddress, "");
  EXPECT_EQ(phones().invited.fromName, "");
}

/// By UPDATE (RFC 3311 section 5.2), once its first description is where it belongs.
TEST_F(DeskTransfer, TheTargetMayOfferBeforeItAnswers) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("transfer", {{"call", id}, {"destination", "3001"}});
  EXPECT_TRUE(said("invite 3001"));
  const auto leg = phones().invited.leg;
  phones().reinvites(leg, kPhoneSdp);
  EXPECT_TRUE(said("refuseOffer " + leg + " 500")) << "nothing is described yet: it may come again";
  phones().progress(leg, 183, kPhoneSdp);
  EXPECT_TRUE(asked("bridge consumer " + leg));
  phones().reinvites(leg, kPhoneSdp + "a=ptime:40\r\n");
  EXPECT_TRUE(said("answerOffer " + leg + " local answer of"));
  EXPECT_FALSE(withTransfer(*agent_, "ringing").is_null());
  brokers().failures = {{"answer-locally", {"sdp.no_common_codec", "scripted"}}};
  phones().reinvites(leg, kPhoneSdp);
  EXPECT_TRUE(said("refuseOffer " + leg + " 488"));
  brokers().failures.clear();
  EXPECT_EQ(stateOf(id).transfer.stage, TransferStage::ringing) << "the transfer goes on";
  phones().answers(leg, "");  // What it described first holds no more.
  EXPECT_EQ(endOf(*agent_), "transferred agent");
  EXPECT_EQ(stateOf(id).agent.leg, leg);
  phones().ends(leg);
  EXPECT_EQ(endOf(*consumer_), "hung_up agent");
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::gateway
