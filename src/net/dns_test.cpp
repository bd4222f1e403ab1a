#include "net/dns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "net/internal_dns.h"
#include "net/internal_test_name_server.h"
#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::dnsName;
using rig::kA;
using rig::kAaaa;
using rig::kDeadline;
using rig::kNaptr;
using rig::kSrv;
using rig::label;
using rig::u16;
using rig::u32;

class DnsTest : public ::testing::Test {
 protected:
  DnsTest() { make(kDeadline); }
  /// Short timeouts are for servers that say nothing; what answers gets all the time it may need.
  void make(Millis timeout) {
    ResolverOptions options;
    options.servers = {server.socket->localEndpoint().toString()};
    options.timeout = timeout;
    options.tries = 2;
    options.maxPending = 5;
    resolver.emplace(loop, options);
  }
  template <class T>
  using Got = std::optional<base::Result<std::vector<T>>>;
  template <class T>
  base::Result<std::vector<T>> wait(Got<T>& got) {
    EXPECT_FALSE(got) << "answered inside the call";
    EXPECT_TRUE(loop.runUntil([&] { return got.has_value(); }, kDeadline));
    return got ? *got : base::fail("test.deadline", "");
  }
  base::Result<std::vector<Endpoint>> addresses(const std::string& name) {
    Got<Endpoint> got;
    resolver->addresses(name, [&](auto r) { got = std::move(r); });
    return wait(got);
  }
  base::Result<std::vector<SrvRecord>> srv(const std::string& name) {
    Got<SrvRecord> got;
    resolver->srv(name, [&](auto r) { got = std::move(r); });
    return wait(got);
  }
  base::Result<std::vector<NaptrRecord>> naptr(const std::string& name) {
    Got<NaptrRecord> got;
    resolver->naptr(name, [&](auto r) { got = std::move(r); });
    return wait(got);
  }
  EventLoop loop{"test"};
  rig::NameServer server{loop};
  std::optional<Resolver> resolver;
};

TEST_F(DnsTest, ResolvesBothFamiliesAndCaches) {
  server.any(kA) = {std::string("\xc0\x00\x02\x01", 4), std::string("\xc0\x00\x02\x02", 4)};
  server.any(kAaaa) = {std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01"};
  const auto found = addresses("sip.example.test");
  ASSERT_TRUE(found) << found.error().text;
  std::vector<std::string> texts;
  for (const auto& e : *found) texts.push_back(e.toString());
  EXPECT_THAT(texts, ::testing::UnorderedElementsAre("192.0.2.1:0", "192.0.2.2:0", "[2001:db8::1]:0"));
  const int before = server.askedFor[kA];
  EXPECT_EQ(addresses("SIP.example.test")->size(), 3u);
  EXPECT_EQ(server.askedFor[kA], before);
}

TEST_F(DnsTest, ATtlOfZeroIsNotCached) {
  server.ttl = 0;
  server.any(kSrv) = {u16(1) + u16(2) + u16(5060) + dnsName("a.example.test")};
  ASSERT_TRUE(srv("_sip._udp.example.test"));
  ASSERT_TRUE(srv("_sip._udp.example.test"));
  EXPECT_EQ(server.askedFor[kSrv], 2);
}

TEST_F(DnsTest, ResolvesSrvAndNaptr) {
  server.any(kSrv) = {u16(10) + u16(60) + u16(5061) + dnsName("a.example.test"),
                      u16(20) + u16(0) + u16(5062) + dnsName("b.example.test")};
  server.any(kNaptr) = {u16(50) + u16(51) + label("s") + label("SIPS+D2T") + label("") +
                        dnsName("_sips._tcp.example.test")};
  const auto services = srv("_sips._tcp.example.test");
  ASSERT_TRUE(services) << services.error().text;
  ASSERT_EQ(services->size(), 2u);
  EXPECT_EQ((*services)[0].target, "a.example.test");
  EXPECT_EQ((*services)[0].priority, 10);
  EXPECT_EQ((*services)[0].weight, 60);
  EXPECT_EQ((*services)[1].port, 5062);
  const auto pointers = naptr("example.test");
  ASSERT_TRUE(pointers) << pointers.error().text;
  EXPECT_EQ((*pointers)[0].order, 50);
  EXPECT_EQ((*pointers)[0].preference, 51);
  EXPECT_EQ((*pointers)[0].flags, "s");
  EXPECT_EQ((*pointers)[0].service, "SIPS+D2T");
  EXPECT_EQ((*pointers)[0].replacement, "_sips._tcp.example.test");
  ASSERT_TRUE(srv("_sips._tcp.example.test"));
  EXPECT_EQ(server.askedFor[kSrv], 1);
}

TEST_F(DnsTest, NumericNamesNeedNoServer) {
  EXPECT_EQ(addresses("192.0.2.9")->at(0).toString(), "192.0.2.9:0");
  EXPECT_EQ(addresses("2001:db8::9")->at(0).toString(), "[2001:db8::9]:0");
  EXPECT_TRUE(server.askedFor.empty());
}

TEST_F(DnsTest, LocalhostIsThisMachineWhateverIsConfigured) {
  for (const char* name : {"localhost", "LocalHost.", "agent.localhost"}) {
    const auto found = addresses(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(*found, (std::vector{*Endpoint::parse("127.0.0.1", 0), *Endpoint::parse("::1", 0)}));
  }
  EXPECT_TRUE(server.askedFor.empty()) << "RFC 6761 section 6.3";
  EXPECT_FALSE(addresses("notlocalhost"));
}

TEST_F(DnsTest, EveryFailureHasItsReason) {
  EXPECT_EQ(addresses("nobody.example.test").error().reason, "dns.not_found");
  EXPECT_EQ(srv("_sip._udp.nobody.test").error().reason, "dns.not_found");
  server.missing = 5;  // REFUSED
  EXPECT_EQ(srv("_sip._udp.refused.test").error().reason, "dns.refused");
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a\0b", 3), std::string(300, 'a'), std::string("a..b"),
        std::string("x/y"), std::string(70, 'a') + ".test"}) {
    EXPECT_EQ(srv(bad).error().reason, "dns.bad_name") << bad;
  }
  server.silent = true;
  make(Millis{50});
  EXPECT_EQ(addresses("silent.example.test").error().reason, "dns.timeout");
  EXPECT_GE(server.askedFor[kA], 2);
}

