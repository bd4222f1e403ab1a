#include "sip/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sip/message.h"

namespace parley::sip {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SipUriTest, ReadsItsParts) {
  const auto uri =
      Uri::parse("sips:al%69ce:secret@[2001:db8::1]:5061;transport=TCP;lr?subject=x&priority=urgent");
  ASSERT_TRUE(uri.has_value()) << uri.error().text;
  EXPECT_EQ(uri->scheme, UriScheme::sips);
  EXPECT_EQ(uri->user, "al%69ce");
  EXPECT_EQ(uri->plainUser(), "alice");
  EXPECT_EQ(uri->password, "secret");
  EXPECT_EQ(uri->host, "[2001:db8::1]");
  EXPECT_EQ(uri->port, 5061);
  EXPECT_EQ(uri->params.get("TRANSPORT"), "TCP");
  EXPECT_EQ(uri->params.get("lr"), "");
  EXPECT_FALSE(uri->params.has("maddr"));
  EXPECT_EQ(uri->headers, "subject=x&priority=urgent");
  EXPECT_EQ(uri->toString(),
            "sips:al%69ce:secret@[2001:db8::1]:5061;transport=TCP;lr?subject=x&priority=urgent");
}

TEST(SipUriTest, ReadsOtherSchemes) {
  const auto tel = Uri::parse("tel:+1-201-555-0123;phone-context=example.com");
  ASSERT_TRUE(tel.has_value());
  EXPECT_EQ(tel->scheme, UriScheme::tel);
  EXPECT_EQ(tel->user, "+1-201-555-0123");
  EXPECT_TRUE(tel->equivalent(Uri::parse("tel:+12015550123;PHONE-CONTEXT=example.com").value()));
  const auto urn = Uri::parse("urn:service:sos");
  ASSERT_TRUE(urn.has_value());
  EXPECT_EQ(urn->otherScheme, "urn");
  EXPECT_EQ(urn->user, "service:sos");
  EXPECT_EQ(urn->toString(), "urn:service:sos");
}

TEST(SipUriTest, RefusesWhatIsNone) {
  for (const std::string_view text : {"",
                                      "sip",
                                      "sip:",
                                      "sip:@host",
                                      "sip:user@",
                                      "sip:a b@host",
                                      "sip:u@host:",
                                      "sip:u@host:0",
                                      "sip:u@host:65536",
                                      "sip:u@host:5060x",
                                      "sip:u%4@host",
                                      "sip:u%zz@host",
                                      "sip:u@[::1",
                                      "sip:u@[1.2]",
                                      "sip:u@2001:db8::1",
                                      "tel:",
                                      "tel:x",
                                      "<sip:u@host>",
                                      "sip:u@host;",
                                      "sip:u@host;;x",
                                      "sip:u@host?",
                                      "sip:u@ho\xc3\xa9st",
                                      "1sip:u@host",
                                      ":u@host",
                                      "sip:u@host\r\nX: y",
                                      "sip:u@host@other"})
    EXPECT_FALSE(Uri::parse(text).has_value()) << text;
  EXPECT_EQ(Uri::parse("nonsense").error().reason, "sip.bad_uri");
}

