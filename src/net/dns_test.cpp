#include "net/dns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "net/internal_dns.h"
#include "net/internal_test_support.h"
#include "net/udp_socket.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::kDeadline;
constexpr int kA = 1, kAaaa = 28, kSrv = 33, kNaptr = 35;

std::string u16(unsigned v) { return {static_cast<char>(v >> 8), static_cast<char>(v)}; }
std::string u32(unsigned v) { return u16(v >> 16) + u16(v & 0xffff); }
std::string label(std::string_view text) { return static_cast<char>(text.size()) + std::string(text); }
std::string dnsName(std::string_view dotted) {
  std::string out;
  while (!dotted.empty()) {
    const auto dot = dotted.find('.');
    out += label(dotted.substr(0, dot));
    dotted = dot == dotted.npos ? "" : dotted.substr(dot + 1);
  }
  return out + '\0';
}

/// A name server on loopback with canned answers: rdata by type; counts what it is asked.
struct Server {
  explicit Server(EventLoop& loop) {
    socket = *UdpSocket::open(loop, *Endpoint::parse("127.0.0.1", 0), {},
                              [this](std::span<Datagram> batch, base::Instant) {
                                for (auto& d : batch) onQuery(d);
                              });
  }
  void onQuery(const Datagram& d) {
    const std::string_view text = base::asText(d.data);
    if (text.size() < 17) return;
    std::size_t end = 12;
    while (end < text.size() && text[end] != 0) end += static_cast<std::size_t>(text[end]) + 1;
    if (end + 5 > text.size()) return;
    const int type = base::loadU16(d.data.data() + end + 1);
    ++asked[type];
    if (silent) return;
    const auto& found = records[type];
    std::string out(text.substr(0, 2));
    out += u16(0x8180 | (found.empty() ? missing : 0)) + u16(1) + u16(static_cast<unsigned>(found.size())) +
           u32(0);
    out += text.substr(12, end + 5 - 12);
    for (const auto& data : found) {
      out += u16(0xc00c) + u16(static_cast<unsigned>(type)) + u16(1) + u32(ttl) +
             u16(static_cast<unsigned>(data.size())) + data;
    }
    if (garbage) out = out.substr(0, 12) + std::string(40, '\xff');
    socket->queueCopy(d.remote, d.local, base::asBytes(out));
  }
  std::unique_ptr<UdpSocket> socket;
  std::map<int, std::vector<std::string>> records;
  std::map<int, int> asked;
  unsigned ttl = 60;
  unsigned missing = 3;  ///< NXDOMAIN
  bool silent = false, garbage = false;
};

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
  Server server{loop};
  std::optional<Resolver> resolver;
};

TEST_F(DnsTest, ResolvesBothFamiliesAndCaches) {
  server.records[kA] = {std::string("\xc0\x00\x02\x01", 4), std::string("\xc0\x00\x02\x02", 4)};
  server.records[kAaaa] = {std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01"};
  const auto found = addresses("sip.example.test");
  ASSERT_TRUE(found) << found.error().text;
  std::vector<std::string> texts;
  for (const auto& e : *found) texts.push_back(e.toString());
  EXPECT_THAT(texts, ::testing::UnorderedElementsAre("192.0.2.1:0", "192.0.2.2:0", "[2001:db8::1]:0"));
  const int before = server.asked[kA];
  EXPECT_EQ(addresses("SIP.example.test")->size(), 3u);
  EXPECT_EQ(server.asked[kA], before);
}

TEST_F(DnsTest, ATtlOfZeroIsNotCached) {
  server.ttl = 0;
  server.records[kSrv] = {u16(1) + u16(2) + u16(5060) + dnsName("a.example.test")};
  ASSERT_TRUE(srv("_sip._udp.example.test"));
  ASSERT_TRUE(srv("_sip._udp.example.test"));
  EXPECT_EQ(server.asked[kSrv], 2);
}

TEST_F(DnsTest, ResolvesSrvAndNaptr) {
  server.records[kSrv] = {u16(10) + u16(60) + u16(5061) + dnsName("a.example.test"),
                          u16(20) + u16(0) + u16(5062) + dnsName("b.example.test")};
  server.records[kNaptr] = {u16(50) + u16(51) + label("s") + label("SIPS+D2T") + label("") +
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
  EXPECT_EQ(server.asked[kSrv], 1);
}

TEST_F(DnsTest, NumericNamesNeedNoServer) {
  EXPECT_EQ(addresses("192.0.2.9")->at(0).toString(), "192.0.2.9:0");
  EXPECT_EQ(addresses("2001:db8::9")->at(0).toString(), "[2001:db8::9]:0");
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(DnsTest, LocalhostIsThisMachineWhateverIsConfigured) {
  for (const char* name : {"localhost", "LocalHost.", "agent.localhost"}) {
    const auto found = addresses(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(*found, (std::vector{*Endpoint::parse("127.0.0.1", 0), *Endpoint::parse("::1", 0)}));
  }
  EXPECT_TRUE(server.asked.empty()) << "RFC 6761 section 6.3";
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
  EXPECT_GE(server.asked[kA], 2);
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
  server.records[kSrv] = {u16(1) + u16(2) + u16(5060) + dnsName("a.example.test")};
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
