// Rules of a call that only the other side's strictness shows: sequence numbers of forks that lose, whose
// credentials an ACK has, one request after the other, who may change or replace a call that rings.
#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::Agent;
using rig::RawPeer;

class SessionRulesTest : public rig::RawPeerTest {
 protected:
  Headers reliable(int rseq) const {
    return {{HeaderId::require, {}, "100rel"}, {HeaderId::rseq, {}, std::to_string(rseq)}};
  }
  SessionId connectRaw(Agent& agent, const Headers& headers = {}) {
    const SessionId session = agent.dial(peer);
    run(50);
    peer.send(peer.respond("INVITE", 200, "t", "answer", headers), agent.target());
    run(50);
    EXPECT_EQ(peer.count("ACK"), 1U);
    return session;
  }
};

/// The names of the dialog of the last call between Alice and Bob.
struct DialogIds {
  explicit DialogIds(const Agent& bob) {
    const Message& invite = bob.calls.back().request;
    const Replaces bobs = bob.ua.dialogOf(bob.calls.back().session).value();
    callId = invite.callId();
    aliceTag = invite.from().tag();
    bobTag = bobs.toTag == aliceTag ? bobs.fromTag : bobs.toTag;
  }
  std::string callId, aliceTag, bobTag;
};

// --- sequence numbers ------------------------------------------------------------------------------------

TEST_F(SessionRulesTest, TheByeOfALosingForkComesAfterItsPrack) {
  alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 183, "one", "early one", reliable(1)), alice.target());
  run(50);
  ASSERT_EQ(peer.count("PRACK"), 1U);
  const std::uint32_t used = peer.last("PRACK")->cseq().number;
  peer.send(peer.respond("PRACK", 200, "one"), alice.target());
  peer.send(peer.respond("INVITE", 200, "two", "answer two"), alice.target());
  run(50);
  peer.send(peer.respond("INVITE", 200, "one"), alice.target());
  run(50);
  ASSERT_NE(peer.last("BYE"), nullptr);
  EXPECT_EQ(peer.last("BYE")->to().tag(), "one");
  EXPECT_GT(peer.last("BYE")->cseq().number, used);
  EXPECT_EQ(peer.last("BYE")->header(HeaderId::reason), "SIP;cause=200;text=\"Call completed elsewhere\"");
}

TEST_F(SessionRulesTest, AForkThatWasGivenUpAndAnswersAfterAllKeepsCounting) {
  const SessionId session = alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 183, "one", "early", reliable(1)), alice.target());
  run(50);
  const std::uint32_t used = peer.last("PRACK")->cseq().number;
  peer.send(peer.respond("PRACK", 200, "one"), alice.target());
  peer.send(peer.respond("INVITE", 199, "one"), alice.target());
  run(50);
  peer.send(peer.respond("INVITE", 200, "one", "answer"), alice.target());
  run(50);
  ASSERT_TRUE(alice.has("answered answer"));
  alice.ua.hangUp(session, {}, net.now);
  run(50);
  ASSERT_NE(peer.last("BYE"), nullptr);
  EXPECT_GT(peer.last("BYE")->cseq().number, used);
}

TEST_F(SessionRulesTest, HangingUpWhileAPrackedCallIsAnsweredEndsItAtThePhone) {
  const SessionId session = alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), "early", net.now);
  run(100);
  ASSERT_EQ(net.count(" PRACK "), 1U);
  bob.ua.answer(bobsCall(), "early", net.now);
  alice.ua.hangUp(session, {}, net.now);  // its CANCEL crosses the 200
  run(200);
  EXPECT_EQ(bob.endings.at(bobsCall().value()).reason, "sip.bye");
  EXPECT_EQ(bob.ua.refusals()[static_cast<std::size_t>(Refusal::oldCSeq)], 0U);
  expectNothingLeft();
}

TEST_F(SessionRulesTest, ANumberThatWasUsedIsRefused) {
  connectRaw(alice);
  Message info = inDialog(Method::info, 10);
  peer.send(info, alice.target());
  run(50);
  EXPECT_EQ(statusOf(info), 200);
  const Message again = inDialog(Method::bye, 10);  // another transaction, the same number
  peer.send(again, alice.target());
  run(50);
  EXPECT_EQ(statusOf(again), 500);
  EXPECT_EQ(alice.ua.refusals()[static_cast<std::size_t>(Refusal::oldCSeq)], 1U);
  EXPECT_EQ(alice.ua.sizes().sessions, 1U);
}

