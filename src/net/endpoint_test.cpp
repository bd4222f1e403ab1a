#include "net/endpoint.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <unordered_set>

namespace parley::net {
namespace {

TEST(Endpoint, ComesFromItsBytes) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::1"}) {
    const auto parsed = Endpoint::parse(text, 5060);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(Endpoint::fromBytes(parsed->bytes(), 5060), *parsed);
  }
}

TEST(Endpoint, ParsesAndPrintsBothFamilies) {
  const auto v4 = Endpoint::parse("192.0.2.1", 5060);
  ASSERT_TRUE(v4);
  EXPECT_TRUE(v4->isV4());
  EXPECT_EQ(v4->toString(), "192.0.2.1:5060");
  EXPECT_EQ(v4->address(), "192.0.2.1");
  const auto v6 = Endpoint::parse("2001:db8::1", 443);
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6->isV4());
  EXPECT_EQ(v6->toString(), "[2001:db8::1]:443");
  EXPECT_EQ(Endpoint::parse("::ffff:192.0.2.1", 5060), v4);
}

TEST(Endpoint, RefusesEverythingElse) {
  for (const char* bad : {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", "fe80::1%eth0",
                          "01.2.3.4", " 1.2.3.4", "1.2.3.4 ", "::1::", "12345::"}) {
    EXPECT_FALSE(Endpoint::parse(bad, 1)) << bad;
  }
  EXPECT_FALSE(Endpoint::parse(std::string_view("1.2.3.4\0", 8), 1));
  EXPECT_FALSE(Endpoint::parse(std::string(5000, '1'), 1));
}

TEST(Endpoint, ParsesWithPort) {
  EXPECT_EQ(Endpoint::parseWithPort("192.0.2.1:5060"), Endpoint::parse("192.0.2.1", 5060));
  EXPECT_EQ(Endpoint::parseWithPort("[::1]:0"), Endpoint::parse("::1", 0));
  for (const char* bad : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "::1:80", "[::1]",
                          "[::1]80", "[192.0.2.1]:80", "[]:1", ":1", "1.2.3.4:+1", "1.2.3.4: 1"}) {
    EXPECT_FALSE(Endpoint::parseWithPort(bad)) << bad;
  }
}

TEST(Endpoint, KnowsKindsOfAddresses) {
  EXPECT_TRUE(Endpoint::parse("127.9.9.9", 0)->isLoopback());
  EXPECT_TRUE(Endpoint::parse("::1", 0)->isLoopback());
  EXPECT_FALSE(Endpoint::parse("::2", 0)->isLoopback());
  EXPECT_TRUE(Endpoint::parse("169.254.1.1", 0)->isLinkLocal());
  EXPECT_TRUE(Endpoint::parse("fe80::1", 0)->isLinkLocal());
  EXPECT_FALSE(Endpoint::parse("fec0::1", 0)->isLinkLocal());
  EXPECT_TRUE(Endpoint{}.isAny());
  EXPECT_TRUE(Endpoint::parse("0.0.0.0", 9)->isAny());
  EXPECT_FALSE(Endpoint::parse("0.0.0.1", 9)->isAny());
}

TEST(Endpoint, GoesThroughSockaddr) {
  for (const char* text : {"192.0.2.1:5060", "[2001:db8::1]:443"}) {
    sockaddr_storage storage{};
    EXPECT_EQ(Endpoint::parseWithPort(text)->toSockaddr6(storage), sizeof(sockaddr_in6));
    EXPECT_EQ(Endpoint::fromSockaddr(reinterpret_cast<sockaddr*>(&storage)).toString(), text);
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(7);
  v4.sin_addr.s_addr = htonl(0x0a000001);
  EXPECT_EQ(Endpoint::fromSockaddr(reinterpret_cast<sockaddr*>(&v4)).toString(), "10.0.0.1:7");
}

TEST(Endpoint, HashesTheWholeValue) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    hashes.insert(EndpointHash{}(*Endpoint::parse("192.0.2.1", port)));
    hashes.insert(EndpointHash{}(*Endpoint::parse("2001:db8:" + std::to_string(port) + "::1", 5)));
  }
  EXPECT_EQ(hashes.size(), 2000u);
}

TEST(Endpoint, ListsLocalAddresses) {
  const auto all = localAddresses(true);
  EXPECT_NE(std::find(all.begin(), all.end(), *Endpoint::parse("127.0.0.1", 0)), all.end());
  for (const auto& address : localAddresses(false)) {
    EXPECT_FALSE(address.isLoopback() || address.isLinkLocal()) << address.toString();
    EXPECT_EQ(address.port(), 0);
  }
}

TEST(Endpoint, NetworkIsTheAddressOrTheSixtyFour) {
  EXPECT_EQ(Endpoint::parse("192.0.2.7", 80)->network(), *Endpoint::parse("192.0.2.7", 0));
  EXPECT_EQ(Endpoint::parse("2001:db8:1:2:3:4:5:6", 80)->network(), *Endpoint::parse("2001:db8:1:2::", 0));
}

}  // namespace
}  // namespace parley::net
