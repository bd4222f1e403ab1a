// What happens to media within a call: early media, PRACK, UPDATE, re-INVITE, glare, delayed offers, session
// timers.
#include <algorithm>

#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::Agent;
using rig::PairTest;
using rig::RawPeer;

class SessionOffersTest : public PairTest {
 protected:
  /// A call between Alice and a raw peer that said this in its 200.
  SessionId connectRaw(RawPeer& peer, const Headers& headers) {
    const SessionId session = alice.dial(peer);
    run(50);
    peer.send(peer.respond("INVITE", 200, "t", "answer", headers), alice.target());
    run(50);
    EXPECT_EQ(peer.count("ACK"), 1U);
    return session;
  }
  Message inDialog(RawPeer& peer, Method method, std::uint32_t cseq, const std::string& sdp = {}) {
    const Message& invite = *peer.last("INVITE");
    Message request = peer.request(method, alice, sdp);
    request.from() = invite.to();
    request.from().params.set("tag", "t");
    request.to() = invite.from();
    request.setCallId(invite.callId());
    request.setCSeq(cseq, method);
    return request;
  }
};

TEST_F(SessionOffersTest, EarlyMediaIsSentReliablyAndTheAnswerIsNotRepeated) {
  alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), "early", net.now);
  bob.ua.answer(bobsCall(), "early", net.now);  // waits for the PRACK
  run(15);
  EXPECT_TRUE(alice.has("progress 183 early reliable"));
  EXPECT_EQ(net.count("200 OK"), 0U);
  run(100);
  EXPECT_EQ(net.count("PRACK sip:"), 1U);
  EXPECT_TRUE(alice.has("answered early"));
  EXPECT_TRUE(alice.answers.at(0).body().empty());
  EXPECT_TRUE(bob.has("confirmed "));
  EXPECT_EQ(net.count(" INVITE"), 1U);
}

TEST_F(SessionOffersTest, AnAnswerThatDiffersFromTheEarlyOneIsOfferedAfterwards) {
  alice.onOfferHook = [&](SessionId session, const std::string&) {
    alice.ua.answerOffer(session, "alice again", net.now);
  };
  alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), "music", net.now);
  run(50);
  bob.ua.answer(bobsCall(), "voice", net.now);
  run(200);
  EXPECT_TRUE(alice.has("answered music"));
  EXPECT_TRUE(alice.has("offer voice"));
  EXPECT_TRUE(bob.has("offer answered alice again"));
}

