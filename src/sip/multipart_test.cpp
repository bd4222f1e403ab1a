#include "sip/multipart.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::sip {
namespace {

const std::string kMixed = "multipart/mixed;boundary=\"one\"";
const std::string kSdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n";

std::string part(const std::string& headers, const std::string& content,
                 const std::string& boundary = "one") {
  return "--" + boundary + "\r\n" + headers + "\r\n" + content + "\r\n";
}
std::string end(const std::string& boundary = "one") { return "--" + boundary + "--\r\n"; }
const std::string kSdpPart = part("Content-Type: application/sdp\r\n", kSdp);

FoundSdp found(const std::string& body, const std::string& type = kMixed) { return findSdp(type, body); }

TEST(Multipart, ADescriptionAmongOtherParts) {
  const std::string location = part(
      "Content-Type: application/pidf+xml\r\nContent-ID: <x@example.com>\r\n"
      "Content-Disposition: by-reference;handling=optional\r\n",
      "<presence/>");
  const std::string isup =
      part("Content-Type: application/isup;version=itu-t92+\r\n", "\x01\x02\r\n--on\r\n");
  for (const std::string& body : {location + kSdpPart + isup, kSdpPart + isup + location, isup + kSdpPart}) {
    const FoundSdp sdp = found("This is a preamble.\r\n" + body + end() + "and this an epilogue");
    EXPECT_EQ(sdp.status, 0) << body;
    EXPECT_EQ(sdp.sdp, kSdp) << body;
  }
}

TEST(Multipart, PartsAreReadWhole) {
  const std::string body =
      part(
          "content-type: Text/HTML ;\r\n charset=utf-8\r\nContent-Disposition: Render; handling=REQUIRED\r\n",
          "a\r\n\r\nb") +
      part("", "no headers") + "--one  \r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n" + end();
  const auto parts = parseMultipart(kMixed, body);  // Parts are views of the body.
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 3u);
  EXPECT_EQ(parts->at(0).type, "text/html");
  EXPECT_EQ(parts->at(0).disposition, "render");
  EXPECT_TRUE(parts->at(0).required);
  EXPECT_EQ(parts->at(0).content, "a\r\n\r\nb");
  EXPECT_EQ(parts->at(1).type, "text/plain");
  EXPECT_EQ(parts->at(1).content, "no headers");
  EXPECT_FALSE(parts->at(1).required);
  EXPECT_TRUE(parts->at(2).encoded);
  EXPECT_EQ(parts->at(2).content, "");
}

TEST(Multipart, WhatIsRequiredMustBeUnderstood) {
  const std::string required =
      part("Content-Type: application/isup\r\nContent-Disposition: signal;handling=required\r\n", "x");
  EXPECT_EQ(found(required + kSdpPart + end()).status, 415);
  const std::string sdp =
      part("Content-Type: application/sdp\r\nContent-Disposition: session;handling=required\r\n", kSdp);
  EXPECT_EQ(found(sdp + end()).sdp, kSdp);
}

TEST(Multipart, DescriptionsThatAreNoneOfTheSession) {
  const std::string early =
      part("Content-Type: application/sdp\r\nContent-Disposition: early-session\r\n", "v=1");
  EXPECT_EQ(found(early + end()).status, 415) << "RFC 3959";
  EXPECT_EQ(found(early + kSdpPart + end()).sdp, kSdp);
  const std::string encoded = part("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "x");
  EXPECT_EQ(found(encoded + end()).status, 415);
  EXPECT_EQ(found(part("Content-Type: text/plain\r\n", "hello") + end()).status, 415);
}

TEST(Multipart, OfAlternativesTheLastThatIsUnderstood) {
  const std::string other = part("Content-Type: application/sdp\r\n", "v=0\r\ns=better\r\n");
  const std::string unknown =
      part("Content-Type: x/y\r\nContent-Disposition: session;handling=required\r\n", "z");
  const FoundSdp sdp = found(kSdpPart + other + unknown + end(), "multipart/alternative; boundary=one");
  EXPECT_EQ(sdp.status, 0);
  EXPECT_EQ(sdp.sdp, "v=0\r\ns=better\r\n");
  EXPECT_EQ(found(kSdpPart + other + end()).sdp, kSdp) << "of a mixture the first";
}

TEST(Multipart, PartsInsideOfParts) {
  std::string body = kSdpPart + end();
  std::string inner = "one";
  const auto wrap = [&] {
    const std::string outer = inner + "x";
    body = part("Content-Type: multipart/related; boundary=" + inner + "\r\n", body, outer) + end(outer);
    inner = outer;
  };
  for (int i = 0; i < 3; ++i) wrap();
  EXPECT_EQ(found(body, "multipart/mixed;boundary=" + inner).sdp, kSdp);
  wrap();
  EXPECT_EQ(found(body, "multipart/mixed;boundary=" + inner).status, 400) << "too deep";
}

TEST(Multipart, MalformedOnesAreRefused) {
  EXPECT_EQ(found(kSdpPart).status, 400) << "no end";
  EXPECT_EQ(found(end()).status, 400) << "no part";
  EXPECT_EQ(found("").status, 400);
  EXPECT_EQ(found(kSdpPart + end(), "multipart/mixed").status, 400) << "no boundary";
  EXPECT_EQ(found(kSdpPart + end(), "multipart/mixed;boundary=" + std::string(71, 'b')).status, 400);
  EXPECT_EQ(found(kSdpPart + end(), "multipart/mixed;boundary=two").status, 400);
  std::string many;
  for (std::size_t i = 0; i < kMaxBodyParts; ++i) many += part("", "x");
  EXPECT_TRUE(parseMultipart(kMixed, many + end()));
  EXPECT_FALSE(parseMultipart(kMixed, many + part("", "x") + end()));
  std::string headers;
  for (int i = 0; i < 40; ++i) headers += "X-Header: 1\r\n";
  EXPECT_FALSE(parseMultipart(kMixed, part(headers, "x") + end()));
}

TEST(Multipart, LinesMayEndWithoutCarriageReturn) {
  EXPECT_EQ(found("--one\nContent-Type: application/sdp\n\nv=0\ns=-\n--one--").sdp, "v=0\ns=-\r\n");
}

}  // namespace
}  // namespace parley::sip
