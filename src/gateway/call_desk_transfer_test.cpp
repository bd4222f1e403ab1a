// Hunt groups, consults, transfers in every combination of pages and phones, and a server that dies in a
// call.
#include <algorithm>

#include "gateway/call_view.h"
#include "gateway/test_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::kPhoneSdp;
using rig::Page;
using rig::Rig;
using namespace std::chrono_literals;

class DeskTransfer : public rig::DeskTest {
 protected:
  DeskTransfer() : DeskTest({.second = true}) {}
  /// The agent calls a phone: a consult if it has a call. Gives call and leg.
  std::pair<std::string, std::string> agentToPhone() {
    phones().invited = {};
    agent_->send("dial", {{"destination", "3001"}, {"sdp", "v=0 consult"}});
    sees([&] { return !phones().invited.leg.empty(); });
    const std::string leg = phones().invited.leg;
    const std::string call = phones().invited.call;
    phones().answers(leg, kPhoneSdp);
    brokers().leg(call, Side::agent, LegChange::dtlsUp);
    sees([&] {
      const auto* state = rig_->calls->find(call);
      return state != nullptr && state->phase == CallPhase::connected;
    });
    return {call, leg};
  }
  static Json withTransfer(Page& page, const std::string& state) {
    return page.expect(
        "call", [&](const Json& c) { return c.contains("transfer") && c["transfer"]["state"] == state; });
  }
  const CallState& stateOf(const std::string& id) {
    static const CallState none;
    const auto* state = rig_->calls->find(id);
    EXPECT_NE(state, nullptr);
    return state != nullptr ? *state : none;
  }
  static Rig::Options withGroup(HuntStrategy strategy) {
    Rig::Options options;
    options.desk.groups.push_back({.name = "support",
                                   .number = "9000",
                                   .label = "Support",
                                   .members = {"agent1", "agent2"},
                                   .strategy = strategy,
                                   .memberMillis = 500,
                                   .overflowMillis = 5'000,
                                   .autoAnswer = true});
    return options;
  }
};

TEST_F(DeskTransfer, AGroupRingsAtOnceAndTheFirstHasTheCall) {
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

TEST_F(DeskTransfer, AGroupOfWhichNobodyTakesIt) {
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

TEST_F(DeskTransfer, AGroupOneByOne) {
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

TEST_F(DeskTransfer, ToAGroup) {
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

TEST_F(DeskTransfer, ConsultWithAPhoneThenJoin) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  const auto [other, leg] = agentToPhone();
  EXPECT_TRUE(brokers().has("hold agent on")) << "the first call waits";
  EXPECT_EQ(stateOf(id).agent.holds, true);
  agent_->send("dial", {{"destination", "3002"}, {"sdp", "v=0"}});
  EXPECT_EQ(agent_->expect("call", [](const Json& c) { return c["state"] == "ended"; })["reason"],
            "too_many_calls");
  agent_->send("transfer", {{"call", id}, {"to", other}, {"request", "t"}});
  EXPECT_TRUE(said("offer " + leg + " broker's offer for " + leg + " towards consumer"));
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

TEST_F(DeskTransfer, ConsultWithAnAgentThenJoin) {
  const auto id = phoneToAgent();
  agent_->send("dial", {{"destination", "agent2"}, {"sdp", "v=0 consult"}});
  const auto other = second_->expect("incoming")["call"].get<std::string>();
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

TEST_F(DeskTransfer, ConsultOfTwoPhonesByReferWithReplaces) {
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

TEST_F(DeskTransfer, AConsultsPhoneThatIsReplacedEndsItsDialogFirst) {
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

TEST_F(DeskTransfer, AConsultThatFailsLeavesBothCalls) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  const auto [other, leg] = agentToPhone();
  agent_->send("transfer", {{"call", id}, {"to", other}});
  EXPECT_TRUE(said("offer " + leg));
  phones().failsOffer(leg, 488);
  EXPECT_FALSE(withTransfer(*agent_, "failed").is_null());
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

TEST_F(DeskTransfer, APhoneTransfersByRefer) {
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

TEST_F(DeskTransfer, AReferThatFailsAfterTheTransferrerWentEndsTheCall) {
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

TEST_F(DeskTransfer, AnInviteWithReplacesTakesThePlaceOfAPhone) {
  const auto id = phoneToAgent();
  phones().call({.leg = "n1",
                 .to = {},
                 .toAddress = {},
                 .fromAddress = "sip:9@x",
                 .fromName = "New",
                 .sdp = kPhoneSdp,
                 .uui = {},
                 .correlationId = {},
                 .replacesLeg = "in1",
                 .trunk = {}});
  EXPECT_TRUE(said("answer n1 local answer of"));
  EXPECT_TRUE(said("hangUp in1 transferred"));
  EXPECT_EQ(agent_->expect("call", [](const Json& c) { return c["peer"]["name"] == "New"; })["state"],
            "connected");
  phones().call({.leg = "n2",
                 .to = {},
                 .toAddress = {},
                 .fromAddress = "sip:9@x",
                 .fromName = "Late",
                 .sdp = kPhoneSdp,
                 .uui = {},
                 .correlationId = {},
                 .replacesLeg = "in1",
                 .trunk = {}});
  EXPECT_TRUE(said("reject n2 481"));
  phones().call({.leg = "n3",
                 .to = {},
                 .toAddress = {},
                 .fromAddress = "sip:9@x",
                 .fromName = "Empty",
                 .sdp = {},
                 .uui = {},
                 .correlationId = {},
                 .replacesLeg = "n1",
                 .trunk = {}});
  EXPECT_TRUE(said("answer n3 broker's offer for n3 towards agent"));
  phones().answersOffer("n3", kPhoneSdp);
  EXPECT_TRUE(said("hangUp n1 transferred"));
  agent_->send("end", {{"call", id}});
  EXPECT_TRUE(said("hangUp n3"));
  expectNothingLeft();
}

TEST_F(DeskTransfer, ANewProcessTakesACallOver) {
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

TEST_F(DeskTransfer, AfterATakeOverThePageHangsUpToo) {
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

TEST_F(DeskTransfer, APageCallIsTakenOverAndAStrangerGetsNothing) {
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

TEST_F(DeskTransfer, WhatCannotBeTakenOverIsEndedProperly) {
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

TEST_F(DeskTransfer, AFloodTowardsAnAbsentPageIsMadeSmall) {
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
