#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "net/http.h"
#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::kDeadline;
using rig::RawPeer;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

HttpServerOptions quick() {
  HttpServerOptions o;
  o.idleTimeout = Millis{60'000};
  return o;
}

struct HttpSite {
  explicit HttpSite(HttpServerOptions options = quick()) {
    router->add("GET", "/hello", [this](HttpRequest request, HttpReply reply) {
      last = std::move(request);
      reply.send(HttpResponse::text(200, "hello"));
    });
    router->add("POST", "/echo", [this](HttpRequest request, HttpReply reply) {
      last = request;
      reply.send(HttpResponse::text(200, request.body));
    });
    router->add("GET", "/never", [this](HttpRequest, HttpReply reply) { kept.push_back(std::move(reply)); });
    router->add("GET", "/drop", [](const HttpRequest&, const HttpReply&) {});
    server.emplace(loop, router, std::move(options));
    where = *server->listen(*Endpoint::parse("127.0.0.1", 0), nullptr);
  }
  std::string ask(std::string_view bytes, std::string_view until) {
    RawPeer peer(loop, where);
    peer.send(bytes);
    EXPECT_TRUE(peer.waitFor(until)) << peer.got;
    return peer.got;
  }
  EventLoop loop{"test"};
  std::shared_ptr<Router> router = std::make_shared<Router>();
  std::vector<HttpReply> kept;
  HttpRequest last;
  std::optional<HttpServer> server;
  Endpoint where;
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  for (int i = 0; i < 3; ++i) {
    peer.got.clear();
    peer.send("GET /hello?a=b%20c HTTP/1.1\r\nHost: x\r\nCookie: s=1\r\n\r\n");
    ASSERT_TRUE(peer.waitFor("\r\n\r\nhello"));
    EXPECT_THAT(peer.got, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(peer.got, HasSubstr("Content-Length: 5\r\n"));
    EXPECT_THAT(peer.got, Not(HasSubstr("Connection: close")));
  }
  EXPECT_EQ(site.server->connections(), 1u);
  EXPECT_EQ(site.last.query.at("a"), "b c");
  EXPECT_EQ(site.last.cookie("s"), "1");
  EXPECT_TRUE(site.last.remote.isLoopback());
  EXPECT_FALSE(site.last.secure);
  peer.hangUp();
  EXPECT_TRUE(site.loop.runUntil([&] { return site.server->connections() == 0; }, kDeadline));
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const auto body = "body" + std::to_string(i) + ";";
    all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  }
  peer.send(all + "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(peer.waitClosed());
  EXPECT_EQ(count(peer.got, "HTTP/1.1 200 OK"), 21u);
  std::size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    at = peer.got.find("body" + std::to_string(i) + ";", at);
    ASSERT_NE(at, peer.got.npos) << i;
  }
  EXPECT_THAT(peer.got, HasSubstr("Connection: close"));
}

TEST(HttpServer, TakesARequestByteByByte) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  for (const char c : std::string_view("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "5;ext=1\r\nabcde\r\n3\r\nfgh\r\n0\r\nTrailer: x\r\n\r\n")) {
    peer.send({&c, 1});
    site.loop.poll();
  }
  ASSERT_TRUE(peer.waitFor("abcdefgh"));
}

TEST(HttpServer, TakesAnEmptyChunkedBodyInPieces) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char* piece : {"0", "\r", "\n", "\r", "\n"}) {
    ASSERT_TRUE(site.loop.runUntil([&] { return !site.loop.poll(); }, kDeadline));
    peer.send(piece);
    ASSERT_TRUE(site.loop.runUntil([&] { return site.loop.poll() || peer.fill().size() > 0; }, kDeadline));
  }
  ASSERT_TRUE(peer.waitFor("\r\n\r\n"));
  EXPECT_THAT(peer.got, StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, SaysContinueOnlyWhenAsked) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(peer.waitFor("HTTP/1.1 100 Continue\r\n\r\n"));
  peer.send("body");
  ASSERT_TRUE(peer.waitFor("\r\n\r\nbody"));
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(peer.waitClosed());
  EXPECT_THAT(peer.got, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_TRUE(peer.got.ends_with("\r\n\r\n"));
}

