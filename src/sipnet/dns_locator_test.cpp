#include "sipnet/dns_locator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "net/internal_test_name_server.h"

namespace parley::sipnet {
namespace {

using base::Millis;
using net::rig::NameServer;
using sip::TransportKind;
using ::testing::ElementsAre;

constexpr Millis kDeadline{20'000};
struct DnsLocatorTest : ::testing::Test {
  void make(DnsLocator::Settings settings = {}) {
    net::ResolverOptions options;
    options.servers = {server.socket->localEndpoint().toString()};
    options.timeout = kDeadline;  // What answers gets all the time it may need.
    resolver.emplace(loop, options);
    locator.emplace(loop, *resolver, settings);
  }
  base::Result<std::vector<sip::Target>> locate(const std::string& uri) {
    std::optional<base::Result<std::vector<sip::Target>>> got;
    locator->locate(*sip::Uri::parse(uri), {}, [&](auto r) { got = std::move(r); });
    EXPECT_FALSE(got) << "answered inside the call";
    EXPECT_TRUE(loop.runUntil([&] { return got.has_value(); }, kDeadline));
    return got ? *got : base::fail("test.deadline", "");
  }
  static std::vector<std::string> texts(const std::vector<sip::Target>& targets) {
    std::vector<std::string> out;
    for (const auto& each : targets) {
      out.push_back(std::string(sip::toString(each.kind)) + " " +
                    net::Endpoint::fromBytes(each.address.ip, each.address.port).toString());
    }
    return out;
  }
  net::EventLoop loop{"test"};
  NameServer server{loop};
  std::optional<net::Resolver> resolver;
  std::optional<DnsLocator> locator;
};

TEST_F(DnsLocatorTest, NaptrThenSrvThenAddresses) {
  make();
  server.naptr("example.test", "SIP+D2T", "_sip._tcp.example.test");
  server.srv("_sip._tcp.example.test", 20, 5070, "two.example.test");
  server.srv("_sip._tcp.example.test", 10, 5060, "one.example.test");
  server.a("one.example.test", 1);
  server.a("two.example.test", 2);
  const auto found = locate("sip:bob@example.test");
  ASSERT_TRUE(found) << found.error().reason;
  EXPECT_THAT(texts(*found), ElementsAre("TCP 192.0.2.1:5060", "TCP 192.0.2.2:5070"));
  EXPECT_EQ(locator->running(), 0u);
}

TEST_F(DnsLocatorTest, AddressesNeedNoQuestionAndUnknownNamesFail) {
  make();
  const auto literal = locate("sip:bob@192.0.2.7:5090;transport=tcp");
  ASSERT_TRUE(literal);
  EXPECT_THAT(texts(*literal), ElementsAre("TCP 192.0.2.7:5090"));
  EXPECT_EQ(locate("sip:bob@nowhere.test").error().reason, "sip.locate_not_found");
}

TEST_F(DnsLocatorTest, ASilentServerCostsTheDeadlineAndOnlySoManySearchesRun) {
  make({.deadline = Millis{50}, .maxRunning = 2});
  server.silent = true;
  std::vector<std::string> reasons;
  for (int i = 0; i < 3; ++i) {
    locator->locate(*sip::Uri::parse("sip:bob@example.test"), {},
                    [&](auto r) { reasons.push_back(r.error().reason); });
  }
  ASSERT_TRUE(loop.runUntil([&] { return reasons.size() == 3; }, kDeadline));
  EXPECT_THAT(reasons, ElementsAre("sip.locate_busy", "sip.locate_timeout", "sip.locate_timeout"));
  EXPECT_EQ(locator->running(), 0u);
  // What is still asked finds nobody.
  locator->locate(*sip::Uri::parse("sip:bob@other.test"), {}, [](const auto&) { ADD_FAILURE(); });
  locator.reset();
  loop.poll();
}

}  // namespace
}  // namespace parley::sipnet
