// What else happens in a call: keys, messages, transfers, replaced calls, another process that goes on.
#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::Agent;
using rig::PairTest;
using rig::RawPeer;

class SessionRequestsTest : public PairTest {};

TEST_F(SessionRequestsTest, KeysTravelBothWays) {
  const SessionId session = connect();
  alice.ua.sendDtmf(session, {'5', 160}, net.now);
  alice.ua.sendDtmf(session, {'#', 0}, net.now, DtmfBody::dtmf);
  bob.ua.sendDtmf(bobsCall(), {'A', 90}, net.now);
  run(50);
  EXPECT_EQ(bob.digits, (std::vector<DtmfSignal>{{'5', 160}, {'#', 250}}));
  EXPECT_EQ(alice.digits, (std::vector<DtmfSignal>{{'A', 90}}));
}

TEST_F(SessionRequestsTest, MessagesInTheCall) {
  const SessionId session = connect();
  alice.ua.sendMessage(session, Method::message, "hello", "text/plain", net.now);
  bob.ua.sendMessage(bobsCall(), Method::info, "{}", "application/json", net.now);
  run(50);
  EXPECT_TRUE(bob.has("message hello"));
  EXPECT_TRUE(alice.has("message {}"));
}

TEST_F(SessionRequestsTest, WhatTheOwnerDoesNotTakeIsRefusedAndNotClaimed) {
  UserAgentOptions options;
  options.takesMessages = options.takesSubscriptions = false;
  rig::Agent plain(net, "10.0.0.3", options);
  const SessionId session = alice.dial(plain);
  run(50);
  plain.ua.answer(plain.calls.back().session, "answer", net.now);
  run(50);
  ASSERT_EQ(alice.answers.size(), 1U);
  EXPECT_FALSE(alice.answers[0].lists(HeaderId::allow, "MESSAGE"));
  EXPECT_FALSE(alice.answers[0].lists(HeaderId::allow, "SUBSCRIBE"));
  EXPECT_TRUE(alice.answers[0].lists(HeaderId::allow, "NOTIFY"));
  alice.ua.sendMessage(session, Method::message, "hello", "text/plain", net.now);
  alice.ua.sendMessage(session, Method::info, "{}", "application/json", net.now);
  alice.ua.sendMessage(session, Method::info, {}, {}, net.now);
  run(100);
  EXPECT_TRUE(plain.messages.empty());
  EXPECT_EQ(net.count(" SIP/2.0 405"), 1U);
  EXPECT_EQ(net.count(" SIP/2.0 415"), 1U);
  EXPECT_EQ(plain.ua.refusals()[static_cast<std::size_t>(Refusal::unknownMethod)], 1U);
  alice.ua.sendDtmf(session, {'5', 160}, net.now);
  run(50);
  EXPECT_TRUE(plain.has("dtmf 5"));
  RawPeer peer(net, "10.0.0.9");
  peer.send(peer.request(Method::subscribe, plain), plain.target());
  run(50);
  ASSERT_EQ(peer.countStatus(405), 1U);
  EXPECT_FALSE(peer.received.back().lists(HeaderId::allow, "SUBSCRIBE"));
  EXPECT_TRUE(plain.subscribers.empty());
}

