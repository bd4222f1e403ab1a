#include "net/byte_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::kDeadline;
using rig::kLoopback;
using rig::makeCertificate;
using rig::RawPeer;
using rig::TestCertificate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One side of a connection with what came over it.
struct Side {
  std::unique_ptr<ByteStream> stream;
  std::string got;
  std::optional<base::Error> end;
  int drained = 0;

  void take(std::unique_ptr<ByteStream> s) {
    stream = std::move(s);
    stream->start({[this](base::Bytes bytes) { got += base::asText(bytes); }, [this] { ++drained; },
                   [this](const base::Error& e) { end = e; }});
  }
};

struct ByteStreamTest : ::testing::Test {
  void listen(std::shared_ptr<TlsServerContext> tls = nullptr, ByteListenerOptions options = {},
              const Endpoint& bind = kLoopback) {
    auto opened = ByteListener::open(
        loop, bind, std::move(tls), std::move(options),
        [this](std::unique_ptr<ByteStream> s) {
          if (keep) return sides.emplace_back(std::make_unique<Side>())->take(std::move(s));
        },
        [this](const Endpoint&, std::string_view reason) { refused.emplace_back(reason); });
    ASSERT_TRUE(opened) << opened.error().text;
    listener = std::move(*opened);
    where = listener->localEndpoint();
  }
  /// The reason when it failed, else empty.
  std::string connect(Side& side, std::shared_ptr<TlsClientContext> tls = nullptr,
                      const std::string& host = "localhost", ByteStreamOptions options = {}) {
    std::optional<std::string> outcome;
    const auto connecting =
        connectBytes(loop, where, host, tls, options, [&](base::Result<std::unique_ptr<ByteStream>> r) {
          outcome = r ? "" : r.error().reason;
          if (r) {
            side.take(std::move(*r));
          } else {
            problem = r.error().text;
          }
        });
    EXPECT_FALSE(outcome) << "answered inside the call";
    EXPECT_TRUE(until([&] { return outcome.has_value(); }));
    return outcome.value_or("deadline");
  }
  bool until(const std::function<bool()>& done) { return loop.runUntil(done, kDeadline); }
  bool accepted(std::size_t n = 1) {
    return until([&] { return sides.size() >= n; });
  }

  EventLoop loop{"test"};
  std::unique_ptr<ByteListener> listener;
  Endpoint where;
  std::vector<std::unique_ptr<Side>> sides;
  std::vector<std::string> refused;
  std::string problem;
  bool keep = true;
};

std::shared_ptr<TlsServerContext> serverOf(TlsServerSettings settings) {
  auto context = TlsServerContext::create(std::move(settings));
  EXPECT_TRUE(context) << context.error().text;
  return *context;
}
std::shared_ptr<TlsClientContext> clientOf(const TlsClientSettings& settings) {
  auto context = TlsClientContext::create(settings);
  EXPECT_TRUE(context) << context.error().text;
  return *context;
}
TlsCertificate pairOf(const TestCertificate& c) { return {c.certificate, c.key}; }

TEST_F(ByteStreamTest, BytesGoBothWaysAndBothEndsKnowWhere) {
  listen();
  Side client;
  ASSERT_EQ(connect(client), "");
  ASSERT_TRUE(client.stream->write("hello"));
  ASSERT_TRUE(accepted());
  Side& server = *sides[0];
  ASSERT_TRUE(until([&] { return server.got == "hello"; }));
  ASSERT_TRUE(server.stream->write("wel"));
  ASSERT_TRUE(server.stream->write("come"));
  EXPECT_TRUE(until([&] { return client.got == "welcome"; }));
  EXPECT_EQ(client.stream->remote(), where);
  EXPECT_EQ(server.stream->local(), where);
  EXPECT_EQ(server.stream->remote(), client.stream->local());
  EXPECT_FALSE(server.stream->secure());
}

