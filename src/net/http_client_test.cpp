#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/internal_stream.h"
#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::kDeadline;
using rig::kLoopback;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Answer = std::optional<base::Result<HttpResponse>>;
using SocketAnswer = std::optional<base::Result<std::shared_ptr<WebSocket>>>;

struct Fixture {
  explicit Fixture(HttpClientOptions options = {}) { client.emplace(loop, std::move(options)); }
  base::Result<HttpResponse> get(const std::string& url, std::string method = "GET", std::string body = "") {
    Answer answer;
    client->request({std::move(method), url, {}, std::move(body)},
                    [&](base::Result<HttpResponse> r) { answer = std::move(r); });
    EXPECT_FALSE(answer) << "answered inside the call";
    EXPECT_TRUE(loop.runUntil([&] { return answer.has_value(); }, kDeadline));
    return answer ? std::move(*answer) : base::fail("test.deadline", "");
  }
  EventLoop loop{"test"};
  std::optional<HttpClient> client;
};

/// A real server of ours.
struct Served : Fixture {
  explicit Served(HttpClientOptions options = {}, HttpServerOptions server = {},
                  std::shared_ptr<TlsServerContext> tls = nullptr)
      : Fixture(std::move(options)) {
    router->add("GET", "/hello", [this](const HttpRequest& request, HttpReply reply) {
      last = request;
      reply.send(HttpResponse::text(200, "hello"));
    });
    router->add("POST", "/echo", [this](const HttpRequest& request, HttpReply reply) {
      last = request;
      reply.send(HttpResponse::text(201, request.body));
    });
    router->add("GET", "/never",
                [this](const HttpRequest&, HttpReply reply) { kept.push_back(std::move(reply)); });
    http.emplace(loop, router, server);
    where = *http->listen(kLoopback, tls);
    url = (tls ? "https://" : "http://") + where.toString();
  }
  std::shared_ptr<Router> router = std::make_shared<Router>();
  std::vector<HttpReply> kept;
  HttpRequest last;
  std::optional<HttpServer> http;
  Endpoint where;
  std::string url;
};

/// Takes connections, hands over what came, answers with given bytes.
struct Scripted : Fixture {
  struct Peer {
    std::shared_ptr<Stream> stream;
    std::string got;
    char space[4096];
  };
  explicit Scripted(HttpClientOptions options = {}) : Fixture(std::move(options)) {
    listener = std::move(*Listener::open(loop, kLoopback, [this](FileDescriptor fd, const Endpoint& remote) {
      auto peer = std::make_shared<Peer>();
      peer->stream = makeServerStream(loop, std::move(fd), remote, nullptr);
      peers.push_back(peer);
      read(peer);
    }));
    url = "http://" + listener->localEndpoint().toString();
  }
  void read(const std::shared_ptr<Peer>& peer) {
    peer->stream->readSome(asio::mutable_buffer(peer->space, sizeof peer->space),
                           [this, peer](ErrorCode error, std::size_t n) {
                             if (error) return;
                             peer->got.append(peer->space, n);
                             if (peer->got.find("\r\n\r\n") != std::string::npos) {
                               peer->got.clear();
                               onRequest(*peer);
                             }
                             read(peer);
                           });
  }
  void answer(Peer& peer, std::string text) {
    sent.push_back(std::make_shared<std::string>(std::move(text)));
    BufferList list;
    list.add(asio::const_buffer(sent.back()->data(), sent.back()->size()));
    peer.stream->writeSome(list, [keep = sent.back()](ErrorCode, std::size_t) {});
  }
  std::unique_ptr<Listener> listener;
  std::vector<std::shared_ptr<Peer>> peers;
  std::vector<std::shared_ptr<std::string>> sent;
  std::function<void(Peer&)> onRequest;
  std::string url;
};

