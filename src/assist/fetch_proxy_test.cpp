// Documents through an outbound proxy that filters by name, as one does that guards a company's way out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "assist/fetcher.h"
#include "base/log.h"
#include "base/text.h"
#include "net/byte_stream.h"
#include "net/internal_test_support.h"

namespace parley::assist {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kThroughProxy = "%PDF-1.7\n" + std::string(500, 'p');
const net::Endpoint kHere = *net::Endpoint::parse("127.0.0.1", 0);

/// Lets through what it knows by name, for who shows what it wants to see.
struct SmallProxy {
  struct Pair {
    std::unique_ptr<net::ByteStream> near, far;
    std::unique_ptr<net::ByteConnecting> connecting;
    std::string head;
  };
  explicit SmallProxy(net::EventLoop& l) : loop(l) {
    listener = std::move(*net::ByteListener::open(
        loop, kHere, nullptr, {},
        [this](std::unique_ptr<net::ByteStream> stream) { take(std::move(stream)); },
        [](const net::Endpoint&, std::string_view) {}));
  }
  void take(std::unique_ptr<net::ByteStream> stream) {
    pairs.push_back(std::make_unique<Pair>());
    Pair* const pair = pairs.back().get();
    pair->near = std::move(stream);
    pair->near->start({[this, pair](base::Bytes bytes) {
                         if (pair->far) {
                           pair->far->write(std::string(base::asText(bytes)));
                           return;
                         }
                         pair->head += base::asText(bytes);
                         if (pair->head.ends_with("\r\n\r\n")) answer(*pair);
                       },
                       [] {}, [](const base::Error&) {}});
  }
  void answer(Pair& pair) {
    const std::string asked = pair.head.substr(0, pair.head.find(" HTTP/1.1\r\n"));
    heads.push_back(pair.head);
    if (!wants.empty() && pair.head.find("\r\nProxy-Authorization: " + wants + "\r\n") == pair.head.npos) {
      pair.near->write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    } else if (!known.contains(asked)) {
      pair.near->write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    } else if (asked.starts_with("GET ")) {
      pair.near->write("HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: " +
                       std::to_string(kThroughProxy.size()) + "\r\n\r\n" + kThroughProxy);
    } else {
      pair.connecting = net::connectBytes(
          loop, known.at(asked), "", nullptr, {},
          [&pair](base::Result<std::unique_ptr<net::ByteStream>> far) {
            pair.far = std::move(*far);
            pair.far->start(
                {[&pair](base::Bytes bytes) { pair.near->write(std::string(base::asText(bytes))); }, [] {},
                 [](const base::Error&) {}});
            pair.near->write("HTTP/1.1 200 Connection established\r\n\r\n");
          });
    }
  }
  net::EventLoop& loop;
  std::string wants;                           // As Proxy-Authorization.
  std::map<std::string, net::Endpoint> known;  // By the start of the request line: where CONNECT goes.
  std::vector<std::string> heads;
  std::unique_ptr<net::ByteListener> listener;
  std::vector<std::unique_ptr<Pair>> pairs;
};

/// A machine whose name servers know the proxy and the inside, nothing of the outside.
struct FetchProxyTest : ::testing::Test {
  FetchProxyTest() {
    const auto router = std::make_shared<net::Router>();
    router->add("GET", "/a.pdf", [this](const net::HttpRequest& request, net::HttpReply reply) {
      seen.push_back(std::string(request.headers.get("Proxy-Authorization")));
      net::HttpResponse response;
      response.headers.set("Content-Type", "application/pdf");
      response.body = kThroughProxy;
      reply.send(std::move(response));
    });
    server.emplace(loop, router, net::HttpServerOptions{});
    proxy.known["CONNECT docs.example.com:443"] =
        *server->listen(kHere, *net::TlsServerContext::create(certificate.certificate, certificate.key));
    proxy.known["GET http://docs.example.com/a.pdf"] = kHere;
    names["proxy.example"] = {kHere};
    names["inside.example"] = {*net::Endpoint::parse("8.8.8.8", 0), *net::Endpoint::parse("10.0.0.1", 0)};
    names["outside.example"] = {*net::Endpoint::parse("8.8.8.8", 0)};
    FetcherOptions options;
    options.tls = *net::TlsClientContext::create(certificate.certificate, false);
    fetcher = std::make_unique<Fetcher>(loop, options);
    fetcher->setResolve([this](std::string name, auto done) {
      if (silent) return;
      base::Result<std::vector<net::Endpoint>> result = base::fail("dns.not_found", "no such name");
      if (const auto address = net::Endpoint::parse(name, 0)) result = std::vector{*address};
      if (const auto found = names.find(name); found != names.end()) result = found->second;
      loop.post([done, result] { done(result); });
    });
    use();
  }
  void use(const std::string& user = "", const std::string& password = "") {
    const std::string at = "http://proxy.example:" + std::to_string(proxy.listener->localEndpoint().port());
    ASSERT_TRUE(fetcher->setProxy(at, user, base::Secret(password)));
  }
  std::string fetched(const std::string& url) {
    std::optional<base::Result<Fetched>> done;
    fetcher->fetch(url, [&](base::Result<Fetched> r) { done = std::move(r); });
    EXPECT_TRUE(loop.runUntil([&] { return done.has_value(); }, base::Millis{20'000}));
    return !done ? "deadline" : *done ? (*done)->bytes : done->error().reason;
  }

  net::EventLoop loop{"test"};
  const net::rig::TestCertificate certificate =
      net::rig::makeCertificate("DNS:docs.example.com,DNS:outside.example");
  std::optional<net::HttpServer> server;
  SmallProxy proxy{loop};
  std::map<std::string, std::vector<net::Endpoint>> names;
  bool silent = false;
  std::vector<std::string> seen;  // Proxy-Authorization, as the document server got it.
  std::unique_ptr<Fetcher> fetcher;
};

TEST_F(FetchProxyTest, NamesGoToTheProxyThoughNobodyHereKnowsThem) {
  EXPECT_EQ(fetched("https://docs.example.com/a.pdf"), kThroughProxy);
  EXPECT_EQ(fetched("http://docs.example.com/a.pdf"), kThroughProxy);
  ASSERT_EQ(proxy.heads.size(), 2u);
  EXPECT_THAT(proxy.heads[0],
              AllOf(StartsWith("CONNECT docs.example.com:443 HTTP/1.1\r\n"),
                    HasSubstr("\r\nHost: docs.example.com:443\r\n"), Not(HasSubstr("Proxy-Authorization"))));
  EXPECT_THAT(proxy.heads[1], StartsWith("GET http://docs.example.com/a.pdf HTTP/1.1\r\n"));
}

TEST_F(FetchProxyTest, NamesThatAreKnownHereGoByNameAsWell) {
  proxy.known["CONNECT outside.example:8443"] = proxy.known["CONNECT docs.example.com:443"];
  EXPECT_EQ(fetched("https://outside.example:8443/a.pdf"), kThroughProxy);
  proxy.known["CONNECT [2606:2800::1]:443"] = proxy.known["CONNECT docs.example.com:443"];
  EXPECT_EQ(fetched("https://[2606:2800::1]/a.pdf"), "fetch.untrusted");
}

TEST_F(FetchProxyTest, WhatIsOfTheInsideNeverReachesTheProxy) {
  for (const char* url :
       {"https://127.0.0.1/a.pdf", "http://[::1]/a.pdf", "http://169.254.169.254/latest/",
        "https://inside.example/a.pdf", "http://inside.example/a.pdf", "http://localhost/", "http://127.1/",
        "http://0x7f000001/", "http://2130706433/", "http://wiki/", "http://metadata.google.internal/"}) {
    EXPECT_EQ(fetched(url), "fetch.address_refused") << url;
  }
  EXPECT_THAT(proxy.heads, IsEmpty());
  EXPECT_EQ(fetched("https://unknown.example.com/a.pdf"), "fetch.proxy");
}

TEST_F(FetchProxyTest, NameServersThatAreSilentDoNotKeepItWaiting) {
  names["docs.example.com"] = {};
  EXPECT_EQ(fetched("https://docs.example.com/a.pdf"), kThroughProxy) << "a name without an address";
  silent = true;
  std::optional<base::Result<Fetched>> done;
  fetcher->fetch("https://docs.example.com/a.pdf", [&](base::Result<Fetched> r) { done = std::move(r); });
  // The proxy's own name is known again by then.
  EXPECT_FALSE(loop.runUntil([&] { return done.has_value(); }, base::Millis{500}));
  silent = false;
  EXPECT_TRUE(loop.runUntil([&] { return done.has_value(); }, base::Millis{10'000}));
  EXPECT_TRUE(done && *done);
}

TEST_F(FetchProxyTest, UserAndPasswordAreForTheProxyAlone) {
  proxy.wants = "Basic " + base::base64Encode(base::asBytes("parley:se:cret"));
  std::vector<std::string> lines;
  base::captureLog(&lines);
  EXPECT_EQ(fetched("https://docs.example.com/a.pdf"), "fetch.proxy");
  EXPECT_EQ(fetched("http://docs.example.com/a.pdf"), "fetch.proxy");
  use("parley", "wrong");
  EXPECT_EQ(fetched("https://docs.example.com/a.pdf"), "fetch.proxy");
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("reason=fetch.proxy"), HasSubstr("407"))).Times(3));
  use("parley", "se:cret");
  EXPECT_EQ(fetched("https://docs.example.com/a.pdf"), kThroughProxy);
  EXPECT_EQ(fetched("http://docs.example.com/a.pdf"), kThroughProxy);
  EXPECT_EQ(fetched("https://unknown.example.com/a.pdf"), "fetch.proxy");
  base::captureLog(nullptr);
  EXPECT_THAT(seen, ElementsAre("")) << "the document server was told";
  for (const char* secret : {"se:cret", "cGFybGV5", "wrong"}) {
    EXPECT_THAT(lines, Not(Contains(HasSubstr(secret)))) << secret;
  }
}

}  // namespace
}  // namespace parley::assist