// --- credentials -----------------------------------------------------------------------------------------

struct RuleCredentials final : Authenticator {
  std::optional<Message> answer(const Message& challenge, const Message& request, Asker&) override {
    Message again = request;
    const bool proxy = challenge.status() == 407;
    again.set(proxy ? HeaderId::proxyAuthorization : HeaderId::authorization,
              "Digest x" + std::to_string(again.cseq().number));
    return again;
  }
};

TEST_F(SessionRulesTest, NewsOfATransferAreSentAgainWithCredentials) {
  RuleCredentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  connectRaw(carol);
  Message refer = inDialog(Method::refer, 10);
  refer.set(HeaderId::referTo, "<sip:dave@10.0.0.4>");
  peer.send(refer, carol.target());
  run(50);
  ASSERT_EQ(peer.count("NOTIFY"), 1U);
  const std::string news = peer.last("NOTIFY")->body();
  peer.send(peer.respond("NOTIFY", 407, {}), carol.target());
  run(50);
  ASSERT_EQ(peer.count("NOTIFY"), 2U);
  EXPECT_TRUE(peer.last("NOTIFY")->has(HeaderId::proxyAuthorization));
  EXPECT_EQ(peer.last("NOTIFY")->body(), news);
}

/// RFC 3261 section 13.2.2.4.
TEST_F(SessionRulesTest, TheAckHasTheCredentialsOfItsInvite) {
  RuleCredentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  const SessionId session = carol.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 407, "t"), carol.target());
  run(50);
  EXPECT_FALSE(peer.last("ACK")->has(HeaderId::proxyAuthorization));  // that of the refusal
  peer.send(peer.respond("INVITE", 200, "t", "answer"), carol.target());
  run(50);
  ASSERT_EQ(peer.count("ACK"), 2U);
  EXPECT_EQ(peer.last("ACK")->header(HeaderId::proxyAuthorization), "Digest x1");
  peer.send(peer.respond("INVITE", 200, "fork", "answer"), carol.target());
  run(50);
  ASSERT_EQ(peer.count("ACK"), 3U);
  EXPECT_EQ(peer.last("ACK")->header(HeaderId::proxyAuthorization), "Digest x1");
  carol.ua.offer(session, "again", net.now);
  run(50);
  EXPECT_FALSE(peer.last("INVITE")->has(HeaderId::authorization));
  peer.send(peer.respond("INVITE", 401, "t"), carol.target());
  run(50);
  peer.send(peer.respond("INVITE", 200, "t", "answer"), carol.target());
  run(50);
  EXPECT_TRUE(peer.last("ACK")->has(HeaderId::authorization));
  EXPECT_FALSE(peer.last("ACK")->has(HeaderId::proxyAuthorization));
}

/// Without Record-Route the ACK goes to the Contact: whoever that is did not ask for them.
TEST_F(SessionRulesTest, TheCredentialsOfAnInviteGoNowhereElse) {
  RuleCredentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  RawPeer stranger(net, "10.0.0.8");
  carol.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 407, "t"), carol.target());
  run(50);
  Message ok = peer.respond("INVITE", 200, "t", "answer");
  ok.set(HeaderId::contact, "<sip:phone@10.0.0.8>");
  peer.send(ok, carol.target());
  run(50);
  ASSERT_EQ(stranger.count("ACK"), 1U);
  EXPECT_FALSE(stranger.last("ACK")->has(HeaderId::proxyAuthorization));
}

