// Single transactions against messages written by hand: what is repeated, for how long, and what is left.
#include "sip/transaction.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sip/test_net.h"
#include "sip/transaction_state.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::FakeNet;
using rig::Node;
using rig::RawPeer;

/// A transaction layer with an address; its user answers nothing by itself.
class Layer final : public Node, public Transport, public TransactionUser {
 public:
  Layer(FakeNet& net, const std::string& ip, TransactionOptions options = {})
      : Node(net, ip), layer(options, *this, random, timers, refusals) {
    layer.setUser(this);
  }
  ~Layer() override { layer.setUser(nullptr); }
  void receive(const std::string& bytes, const Source& source) override {
    layer.receive(Message::parse(bytes).value(), source, net().now);
  }
  void onSendFailed(SendToken token, std::string_view reason) override {
    layer.onSendFailed(token, reason, net().now);
  }
  base::Instant nextTimer() const override { return timers.next(); }
  void onTimer() override { timers.run(net().now); }
  void send(std::string bytes, const Target& to, SendToken token) override {
    sentTo = to.address;
    transmit(std::move(bytes), to, token);
  }
  bool takeBack(const Target&, SendToken token) override { return withdraw(token); }
  std::string sentBy(const Target&) const override { return ip() + ":5060"; }

  bool admits(const Message&, const Source&) override { return !closed; }
  void onRequest(TransactionId id, const Message& request, const Source&) override {
    requests.push_back(id);
    events.push_back("request " + std::string(request.methodName()));
  }
  void onCancel(TransactionId, const Message&) override { events.emplace_back("cancel"); }
  void onAck(const Message&, const Source&) override { events.emplace_back("ack"); }
  void onResponse(TransactionId, const Message& response, const Source&) override {
    events.push_back("response " + std::to_string(response.status()));
  }
  void onRequestFailed(TransactionId, int status, std::string_view reason) override {
    events.push_back("failed " + std::to_string(status) + " " + std::string(reason));
  }
  void onResponseFailed(TransactionId, std::string_view reason) override {
    events.push_back("response failed " + std::string(reason));
  }
  void onGone(TransactionId) override { ++gone; }

  void respond(int status, bool reliable = false) {
    const Message* request = layer.requestOf(requests.back());
    ASSERT_NE(request, nullptr);
    layer.respond(requests.back(), Message::responseTo(*request, status, layer.localTag(requests.back())),
                  net().now, reliable);
  }
  bool empty() const { return layer.serverSize() == 0 && layer.clientSize() == 0 && timers.size() == 0; }

  base::FakeRandom random;
  RefusalCounts refusals{};
  TimerHeap timers;
  std::vector<std::string> events;
  std::vector<TransactionId> requests;
  std::size_t gone = 0;
  proto::TransportAddress sentTo;
  bool closed = false;  ///< Nobody is admitted.
  TransactionLayer layer;
};

class TransactionTest : public ::testing::Test {
 protected:
  FakeNet net;
  Layer us{net, "10.0.0.1"};
  RawPeer peer{net, "10.0.0.9"};

  Message request(Method method) {
    Message message = peer.request(method, us);
    message.topVia();
    return message;
  }
  /// Ours, towards the peer.
  TransactionId ask(Method method, TransportKind kind = TransportKind::udp) {
    Message message = peer.request(method, us);
    message.popVia();
    return us.layer.request(std::move(message), peer.target(kind), net.now);
  }
  Message ackFor(const Message& invite, const Message& response) {
    Message ack = invite;
    ack.setCSeq(invite.cseq().number, Method::ack);
    Message out = Message::request(Method::ack, invite.requestUri());
    out.pushVia(*invite.topVia());
    out.from() = invite.from();
    out.to() = response.to();
    out.setCallId(invite.callId());
    out.setCSeq(invite.cseq().number, Method::ack);
    out.setMaxForwards(70);
    return out;
  }
};

