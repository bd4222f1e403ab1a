// What goes beyond plain requests: connections that go elsewhere than their name says, larger bodies for
// some, parts of a content.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/byte_stream.h"
#include "net/http_client.h"
#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using rig::kDeadline;
using rig::kLoopback;
using rig::RawPeer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct RouteSite {
  explicit RouteSite(const std::shared_ptr<TlsServerContext>& tls = nullptr) {
    router->add("GET", "/hello", [this](HttpRequest request, HttpReply reply) {
      last = std::move(request);
      reply.send(HttpResponse::text(200, "hello"));
    });
    router->add("POST", "/small", [](const HttpRequest& r, HttpReply reply) {
      reply.send(HttpResponse::text(200, std::to_string(r.body.size())));
    });
    router->add("POST", "/large/file", [](const HttpRequest& r, HttpReply reply) {
      reply.send(HttpResponse::text(200, std::to_string(r.body.size())));
    });
    router->addBodyRule("/large", 300'000, [this](const HttpRequest& head) -> std::optional<BodyAllowance> {
      asked.push_back(head.method + " " + head.path);
      if (head.headers.get("Authorization") != "yes") return std::nullopt;
      return BodyAllowance{1'000'000, held};
    });
    HttpServerOptions options;
    options.maxBodyBytes = 1'000;
    server.emplace(loop, router, options);
    where = *server->listen(kLoopback, tls);
  }
  std::string post(const std::string& path, const std::string& fields, const std::string& body) {
    RawPeer peer(loop, where);
    peer.send("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body);
    EXPECT_TRUE(peer.waitFor("\r\n\r\n"));
    return peer.got;
  }
  EventLoop loop{"test"};
  std::shared_ptr<Router> router = std::make_shared<Router>();
  std::optional<HttpServer> server;
  Endpoint where;
  HttpRequest last;
  std::vector<std::string> asked;
  std::shared_ptr<int> held = std::make_shared<int>();
};

std::string lengthOf(std::size_t n) { return "Content-Length: " + std::to_string(n) + "\r\n"; }