/// Each server challenges for itself: what one was told is not counted at the next.
TEST_F(SessionRulesTest, SilenceAfterAChallengeLeadsToTheNextTarget) {
  RuleCredentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  RawPeer second(net, "10.0.0.8");
  OutgoingCall call = carol.callTo(peer);
  call.targets = {peer.target(), second.target()};
  const SessionId session = carol.ua.invite(call, net.now);
  run(50);
  for (int i = 0; i < 3; ++i) {
    peer.send(peer.respond("INVITE", 401, "t"), carol.target());
    run(50);
  }
  EXPECT_EQ(peer.count("INVITE"), 4U);
  run(3'100);  // and then nothing
  ASSERT_EQ(second.count("INVITE"), 1U);
  second.send(second.respond("INVITE", 401, "t"), carol.target());
  run(50);
  EXPECT_EQ(second.count("INVITE"), 2U);
  run(33'000);
  ASSERT_TRUE(carol.endings.contains(session.value()));
  EXPECT_TRUE(carol.endings.at(session.value()).silent);
  EXPECT_FALSE(carol.endings.at(session.value()).unheard);
}

// --- one after the other ---------------------------------------------------------------------------------

TEST_F(SessionRulesTest, KeysLeaveOneAfterTheOther) {
  const SessionId session = connectRaw(alice);
  for (const char digit : {'1', '2', '3'}) alice.ua.sendDtmf(session, {digit, 160}, net.now);
  run(1'800);  // repeated since nobody answers, but not overtaken
  EXPECT_EQ(peer.last("INFO")->body().find("Signal=1"), 0U);
  const std::uint32_t first = peer.last("INFO")->cseq().number;
  peer.send(peer.respond("INFO", 200, "t"), alice.target());
  run(50);
  EXPECT_EQ(peer.last("INFO")->body().find("Signal=2"), 0U);
  EXPECT_EQ(peer.last("INFO")->cseq().number, first + 1);
  peer.send(peer.respond("INFO", 488, "t"), alice.target());  // a refusal is an answer
  run(50);
  EXPECT_EQ(peer.last("INFO")->body().find("Signal=3"), 0U);
  peer.send(peer.respond("INFO", 200, "t"), alice.target());
  run(40'000);
  EXPECT_EQ(peer.last("INFO")->cseq().number, first + 2);
  EXPECT_EQ(alice.ua.sizes().sessions, 1U);
}

TEST_F(SessionRulesTest, KeysThatNobodyAnswersAreDroppedAndTheQueueIsBounded) {
  const SessionId session = connectRaw(alice);
  for (int i = 0; i < 200; ++i) alice.ua.sendDtmf(session, {'1', 160}, net.now);
  EXPECT_EQ(alice.ua.refusals()[static_cast<std::size_t>(Refusal::tableFull)], 200U - 1 - 64);
  run(100);
  const std::uint32_t first = peer.last("INFO")->cseq().number;
  run(33'000);  // timer F: what waited is no more of use
  alice.ua.sendDtmf(session, {'9', 160}, net.now);
  run(50);
  EXPECT_EQ(peer.last("INFO")->body().find("Signal=9"), 0U);
  EXPECT_EQ(peer.last("INFO")->cseq().number, first + 1);
  alice.ua.hangUp(session, {}, net.now);
  run(200'000);
  EXPECT_TRUE(alice.empty());
}

TEST_F(SessionRulesTest, DigitsArriveInOrderThroughLoss) {
  const SessionId session = connect();
  net.lossPercent = 30;
  net.jitter = Millis{40};
  const std::string digits = "0123456789*#ABCD";
  for (const char digit : digits) alice.ua.sendDtmf(session, {digit, 160}, net.now);
  run(200'000);
  std::string heard;
  for (const DtmfSignal& signal : bob.digits) heard += signal.digit;
  EXPECT_EQ(heard, digits);
}

TEST_F(SessionRulesTest, NewsOfATransferGoOneAfterTheOtherAndTheLastIsToldBeforeTheBye) {
  const SessionId session = connectRaw(alice);
  Message refer = inDialog(Method::refer, 10);
  refer.set(HeaderId::referTo, "<sip:carol@10.0.0.3>");
  peer.send(refer, alice.target());
  run(50);
  ASSERT_EQ(peer.count("NOTIFY"), 1U);
  EXPECT_EQ(peer.last("NOTIFY")->body(), "SIP/2.0 100 Trying\r\n");
  alice.ua.referProgress(session, 180, net.now);
  alice.ua.referProgress(session, 200, net.now);
  run(50);
  EXPECT_EQ(peer.count("NOTIFY"), 1U);
  peer.send(peer.respond("NOTIFY", 200, "t"), alice.target());
  run(50);
  EXPECT_EQ(peer.last("NOTIFY")->body(), "SIP/2.0 180 Ringing\r\n");
  alice.ua.hangUp(session, {}, net.now);
  run(50);
  EXPECT_EQ(peer.last("NOTIFY")->body(), "SIP/2.0 200 OK\r\n");
  EXPECT_LT(peer.last("NOTIFY")->cseq().number, peer.last("BYE")->cseq().number);
}

// --- while it rings --------------------------------------------------------------------------------------

/// RFC 3261 section 13.3.1.1; and as long as the owner lets it ring, whatever the default is.
TEST_F(SessionRulesTest, APhoneThatRingsSaysSoEachMinute) {
  const Message invite = peer.request(Method::invite, alice, "offer");
  alice.ua.setCallTimes({.ringTimeout = Millis{600'000}, .sessionExpires = 1'800, .minSe = 90});
  peer.send(invite, alice.target());
  run(50);
  run(130'000);
  EXPECT_EQ(peer.countStatus(180), 0U);  // it does not ring yet
  alice.ua.ring(alice.calls.at(0).session, {}, net.now);
  run(59'000);
  EXPECT_EQ(peer.countStatus(180), 1U);
  run(242'000);
  EXPECT_EQ(peer.countStatus(180), 6U);
  alice.ua.answer(alice.calls.at(0).session, "answer", net.now);
  run(30'000);
  EXPECT_EQ(peer.countStatus(180), 6U);
  EXPECT_GT(peer.countStatus(200), 0U);
}

TEST_F(SessionRulesTest, EarlyMediaIsRepeatedAsItWas) {
  peer.send(peer.request(Method::invite, alice, "offer"), alice.target());
  run(50);
  alice.ua.ring(alice.calls.at(0).session, "early", net.now);
  run(61'000);
  EXPECT_EQ(peer.countStatus(183), 2U);
  EXPECT_EQ(peer.received.back().body(), "early");
  const SessionId ours = bob.dial(alice);
  run(50);
  alice.ua.ring(alice.calls.at(1).session, "music", net.now);
  run(121'000);
  EXPECT_EQ(bob.count("progress 183"), 3U);
  alice.ua.answer(alice.calls.at(1).session, "music", net.now);
  run(100);
  EXPECT_TRUE(bob.has("answered music"));
  bob.ua.hangUp(ours, {}, net.now);
}

TEST_F(SessionRulesTest, ACallRingsAsLongAsTheOwnerWants) {
  alice.ua.setCallTimes({.ringTimeout = Millis{700'000}, .sessionExpires = 1'800, .minSe = 90});
  const SessionId session = alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 180, "t"), alice.target());
  run(690'000);
  EXPECT_FALSE(alice.endings.contains(session.value()));
  run(20'000);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.no_answer");
  EXPECT_EQ(peer.last("CANCEL")->header(HeaderId::reason), "SIP;cause=408;text=\"No answer\"");
}

TEST_F(SessionRulesTest, ChangedSessionTimesCountFromTheNextCallOn) {
  alice.ua.setCallTimes({.ringTimeout = Millis{180'000}, .sessionExpires = 600, .minSe = 300});
  alice.dial(peer);
  run(50);
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::sessionExpires), "600");
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::minSe), "300");
}

/// RFC 3261 section 14.2: our INVITE has no final answer yet.
TEST_F(SessionRulesTest, AReinviteBeforeTheAnswerIsRefused) {
  alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 183, "t", "early", reliable(1)), alice.target());
  run(50);
  peer.send(peer.respond("PRACK", 200, "t"), alice.target());
  const Message again = inDialog(Method::invite, 10, "impatient");
  peer.send(again, alice.target());
  run(50);
  EXPECT_EQ(statusOf(again), 491);
  EXPECT_EQ(alice.count("offer"), 0U);
}

/// RFC 3262 section 4.
TEST_F(SessionRulesTest, AReliableResponseOutOfOrderWaitsForTheOneBefore) {
  alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 183, "t", "early", reliable(0)), alice.target());
  run(50);
  EXPECT_EQ(peer.count("PRACK"), 0U);  // there is no such number
  peer.send(peer.respond("INVITE", 183, "t", "early", reliable(5)), alice.target());
  run(50);
  EXPECT_EQ(peer.last("PRACK")->header(HeaderId::rack), "5 1 INVITE");
  peer.send(peer.respond("INVITE", 180, "t", {}, reliable(7)), alice.target());
  peer.send(peer.respond("INVITE", 183, "t", "early", reliable(5)), alice.target());
  run(50);
  EXPECT_EQ(peer.count("PRACK"), 1U);
  EXPECT_EQ(alice.count("progress"), 1U);
  peer.send(peer.respond("INVITE", 180, "t", {}, reliable(6)), alice.target());
  peer.send(peer.respond("INVITE", 180, "t", {}, reliable(7)), alice.target());
  run(50);
  EXPECT_EQ(peer.count("PRACK"), 3U);
  EXPECT_EQ(peer.last("PRACK")->header(HeaderId::rack), "7 1 INVITE");
}

/// RFC 3891 section 3: of the dialogs that are not confirmed only those that we began can be replaced.
TEST_F(SessionRulesTest, ACallThatRingsCanBeTakenOverIfItIsOurs) {
  Agent carol(net, "10.0.0.3");
  const SessionId calling = alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), {}, net.now);
  run(50);
  const DialogIds ids{bob};
  OutgoingCall call = carol.callTo(alice);
  call.replaces = Replaces{ids.callId, ids.aliceTag, ids.bobTag, false}.toString();
  carol.ua.invite(call, net.now);
  run(50);
  ASSERT_EQ(alice.calls.size(), 1U);
  EXPECT_EQ(alice.calls[0].replacesSession, calling);
  alice.ua.answer(alice.calls[0].session, "taken", net.now);
  alice.ua.hangUp(calling, {}, net.now);
  run(100);
  EXPECT_TRUE(carol.has("answered taken"));
  EXPECT_EQ(bob.endings.at(bobsCall().value()).reason, "sip.cancelled");
  // Bob, who is called, cannot have it replaced.
  alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), {}, net.now);
  run(50);
  const DialogIds theirs{bob};
  call = carol.callTo(bob);
  call.replaces = Replaces{theirs.callId, theirs.bobTag, theirs.aliceTag, false}.toString();
  carol.ua.invite(call, net.now);
  run(50);
  EXPECT_TRUE(carol.has("ended 481 sip.dialog_lost"));
}

// --- refreshes -------------------------------------------------------------------------------------------

TEST_F(SessionRulesTest, ARefreshThatBringsAnotherAnswerIsFollowedByAnOffer) {
  const Headers timer{{HeaderId::sessionExpires, {}, "100;refresher=uac"}};
  const SessionId session = connectRaw(alice, timer);
  run(50'100);
  ASSERT_EQ(peer.count("INVITE"), 2U);
  peer.send(peer.respond("INVITE", 200, "t", "moved", timer), alice.target());
  run(50);
  EXPECT_EQ(alice.count("offer"), 1U);
  EXPECT_TRUE(alice.has("offer "));  // ours is asked for
  alice.ua.answerOffer(session, "offer again", net.now);
  run(50);
  ASSERT_EQ(peer.count("INVITE"), 3U);
  EXPECT_EQ(peer.last("INVITE")->body(), "offer again");
  peer.send(peer.respond("INVITE", 200, "t", "moved", timer), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("offer answered moved"));
  run(50'100);
  ASSERT_EQ(peer.count("INVITE"), 4U);
  EXPECT_EQ(peer.last("INVITE")->body(), "offer again");
  // Only the number of the description: nothing moved.
  peer.send(peer.respond("INVITE", 200, "t", "moved", timer), alice.target());
  run(50);
  EXPECT_EQ(alice.count("offer "), 2U);
}

TEST_F(SessionRulesTest, AnOfferAfterARefreshThatNobodyMakesIsForgotten) {
  const Headers timer{{HeaderId::sessionExpires, {}, "100;refresher=uac"}};
  const SessionId session = connectRaw(alice, timer);
  run(50'100);
  peer.send(peer.respond("INVITE", 200, "t", "moved", timer), alice.target());
  run(21'000);
  alice.ua.offer(session, "ours", net.now);
  run(50);
  EXPECT_EQ(peer.last("INVITE")->body(), "ours");
}

/// RFC 4028 sections 7.1, 7.3, 7.4.
TEST_F(SessionRulesTest, TheLeastIntervalThatWasAskedForIsKept) {
  alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 422, "t", {}, {{HeaderId::minSe, {}, "3600"}}), alice.target());
  run(50);
  const Headers timer{{HeaderId::sessionExpires, {}, "3600;refresher=uac"},
                      {HeaderId::allow, {}, "INVITE, UPDATE"}};
  peer.send(peer.respond("INVITE", 200, "t", "answer", timer), alice.target());
  run(1'800'100);
  ASSERT_EQ(peer.count("UPDATE"), 1U);
  EXPECT_EQ(peer.last("UPDATE")->header(HeaderId::minSe), "3600");
  peer.send(peer.respond("UPDATE", 422, "t", {}, {{HeaderId::minSe, {}, "7200"}}), alice.target());
  run(50);
  ASSERT_EQ(peer.count("UPDATE"), 2U);
  EXPECT_EQ(peer.last("UPDATE")->header(HeaderId::minSe), "7200");
  EXPECT_EQ(peer.last("UPDATE")->header(HeaderId::sessionExpires), "7200;refresher=uac");
  peer.send(peer.respond("UPDATE", 200, "t", {}, {{HeaderId::sessionExpires, {}, "7200;refresher=uac"}}),
            alice.target());
  run(3'600'100);
  ASSERT_EQ(peer.count("UPDATE"), 3U);
  EXPECT_EQ(peer.last("UPDATE")->header(HeaderId::minSe), "7200");
}

/// A peer that wants one second more each time is asked a few times, then as seldom as one that refuses; the
/// call ends with the interval that was agreed last.
TEST_F(SessionRulesTest, AnIntervalIsRaisedAFewTimesOnly) {
  const Headers timer{{HeaderId::sessionExpires, {}, "100;refresher=uac"},
                      {HeaderId::allow, {}, "INVITE, UPDATE"}};
  const SessionId session = connectRaw(alice, timer);
  std::size_t asked = 0;
  const auto answerEach = [&](int milliseconds, int status) {
    for (; milliseconds > 0; milliseconds -= 50) {
      if (peer.count("UPDATE") > asked) {
        asked = peer.count("UPDATE");
        const Headers longer{{HeaderId::minSe, {}, std::to_string(1'000 + asked)}};
        peer.send(peer.respond("UPDATE", status, "t", {}, status == 422 ? longer : timer), alice.target());
      }
      run(50);
    }
  };
  answerEach(55'000, 422);  // Half of the interval has passed.
  EXPECT_EQ(asked, 4U);
  answerEach(10'000, 422);
  EXPECT_EQ(asked, 5U);
  answerEach(10'000, 200);
  EXPECT_EQ(asked, 6U);
  answerEach(50'000, 422);
  EXPECT_EQ(asked, 10U) << "a refresh that is taken gives the tries back";
  EXPECT_FALSE(alice.endings.contains(session.value()));
  answerEach(60'000, 422);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.session_expired");
}

TEST_F(SessionRulesTest, AnOfferThatIsWantedLaterWaitsSoLong) {
  const SessionId session = connectRaw(alice);
  alice.ua.offer(session, "x", net.now);
  run(50);
  peer.send(peer.respond("INVITE", 500, "t", {}, {{HeaderId::retryAfter, {}, "9 (busy)"}}), alice.target());
  run(8'900);
  EXPECT_EQ(peer.last("INVITE")->cseq().number, 2U);
  run(5'000);
  EXPECT_EQ(peer.last("INVITE")->cseq().number, 3U);
  EXPECT_EQ(alice.count("offer failed"), 0U);
}

/// RFC 3261 section 9.2, of a re-INVITE.
TEST_F(SessionRulesTest, AReinviteIsCancelled) {
  const SessionId session = connectRaw(alice);
  const Message again = inDialog(Method::invite, 10, "hold");
  peer.send(again, alice.target());
  run(50);
  ASSERT_TRUE(alice.has("offer hold"));
  Message cancel = Message::request(Method::cancel, again.requestUri());
  cancel.pushVia(*again.topVia());
  cancel.from() = again.from();
  cancel.to() = again.to();
  cancel.setCallId(again.callId());
  cancel.setCSeq(10, Method::cancel);
  cancel.setMaxForwards(70);
  peer.send(cancel, alice.target());
  run(50);
  EXPECT_EQ(statusOf(cancel), 200);
  EXPECT_EQ(statusOf(again), 487);
  EXPECT_TRUE(alice.has("offer failed 487 sip.cancelled"));
  alice.ua.answerOffer(session, "too late", net.now);
  alice.ua.offer(session, "ours", net.now);  // nothing is in the way
  run(50);
  EXPECT_EQ(peer.last("INVITE")->body(), "ours");
}

}  // namespace
}  // namespace parley::sip
