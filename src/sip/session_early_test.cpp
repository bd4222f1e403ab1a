// What happens before a call stands beside ringing: offers by UPDATE both ways (RFC 3311 section 5.2), the
// order of reliable provisional responses (RFC 3262), and refreshes that the other side does not take (RFC
// 4028).
#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;

class SessionEarlyTest : public rig::RawPeerTest {
 protected:
  /// A provisional response with a description; reliable ones are numbered.
  void ring(const char* tag, const std::string& sdp, int rseq = 0) {
    Headers headers{{HeaderId::allow, {}, "INVITE, UPDATE, PRACK"}};
    if (rseq != 0) {
      headers.push_back({HeaderId::require, {}, "100rel"});
      headers.push_back({HeaderId::rseq, {}, std::to_string(rseq)});
    }
    peer.send(peer.respond("INVITE", 183, tag, sdp, headers), alice.target());
    run(50);
  }
  Message update(const char* tag, std::uint32_t cseq, const std::string& sdp) {
    Message request = inDialog(Method::update, cseq, sdp, tag);
    peer.send(request, alice.target());
    run(50);
    return request;
  }
  Message invite(const char* expires) {
    Message request = peer.request(Method::invite, alice, "offer");
    request.set(HeaderId::expires, expires);
    peer.send(request, alice.target());
    run(50);
    return request;
  }
  SessionId dial() {
    const SessionId session = alice.dial(peer);
    run(50);
    return session;
  }
  void answer(const char* tag, const std::string& sdp = {}, const Headers& headers = {}) {
    peer.send(peer.respond("INVITE", 200, tag, sdp, headers), alice.target());
    run(50);
  }
};

// --- offers before the answer ----------------------------------------------------------------------------

TEST_F(SessionEarlyTest, AnOfferWaitsForTheReliableAnswerToOurs) {
  const SessionId session = dial();
  ring("t", "unreliable");
  EXPECT_EQ(statusOf(update("t", 10, "too soon")), 491) << "our own offer is outstanding";
  ring("t", "early", 1);
  const Message taken = update("t", 11, "elsewhere");
  EXPECT_TRUE(alice.has("offer elsewhere"));
  EXPECT_EQ(statusOf(taken), 0);
  alice.ua.answerOffer(session, "fine", net.now);
  run(50);
  EXPECT_EQ(statusOf(taken), 200);
  ring("t", "early", 2);
  EXPECT_EQ(alice.count("progress 183 early"), 1U) << "the second time it holds no more";
  answer("t");
  EXPECT_TRUE(alice.has("answered ")) << "without the description that holds no more";
  EXPECT_EQ(peer.count("ACK"), 1U);
}

TEST_F(SessionEarlyTest, AnOfferThatIsRefusedEarlyChangesNothing) {
  const SessionId session = dial();
  ring("t", "early", 1);
  const Message refused = update("t", 10, "elsewhere");
  alice.ua.refuseOffer(session, 500, net.now);
  run(50);
  EXPECT_EQ(statusOf(refused), 500);
  EXPECT_TRUE(peer.received.back().has(HeaderId::retryAfter));
  answer("t");
  EXPECT_TRUE(alice.has("answered early"));
}

TEST_F(SessionEarlyTest, AnEarlyOfferIsAnsweredInTheCallThatStandsMeanwhile) {
  const SessionId session = dial();
  ring("t", "early", 1);
  const Message waiting = update("t", 10, "elsewhere");
  answer("t");
  ASSERT_TRUE(alice.has("answered ")) << "the first answer is on its way out";
  EXPECT_FALSE(alice.has("answered early"));
  alice.ua.answerOffer(session, "fine", net.now);
  run(50);
  EXPECT_EQ(statusOf(waiting), 200);
}

