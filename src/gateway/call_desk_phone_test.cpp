// Calls between pages and phones, and what happens in them: each test reads as the story of one call.
// Scripted phones and brokers, everything else real.
#include "gateway/test_desk.h"
#include "sip/identity.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::kPhoneSdp;
using rig::Page;
using rig::Rig;
using namespace std::chrono_literals;

const std::string kPlainSdp = "v=0\r\nm=audio 4000 RTP/AVP 0\r\n";
const std::string kVideoSdp = kPhoneSdp + "m=video 4002 RTP/AVP 96\r\n";

class DeskPhone : public rig::DeskTest {
 protected:
  /// The page dials a number; gives the phone's leg.
  std::string dialPhone(Page& page, const std::string& number = "2001") {
    phones().invited = {};
    page.send("dial", {{"destination", number}, {"sdp", "v=0 page"}, {"request", "d1"}});
    sees([&] { return !phones().invited.leg.empty(); });
    return phones().invited.leg;
  }
  /// Consumer's page and phone in a connected call; gives its id and sets leg_.
  std::string pageToPhone(const std::string& sdp = kPhoneSdp) {
    leg_ = dialPhone(*consumer_);
    phones().answers(leg_, sdp);
    const Json call = consumer_->expectCall("connecting");
    if (call.is_null()) return "";
    const auto id = call["call"].get<std::string>();
    brokers().leg(id, Side::consumer, LegChange::dtlsUp);
    return consumer_->expectCall("connected").is_null() ? "" : id;
  }
};

TEST_F(DeskPhone, APageCallsAPhone) {
  const auto leg = dialPhone(*consumer_, "sip:2001@pbx.example");
  EXPECT_EQ(phones().invited.destination, "sip:2001@pbx.example");
  EXPECT_EQ(phones().invited.fromName, "Ada");
  EXPECT_EQ(phones().invited.uui, "cafe");
  EXPECT_EQ(phones().invited.correlationId, "corr-1");
  EXPECT_EQ(phones().invited.sdp, "offer for " + leg + " of v=0 page");
  const Json ringing = consumer_->expectCall("ringing");
  EXPECT_EQ(ringing["peer"]["kind"], "phone");
  EXPECT_EQ(ringing["peer"]["number"], "2001");
  EXPECT_EQ(ringing["correlationId"], "corr-1");
  phones().progress(leg, 180);
  phones().answers(leg, kPhoneSdp);
  EXPECT_EQ(consumer_->expect("sdp")["sdp"], "answer for consumer of " + kPhoneSdp);
  const auto id = ringing["call"].get<std::string>();
  brokers().leg(id, Side::consumer, LegChange::dtlsUp);
  const Json connected = consumer_->expectCall("connected");
  EXPECT_EQ(connected["can"], Json({{"hold", true}, {"transfer", false}, {"video", true}, {"dtmf", true}}));
  phones().traces(leg, "INVITE → 200");
  rig_->settle();
  consumer_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*consumer_), "hung_up consumer");
  EXPECT_TRUE(phones().has("hangUp " + leg));
  expectNothingLeft();
  const std::string detail =
      detailJson(rig_->records.find(id)->state, rig_->records.find(id)->timeline, "null");
  EXPECT_NE(detail.find("agent phone"), std::string::npos);
  EXPECT_NE(detail.find("INVITE → 200"), std::string::npos);
  EXPECT_EQ(detail.find("m=audio"), std::string::npos) << "no SDP in a timeline";
}

TEST_F(DeskPhone, EarlyMediaIsHeardBeforeTheAnswer) {
  const auto leg = dialPhone(*consumer_);
  phones().progress(leg, 183, kPhoneSdp);
  EXPECT_EQ(consumer_->expect("sdp")["sdp"], "answer for consumer of " + kPhoneSdp);
  const Json early = consumer_->expect("call", [](const Json& c) { return c.value("early", false); });
  EXPECT_EQ(early["state"], "ringing");
  // A fork answers with another description: the broker takes it, the page keeps what it has.
  phones().progress(leg, 183, kPlainSdp);
  phones().answers(leg, kPlainSdp);
  EXPECT_FALSE(consumer_->expectCall("connecting").is_null());
  EXPECT_TRUE(consumer_->silent("sdp"));
  EXPECT_EQ(std::ranges::count(brokers().log, "answer " + leg), 3);
}

