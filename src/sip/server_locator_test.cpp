#include "sip/server_locator.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <map>

#include "sip/ip_text.h"

using namespace parley;
using namespace parley::sip;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr TransportKind kUdp = TransportKind::udp, kTcp = TransportKind::tcp, kTls = TransportKind::tls,
                        kWs = TransportKind::ws, kWss = TransportKind::wss;

Uri uri(std::string host, std::optional<std::uint16_t> port = std::nullopt, std::string transport = {},
        UriScheme scheme = UriScheme::sip) {
  Uri made;
  made.scheme = scheme;
  made.host = std::move(host);
  made.port = port;
  if (!transport.empty()) made.params.set("transport", transport);
  return made;
}

std::string addressText(const proto::TransportAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.isV4();
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address.ip[12] : address.ip.data(), text.data(), text.size());
  return (v4 ? std::string(text.data()) : "[" + std::string(text.data()) + "]") + ":" +
         std::to_string(address.port);
}

proto::TransportAddress at(std::string_view ip, std::uint16_t port = 0) {
  return {parseIp(ip).value(), port};
}

/// A zone: what is not in it does not exist; names in `broken` do not answer. Keeps what was asked.
struct Zone {
  std::map<std::string, std::vector<NaptrAnswer>> naptr;
  std::map<std::string, std::vector<SrvAnswer>> srv;
  std::map<std::string, std::vector<proto::TransportAddress>> addresses;
  std::set<std::string> broken;
  std::vector<std::string> asked;

  void serve(ServerLocator& locator) {
    while (const DnsQuestion* question = locator.question()) {
      ASSERT_LT(asked.size(), 100U) << "the questions do not end";
      const DnsQuestion q = *question;
      asked.push_back((q.kind == DnsQuestion::Kind::naptr ? "NAPTR "
                       : q.kind == DnsQuestion::Kind::srv ? "SRV "
                                                          : "A ") +
                      q.name);
      if (broken.contains(q.name)) {
        locator.noAnswer(DnsFailure::failed);
      } else if (q.kind == DnsQuestion::Kind::naptr && naptr.contains(q.name)) {
        locator.answerNaptr(naptr[q.name]);
      } else if (q.kind == DnsQuestion::Kind::srv && srv.contains(q.name)) {
        locator.answerSrv(srv[q.name]);
      } else if (q.kind == DnsQuestion::Kind::addresses && addresses.contains(q.name)) {
        locator.answerAddresses(addresses[q.name]);
      } else {
        locator.noAnswer(DnsFailure::notFound);
      }
    }
  }
};

std::vector<std::string> texts(const ServerLocator& locator) {
  std::vector<std::string> out;
  for (const Target& target : locator.targets()) {
    out.push_back(std::string(toString(target.kind)) + " " + addressText(target.address));
  }
  return out;
}

struct LocatorTest : testing::Test {
  ServerLocator find(const Uri& next) {
    auto locator = ServerLocator::forRequest(next, options, random);
    zone.serve(locator);
    return locator;
  }
  Zone zone;
  LocateOptions options;
  base::FakeRandom random;
};

