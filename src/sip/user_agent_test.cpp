// Calls from the INVITE to the end of the dialog, between two engines.
#include "sip/user_agent.h"

#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::Agent;
using rig::FakeNet;
using rig::PairTest;
using rig::RawPeer;

class UserAgentTest : public PairTest {};

TEST_F(UserAgentTest, CallRingsIsAnsweredAndHungUpByTheCaller) {
  const SessionId session = alice.dial(bob);
  run(50);
  ASSERT_EQ(bob.calls.size(), 1U);
  EXPECT_EQ(bob.calls[0].sdp, "offer");
  bob.ua.ring(bobsCall(), {}, net.now);
  run(50);
  EXPECT_TRUE(alice.has("progress 180 "));
  bob.ua.answer(bobsCall(), "answer", net.now);
  run(100);
  EXPECT_TRUE(alice.has("answered answer"));
  EXPECT_TRUE(bob.has("confirmed "));
  EXPECT_EQ(alice.ua.sizes().dialogs, 1U);
  EXPECT_GT(alice.changes, 0U);
  alice.ua.hangUp(session, "Q.850;cause=16;text=\"done\"", net.now);
  run(100);
  ASSERT_EQ(bob.endings.size(), 1U);
  const Ending& ending = bob.endings.begin()->second;
  EXPECT_EQ(ending.reason, "sip.bye");
  EXPECT_EQ(ending.text, "done");
  EXPECT_TRUE(alice.endings.empty());  // it hung up itself
  expectNothingLeft();
  EXPECT_EQ(net.count(" 100 Trying"), 0U);  // answered before 200 ms
}

TEST_F(UserAgentTest, TheCalledSideHangsUp) {
  const SessionId session = connect();
  bob.ua.hangUp(bobsCall(), {}, net.now);
  run(100);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.bye");
  expectNothingLeft();
}

TEST_F(UserAgentTest, ACalleeThatTakesItsTimeIsPrecededBy100AndRefuses) {
  alice.dial(bob);
  run(400);
  EXPECT_EQ(net.count(" 100 Trying"), 1U);
  bob.ua.reject(bobsCall(), 486, net.now);
  run(100);
  EXPECT_TRUE(alice.has("ended 486 sip.busy"));
  EXPECT_TRUE(bob.endings.empty());
  expectNothingLeft();
}

TEST_F(UserAgentTest, RefusalsHaveStableReasons) {
  const std::pair<int, const char*> cases[] = {
      {403, "sip.forbidden"},      {404, "sip.not_found"},          {480, "sip.unavailable"},
      {488, "sip.not_acceptable"}, {500, "sip.server_error"},       {600, "sip.busy"},
      {603, "sip.declined"},       {503, "sip.server_unavailable"}, {420, "sip.bad_extension"}};
  for (const auto& [status, reason] : cases) {
    alice.dial(bob);
    run(50);
    bob.ua.reject(bobsCall(), status, net.now);
    run(50);
    EXPECT_EQ(alice.events.back(), "ended " + std::to_string(status) + " " + reason);
  }
  expectNothingLeft();
}

/// RFC 3261 section 19.1.1, table 1.
TEST_F(UserAgentTest, ToSaysNothingOfHowAHostIsReached) {
  rig::RawPeer peer(net, "10.0.0.9");
  OutgoingCall call = alice.callTo(peer);
  call.to = *Uri::parse("sip:bob@10.0.0.9:5060;transport=udp;user=phone;maddr=10.0.0.9;ttl=1;lr;x=1");
  alice.ua.invite(call, net.now);
  OutgoingRequest ping;
  ping.to = *Uri::parse("sip:10.0.0.9:5060;transport=udp");
  ping.from = call.from;
  ping.targets = call.targets;
  alice.ua.request(ping, net.now);
  run(50);
  const Message* invite = peer.last("INVITE");
  const Message* options = peer.last("OPTIONS");
  ASSERT_TRUE(invite != nullptr && options != nullptr);
  EXPECT_EQ(invite->to().uri.toString(), "sip:bob@10.0.0.9;user=phone;x=1");
  EXPECT_EQ(invite->requestUri(), call.to);
  EXPECT_EQ(options->to().uri.toString(), "sip:10.0.0.9");
  EXPECT_EQ(options->requestUri(), ping.to);
}