/// UPDATE in an early dialog (RFC 3311 section 5.2): a network that leads the sound elsewhere while it rings.
TEST_F(DeskPhone, APhoneMayOfferBeforeItAnswers) {
  const auto leg = dialPhone(*consumer_);
  phones().reinvites(leg, kPlainSdp);
  EXPECT_TRUE(said("refuseOffer " + leg + " 500")) << "the broker has no answer yet";
  phones().progress(leg, 183, kPhoneSdp);
  EXPECT_FALSE(consumer_->expect("call", [](const Json& c) { return c.value("early", false); }).is_null());
  phones().reinvites(leg, kPlainSdp);
  EXPECT_TRUE(sees([&] { return !phones().last("answerOffer " + leg).empty(); }));
  EXPECT_TRUE(brokers().has("answer-locally " + leg));
  // The engine gives no description then: the first one holds no more.
  phones().answers(leg, "");
  EXPECT_FALSE(consumer_->expectCall("connecting").is_null());
  EXPECT_EQ(std::ranges::count(brokers().log, "answer " + leg), 1);
}

TEST_F(DeskPhone, EveryRefusalOfAPhoneHasItsReason) {
  for (const auto& [status, token, reason] : std::vector<std::tuple<int, std::string, std::string>>{
           {486, "sip.busy", "phone_busy agent"},
           {404, "sip.not_found", "phone_not_found agent"},
           {480, "sip.unavailable", "phone_unreachable agent"},
           {603, "sip.declined", "phone_declined agent"},
           {503, "sip.trunk_down", "trunk_down agent"},
           {488, "sip.media", "media_incompatible agent"},
           {403, "sip.forbidden", "number_refused agent"},
           {699, "sip.refused", "sip_error agent"}}) {
    const auto leg = dialPhone(*consumer_);
    phones().fails(leg, status, token);
    EXPECT_EQ(endOf(*consumer_), reason) << status;
  }
  expectNothingLeft();
}

TEST_F(DeskPhone, CancelNoAnswerAndTheBrokersTrouble) {
  auto leg = dialPhone(*consumer_);
  consumer_->send("end", {{"call", rig_->calls->ids().front()}});
  EXPECT_EQ(endOf(*consumer_), "cancelled consumer");
  EXPECT_TRUE(phones().has("hangUp " + leg));
  brokers().failures = {{"answer", {"sdp.no_common_codec", "scripted"}}};
  leg = dialPhone(*consumer_);
  phones().answers(leg, kPhoneSdp);
  EXPECT_EQ(endOf(*consumer_), "sdp_refused system");
  EXPECT_TRUE(phones().has("hangUp " + leg));
  brokers().failures.clear();
  expectNothingLeft();
  Rig::Options options;
  options.desk.times.ring = 30;
  make(options);
  leg = dialPhone(*consumer_);
  EXPECT_EQ(endOf(*consumer_), "no_answer system");
  EXPECT_TRUE(phones().has("hangUp " + leg));
  expectNothingLeft();
}

