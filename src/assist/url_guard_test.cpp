#include "assist/url_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::assist {
namespace {

net::Endpoint at(const char* address) { return *net::Endpoint::parse(address, 0); }

TEST(UrlGuard, PublicAddressesOnly) {
  for (const char* good : {"93.184.216.34", "8.8.8.8", "172.32.0.1", "100.63.255.255", "2606:2800:220:1::1",
                           "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"}) {
    EXPECT_TRUE(isPublic(at(good))) << good;
  }
  for (const char* bad : {"0.0.0.0",
                          "0.1.2.3",
                          "10.0.0.1",
                          "100.64.0.1",
                          "127.0.0.1",
                          "127.255.255.254",
                          "169.254.169.254",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.0.0.8",
                          "192.0.2.1",
                          "192.168.1.1",
                          "198.18.0.1",
                          "198.51.100.7",
                          "203.0.113.9",
                          "224.0.0.1",
                          "239.255.255.255",
                          "240.0.0.1",
                          "255.255.255.255",
                          "::",
                          "::1",
                          "::ffff:127.0.0.1",
                          "::ffff:10.0.0.1",
                          "::ffff:169.254.169.254",
                          "::7f00:1",
                          "fe80::1",
                          "fec0::1",
                          "fc00::1",
                          "fd00:ec2::254",
                          "ff02::1",
                          "2001:db8::1",
                          "2001::1",
                          "2002:7f00:1::1",
                          "3fff::1",
                          "64:ff9b::a00:1",
                          "64:ff9b::7f00:1",
                          "64:ff9b:1::808:808",
                          "100::1",
                          "4000::1"}) {
    EXPECT_FALSE(isPublic(at(bad))) << bad;
  }
}

TEST(UrlGuard, TakesHttpAddressesOnly) {
  EXPECT_EQ(checkUrl("http://Docs.Example.com./a?b=c#d")->host, "docs.example.com");
  EXPECT_EQ(checkUrl("http://Docs.Example.com./a?b=c#d")->target, "/a?b=c");
  EXPECT_EQ(checkUrl("https://[2606:2800::1]:8443/")->port, 8443);
  const auto reason = [](std::string_view url) {
    const auto checked = checkUrl(url);
    return checked ? std::string("ok") : checked.error().reason;
  };
  for (const char* bad : {"ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)",
                          "data:text/html,x", "gopher://example.com/"}) {
    EXPECT_EQ(reason(bad), "fetch.bad_scheme") << bad;
    EXPECT_FALSE(checkLink(bad)) << bad;
  }
  for (const char* bad :
       {"", "http://", "http:///x", "http://user:pw@example.com/", "http://example.com@127.0.0.1/",
        "http://exa mple.com/", "http://example.com/\r\nHost: x", "http://example.com\\@127.0.0.1/",
        "http://example.com:0/", "http://example.com:99999/", "http://[::1", "http://127.0.0.1%00/",
        "http://exämple.com/"}) {
    EXPECT_NE(reason(bad), "ok") << bad;
  }
  for (const char* bad : {"http://example.com:22/", "http://example.com:25/", "http://example.com:6379/"}) {
    EXPECT_EQ(reason(bad), "fetch.bad_port") << bad;
  }
  EXPECT_EQ(reason("http://" + std::string(3'000, 'a') + "/"), "fetch.bad_url");
}

TEST(UrlGuard, OneBadAddressSpoilsTheName) {
  const auto url = *checkUrl("http://docs.example.com/");
  const FetchAllowance none;
  EXPECT_THAT(*checkAddresses(url, {at("8.8.8.8"), at("2a00:1450::1")}, none, {}),
              ::testing::ElementsAre(at("8.8.8.8").withPort(80), at("2a00:1450::1").withPort(80)));
  EXPECT_EQ(checkAddresses(url, {at("8.8.8.8"), at("127.0.0.1")}, none, {}).error().reason,
            "fetch.address_refused");
  EXPECT_EQ(checkAddresses(url, {}, none, {}).error().reason, "fetch.unresolved");
  // This machine's own address is no way around a firewall in front of it.
  EXPECT_FALSE(checkAddresses(url, {at("8.8.8.8")}, none, {at("8.8.8.8")}));
}

TEST(UrlGuard, SettingsNameExceptions) {
  const auto allowed =
      *FetchAllowance::parse({"docs.intern.example", "10.1.0.0/16", "fd00:1::/32", "192.168.7.7"});
  const auto choose = [&](const char* url, const char* address) {
    return checkAddresses(*checkUrl(url), {at(address)}, allowed, {}).has_value();
  };
  EXPECT_TRUE(choose("http://DOCS.intern.example/", "10.9.9.9"));
  EXPECT_FALSE(choose("http://www.intern.example/", "10.9.9.9"));
  EXPECT_FALSE(choose("http://docs.intern.example.evil.example/", "10.9.9.9"));
  EXPECT_TRUE(choose("http://x.example/", "10.1.255.1"));
  EXPECT_FALSE(choose("http://x.example/", "10.2.0.1"));
  EXPECT_TRUE(choose("http://x.example/", "fd00:1:2::3"));
  EXPECT_FALSE(choose("http://x.example/", "fd00:2::3"));
  EXPECT_TRUE(choose("http://192.168.7.7/", "192.168.7.7"));
  EXPECT_FALSE(choose("http://x.example/", "192.168.7.8"));
  for (const char* bad : {"10.0.0.0/33", "10.0.0.0/", "a b", "http://x", "", "fd00::/129"}) {
    EXPECT_FALSE(FetchAllowance::parse({bad})) << bad;
  }
}

TEST(UrlGuard, NamesThatOnlyAProxyCanResolveAreNotOfTheInside) {
  const auto allowed = *FetchAllowance::parse({"docs.internal", "intranet"});
  const auto left = [&](const std::string& host) {
    const auto checked = checkUnresolved(*checkUrl("http://" + host + "/"), allowed);
    return checked ? std::string("ok") : checked.error().reason;
  };
  for (const char* good : {"docs.example.com", "1.example", "0x7f.example", "Docs.Internal.", "intranet"}) {
    EXPECT_EQ(left(good), "ok") << good;
  }
  for (const char* bad : {"localhost", "LOCALHOST.", "a.localhost", "printer.local",
                          "metadata.google.internal", "nas.home.arpa", "localhost.localdomain", "wiki",
                          "2130706433", "127.1", "0x7f000001", "127.0.0x1", "0177.0.0.01.", "1.2.3.4.5"}) {
    EXPECT_EQ(left(bad), "fetch.address_refused") << bad;
  }
}

TEST(UrlGuard, RedirectsAreWholeAddressesAgain) {
  const auto from = *checkUrl("https://a.example:8443/x/y?q=1");
  EXPECT_EQ(redirectTarget(from, "https://b.example/z"), "https://b.example/z");
  EXPECT_EQ(redirectTarget(from, "//b.example/z"), "https://b.example/z");
  EXPECT_EQ(redirectTarget(from, "/z#f"), "https://a.example:8443/z");
  EXPECT_EQ(redirectTarget(from, "z"), "https://a.example:8443/x/z");
  EXPECT_EQ(redirectTarget(from, "?p"), "https://a.example:8443/x/y?p");
  EXPECT_EQ(redirectTarget(from, "javascript:alert(1)"), "javascript:alert(1)");
  EXPECT_EQ(redirectTarget(from, ""), "");
}

}  // namespace
}  // namespace parley::assist