TEST_F(UserAgentTest, ExtraHeadersTravelBothWays) {
  OutgoingCall call = alice.callTo(bob);
  call.headers = {{HeaderId::userToUser, {}, "56a390;encoding=hex"},
                  {HeaderId::pAssertedIdentity, {}, "<sip:+4930@10.0.0.1>"},
                  {HeaderId::other, "X-Correlation-ID", "call-1"}};
  call.toHeader = NameAddr{"Bob", Uri::sip("bob", "b.example"), {}};
  alice.ua.invite(call, net.now);
  run(50);
  const Message& invite = bob.calls.at(0).request;
  EXPECT_EQ(invite.header(HeaderId::userToUser), "56a390;encoding=hex");
  EXPECT_EQ(invite.header(HeaderId::pAssertedIdentity), "<sip:+4930@10.0.0.1>");
  EXPECT_EQ(invite.header("x-correlation-id"), "call-1");
  EXPECT_EQ(invite.to().uri.host, "b.example");
  bob.ua.answer(bobsCall(), "answer", net.now, {{HeaderId::sessionId, {}, "abc;remote=def"}});
  run(50);
  EXPECT_EQ(alice.answers.at(0).header(HeaderId::sessionId), "abc;remote=def");
}

TEST_F(UserAgentTest, CancelWhileItRings) {
  const SessionId session = alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), {}, net.now);
  run(50);
  alice.ua.hangUp(session, "SIP;cause=200;text=\"Call completed elsewhere\"", net.now);
  run(100);
  EXPECT_EQ(bob.endings.at(bobsCall().value()).reason, "sip.answered_elsewhere");
  EXPECT_EQ(net.count("487"), 1U);
  expectNothingLeft();
}

TEST_F(UserAgentTest, CancelBeforeAnythingWasHeardWaitsAndThenGoes) {
  const SessionId session = alice.dial(bob);
  alice.ua.hangUp(session, {}, net.now);
  run(100);
  EXPECT_EQ(net.count("CANCEL"), 0U);
  run(400);  // Bob's 100 lets it go
  EXPECT_EQ(net.count("CANCEL"), 1U);
  EXPECT_EQ(bob.endings.at(bobsCall().value()).reason, "sip.cancelled");
  EXPECT_TRUE(alice.endings.empty());
  expectNothingLeft();
}

TEST_F(UserAgentTest, A200ThatCrossesCancelGetsAckAndBye) {
  const SessionId session = alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), {}, net.now);
  run(50);
  alice.ua.hangUp(session, {}, net.now);
  bob.ua.answer(bobsCall(), "answer", net.now);
  run(200);
  EXPECT_TRUE(bob.has("confirmed "));
  EXPECT_EQ(bob.endings.at(bobsCall().value()).reason, "sip.bye");
  EXPECT_FALSE(alice.has("answered answer"));
  expectNothingLeft();
}