TEST_F(DeskPhone, WhatMayBeDialled) {
  Rig::Options options;
  options.desk.destinations.refused.push_back(*NumberPattern::compile("112|911"));
  options.desk.dialsPerMinute = 8;
  make(options);
  for (const auto& [number, end] :
       std::vector<std::pair<std::string, std::string>>{{"112", "number_refused system"},
                                                        {"tel:1-1-2", "number_refused system"},
                                                        {"admin", "destination_unknown system"},
                                                        {"2001 or 1=1", "destination_unknown system"}}) {
    consumer_->send("dial", {{"destination", number}, {"sdp", "v=0"}});
    EXPECT_EQ(endOf(*consumer_), end) << number;
  }
  agent_->send("dial", {{"destination", "911"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*agent_), "number_refused system") << "agents neither";
  phones().trunk = false;
  consumer_->send("dial", {{"destination", "2001"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*consumer_), "no_trunk system");
  consumer_->send("dial", {{"destination", "somebody"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*consumer_), "destination_unknown system");
  EXPECT_FALSE(phones().has("invite"));
  consumer_->send("dial", {{"destination", "2001"}, {"sdp", "v=0"}, {"request", "x"}});
  EXPECT_EQ(endOf(*consumer_), "no_trunk system");
  for (int i = 0; i < 2; ++i)
    consumer_->send("dial", {{"destination", "2001"}, {"sdp", "v=0"}, {"request", "x"}});
  EXPECT_EQ(consumer_->expect("error")["reason"], "rate.exceeded");
}

TEST_F(DeskPhone, APhoneCallsAnAgent) {
  const auto id = phoneToAgent();
  ASSERT_FALSE(id.empty());
  EXPECT_TRUE(phones().has("ring in1"));
  EXPECT_TRUE(phones().has("answer in1 answer for in1 of v=0 agent"));
  const CallState* state = rig_->calls->find(id);
  EXPECT_EQ(state->uui, "beef");
  EXPECT_EQ(state->correlationId, "c-77");
  EXPECT_EQ(state->consumer.number, "+4989123");
  EXPECT_EQ(state->consumer.name, "Grace");
  phones().ends("in1");
  EXPECT_EQ(endOf(*agent_), "hung_up consumer");
  EXPECT_FALSE(phones().has("hangUp in1")) << "it has ended itself";
  expectNothingLeft();
}

TEST_F(DeskPhone, APhoneThatCannotReachAnybodyGetsItsStatus) {
  const auto call = [&](const std::string& leg, const std::string& to) {
    phones().call({.leg = leg,
                   .to = to,
                   .toAddress = {},
                   .fromAddress = "sip:1@x",
                   .fromName = {},
                   .sdp = kPhoneSdp,
                   .uui = {},
                   .correlationId = {},
                   .replacesLeg = {},
                   .trunk = {}});
  };
  call("a", "agent2");
  EXPECT_TRUE(said("reject a 480"));
  call("b", "nobody");
  EXPECT_TRUE(said("reject b 404"));
  call("c", "2001");
  EXPECT_TRUE(said("reject c 404")) << "what comes from the trunk does not go out to it";
  agent_->send("availability", {{"state", "away"}});
  rig_->settle();
  call("d", "agent1");
  EXPECT_TRUE(said("reject d 486"));
  agent_->send("availability", {{"state", "available"}});
  rig_->settle();
  call("e", "agent1");
  const Json incoming = agent_->expect("incoming");
  EXPECT_EQ(incoming["peer"]["kind"], "phone");
  agent_->send("reject", {{"call", incoming["call"]}});
  EXPECT_TRUE(said("reject e 486")) << "no 6xx: a server may ask others";
  call("f", "agent1");
  const Json again = agent_->expect("incoming");
  phones().ends("f", "sip.cancelled");
  EXPECT_EQ(endOf(*agent_), "cancelled consumer");
  EXPECT_FALSE(phoneToAgent("f2").empty());
  phones().ends("f2", "sip.expired");
  EXPECT_EQ(endOf(*agent_), "hung_up consumer") << "its time was over while the answer was on its way";
  rig_->desk->drain();
  call("g", "agent1");
  EXPECT_TRUE(said("reject g 503"));
  expectNothingLeft();
}

TEST_F(DeskPhone, APhoneWithoutAnOfferGetsOursInTheAnswer) {
  phones().call({.leg = "in1",
                 .to = "agent1",
                 .toAddress = {},
                 .fromAddress = "sip:7@x",
                 .fromName = {},
                 .sdp = {},
                 .uui = {},
                 .correlationId = {},
                 .replacesLeg = {},
                 .trunk = {}});
  const Json incoming = agent_->expect("incoming");
  EXPECT_EQ(incoming["sdp"], "broker's offer for agent towards in1");
  const auto id = incoming["call"].get<std::string>();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
  EXPECT_TRUE(said("answer in1 broker's offer for in1 towards agent"));
  phones().answersOffer("in1", kPhoneSdp);
  EXPECT_TRUE(asked("answer in1"));
  brokers().leg(id, Side::agent, LegChange::dtlsUp);
  EXPECT_FALSE(agent_->expectCall("connected").is_null());
  agent_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*agent_), "hung_up agent");
  EXPECT_TRUE(phones().has("hangUp in1"));
  expectNothingLeft();
}

TEST_F(DeskPhone, AnAgentCallsAPhoneAndAnAgent) {
  const auto leg = dialPhone(*agent_, "2001");
  EXPECT_EQ(phones().invited.fromAddress, "agent1");
  const std::string correlation = phones().invited.correlationId;
  EXPECT_EQ(correlation.size(), sip::kNilSession.size()) << "of its own";
  const Json ringing = agent_->expectCall("ringing");
  EXPECT_EQ(ringing["direction"], "out");
  EXPECT_EQ(rig_->desk->agents().presence("agent1"), Presence::busy);
  phones().answers(leg, kPhoneSdp);
  EXPECT_FALSE(agent_->expect("sdp").is_null());
  const auto id = ringing["call"].get<std::string>();
  EXPECT_EQ(rig_->calls->find(id)->caller, Side::agent);
  brokers().leg(id, Side::agent, LegChange::dtlsUp);
  EXPECT_FALSE(agent_->expectCall("connected").is_null());
  phones().ends(leg);
  EXPECT_EQ(endOf(*agent_), "hung_up consumer");
  auto second = rig_->agent("agent2");
  ASSERT_TRUE(second->hello());
  agent_->send("dial", {{"destination", "agent2"}, {"sdp", "v=0 a1"}});
  const Json incoming = second->expect("incoming");
  EXPECT_EQ(incoming["peer"]["name"], "Agent 1");
  EXPECT_FALSE(incoming.value("correlationId", correlation) == correlation) << "each call its own";
  second->send("answer", {{"call", incoming["call"]}, {"sdp", "v=0 a2"}});
  EXPECT_FALSE(agent_->expect("sdp").is_null());
  agent_->send("end", {{"call", incoming["call"]}});
  EXPECT_EQ(endOf(*second), "hung_up consumer");
  EXPECT_EQ(endOf(*agent_), "hung_up consumer");
  agent_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*agent_), "destination_refused system") << "nobody calls himself";
  expectNothingLeft();
  const Json history = Json::parse(rig_->records.historyOf("agent1"));
  ASSERT_EQ(history["calls"].size(), 3u);
  EXPECT_EQ(history["calls"][1]["direction"], "out");
  EXPECT_EQ(history["calls"][2]["peer"]["number"], "2001");
}

