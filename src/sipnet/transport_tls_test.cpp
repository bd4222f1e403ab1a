// The SIP transports over TLS and WebSocket.
#include <dirent.h>

#include <optional>

#include "net/byte_stream.h"
#include "net/http_client.h"
#include "sipnet/test_rig.h"

namespace parley::sipnet {
namespace {

using namespace rig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

struct SipTlsTest : ::testing::Test {
  bool until(const std::function<bool()>& done) { return loop.runUntil(done, kDeadline); }
  net::EventLoop loop{"test"};
  TestCertificate server = makeCertificate("DNS:sbc.example");
  TestCertificate client = makeCertificate("DNS:parley.example,URI:sip:calls.example");
};

TransportOptions withTls(std::shared_ptr<net::TlsClientContext> tls) {
  TransportOptions options;
  options.tls = std::move(tls);
  return options;
}

TEST_F(SipTlsTest, MutualTlsNamesBothSides) {
  Side a(loop), b(loop, withTls(clientTls(server, &client)));
  const auto to = targetOf(
      TransportKind::tls, a.listen(TransportKind::tls, serverTls(server, client.certificate)), "sbc.example");
  b.transport.send(optionsRequest("SIP/2.0/TLS parley.example"), to, kToken);
  ASSERT_TRUE(a.got(1));
  const auto& source = a.messages[0].second;
  EXPECT_TRUE(source.verified);
  EXPECT_EQ(source.peerName, "calls.example") << "the SIP URI goes before DNS names";
  a.transport.send(optionsRequest("SIP/2.0/TLS sbc.example"), source.target(), kToken);
  ASSERT_TRUE(b.got(1));
  EXPECT_TRUE(b.messages[0].second.verified);
  EXPECT_EQ(b.messages[0].second.peerName, "sbc.example");
  // Without the flow: by address and proved name; not for a name that was not proved.
  sip::Target byName = source.target();
  byName.flow = {};
  byName.host = "Parley.Example";
  a.transport.send(optionsRequest("SIP/2.0/TLS sbc.example", "by-name"), byName, kToken);
  ASSERT_TRUE(b.got(2));
  byName.host = "other.example";
  a.transport.send(optionsRequest("SIP/2.0/TLS sbc.example", "stolen"), byName, kToken);
  ASSERT_TRUE(until([&] { return !a.failed.empty(); }));
  EXPECT_THAT(a.failed, ElementsAre(Pair(7u, "sip.transport_unavailable")));
}

TEST_F(SipTlsTest, AChainIsSentAndProvedByItsRoot) {
  const auto root = makeCertificate("DNS:root.example");
  const auto between = makeCertificate("DNS:between.example", &root);
  for (const bool whole : {true, false}) {
    auto leaf = makeCertificate("DNS:sbc.example", &between);
    auto caller = makeCertificate("DNS:parley.example", &between);
    if (whole) {
      leaf.certificate += between.certificate;
      caller.certificate += between.certificate;
    }
    // Both sides know the root alone; who is in between comes with the other side's certificate.
    Side a(loop), b(loop, withTls(clientTls(root, &caller)));
    const auto to = targetOf(TransportKind::tls,
                             a.listen(TransportKind::tls, serverTls(leaf, root.certificate)), "sbc.example");
    b.transport.send(optionsRequest("SIP/2.0/TLS parley.example"), to, kToken);
    if (whole) {
      ASSERT_TRUE(a.got(1));
      EXPECT_TRUE(a.messages[0].second.verified);
      EXPECT_EQ(a.messages[0].second.peerName, "parley.example");
    } else {
      ASSERT_TRUE(until([&] { return !b.failed.empty(); }));
      EXPECT_THAT(b.failed, ElementsAre(Pair(7u, "sip.transport_tls_failed")));
    }
  }
}

TEST_F(SipTlsTest, AnAliasLeadsBackOnlyForProvedNames) {
  for (const bool proved : {true, false}) {
    Side a(loop), b(loop, withTls(clientTls(server, proved ? &client : nullptr)));
    const auto where = a.listen(TransportKind::tls, serverTls(server, client.certificate));
    b.transport.send(optionsRequest("SIP/2.0/TLS parley.example:5061;alias"),
                     targetOf(TransportKind::tls, where, "sbc.example"), kToken);
    ASSERT_TRUE(a.got(1));
    EXPECT_EQ(a.messages[0].second.verified, proved);
    a.transport.send(optionsRequest("SIP/2.0/TLS sbc.example"),
                     targetOf(TransportKind::tls, *net::Endpoint::parse("127.0.0.1", 5061), "parley.example"),
                     kToken);
    if (proved) {
      EXPECT_TRUE(b.got(1));
    } else {
      EXPECT_TRUE(until([&] { return !a.failed.empty(); }));
    }
  }
}

TEST_F(SipTlsTest, AServerThatIsNotWhomWeMeantIsNotSpokenTo) {
  Side a(loop), b(loop, withTls(clientTls(server)));
  const auto where = a.listen(TransportKind::tls, serverTls(server));
  b.transport.send(optionsRequest("SIP/2.0/TLS x"), targetOf(TransportKind::tls, where, "evil.example"),
                   kToken);
  ASSERT_TRUE(until([&] { return !b.failed.empty(); }));
  EXPECT_THAT(b.failed, ElementsAre(Pair(7u, "sip.transport_tls_failed")));
  EXPECT_EQ(b.transport.connections(), 0u);
  EXPECT_TRUE(a.messages.empty());
}

TEST_F(SipTlsTest, TheServerNameChoosesAndCertificatesChangeWhileConnectionsRun) {
  const auto second = makeCertificate("DNS:two.example");
  const auto renewed = makeCertificate("DNS:sbc.example");
  net::TlsServerSettings settings;
  settings.certificates = {{server.certificate, server.key}, {second.certificate, second.key}};
  const auto context = *net::TlsServerContext::create(settings);
  net::TlsClientSettings trusting;
  trusting.authoritiesPem = server.certificate + second.certificate;
  const auto clientContext = *net::TlsClientContext::create(trusting);
  Side a(loop), b(loop, withTls(clientContext));
  const auto where = a.listen(TransportKind::tls, context);
  const auto send = [&](Side& from, const std::string& host) {
    from.transport.send(optionsRequest("SIP/2.0/TLS x", host), targetOf(TransportKind::tls, where, host),
                        kToken);
  };
  send(b, "sbc.example");
  send(b, "two.example");
  ASSERT_TRUE(a.got(2));
  EXPECT_EQ(a.transport.connections(), 2u) << "one for each name";

  ASSERT_TRUE(context->replace(renewed.certificate, renewed.key));
  send(b, "sbc.example");
  ASSERT_TRUE(a.got(3));  // The running connection is used.
  EXPECT_EQ(a.transport.connections(), 2u);
  Side c(loop, withTls(clientTls(renewed))), d(loop, withTls(clientTls(server)));
  send(c, "sbc.example");
  ASSERT_TRUE(a.got(4));
  send(d, "sbc.example");
  ASSERT_TRUE(until([&] { return !d.failed.empty(); }));
}

TEST_F(SipTlsTest, HalfOpenHandshakesEnd) {
  TransportOptions options;
  options.handshakeTimeout = Millis{40};
  options.maxHandshakesPerNetwork = 1;
  Side a(loop, options);
  const auto where = a.listen(TransportKind::tls, serverTls(server));
  for (int i = 0; i < 2; ++i) {
    RawPeer silent(loop, where);
    ASSERT_TRUE(silent.waitClosed());
  }
  EXPECT_THAT(a.refused, ElementsAre("handshake_timeout", "handshake_timeout")) << "it gives its place back";
}

std::size_t openDescriptors() {
  std::size_t count = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir("/proc/self/fd"), closedir);
  while (readdir(dir.get()) != nullptr) ++count;
  return count;
}

TEST_F(SipTlsTest, ThreeTimesFiveHundredConnectionsLeaveNothing) {
  // bench/sip/connections.cpp does 5,000 with memory counted; here the leak checker looks.
  constexpr std::size_t kConnections = 500, kAtOnce = 50;
  TransportOptions options;
  options.maxConnectionsPerNetwork = options.maxHandshakes = options.maxHandshakesPerNetwork = kAtOnce;
  Side a(loop, options);
  const auto where = a.listen(TransportKind::tls, serverTls(server));
  const auto tls = clientTls(server);
  const std::string request = optionsRequest("SIP/2.0/TLS x");
  const std::size_t before = openDescriptors();
  for (int round = 0; round < 3; ++round) {
    for (std::size_t done = 0; done < kConnections; done += kAtOnce) {
      std::vector<std::unique_ptr<net::ByteStream>> streams;
      std::vector<std::unique_ptr<net::ByteConnecting>> attempts;
      for (std::size_t i = 0; i < kAtOnce; ++i) {
        attempts.push_back(net::connectBytes(loop, where, "sbc.example", tls, {}, [&](auto stream) {
          ASSERT_TRUE(stream) << stream.error().text;
          (*stream)->start({});
          (*stream)->write(request);
          streams.push_back(std::move(*stream));
        }));
      }
      ASSERT_TRUE(a.got(kAtOnce));
      streams.clear();
      ASSERT_TRUE(until([&] { return a.transport.connections() == 0; }));
      a.messages.clear();
    }
    EXPECT_EQ(a.closed.size(), kConnections);
    a.closed.clear();
    EXPECT_EQ(openDescriptors(), before);
  }
  EXPECT_TRUE(a.refused.empty());
}

// ---- WebSocket ----

/// A SIP transport behind an HTTP server.
struct WebSide : Side {
  explicit WebSide(net::EventLoop& l, TransportOptions options = {},
                   std::shared_ptr<net::TlsServerContext> tls = nullptr,
                   const net::Endpoint& bind = kLoopback)
      : Side(l, std::move(options)) {
    router->addWebSocket("/sip", [this](const net::HttpRequest& request, net::WebSocketUpgrade upgrade) {
      transport.takeUpgrade(request, std::move(upgrade), where);
    });
    http.emplace(l, router, net::HttpServerOptions{});
    where = *http->listen(bind, std::move(tls));
  }
  std::shared_ptr<net::Router> router = std::make_shared<net::Router>();
  net::Endpoint where;
  std::optional<net::HttpServer> http;
};

TransportOptions webOptions(std::shared_ptr<net::TlsClientContext> tls = nullptr) {
  TransportOptions options;
  options.connectWebSocket = true;
  options.webSocketPath = "/sip";
  options.tls = std::move(tls);
  return options;
}

TEST_F(SipTlsTest, WebSocketBothWays) {
  for (const bool secure : {false, true}) {
    const auto kind = secure ? TransportKind::wss : TransportKind::ws;
    WebSide a(loop, {}, secure ? serverTls(server) : nullptr);
    Side b(loop, webOptions(clientTls(server)));
    const auto to = targetOf(kind, a.where, secure ? "sbc.example" : "");
    EXPECT_THAT(b.transport.sentBy(to), HasSubstr(".invalid"));
    b.transport.send(optionsRequest("SIP/2.0/WS x.invalid", "first"), to, kToken);
    b.transport.send(optionsRequest("SIP/2.0/WS x.invalid", "second"), to, kToken);
    ASSERT_TRUE(a.got(2));
    EXPECT_EQ(a.messages[0].second.kind, kind);
    EXPECT_EQ(a.transport.connections(), 1u);
    const auto back = a.messages[0].second.target();
    EXPECT_EQ(a.transport.sentBy(back), a.where.toString());
    a.transport.send(optionsRequest("SIP/2.0/WS y", "back"), back, kToken);
    ASSERT_TRUE(b.got(1));
    EXPECT_EQ(b.messages[0].second.verified, secure);
    b.transport.closeFlow(b.messages[0].second.flow);
    ASSERT_TRUE(until([&] { return !a.closed.empty() && !b.closed.empty(); }));
    EXPECT_EQ(a.closed[0].second, "sip.flow_closed");
    a.transport.send(optionsRequest("SIP/2.0/WS y"), back, kToken);
    ASSERT_TRUE(until([&] { return !a.failed.empty(); }));
    EXPECT_EQ(a.failed[0].second, "sip.transport_flow_gone") << "a browser cannot be called back";
  }
}

TEST_F(SipTlsTest, EveryStreamGoesOverIpv6) {
  const auto six = *net::Endpoint::parse("::1", 0);
  for (const auto kind : {TransportKind::tcp, TransportKind::tls, TransportKind::ws, TransportKind::wss}) {
    const bool web = kind == TransportKind::ws || kind == TransportKind::wss;
    const auto tls = sip::isSecure(kind) ? serverTls(server) : nullptr;
    WebSide a(loop, {}, tls, six);
    Side b(loop, webOptions(clientTls(server)));
    const auto where = web ? a.where : a.listen(kind, tls, six);
    b.transport.send(optionsRequest("SIP/2.0/TCP [::1]"), targetOf(kind, where, "sbc.example"), kToken);
    ASSERT_TRUE(a.got(1)) << sip::toString(kind);
    const auto& source = a.messages[0].second;
    EXPECT_EQ(source.kind, kind);
    EXPECT_FALSE(source.remote.isV4());
    EXPECT_THAT(a.transport.sentBy(source.target()), StartsWith("[::1]:"));
    a.transport.send(optionsRequest("SIP/2.0/TCP [::1]", "back"), source.target(), kToken);
    ASSERT_TRUE(b.got(1)) << sip::toString(kind);
    EXPECT_EQ(b.messages[0].second.remote, addressOf(where));
  }
}

TEST_F(SipTlsTest, AWebSocketMustSpeakSip) {
  WebSide a(loop);
  net::HttpClient plain(loop, {});
  std::optional<std::string> refused;
  plain.openWebSocket(
      "ws://" + a.where.toString() + "/sip", {}, {},
      [&](base::Result<std::shared_ptr<net::WebSocket>> r) { refused = r ? "" : r.error().reason; });
  ASSERT_TRUE(until([&] { return refused.has_value(); }));
  EXPECT_EQ(*refused, "http.refused_upgrade");
  EXPECT_THAT(a.refused, ElementsAre("subprotocol"));

  // A server that takes the upgrade, but does not speak SIP.
  std::shared_ptr<net::WebSocket> kept;
  a.router->addWebSocket("/other", [&](const net::HttpRequest&, net::WebSocketUpgrade upgrade) {
    upgrade.accept({}, [&](std::shared_ptr<net::WebSocket> socket) { kept = std::move(socket); });
  });
  TransportOptions options = webOptions();
  options.webSocketPath = "/other";
  Side b(loop, options);
  b.transport.send(optionsRequest("SIP/2.0/WS x"), targetOf(TransportKind::ws, a.where), kToken);
  ASSERT_TRUE(until([&] { return !b.failed.empty(); }));
  EXPECT_EQ(b.failed[0].second, "sip.transport_connect_failed");
}

TEST_F(SipTlsTest, WebSocketKeepAlivesAndBadMessages) {
  TransportOptions options;
  options.maxBadMessages = 3;
  WebSide a(loop, options);
  net::HttpClient http(loop, {});
  std::shared_ptr<net::WebSocket> socket;
  net::WebSocketOptions sip;
  sip.subprotocol = "sip";
  http.openWebSocket("ws://" + a.where.toString() + "/sip", {}, sip,
                     [&](base::Result<std::shared_ptr<net::WebSocket>> r) { socket = *r; });
  ASSERT_TRUE(until([&] { return socket != nullptr; }));
  std::vector<std::string> got;
  bool closed = false;
  socket->start([&](std::string_view text) { got.emplace_back(text); }, {},
                [&](std::uint16_t, std::string_view) { closed = true; });
  socket->sendText("\r\n\r\n");
  const std::string binary = optionsRequest("SIP/2.0/WS x", "binary");
  socket->sendBinary({binary.begin(), binary.end()});
  socket->sendText(badRequest("SIP/2.0/WS x"));
  ASSERT_TRUE(until([&] { return got.size() == 2; }));
  EXPECT_EQ(got[0], "\r\n");
  EXPECT_THAT(got[1], HasSubstr("SIP/2.0 400 "));
  EXPECT_EQ(a.messages.size(), 1u);
  for (int i = 0; i < 3; ++i) socket->sendText("nonsense");
  ASSERT_TRUE(until([&] { return closed; }));
  EXPECT_EQ(a.closed[0].second, "sip.flow_garbage");
}

}  // namespace
}  // namespace parley::sipnet