TEST_F(SessionOffersTest, ALostReliableResponseIsRepeatedAndALostPrackToo) {
  alice.dial(bob);
  run(50);
  loseOne("183 ");
  bob.ua.ring(bobsCall(), "early", net.now);
  run(1'000);
  EXPECT_EQ(alice.count("progress 183"), 1U);
  alice.dial(bob);
  run(50);
  loseOne("PRACK ");
  bob.ua.ring(bobsCall(), "early", net.now);
  bob.ua.answer(bobsCall(), "early", net.now);
  run(400);
  EXPECT_EQ(alice.count("answered"), 0U);
  run(600);
  EXPECT_EQ(alice.count("progress 183"), 2U);
  EXPECT_EQ(alice.count("answered"), 1U);
}

TEST_F(SessionOffersTest, ACallerThatDoesNotPrackIsGivenUp) {
  RawPeer peer(net, "10.0.0.9");
  Message invite = peer.request(Method::invite, bob, "offer");
  invite.set(HeaderId::require, "100rel");
  peer.send(invite, bob.target());
  run(50);
  bob.ua.ring(bobsCall(), {}, net.now);
  run(50);
  EXPECT_EQ(peer.received.back().header(HeaderId::require), "100rel");
  run(33'000);
  EXPECT_TRUE(bob.has("ended 504 sip.no_prack"));
  EXPECT_GT(peer.countStatus(504), 0U);
  run(60'000);
  EXPECT_TRUE(bob.empty());
}

/// RFC 3261 section 13.2.1, RFC 3262 section 5: no reliable 180 before our offer.
TEST_F(SessionOffersTest, WhoRequiresReliableResponsesAndOffersNothingHearsOurOfferFirst) {
  RawPeer peer(net, "10.0.0.9");
  const auto call = [&](const std::string& id) {
    Message invite = peer.request(Method::invite, bob);
    invite.setCallId(id);
    invite.topVia()->params.set("branch", "z9hG4bK-" + id);
    invite.set(HeaderId::require, "100rel");
    peer.send(invite, bob.target());
    run(50);
    bob.ua.ring(bob.calls.back().session, {}, net.now);
    run(50);
    EXPECT_EQ(peer.countStatus(180), 0U);
    return bob.calls.back().session;
  };
  const SessionId answered = call("answered");
  bob.ua.answer(answered, "bob offers", net.now);
  run(50);
  ASSERT_EQ(peer.received.back().status(), 200);
  EXPECT_EQ(peer.received.back().body(), "bob offers");

  const SessionId early = call("early");
  bob.ua.ring(early, "bob offers early", net.now);
  run(50);
  ASSERT_EQ(peer.countStatus(183), 1U);
  const auto progress = std::ranges::find_if(
      peer.received, [](const Message& each) { return !each.isRequest() && each.status() == 183; });
  EXPECT_EQ(progress->header(HeaderId::require), "100rel");
  EXPECT_EQ(progress->body(), "bob offers early");
}

TEST_F(SessionOffersTest, APrackThatFitsNothingIsRefused) {
  RawPeer peer(net, "10.0.0.9");
  Message invite = peer.request(Method::invite, bob, "offer");
  invite.set(HeaderId::supported, "100rel");
  peer.send(invite, bob.target());
  run(50);
  bob.ua.ring(bobsCall(), "early", net.now);
  run(50);
  const Message progress = peer.received.back();
  ASSERT_EQ(progress.status(), 183);
  Message prack = peer.request(Method::prack, bob);
  prack.from() = progress.from();
  prack.to() = progress.to();
  prack.setCallId(progress.callId());
  prack.setCSeq(2, Method::prack);
  peer.send(prack, bob.target());
  run(50);
  EXPECT_EQ(peer.received.back().status(), 400);  // no RAck
  prack.topVia()->params.set("branch", "z9hG4bK-p2");
  prack.setCSeq(3, Method::prack);
  prack.set(HeaderId::rack, "1 1 INVITE");
  peer.send(prack, bob.target());
  run(50);
  EXPECT_EQ(peer.countStatus(481), 1U);
  const std::string rseq(progress.header(HeaderId::rseq).value());
  prack.topVia()->params.set("branch", "z9hG4bK-p3");
  prack.setCSeq(4, Method::prack);
  prack.set(HeaderId::rack, rseq + " 1 INVITE");
  peer.send(prack, bob.target());
  run(50);
  EXPECT_EQ(peer.received.back().status(), 200);
}

TEST_F(SessionOffersTest, ACallWithoutOfferIsAnsweredWithOneAndTheAnswerComesInTheAck) {
  const SessionId session = alice.dial(bob, {});
  run(50);
  EXPECT_TRUE(bob.calls.at(0).sdp.empty());
  bob.ua.answer(bobsCall(), "bob offers", net.now);
  run(50);
  EXPECT_TRUE(alice.has("answered bob offers"));
  EXPECT_EQ(net.count("ACK "), 0U);
  run(700);  // Bob repeats his 2xx; nothing happens to it
  alice.ua.answerOffer(session, "alice answers", net.now);
  run(50);
  EXPECT_TRUE(bob.has("confirmed alice answers"));
  alice.ua.hangUp(session, {}, net.now);
  expectNothingLeft();
}

TEST_F(SessionOffersTest, AnUnansweredOfferInA2xxIsEndedInTime) {
  const SessionId session = alice.dial(bob, {});
  run(50);
  bob.ua.answer(bobsCall(), "bob offers", net.now);
  run(21'000);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.not_acceptable");
  EXPECT_EQ(bob.endings.size(), 1U);
  expectNothingLeft();
}

TEST_F(SessionOffersTest, AnOfferInAReliableResponseIsAnsweredInPrack) {
  const SessionId session = alice.dial(bob, {});
  run(50);
  // Bob's answer without offer from Alice goes reliably only where she supports it: she does.
  bob.ua.ring(bobsCall(), "bob offers early", net.now);
  run(50);
  EXPECT_TRUE(alice.has("offer bob offers early"));
  alice.ua.answerOffer(session, "alice answers early", net.now);
  run(50);
  EXPECT_TRUE(bob.has("offer answered alice answers early"));
  bob.ua.answer(bobsCall(), "bob offers early", net.now);
  run(100);
  EXPECT_TRUE(alice.has("answered "));
  EXPECT_TRUE(bob.has("confirmed "));
  EXPECT_EQ(alice.ua.sizes().dialogs, 1U);
}

TEST_F(SessionOffersTest, ReinviteBothWays) {
  const SessionId session = connect();
  alice.ua.offer(session, "hold", net.now);
  run(50);
  EXPECT_TRUE(bob.has("offer hold"));
  bob.ua.answerOffer(bobsCall(), "held", net.now);
  run(50);
  EXPECT_TRUE(alice.has("offer answered held"));
  bob.ua.offer(bobsCall(), "resume", net.now);
  run(50);
  alice.ua.answerOffer(session, "resumed", net.now);
  run(50);
  EXPECT_TRUE(bob.has("offer answered resumed"));
  bob.ua.hangUp(bobsCall(), {}, net.now);
  expectNothingLeft();
}

TEST_F(SessionOffersTest, ARefusedOfferLeavesTheCall) {
  const SessionId session = connect();
  alice.ua.offer(session, "video", net.now);
  run(50);
  bob.ua.refuseOffer(bobsCall(), 488, net.now);
  run(50);
  EXPECT_TRUE(alice.has("offer failed 488 sip.not_acceptable"));
  alice.ua.offer(session, "audio", net.now);
  run(50);
  bob.ua.answerOffer(bobsCall(), "fine", net.now);
  run(50);
  EXPECT_TRUE(alice.has("offer answered fine"));
}

TEST_F(SessionOffersTest, AnOfferThatTheOwnerForgetsIsRefusedInTime) {
  const SessionId session = connect();
  alice.ua.offer(session, "x", net.now);
  run(21'000);
  EXPECT_TRUE(alice.has("offer failed 500 sip.server_error"));
  bob.ua.answerOffer(bobsCall(), "too late", net.now);
  run(50);
  EXPECT_EQ(alice.count("offer answered"), 0U);
  alice.ua.hangUp(session, {}, net.now);
  expectNothingLeft();
}

TEST_F(SessionOffersTest, ASecondOfferWaitsForTheFirst) {
  const SessionId session = connect();
  alice.ua.offer(session, "one", net.now);
  alice.ua.offer(session, "two", net.now);
  run(50);
  EXPECT_EQ(bob.count("offer "), 1U);
  bob.ua.answerOffer(bobsCall(), "a one", net.now);
  run(100);
  EXPECT_TRUE(bob.has("offer two"));
}

TEST_F(SessionOffersTest, GlareIsResolvedByWaitingAndBothOffersAreMade) {
  const SessionId session = connect();
  alice.onOfferHook = [&](SessionId id, const std::string& sdp) {
    alice.ua.answerOffer(id, "re " + sdp, net.now);
  };
  bob.onOfferHook = [&](SessionId id, const std::string& sdp) {
    bob.ua.answerOffer(id, "re " + sdp, net.now);
  };
  alice.ua.offer(session, "from alice", net.now);
  bob.ua.offer(bobsCall(), "from bob", net.now);
  run(100);
  EXPECT_EQ(net.count("491"), 2U);
  run(10'000);
  EXPECT_TRUE(alice.has("offer answered re from alice"));
  EXPECT_TRUE(bob.has("offer answered re from bob"));
  // Bob, who does not own the Call-ID, waits at most 2 s; Alice at least 2.1 s.
  const auto position = [](const Agent& agent, const std::string& event) {
    return std::ranges::find(agent.events, event) - agent.events.begin();
  };
  EXPECT_LT(position(alice, "offer from bob"), position(alice, "offer answered re from alice"));
}

TEST_F(SessionOffersTest, EndlessGlareIsTold) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = connectRaw(peer, {});
  alice.ua.offer(session, "again", net.now);
  for (std::uint32_t cseq = 2; cseq <= 10; ++cseq) {  // the offer and eight more tries
    EXPECT_TRUE(net.runUntil([&] { return peer.last("INVITE")->cseq().number == cseq; }, Millis{5'000}));
    EXPECT_EQ(alice.count("offer failed"), 0U);
    peer.send(peer.respond("INVITE", 491, "t"), alice.target());
    run(50);
  }
  run(20'000);
  EXPECT_TRUE(alice.has("offer failed 491 sip.glare"));
  EXPECT_EQ(peer.last("INVITE")->cseq().number, 10U);
}

TEST_F(SessionOffersTest, UpdateIsAnsweredAndCrossingOnesAreRefused) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = connectRaw(peer, {{HeaderId::allow, {}, "INVITE, UPDATE"}});
  peer.send(inDialog(peer, Method::update, 10, "update offer"), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("offer update offer"));
  peer.send(inDialog(peer, Method::update, 11, "impatient"), alice.target());
  run(50);
  EXPECT_EQ(peer.received.back().status(), 500);
  EXPECT_TRUE(peer.received.back().has(HeaderId::retryAfter));
  alice.ua.answerOffer(session, "update answer", net.now);
  run(50);
  EXPECT_EQ(peer.received.back().body(), "update answer");
  alice.ua.offer(session, "ours", net.now);
  run(50);
  peer.send(inDialog(peer, Method::update, 12, "crossing"), alice.target());
  run(50);
  EXPECT_EQ(peer.received.back().status(), 491);
  peer.send(inDialog(peer, Method::update, 13), alice.target());  // a refresh crosses nothing
  run(50);
  EXPECT_EQ(peer.received.back().status(), 200);
}

TEST_F(SessionOffersTest, UpdateBeforeTheAnswer) {
  const SessionId session = alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), "early", net.now);
  run(100);
  alice.ua.offer(session, "early change", net.now);
  run(50);
  EXPECT_EQ(net.count(" UPDATE "), 1U);
  EXPECT_TRUE(bob.has("offer early change"));
  bob.ua.answerOffer(bobsCall(), "early changed", net.now);
  run(50);
  EXPECT_TRUE(alice.has("offer answered early changed"));
  bob.ua.offer(bobsCall(), "bob changes", net.now);
  run(50);
  EXPECT_TRUE(alice.has("offer bob changes"));
  alice.ua.answerOffer(session, "changed", net.now);
  run(50);
  EXPECT_TRUE(bob.has("offer answered changed"));
  bob.ua.answer(bobsCall(), {}, net.now);
  run(50);
  EXPECT_TRUE(alice.has("answered ")) << "what was agreed first holds no more";
  EXPECT_TRUE(bob.has("confirmed "));
}

TEST_F(SessionOffersTest, AnInviteWithoutOfferInTheCallAsksForOurs) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = connectRaw(peer, {});
  peer.send(inDialog(peer, Method::invite, 10), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("offer "));
  alice.ua.answerOffer(session, "our offer", net.now);
  run(50);
  EXPECT_EQ(peer.received.back().body(), "our offer");
  peer.send(inDialog(peer, Method::ack, 10, "their answer"), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("offer answered their answer"));
}

TEST_F(SessionOffersTest, AByeEndsWhatWaits) {
  const SessionId session = connect();
  alice.ua.offer(session, "x", net.now);
  run(50);
  // Alice's BYE ends what waits at Bob.
  alice.ua.hangUp(session, {}, net.now);
  run(50);
  EXPECT_TRUE(bob.has("ended 0 sip.bye"));
  EXPECT_EQ(net.count("487"), 1U);
  expectNothingLeft();
}

TEST_F(SessionOffersTest, A481EndsTheCallAndSilenceDoesToo) {
  RawPeer peer(net, "10.0.0.9");
  SessionId session = connectRaw(peer, {});
  alice.ua.offer(session, "x", net.now);
  run(50);
  peer.send(peer.respond("INVITE", 481, "t"), alice.target());
  run(50);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.dialog_lost");
  RawPeer other(net, "10.0.0.8");
  session = connectRaw(other, {});
  alice.ua.offer(session, "x", net.now);
  run(33'000);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.timeout");
  EXPECT_GT(other.count("BYE"), 0U);
}

TEST_F(SessionOffersTest, TheCallIsRefreshedByUpdateAndLastsForHours) {
  const SessionId session = connect();
  run(3 * 3'600'000);
  EXPECT_EQ(alice.ua.sizes().dialogs, 1U);
  EXPECT_EQ(bob.ua.sizes().dialogs, 1U);
  EXPECT_GE(net.count(" UPDATE "), 11U);  // every 900 s
  EXPECT_EQ(bob.count("offer"), 0U);
  alice.ua.hangUp(session, {}, net.now);
  expectNothingLeft();
}

TEST_F(SessionOffersTest, APeerWithoutUpdateIsRefreshedByReinvite) {
  RawPeer peer(net, "10.0.0.9");
  connectRaw(peer, {{HeaderId::sessionExpires, {}, "100;refresher=uac"}});
  run(50'100);
  ASSERT_EQ(peer.count("INVITE"), 2U);
  EXPECT_EQ(peer.last("INVITE")->body(), "offer");
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::sessionExpires), "100;refresher=uac");
  peer.send(peer.respond("INVITE", 200, "t", "answer", {{HeaderId::sessionExpires, {}, "100;refresher=uac"}}),
            alice.target());
  run(50);
  EXPECT_EQ(peer.count("ACK"), 2U);
  EXPECT_EQ(alice.count("offer answered"), 0U);  // nobody asked
}

TEST_F(SessionOffersTest, ACallThatNobodyRefreshesEnds) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = connectRaw(peer, {{HeaderId::sessionExpires, {}, "120;refresher=uas"}});
  run(80'000);
  EXPECT_TRUE(alice.endings.empty());
  run(10'000);  // 120 - 32 s
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.session_expired");
  EXPECT_EQ(peer.count("BYE") > 0, true);
}

TEST_F(SessionOffersTest, TooShortAnIntervalIsRefusedAndARefusedOneRaised) {
  RawPeer peer(net, "10.0.0.9");
  Message invite = peer.request(Method::invite, bob, "offer");
  invite.set(HeaderId::supported, "timer");
  invite.set(HeaderId::sessionExpires, "30");
  peer.send(invite, bob.target());
  run(50);
  EXPECT_EQ(peer.received.back().status(), 422);
  EXPECT_EQ(peer.received.back().header(HeaderId::minSe), "90");
  EXPECT_TRUE(bob.calls.empty());
  alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 422, "t", {}, {{HeaderId::minSe, {}, "7200"}}), alice.target());
  run(50);
  ASSERT_EQ(peer.count("INVITE"), 2U);
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::sessionExpires), "7200");
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::minSe), "7200");
  peer.send(peer.respond("INVITE", 422, "t", {}, {{HeaderId::minSe, {}, "7200"}}), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("ended 422 sip.refused"));
}

