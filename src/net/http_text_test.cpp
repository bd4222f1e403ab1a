#include <gtest/gtest.h>

#include "net/internal_http.h"

namespace parley::net {
namespace {

TEST(HttpTarget, DecodesPathAndQuery) {
  const auto t = parseTarget("/a%20b//c/./d?x=1&y=a%26b+c&x=2&flag&=empty");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->path, "/a b/c/d");
  EXPECT_EQ(t->query.at("x"), "1");
  EXPECT_EQ(t->query.at("y"), "a&b c");
  EXPECT_EQ(t->query.at("flag"), "");
  EXPECT_EQ(parseTarget("/")->path, "/");
  EXPECT_EQ(parseTarget("/a/")->path, "/a/");
  EXPECT_EQ(parseTarget("/a/.")->path, "/a/");
  EXPECT_EQ(parseTarget("//evil.example/x")->path, "/evil.example/x");
  EXPECT_EQ(parseTarget("http://host:1/p?q=1")->path, "/p");
  EXPECT_EQ(parseTarget("http://host")->path, "/");
  EXPECT_EQ(parseTarget("/a+b")->path, "/a+b");
  EXPECT_EQ(parseTarget("/%C3%A9")->path, "/\xC3\xA9");
}

TEST(HttpTarget, RefusesWhatNoHonestClientSends) {
  for (const char* bad : {"",      "a",    "*",       "/../x", "/..%2f",  "/%2e%2e/x", "/a/..",
                          "/..",   "/%00", "/a%00b",  "/%",    "/%2",     "/%zz",      "/%0d%0a",
                          "/\x7f", "/%ff", "/%c0%af", "/?a=%", "/?%ff=1", "ftp://h/x", "http:///x"}) {
    EXPECT_FALSE(parseTarget(bad)) << bad;
  }
  std::string many = "/?";
  for (std::size_t i = 0; i < kMaxQueryParameters; ++i) many += "a" + std::to_string(i) + "=1&";
  EXPECT_TRUE(parseTarget(many));
  EXPECT_FALSE(parseTarget(many + "b=1"));
}

TEST(HttpText, FindsCookies) {
  EXPECT_EQ(cookieIn("a=1; session=xyz; b=2", "session"), "xyz");
  EXPECT_EQ(cookieIn("session=\"q\"", "session"), "q");
  EXPECT_EQ(cookieIn("xsession=1;session2=2", "session"), "");
  EXPECT_EQ(cookieIn("session", "session"), "");
  EXPECT_EQ(cookieIn("session=\"", "session"), "\"");
  EXPECT_EQ(cookieIn("", ""), "");
  HttpRequest r;
  r.headers.add("cookie", "a=1");
  r.headers.add("Cookie", "b=2");
  EXPECT_EQ(r.cookie("b"), "2");
}

TEST(HttpText, ReadsAcceptEncoding) {
  EXPECT_TRUE(acceptsCoding("gzip, deflate, br", "gzip"));
  EXPECT_TRUE(acceptsCoding("br;q=1.0, GZIP;q=0.5", "gzip"));
  EXPECT_TRUE(acceptsCoding("*", "gzip"));
  EXPECT_FALSE(acceptsCoding("gzip;q=0", "gzip"));
  EXPECT_FALSE(acceptsCoding("gzip; q=0.000, *", "gzip"));
  EXPECT_FALSE(acceptsCoding("br", "gzip"));
  EXPECT_FALSE(acceptsCoding("", "gzip"));
}

Endpoint at(const char* text, std::uint16_t port = 0) { return *Endpoint::parse(text, port); }

TEST(ForwardedFor, IsBelievedFromTrustedProxiesOnly) {
  HttpHeaders h;
  h.add("X-Forwarded-For", "198.51.100.9, 203.0.113.5");
  h.add("X-Forwarded-For", "10.0.0.2");
  h.add("X-Forwarded-Proto", "https");
  const std::vector<Endpoint> trusted{at("10.0.0.1"), at("10.0.0.2")};
  const auto direct = forwardedClient(at("192.0.2.1", 99), false, h, trusted);
  EXPECT_EQ(direct.address, at("192.0.2.1", 99));
  EXPECT_FALSE(direct.secure);
  const auto proxied = forwardedClient(at("10.0.0.1", 99), false, h, trusted);
  EXPECT_EQ(proxied.address, at("203.0.113.5"));  // What the client itself claims, further left, is ignored.
  EXPECT_TRUE(proxied.secure);
}

TEST(ForwardedFor, StopsAtNonsense) {
  HttpHeaders h;
  h.add("X-Forwarded-For", "198.51.100.9, unknown");
  EXPECT_EQ(forwardedClient(at("10.0.0.1", 7), false, h, {at("10.0.0.1")}).address, at("10.0.0.1", 7));
  HttpHeaders ports;
  ports.add("X-Forwarded-For", "198.51.100.9:4711");
  EXPECT_EQ(forwardedClient(at("10.0.0.1"), false, ports, {at("10.0.0.1")}).address,
            at("198.51.100.9", 4711));
  HttpHeaders six;
  six.add("X-Forwarded-For", "[2001:db8::1]");
  EXPECT_EQ(forwardedClient(at("10.0.0.1"), false, six, {at("10.0.0.1")}).address, at("2001:db8::1"));
}

TEST(ForwardedFor, KnowsWhenTheAddressIsThatOfAnUnknownProxy) {
  const std::vector<Endpoint> trusted{at("10.0.0.1"), at("10.0.0.2"), at("127.0.0.1")};
  const auto unknown = [&](const char* peer, std::vector<std::pair<const char*, const char*>> fields) {
    HttpHeaders headers;
    for (const auto& [name, value] : fields) headers.add(name, value);
    return forwardedClient(at(peer), true, headers, trusted).byUnknownProxy;
  };
  EXPECT_FALSE(unknown("127.0.0.2", {}));
  EXPECT_TRUE(unknown("127.0.0.2", {{"X-Forwarded-For", "203.0.113.5"}}));
  EXPECT_TRUE(unknown("127.0.0.2", {{"forwarded", "for=203.0.113.5"}}));
  EXPECT_TRUE(unknown("127.0.0.2", {{"Via", "1.1 proxy"}}));
  EXPECT_FALSE(unknown("10.0.0.1", {}));
  EXPECT_TRUE(unknown("10.0.0.1", {{"Via", "1.1 proxy"}}));  // It does not say for whom.
  EXPECT_FALSE(unknown("10.0.0.1", {{"Via", "1.1 proxy"}, {"X-Forwarded-For", "203.0.113.5"}}));
  EXPECT_FALSE(unknown("10.0.0.1", {{"X-Forwarded-For", "203.0.113.5, 10.0.0.2"}}));
  EXPECT_TRUE(unknown("10.0.0.1", {{"X-Forwarded-For", "198.51.100.9, 203.0.113.5"}}));
  EXPECT_TRUE(unknown("10.0.0.1", {{"X-Forwarded-For", "nonsense"}}));
  // The loopback of another machine, and our own.
  EXPECT_TRUE(unknown("10.0.0.1", {{"X-Forwarded-For", "127.0.0.2"}}));
  EXPECT_TRUE(unknown("127.0.0.1", {{"X-Forwarded-For", "127.0.0.2, 10.0.0.1"}}));
  EXPECT_FALSE(unknown("127.0.0.1", {{"X-Forwarded-For", "127.0.0.2"}}));
}

TEST(ResponseHead, KeepsTheFramingForItself) {
  HttpResponse r = HttpResponse::text(200, "hello");
  r.headers.add("X-Good", "1");
  r.headers.add("X-Split", "a\r\nSet-Cookie: b=1");
  r.headers.add("Bad Name", "1");
  r.headers.add("Content-Length", "999");
  r.headers.add("Transfer-Encoding", "chunked");
  const auto head = responseHead(r, 5, true, "", {});
  EXPECT_NE(head.find("X-Good: 1\r\n"), head.npos);
  EXPECT_NE(head.find("Content-Length: 5\r\n"), head.npos);
  EXPECT_NE(head.find("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), head.npos);
  for (const char* no : {"Set-Cookie", "Bad Name", "999", "chunked", "Connection", "Server"}) {
    EXPECT_EQ(head.find(no), head.npos) << no;
  }
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(HttpHeaders, AreOrderedAndCaseBlind) {
  HttpHeaders h;
  h.add("Set-Cookie", "a");
  h.add("set-cookie", "b");
  EXPECT_EQ(h.get("SET-COOKIE"), "a");
  EXPECT_EQ(h.all().size(), 2u);
  h.set("Set-cookie", "c");
  EXPECT_EQ(h.all().size(), 1u);
  EXPECT_TRUE(h.has("set-cookie"));
  EXPECT_EQ(h.get("x"), "");
}

TEST(HttpUrl, Parses) {
  auto u = parseUrl("https://example.com:8443/a?b=1#c", "http");
  ASSERT_TRUE(u);
  EXPECT_TRUE(u->secure);
  EXPECT_EQ(u->host, "example.com");
  EXPECT_EQ(u->port, 8443);
  EXPECT_EQ(u->target, "/a?b=1");
  EXPECT_EQ(u->authority(), "example.com:8443");
  u = parseUrl("ws://[::1]", "ws");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->host, "::1");
  EXPECT_EQ(u->port, 80);
  EXPECT_EQ(u->authority(), "[::1]");
  EXPECT_EQ(parseUrl("http://h?x=1", "http")->target, "/?x=1");
  for (const char* bad : {"", "example.com", "http://", "ftp://x/", "http://u:p@h/", "http://h:0/",
                          "http://h:99999/", "http://h:/", "http://[::1/", "http://[x]/", "http://[::1]x/",
                          "http://h/a b", "http://h\r\n/", "http://h/a\r\nX: 1", "wss://h/"}) {
    EXPECT_FALSE(parseUrl(bad, "http")) << bad;
  }
}

TEST(Routing, MoreLiteralWins) {
  Router router;
  std::string hit;
  const auto as = [&](std::string name) {
    return [&hit, name](const HttpRequest&, HttpReply) { hit = name; };
  };
  router.add("GET", "/calls/{id}", as("one"));
  router.add("GET", "/calls/active", as("active"));
  router.add("POST", "/calls/active", as("post"));
  router.add("GET", "/calls/*", as("rest"));
  router.add("GET", "/*", as("all"));
  router.add("DELETE", "/calls/{id}/legs/{leg}", as("leg"));
  const auto run = [&](const char* method, const char* path) {
    hit = "none";
    const auto match = router.impl().match(method, path, false);
    if (match.handler) (*match.handler)({}, HttpReply(nullptr));
    return hit;
  };
  EXPECT_EQ(run("GET", "/calls/active"), "active");
  EXPECT_EQ(run("HEAD", "/calls/active"), "active");
  EXPECT_EQ(run("POST", "/calls/active"), "post");
  EXPECT_EQ(run("GET", "/calls/7"), "one");
  EXPECT_EQ(run("GET", "/calls/7/x"), "rest");
  EXPECT_EQ(run("GET", "/calls/"), "rest");
  EXPECT_EQ(run("GET", "/calls"), "all");
  EXPECT_EQ(run("GET", "/"), "all");
  const auto leg = router.impl().match("DELETE", "/calls/7/legs/b", false);
  EXPECT_EQ(leg.params.at("id"), "7");
  EXPECT_EQ(leg.params.at("leg"), "b");
  const auto no = router.impl().match("PUT", "/calls/active", false);
  EXPECT_TRUE(no.known);
  EXPECT_EQ(no.handler, nullptr);
  EXPECT_NE(no.allowed.find("POST"), no.allowed.npos);
  EXPECT_NE(no.allowed.find("HEAD"), no.allowed.npos);
}

}  // namespace
}  // namespace parley::net