TEST_F(SessionRequestsTest, BadRequestsInACallHaveTheirAnswers) {
  RawPeer peer(net, "10.0.0.9");
  const Message invite = peer.request(Method::invite, bob, "offer");
  peer.send(invite, bob.target());
  run(50);
  bob.ua.answer(bobsCall(), "answer", net.now);
  run(50);
  const std::string tag(peer.received.back().to().tag());
  std::uint32_t cseq = 10;
  const auto ask = [&](Method method, const Headers& headers, const std::string& body = {},
                       const std::string& type = {}) {
    Message request = peer.request(method, bob);
    request.from() = invite.from();
    request.to().params.set("tag", tag);
    request.setCallId(invite.callId());
    request.setCSeq(++cseq, method);
    for (const Header& header : headers) request.set(header.id, header.value);
    if (!body.empty()) request.setBody(body, type);
    peer.received.clear();
    peer.send(request, bob.target());
    run(50);
    std::erase_if(peer.received, [&](const Message& one) { return one.cseq() != request.cseq(); });
    return peer.received.empty() ? 0 : peer.received.back().status();
  };
  EXPECT_EQ(ask(Method::invite, {}, "x", "text/plain"), 491);  // no ACK yet
  Message ack = peer.request(Method::ack, bob);
  ack.from() = invite.from();
  ack.to().params.set("tag", tag);
  ack.setCallId(invite.callId());
  peer.send(ack, bob.target());
  EXPECT_EQ(ask(Method::options, {}), 200);
  EXPECT_EQ(ask(Method::info, {}, "Signal=zz", "application/dtmf-relay"), 400);
  EXPECT_EQ(ask(Method::info, {}, std::string(70'000, 'x'), "text/plain"), 413);
  EXPECT_EQ(ask(Method::refer, {}), 400);
  EXPECT_EQ(ask(Method::refer, {{HeaderId::referTo, {}, "<mailto:a@b.example>"}}), 416);
  EXPECT_EQ(ask(Method::refer, {{HeaderId::referTo, {}, "<sip:a@b.example;method=BYE>"}}), 405);
  EXPECT_EQ(ask(Method::notify, {}), 489);
  EXPECT_EQ(ask(Method::notify, {{HeaderId::event, {}, "refer"}}), 481);
  EXPECT_EQ(ask(Method::subscribe, {{HeaderId::event, {}, "dialog"}}), 489);
  EXPECT_EQ(ask(Method::publish, {}), 405);
  EXPECT_EQ(ask(Method::info, {{HeaderId::require, {}, "teleport"}}), 420);
  EXPECT_EQ(peer.received.back().header(HeaderId::unsupported), "teleport");
  cseq = 1;
  EXPECT_EQ(ask(Method::info, {}), 500);  // older than what was
  EXPECT_EQ(bob.ua.refusals()[static_cast<std::size_t>(Refusal::oldCSeq)], 1U);
  EXPECT_EQ(bob.ua.sizes().sessions, 1U);
}

TEST_F(SessionRequestsTest, BlindTransferIsToldUntilItIsDone) {
  const SessionId session = connect();
  alice.ua.refer(session, {Uri::sip("carol", "10.0.0.3"), std::nullopt, {}}, net.now);
  run(100);
  ASSERT_EQ(bob.refers.size(), 1U);
  EXPECT_EQ(bob.refers[0].target.uri.toString(), "sip:carol@10.0.0.3");
  EXPECT_EQ(bob.refers[0].referredBy, "<sip:alice@10.0.0.1>");
  EXPECT_TRUE(alice.has("refer progress 100"));
  bob.ua.referProgress(bobsCall(), 180, net.now);
  run(50);
  EXPECT_TRUE(alice.has("refer progress 180"));
  bob.ua.referProgress(bobsCall(), 200, net.now);
  run(50);
  EXPECT_TRUE(alice.has("refer progress 200 done"));
  bob.ua.referProgress(bobsCall(), 486, net.now);  // it is over
  run(50);
  EXPECT_EQ(alice.events.back(), "refer progress 200 done");
  alice.ua.refer(session, {Uri::sip("dave", "10.0.0.4"), std::nullopt, {}}, net.now);
  run(100);
  EXPECT_EQ(bob.refers.size(), 2U);
  bob.ua.referProgress(bobsCall(), 603, net.now);
  run(50);
  EXPECT_TRUE(alice.has("refer progress 603 done"));
}

TEST_F(SessionRequestsTest, ATransferThatIsRefusedOrForgotten) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 200, "t", "answer"), alice.target());
  run(50);
  alice.ua.refer(session, {Uri::sip("carol", "10.0.0.3"), std::nullopt, {}}, net.now);
  run(50);
  peer.send(peer.respond("REFER", 405, "t"), alice.target());
  run(50);
  EXPECT_TRUE(alice.has("refer progress 405 done"));
  alice.ua.refer(session, {Uri::sip("carol", "10.0.0.3"), std::nullopt, {}}, net.now);
  run(50);
  peer.send(peer.respond("REFER", 202, "t"), alice.target());
  run(50);
  alice.ua.refer(session, {Uri::sip("dave", "10.0.0.3"), std::nullopt, {}}, net.now);
  run(50);
  EXPECT_TRUE(alice.has("refer progress 491 done"));  // one at a time
  run(121'000);
  EXPECT_TRUE(alice.has("refer progress 408 done"));
}

TEST_F(SessionRequestsTest, AttendedTransferReplacesTheCallAtTheTarget) {
  // Bob talks to Alice and to Carol, then asks Alice to take his place with Carol.
  Agent carol(net, "10.0.0.3");
  connect();
  const SessionId consult = bob.dial(carol);
  run(50);
  carol.ua.answer(carol.calls.at(0).session, "carol", net.now);
  run(50);
  OutgoingRefer wanted{Uri::sip("carol", carol.ip()), consult, {}};
  bob.ua.refer(bobsCall(), wanted, net.now);
  run(50);
  ASSERT_EQ(alice.refers.size(), 1U);
  const IncomingRefer& refer = alice.refers[0];
  ASSERT_FALSE(refer.replaces.empty());
  EXPECT_FALSE(refer.replacesSession);
  EXPECT_TRUE(refer.target.uri.headers.empty());
  OutgoingCall call = alice.callTo(carol, "alice to carol");
  call.replaces = refer.replaces;
  call.referredBy = refer.referredBy;
  alice.ua.invite(call, net.now);
  run(50);
  ASSERT_EQ(carol.calls.size(), 2U);
  EXPECT_EQ(carol.calls[1].replacesSession, carol.calls[0].session);
  carol.ua.answer(carol.calls[1].session, "carol to alice", net.now);
  carol.ua.hangUp(carol.calls[0].session, {}, net.now);
  run(100);
  EXPECT_TRUE(alice.has("answered carol to alice"));
  EXPECT_EQ(bob.endings.at(consult.value()).reason, "sip.bye");
  alice.ua.referProgress(refer.session, 200, net.now);
  run(50);
  EXPECT_TRUE(bob.has("refer progress 200 done"));
}

TEST_F(SessionRequestsTest, AReferBringsHeadersForTheNewCallEscaped) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 200, "t", "answer"), alice.target());
  run(50);
  OutgoingRefer wanted{Uri::sip("carol", "10.0.0.3"), session, {}};
  wanted.targetHeaders = {{HeaderId::userToUser, {}, "6f72646572;encoding=hex"},
                          {HeaderId::other, "X-Correlation-ID", "a:1&b=2?>"}};
  alice.ua.refer(session, wanted, net.now);
  run(50);
  ASSERT_NE(peer.last("REFER"), nullptr);
  const auto target = NameAddr::parse(peer.last("REFER")->header(HeaderId::referTo).value());
  ASSERT_TRUE(target);
  EXPECT_EQ(target->uri.user, "carol");
  EXPECT_TRUE(target->uri.headers.starts_with("Replaces=")) << target->uri.headers;
  EXPECT_TRUE(target->uri.headers.ends_with(
      "&User-to-User=6f72646572%3Bencoding%3Dhex&X-Correlation-ID=a%3A1%26b%3D2%3F%3E"))
      << target->uri.headers;
}