TEST(HttpServer, Http10ClosesUnlessAsked) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("GET /hello HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(peer.waitClosed());
  EXPECT_THAT(peer.got, HasSubstr("hello"));
}

TEST(HttpServer, UnknownPathAndMethod) {
  HttpSite site;
  EXPECT_THAT(site.ask("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "http.not_found"),
              StartsWith("HTTP/1.1 404 "));
  const auto got = site.ask("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", "http.method_not_allowed");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(got, HasSubstr("Allow: GET, HEAD\r\n"));
}

struct Bad {
  const char* name;
  std::string bytes;
  int status;
};

TEST(HttpServer, EachKindOfBadRequestHasItsAnswerAndEnds) {
  HttpServerOptions options = quick();
  options.maxHeaderBytes = 1024;
  options.maxBodyBytes = 100;
  const std::string big(2000, 'a');
  const std::string host = " HTTP/1.1\r\nHost: x\r\n";
  std::string fields;
  for (int i = 0; i < 130; ++i) fields += "a:\r\n";
  for (const auto& bad : {
           Bad{"request line", "nonsense\r\n\r\n", 400},
           Bad{"binary", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
           Bad{"version", "GET / HTTP/9.9\r\n\r\n", 400},
           Bad{"header", "GET /" + host + "no colon\r\n\r\n", 400},
           Bad{"space before colon", "GET /" + host + "A : b\r\n\r\n", 400},
           Bad{"no host", "GET /hello HTTP/1.1\r\n\r\n", 400},
           Bad{"two hosts", "GET /hello" + host + "Host: y\r\n\r\n", 400},
           Bad{"target too long", "GET /" + big + host + "\r\n", 414},
           Bad{"header too long", "GET /" + host + "A: " + big + "\r\n\r\n", 431},
           Bad{"many headers", "GET /" + host + fields + "\r\n", 431},
           Bad{"body too long", "POST /echo" + host + "Content-Length: 101\r\n\r\n", 413},
           Bad{"chunks too long",
               "POST /echo" + host + "Transfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x'), 413},
           Bad{"length and chunks",
               "POST /echo" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
           Bad{"two lengths", "POST /echo" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
               400},
           Bad{"negative length", "POST /echo" + host + "Content-Length: -3\r\n\r\n", 400},
           Bad{"huge length", "POST /echo" + host + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
           Bad{"odd coding", "POST /echo" + host + "Transfer-Encoding: gzip\r\n\r\n", 400},
           Bad{"coding twice", "POST /echo" + host + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
           Bad{"bad chunk", "POST /echo" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400},
           Bad{"traversal", "GET /../etc/passwd" + host + "\r\n", 400},
           Bad{"coded traversal", "GET /..%2f..%2fetc" + host + "\r\n", 400},
           Bad{"nul", "GET /%00" + host + "\r\n", 400},
       }) {
    HttpSite site(options);
    RawPeer peer(site.loop, site.where);
    peer.send(bad.bytes);
    ASSERT_TRUE(peer.waitFor("\r\n\r\n")) << bad.name;
    EXPECT_THAT(peer.got, StartsWith("HTTP/1.1 " + std::to_string(bad.status) + " ")) << bad.name;
    peer.finish();
    EXPECT_TRUE(peer.waitClosed()) << bad.name;
    EXPECT_EQ(count(peer.got, "HTTP/1.1 "), 1u) << bad.name;
    EXPECT_TRUE(site.loop.runUntil([&] { return site.server->connections() == 0; }, kDeadline)) << bad.name;
  }
}

TEST(HttpServer, AChunkHeaderWithoutEndIsBounded) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;" +
            std::string(100'000, 'e'));
  ASSERT_TRUE(peer.waitFor("\r\n\r\n"));
  EXPECT_THAT(peer.got, StartsWith("HTTP/1.1 400 "));
}

TEST(HttpServer, SlowSendersAreTimedOut) {
  HttpServerOptions options = quick();
  options.headerTimeout = Millis{30};
  options.bodyTimeout = Millis{30};
  HttpSite site(options);
  EXPECT_THAT(site.ask("GET /hello HT", "http.header_timeout"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(site.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", "http.body_timeout"),
              StartsWith("HTTP/1.1 408 "));
}

TEST(HttpServer, IdleConnectionsEnd) {
  HttpServerOptions options = quick();
  options.idleTimeout = Millis{30};
  HttpSite site(options);
  RawPeer silent(site.loop, site.where);
  EXPECT_TRUE(silent.waitClosed());
  EXPECT_EQ(silent.got, "");
}

TEST(HttpServer, AHandlerThatNeverAnswersGives503AndALateAnswerIsIgnored) {
  HttpServerOptions options = quick();
  options.handlerTimeout = Millis{30};
  HttpSite site(options);
  RawPeer peer(site.loop, site.where);
  peer.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer.waitFor("http.handler_timeout"));
  EXPECT_THAT(peer.got, StartsWith("HTTP/1.1 503 "));
  ASSERT_EQ(site.kept.size(), 1u);
  site.kept[0].send(HttpResponse::text(200, "late"));
  peer.finish();
  EXPECT_TRUE(peer.waitClosed());
  EXPECT_THAT(peer.got, Not(HasSubstr("late")));
}

TEST(HttpServer, ADroppedReplyIs500) {
  HttpSite site;
  EXPECT_THAT(site.ask("GET /drop HTTP/1.1\r\nHost: x\r\n\r\n", "http.no_answer"),
              StartsWith("HTTP/1.1 500 "));
}

TEST(HttpServer, AnAnswerToAPeerThatLeftIsIgnored) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(site.loop.runUntil([&] { return !site.kept.empty(); }, kDeadline));
  peer.hangUp();
  site.kept[0].send(HttpResponse::text(200, std::string(1 << 20, 'x')));
  EXPECT_TRUE(site.loop.runUntil([&] { return site.server->connections() == 0; }, kDeadline));
}

TEST(HttpServer, AReplyMayOutliveTheServer) {
  std::vector<HttpReply> kept;
  {
    HttpSite site;
    RawPeer peer(site.loop, site.where);
    peer.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(site.loop.runUntil([&] { return !site.kept.empty(); }, kDeadline));
    kept = std::move(site.kept);
    site.server.reset();
    ASSERT_TRUE(peer.waitClosed());
  }
  kept[0].send(HttpResponse::text(200, "late"));
}

TEST(HttpServer, APeerThatDoesNotReadIsCutOff) {
  HttpServerOptions options = quick();
  options.writeTimeout = Millis{30};
  HttpSite site(options);
  site.router->add("GET", "/big", [](const HttpRequest&, HttpReply reply) {
    HttpResponse r = HttpResponse::text(200, std::string(32u << 20, 'x'));
    reply.send(std::move(r));
  });
  // A body that no buffer takes, and nobody who reads it.
  RawPeer peer(site.loop, site.where, 4096);
  peer.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(site.loop.runUntil([&] { return site.server->connections() == 1; }, kDeadline));
  EXPECT_TRUE(site.loop.runUntil([&] { return site.server->connections() == 0; }, kDeadline));
}

TEST(HttpServer, CapsConnectionsPerAddressAndInAll) {
  for (const bool perAddress : {true, false}) {
    HttpServerOptions options = quick();
    (perAddress ? options.maxConnectionsPerAddress : options.maxConnections) = 3;
    HttpSite site(options);
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 3; ++i) {
      peers.push_back(std::make_unique<RawPeer>(site.loop, site.where));
      peers.back()->send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
      ASSERT_TRUE(peers.back()->waitFor("hello"));
    }
    RawPeer refused(site.loop, site.where);
    ASSERT_TRUE(refused.waitClosed());
    EXPECT_THAT(refused.got, StartsWith("HTTP/1.1 503 "));
    EXPECT_EQ(site.server->connections(), 3u);
    peers.pop_back();
    ASSERT_TRUE(site.loop.runUntil([&] { return site.server->connections() == 2; }, kDeadline));
    RawPeer welcome(site.loop, site.where);
    welcome.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(welcome.waitFor("hello"));
  }
}

TEST(HttpServer, PagesBehindATrustedProxyAreNotOneAddress) {
  HttpServerOptions options = quick();
  options.maxConnectionsPerAddress = 2;
  options.trustedProxies = {"127.0.0.1"};
  HttpSite site(options);
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<RawPeer>(site.loop, site.where));
    peers.back()->send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(peers.back()->waitFor("\r\n\r\nhello")) << i;
  }
  EXPECT_EQ(site.server->connections(), 4u);
}

TEST(HttpServer, FiltersStopRequestsBelowTheirPrefix) {
  HttpSite site;
  site.router->addFilter("/hello", [](const HttpRequest& r) -> std::optional<HttpResponse> {
    if (r.headers.get("Authorization") == "yes") return {};
    return HttpResponse::error(401, "auth.missing", "Sign in.");
  });
  site.router->add("GET", "/hello2",
                   [](const HttpRequest&, HttpReply reply) { reply.send(HttpResponse::text(200, "two")); });
  EXPECT_THAT(site.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "auth.missing"),
              StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(site.ask("GET //hello HTTP/1.1\r\nHost: x\r\n\r\n", "auth.missing"),
              StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(site.ask("GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n", "auth.missing"),
              StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(site.ask("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: yes\r\n\r\n", "\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(site.ask("GET /hello2 HTTP/1.1\r\nHost: x\r\n\r\n", "two"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, BelievesTrustedProxies) {
  HttpServerOptions options = quick();
  options.trustedProxies = {"127.0.0.1", "not an address"};
  HttpSite site(options);
  site.ask(
      "GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n",
      "hello");
  EXPECT_EQ(site.last.remote.address(), "203.0.113.9");
  EXPECT_TRUE(site.last.secure);
}

TEST(HttpServer, CloseLetsRunningRequestsFinish) {
  HttpSite site;
  RawPeer idle(site.loop, site.where);
  RawPeer busy(site.loop, site.where);
  idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(idle.waitFor("hello"));
  busy.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(site.loop.runUntil([&] { return !site.kept.empty(); }, kDeadline));
  int done = 0;
  site.server->close(Millis{60'000}, [&] { ++done; });
  ASSERT_TRUE(idle.waitClosed());
  EXPECT_EQ(done, 0);
  site.kept[0].send(HttpResponse::text(200, "finished"));
  ASSERT_TRUE(busy.waitFor("finished"));
  EXPECT_THAT(busy.got, HasSubstr("Connection: close"));
  busy.finish();
  EXPECT_TRUE(site.loop.runUntil([&] { return done == 1; }, kDeadline));
  RawPeer late(site.loop, site.where);
  EXPECT_TRUE(late.waitClosed());
  EXPECT_EQ(late.got, "");
}

TEST(HttpServer, CloseEndsEverythingAtItsLimit) {
  HttpSite site;
  RawPeer busy(site.loop, site.where);
  busy.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(site.loop.runUntil([&] { return !site.kept.empty(); }, kDeadline));
  bool done = false;
  site.server->close(Millis{20}, [&] { done = true; });
  EXPECT_TRUE(site.loop.runUntil([&] { return done; }, kDeadline));
  EXPECT_EQ(site.server->connections(), 0u);
}

TEST(HttpServer, CountsConnectionsAnswersAndRefusals) {
  HttpSite site;
  RawPeer peer(site.loop, site.where);
  peer.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer.waitFor("hello"));
  site.ask("nonsense\r\n\r\n", "http.bad_request");
  const std::string text = base::Metrics::instance().expose();
  EXPECT_THAT(text, ::testing::ContainsRegex("parley_http_connections [1-9]"));
  EXPECT_THAT(text, ::testing::ContainsRegex("parley_http_requests_total.class=\"2xx\". [1-9]"));
  EXPECT_THAT(text, ::testing::ContainsRegex("parley_http_refused_total.reason=\"bad_request\". [1-9]"));
}

TEST(HttpServer, TellsWhyItCannotListen) {
  HttpSite site;
  const auto again = site.server->listen(site.where, nullptr);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "net.bind_failed");
}

}  // namespace
}  // namespace parley::net
