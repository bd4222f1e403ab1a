// Calls whose hosts are names, and calls over streams.
#include "sip/address_text.h"
#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::Agent;
using rig::PairTest;
using rig::RawPeer;

struct Names final : Locator {
  std::vector<std::pair<LocateId, std::string>> asked;
  std::vector<std::string> transports;
  void locate(LocateId id, const Uri& uri) override {
    asked.emplace_back(id, uri.host);
    transports.emplace_back(uri.params.get("transport").value_or(""));
  }
};

class LocatedCallsTest : public PairTest {
 protected:
  Names names;
  Agent carol{net, "10.0.0.3", {}, nullptr, nullptr, &names};

  SessionId dialName(const std::string& host) {
    OutgoingCall call = carol.callTo(bob);
    call.targets.clear();
    call.to.host = host;
    return carol.ua.invite(call, net.now);
  }
};

TEST_F(LocatedCallsTest, ANameIsAskedForAndItsTargetsAreTriedInOrder) {
  dialName("bob.example");
  ASSERT_EQ(names.asked.size(), 1U);
  EXPECT_EQ(names.asked[0].second, "bob.example");
  RawPeer dead(net, "10.0.0.9");
  carol.ua.onLocated(names.asked[0].first, {dead.target(), bob.target()}, net.now);
  run(100);
  EXPECT_EQ(dead.count("INVITE"), 1U);
  run(3'000);
  ASSERT_EQ(bob.calls.size(), 1U);
  EXPECT_EQ(bob.calls[0].request.requestUri().host, "bob.example");
  EXPECT_EQ(carol.ua.sizes().locating, 0U);
}

TEST_F(LocatedCallsTest, ALocatorThatIsSilentOrFindsNothingEndsTheCall) {
  SessionId session = dialName("slow.example");
  run(3'100);
  EXPECT_EQ(carol.endings.at(session.value()).reason, "sip.no_target");
  carol.ua.onLocated(names.asked[0].first, {bob.target()}, net.now);  // late
  run(100);
  EXPECT_TRUE(bob.calls.empty());
  session = dialName("none.example");
  carol.ua.onLocated(names.asked[1].first, {}, net.now);
  run(10);
  EXPECT_EQ(carol.endings.at(session.value()).reason, "sip.no_target");
  session = dialName("gone.example");
  carol.ua.hangUp(session, {}, net.now);
  EXPECT_TRUE(carol.empty());
}

TEST_F(LocatedCallsTest, APhoneThatCallsItselfByNameIsReachedByItsNeighbourUntilItIsFound) {
  RawPeer proxy(net, "10.0.0.9"), phone(net, "10.0.0.8");
  const SessionId session = carol.dial(proxy);
  run(50);
  Message ok = proxy.respond("INVITE", 200, "t", "answer");
  ok.set(HeaderId::contact, "<sip:phone@phone.example>");
  proxy.send(ok, carol.target());
  run(50);
  EXPECT_EQ(proxy.count("ACK"), 1U);
  ASSERT_EQ(names.asked.size(), 1U);
  EXPECT_EQ(names.asked[0].second, "phone.example");
  carol.ua.onLocated(names.asked[0].first, {phone.target()}, net.now);
  carol.ua.hangUp(session, {}, net.now);
  run(50);
  EXPECT_EQ(phone.count("BYE"), 1U);
  EXPECT_EQ(phone.last("BYE")->requestUri().toString(), "sip:phone@phone.example");
}

TEST_F(LocatedCallsTest, ANameThatSaysNothingOfTheTransportStaysOnItsKindOfStream) {
  RawPeer proxy(net, "10.0.0.9");
  for (const auto kind : {TransportKind::tls, TransportKind::tcp, TransportKind::udp}) {
    carol.dial(proxy, "offer", kind);
    run(50);
    Message ok = proxy.respond("INVITE", 200, "t", "answer");
    ok.set(HeaderId::contact, "<sip:phone@phone.example:5061>");
    proxy.send(ok, carol.target(kind));
    run(50);
  }
  EXPECT_EQ(names.transports, (std::vector<std::string>{"tls", "tcp", ""}));
}

TEST_F(LocatedCallsTest, WhatIsLookedUpForAFormerTargetComesNotAfterTheNewOne) {
  RawPeer proxy(net, "10.0.0.9"), former(net, "10.0.0.7");
  const SessionId session = carol.dial(proxy);
  run(50);
  Message ok = proxy.respond("INVITE", 200, "t", "answer");
  ok.set(HeaderId::contact, "<sip:phone@former.example>");
  proxy.send(ok, carol.target());
  run(50);
  ASSERT_EQ(names.asked.size(), 1U);
  carol.ua.offer(session, "again", net.now);
  run(50);
  proxy.send(proxy.respond("INVITE", 200, "t", "answer"), carol.target());  // its Contact is an address
  run(50);
  carol.ua.onLocated(names.asked[0].first, {former.target()}, net.now);
  carol.ua.hangUp(session, {}, net.now);
  run(50);
  EXPECT_EQ(former.count("BYE"), 0U);
  EXPECT_EQ(proxy.count("BYE"), 1U);
}

TEST_F(LocatedCallsTest, RequestsAndSubscriptionsAskToo) {
  OutgoingRequest ping;
  ping.to = Uri::sip({}, "bob.example");
  ping.from.uri = Uri::sip("carol", carol.ip());
  carol.ua.request(ping, net.now);
  ASSERT_EQ(names.asked.size(), 1U);
  carol.ua.onLocated(names.asked[0].first, {bob.target()}, net.now);
  run(50);
  EXPECT_TRUE(carol.has("done 200 sip.answered"));
  carol.ua.request(ping, net.now);
  run(3'100);
  EXPECT_TRUE(carol.has("done 503 sip.no_target"));
  carol.ua.subscribe({ping.to, ping.from, {}, "presence", 600, {}}, net.now);
  run(3'100);
  EXPECT_TRUE(carol.has("subscription ended 503 sip.no_target"));
  EXPECT_EQ(carol.ua.sizes().locating, 0U);
}

TEST_F(LocatedCallsTest, ARedirectionToANameIsAskedFor) {
  RawPeer peer(net, "10.0.0.9");
  carol.dial(peer);
  run(50);
  Message moved = peer.respond("INVITE", 302, "t");
  moved.set(HeaderId::contact, "<sip:bob@bob.example>");
  peer.send(moved, carol.target());
  run(50);
  ASSERT_EQ(names.asked.size(), 1U);
  carol.ua.onLocated(names.asked[0].first, {bob.target()}, net.now);
  run(50);
  EXPECT_EQ(bob.calls.size(), 1U);
}

/// The offer may have keys in it: where the call is sent on to nobody reads along either.
TEST_F(LocatedCallsTest, ARedirectionOfATlsServerStaysOnTls) {
  RawPeer peer(net, "10.0.0.9");
  for (const char* contact : {"<sip:bob@10.0.0.2:5060>", "<sip:bob@bob.example>"}) {
    names = {};
    bob.calls.clear();
    carol.dial(peer, "offer", TransportKind::tls);
    run(50);
    Message moved = peer.respond("INVITE", 302, "t");
    moved.set(HeaderId::contact, contact);
    peer.send(moved, peer.from.target());
    run(50);
    if (!names.asked.empty()) {
      EXPECT_EQ(names.transports[0], "tls");
      carol.ua.onLocated(names.asked[0].first, {bob.target(TransportKind::tls)}, net.now);
      run(50);
    }
    ASSERT_EQ(bob.calls.size(), 1U) << contact;
    EXPECT_EQ(bob.calls[0].source.kind, TransportKind::tls) << contact;
  }
  EXPECT_EQ(net.count(" UDP "), 0U);
}

TEST_F(LocatedCallsTest, CallsOverStreamsStayOnThem) {
  for (const auto kind : {TransportKind::tcp, TransportKind::tls, TransportKind::wss}) {
    const std::size_t before = net.count(" UDP ");
    const SessionId session = connect("offer", kind);
    const std::string contact(bob.calls.back().request.header(HeaderId::contact).value());
    EXPECT_NE(contact.find("transport="), std::string::npos) << contact;
    bob.ua.offer(bobsCall(), "hold", net.now);
    run(50);
    alice.ua.answerOffer(session, "held", net.now);
    run(50);
    EXPECT_TRUE(bob.has("offer answered held"));
    alice.ua.hangUp(session, {}, net.now);
    run(50);
    EXPECT_EQ(bob.events.back(), "ended 0 sip.bye");
    EXPECT_EQ(net.count(" UDP "), before);
  }
  expectNothingLeft();
}

TEST_F(LocatedCallsTest, ACallThatCannotBeSentEndsAtOnce) {
  net.refuseTcp = true;
  const SessionId session = alice.dial(bob, "offer", TransportKind::tls);
  run(50);
  EXPECT_EQ(alice.endings.at(session.value()).reason, "sip.transport_refused");
  EXPECT_EQ(alice.endings.at(session.value()).status, 503);
  run(60'000);
  EXPECT_TRUE(alice.empty());
}

}  // namespace
}  // namespace parley::sip
