#include "sipnet/transport.h"

#include "net/byte_stream.h"
#include "sipnet/test_rig.h"

namespace parley::sipnet {
namespace {

using namespace rig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

struct SipTransportTest : ::testing::Test {
  bool until(const std::function<bool()>& done) { return loop.runUntil(done, kDeadline); }
  net::EventLoop loop{"test"};
  std::unique_ptr<net::ByteStream> kept;
};

// ---- UDP ----

TEST_F(SipTransportTest, UdpAnswersLeaveTheSocketThatWasAsked) {
  Side server(loop), client(loop);
  server.listen(TransportKind::udp);
  const auto second = server.listen(TransportKind::udp);
  const auto mine = client.listen(TransportKind::udp);
  client.transport.send(optionsRequest(), targetOf(TransportKind::udp, second), kToken);
  ASSERT_TRUE(server.got(1));
  const auto& [message, source] = server.messages[0];
  EXPECT_EQ(message.callId(), "call-1");
  EXPECT_EQ(source.remote, addressOf(mine));
  EXPECT_EQ(source.local, addressOf(second));
  EXPECT_TRUE(server.transport.hasFlow(source.flow));
  // Also when the answer goes to another port than the request came from.
  sip::Target back = source.target();
  server.transport.send(sip::Message::responseTo(message, 200, "t").write(), back, {});
  ASSERT_TRUE(client.got(1));
  EXPECT_EQ(client.messages[0].second.remote, addressOf(second));
  EXPECT_TRUE(client.failed.empty());
}

TEST_F(SipTransportTest, UdpCarriesSixtyThousandBytesAndRefusesMore) {
  Side server(loop), client(loop);
  const auto to = targetOf(TransportKind::udp, server.listen(TransportKind::udp));
  client.listen(TransportKind::udp);
  client.transport.send(optionsRequest("SIP/2.0/UDP a", "large", std::string(60'000, 'x')), to, kToken);
  ASSERT_TRUE(server.got(1));
  EXPECT_EQ(server.messages[0].first.body().size(), 60'000u);
  client.transport.send(optionsRequest("SIP/2.0/UDP a", "huge", std::string(66'000, 'x')), to, kToken);
  EXPECT_TRUE(client.failed.empty()) << "told inside the call";
  ASSERT_TRUE(until([&] { return !client.failed.empty(); }));
  EXPECT_THAT(client.failed, ElementsAre(Pair(7u, "sip.transport_too_large")));
}

TEST_F(SipTransportTest, UdpOverIpv6) {
  Side server(loop), client(loop);
  const auto six = *net::Endpoint::parse("::1", 0);
  const auto to = targetOf(TransportKind::udp, server.listen(TransportKind::udp, nullptr, six));
  client.listen(TransportKind::udp);  // IPv4 only: cannot be used.
  client.listen(TransportKind::udp, nullptr, six);
  EXPECT_THAT(client.transport.sentBy(to), StartsWith("[::1]:"));
  client.transport.send(optionsRequest(), to, kToken);
  ASSERT_TRUE(server.got(1));
  EXPECT_FALSE(server.messages[0].second.remote.isV4());
}

TEST_F(SipTransportTest, UdpNonsenseIsCountedAndBadRequestsAreAnswered) {
  TransportOptions options;
  options.maxUdpErrorAnswers = 1;
  Side server(loop, options), client(loop);
  const auto to = targetOf(TransportKind::udp, server.listen(TransportKind::udp));
  client.listen(TransportKind::udp);
  client.transport.send("\r\n\r\n", to, {});
  client.transport.send("complete nonsense that is no message", to, {});
  client.transport.send(badRequest("SIP/2.0/UDP 10.0.0.1:5060;rport"), to, {});
  client.transport.send(badRequest("SIP/2.0/UDP 10.0.0.1:5060;rport"), to, {});
  ASSERT_TRUE(client.got(1));
  ASSERT_TRUE(until([&] { return server.refused.size() == 3; }));
  const auto& answer = client.messages[0].first;
  EXPECT_EQ(answer.status(), 400);
  EXPECT_EQ(answer.topVia()->params.get("received"), "127.0.0.1");
  EXPECT_NE(answer.topVia()->params.get("rport"), "");
  EXPECT_TRUE(server.messages.empty());
  // The second one found the budget used up: what comes next over the same socket is no 400.
  client.transport.send(optionsRequest(), to, {});
  ASSERT_TRUE(server.got(1));
  server.transport.send(optionsRequest(), server.messages[0].second.target(), {});
  ASSERT_TRUE(client.got(2));
  EXPECT_TRUE(client.messages[1].first.isRequest());
}

TEST_F(SipTransportTest, UdpFlowsAreBounded) {
  TransportOptions options;
  options.maxUdpFlows = 2;
  Side server(loop, options);
  const auto to = targetOf(TransportKind::udp, server.listen(TransportKind::udp));
  std::vector<std::unique_ptr<Side>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Side>(loop));
    clients.back()->listen(TransportKind::udp);
    clients.back()->transport.send(optionsRequest(), to, {});
    ASSERT_TRUE(server.got(static_cast<std::size_t>(i) + 1));
  }
  EXPECT_FALSE(server.transport.hasFlow(server.messages[0].second.flow));
  EXPECT_TRUE(server.transport.hasFlow(server.messages[2].second.flow));
  // Its address still leads there.
  server.transport.send(optionsRequest(), server.messages[0].second.target(), kToken);
  EXPECT_TRUE(clients[0]->got(1));
  EXPECT_TRUE(server.failed.empty());
}

TEST_F(SipTransportTest, WhatCannotBeSentIsSaid) {
  Side side(loop);
  const auto somewhere = *net::Endpoint::parse("127.0.0.1", 9);
  std::uint64_t token = 0;
  for (const auto kind : {TransportKind::udp, TransportKind::tls, TransportKind::ws, TransportKind::wss}) {
    side.transport.send(optionsRequest(), targetOf(kind, somewhere), sip::SendToken{++token});
    EXPECT_EQ(side.transport.sentBy(targetOf(kind, somewhere)), "");
  }
  ASSERT_TRUE(until([&] { return side.failed.size() == 4; }));
  for (const auto& [which, reason] : side.failed) EXPECT_EQ(reason, "sip.transport_unavailable") << which;
}

// ---- TCP ----

TEST_F(SipTransportTest, TcpConnectionsAreMadeOnceAndUsedBothWays) {
  Side server(loop), client(loop);
  const auto to = targetOf(TransportKind::tcp, server.listen(TransportKind::tcp));
  client.transport.send(optionsRequest("SIP/2.0/TCP a", "one"), to, kToken);
  client.transport.send(optionsRequest("SIP/2.0/TCP a", "two"), to, kToken);
  ASSERT_TRUE(server.got(2));
  EXPECT_EQ(server.messages[0].second.flow, server.messages[1].second.flow);
  EXPECT_EQ(server.transport.connections(), 1u);
  EXPECT_EQ(client.transport.connections(), 1u);
  // Back over the same flow, and by its address alone.
  sip::Target back = server.messages[0].second.target();
  server.transport.send(optionsRequest("SIP/2.0/TCP b", "three"), back, kToken);
  back.flow = {};
  server.transport.send(optionsRequest("SIP/2.0/TCP b", "four"), back, kToken);
  ASSERT_TRUE(client.got(2));
  EXPECT_EQ(server.transport.connections(), 1u);
  EXPECT_EQ(client.messages[1].first.callId(), "four");
  EXPECT_TRUE(server.failed.empty() && client.failed.empty());

  server.transport.closeFlow(server.messages[0].second.flow);
  ASSERT_TRUE(until([&] { return !client.closed.empty() && !server.closed.empty(); }));
  EXPECT_EQ(server.closed[0].second, "sip.flow_shutdown");
  EXPECT_EQ(client.closed[0].second, "sip.flow_closed");
  EXPECT_EQ(server.transport.connections() + client.transport.connections(), 0u);
  EXPECT_FALSE(client.transport.hasFlow(client.messages[0].second.flow));
}

TEST_F(SipTransportTest, TcpThatIsRefusedFailsWhatWaits) {
  Side client(loop);
  net::Endpoint nobody;
  {
    Side server(loop);
    nobody = server.listen(TransportKind::tcp);
  }
  TransportOptions few;
  few.maxPendingMessages = 2;
  Side narrow(loop, few);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    narrow.transport.send(optionsRequest(), targetOf(TransportKind::tcp, nobody), sip::SendToken{i});
  }
  ASSERT_TRUE(until([&] { return narrow.failed.size() == 3; }));
  EXPECT_THAT(narrow.failed,
              ElementsAre(Pair(3u, "sip.transport_queue_full"), Pair(1u, "sip.transport_connect_failed"),
                          Pair(2u, "sip.transport_connect_failed")));
  EXPECT_TRUE(narrow.closed.empty()) << "it never was a flow";
  EXPECT_EQ(narrow.transport.connections(), 0u);
}

TEST_F(SipTransportTest, ABadMessageIsAnsweredAndTheConnectionStays) {
  Side server(loop);
  RawPeer peer(loop, server.listen(TransportKind::tcp));
  peer.send(badRequest() + optionsRequest("SIP/2.0/TCP a", "good"));
  ASSERT_TRUE(peer.waitFor("SIP/2.0 400 "));
  ASSERT_TRUE(server.got(1));
  EXPECT_EQ(server.messages[0].first.callId(), "good");
  EXPECT_EQ(server.refused.size(), 1u);
  EXPECT_TRUE(server.closed.empty());
  EXPECT_THAT(peer.got, HasSubstr("received=127.0.0.1"));
}

TEST_F(SipTransportTest, WhereFramingIsLostTheConnectionIsClosed) {
  Side server(loop);
  RawPeer peer(loop, server.listen(TransportKind::tcp));
  std::string bad = optionsRequest("SIP/2.0/TCP a");
  bad.replace(bad.find("Content-Length: 0"), 17, "Content-Length: x");
  peer.send(bad + optionsRequest("SIP/2.0/TCP a", "after"));
  ASSERT_TRUE(peer.waitClosed());
  ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
  EXPECT_EQ(server.closed[0].second, "sip.flow_bad_framing");
  EXPECT_TRUE(server.messages.empty());
  EXPECT_THAT(peer.got, StartsWith("SIP/2.0 400 "));
}

TEST_F(SipTransportTest, WhoSendsOnlyGarbageIsClosed) {
  TransportOptions options;
  options.maxBadMessages = 3;
  Side server(loop, options);
  RawPeer peer(loop, server.listen(TransportKind::tcp));
  for (int i = 0; i < 5; ++i) peer.send(badRequest());
  ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
  EXPECT_EQ(server.closed[0].second, "sip.flow_garbage");
  EXPECT_EQ(server.refused.size(), 3u);
}

TEST_F(SipTransportTest, ASlowSenderIsClosedAndAQuietOneIsNot) {
  TransportOptions options;
  options.messageTimeout = Millis{40};
  Side server(loop, options);
  const auto where = server.listen(TransportKind::tcp);
  RawPeer slow(loop, where), quiet(loop, where);
  quiet.send(optionsRequest("SIP/2.0/TCP a", "quiet"));
  ASSERT_TRUE(server.got(1));
  slow.send("OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP");
  ASSERT_TRUE(slow.waitClosed());
  ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
  EXPECT_THAT(server.refused, ElementsAre("slow_sender"));
  EXPECT_EQ(server.closed[0].second, "sip.flow_slow_sender");
  quiet.send(optionsRequest("SIP/2.0/TCP a", "still"));
  EXPECT_TRUE(server.got(2));
}

TEST_F(SipTransportTest, WhoNeverSendsAMessageLosesThePlace) {
  TransportOptions options;
  options.firstMessageTimeout = Millis{40};
  Side server(loop, options);
  RawPeer silent(loop, server.listen(TransportKind::tcp));
  silent.send("\r\n\r\n");
  ASSERT_TRUE(silent.waitClosed());
  ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
  EXPECT_EQ(server.closed[0].second, "sip.flow_silent");
  EXPECT_THAT(server.refused, ElementsAre("silent"));
}

TEST_F(SipTransportTest, NonsenseOverUdpTakesNoPlaceInTheTable) {
  TransportOptions options;
  options.maxUdpFlows = 1;
  Side server(loop, options), client(loop), other(loop);
  client.listen(TransportKind::udp);
  other.listen(TransportKind::udp);
  const auto to = targetOf(TransportKind::udp, server.listen(TransportKind::udp));
  client.transport.send(optionsRequest(), to, {});
  ASSERT_TRUE(server.got(1));
  other.transport.send("no SIP at all", to, {});
  ASSERT_TRUE(until([&] { return !server.refused.empty(); }));
  EXPECT_TRUE(server.transport.hasFlow(server.messages[0].second.flow));
}

TEST_F(SipTransportTest, AResetInTheMiddleOfAMessage) {
  Side server(loop);
  RawPeer peer(loop, server.listen(TransportKind::tcp));
  peer.send(optionsRequest("SIP/2.0/TCP a"));
  ASSERT_TRUE(server.got(1));
  peer.send("INVITE sip:bob@example.com SIP/2.0\r\nVi");
  peer.hangUp();
  ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
  EXPECT_EQ(server.closed[0].first, server.messages[0].second.flow);
  EXPECT_EQ(server.messages.size(), 1u);
  // What is sent there now makes a new connection, which nobody takes.
  server.transport.send(optionsRequest(), server.messages[0].second.target(), kToken);
  ASSERT_TRUE(until([&] { return !server.failed.empty(); }));
  EXPECT_THAT(server.failed, ElementsAre(Pair(7u, "sip.transport_connect_failed")));
}

TEST_F(SipTransportTest, AQueueThatIsFullRefuses) {
  TransportOptions options;
  options.maxQueuedBytes = 100'000;
  Side server(loop, options);
  RawPeer peer(loop, server.listen(TransportKind::tcp), 4096);
  peer.send(optionsRequest("SIP/2.0/TCP a"));
  ASSERT_TRUE(server.got(1));
  const auto back = server.messages[0].second.target();
  const std::string large = optionsRequest("SIP/2.0/TCP b", "x", std::string(50'000, 'x'));
  std::uint64_t token = 0;
  while (server.failed.empty()) {
    server.transport.send(large, back, sip::SendToken{++token});
    loop.poll();
  }
  EXPECT_EQ(server.failed[0].second, "sip.transport_queue_full");
  EXPECT_EQ(server.failed[0].first, token);
  EXPECT_TRUE(server.closed.empty());
}

TEST_F(SipTransportTest, APeerThatDoesNotReadIsGivenUp) {
  TransportOptions options;
  options.maxQueuedBytes = 64 << 20;
  options.writeTimeout = Millis{50};
  Side server(loop, options);
  RawPeer peer(loop, server.listen(TransportKind::tcp), 4096);
  peer.send(optionsRequest("SIP/2.0/TCP a"));
  ASSERT_TRUE(server.got(1));
  const auto back = server.messages[0].second.target();
  const std::string large = optionsRequest("SIP/2.0/TCP b", "x", std::string(50'000, 'x'));
  constexpr std::uint64_t kMany = 600;  // More than the buffers on the way take.
  for (std::uint64_t token = 1; token <= kMany; ++token) {
    server.transport.send(large, back, sip::SendToken{token});
  }
  ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
  EXPECT_EQ(server.closed[0].second, "sip.flow_slow_peer");
  // Those that were queued, but not those that went out before.
  ASSERT_TRUE(until([&] { return !server.failed.empty() && server.failed.back().first == kMany; }));
  for (const auto& [which, reason] : server.failed) EXPECT_EQ(reason, "sip.transport_closed");
  EXPECT_LT(server.failed.size(), kMany);
}

TEST_F(SipTransportTest, PingsAreAnsweredAndKeepTheFlow) {
  Side server(loop);
  RawPeer peer(loop, server.listen(TransportKind::tcp));
  peer.send("\r\n\r\n");
  ASSERT_TRUE(peer.waitFor("\r\n"));
  peer.send(optionsRequest("SIP/2.0/TCP a") + "\r\n\r\n");
  ASSERT_TRUE(server.got(1));
  ASSERT_TRUE(peer.waitFor(4));
  EXPECT_EQ(peer.got, "\r\n\r\n");

  TransportOptions options;
  options.keepAliveInterval = Millis{5};
  options.pongTimeout = Millis{2'000};
  Side client(loop, options);
  client.transport.send(optionsRequest("SIP/2.0/TCP a"),
                        targetOf(TransportKind::tcp, server.listen(TransportKind::tcp)), kToken);
  ASSERT_TRUE(server.got(2));
  const auto pingsOnly = server.messages[1].second;
  net::Timer marker(loop);
  bool passed = false;
  marker.start(Millis{60}, [&] { passed = true; });
  ASSERT_TRUE(until([&] { return passed; }));
  EXPECT_TRUE(client.closed.empty());
  EXPECT_TRUE(server.transport.hasFlow(pingsOnly.flow));
}

/// RFC 6223 section 4.1: who never said that it answers pings may be silent.
TEST_F(SipTransportTest, AMissingPongEndsOnlyTheFlowOfAPeerThatAnswersPings) {
  enum class Peer { neverAnswers, answeredOnce, agreed };
  for (const Peer kind : {Peer::neverAnswers, Peer::answeredOnce, Peer::agreed}) {
    SCOPED_TRACE(static_cast<int>(kind));
    std::string got;
    const auto pings = [&] {
      std::size_t count = 0;
      for (auto at = got.find("\r\n\r\n"); at != got.npos; at = got.find("\r\n\r\n", at + 4)) ++count;
      return count;
    };
    auto listener = net::ByteListener::open(loop, kLoopback, nullptr, {},
                                            [&](std::unique_ptr<net::ByteStream> stream) {
                                              kept = std::move(stream);
                                              kept->start({[&](base::Bytes bytes) {
                                                             got += base::asText(bytes);
                                                             // The head of the request ends the same way.
                                                             if (kind == Peer::answeredOnce && pings() == 2)
                                                               kept->write("\r\n");
                                                           },
                                                           {},
                                                           {}});
                                            },
                                            {});
    ASSERT_TRUE(listener);
    TransportOptions options;
    options.keepAliveInterval = Millis{5};
    options.pongTimeout = Millis{5};
    Side client(loop, options);
    const auto to = targetOf(TransportKind::tcp, (*listener)->localEndpoint());
    client.transport.send(optionsRequest("SIP/2.0/TCP a"), to, kToken);
    if (kind == Peer::neverAnswers) {
      ASSERT_TRUE(until([&] { return pings() >= 6; }));
      EXPECT_TRUE(client.closed.empty());
      EXPECT_EQ(client.transport.connections(), 1u);
    } else {
      if (kind == Peer::agreed) {
        ASSERT_TRUE(until([&] { return pings() >= 1; }));
        kept->write(
            "SIP/2.0 100 Trying\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n"
            "To: <sip:b@b>\r\nCall-ID: call-1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
        ASSERT_TRUE(client.got(1));
        client.transport.setKeepAlive(client.messages[0].second.flow, Millis{5});
      }
      ASSERT_TRUE(until([&] { return !client.closed.empty(); }));
      EXPECT_EQ(client.closed[0].second, "sip.flow_no_pong");
    }
    kept.reset();
  }
}

TEST_F(SipTransportTest, WhoMayNotHearOfItsFaultsHearsNothing) {
  struct Silent : Side {
    using Side::Side;
    bool onMalformed(const sip::ParseFailure& failure, const sip::Source&) override {
      asked.push_back(failure.reason);
      return false;
    }
    std::vector<std::string> asked;
  };
  TransportOptions options;
  options.maxUdpErrorAnswers = 0;  // Asked nevertheless: who counts strangers counts all of them.
  Silent server(loop, options);
  Side client(loop);
  client.listen(TransportKind::udp);
  const auto udp = targetOf(TransportKind::udp, server.listen(TransportKind::udp));
  RawPeer peer(loop, server.listen(TransportKind::tcp));
  peer.send(badRequest() + "\r\n\r\n");
  ASSERT_TRUE(peer.waitFor("\r\n"));
  EXPECT_EQ(peer.got, "\r\n") << "the answer to the ping behind it is all";
  client.transport.send(badRequest("SIP/2.0/UDP a;rport"), udp, {});
  ASSERT_TRUE(until([&] { return server.asked.size() == 2; }));
  EXPECT_THAT(server.asked, ElementsAre("sip.bad_header", "sip.bad_header"));
}

TEST_F(SipTransportTest, SentByIsWhatOthersReachUsBy) {
  TransportOptions options;
  options.advertised[TransportKind::tcp] = {"sbc.example.com"};
  options.advertised[TransportKind::tls] = {"[2001:db8::1]:5081", "192.0.2.1"};
  Side side(loop, options);
  const auto any = *net::Endpoint::parse("::", 0);
  const auto udp = side.listen(TransportKind::udp, nullptr, any);
  const auto tcp = side.listen(TransportKind::tcp, nullptr, any);
  const auto tls = side.listen(TransportKind::tls, serverTls(makeCertificate("DNS:a")), any);
  const auto near = *net::Endpoint::parse("127.0.0.9", 5060);
  const auto sentBy = [&](TransportKind kind) { return side.transport.sentBy(targetOf(kind, near)); };
  EXPECT_EQ(sentBy(TransportKind::udp), "127.0.0.1:" + std::to_string(udp.port()));
  EXPECT_EQ(sentBy(TransportKind::tcp), "sbc.example.com:" + std::to_string(tcp.port()));
  EXPECT_EQ(sentBy(TransportKind::tls), "192.0.2.1:" + std::to_string(tls.port())) << "of the same family";
  const auto six = targetOf(TransportKind::tls, *net::Endpoint::parse("::1", 5061));
  EXPECT_EQ(side.transport.sentBy(six), "[2001:db8::1]:5081");
}

}  // namespace
}  // namespace parley::sipnet
