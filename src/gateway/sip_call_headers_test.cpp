#include "gateway/sip_call_headers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/settings.h"
#include "gateway/sip_phones.h"
#include "gateway/sip_settings.h"

namespace parley::gateway {
namespace {

sip::Uri uri(std::string_view text) { return *sip::Uri::parse(text); }

std::string valueOf(const sip::Headers& headers, sip::HeaderId id) {
  const auto found = std::ranges::find(headers, id, &sip::Header::id);
  return found == headers.end() ? "" : found->value;
}

TEST(SipCallHeadersTest, WhatIsCalled) {
  struct Case {
    std::string destination, server;
    bool rewrite;
    std::string expected;
  };
  const Case cases[] = {
      {"2001", "sip:10.10.10.81", true, "sip:2001@10.10.10.81"},
      {"2001", "sip:10.10.10.81", false, "sip:2001@10.10.10.81"},
      {"2001", "sip:sbc.example:5070;transport=tcp", true, "sip:2001@sbc.example:5070;transport=tcp"},
      {"sip:2001@pbx;transport=tcp", "sip:10.10.10.81", true, "sip:2001@10.10.10.81"},
      {"sip:2001@pbx;transport=udp", "sip:sbc.example;transport=tls", true,
       "sip:2001@sbc.example;transport=tls"},
      {"sip:2001@pbx;maddr=203.0.113.9;ttl=1;lr;method=BYE;user=phone", "sip:10.10.10.81", true,
       "sip:2001@10.10.10.81;user=phone"},
      {"sip:2001@pbx;transport=tcp", "sip:10.10.10.81", false, "sip:2001@pbx;transport=tcp"},
      {"sip:8000@cluster", "sip:10.10.10.81", true, "sip:8000@10.10.10.81"},
      {"sip:8000@cluster", "sip:10.10.10.81", false, "sip:8000@cluster"},
      {"sip:8000@cluster;user=phone", "sips:sbc.example", true, "sips:8000@sbc.example;user=phone"},
      {"tel:+4989123", "sip:10.10.10.81", true, "sip:+4989123@10.10.10.81;user=phone"},
      {"tel:+4989123;ext=4", "sip:10.10.10.81", false, "sip:+4989123@10.10.10.81;user=phone"},
      {"a b\r\nVia", "sip:10.10.10.81", true, "sip:a%20b%0D%0AVia@10.10.10.81"},
  };
  for (const Case& each : cases) {
    const std::string made = calledUri(each.destination, uri(each.server), each.rewrite).toString();
    EXPECT_EQ(made.find_first_of("\r\n "), std::string::npos) << made;
    EXPECT_EQ(made, each.expected) << each.destination;
  }
}

TEST(SipCallHeadersTest, TheCallersNumberIsKept) {
  const auto caller = callerAddress("Ada \"L\"", "sip:+4989123@home.example", "10.0.0.1");
  EXPECT_EQ(caller.uri.toString(), "sip:+4989123@10.0.0.1;user=phone");
  EXPECT_EQ(callerAddress("", "ada", "10.0.0.1").uri.toString(), "sip:ada@10.0.0.1");
}

TEST(SipCallHeadersTest, WithoutANumberTheCallerIsAnonymous) {
  const auto caller = callerAddress("Ada", "", "10.0.0.1");
  EXPECT_EQ(caller.uri.toString(), "sip:anonymous@anonymous.invalid");
  EXPECT_EQ(caller.display, "Ada");
  PhoneInvite invite;
  EXPECT_EQ(valueOf(callHeaders(invite, "10.0.0.1"), sip::HeaderId::pAssertedIdentity), "");
}

TEST(SipCallHeadersTest, UserToUserGoesInHex) {
  PhoneInvite invite;
  invite.uui = "case 42";
  invite.correlationId = "0123456789abcdef0123456789abcdef";
  const auto headers = callHeaders(invite, "10.0.0.1");
  EXPECT_TRUE(valueOf(headers, sip::HeaderId::userToUser).starts_with("63617365203432;encoding=hex"))
      << valueOf(headers, sip::HeaderId::userToUser);
  EXPECT_TRUE(valueOf(headers, sip::HeaderId::sessionId).starts_with("0123456789abcdef0123456789abcdef"));
}

TEST(SipCallHeadersTest, WhatAnExchangeSaidOfTheUserIsPassedOnAsItCame) {
  // Q.931's protocol discriminator (04, IA5) before the text.
  constexpr std::string_view kElement = "0463617365;encoding=hex;purpose=isdn-uui;content=isdn-uui";
  auto request = sip::Message::request(sip::Method::invite, uri("sip:8000@cluster"));
  request.set(sip::HeaderId::userToUser, std::string(kElement));
  const IncomingPhoneCall call = incomingCall(request);
  EXPECT_EQ(call.uui, "case");
  PhoneInvite invite;
  invite.uui = call.uui;
  invite.uuiElement = call.uuiElement;
  EXPECT_EQ(valueOf(callHeaders(invite, "10.0.0.1"), sip::HeaderId::userToUser), kElement);
}

TEST(SipCallHeadersTest, ReadsAnIncomingCall) {
  const auto request = sip::Message::parse(
      "INVITE sip:8000@cluster SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
      "From: \"Old\" <sip:1234@pbx>;tag=1\r\n"
      "To: <sip:8000@cluster>\r\n"
      "Call-ID: c1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
      "P-Asserted-Identity: \"Ada\" <sip:+4989123@pbx>\r\n"
      "User-to-User: 63617365203432;encoding=hex\r\n"
      "X-Correlation-ID: abc-1\r\n"
      "Content-Length: 0\r\n\r\n");
  ASSERT_TRUE(request);
  const IncomingPhoneCall call = incomingCall(*request);
  EXPECT_EQ(call.to, "8000");
  EXPECT_EQ(call.toAddress, "sip:8000@cluster");
  EXPECT_EQ(call.fromName, "Ada");
  EXPECT_EQ(call.fromAddress, "+4989123");
  EXPECT_EQ(call.uui, "case 42");
  EXPECT_EQ(call.correlationId, "abc-1");
}

/// RFC 3326: protocol, cause, quoted text; nothing of ours.
TEST(SipCallHeadersTest, EachEndHasAReasonThatPhonesUnderstand) {
  const std::pair<EndReason, const char*> cases[] = {
      {EndReason::none, "Q.850;cause=16;text=\"Normal call clearing\""},
      {EndReason::hungUp, "Q.850;cause=16;text=\"Normal call clearing\""},
      {EndReason::transferred, "Q.850;cause=16;text=\"Normal call clearing\""},
      {EndReason::phoneBusy, "Q.850;cause=17;text=\"User busy\""},
      {EndReason::noAnswer, "Q.850;cause=19;text=\"No answer from user\""},
      {EndReason::agentAway, "Q.850;cause=20;text=\"Subscriber absent\""},
      {EndReason::rejected, "Q.850;cause=21;text=\"Call rejected\""},
      {EndReason::agentLost, "Q.850;cause=41;text=\"Temporary failure\""},
      {EndReason::answeredElsewhere, "SIP;cause=200;text=\"Call completed elsewhere\""},
      {EndReason::cancelled, "SIP;cause=487;text=\"Request Terminated\""},
      {EndReason::sessionExpired, "SIP;cause=408;text=\"Request Timeout\""},
      {EndReason::mediaFailed, "SIP;cause=488;text=\"Not Acceptable Here\""},
      {EndReason::serverStopping, "SIP;cause=503;text=\"Service Unavailable\""},
      {EndReason::numberRefused, "SIP;cause=403;text=\"Forbidden\""},
  };
  for (const auto& [reason, value] : cases) EXPECT_EQ(reasonValue(reason), value);
  for (std::size_t i = 0; i < kEndReasons; ++i) {
    const auto reason = static_cast<EndReason>(i);
    const auto parsed = sip::TokenValue::parse(reasonValue(reason));
    ASSERT_TRUE(parsed) << toString(reason);
    EXPECT_TRUE(parsed->value == "SIP" || parsed->value == "Q.850") << toString(reason);
    EXPECT_TRUE(parsed->params.get("cause")) << toString(reason);
    EXPECT_FALSE(parsed->params.get("text").value_or("").empty()) << toString(reason);
  }
}

TEST(SipSettingsTest, TheEngineRingsLongerThanTheGateway) {
  base::Settings settings;
  declareSettings(settings);
  EXPECT_EQ(sipPhonesOptions(settings).callTimes.ringTimeout, base::Millis{180'000});
  ASSERT_FALSE(settings.setText("gateway.ring_seconds", "600"));
  EXPECT_EQ(sipPhonesOptions(settings).callTimes.ringTimeout, base::Millis{660'000});
  ASSERT_FALSE(settings.setText("gateway.hunt_groups", "sales: ada; overflow=3600"));
  EXPECT_EQ(sipPhonesOptions(settings).callTimes.ringTimeout, base::Millis{3'660'000});
}

TEST(SipSettingsTest, AllowedPeers) {
  const auto at = [](std::string_view text) {
    return proto::TransportAddress{net::Endpoint::parse(text, 0)->bytes(), 5060};
  };
  const auto network = parseAllowedPeer("192.0.2.0/24");
  ASSERT_TRUE(network);
  EXPECT_TRUE(covers(*network, at("192.0.2.200")));
  EXPECT_FALSE(covers(*network, at("192.0.3.1")));
  EXPECT_FALSE(covers(*network, at("2001:db8::1")));
  const auto one = parseAllowedPeer("2001:db8::1");
  ASSERT_TRUE(one);
  EXPECT_TRUE(covers(*one, at("2001:db8::1")));
  EXPECT_FALSE(covers(*one, at("2001:db8::2")));
  EXPECT_TRUE(covers(*parseAllowedPeer("0.0.0.0/0"), at("203.0.113.9")));
  EXPECT_FALSE(covers(*parseAllowedPeer("0.0.0.0/0"), at("2001:db8::1")));
  for (const char* wrong : {"", "pbx", "192.0.2.0/33", "192.0.2.0/", "2001:db8::/129", "192.0.2.1/x"}) {
    EXPECT_FALSE(parseAllowedPeer(wrong)) << wrong;
  }
}

TEST(SipSettingsTest, WhereToListen) {
  const auto all = parseSipListen("udp:5060");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->kind, sip::TransportKind::udp);
  EXPECT_EQ(all->endpoint.port(), 5060);
  EXPECT_TRUE(all->endpoint.isAny());
  EXPECT_EQ(parseSipListen("tls:192.0.2.1:5061")->endpoint.toString(), "192.0.2.1:5061");
  EXPECT_EQ(parseSipListen("tcp:[2001:db8::1]:5060")->endpoint.toString(), "[2001:db8::1]:5060");
  for (const char* wrong : {"", "5060", "sctp:5060", "udp:", "udp:70000", "udp:host:5060"}) {
    EXPECT_FALSE(parseSipListen(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace parley::gateway
