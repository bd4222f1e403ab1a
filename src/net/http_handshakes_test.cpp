// The limits of TLS handshakes at the HTTP server's door.
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "net/http_client.h"
#include "net/internal_loop.h"
#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::kDeadline;
using rig::RawPeer;

std::uint64_t refused(const char* reason) {
  return base::Metrics::instance()
      .counter("parley_http_refused_total", "Requests and connections refused, by reason.",
               {{"reason", reason}})
      .value();
}

HttpServerOptions limited(HandshakeLimiter::Limits limits) {
  HttpServerOptions options;
  options.handshakes = limits;
  return options;
}

struct Door {
  explicit Door(const HttpServerOptions& options) {
    router->add("GET", "/hello",
                [](const HttpRequest&, HttpReply reply) { reply.send(HttpResponse::text(200, "hello")); });
    auto tls = TlsServerContext::create(certificate.certificate, certificate.key);
    server.emplace(loop, router, options);
    where = *server->listen(*Endpoint::parse("127.0.0.1", 0), *tls);
  }
  bool until(const std::function<bool()>& done) { return loop.runUntil(done, kDeadline); }
  /// A peer that was taken and says nothing.
  std::unique_ptr<RawPeer> silent() {
    const auto before = server->connections();
    auto peer = std::make_unique<RawPeer>(loop, where);
    EXPECT_TRUE(until([&] { return server->connections() == before + 1; }));
    return peer;
  }
  /// A whole request over a connection of its own.
  bool served() {
    HttpClient client(loop, {.tls = *TlsClientContext::create(certificate.certificate, false)});
    std::optional<base::Result<HttpResponse>> answer;
    client.request({"GET", "https://" + where.toString() + "/hello", {}, ""},
                   [&](base::Result<HttpResponse> response) { answer = std::move(response); });
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    return answer && *answer && (*answer)->status == 200;
  }

  EventLoop loop{"test"};
  rig::TestCertificate certificate = rig::makeCertificate("IP:127.0.0.1");
  std::shared_ptr<Router> router = std::make_shared<Router>();
  std::optional<HttpServer> server;
  Endpoint where;
};

struct LimitCase {
  HandshakeLimiter::Limits limits;
  std::vector<std::string> proxies;
  const char* reason;
};

TEST(HttpHandshakes, OtherWorkThatIsReadyRunsBetweenTwo) {
  EventLoop loop("test");
  std::string order;
  std::function<void()> other = [&] {
    order += 'o';
    if (order.size() < 8) loop.post([&] { other(); });
  };
  auto& handshakes = loop.impl().handshakes;
  loop.post([&] {
    for (int i = 0; i < 3; ++i) handshakes.add([&] { order += 'h'; });
    other();
  });
  while (loop.poll()) {
  }
  EXPECT_EQ(order.substr(0, 6), "ohohoh");
  handshakes.add([&] { order = "again"; });
  while (loop.poll()) {
  }
  EXPECT_EQ(order, "again");
}

TEST(HttpHandshakes, ThoseThatStartedAndDoNotFinishLeaveNoPlaceForMore) {
  for (const auto& [limits, proxies, reason] :
       {LimitCase{{.total = 10, .perNetwork = 2}, {}, "handshakes_per_network"},
        LimitCase{{.total = 2, .perNetwork = 10}, {}, "handshakes"},
        LimitCase{{.total = 2, .perNetwork = 1}, {"127.0.0.1"}, "handshakes"}}) {
    HttpServerOptions options = limited(limits);
    options.trustedProxies = proxies;
    Door door(options);
    auto first = door.silent();
    const auto second = door.silent();
    const auto before = refused(reason);
    RawPeer third(door.loop, door.where);
    EXPECT_TRUE(third.waitClosed()) << reason;
    EXPECT_EQ(third.got, "");
    EXPECT_EQ(refused(reason), before + 1) << reason;
    EXPECT_FALSE(door.served()) << reason;
    first->hangUp();
    ASSERT_TRUE(door.until([&] { return door.server->connections() == 1; }));
    EXPECT_TRUE(door.served()) << reason;
  }
}

TEST(HttpHandshakes, OnesThatAreOverDoNotCount) {
  Door door(limited({.total = 1, .perNetwork = 1}));
  HttpClient client(door.loop, {.tls = *TlsClientContext::create(door.certificate.certificate, false)});
  std::vector<std::shared_ptr<WebSocket>> open;
  door.router->addWebSocket("/ws", [](const HttpRequest&, WebSocketUpgrade upgrade) {
    upgrade.accept({}, [](const std::shared_ptr<WebSocket>&) {});
  });
  for (int i = 0; i < 3; ++i) {
    bool answered = false;
    client.openWebSocket("wss://" + door.where.toString() + "/ws", {}, {}, [&](auto socket) {
      answered = true;
      ASSERT_TRUE(socket) << socket.error().text;
      open.push_back(*socket);
    });
    ASSERT_TRUE(door.until([&] { return answered; }));
  }
  EXPECT_EQ(open.size(), 3u);
  EXPECT_TRUE(door.served());
}

TEST(HttpHandshakes, ASilentPeerIsDroppedAtTheDeadlineAndGivesItsPlaceBack) {
  HttpServerOptions options = limited({.total = 1, .perNetwork = 1});
  options.handshakeTimeout = Millis{30};
  Door door(options);
  const auto before = refused("handshake_timeout");
  RawPeer silent(door.loop, door.where);
  EXPECT_TRUE(silent.waitClosed());
  EXPECT_EQ(refused("handshake_timeout"), before + 1);
  RawPeer plain(door.loop, door.where);
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(plain.waitClosed());
  EXPECT_TRUE(door.until([&] { return door.server->connections() == 0; }));
}

TEST(HttpHandshakes, LimitsChangeWhileItRuns) {
  Door door(limited({.total = 1, .perNetwork = 1}));
  const auto silent = door.silent();
  EXPECT_FALSE(door.served());
  door.server->setHandshakeLimits({.total = 2, .perNetwork = 2});
  EXPECT_TRUE(door.served());
}

}  // namespace
}  // namespace parley::net