TEST_F(DnsTest, GarbageIsAnError) {
  server.garbage = true;
  make(Millis{50});
  EXPECT_FALSE(srv("_sip._udp.example.test"));
  EXPECT_FALSE(naptr("example.test"));
}

TEST_F(DnsTest, PendingQueriesAreBounded) {
  server.silent = true;
  make(Millis{50});
  std::vector<std::string> reasons;
  for (int i = 0; i < 8; ++i) {
    resolver->srv("n" + std::to_string(i) + ".test",
                  [&](const auto& r) { reasons.push_back(r ? "" : r.error().reason); });
  }
  ASSERT_TRUE(loop.runUntil([&] { return reasons.size() == 8; }, kDeadline));
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "dns.busy"), 3);
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "dns.timeout"), 5);
}

TEST_F(DnsTest, DestructionDropsPendingCallbacks) {
  server.silent = true;
  bool called = false;
  resolver->addresses("a.test", [&](const auto&) { called = true; });
  resolver->addresses("192.0.2.1", [&](const auto&) { called = true; });
  resolver.reset();
  EXPECT_FALSE(loop.runUntil([&] { return called; }, Millis{20}));
}

TEST_F(DnsTest, MayBeDestroyedInACallback) {
  server.any(kSrv) = {u16(1) + u16(2) + u16(5060) + dnsName("a.example.test")};
  bool called = false;
  resolver->srv("_sip._udp.example.test", [&](const auto&) {
    resolver.reset();
    called = true;
  });
  EXPECT_TRUE(loop.runUntil([&] { return called; }, kDeadline));
}

TEST(DnsTtl, IsTheLeastOfTheAnswersOrZero) {
  std::string head = u16(1) + u16(0x8180) + u16(1) + u16(2) + u32(0) + dnsName("a.test") + u16(1) + u16(1);
  const auto record = [](unsigned ttl) { return u16(0xc00c) + u16(1) + u16(1) + u32(ttl) + u16(4) + "abcd"; };
  const std::string whole = head + record(300) + record(70);
  EXPECT_EQ(answerTtl(base::asBytes(whole)).count(), 70);
  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_EQ(answerTtl(base::asBytes(whole).first(i)).count(), 0) << i;
  EXPECT_EQ(answerTtl(base::asBytes(head + record(0xffffffff) + record(1'000'000))).count(), 3600);
}

}  // namespace
}  // namespace parley::net