TEST_F(ByteStreamTest, OverIpv6) {
  listen(nullptr, {}, *Endpoint::parse("::1", 0));
  Side client;
  ASSERT_EQ(connect(client), "");
  client.stream->write("six");
  ASSERT_TRUE(accepted());
  EXPECT_TRUE(until([&] { return sides[0]->got == "six"; }));
  EXPECT_FALSE(sides[0]->stream->remote().isV4());
}

TEST_F(ByteStreamTest, CloseWritesWhatIsQueuedAndBothSidesAreToldOnce) {
  const auto c = makeCertificate("DNS:localhost");
  for (const bool tls : {false, true}) {
    sides.clear();
    listen(tls ? serverOf({.certificates = {pairOf(c)}}) : nullptr);
    Side client;
    ASSERT_EQ(connect(client, tls ? clientOf({.authoritiesPem = c.certificate}) : nullptr), "");
    ASSERT_TRUE(client.stream->write(std::string(300'000, 'x')));
    client.stream->close();
    EXPECT_FALSE(client.stream->write("late"));
    EXPECT_FALSE(client.stream->open());
    ASSERT_TRUE(accepted());
    Side& server = *sides[0];
    ASSERT_TRUE(until([&] { return server.end.has_value(); }));
    EXPECT_EQ(server.got.size(), 300'000u);
    EXPECT_EQ(server.end->reason, "net.closed");
    ASSERT_TRUE(until([&] { return client.end.has_value(); }));
    EXPECT_EQ(client.end->reason, "net.closed");
  }
}

/// Pieces of all sizes, more than the sockets hold, to one that begins to read late: records wait half sent.
TEST_F(ByteStreamTest, TlsKeepsTheOrderOfWhatWaits) {
  const auto c = makeCertificate("DNS:localhost");
  listen(serverOf({.certificates = {pairOf(c)}}));
  Side client;
  ASSERT_EQ(connect(client, clientOf({.authoritiesPem = c.certificate})), "");
  ASSERT_TRUE(accepted());
  Side& server = *sides[0];
  server.stream->setReading(false);
  std::string sent;
  for (std::size_t i = 0; sent.size() < (12u << 20); ++i) {
    std::string piece(1 + (i * 7919) % 70'000, static_cast<char>('a' + i % 26));
    piece += std::to_string(i);
    ASSERT_TRUE(until([&] { return client.stream->write(piece) || !server.stream->open(); }));
    sent += piece;
    loop.poll();
    if (client.stream->congested()) server.stream->setReading(true);
  }
  ASSERT_TRUE(client.drained > 0 || client.stream->congested()) << "nothing had to wait";
  server.stream->setReading(true);
  EXPECT_TRUE(until([&] { return server.got.size() >= sent.size(); }));
  EXPECT_TRUE(server.got == sent);
}

TEST_F(ByteStreamTest, AReset) {
  listen();
  Side client;
  ASSERT_EQ(connect(client), "");
  ASSERT_TRUE(accepted());
  client.stream->write("never read");
  sides[0]->stream->setReading(false);
  ASSERT_TRUE(until([&] { return client.stream->queuedBytes() == 0; }));
  sides[0]->stream.reset();  // Unread bytes make it a reset.
  ASSERT_TRUE(until([&] { return client.end.has_value(); }));
  EXPECT_THAT(client.end->reason, ::testing::AnyOf("net.reset", "net.closed"));
}

TEST_F(ByteStreamTest, AFullQueueRefusesAndTheMarksAreTold) {
  listen();
  Side client;
  ASSERT_EQ(connect(client, nullptr, "", {.maxQueuedBytes = 8 << 20, .highMark = 1 << 20, .lowMark = 1000}),
            "");
  ASSERT_TRUE(accepted());
  sides[0]->stream->setReading(false);
  std::size_t written = 0;
  while (client.stream->write(std::string(100'000, 'x'))) written += 100'000;
  EXPECT_TRUE(client.stream->congested());
  EXPECT_LE(client.stream->queuedBytes(), std::size_t{8} << 20);
  EXPECT_EQ(client.drained, 0);
  sides[0]->stream->setReading(true);
  ASSERT_TRUE(until([&] { return sides[0]->got.size() == written; }));
  EXPECT_EQ(client.drained, 1);
  EXPECT_FALSE(client.stream->congested());
  EXPECT_TRUE(client.stream->write("again"));
}

TEST_F(ByteStreamTest, APeerThatDoesNotReadIsGivenUp) {
  listen();
  Side client;
  ASSERT_EQ(connect(client, nullptr, "", {.maxQueuedBytes = 64 << 20, .writeTimeout = Millis{50}}), "");
  ASSERT_TRUE(accepted());
  sides[0]->stream->setReading(false);
  client.stream->write(std::string(32 << 20, 'x'));
  ASSERT_TRUE(until([&] { return client.end.has_value(); }));
  EXPECT_EQ(client.end->reason, "net.slow_peer");
}

TEST_F(ByteStreamTest, IdleConnectionsEnd) {
  listen(nullptr, {.stream = {.idleTimeout = Millis{30}}, .connections = {}, .handshakes = {}});
  Side client;
  ASSERT_EQ(connect(client), "");
  ASSERT_TRUE(until([&] { return client.end.has_value(); }));
  ASSERT_TRUE(accepted());
  EXPECT_EQ(sides[0]->end->reason, "net.idle");
}

TEST_F(ByteStreamTest, NobodyThere) {
  listen();
  listener.reset();
  Side client;
  EXPECT_EQ(connect(client), "net.connect_failed");
}

TEST_F(ByteStreamTest, AConnectionThatWasGivenUpDoesNotReport) {
  listen();
  bool called = false;
  auto connecting = connectBytes(loop, where, "", nullptr, {},
                                 [&](const base::Result<std::unique_ptr<ByteStream>>&) { called = true; });
  connecting.reset();
  Side other;
  ASSERT_EQ(connect(other), "");
  EXPECT_FALSE(called);
}

TEST_F(ByteStreamTest, AHandlerMayDestroyItsStream) {
  listen();
  Side client;
  ASSERT_EQ(connect(client), "");
  ASSERT_TRUE(accepted());
  std::unique_ptr<ByteStream> mine = std::move(sides[0]->stream);
  std::optional<ByteStream*> seen;
  sides.clear();
  keep = false;
  Side second;
  // A connection whose handler drops it on the first byte.
  auto opened = ByteListener::open(
      loop, kLoopback, nullptr, {},
      [&](std::unique_ptr<ByteStream> s) {
        mine = std::move(s);
        mine->start({[&](base::Bytes) {
                       seen = mine.get();
                       mine.reset();
                     },
                     {},
                     [](const base::Error&) { ADD_FAILURE() << "told after it was dropped"; }});
      },
      {});
  ASSERT_TRUE(opened);
  where = (*opened)->localEndpoint();
  ASSERT_EQ(connect(second), "");
  second.stream->write("x");
  EXPECT_TRUE(until([&] { return second.end.has_value(); }));
  EXPECT_TRUE(seen.has_value());
}

TEST_F(ByteStreamTest, ConnectionsHaveALimitThatComesBack) {
  listen(nullptr, {.stream = {},
                   .connections = std::make_shared<ConnectionLimiter>(
                       ConnectionLimiter::Limits{.total = 10, .perNetwork = 2}),
                   .handshakes = {}});
  Side a, b, c, d;
  ASSERT_EQ(connect(a), "");
  ASSERT_EQ(connect(b), "");
  ASSERT_TRUE(accepted(2));
  ASSERT_EQ(connect(c), "");
  ASSERT_TRUE(until([&] { return c.end.has_value(); }));
  EXPECT_THAT(refused, ElementsAre("connections_per_network"));
  a.stream->close();
  ASSERT_TRUE(until([&] { return sides[0]->end.has_value(); }));
  ASSERT_EQ(connect(d), "");
  EXPECT_TRUE(accepted(3));
}

TEST_F(ByteStreamTest, AHandshakeCountsUntilItIsOver) {
  const auto c = makeCertificate("DNS:localhost");
  const auto limiter =
      std::make_shared<HandshakeLimiter>(HandshakeLimiter::Limits{.total = 9, .perNetwork = 1});
  listen(serverOf({.certificates = {pairOf(c)}}), {.stream = {}, .connections = {}, .handshakes = limiter});
  RawPeer silent(loop, where);
  ASSERT_TRUE(until([&] { return limiter->running() == 1; }));
  RawPeer second(loop, where);
  ASSERT_TRUE(second.waitClosed());
  EXPECT_THAT(refused, ElementsAre("handshakes_per_network"));
  silent.hangUp();
  ASSERT_TRUE(until([&] { return refused.size() == 2; }));
  EXPECT_EQ(refused.back(), "handshake_failed");
  EXPECT_EQ(limiter->running(), 0u);

  RawPeer nonsense(loop, where);
  nonsense.send("OPTIONS sip:a SIP/2.0\r\n\r\n");
  ASSERT_TRUE(until([&] { return refused.size() == 3; }));
  EXPECT_EQ(refused.back(), "handshake_failed");
  EXPECT_EQ(limiter->running(), 0u);
  Side client;
  EXPECT_EQ(connect(client, clientOf({.authoritiesPem = c.certificate})), "");
}

TEST_F(ByteStreamTest, AHalfOpenHandshakeEndsAndGivesItsPlaceBack) {
  const auto limiter =
      std::make_shared<HandshakeLimiter>(HandshakeLimiter::Limits{.total = 9, .perNetwork = 1});
  listen(serverOf({.certificates = {pairOf(makeCertificate("DNS:localhost"))}}),
         {.stream = {.handshakeTimeout = Millis{30}}, .connections = {}, .handshakes = limiter});
  for (int i = 0; i < 2; ++i) {
    RawPeer silent(loop, where);
    ASSERT_TRUE(silent.waitClosed());
  }
  EXPECT_THAT(refused, ElementsAre("handshake_timeout", "handshake_timeout"));
  EXPECT_EQ(limiter->running(), 0u);
}

TEST_F(ByteStreamTest, AServerThatDoesNotFinishTheHandshake) {
  listen();  // Plain: it never answers a ClientHello.
  Side client;
  EXPECT_EQ(connect(client, clientOf({}), "localhost", {.handshakeTimeout = Millis{30}}), "net.timeout");
}

TEST_F(ByteStreamTest, TheServerMustBeWhomWeMeant) {
  const auto good = makeCertificate("DNS:sbc.example");
  const auto other = makeCertificate("DNS:sbc.example");
  listen(serverOf({.certificates = {pairOf(good)}}));
  Side client;
  EXPECT_EQ(connect(client, clientOf({.authoritiesPem = good.certificate}), "evil.example"),
            "net.tls_failed");
  EXPECT_THAT(problem, HasSubstr("hostname mismatch"));
  EXPECT_EQ(connect(client, clientOf({.authoritiesPem = other.certificate}), "sbc.example"),
            "net.tls_failed");
  ASSERT_EQ(connect(client, clientOf({.authoritiesPem = good.certificate}), "sbc.example"), "");
  EXPECT_TRUE(client.stream->peer().verified);
  EXPECT_THAT(client.stream->peer().dnsNames, ElementsAre("sbc.example"));
  EXPECT_EQ(client.stream->peer().sha256.size(), 64u);
  Side trusting;
  ASSERT_EQ(connect(trusting, clientOf({.verify = false}), "evil.example"), "");
  EXPECT_FALSE(trusting.stream->peer().verified);
}

TEST_F(ByteStreamTest, MutualTls) {
  const auto server = makeCertificate("DNS:localhost");
  const auto known = makeCertificate("DNS:sbc.example,URI:sip:sbc.example");
  const auto stranger = makeCertificate("DNS:sbc.example");
  for (const auto policy : {ClientCertificate::required, ClientCertificate::optional}) {
    sides.clear();
    refused.clear();
    const bool required = policy == ClientCertificate::required;
    listen(serverOf({.certificates = {pairOf(server)},
                     .clientCertificate = policy,
                     .authoritiesPem = known.certificate}));
    Side a, b, c;
    ASSERT_EQ(connect(a, clientOf({.authoritiesPem = server.certificate, .certificate = {pairOf(known)}})),
              "");
    ASSERT_TRUE(accepted());
    EXPECT_TRUE(sides[0]->stream->peer().verified);
    EXPECT_THAT(sides[0]->stream->peer().dnsNames, ElementsAre("sbc.example"));
    EXPECT_THAT(sides[0]->stream->peer().uris, ElementsAre("sip:sbc.example"));

    // In TLS 1.3 a client learns of the refusal after its own handshake is done.
    connect(b, clientOf({.authoritiesPem = server.certificate}));
    connect(c, clientOf({.authoritiesPem = server.certificate, .certificate = {pairOf(stranger)}}));
    if (required) {
      EXPECT_TRUE(until([&] { return refused.size() == 2; }));
      EXPECT_TRUE(until([&] { return b.end && c.end; }));
      EXPECT_EQ(sides.size(), 1u);
      continue;
    }
    ASSERT_TRUE(accepted(3));
    EXPECT_FALSE(sides[1]->stream->peer().shown);
    EXPECT_FALSE(sides[1]->stream->peer().verified);
    EXPECT_TRUE(sides[2]->stream->peer().shown);
    EXPECT_FALSE(sides[2]->stream->peer().verified);
  }
}

TEST_F(ByteStreamTest, TheServerNameChoosesTheCertificateAlsoAfterAReplacement) {
  const auto first = makeCertificate("DNS:one.example");
  const auto second = makeCertificate("DNS:two.example,DNS:*.two.example");
  const auto third = makeCertificate("DNS:two.example");
  const auto context = serverOf({.certificates = {pairOf(first), pairOf(second)}});
  listen(context);
  const auto trusting = clientOf(
      {.authoritiesPem = first.certificate + second.certificate + third.certificate, .verify = false});
  const auto shown = [&](const std::string& host) {
    Side side;
    EXPECT_EQ(connect(side, trusting, host), "");
    return side.stream ? side.stream->peer().sha256 : "";
  };
  const auto one = shown("one.example");
  const auto two = shown("two.example");
  EXPECT_NE(one, two);
  EXPECT_EQ(shown("sip.two.example"), two);
  EXPECT_EQ(shown("unknown.example"), one);
  EXPECT_EQ(shown("127.0.0.1"), one);  // No server name is sent.

  Side running;
  ASSERT_EQ(connect(running, trusting, "two.example"), "");
  ASSERT_TRUE(accepted(6));
  ASSERT_TRUE(context->replace({.certificates = {pairOf(first), pairOf(third)}}));
  EXPECT_EQ(context->replace({.certificates = {}}).error().reason, "tls.bad_certificate");
  EXPECT_EQ(
      context->replace({.certificates = {pairOf(first), {second.certificate, third.key}}}).error().reason,
      "tls.key_mismatch");
  const auto now = shown("two.example");
  EXPECT_NE(now, two);
  EXPECT_NE(now, one);
  running.stream->write("still");
  EXPECT_TRUE(until([&] { return sides[5]->got == "still"; }));
  ASSERT_TRUE(context->replace(second.certificate, second.key));  // The default alone.
  EXPECT_EQ(shown("unknown.example"), two);
  EXPECT_EQ(shown("two.example"), two) << "the default is asked first";
}

}  // namespace
}  // namespace parley::net
