#include "sipnet/dns_locator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "net/udp_socket.h"

namespace parley::sipnet {
namespace {

using base::Millis;
using sip::TransportKind;
using ::testing::ElementsAre;

constexpr Millis kDeadline{20'000};
constexpr int kA = 1, kSrv = 33, kNaptr = 35;

std::string u16(unsigned v) { return {static_cast<char>(v >> 8), static_cast<char>(v)}; }
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

/// A name server on loopback with canned answers by name and type.
struct NameServer {
  explicit NameServer(net::EventLoop& loop) {
    socket = *net::UdpSocket::open(loop, *net::Endpoint::parse("127.0.0.1", 0), {},
                                   [this](std::span<net::Datagram> batch, base::Instant) {
                                     for (auto& each : batch) onQuery(each);
                                   });
  }
  void onQuery(const net::Datagram& d) {
    const std::string_view text = base::asText(d.data);
    const auto end = text.find('\0', 12);
    if (silent || end == text.npos || end + 5 > text.size()) return;
    const int type = base::loadU16(d.data.data() + end + 1);
    const auto& found = records[{std::string(text.substr(12, end + 1 - 12)), type}];
    std::string out(text.substr(0, 2));
    out += u16(found.empty() ? 0x8183 : 0x8180) + u16(1) + u16(static_cast<unsigned>(found.size())) + u16(0) +
           u16(0);
    out += text.substr(12, end + 5 - 12);
    for (const auto& data : found) {
      out += u16(0xc00c) + u16(static_cast<unsigned>(type)) + u16(1) + u16(0) + u16(60) +
             u16(static_cast<unsigned>(data.size())) + data;
    }
    socket->queueCopy(d.remote, d.local, base::asBytes(out));
  }
  void a(const std::string& name, char last) {
    records[{dnsName(name), kA}] = {std::string("\xc0\x00\x02", 3) + last};
  }
  void srv(const std::string& name, unsigned priority, unsigned port, const std::string& target) {
    records[{dnsName(name), kSrv}].push_back(u16(priority) + u16(1) + u16(port) + dnsName(target));
  }
  void naptr(const std::string& name, const std::string& service, const std::string& replacement) {
    records[{dnsName(name), kNaptr}].push_back(u16(1) + u16(1) + label("s") + label(service) + label("") +
                                               dnsName(replacement));
  }
  std::unique_ptr<net::UdpSocket> socket;
  std::map<std::pair<std::string, int>, std::vector<std::string>> records;
  bool silent = false;
};

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