TEST_F(SessionEarlyTest, AServerThatWantsMoreEachTimeIsLeftAfterAFewTries) {
  dial();
  for (std::size_t i = 0; i < 8 && peer.count("INVITE") == i + 1; ++i) {
    peer.send(peer.respond("INVITE", 422, "t", {}, {{HeaderId::minSe, {}, std::to_string(3000 + i)}}),
              alice.target());
    run(50);
  }
  EXPECT_EQ(peer.count("INVITE"), 4U);
  EXPECT_EQ(alice.ua.sizes().sessions, 0U);
}

TEST_F(SessionEarlyTest, OneOfSeveralPhonesMakesNoOffers) {
  const SessionId session = dial();
  ring("one", "early one", 1);
  const Message waiting = update("one", 10, "elsewhere");
  ring("two", "early two", 1);
  EXPECT_EQ(statusOf(update("two", 20, "elsewhere")), 500) << "whose it is could not be told";
  ring("three", "unreliable");
  EXPECT_EQ(statusOf(update("three", 30, "elsewhere")), 491);
  // The one that offered loses: its request has an answer all the same, and the owner's comes too late.
  answer("two");
  EXPECT_EQ(statusOf(waiting), 481);
  ASSERT_TRUE(alice.has("answered early two"));
  alice.ua.answerOffer(session, "fine", net.now);
  run(50);
  EXPECT_EQ(statusOf(waiting), 481);
}

TEST_F(SessionEarlyTest, AnOfferOfAPhoneThatStopsRingingIsGone) {
  for (const int how : {199, 401}) {
    peer.received.clear();
    const SessionId session = dial();
    ring("t", "early", 1);
    const Message waiting = update("t", 10, "elsewhere");
    peer.send(peer.respond("INVITE", how, "t"), alice.target());
    run(50);
    EXPECT_EQ(statusOf(waiting), how == 199 ? 481 : 487) << how;
    alice.ua.answerOffer(session, "nobody is there", net.now);
    alice.ua.hangUp(session, {}, net.now);
    run(50);
  }
}

// --- invitations that expire (RFC 3261 section 13.3.1) ----------------------------------------------------