TEST_F(SessionRequestsTest, AReferThatNamesOurOwnCallSaysWhich) {
  // Bob has two calls with Alice's side and joins them.
  connect();
  const SessionId first = bobsCall();
  const SessionId second = bob.dial(alice, "second");
  run(50);
  alice.ua.answer(alice.calls.at(0).session, "ok", net.now);
  run(50);
  bob.ua.refer(first, {Uri::sip("alice", alice.ip()), second, {}}, net.now);
  run(50);
  ASSERT_EQ(alice.refers.size(), 1U);
  EXPECT_EQ(alice.refers[0].replacesSession, alice.calls[0].session);
  EXPECT_TRUE(alice.ua.findDialog(Replaces::parse(alice.refers[0].replaces).value()));
}

TEST_F(SessionRequestsTest, ReplacesThatFitsNothingIsRefused) {
  const SessionId session = connect();
  Agent carol(net, "10.0.0.3");
  OutgoingCall call = carol.callTo(bob);
  call.replaces = "nothing;to-tag=a;from-tag=b";
  carol.ua.invite(call, net.now);
  run(50);
  EXPECT_TRUE(carol.has("ended 481 sip.dialog_lost"));
  Replaces early = alice.ua.dialogOf(session).value();
  early.earlyOnly = true;
  call.replaces = early.toString();
  carol.ua.invite(call, net.now);
  run(50);
  EXPECT_TRUE(carol.has("ended 486 sip.busy"));
  EXPECT_EQ(bob.calls.size(), 1U);
}