TEST(HttpBodyRule, SomeMaySendMore) {
  RouteSite site;
  const std::string body(200'000, 'b');
  EXPECT_THAT(site.post("/large/file", "Authorization: yes\r\n" + lengthOf(body.size()), body),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(site.asked, std::vector<std::string>{"POST /large/file"});
  // What was held for the upload is free again.
  EXPECT_TRUE(site.loop.runUntil([&] { return site.held.use_count() == 1; }, kDeadline));
}

TEST(HttpBodyRule, OthersMayNotNeitherElsewhereNorBeyondTheMost) {
  RouteSite site;
  const std::string body(200'000, 'b');
  EXPECT_THAT(site.post("/large/file", lengthOf(body.size()), ""), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(site.post("/small", "Authorization: yes\r\n" + lengthOf(body.size()), ""),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(site.post("/largest", "Authorization: yes\r\n" + lengthOf(2'000), ""),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(site.post("/large/file", "Authorization: yes\r\n" + lengthOf(300'001), ""),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(site.post("/small", lengthOf(1'000), std::string(1'000, 's')), HasSubstr("\r\n\r\n1000"));
}

TEST(HttpBodyRule, ChunksAreCountedAsTheyCome) {
  RouteSite site;
  const std::string chunk = "800\r\n" + std::string(0x800, 'c') + "\r\n";
  EXPECT_THAT(site.post("/large/file", "Transfer-Encoding: chunked\r\n", chunk), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(
      site.post("/large/file", "Authorization: yes\r\nTransfer-Encoding: chunked\r\n", chunk + "0\r\n\r\n"),
      StartsWith("HTTP/1.1 200 "));
}

HttpResponse part(std::string range, std::string ifRange = "", std::string known = "") {
  HttpRequest request;
  if (!range.empty()) request.headers.set("Range", std::move(range));
  if (!ifRange.empty()) request.headers.set("If-Range", std::move(ifRange));
  if (!known.empty()) request.headers.set("If-None-Match", std::move(known));
  HttpResponse response;
  response.headers.set("ETag", "\"v1\"");
  return serveContent(request, std::move(response), "0123456789");
}

TEST(ServeContent, GivesPartsAndVersions) {
  EXPECT_EQ(part("").body, "0123456789");
  EXPECT_EQ(part("").headers.get("Accept-Ranges"), "bytes");
  const auto middle = part("bytes=2-4");
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, "234");
  EXPECT_EQ(middle.headers.get("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(part("bytes=-3").body, "789");
  EXPECT_EQ(part("bytes=7-").body, "789");
  EXPECT_EQ(part("bytes=10-").status, 416);
  EXPECT_EQ(part("bytes=1-2,4-5").status, 200);
  EXPECT_EQ(part("bytes=1-2", "\"v0\"").status, 200);
  EXPECT_EQ(part("bytes=1-2", "\"v1\"").status, 206);
  EXPECT_EQ(part("", "", "\"v1\"").status, 304);
}

base::Result<HttpResponse> ask(EventLoop& loop, HttpClient& client, HttpClientRequest request) {
  std::optional<base::Result<HttpResponse>> answer;
  client.request(std::move(request), [&](base::Result<HttpResponse> r) { answer = std::move(r); });
  EXPECT_TRUE(loop.runUntil([&] { return answer.has_value(); }, kDeadline));
  return answer ? std::move(*answer) : base::fail("test.deadline", "");
}

TEST(HttpRoute, GoesToTheAddressAndSaysTheName) {
  RouteSite site;
  HttpClient client(site.loop, {});
  const auto r = ask(site.loop, client, {"GET", "http://shop.example/hello", {}, "", HttpRoute{site.where}});
  ASSERT_TRUE(r) << r.error().text;
  EXPECT_EQ(r->body, "hello");
  EXPECT_EQ(site.last.headers.get("Host"), "shop.example");
}

TEST(HttpRoute, AskAProxyForTheWholeAddress) {
  RouteSite site;
  HttpClient client(site.loop, {});
  const auto r = ask(site.loop, client,
                     {"GET", "http://shop.example:81/hello?a=b", {}, "", HttpRoute{site.where, "", true}});
  ASSERT_TRUE(r) << r.error().text;
  EXPECT_EQ(site.last.path, "/hello");
  EXPECT_EQ(site.last.headers.get("Host"), "shop.example:81");
}

/// Connects whoever asks with CONNECT to one place.
struct Proxy {
  struct Pair {
    std::unique_ptr<ByteStream> near, far;
    std::unique_ptr<ByteConnecting> connecting;
    std::string head;
  };
  Proxy(EventLoop& l, const Endpoint& target, std::string answer)
      : loop(l), to(target), says(std::move(answer)) {
    listener = std::move(*ByteListener::open(
        loop, kLoopback, nullptr, {}, [this](std::unique_ptr<ByteStream> stream) { take(std::move(stream)); },
        [](const Endpoint&, std::string_view) {}));
  }
  void take(std::unique_ptr<ByteStream> stream) {
    pairs.push_back(std::make_unique<Pair>());
    Pair* const pair = pairs.back().get();
    pair->near = std::move(stream);
    pair->near->start({[this, pair](base::Bytes bytes) {
                         if (pair->far) {
                           pair->far->write(std::string(base::asText(bytes)));
                           return;
                         }
                         pair->head += base::asText(bytes);
                         if (pair->head.ends_with("\r\n\r\n") && !pair->connecting) connect(*pair);
                       },
                       [] {}, [](const base::Error&) {}});
  }
  void connect(Pair& pair) {
    pair.connecting =
        connectBytes(loop, to, "", nullptr, {}, [this, &pair](base::Result<std::unique_ptr<ByteStream>> far) {
          pair.far = std::move(*far);
          pair.far->start({[&pair](base::Bytes bytes) { pair.near->write(std::string(base::asText(bytes))); },
                           [] {}, [](const base::Error&) {}});
          pair.near->write(says);
        });
  }
  EventLoop& loop;
  Endpoint to;
  std::string says;
  std::unique_ptr<ByteListener> listener;
  std::vector<std::unique_ptr<Pair>> pairs;
};

TEST(HttpRoute, TlsRunsThroughAProxysTunnel) {
  const auto made = rig::makeCertificate("DNS:shop.example");
  RouteSite site(*TlsServerContext::create(made.certificate, made.key));
  HttpClientOptions options;
  options.tls = *TlsClientContext::create(made.certificate, false);
  HttpClient client(site.loop, options);
  Proxy proxy(site.loop, site.where, "HTTP/1.1 200 Connection established\r\n\r\n");
  const Endpoint at = proxy.listener->localEndpoint();
  const auto r =
      ask(site.loop, client, {"GET", "https://shop.example/hello", {}, "", HttpRoute{at, "192.0.2.7:443"}});
  ASSERT_TRUE(r) << r.error().text;
  EXPECT_EQ(r->body, "hello");
  ASSERT_EQ(proxy.pairs.size(), 1u);
  EXPECT_THAT(proxy.pairs[0]->head, StartsWith("CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n"));
  // The certificate must fit the name, whoever is between.
  const auto other =
      ask(site.loop, client, {"GET", "https://other.example/", {}, "", HttpRoute{at, "192.0.2.7:443"}});
  EXPECT_EQ(other.error().reason, "net.untrusted");
  EXPECT_THAT(other.error().text, HasSubstr("hostname mismatch"));
}

TEST(HttpRoute, AProxyThatRefusesOrTalksTooMuchIsAnError) {
  for (const std::string& says :
       {std::string("HTTP/1.1 403 Forbidden\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\n\r\nmore"),
        "HTTP/1.1 200 OK\r\nX: " + std::string(9'000, 'x'), std::string("nonsense\r\n\r\n")}) {
    RouteSite site;
    HttpClient client(site.loop, {});
    Proxy proxy(site.loop, site.where, says);
    const auto r = ask(
        site.loop, client,
        {"GET", "http://shop.example/", {}, "", HttpRoute{proxy.listener->localEndpoint(), "192.0.2.7:80"}});
    EXPECT_EQ(r.error().reason, "net.tunnel_refused") << says.substr(0, 40);
  }
}

}  // namespace
}  // namespace parley::net