TEST_F(SessionEarlyTest, AnInvitationRingsUntilItExpires) {
  const Message request = invite("10");
  alice.ua.ring(alice.calls.back().session, {}, net.now);
  run(9'900);
  EXPECT_EQ(peer.countStatus(180), 1U);
  EXPECT_TRUE(alice.endings.empty());
  run(100);
  EXPECT_EQ(statusOf(request), 487);
  ASSERT_EQ(alice.endings.size(), 1U);
  EXPECT_EQ(alice.endings.begin()->second.reason, "sip.expired");
  EXPECT_EQ(alice.ua.sizes().sessions, 0U);
}

TEST_F(SessionEarlyTest, AnAnsweredInvitationExpiresNoMore) {
  const Message request = invite("10");
  alice.ua.answer(alice.calls.back().session, "answer", net.now);
  run(15'000);
  EXPECT_EQ(statusOf(request), 200);
  EXPECT_TRUE(alice.endings.empty());
}

TEST_F(SessionEarlyTest, AnInvitationThatIsOverWhenItComesRingsNobody) {
  EXPECT_EQ(statusOf(invite("0")), 487);
  EXPECT_TRUE(alice.calls.empty());
  EXPECT_EQ(alice.ua.sizes().sessions, 0U);
}

TEST_F(SessionEarlyTest, AnExpiryThatIsNoneOrFarAwayChangesNothing) {
  for (const char* expires : {"4294967295", "99999999999999999999", "-1", "soon", ""}) {
    invite(expires);
    const SessionId session = alice.calls.back().session;
    run(179'000);
    EXPECT_TRUE(alice.endings.empty()) << expires;
    alice.ua.hangUp(session, {}, net.now);
    run(50);
  }
}

// --- reliable provisional responses ----------------------------------------------------------------------

TEST_F(SessionEarlyTest, ProvisionalResponsesAreTakenInOrder) {
  dial();
  ring("t", "early", 7);
  EXPECT_EQ(peer.count("PRACK"), 1U);
  ring("t", {}, 9);
  EXPECT_EQ(peer.count("PRACK"), 1U) << "the eighth is missing (RFC 3262 section 4)";
  ring("t", {}, 7);
  EXPECT_EQ(peer.count("PRACK"), 1U) << "a repetition";
  ring("t", {}, 8);
  ring("t", {}, 9);
  EXPECT_EQ(peer.count("PRACK"), 3U);
  EXPECT_EQ(peer.last("PRACK")->header(HeaderId::rack)->substr(0, 2), "9 ");
  ring("other", {}, 100);
  EXPECT_EQ(peer.count("PRACK"), 4U) << "each phone counts by itself";
}

// --- refreshes that are not taken ------------------------------------------------------------------------

constexpr auto kHundred = "100;refresher=uac";

TEST_F(SessionEarlyTest, ARefusedRefreshIsTriedAgainUntilTheTimeIsOver) {
  const SessionId session = dial();
  answer("t", "answer", {{HeaderId::sessionExpires, {}, kHundred}});
  for (unsigned refreshes = 1; refreshes <= 3; ++refreshes) {
    ASSERT_TRUE(net.runUntil([&] { return peer.count("INVITE") == 1 + refreshes; }));
    EXPECT_EQ(peer.last("INVITE")->body(), "offer");
    peer.send(peer.respond("INVITE", 488, "t"), alice.target());
    run(50);
    EXPECT_TRUE(alice.endings.empty());
    EXPECT_EQ(alice.count("offer failed"), 0U) << "it was nobody's offer";
  }
  for (int i = 0; i < 10 && alice.endings.empty(); ++i) {
    net.runUntil([&] { return !alice.endings.empty() || peer.last("INVITE")->cseq().number > 4U + i; });
    if (alice.endings.empty()) peer.send(peer.respond("INVITE", 488, "t"), alice.target());
  }
  ASSERT_TRUE(alice.endings.contains(session.value()));
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.session_expired");
  run(50);
  EXPECT_GE(peer.count("BYE"), 1U);
}

TEST_F(SessionEarlyTest, ARefreshIsMadeWithTheIntervalThatIsWanted) {
  dial();
  answer("t", "answer", {{HeaderId::sessionExpires, {}, kHundred}});
  ASSERT_TRUE(net.runUntil([&] { return peer.count("INVITE") == 2; }));
  peer.send(peer.respond("INVITE", 422, "t", {}, {{HeaderId::minSe, {}, "600"}}), alice.target());
  run(50);
  ASSERT_EQ(peer.count("INVITE"), 3U) << "at once";
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::sessionExpires), "600;refresher=uac");
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::minSe), "600");
  answer("t", "answer", {{HeaderId::sessionExpires, {}, "600;refresher=uac"}});
  run(299'000);
  EXPECT_EQ(peer.count("INVITE"), 3U);
  run(1'200);
  EXPECT_EQ(peer.count("INVITE"), 4U);
}

TEST_F(SessionEarlyTest, ARunningCallKeepsItsIntervalUnlessThatIsTooShortBySettings) {
  dial();
  answer("t", "answer", {{HeaderId::sessionExpires, {}, "200;refresher=uac"}});
  alice.ua.setCallTimes({.sessionExpires = 1'800, .minSe = 100});
  ASSERT_TRUE(net.runUntil([&] { return peer.count("INVITE") == 2; }, Millis{101'000}));
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::sessionExpires), "200;refresher=uac");
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::minSe), "100");
  answer("t", "answer", {{HeaderId::sessionExpires, {}, "200;refresher=uac"}});
  alice.ua.setCallTimes({.sessionExpires = 1'800, .minSe = 300});
  ASSERT_TRUE(net.runUntil([&] { return peer.count("INVITE") == 3; }, Millis{101'000}));
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::sessionExpires), "300;refresher=uac");
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::minSe), "300");
}

}  // namespace
}  // namespace parley::sip