TEST_F(SessionRequestsTest, AReferWithoutSubscriptionIsNotNotified) {
  RawPeer peer(net, "10.0.0.9");
  const SessionId session = alice.dial(peer);
  run(50);
  peer.send(peer.respond("INVITE", 200, "t", "answer"), alice.target());
  run(50);
  Message refer = peer.request(Method::refer, alice);
  refer.from() = peer.last("INVITE")->to();
  refer.from().params.set("tag", "t");
  refer.to() = peer.last("INVITE")->from();
  refer.setCallId(peer.last("INVITE")->callId());
  refer.set(HeaderId::referTo, "<sip:carol@10.0.0.3>");
  refer.set(HeaderId::referSub, "false");
  peer.send(refer, alice.target());
  run(50);
  EXPECT_EQ(peer.received.back().status(), 202);
  EXPECT_EQ(peer.received.back().header(HeaderId::referSub), "false");
  alice.ua.referProgress(session, 200, net.now);
  run(50);
  EXPECT_EQ(peer.count("NOTIFY"), 0U);
}

/// Over streams, too: the connection is gone with the process that had it.
TEST_F(SessionRequestsTest, AnotherProcessGoesOnWithTheCall) {
  struct Case {
    bool caller;
    TransportKind kind;
  };
  for (const auto& [caller, kind] : {Case{true, TransportKind::udp}, Case{false, TransportKind::udp},
                                     Case{true, TransportKind::tcp}, Case{false, TransportKind::tcp}}) {
    SCOPED_TRACE(testing::Message() << toString(kind) << (caller ? ", the caller's" : ", the callee's"));
    const SessionId session = connect("offer", kind);
    const std::string saved = caller ? alice.ua.save(session) : bob.ua.save(bobsCall());
    ASSERT_FALSE(saved.empty());
    // The process is gone; a new one has its address.
    Agent& other = caller ? bob : alice;
    const SessionId otherSession = caller ? bobsCall() : session;
    Agent fresh(net, caller ? "10.0.0.1" : "10.0.0.2");
    const auto restored = fresh.ua.restore(saved, net.now);
    ASSERT_TRUE(restored);
    EXPECT_FALSE(fresh.ua.restore(saved, net.now));  // it is there already
    fresh.ua.offer(*restored, "from the new one", net.now);
    run(50);
    EXPECT_EQ(net.log.back().find(toString(kind)) != std::string::npos, true) << net.log.back();
    ASSERT_TRUE(other.has("offer from the new one"));
    other.ua.answerOffer(otherSession, "welcome", net.now);
    run(50);
    EXPECT_TRUE(fresh.has("offer answered welcome"));
    other.ua.offer(otherSession, "to the new one", net.now);
    run(50);
    EXPECT_TRUE(fresh.has("offer to the new one"));
    fresh.ua.answerOffer(*restored, "here I am", net.now);
    run(50);
    EXPECT_TRUE(other.has("offer answered here I am"));
    if (caller)
      fresh.ua.hangUp(*restored, {}, net.now);
    else
      other.ua.hangUp(otherSession, {}, net.now);
    run(50);
    EXPECT_EQ((caller ? other : fresh).events.back(), "ended 0 sip.bye");
    run(60'000);
    EXPECT_TRUE(fresh.empty());
  }
}

TEST_F(SessionRequestsTest, OnlyWhatIsConfirmedIsSaved) {
  const SessionId session = alice.dial(bob);
  run(50);
  EXPECT_TRUE(alice.ua.save(session).empty());
  EXPECT_TRUE(bob.ua.save(bobsCall()).empty());
  EXPECT_TRUE(alice.ua.save(SessionId{999}).empty());
  EXPECT_FALSE(alice.ua.restore("nonsense", net.now));
}

TEST_F(SessionRequestsTest, ARestoredCallIsRefreshedSoon) {
  const SessionId session = connect();
  const bool aliceRefreshes = bob.ua.save(bobsCall()).find("refresher=them") != std::string::npos;
  Agent fresh(net, aliceRefreshes ? "10.0.0.1" : "10.0.0.2");
  ASSERT_TRUE(fresh.ua.restore(aliceRefreshes ? alice.ua.save(session) : bob.ua.save(bobsCall()), net.now));
  const std::size_t before = net.count(" UPDATE ");
  run(15'000);
  EXPECT_EQ(net.count(" UPDATE "), before + 1);
}

class SubscriptionTest : public PairTest {
 protected:
  OutgoingSubscription to(const rig::Node& node) {
    OutgoingSubscription wanted;
    wanted.to = Uri::sip("bob", node.ip());
    wanted.from.uri = Uri::sip("alice", alice.ip());
    wanted.targets = {node.target()};
    wanted.event = "message-summary";
    wanted.expires = 600;
    return wanted;
  }
  /// The peer has subscribed at `node`, which has accepted.
  SubscriptionId subscribed(RawPeer& peer, Agent& node) {
    node.takesSubscribers = true;
    Message subscribe = peer.request(Method::subscribe, node);
    subscribe.set(HeaderId::event, "message-summary");
    peer.send(subscribe, node.target());
    run(50);
    const SubscriptionId id = node.subscribers.at(0).subscription;
    node.ua.acceptSubscription(id, net.now);
    return id;
  }
};

TEST_F(SubscriptionTest, IsAcceptedNotifiedRefreshedAndEnded) {
  bob.takesSubscribers = true;
  const SubscriptionId ours = alice.ua.subscribe(to(bob), net.now);
  run(50);
  ASSERT_EQ(bob.subscribers.size(), 1U);
  EXPECT_EQ(bob.subscribers[0].event, "message-summary");
  const SubscriptionId theirs = bob.subscribers[0].subscription;
  bob.ua.acceptSubscription(theirs, net.now);
  bob.ua.notify(theirs, "active", "Messages-Waiting: yes", "application/simple-message-summary", net.now);
  run(50);
  EXPECT_TRUE(alice.has("notify active Messages-Waiting: yes"));
  run(2'000'000);
  EXPECT_EQ(alice.ua.sizes().subscriptions, 1U);
  EXPECT_EQ(bob.ua.sizes().subscriptions, 1U);
  EXPECT_GE(net.count(" SUBSCRIBE "), 5U);
  alice.ua.unsubscribe(ours, net.now);
  run(100);
  EXPECT_TRUE(alice.has("subscription ended 200 sip.unsubscribed"));
  EXPECT_TRUE(bob.has("subscription ended 200 sip.unsubscribed"));
  expectNothingLeft();
}

TEST_F(SubscriptionTest, IsRefusedOrUnanswered) {
  alice.ua.subscribe(to(bob), net.now);
  run(50);
  EXPECT_EQ(alice.count("subscription ended 489"), 1U);
  RawPeer peer(net, "10.0.0.9");
  alice.ua.subscribe(to(peer), net.now);
  run(33'000);
  EXPECT_TRUE(alice.has("subscription ended 408 sip.timeout"));
  OutgoingSubscription brief = to(bob);
  brief.expires = 10;
  bob.takesSubscribers = true;
  alice.ua.subscribe(brief, net.now);
  run(50);
  EXPECT_EQ(net.count("423 "), 1U);
  ASSERT_EQ(bob.subscribers.size(), 2U);  // raised to what Bob wants
  EXPECT_EQ(bob.subscribers[1].expires, 60U);
  expectNothingLeft();  // Bob never accepts
}

/// The table of transactions is full just when the subscription has to be refreshed.
TEST_F(SubscriptionTest, ARefreshThatFindsNoRoomEndsIt) {
  UserAgentOptions small;
  small.maxTransactions = 4;
  Agent carol(net, "10.0.0.3", small);
  RawPeer dead(net, "10.0.0.9");
  bob.takesSubscribers = true;
  carol.ua.subscribe(to(bob), net.now);
  run(50);
  bob.ua.acceptSubscription(bob.subscribers.at(0).subscription, net.now);
  bob.ua.notify(bob.subscribers.at(0).subscription, "active", "state", "text/plain", net.now);
  run(479'000);
  OutgoingRequest ping;
  ping.to = Uri::sip({}, dead.ip());
  ping.from.uri = Uri::sip("gateway", carol.ip());
  ping.targets = {dead.target()};
  for (int i = 0; i < 4; ++i) carol.ua.request(ping, net.now);
  run(2'000);
  EXPECT_TRUE(carol.has("subscription ended 503 sip.table_full"));
  EXPECT_EQ(carol.ua.sizes().subscriptions, 0U);
  run(300'000);
  EXPECT_TRUE(carol.empty());
}

/// RFC 6665 sections 4.1.2.2 and 4.1.2.4: timer N, of the first SUBSCRIBE and of those that refresh.
TEST_F(SubscriptionTest, WhatIsNeverNotifiedIsNoSubscription) {
  bob.takesSubscribers = true;
  const auto accepted = [&](std::size_t which) {
    alice.ua.subscribe(to(bob), net.now);
    run(50);
    bob.ua.acceptSubscription(bob.subscribers.at(which).subscription, net.now);
    run(50);
    return bob.subscribers.at(which).subscription;
  };
  accepted(0);
  run(31'000);
  EXPECT_EQ(alice.ua.sizes().subscriptions, 1U);
  run(2'000);
  EXPECT_TRUE(alice.has("subscription ended 408 sip.no_notify"));
  bob.ua.notify(accepted(1), "active", "state", "text/plain", net.now);
  run(100'000);
  EXPECT_EQ(alice.ua.sizes().subscriptions, 1U);
  net.filter = [](const std::string& bytes, const rig::Node&) { return !bytes.starts_with("NOTIFY "); };
  run(480'000);  // refreshed at four fifths of its time, and then never told anything
  EXPECT_EQ(alice.ua.sizes().subscriptions, 0U);
}

/// RFC 6665 section 4.1.3: a notifier that wants to end sooner says so in a NOTIFY.
TEST_F(SubscriptionTest, ANotifyMayShortenTheTime) {
  RawPeer peer(net, "10.0.0.9");
  alice.ua.subscribe(to(peer), net.now);
  run(50);
  peer.send(peer.respond("SUBSCRIBE", 200, "t", {}, {{HeaderId::expires, {}, "600"}}), alice.target());
  const Message& subscribe = *peer.last("SUBSCRIBE");
  Message notify = peer.request(Method::notify, alice);
  notify.from() = subscribe.to();
  notify.from().params.set("tag", "t");
  notify.to() = subscribe.from();
  notify.setCallId(subscribe.callId());
  notify.set(HeaderId::event, "message-summary");
  notify.set(HeaderId::subscriptionState, "active;expires=100");
  peer.send(notify, alice.target());
  run(50);
  ASSERT_EQ(alice.notifications.size(), 1U);
  run(79'000);
  EXPECT_EQ(peer.count("SUBSCRIBE"), 1U);
  run(2'000);
  EXPECT_GE(peer.count("SUBSCRIBE"), 2U) << "refreshed before its hundred seconds are over";
}

TEST_F(SubscriptionTest, APollIsNotifiedOnceAndItsTimeIsOver) {
  bob.takesSubscribers = true;
  OutgoingSubscription poll = to(bob);
  poll.expires = 0;
  alice.ua.subscribe(poll, net.now);
  run(50);
  const SubscriptionId theirs = bob.subscribers.at(0).subscription;
  bob.ua.acceptSubscription(theirs, net.now);
  bob.ua.notify(theirs, "active", "state", "text/plain", net.now);
  run(50);
  ASSERT_EQ(alice.notifications.size(), 1U);
  EXPECT_EQ(alice.notifications[0].state, "terminated");
  EXPECT_EQ(alice.notifications[0].reason, "timeout");
  expectNothingLeft();
}

struct NotifyCredentials final : Authenticator {
  std::optional<Message> answer(const Message&, const Message& request, Asker& from) override {
    inDialog = from.neighbour != nullptr;
    Message again = request;
    again.set(HeaderId::authorization, "Digest x" + std::to_string(request.cseq().number));
    return again;
  }
  bool inDialog = false;
};

/// The last one, too: then there is no subscription any more.
TEST_F(SubscriptionTest, AChallengedNotifyIsSentAgainWithCredentials) {
  NotifyCredentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  RawPeer peer(net, "10.0.0.9");
  const SubscriptionId theirs = subscribed(peer, carol);
  for (const char* state : {"active", "terminated"}) {
    peer.received.clear();
    credentials.inDialog = false;
    carol.ua.notify(theirs, state, "news", "text/plain", net.now);
    run(50);
    ASSERT_EQ(peer.count("NOTIFY"), 1U) << state;
    const std::uint32_t cseq = peer.last("NOTIFY")->cseq().number;
    peer.send(peer.respond("NOTIFY", 401, {}), carol.target());
    run(50);
    ASSERT_EQ(peer.count("NOTIFY"), 2U) << state;
    const Message* again = peer.last("NOTIFY");
    EXPECT_EQ(again->header(HeaderId::authorization), "Digest x" + std::to_string(cseq));
    EXPECT_GT(again->cseq().number, cseq);
    EXPECT_EQ(again->body(), "news");
    EXPECT_TRUE(credentials.inDialog) << "whose dialog it is decides who gets credentials";
    peer.send(peer.respond("NOTIFY", 200, {}), carol.target());
    run(50);
  }
  EXPECT_EQ(carol.ua.sizes().subscriptions, 0U);
  run(60'000);
  EXPECT_TRUE(carol.empty());
}

/// An old one's challenge: what it said is said no more.
TEST_F(SubscriptionTest, OnlyTheLatestNotifyIsSentAgain) {
  NotifyCredentials credentials;
  Agent carol(net, "10.0.0.3", {}, nullptr, &credentials);
  RawPeer peer(net, "10.0.0.9");
  const SubscriptionId theirs = subscribed(peer, carol);
  carol.ua.notify(theirs, "active", "old", "text/plain", net.now);
  run(50);
  const Message challenge = peer.respond("NOTIFY", 401, {});
  carol.ua.notify(theirs, "active", "new", "text/plain", net.now);
  run(50);
  peer.send(challenge, carol.target());
  run(50);
  EXPECT_EQ(peer.count("NOTIFY"), 2U);
  for (int i = 0; i < 10; ++i) {
    peer.send(peer.respond("NOTIFY", 401, {}), carol.target());
    run(50);
  }
  EXPECT_EQ(peer.count("NOTIFY"), 5U) << "three times";
  EXPECT_EQ(peer.last("NOTIFY")->body(), "new");
}

TEST_F(SubscriptionTest, TheNotifierEndsIt) {
  bob.takesSubscribers = true;
  alice.ua.subscribe(to(bob), net.now);
  run(50);
  const SubscriptionId theirs = bob.subscribers.at(0).subscription;
  bob.ua.acceptSubscription(theirs, net.now);
  run(50);
  bob.ua.notify(theirs, "terminated", {}, {}, net.now);
  run(50);
  EXPECT_TRUE(alice.has("notify terminated "));
  EXPECT_TRUE(alice.has("subscription ended 200 sip.terminated"));
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::sip