TEST(HttpClient, AsksAndReusesTheConnection) {
  Served s;
  for (int i = 0; i < 3; ++i) {
    const auto r = s.get(s.url + "/hello?x=1");
    ASSERT_TRUE(r) << r.error().text;
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(r->body, "hello");
    EXPECT_THAT(std::string(r->headers.get("content-type")), StartsWith("text/plain"));
  }
  EXPECT_EQ(s.http->connections(), 1u);
  EXPECT_EQ(s.last.query.at("x"), "1");
  EXPECT_EQ(s.last.headers.get("Host"), s.where.toString());
  const auto echoed = s.get(s.url + "/echo", "POST", std::string(500'000, 'b'));
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->status, 201);
  EXPECT_EQ(echoed->body.size(), 500'000u);
  const auto head = s.get(s.url + "/hello", "HEAD");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(s.get(s.url + "/nothing")->status, 404);
  EXPECT_EQ(s.http->connections(), 1u);
}

TEST(HttpClient, ResolvesLocalhost) {
  Served s;
  const auto r = s.get("http://localhost:" + std::to_string(s.where.port()) + "/hello");
  ASSERT_TRUE(r) << r.error().reason << r.error().text;
  EXPECT_EQ(r->body, "hello");
}

TEST(HttpClient, LimitsConnectionsAndQueuesTheRest) {
  HttpClientOptions options;
  options.maxConnectionsPerHost = 2;
  options.maxQueuedPerHost = 3;
  Served s(options);
  int ok = 0;
  int busy = 0;
  for (int i = 0; i < 10; ++i) {
    s.client->request({"GET", s.url + "/hello", {}, ""}, [&](const base::Result<HttpResponse>& r) {
      r ? ++ok : ++busy;
      if (!r) {
        EXPECT_EQ(r.error().reason, "net.busy");
      }
    });
  }
  ASSERT_TRUE(s.loop.runUntil([&] { return ok + busy == 10; }, kDeadline));
  EXPECT_EQ(ok, 3);
  EXPECT_LE(s.http->connections(), 2u);
}

TEST(HttpClient, EveryFailureHasItsReason) {
  HttpClientOptions options;
  options.maxResponseBytes = 1000;
  {
    HttpClientOptions impatient;
    impatient.requestTimeout = Millis{50};
    Served s(impatient);
    EXPECT_EQ(s.get(s.url + "/never").error().reason, "net.timeout");
  }
  {
    Served s(options);
    s.router->add("GET", "/big", [](const HttpRequest&, HttpReply r) {
      r.send(HttpResponse::text(200, std::string(1001, 'x')));
    });
    EXPECT_EQ(s.get(s.url + "/big").error().reason, "http.too_large");
    EXPECT_EQ(s.get("https://" + s.where.toString()).error().reason, "net.tls_failed");
    for (const char* bad : {"", "localhost", "ws://x/", "http://a b/"}) {
      EXPECT_EQ(s.get(bad).error().reason, "http.bad_url") << bad;
    }
    s.http.reset();
    s.loop.poll();
    EXPECT_EQ(s.get(s.url + "/hello").error().reason, "net.connect_failed");
  }
  Scripted s(options);
  const auto answered = [&](std::string text) {
    s.onRequest = [&s, text](Scripted::Peer& peer) {
      if (!text.empty()) s.answer(peer, text);
      s.loop.post([stream = peer.stream] { stream->linger(Millis{100}, [](ErrorCode) {}); });
    };
    return s.get(s.url + "/");
  };
  EXPECT_EQ(answered("").error().reason, "net.closed");
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Len").error().reason, "net.closed");
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort").error().reason, "net.closed");
  EXPECT_EQ(answered("SSH-2.0-nonsense\r\n\r\n").error().reason, "http.bad_response");
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x')).error().reason, "http.too_large");
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n").error().reason, "http.too_large");
  const auto toEnd = answered("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  ASSERT_TRUE(toEnd) << toEnd.error().text;
  EXPECT_EQ(toEnd->body, "until the end");
  const auto interim =
      answered("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(interim);
  EXPECT_EQ(interim->body, "ok");
}

TEST(HttpClient, RetriesOnceWhenAReusedConnectionBreaksUnlessItIsAPost) {
  for (const std::string method : {"GET", "POST"}) {
    Scripted s;
    int requests = 0;
    s.onRequest = [&](Scripted::Peer& peer) {
      ++requests;
      if (requests == 2) return peer.stream->close();  // The second request on the first connection.
      s.answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    };
    ASSERT_TRUE(s.get(s.url + "/"));
    const auto second = s.get(s.url + "/", method);
    EXPECT_EQ(second.has_value(), method == "GET");
    if (!second) {
      EXPECT_EQ(second.error().reason, "net.closed");
    }
    EXPECT_EQ(requests, method == "GET" ? 3 : 2);
  }
}

TEST(HttpClient, DropsAConnectionThatSaysSomethingUnasked) {
  Scripted s;
  s.onRequest = [&](Scripted::Peer& peer) {
    s.answer(
        peer,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  };
  EXPECT_EQ(s.get(s.url + "/")->body, "ok");
  EXPECT_EQ(s.get(s.url + "/")->body, "ok");
  EXPECT_EQ(s.peers.size(), 2u);
}

TEST(HttpClient, IdleConnectionsEnd) {
  HttpClientOptions options;
  options.idleTimeout = Millis{20};
  Served s(options);
  ASSERT_TRUE(s.get(s.url + "/hello"));
  EXPECT_TRUE(s.loop.runUntil([&] { return s.http->connections() == 0; }, kDeadline));
}

TEST(HttpClient, MayBeDestroyedWithRequestsUnderWayAndInACallback) {
  Served s;
  bool called = false;
  s.client->request({"GET", s.url + "/never", {}, ""}, [&](const auto&) { called = true; });
  ASSERT_TRUE(s.loop.runUntil([&] { return !s.kept.empty(); }, kDeadline));
  s.client.reset();
  EXPECT_TRUE(s.loop.runUntil(
      [&] {
        s.kept.clear();
        return s.http->connections() == 0;
      },
      kDeadline));
  EXPECT_FALSE(called);

  s.client.emplace(s.loop, HttpClientOptions{});
  bool seen = false;
  s.client->request({"GET", s.url + "/hello", {}, ""}, [&](const auto&) {
    s.client.reset();
    seen = true;
  });
  s.client->request({"GET", s.url + "/hello", {}, ""}, [&](const auto&) {});
  ASSERT_TRUE(s.loop.runUntil([&] { return seen; }, kDeadline));
}

TEST(HttpClient, WritesBasicAuthorization) {
  EXPECT_EQ(HttpClient::basicAuthorization("Aladdin", base::Secret("open sesame")),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

// ---- TLS ----

std::shared_ptr<TlsServerContext> serverTls(const rig::TestCertificate& c) {
  auto context = TlsServerContext::create(c.certificate, c.key);
  EXPECT_TRUE(context) << (context ? "" : context.error().text);
  return *context;
}
HttpClientOptions trusting(const std::string& authorities) {
  HttpClientOptions options;
  options.tls = *TlsClientContext::create(authorities, false);
  return options;
}

TEST(Tls, TheClientChecksAuthorityAndName) {
  const auto good = rig::makeCertificate("DNS:localhost,IP:127.0.0.1");
  const auto other = rig::makeCertificate("DNS:localhost,IP:127.0.0.1");
  const auto elsewhere = rig::makeCertificate("DNS:elsewhere.example");
  {
    Served s(trusting(good.certificate), {}, serverTls(good));
    const auto r = s.get(s.url + "/hello");
    ASSERT_TRUE(r) << r.error().text;
    EXPECT_TRUE(s.last.secure);
    const auto named = s.get("https://localhost:" + std::to_string(s.where.port()) + "/hello");
    EXPECT_TRUE(named) << named.error().text;
  }
  {
    Served s(trusting(other.certificate), {}, serverTls(good));
    EXPECT_EQ(s.get(s.url + "/hello").error().reason, "net.untrusted");
  }
  {
    Served s(trusting(elsewhere.certificate), {}, serverTls(elsewhere));
    EXPECT_EQ(s.get(s.url + "/hello").error().reason, "net.untrusted");
    EXPECT_EQ(s.get("https://localhost:" + std::to_string(s.where.port())).error().reason, "net.untrusted");
    EXPECT_TRUE(s.loop.runUntil([&] { return s.http->connections() == 0; }, kDeadline));
  }
}

TEST(Tls, ANewCertificateServesNewConnectionsAndOldOnesGoOn) {
  const auto first = rig::makeCertificate("IP:127.0.0.1");
  const auto second = rig::makeCertificate("IP:127.0.0.1");
  const auto context = serverTls(first);
  Served s(trusting(first.certificate), {}, context);
  ASSERT_TRUE(s.get(s.url + "/hello"));
  const auto bad = context->replace("nonsense", second.key);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().reason, "tls.bad_certificate");
  EXPECT_EQ(context->replace(second.certificate, "nonsense").error().reason, "tls.bad_key");
  EXPECT_EQ(context->replace(second.certificate, first.key).error().reason, "tls.key_mismatch");
  ASSERT_TRUE(context->replace(second.certificate, second.key));
  // The old connection is still there for the client that trusts the first certificate only.
  const auto old = s.get(s.url + "/hello");
  EXPECT_TRUE(old) << old.error().text;
  EXPECT_EQ(s.http->connections(), 1u);
  s.client.emplace(s.loop, trusting(second.certificate));
  const auto fresh = s.get(s.url + "/hello");
  EXPECT_TRUE(fresh) << fresh.error().text;
  s.client.emplace(s.loop, trusting(first.certificate));
  EXPECT_EQ(s.get(s.url + "/hello").error().reason, "net.untrusted");
}

TEST(Tls, ServesLargeBodiesBothWays) {
  const auto certificate = rig::makeCertificate("IP:127.0.0.1");
  HttpServerOptions server;
  server.maxBodyBytes = 8 << 20;
  Served s(trusting(certificate.certificate), server, serverTls(certificate));
  std::string body(3'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  const auto r = s.get(s.url + "/echo", "POST", body);
  ASSERT_TRUE(r) << r.error().text;
  EXPECT_TRUE(r->body == body);
}

TEST(Tls, ASlowOrWrongHandshakeEnds) {
  HttpServerOptions server;
  server.handshakeTimeout = Millis{30};
  Served s({}, server, serverTls(rig::makeCertificate("IP:127.0.0.1")));
  rig::RawPeer silent(s.loop, s.where);
  EXPECT_TRUE(silent.waitClosed());
  rig::RawPeer plain(s.loop, s.where);
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(plain.waitClosed());
  EXPECT_TRUE(s.loop.runUntil([&] { return s.http->connections() == 0; }, kDeadline));
}

TEST(Tls, RefusesBadAuthorities) {
  EXPECT_EQ(TlsClientContext::create("nonsense", false).error().reason, "tls.bad_certificate");
  EXPECT_TRUE(TlsClientContext::create("", true));
}

// ---- WebSocket client ----

struct Talk : Served {
  explicit Talk(WebSocketOptions serverSide = {}, HttpClientOptions options = {},
                std::shared_ptr<TlsServerContext> tls = nullptr)
      : Served(std::move(options), {}, tls) {
    router->addWebSocket("/ws", [this, serverSide](const HttpRequest& request, WebSocketUpgrade upgrade) {
      last = request;
      if (request.headers.has("X-Refuse")) return upgrade.refuse(HttpResponse::error(403, "no.entry", "No."));
      upgrade.accept(serverSide, [this](std::shared_ptr<WebSocket> socket) {
        server = std::move(socket);
        server->start(
            [this](std::string_view text) { server->sendText("you said " + std::string(text)); },
            [this](base::Bytes bytes) { server->sendBinary(base::Buffer(bytes.begin(), bytes.end())); },
            [this](std::uint16_t code, std::string_view) { serverClosed = code; });
      });
    });
    wsUrl = (tls ? "wss://" : "ws://") + where.toString() + "/ws";
  }
  base::Result<std::shared_ptr<WebSocket>> open(HttpHeaders headers = {}, WebSocketOptions options = {}) {
    SocketAnswer answer;
    client->openWebSocket(wsUrl, std::move(headers), std::move(options),
                          [&](base::Result<std::shared_ptr<WebSocket>> r) { answer = std::move(r); });
    EXPECT_TRUE(loop.runUntil([&] { return answer.has_value(); }, kDeadline));
    return answer ? *answer : base::fail("test.deadline", "");
  }
  std::shared_ptr<WebSocket> server;
  std::optional<std::uint16_t> serverClosed;
  std::string wsUrl;
};

TEST(WebSocketClient, TalksOverTlsWithCompressionAndWithout) {
  const auto certificate = rig::makeCertificate("IP:127.0.0.1");
  for (const bool compress : {true, false}) {
    WebSocketOptions options;
    options.compress = compress;
    options.subprotocol = "parley.1";
    Talk talk(options, trusting(certificate.certificate), serverTls(certificate));
    HttpHeaders headers;
    headers.set("Authorization", "Bearer x");
    const auto socket = talk.open(headers, options);
    ASSERT_TRUE(socket) << socket.error().text;
    EXPECT_EQ(talk.last.headers.get("Authorization"), "Bearer x");
    EXPECT_EQ(talk.last.headers.get("Sec-WebSocket-Protocol"), "parley.1");
    std::string text;
    base::Buffer bytes;
    std::optional<std::uint16_t> closed;
    (*socket)->start([&](std::string_view t) { text = t; },
                     [&](base::Bytes b) { bytes.assign(b.begin(), b.end()); },
                     [&](std::uint16_t code, std::string_view) { closed = code; });
    std::string long_;
    for (int i = 0; i < 20'000; ++i) long_ += std::to_string(i * 7919 % 1000);
    (*socket)->sendText(long_);
    (*socket)->sendBinary(base::Buffer(100'000, 7));
    ASSERT_TRUE(talk.loop.runUntil([&] { return bytes.size() == 100'000; }, kDeadline));
    EXPECT_TRUE(text == "you said " + long_);
    (*socket)->close(1000, "done");
    ASSERT_TRUE(talk.loop.runUntil([&] { return closed && talk.serverClosed; }, kDeadline));
    EXPECT_EQ(*closed, 1000);
    EXPECT_EQ(*talk.serverClosed, 1000);
    EXPECT_TRUE(talk.loop.runUntil([&] { return talk.http->connections() == 0; }, kDeadline));
  }
}

TEST(WebSocketClient, ManySmallMessagesKeepTheirOrder) {
  Talk talk;
  const auto socket = talk.open();
  ASSERT_TRUE(socket);
  std::vector<std::string> got;
  (*socket)->start([&](std::string_view t) { got.emplace_back(t); }, {}, {});
  for (int i = 0; i < 2000; ++i) (*socket)->sendText(std::to_string(i));
  ASSERT_TRUE(talk.loop.runUntil([&] { return got.size() == 2000; }, kDeadline));
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(got[static_cast<std::size_t>(i)], "you said " + std::to_string(i));
}

TEST(WebSocketClient, PingsKeepAQuietConnection) {
  WebSocketOptions options;
  options.pingInterval = Millis{10};
  options.pongTimeout = Millis{5'000};
  Talk talk(options);
  const auto socket = talk.open();
  ASSERT_TRUE(socket);
  bool closed = false;
  (*socket)->start({}, {}, [&](auto, auto) { closed = true; });
  EXPECT_FALSE(talk.loop.runUntil([&] { return closed || talk.serverClosed; }, Millis{100}));
}

TEST(WebSocketClient, FailuresHaveReasons) {
  Talk talk;
  HttpHeaders refuse;
  refuse.set("X-Refuse", "1");
  const auto refused = talk.open(refuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "http.refused_upgrade");
  EXPECT_THAT(refused.error().text, HasSubstr("403"));
  talk.wsUrl = "ws://" + talk.where.toString() + "/hello";
  EXPECT_EQ(talk.open().error().reason, "http.refused_upgrade");
  talk.wsUrl = "wss://" + talk.where.toString() + "/ws";
  EXPECT_EQ(talk.open().error().reason, "net.tls_failed");
  talk.wsUrl = "http://" + talk.where.toString() + "/ws";
  EXPECT_EQ(talk.open().error().reason, "http.bad_url");
  talk.wsUrl = "ws://" + talk.where.toString() + "/ws";
  talk.http.reset();
  talk.loop.poll();
  EXPECT_EQ(talk.open().error().reason, "net.connect_failed");
}

TEST(WebSocketClient, ServerThatGoesIs1006) {
  Talk talk;
  const auto socket = talk.open();
  ASSERT_TRUE(socket);
  std::optional<std::uint16_t> closed;
  (*socket)->start({}, {}, [&](std::uint16_t code, std::string_view) { closed = code; });
  ASSERT_TRUE(talk.loop.runUntil([&] { return talk.server != nullptr; }, kDeadline));
  talk.http.reset();
  ASSERT_TRUE(talk.loop.runUntil([&] { return closed.has_value(); }, kDeadline));
  EXPECT_EQ(*closed, 1006);
}

TEST(WebSocketClient, MayBeDestroyedWhileOpening) {
  Talk talk;
  talk.client->openWebSocket(talk.wsUrl, {}, {}, [](const auto&) { FAIL(); });
  talk.client.reset();
  EXPECT_FALSE(talk.loop.runUntil([&] { return talk.server != nullptr; }, Millis{50}));
}

}  // namespace
}  // namespace parley::net