TEST_F(DeskPhone, DigitsGoAsTheOtherSideTakesThem) {
  auto id = pageToPhone(kPhoneSdp);
  consumer_->send("dtmf", {{"call", id}, {"digits", "1"}, {"request", "r1"}});
  EXPECT_FALSE(
      consumer_->expect("call", [](const Json& c) { return c.value("request", "") == "r1"; }).is_null());
  EXPECT_FALSE(phones().has("dtmf")) << "the page sends it in the media";
  consumer_->send("dtmf", {{"call", id}, {"digits", "2"}, {"method", "info"}});
  EXPECT_TRUE(said("dtmf " + leg_ + " 2"));
  phones().presses(leg_, "34");
  EXPECT_EQ(consumer_->expect("dtmf")["digits"], "34");
  brokers().key(id, leg_, '5', 120);
  EXPECT_EQ(consumer_->expect("dtmf")["digits"], "5") << "in the media";
  // Each key both ways, in either order; then one key twice.
  brokers().key(id, leg_, '6', 120);
  EXPECT_EQ(consumer_->expect("dtmf")["digits"], "6");
  phones().presses(leg_, "6");
  phones().presses(leg_, "7");
  EXPECT_EQ(consumer_->expect("dtmf")["digits"], "7");
  brokers().key(id, leg_, '7', 120);
  phones().presses(leg_, "8");
  EXPECT_EQ(consumer_->expect("dtmf")["digits"], "8");
  phones().presses(leg_, "8");
  EXPECT_EQ(consumer_->expect("dtmf")["digits"], "8") << "two of a kind are two keys";
  consumer_->send("end", {{"call", id}});
  consumer_->expectCall("ended");
  id = pageToPhone(kPlainSdp);
  consumer_->send("dtmf", {{"call", id}, {"digits", "5"}});
  EXPECT_TRUE(said("dtmf " + leg_ + " 5")) << "it does not take RFC 4733";
}