TEST_F(UserAgentTest, NobodyAnswersForEver) {
  const SessionId session = alice.dial(bob);
  run(50);
  bob.ua.ring(bobsCall(), {}, net.now);
  run(181'000);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.no_answer");
  EXPECT_EQ(bob.endings.size(), 1U);
  expectNothingLeft();
}

TEST_F(UserAgentTest, HangUpBetween2xxAndAckWaitsForTheAck) {
  alice.dial(bob);
  run(50);
  loseOne("ACK ");
  bob.ua.answer(bobsCall(), "answer", net.now);
  bob.ua.hangUp(bobsCall(), {}, net.now);
  run(300);
  EXPECT_EQ(net.count("BYE"), 0U);
  run(1'000);  // the repeated 2xx brings the ACK once more
  EXPECT_EQ(net.count("BYE"), 1U);
  EXPECT_TRUE(alice.has("ended 0 sip.bye"));
  EXPECT_TRUE(bob.endings.empty());
  expectNothingLeft();
}

TEST_F(UserAgentTest, A2xxWithoutAckEndsTheCall) {
  alice.dial(bob);
  run(50);
  loseOne("ACK ", 1'000);
  bob.ua.answer(bobsCall(), "answer", net.now);
  run(40'000);
  EXPECT_EQ(bob.endings.at(bobsCall().value()).reason, "sip.no_ack");
  EXPECT_TRUE(alice.has("ended 0 sip.bye"));
  expectNothingLeft();
}

TEST_F(UserAgentTest, AnAnswerWithoutDescriptionIsTakenDownAgain) {
  RawPeer peer(net, "10.0.0.9");
  alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 200, "t"), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("ended 488 sip.no_answer_sdp"));
  EXPECT_EQ(peer.count("ACK"), 1U);
  EXPECT_EQ(peer.count("BYE"), 1U);
}

TEST_F(UserAgentTest, TwoPhonesRingTheFirstAnswerWinsTheSecondIsEnded) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 183, "one", "early one"), alice.target());
  peer.send(peer.respond("INVITE", 183, "two", "early two"), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("progress 183 early one"));
  EXPECT_TRUE(alice.has("progress 183 early two"));
  peer.send(peer.respond("INVITE", 200, "two", "answer two"), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("answered answer two"));
  EXPECT_EQ(peer.last("ACK")->to().tag(), "two");
  peer.send(peer.respond("INVITE", 200, "one", "answer one"), alice.target());
  run(50);
  ASSERT_NE(peer.last("BYE"), nullptr);
  EXPECT_EQ(peer.last("BYE")->to().tag(), "one");
  EXPECT_EQ(peer.last("ACK")->to().tag(), "one");
  EXPECT_EQ(alice.count("answered"), 1U);
  peer.send(peer.respond("BYE", 200, {}), alice.target());
  // The one that won is the one that goes on.
  alice.ua.hangUp(session, {}, net.now);
  run(50);
  EXPECT_EQ(peer.last("BYE")->to().tag(), "two");
}

TEST_F(UserAgentTest, ForksAreBounded) {
  RawPeer peer(net, "10.0.0.9");
  alice.dial(peer);
  run(50);
  for (int i = 0; i < 50; ++i)
    peer.send(peer.respond("INVITE", 180, "t" + std::to_string(i)), alice.target());
  run(50);
  EXPECT_EQ(alice.count("progress 180"), 50U);
  peer.send(peer.respond("INVITE", 200, "t49", "answer"), alice.target());  // not among the kept ones
  run(50);
  EXPECT_TRUE(alice.has("answered answer"));
}