// The example of RFC 3263 section 4.1.
Zone exampleZone() {
  Zone zone;
  zone.naptr["example.com"] = {{90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"},
                               {100, 50, "s", "SIP+D2U", "_sip._udp.example.com"},
                               {50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"}};
  zone.srv["_sip._tcp.example.com"] = {{0, 1, 5060, "server1.example.com"},
                                       {1, 2, 5070, "Server2.Example.Com."}};
  zone.srv["_sips._tcp.example.com"] = {{0, 1, 5061, "server1.example.com"}};
  zone.addresses["server1.example.com"] = {at("192.0.2.1"), at("2001:db8::1")};
  zone.addresses["server2.example.com"] = {at("192.0.2.2")};
  return zone;
}

TEST_F(LocatorTest, ANumericHostAsksNothing) {
  EXPECT_THAT(texts(find(uri("192.0.2.9"))), ElementsAre("UDP 192.0.2.9:5060"));
  EXPECT_THAT(texts(find(uri("[2001:db8::9]", 5080, "tcp"))), ElementsAre("TCP [2001:db8::9]:5080"));
  EXPECT_THAT(texts(find(uri("192.0.2.9", {}, {}, UriScheme::sips))), ElementsAre("TLS 192.0.2.9:5061"));
  EXPECT_THAT(zone.asked, IsEmpty());
}

TEST_F(LocatorTest, APortSkipsNaptrAndSrv) {
  zone.addresses["pbx.example.com"] = {at("192.0.2.3")};
  EXPECT_THAT(texts(find(uri("PBX.example.com", 5062))), ElementsAre("UDP 192.0.2.3:5062"));
  EXPECT_THAT(zone.asked, ElementsAre("A pbx.example.com"));
}

TEST_F(LocatorTest, ATransportSkipsNaptr) {
  zone = exampleZone();
  EXPECT_THAT(texts(find(uri("example.com", {}, "TCP"))),
              ElementsAre("TCP 192.0.2.1:5060", "TCP [2001:db8::1]:5060", "TCP 192.0.2.2:5070"));
  EXPECT_EQ(zone.asked.front(), "SRV _sip._tcp.example.com");
}

TEST_F(LocatorTest, NaptrDecidesAmongWhatWeHave) {
  zone = exampleZone();
  options.supported = {kUdp, kTcp};
  EXPECT_THAT(texts(find(uri("example.com"))),
              ElementsAre("TCP 192.0.2.1:5060", "TCP [2001:db8::1]:5060", "TCP 192.0.2.2:5070"));
  EXPECT_THAT(zone.asked, ElementsAre("NAPTR example.com", "SRV _sip._tcp.example.com",
                                      "A server1.example.com", "A server2.example.com"));
  // With TLS the best order is another one; the certificate must name the domain, not the host of the SRV.
  options.supported = {kUdp, kTcp, kTls};
  const auto secure = find(uri("example.com"));
  EXPECT_THAT(texts(secure), ElementsAre("TLS 192.0.2.1:5061", "TLS [2001:db8::1]:5061"));
  EXPECT_EQ(secure.targets().front().host, "example.com");
}

TEST_F(LocatorTest, AnNaptrServiceThatLeadsNowhereGivesWayToTheNext) {
  zone = exampleZone();
  zone.srv.erase("_sips._tcp.example.com");
  EXPECT_EQ(texts(find(uri("example.com"))).front(), "TCP 192.0.2.1:5060");
}

TEST_F(LocatorTest, SipsTakesOnlyTls) {
  zone = exampleZone();
  zone.srv.erase("_sips._tcp.example.com");
  zone.addresses["example.com"] = {at("192.0.2.7")};
  EXPECT_THAT(texts(find(uri("example.com", {}, {}, UriScheme::sips))), ElementsAre("TLS 192.0.2.7:5061"));
  EXPECT_EQ(find(uri("example.com", {}, "udp", UriScheme::sips)).error().reason, "sip.locate_no_transport");
  EXPECT_THAT(texts(find(uri("192.0.2.1", {}, "tcp", UriScheme::sips))), ElementsAre("TLS 192.0.2.1:5061"));
  options.supported = {kUdp, kTcp};
  EXPECT_EQ(find(uri("example.com", {}, {}, UriScheme::sips)).error().reason, "sip.locate_no_transport");
  options.supported = {kUdp, kTcp, kTls};
  options.transport = kTcp;
  EXPECT_EQ(find(uri("example.com", {}, {}, UriScheme::sips)).error().reason, "sip.locate_no_transport");
}

TEST_F(LocatorTest, WithoutNaptrOurOrderDecidesAndTheFirstServiceIsEnough) {
  zone = exampleZone();
  zone.naptr.clear();
  options.supported = {kTls, kTcp, kUdp};
  EXPECT_EQ(texts(find(uri("example.com"))).front(), "TLS 192.0.2.1:5061");
  EXPECT_THAT(zone.asked,
              ElementsAre("NAPTR example.com", "SRV _sips._tcp.example.com", "A server1.example.com"));
  zone.asked.clear();
  options.naptr = false;
  options.supported = {kUdp, kTcp};
  EXPECT_EQ(texts(find(uri("example.com"))).front(), "TCP 192.0.2.1:5060");
  EXPECT_EQ(zone.asked[0], "SRV _sip._udp.example.com");
}

TEST_F(LocatorTest, WithoutSrvTheNameItselfIsUsed) {
  zone.addresses["example.com"] = {at("192.0.2.8")};
  EXPECT_THAT(texts(find(uri("example.com"))), ElementsAre("UDP 192.0.2.8:5060"));
  options.supported = {kTcp};
  EXPECT_THAT(texts(find(uri("example.com"))), ElementsAre("TCP 192.0.2.8:5060"));
}

TEST_F(LocatorTest, Websockets) {
  options.supported = {kWs, kWss};
  zone.srv["_sips._ws.example.com"] = {{0, 0, 8443, "edge.example.com"}};
  zone.addresses["edge.example.com"] = {at("192.0.2.4")};
  EXPECT_THAT(texts(find(uri("example.com", {}, "ws", UriScheme::sips))), ElementsAre("WSS 192.0.2.4:8443"));
  EXPECT_THAT(texts(find(uri("192.0.2.1", {}, "ws"))), ElementsAre("WS 192.0.2.1:80"));
}

TEST_F(LocatorTest, ADotMeansThatThereIsNoService) {
  zone.srv["_sip._udp.example.com"] = {{0, 0, 0, "."}};
  zone.addresses["example.com"] = {at("192.0.2.8")};
  const auto none = find(uri("example.com", {}, "udp"));
  EXPECT_THAT(none.targets(), IsEmpty());
  EXPECT_EQ(none.error().reason, "sip.locate_no_service");
}

TEST_F(LocatorTest, FailuresSayWhetherToTryLater) {
  EXPECT_EQ(find(uri("example.com")).error().reason, "sip.locate_not_found");
  zone.broken = {"_sip._tcp.example.com"};
  EXPECT_EQ(find(uri("example.com")).error().reason, "sip.locate_dns_failed");
  Uri tel;
  tel.scheme = UriScheme::tel;
  EXPECT_EQ(find(tel).error().reason, "sip.locate_bad_uri");
  EXPECT_EQ(find(uri("a b")).error().reason, "sip.locate_bad_uri");
  EXPECT_EQ(find(uri("example.com", {}, "sctp")).error().reason, "sip.locate_no_transport");
}

TEST_F(LocatorTest, MaddrIsWhereItGoesAndTheHostWhatTheCertificateNames) {
  Uri next = uri("example.com", 5061, "tls");
  next.params.set("maddr", "192.0.2.77");
  const auto found = find(next);
  EXPECT_THAT(texts(found), ElementsAre("TLS 192.0.2.77:5061"));
  EXPECT_EQ(found.targets().front().host, "example.com");
}

TEST_F(LocatorTest, ALargeRequestTriesTcpBeforeUdp) {
  options.large = true;
  EXPECT_THAT(texts(find(uri("192.0.2.9"))), ElementsAre("TCP 192.0.2.9:5060", "UDP 192.0.2.9:5060"));
  options.supported = {kUdp};
  EXPECT_THAT(texts(find(uri("192.0.2.9"))), ElementsAre("UDP 192.0.2.9:5060"));
}

TEST_F(LocatorTest, FamiliesThatAreOffAreLeftOut) {
  zone = exampleZone();
  options.ipv6 = false;
  EXPECT_THAT(texts(find(uri("example.com"))), ElementsAre("TLS 192.0.2.1:5061"));
}

TEST_F(LocatorTest, TheFirstTargetIsThereBeforeTheLastQuestionAndAllIsBounded) {
  for (int i = 0; i < 200; ++i) {
    const std::string name = "h" + std::to_string(i) + ".example.com";
    zone.srv["_sip._udp.example.com"].push_back({static_cast<std::uint16_t>(i), 1, 5060, name});
    for (int k = 0; k < 50; ++k)
      zone.addresses[name].push_back(at("10.0." + std::to_string(i) + "." + std::to_string(k)));
  }
  auto locator = ServerLocator::forRequest(uri("example.com", {}, "udp"), options, random);
  locator.answerSrv(zone.srv["_sip._udp.example.com"]);
  ASSERT_NE(locator.question(), nullptr);
  locator.answerAddresses({at("10.9.9.9")});
  ASSERT_NE(locator.question(), nullptr);
  EXPECT_THAT(texts(locator), ElementsAre("UDP 10.9.9.9:5060"));
  zone.serve(locator);
  EXPECT_EQ(locator.targets().size(), ServerLocator::kMaxTargets);
  EXPECT_EQ(texts(locator).front(), "UDP 10.9.9.9:5060");
}

TEST_F(LocatorTest, AnAnswerOfTheWrongKindCountsAsNone) {
  auto locator = ServerLocator::forRequest(uri("example.com", {}, "udp"), options, random);
  locator.answerAddresses({at("192.0.2.1")});
  ASSERT_NE(locator.question(), nullptr);
  EXPECT_EQ(*locator.question(), (DnsQuestion{DnsQuestion::Kind::addresses, "example.com"}));
}

TEST(OrderSrv, PrioritiesFirstAndWeightsByChance) {
  base::FakeRandom random(7);
  std::map<std::string, int> first;
  for (int i = 0; i < 4000; ++i) {
    const auto ordered =
        orderSrv({{2, 9, 1, "last"}, {1, 0, 1, "zero"}, {1, 30, 1, "light"}, {1, 70, 1, "heavy"}}, random);
    ASSERT_EQ(ordered.size(), 4U);
    EXPECT_EQ(ordered.back().target, "last");
    ++first[ordered.front().target];
  }
  EXPECT_NEAR(first["heavy"], 2800, 250);
  EXPECT_NEAR(first["light"], 1200, 250);
  EXPECT_LT(first["zero"], 120);  // 1 of 101 by RFC 2782.
  EXPECT_GT(first["zero"], 0);
}

TEST(DeadTargets, AreTriedLastUntilTheirTimeIsOver) {
  const base::Instant now{};
  const Target a{kUdp, at("192.0.2.1", 5060), "x", {}}, b{kUdp, at("192.0.2.2", 5060), "x", {}};
  DeadTargets dead;
  dead.mark(a, now + base::Millis{1000});
  TargetWalk walk({a, b}, dead, now);
  EXPECT_EQ(*walk.next(), b);
  EXPECT_EQ(walk.left(), 1U);
  EXPECT_EQ(*walk.next(), a);
  EXPECT_EQ(walk.next(), nullptr);
  EXPECT_EQ(*TargetWalk({a, b}, dead, now + base::Millis{1000}).next(), a);
  dead.clear(a);
  EXPECT_EQ(*TargetWalk({a, b}, dead, now).next(), a);
}

TEST(DeadTargets, AreBounded) {
  DeadTargets dead(3);
  const base::Instant now{};
  for (std::uint16_t i = 1; i <= 10; ++i)
    dead.mark({kUdp, at("192.0.2.1", i), "", {}}, now + base::Millis{i * 100});
  EXPECT_EQ(dead.size(), 3U);
  EXPECT_TRUE(dead.isDead({kUdp, at("192.0.2.1", 10), "", {}}, now));
  EXPECT_FALSE(dead.isDead({kUdp, at("192.0.2.1", 1), "", {}}, now));
  EXPECT_FALSE(dead.isDead({kTcp, at("192.0.2.1", 10), "", {}}, now));
}

TEST(IpText, Reads) {
  EXPECT_EQ(addressText(at("192.0.2.1", 5060)), "192.0.2.1:5060");
  EXPECT_EQ(addressText(at("[2001:DB8::1]", 5060)), "[2001:db8::1]:5060");
  EXPECT_EQ(at("::ffff:192.0.2.1"), at("192.0.2.1"));
  for (const char* bad :
       {"", "[]", "example.com", "192.0.2", "192.0.2.1.5", "[192.0.2.1]", "fe80::1%eth0", "1::2::3"}) {
    EXPECT_FALSE(parseIp(bad)) << bad;
  }
}

}  // namespace