TEST_F(DeskPhone, ReinvitesOfThePhoneAreAnsweredByTheBroker) {
  const auto id = phoneToAgent();
  phones().reinvites("in1", kPhoneSdp + "a=sendonly\r\n");
  EXPECT_TRUE(said("answerOffer in1 local answer of"));
  const Json held = agent_->expect("call", [](const Json& c) { return c["peerHeld"] == true; });
  EXPECT_EQ(held["state"], "connected");
  phones().reinvites("in1", kPhoneSdp);
  EXPECT_FALSE(agent_->expect("call", [](const Json& c) { return c["peerHeld"] == false; }).is_null());
  brokers().failures = {{"answer-locally", {"sdp.no_common_codec", "scripted"}}};
  phones().reinvites("in1", kPhoneSdp);
  EXPECT_TRUE(said("refuseOffer in1 488"));
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
  brokers().failures.clear();
  phones().reinvites("in1", "");
  EXPECT_TRUE(said("answerOffer in1 broker's offer for in1 towards agent"));
  phones().answersOffer("in1", kPhoneSdp);
  rig_->settle();
  EXPECT_EQ(rig_->calls->find(id)->negotiation.kind, OfferKind::none);
}

TEST_F(DeskPhone, HoldAndResumeByThePage) {
  const auto id = pageToPhone();
  consumer_->send("hold", {{"call", id}, {"held", true}, {"request", "h"}});
  const Json held = consumer_->expect("call", [](const Json& c) { return c.value("request", "") == "h"; });
  EXPECT_EQ(held["held"], true);
  EXPECT_TRUE(asked("hold consumer on"));
  EXPECT_TRUE(said("offer " + leg_ + " broker's offer for " + leg_));
  // The next change waits for the answer to this one.
  consumer_->send("hold", {{"call", id}, {"held", false}});
  EXPECT_TRUE(asked("hold consumer off"));
  rig_->settle();
  EXPECT_EQ(std::ranges::count(brokers().log, "make-offer " + leg_), 1);
  phones().answersOffer(leg_, kPhoneSdp);
  EXPECT_TRUE(sees([&] { return std::ranges::count(brokers().log, "make-offer " + leg_) == 2; }));
  phones().failsOffer(leg_, 488);
  EXPECT_TRUE(asked("rollback " + leg_));
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
}

TEST_F(DeskPhone, HoldBetweenPagesIsSeenByTheOther) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  agent_->send("hold", {{"call", id}, {"held", true}});
  EXPECT_TRUE(asked("hold agent on"));
  EXPECT_EQ(consumer_->expect("call", [](const Json& c) { return c["peerHeld"] == true; })["held"], false);
  agent_->send("hold", {{"call", id}, {"held", true}, {"request", "again"}});
  EXPECT_FALSE(
      agent_->expect("call", [](const Json& c) { return c.value("request", "") == "again"; }).is_null());
  EXPECT_EQ(std::ranges::count(brokers().log, "hold agent on"), 1);
  EXPECT_FALSE(brokers().has("make-offer consumer")) << "pages need no offer for it";
}