TEST_F(UserAgentTest, ASilentTargetGivesWayToTheNextAndIsCancelledWhenItWakes) {
  RawPeer dead(net, "10.0.0.9");
  OutgoingCall call = alice.callTo(bob);
  call.targets = {dead.target(), bob.target()};
  alice.ua.invite(call, net.now);
  run(2'900);
  EXPECT_TRUE(bob.calls.empty());
  run(300);
  ASSERT_EQ(bob.calls.size(), 1U);
  bob.ua.answer(bobsCall(), "answer", net.now);
  dead.send(dead.respond("INVITE", 180, "late"), alice.target());
  run(100);
  EXPECT_TRUE(alice.has("answered answer"));
  EXPECT_EQ(dead.count("CANCEL"), 1U);
  dead.send(dead.respond("INVITE", 200, "late", "too late"), alice.target());
  run(100);
  EXPECT_EQ(dead.count("ACK"), 1U);
  EXPECT_EQ(dead.count("BYE"), 1U);
  EXPECT_EQ(alice.count("answered"), 1U);
}

TEST_F(UserAgentTest, A503AndABrokenConnectionGiveWayToTheNext) {
  RawPeer first(net, "10.0.0.9");
  OutgoingCall call = alice.callTo(bob);
  call.targets = {first.target(), Target{TransportKind::tcp, {}, {}, {}}, bob.target()};
  alice.ua.invite(call, net.now);
  run(50);
  first.send(first.respond("INVITE", 503, "t"), alice.target());
  run(100);
  EXPECT_EQ(bob.calls.size(), 1U);
  EXPECT_TRUE(alice.endings.empty());
}

TEST_F(UserAgentTest, ABusyPhoneIsNoReasonToAskAnotherServer) {
  RawPeer first(net, "10.0.0.9");
  OutgoingCall call = alice.callTo(bob);
  call.targets = {first.target(), bob.target()};
  alice.ua.invite(call, net.now);
  run(50);
  first.send(first.respond("INVITE", 486, "t"), alice.target());
  run(100);
  EXPECT_TRUE(alice.has("ended 486 sip.busy"));
  EXPECT_TRUE(bob.calls.empty());
}

TEST_F(UserAgentTest, NoTargetAtAll) {
  OutgoingCall call = alice.callTo(bob);
  call.targets.clear();
  call.to.host = "nowhere.example";
  const SessionId session = alice.ua.invite(call, net.now);
  EXPECT_LE(alice.ua.nextTimer(), net.now);  // the event waits
  EXPECT_TRUE(alice.events.empty());         // never inside of the operation
  run(1);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.no_target");
}

TEST_F(UserAgentTest, ARedirectionIsFollowed) {
  RawPeer peer(net, "10.0.0.9");
  alice.dial(peer);
  run(50);
  Message moved = peer.respond("INVITE", 302, "t");
  moved.set(HeaderId::contact, "<sip:carol@10.0.0.8>;q=0.3, <sip:bob@10.0.0.2>;q=0.9, <tel:+4930>");
  peer.send(moved, alice.target());
  run(100);
  ASSERT_EQ(bob.calls.size(), 1U);
  EXPECT_EQ(bob.calls[0].request.cseq().number, 2U);
  bob.ua.answer(bobsCall(), "answer", net.now);
  run(100);
  EXPECT_TRUE(alice.has("answered answer"));
}

TEST_F(UserAgentTest, RedirectionsInACircleEnd) {
  alice.dial(bob);
  Uri back = Uri::sip("bob", "10.0.0.2");
  bob.onCallHook = [&](const IncomingCall& call) { bob.ua.redirect(call.session, back, net.now); };
  run(5'000);
  EXPECT_TRUE(alice.has("ended 302 sip.redirected"));
  EXPECT_EQ(bob.calls.size(), 6U);
  expectNothingLeft();
}

struct Credentials final : Authenticator {
  int asked = 0;
  bool know = true;
  std::optional<Message> answer(const Message&, const Message& request, Asker&) override {
    ++asked;
    if (!know) return std::nullopt;
    Message again = request;
    again.set(HeaderId::proxyAuthorization, "Digest x");
    return again;
  }
};

TEST_F(UserAgentTest, AChallengeIsAnsweredAndAnEndlessOneGivenUp) {
  Credentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  RawPeer peer(net, "10.0.0.9");
  carol.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 407, "t"), carol.target());
  run(50);
  EXPECT_EQ(peer.count("INVITE"), 2U);
  EXPECT_EQ(peer.last("INVITE")->header(HeaderId::proxyAuthorization), "Digest x");
  EXPECT_EQ(peer.last("INVITE")->cseq().number, 2U);
  EXPECT_EQ(peer.last("INVITE")->vias().size(), 1U);
  for (int i = 0; i < 5; ++i) {
    peer.send(peer.respond("INVITE", 407, "t"), carol.target());
    run(50);
  }
  EXPECT_TRUE(carol.has("ended 407 sip.forbidden"));
  EXPECT_EQ(credentials.asked, 3);
}

TEST_F(UserAgentTest, ByeIsAuthorisedAlthoughItsCallIsGone) {
  Credentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = carol.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 200, "t", "answer"), carol.target());
  run(50);
  carol.ua.hangUp(session, {}, net.now);
  run(50);
  peer.send(peer.respond("BYE", 401, "t"), carol.target());
  run(50);
  EXPECT_EQ(peer.count("BYE"), 2U);
  EXPECT_EQ(peer.last("BYE")->cseq().number, 3U);
  peer.send(peer.respond("BYE", 200, "t"), carol.target());
  run(60'000);
  EXPECT_TRUE(carol.empty());
}