TEST(SipUriTest, ComparesAsSection19_1_4Says) {
  const auto same = [](std::string_view a, std::string_view b) {
    const auto left = Uri::parse(a).value(), right = Uri::parse(b).value();
    EXPECT_EQ(left.equivalent(right), right.equivalent(left)) << a << " " << b;
    return left.equivalent(right);
  };
  EXPECT_TRUE(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
  EXPECT_TRUE(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  EXPECT_TRUE(same("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"));
  EXPECT_TRUE(same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                   "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
  EXPECT_TRUE(same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                   "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));
  EXPECT_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
  EXPECT_FALSE(same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
  EXPECT_FALSE(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
  EXPECT_FALSE(same("sip:a@b", "sips:a@b"));
}

TEST(SipUriTest, WhatIsBuiltIsAUri) {
  const auto uri = Uri::sip("a b<>@\"%41", "example.com", 5070);
  EXPECT_EQ(uri.toString(), "sip:a%20b%3C%3E%40%22%41@example.com:5070");
  EXPECT_EQ(Uri::parse(uri.toString()).value(), uri);
}

TEST(SipHeadersTest, AddressesInEitherForm) {
  const auto quoted = NameAddr::parse(R"("A \"B\", C" <sip:a@example.com;x=1>;tag=7;y="q;,")");
  ASSERT_TRUE(quoted.has_value()) << quoted.error().text;
  EXPECT_EQ(quoted->display, "A \"B\", C");
  EXPECT_EQ(quoted->uri.params.get("x"), "1");
  EXPECT_EQ(quoted->tag(), "7");
  EXPECT_EQ(quoted->params.get("y"), "q;,");
  EXPECT_EQ(NameAddr::parse(quoted->toString()).value(), *quoted);
  // Without < > the parameters are the header's.
  const auto bare = NameAddr::parse("sip:a@example.com;tag=7");
  ASSERT_TRUE(bare.has_value());
  EXPECT_TRUE(bare->uri.params.empty());
  EXPECT_EQ(bare->tag(), "7");
  EXPECT_EQ(bare->toString(), "<sip:a@example.com>;tag=7");
  EXPECT_EQ(NameAddr::parse("J. Doe (Sales)  <sip:a@b>").value().display, "J. Doe (Sales)");
  EXPECT_EQ(NameAddr::parse("\"\" <sip:a@b>").value().display, "");
  for (const std::string_view text :
       {"", "<sip:a@b", "\"x\" sip:a@b", "\"x <sip:a@b>", "A, B <sip:a@b>", "< sip:a@b>", "sip:a@b?x=y",
        "<sip:a@b>;", "<sip:a@b>;=1", "<sip:a@b> x", "<sip:a@b>, <sip:c@d>"})
    EXPECT_FALSE(NameAddr::parse(text).has_value()) << text;
}

TEST(SipHeadersTest, ParametersAreQuotedWhenTheyMustBe) {
  NameAddr address = NameAddr::parse("<sip:a@b>").value();
  address.params.set("plain", "a.b");
  address.params.set("odd", "a \"b\"\r\nX: y");
  address.params.setQuoted("always", "z");
  EXPECT_EQ(address.toString(), "<sip:a@b>;plain=a.b;odd=\"a \\\"b\\\"  X: y\";always=\"z\"");
  address.params.set("PLAIN", std::nullopt);
  address.params.remove("Odd");
  EXPECT_EQ(address.toString(), "<sip:a@b>;plain;always=\"z\"");
}

TEST(SipHeadersTest, Vias) {
  const auto via =
      Via::parse("SIP / 2.0 / tls [2001:db8::9]:5061 ;branch = z9hG4bKx;received=2001:db8::1;rport");
  ASSERT_TRUE(via.has_value()) << via.error().text;
  EXPECT_EQ(via->toString(), "SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bKx;received=2001:db8::1;rport");
  EXPECT_TRUE(via->hasCookie());
  for (const std::string_view text :
       {"", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0/UDP ;branch=1", "SIP/2.0/UDP h:0",
        "SIP/2.0/UDP h;", "SIP/2.0/UDP a b", "HTTP/1.1/TCP h", "SIP/2.0/UDPh"})
    EXPECT_FALSE(Via::parse(text).has_value()) << text;
}

TEST(SipHeadersTest, Numbers) {
  EXPECT_EQ(CSeq::parse(" 2147483647  BYE ").value(), (CSeq{2147483647u, "BYE", Method::bye}));
  for (const std::string_view text :
       {"", "1", "INVITE", "2147483648 BYE", "-1 BYE", "1INVITE", "1 BYE x", "1 B;E"})
    EXPECT_FALSE(CSeq::parse(text).has_value()) << text;
  const auto rack = RAck::parse("776656 1 INVITE");
  ASSERT_TRUE(rack.has_value());
  EXPECT_EQ(rack->toString(), "776656 1 INVITE");
  EXPECT_FALSE(RAck::parse("1 INVITE").has_value());
  const auto expires = SessionExpires::parse("1800 ; Refresher=UAS;x");
  ASSERT_TRUE(expires.has_value());
  EXPECT_EQ(expires->toString(), "1800;refresher=uas");
  EXPECT_FALSE(SessionExpires::parse("4294967296").has_value());
  EXPECT_FALSE(SessionExpires::parse("1;refresher=me").has_value());
}

TEST(SipHeadersTest, ReplacesAndItsKin) {
  const auto replaces = Replaces::parse("425928@bobster.example.org ;to-tag=7743;from-tag=6472;early-only");
  ASSERT_TRUE(replaces.has_value());
  EXPECT_EQ(replaces->toString(), "425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only");
  const auto target = Replaces::parse("fa77as7dad8@host;local-tag=kkaz-;remote-tag=6544");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->toTag, "kkaz-");
  EXPECT_EQ(Replaces::parse("x;to-tag=\"a;b\";from-tag=1").value().toString(), "x;to-tag=\"a;b\";from-tag=1");
  EXPECT_FALSE(Replaces::parse("x;to-tag=1").has_value());
  EXPECT_FALSE(Replaces::parse(";to-tag=1;from-tag=2").has_value());
}

TEST(SipHeadersTest, Authentication) {
  const auto value =
      AuthValue::parse(R"(Digest realm="a, \"b\"", qop="auth,auth-int" ,algorithm=SHA-256, stale=FALSE)");
  ASSERT_TRUE(value.has_value()) << value.error().text;
  EXPECT_EQ(value->scheme, "Digest");
  EXPECT_EQ(value->params.get("realm"), "a, \"b\"");
  EXPECT_EQ(value->params.get("QOP"), "auth,auth-int");
  EXPECT_EQ(value->toString(),
            R"(Digest realm="a, \"b\"", qop="auth,auth-int", algorithm=SHA-256, stale=FALSE)");
  EXPECT_TRUE(AuthValue::parse("NoOneKnowsThisScheme opaque-data=here").has_value());
  const auto failed = AuthValue::parse("Digest response=\"secret");
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().text, Not(HasSubstr("secret")));
}

TEST(SipHeadersTest, ValuesWithParameters) {
  const auto type = TokenValue::parse("Text / Plain ; charset = \"utf-8\"");
  ASSERT_TRUE(type.has_value());
  EXPECT_EQ(type->value, "Text/Plain");
  EXPECT_EQ(type->params.get("charset"), "utf-8");
  const auto retry = TokenValue::parse("18000 (in a (long) meeting);duration=3600");
  ASSERT_TRUE(retry.has_value());
  EXPECT_EQ(retry->value, "18000");
  EXPECT_EQ(retry->params.get("duration"), "3600");
  for (const std::string_view text : {"", ";x", "a;", "a,b", "\"a", "a (b"})
    EXPECT_FALSE(TokenValue::parse(text).has_value()) << text;
}

TEST(SipHeadersTest, NamesAreFoundInEveryForm) {
  for (std::size_t i = 1; i <= static_cast<std::size_t>(HeaderId::answerMode); ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string upper(nameOf(id));
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(headerIdOf(nameOf(id)), id);
    EXPECT_EQ(headerIdOf(upper), id);
  }
  EXPECT_EQ(headerIdOf("V"), HeaderId::via);
  EXPECT_EQ(headerIdOf("r"), HeaderId::referTo);
  EXPECT_EQ(headerIdOf("x"), HeaderId::sessionExpires);
  EXPECT_EQ(headerIdOf("q"), HeaderId::other);
  EXPECT_EQ(headerIdOf("Vib"), HeaderId::other);
  EXPECT_EQ(headerIdOf(""), HeaderId::other);
  EXPECT_EQ(phraseOf(486), "Busy Here");
  EXPECT_EQ(phraseOf(499), "Unknown");
}

TEST(SipHeadersTest, MethodsHaveTheirCase) {
  EXPECT_EQ(methodOf("REGISTER"), Method::registration);
  EXPECT_EQ(methodOf("Invite"), Method::other);
  EXPECT_EQ(methodOf(""), Method::other);
  EXPECT_EQ(toString(Method::publish), "PUBLISH");
}

}  // namespace
}  // namespace parley::sip