TEST_F(SessionOffersTest, WhoRefreshesIsAgreed) {
  struct Case {
    const char* supported;
    const char* asked;
    const char* expected;
    bool required;
  };
  const Case cases[] = {
      {"timer", "1000", "1000;refresher=uac", true},
      {"timer", "1000;refresher=uas", "1000;refresher=uas", false},
      {"timer", "9000;refresher=uac", "1800;refresher=uac", true},
      {"timer", "", "1800;refresher=uas", false},
      {"", "1000", "1000;refresher=uas", false},
      {"", "", "1800;refresher=uas", false},
  };
  RawPeer peer(net, "10.0.0.9");
  for (const Case& one : cases) {
    Message invite = peer.request(Method::invite, bob, "offer");
    if (*one.supported != 0) invite.set(HeaderId::supported, one.supported);
    if (*one.asked != 0) invite.set(HeaderId::sessionExpires, one.asked);
    peer.send(invite, bob.target());
    run(50);
    bob.ua.answer(bobsCall(), "answer", net.now);
    run(50);
    const auto found = std::ranges::find_if(peer.received, [&](const Message& message) {
      return message.callId() == invite.callId() && message.status() == 200;
    });
    ASSERT_NE(found, peer.received.end());
    const Message& ok = *found;
    EXPECT_EQ(ok.header(HeaderId::sessionExpires), one.expected) << one.asked;
    EXPECT_EQ(ok.lists(HeaderId::require, "timer"), one.required) << one.asked;
  }
}

}  // namespace
}  // namespace parley::sip