TEST_F(UserAgentTest, OptionsAreAskedAndAnswered) {
  OutgoingRequest ping;
  ping.to = Uri::sip({}, bob.ip());
  ping.from.uri = Uri::sip("gateway", alice.ip());
  ping.targets = {bob.target()};
  ping.timeout = Millis{3'000};
  alice.ua.request(ping, net.now);
  run(100);
  ASSERT_EQ(alice.results.size(), 1U);
  EXPECT_EQ(alice.results[0].status, 200);
  EXPECT_EQ(alice.results[0].roundTrip, Millis{20});
  EXPECT_TRUE(alice.results[0].response->lists(HeaderId::allow, "REFER"));
  RawPeer dead(net, "10.0.0.9");
  ping.targets = {dead.target()};
  alice.ua.request(ping, net.now);
  run(3'100);
  EXPECT_EQ(alice.results.back().status, 408);
  bob.ua.drain();
  ping.targets = {bob.target()};
  alice.ua.request(ping, net.now);
  run(100);
  EXPECT_EQ(alice.results.back().status, 503);
  expectNothingLeft();
}

TEST_F(UserAgentTest, OtherRequestsAreTheOwners) {
  OutgoingRequest message;
  message.method = "MESSAGE";
  message.to = Uri::sip("bob", bob.ip());
  message.from.uri = Uri::sip("alice", alice.ip());
  message.targets = {bob.target()};
  message.body = "hello";
  message.contentType = "text/plain";
  alice.ua.request(message, net.now);
  run(100);
  EXPECT_TRUE(alice.has("done 405 sip.answered"));
  bob.takesRequests = true;
  alice.ua.request(message, net.now);
  run(100);
  EXPECT_TRUE(bob.has("request MESSAGE"));
  bob.ua.respond(bob.requests.at(0), 202, net.now);
  run(100);
  EXPECT_TRUE(alice.has("done 202 sip.answered"));
  message.method = "FLOW";
  bob.takesRequests = false;
  alice.ua.request(message, net.now);
  run(100);
  EXPECT_TRUE(alice.has("done 501 sip.answered"));
  bob.takesRequests = true;  // and never answers
  alice.ua.request(message, net.now);
  expectNothingLeft();
}

TEST_F(UserAgentTest, ShutDownHangsUpAndRefusesNewCalls) {
  connect();
  alice.ua.shutDown(net.now);
  EXPECT_FALSE(alice.ua.idle());
  EXPECT_TRUE(net.runUntil([&] { return alice.ua.idle(); }, Millis{1'000}));
  EXPECT_TRUE(bob.has("ended 0 sip.bye"));
  bob.dial(alice);
  run(100);
  EXPECT_TRUE(bob.has("ended 503 sip.server_unavailable"));
  alice.dial(bob);
  run(100);
  EXPECT_TRUE(alice.has("ended 503 sip.draining"));
  expectNothingLeft();
}

TEST_F(UserAgentTest, AThousandCallsLeaveNothing) {
  for (int i = 0; i < 1'000; ++i) {
    const SessionId session = alice.dial(bob);
    run(25);
    switch (i % 5) {
      case 0:
        bob.ua.reject(bobsCall(), 486, net.now);
        break;
      case 1:
        alice.ua.hangUp(session, {}, net.now);
        break;
      default:
        bob.ua.answer(bobsCall(), "answer", net.now);
        run(50);
        i % 2 == 0 ? alice.ua.hangUp(session, {}, net.now) : bob.ua.hangUp(bobsCall(), {}, net.now);
        break;
    }
  }
  EXPECT_EQ(bob.calls.size(), 1'000U);
  expectNothingLeft();
}

TEST_F(UserAgentTest, NoCallFailsWithThirtyPercentLost) {
  net.lossPercent = 30;
  net.duplicatePercent = 5;
  net.jitter = Millis{40};
  std::vector<SessionId> sessions;
  bob.onCallHook = [&](const IncomingCall& call) {
    bob.ua.ring(call.session, {}, net.now);
    bob.ua.answer(call.session, "answer", net.now);
  };
  for (int i = 0; i < 200; ++i) {
    sessions.push_back(alice.dial(bob));
    run(100);
  }
  run(60'000);
  EXPECT_EQ(alice.count("answered answer"), 200U);
  EXPECT_EQ(bob.count("confirmed "), 200U);
  EXPECT_TRUE(alice.endings.empty());
  EXPECT_TRUE(bob.endings.empty());
  for (const SessionId session : sessions) alice.ua.hangUp(session, {}, net.now);
  run(60'000);
  EXPECT_EQ(bob.count("ended 0 sip.bye"), 200U);
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::sip