TEST_F(DeskPhone, VideoIsAddedByOffers) {
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  consumer_->send(
      "offer",
      {{"call", id}, {"sdp", kVideoSdp}, {"media", {{"audio", true}, {"video", true}}}, {"request", "o"}});
  const Json offer = agent_->expect("sdp");
  EXPECT_EQ(offer["kind"], "offer");
  EXPECT_EQ(offer["media"]["video"], true);
  agent_->send("offer", {{"call", id}, {"sdp", kVideoSdp}, {"request", "g"}});
  EXPECT_EQ(agent_->expect("error")["reason"], "call.glare");
  agent_->send("answer", {{"call", id}, {"sdp", kVideoSdp}});
  const Json answer = consumer_->expect("sdp");
  EXPECT_EQ(answer["kind"], "answer");
  EXPECT_EQ(answer["request"], "o");
  EXPECT_TRUE(rig_->calls->find(id)->video);
  brokers().failures = {{"offer", {"sdp.no_common_codec", "scripted"}}};
  consumer_->send("offer", {{"call", id}, {"sdp", kVideoSdp}, {"request", "o2"}});
  EXPECT_EQ(consumer_->expect("error")["request"], "o2");
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
}

TEST_F(DeskPhone, APhoneAddsVideoAndThePageMayRefuse) {
  Rig::Options options;
  options.desk.times.offer = 600;
  make(options);
  const auto id = phoneToAgent();
  phones().reinvites("in1", kVideoSdp);
  EXPECT_EQ(agent_->expect("sdp")["kind"], "offer");
  agent_->send("answer", {{"call", id}, {"sdp", kVideoSdp}});
  EXPECT_TRUE(said("answerOffer in1 answer for in1 of " + kVideoSdp));
  EXPECT_TRUE(rig_->calls->find(id)->video);
  phones().reinvites("in1", kPhoneSdp);
  EXPECT_TRUE(said("answerOffer in1 local answer of " + kPhoneSdp)) << "taken away: the broker alone";
  phones().reinvites("in1", kVideoSdp);
  EXPECT_EQ(agent_->expect("sdp")["kind"], "offer");
  EXPECT_TRUE(said("answerOffer in1 local answer of " + kVideoSdp))
      << "the page never answers: voice goes on";
  EXPECT_TRUE(brokers().has("rollback in1"));
  EXPECT_EQ(rig_->calls->find(id)->phase, CallPhase::connected);
}

TEST_F(DeskPhone, UnaskedOffersOfTheBrokerReachThePage) {
  brokers().renegotiate = {"consumer"};
  const auto id = pageToPhone();
  const Json offer = consumer_->expect("sdp", [](const Json& m) { return m["kind"] == "offer"; });
  EXPECT_EQ(offer["sdp"], "broker's offer for consumer towards " + leg_);
  consumer_->send("answer", {{"call", id}, {"sdp", "v=0 new"}});
  EXPECT_TRUE(asked("answer consumer"));
  rig_->settle();
  EXPECT_EQ(rig_->calls->find(id)->negotiation.kind, OfferKind::none);
}

TEST_F(DeskPhone, PhonesThatGoAwayInACall) {
  auto id = pageToPhone();
  phones().ends(leg_, "sip.session_expired");
  EXPECT_EQ(endOf(*consumer_), "session_expired system");
  id = pageToPhone();
  phones().ends(leg_, "sip.dialog_lost");
  EXPECT_EQ(endOf(*consumer_), "sip_error system");
  id = pageToPhone();
  consumer_->send("bye");
  EXPECT_TRUE(said("hangUp " + leg_));
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::gateway