TEST_F(TransactionTest, InviteIsRepeatedWithDoublingWaitsUntilTimerB) {
  ask(Method::invite);
  net.run(Millis{60'000});
  EXPECT_EQ(peer.count("INVITE"), 7U);  // 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s
  ASSERT_EQ(us.events.size(), 1U);
  EXPECT_EQ(us.events[0], "failed 408 sip.timeout");
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, OtherRequestsAreRepeatedEveryT2UntilTimerF) {
  ask(Method::options);
  net.run(Millis{60'000});
  EXPECT_EQ(peer.count("OPTIONS"), 11U);  // 0, 0.5, 1.5, 3.5, 7.5 … every 4 s to 31.5 s
  EXPECT_EQ(us.events[0], "failed 408 sip.timeout");
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, NothingIsRepeatedOverAStream) {
  ask(Method::invite, TransportKind::tcp);
  ask(Method::options, TransportKind::tcp);
  net.run(Millis{60'000});
  EXPECT_EQ(peer.count("INVITE"), 1U);
  EXPECT_EQ(peer.count("OPTIONS"), 1U);
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, AProvisionalResponseStopsTheInviteAndSlowsTheOthers) {
  ask(Method::invite);
  net.run(Millis{20});
  peer.send(peer.respond("INVITE", 180, "t"), us.target());
  ask(Method::options);
  net.run(Millis{20});
  peer.send(peer.respond("OPTIONS", 100, {}), us.target());
  net.run(Millis{18'000});
  EXPECT_EQ(peer.count("INVITE"), 1U);
  EXPECT_EQ(peer.count("OPTIONS"), 1U + 4U);  // every T2
  EXPECT_EQ(us.layer.clientSize(), 2U);
  net.run(Millis{230'000});
  EXPECT_EQ(us.events.back(), "failed 408 sip.timeout");
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, ARefusalIsAcknowledgedEachTimeForTimerD) {
  ask(Method::invite);
  net.run(Millis{20});
  const Message busy = peer.respond("INVITE", 486, "t");
  peer.send(busy, us.target());
  net.run(Millis{20});
  EXPECT_EQ(peer.count("ACK"), 1U);
  EXPECT_EQ(peer.last("ACK")->to().tag(), "t");
  EXPECT_EQ(peer.last("ACK")->topVia()->branch(), peer.last("INVITE")->topVia()->branch());
  net.run(Millis{30'000});
  peer.send(busy, us.target());
  net.run(Millis{20});
  EXPECT_EQ(peer.count("ACK"), 2U);
  net.run(Millis{3'000});
  EXPECT_TRUE(us.empty());
  peer.send(busy, us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.refusals[static_cast<std::size_t>(Refusal::strayResponse)], 1U);
  EXPECT_EQ(us.events.size(), 1U);
}

TEST_F(TransactionTest, EachForks2xxIsToldAndRepeatedOnesAreAcknowledgedAlone) {
  const TransactionId id = ask(Method::invite);
  net.run(Millis{20});
  const Message first = peer.respond("INVITE", 200, "one");
  peer.send(first, us.target());
  net.run(Millis{20});
  Message ack = ackFor(*peer.last("INVITE"), first);
  ack.popVia();
  us.layer.acknowledge(id, ack, peer.target(), net.now);
  peer.send(first, us.target());
  peer.send(peer.respond("INVITE", 200, "two"), us.target());
  net.run(Millis{20});
  EXPECT_EQ(peer.count("ACK"), 2U);
  EXPECT_EQ(us.events, (std::vector<std::string>{"response 200", "response 200"}));
  net.run(Millis{33'000});
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, CancelWaitsForAProvisionalResponse) {
  const TransactionId id = ask(Method::invite);
  us.layer.cancel(id, "SIP;cause=200", net.now);
  net.run(Millis{400});
  EXPECT_EQ(peer.count("CANCEL"), 0U);
  peer.send(peer.respond("INVITE", 100, {}), us.target());
  net.run(Millis{40});
  ASSERT_EQ(peer.count("CANCEL"), 1U);
  const Message& cancel = *peer.last("CANCEL");
  EXPECT_EQ(cancel.topVia()->branch(), peer.last("INVITE")->topVia()->branch());
  EXPECT_EQ(cancel.cseq().number, peer.last("INVITE")->cseq().number);
  EXPECT_EQ(cancel.header(HeaderId::reason), "SIP;cause=200");
  net.run(Millis{40'000});  // neither is ever answered
  EXPECT_EQ(us.events.back(), "failed 408 sip.cancelled");
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, AFinishedRequestIsAnsweredFromMemoryFor32Seconds) {
  const Message options = request(Method::options);
  peer.send(options, us.target());
  net.run(Millis{20});
  us.respond(200);
  for (int i = 0; i < 3; ++i) peer.send(options, us.target());
  net.run(Millis{31'000});
  EXPECT_EQ(peer.countStatus(200), 4U);
  EXPECT_EQ(us.events.size(), 1U);
  EXPECT_EQ(us.layer.serverSize(), 1U);
  net.run(Millis{2'000});
  EXPECT_TRUE(us.empty());
  EXPECT_EQ(us.gone, 1U);
}

TEST_F(TransactionTest, TryingIsSaidAfter200Milliseconds) {
  const Message invite = request(Method::invite);
  peer.send(invite, us.target());
  net.run(Millis{200});
  EXPECT_EQ(peer.countStatus(100), 0U);
  net.run(Millis{50});
  EXPECT_EQ(peer.countStatus(100), 1U);
  peer.send(invite, us.target());
  net.run(Millis{30});
  EXPECT_EQ(peer.countStatus(100), 2U);
}

TEST_F(TransactionTest, ARefusalIsRepeatedUntilItsAck) {
  const Message invite = request(Method::invite);
  peer.send(invite, us.target());
  net.run(Millis{20});
  us.respond(486);
  net.run(Millis{3'600});  // 0, 0.5, 1.5, 3.5
  EXPECT_EQ(peer.countStatus(486), 4U);
  peer.send(ackFor(invite, peer.received.back()), us.target());
  net.run(Millis{100});
  net.run(Millis{4'000});
  EXPECT_EQ(peer.countStatus(486), 4U);
  net.run(Millis{2'000});  // timer I
  EXPECT_TRUE(us.empty());
  EXPECT_EQ(us.events.size(), 1U);  // the ACK is not the user's
}

TEST_F(TransactionTest, ARefusalWithoutAckIsTold) {
  peer.send(request(Method::invite), us.target());
  net.run(Millis{20});
  us.respond(486);
  net.run(Millis{33'000});
  EXPECT_EQ(peer.countStatus(486), 11U);
  EXPECT_EQ(us.events.back(), "response failed sip.no_ack");
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, A2xxIsRepeatedOverAnyTransportUntilAcknowledged) {
  for (const auto kind : {TransportKind::udp, TransportKind::tcp}) {
    Message invite = request(Method::invite);
    invite.topVia()->transport = toString(kind);
    peer.send(invite, us.target(kind));
    net.run(Millis{20});
    us.respond(200);
    const auto before = peer.countStatus(200);
    net.run(Millis{3'600});
    EXPECT_EQ(peer.countStatus(200), before + 4);
    us.layer.acknowledged(us.requests.back(), net.now);
    net.run(Millis{33'000});
    EXPECT_EQ(peer.countStatus(200), before + 4);
    EXPECT_TRUE(us.empty());
  }
}

TEST_F(TransactionTest, AnAcceptedInviteAbsorbsRepetitionsAndPassesItsAck) {
  const Message invite = request(Method::invite);
  peer.send(invite, us.target());
  net.run(Millis{20});
  us.respond(200);
  peer.send(invite, us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.events.size(), 1U);
  peer.send(ackFor(invite, peer.received.back()), us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.events.back(), "ack");
}

TEST_F(TransactionTest, AReliableProvisionalResponseIsRepeatedThenGivenUp) {
  peer.send(request(Method::invite), us.target());
  net.run(Millis{20});
  us.respond(183, true);
  net.run(Millis{40'000});
  EXPECT_EQ(peer.countStatus(183), 7U);
  EXPECT_EQ(us.events.back(), "response failed sip.no_prack");
  us.respond(504);
  net.run(Millis{60'000});
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, CancelFindsItsInvite) {
  const Message invite = request(Method::invite);
  peer.send(invite, us.target());
  net.run(Millis{20});
  Message cancel = invite;
  cancel = Message::request(Method::cancel, invite.requestUri());
  cancel.pushVia(*invite.topVia());
  cancel.from() = invite.from();
  cancel.to() = invite.to();
  cancel.setCallId(invite.callId());
  cancel.setCSeq(1, Method::cancel);
  cancel.setMaxForwards(70);
  peer.send(cancel, us.target());
  peer.send(cancel, us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.events.back(), "cancel");
  EXPECT_EQ(std::ranges::count(us.events, "cancel"), 1);
  EXPECT_EQ(peer.countStatus(200), 2U);
  EXPECT_EQ(peer.received.back().to().tag(), us.layer.localTag(us.requests.back()));
  us.respond(487);
  net.run(Millis{20});
  peer.send(cancel, us.target());
  net.run(Millis{20});
  EXPECT_EQ(std::ranges::count(us.events, "cancel"), 1);
}

TEST_F(TransactionTest, AStatelessTagTellsNothingOfTheTables) {
  const Message options = request(Method::options);
  us.layer.answerStateless(options, {TransportKind::udp, peer.address(), us.address(), {}, false, {}}, 403);
  net.run(Millis{20});
  ASSERT_EQ(peer.countStatus(403), 1U);
  base::FakeRandom same;
  const KeyedHash hash(same);  // as the layer has it
  const std::string key = std::string(options.topVia()->branch()) + " 10.0.0.9:5060 OPTIONS";
  EXPECT_EQ(peer.received.back().to().tag(), "s" + std::to_string(hash("tag " + key)));
  EXPECT_NE(peer.received.back().to().tag(), "s" + std::to_string(hash(key)));
}

TEST_F(TransactionTest, CancelOfNothingIsTheUsersToAnswer) {
  const Message cancel = request(Method::cancel);
  peer.send(cancel, us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.events, (std::vector<std::string>{"request CANCEL"}));
  us.respond(481);
  peer.send(cancel, us.target());
  net.run(Millis{20});
  EXPECT_EQ(peer.countStatus(481), 2U);
}

/// A proxy forks one call to two of our users: same Call-ID, tag and CSeq.
TEST_F(TransactionTest, ACallForkedToTwoOfUsIsTwoCalls) {
  Message invite = request(Method::invite);
  peer.send(invite, us.target());
  net.run(Millis{20});
  Uri other = invite.requestUri();
  other.user = "somebody-else";
  invite.setRequestUri(other);
  invite.topVia()->params.set("branch", "z9hG4bK-fork");
  peer.send(invite, us.target());
  net.run(Millis{20});
  EXPECT_EQ(peer.countStatus(482), 0U);
  EXPECT_EQ(us.events.size(), 2U);
}

TEST_F(TransactionTest, TheSameRequestOverAnotherWayIsRefused) {
  Message invite = request(Method::invite);
  peer.send(invite, us.target());
  invite.topVia()->params.set("branch", "z9hG4bK-other-way");
  net.run(Millis{20});
  peer.send(invite, us.target());
  net.run(Millis{20});
  EXPECT_EQ(peer.countStatus(482), 1U);
  EXPECT_EQ(us.events.size(), 1U);
  // The next try of the same caller is none.
  invite.setCSeq(2, Method::invite);
  invite.topVia()->params.set("branch", "z9hG4bK-again");
  peer.send(invite, us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.events.size(), 2U);
}

TEST_F(TransactionTest, APeerWithoutTheCookieIsMatchedByTheWholeRequest) {
  Message invite = request(Method::invite);
  invite.topVia()->params.set("branch", "1");
  peer.send(invite, us.target());
  peer.send(invite, us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.events.size(), 1U);
  us.respond(486);
  net.run(Millis{20});
  peer.send(ackFor(invite, peer.received.back()), us.target());
  net.run(Millis{10'000});
  EXPECT_EQ(peer.countStatus(486), 1U);
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, ResponsesGoWhereTheRequestCameFrom) {
  Message options = request(Method::options);
  options.topVia()->host = "192.0.2.77";  // behind a translator
  options.topVia()->port = 5099;
  options.topVia()->params.set("rport");
  peer.send(options, us.target());
  net.run(Millis{20});
  us.respond(200);
  net.run(Millis{20});
  ASSERT_EQ(peer.countStatus(200), 1U);
  EXPECT_EQ(peer.received.back().topVia()->params.get("received"), "10.0.0.9");
  EXPECT_EQ(peer.received.back().topVia()->params.get("rport"), "5060");
}

/// RFC 3261 section 18.2.2: who does not ask for rport (RFC 3581) listens at the port in its Via.
TEST_F(TransactionTest, WithoutRportResponsesGoToThePortInTheVia) {
  Message options = request(Method::options);
  options.topVia()->params.remove("rport");
  options.topVia()->host = "192.0.2.77";
  options.topVia()->port = 5099;
  peer.send(options, us.target());
  net.run(Millis{20});
  us.respond(200);
  EXPECT_EQ(us.sentTo.ip, peer.address().ip) << "the host where it came from";
  EXPECT_EQ(us.sentTo.port, 5099);
}

TEST_F(TransactionTest, AFullTableRefusesNewCallsButEndsOldOnes) {
  TransactionOptions options;
  options.maxTransactions = 20;
  Layer small(net, "10.0.0.3", options);
  for (int i = 0; i < 30; ++i) peer.send(peer.request(Method::invite, small), small.target());
  net.run(Millis{20});
  EXPECT_EQ(small.requests.size(), 18U);
  EXPECT_EQ(peer.countStatus(503), 12U);
  EXPECT_EQ(small.refusals[static_cast<std::size_t>(Refusal::tableFull)], 12U);
  EXPECT_TRUE(peer.received.back().has(HeaderId::retryAfter));
  Message bye = peer.request(Method::bye, small);
  bye.to().params.set("tag", "x");
  peer.send(bye, small.target());
  net.run(Millis{20});
  EXPECT_EQ(small.events.back(), "request BYE");
  EXPECT_LE(small.layer.serverSize(), 20U);
}

TEST_F(TransactionTest, ASideThatAsksTooMuchCanStillEndItsCalls) {
  TransactionOptions options;
  options.maxTransactions = 10;
  Layer small(net, "10.0.0.3", options);
  for (int i = 0; i < 15; ++i) {
    Message message = peer.request(Method::options, small);
    message.popVia();
    EXPECT_EQ(small.layer.request(message, peer.target(), net.now) != TransactionId{}, i < 10);
    message.to().params.set("tag", "t");
    if (i == 14) {
      EXPECT_NE(small.layer.request(message, peer.target(), net.now), TransactionId{});
    }
  }
  EXPECT_EQ(small.layer.clientSize(), 11U);
}

TEST_F(TransactionTest, ALongRequestGoesOverTcpAndBackToUdpWhereThereIsNone) {
  Message message = peer.request(Method::message, us, std::string(2'000, 'x'));
  message.popVia();
  us.layer.request(message, peer.target(), net.now);
  net.run(Millis{30});
  ASSERT_EQ(peer.count("MESSAGE"), 1U);
  EXPECT_EQ(peer.last("MESSAGE")->topVia()->transport, "TCP");
  EXPECT_EQ(peer.from.kind, TransportKind::tcp);
  net.refuseTcp = true;
  us.layer.request(message, peer.target(), net.now);
  net.run(Millis{60});
  ASSERT_EQ(peer.count("MESSAGE"), 2U);
  EXPECT_EQ(peer.last("MESSAGE")->topVia()->transport, "UDP");
  EXPECT_EQ(peer.from.kind, TransportKind::udp);
}

TEST_F(TransactionTest, ALongRequestIsADatagramWhereTcpIsDropped) {
  const auto ask = [&] {
    Message message = peer.request(Method::message, us, std::string(2'000, 'x'));
    message.popVia();
    us.layer.request(message, peer.target(), net.now);
  };
  net.dropTcp = true;
  ask();
  net.run(Millis{990});
  EXPECT_EQ(peer.count("MESSAGE"), 0U);
  net.run(Millis{30});
  ASSERT_EQ(peer.count("MESSAGE"), 1U);
  EXPECT_EQ(peer.from.kind, TransportKind::udp);
  EXPECT_EQ(peer.last("MESSAGE")->topVia()->transport, "UDP");
  net.run(Millis{500});
  EXPECT_EQ(peer.count("MESSAGE"), 2U) << "as a datagram it is repeated";
  peer.send(peer.respond("MESSAGE", 200, "t"), us.target());
  ask();
  net.run(Millis{30});
  EXPECT_EQ(peer.count("MESSAGE"), 3U) << "it is known that there is no TCP";
  peer.send(peer.respond("MESSAGE", 200, "t"), us.target());
  net.run(Millis{61'000});
  net.dropTcp = false;
  ask();
  net.run(Millis{30});
  EXPECT_EQ(peer.from.kind, TransportKind::tcp) << "not for ever";
}

TEST_F(TransactionTest, AnInviteThatWasGivenUpNeverLeaves) {
  for (const bool dropped : {true, false}) {
    net.dropTcp = dropped;
    net.refuseTcp = !dropped;
    Message message = peer.request(Method::invite, us, std::string(2'000, 'x'));
    message.popVia();
    const TransactionId id = us.layer.request(message, peer.target(), net.now);
    us.layer.cancel(id, {}, net.now);
    net.run(Millis{10'000});
    EXPECT_TRUE(peer.received.empty());
    EXPECT_TRUE(us.empty());
    EXPECT_EQ(us.events.back(), dropped ? "failed 408 sip.timeout" : "failed 503 sip.transport_refused");
  }
}

TEST_F(TransactionTest, ALongAckGoesOverTcpAndBackToUdpWhereThereIsNone) {
  enum class Tcp { taken, refused, dropped };
  for (const Tcp tcp : {Tcp::taken, Tcp::refused, Tcp::dropped}) {
    net.refuseTcp = tcp == Tcp::refused;
    net.dropTcp = tcp == Tcp::dropped;
    const TransactionId id = ask(Method::invite);
    net.run(Millis{30});
    const Message ok = peer.respond("INVITE", 200, "t", "offer");
    peer.send(ok, us.target());
    net.run(Millis{15});
    Message ack = Message::request(Method::ack, peer.last("INVITE")->requestUri());
    ack.from() = ok.from();
    ack.to() = ok.to();
    ack.setCallId(ok.callId());
    ack.setCSeq(1, Method::ack);
    ack.setMaxForwards(70);
    ack.setBody(std::string(2'000, 'x'), "application/sdp");
    us.layer.acknowledge(id, ack, peer.target(), net.now);
    peer.received.clear();
    net.run(Millis{30});
    EXPECT_EQ(peer.count("ACK"), tcp == Tcp::dropped ? 0U : 1U);
    for (int i = 0; i < 2; ++i) {
      peer.received.clear();
      peer.send(ok, us.target());
      net.run(Millis{30});
      ASSERT_EQ(peer.count("ACK"), 1U) << "of each repeated 2xx";
      EXPECT_EQ(peer.from.kind, tcp == Tcp::taken ? TransportKind::tcp : TransportKind::udp);
      EXPECT_EQ(peer.last("ACK")->topVia()->transport, tcp == Tcp::taken ? "TCP" : "UDP");
      EXPECT_EQ(peer.last("ACK")->body().size(), 2'000U);
    }
    net.run(Millis{100'000});
    EXPECT_TRUE(us.empty());
  }
}

TEST_F(TransactionTest, ATransportThatFailsIsToldAs503) {
  net.refuseTcp = true;
  ask(Method::invite, TransportKind::tcp);
  net.run(Millis{50});
  EXPECT_EQ(us.events.back(), "failed 503 sip.transport_refused");
  EXPECT_TRUE(us.empty());
}

TEST_F(TransactionTest, StrayMessagesAreCountedAndAnswerNothing) {
  Message response = Message::responseTo(request(Method::options), 200, "x");
  peer.send(response, us.target());
  peer.send(request(Method::ack), us.target());
  net.run(Millis{20});
  EXPECT_EQ(us.refusals[static_cast<std::size_t>(Refusal::strayResponse)], 1U);
  EXPECT_EQ(us.events, (std::vector<std::string>{"ack"}));
  EXPECT_TRUE(peer.received.empty());
  EXPECT_TRUE(us.empty());
}

TEST(TimerHeapTest, KeepsOrderOfManyTimersThatComeAndGo) {
  struct One final : Timed {
    explicit One(std::vector<base::Instant>& out) : fired(out) {}
    std::vector<base::Instant>& fired;
    void onDue(base::Instant now) override { fired.push_back(now); }
  };
  TimerHeap heap;
  std::vector<base::Instant> fired;
  base::FakeRandom random(3);
  std::vector<std::unique_ptr<One>> timers;
  const base::Instant start{};
  for (int i = 0; i < 1'000; ++i) {
    timers.push_back(std::make_unique<One>(fired));
    heap.arm(*timers.back(), start + base::Micros{random.u32() % 1'000'000});
    if (i % 3 == 0) heap.arm(*timers[random.u32() % timers.size()], start + Millis{random.u32() % 1'000});
    if (i % 7 == 0) timers[random.u32() % timers.size()] = std::make_unique<One>(fired);
  }
  const std::size_t armed = heap.size();
  while (heap.size() > 0) {
    EXPECT_EQ(heap.next().time_since_epoch() % Millis{1}, base::Instant::duration::zero());
    heap.run(heap.next());
  }
  EXPECT_EQ(fired.size(), armed);
  EXPECT_TRUE(std::ranges::is_sorted(fired));
}

}  // namespace
}  // namespace parley::sip
