#include "sip/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace parley::sip {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kInvite =
    "INVITE sip:8000@parley.example SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: \"Alice, Liddell\" <sip:alice@example.com>;tag=1928301774\r\n"
    "To: <sip:8000@parley.example>\r\n"
    "Call-ID: a84b4c76e66710@pc33\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.1:5060;transport=udp>\r\n"
    "Supported: timer, 100rel\r\n"
    "k: replaces\r\n"
    "X-Thing:  a ; b  \r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 5\r\n"
    "\r\n"
    "v=0\r\n";

/// kInvite with one line in place of the one that begins alike.
std::string with(std::string_view begin, std::string_view line) {
  std::string text = kInvite;
  const auto at = text.find(begin);
  const auto end = text.find("\r\n", at) + 2;
  return text.replace(at, end - at, line);
}

TEST(SipMessageTest, ReadsARequest) {
  const auto message = Message::parse(kInvite);
  ASSERT_TRUE(message.has_value()) << message.error().text;
  EXPECT_TRUE(message->isRequest());
  EXPECT_EQ(message->method(), Method::invite);
  EXPECT_EQ(message->requestUri().user, "8000");
  ASSERT_NE(message->topVia(), nullptr);
  EXPECT_EQ(message->topVia()->transport, "UDP");
  EXPECT_EQ(message->topVia()->port, 5060);
  EXPECT_EQ(message->topVia()->branch(), "z9hG4bK776asdhds");
  EXPECT_TRUE(message->topVia()->params.has("RPORT"));
  EXPECT_EQ(message->from().display, "Alice, Liddell");
  EXPECT_EQ(message->from().tag(), "1928301774");
  EXPECT_EQ(message->callId(), "a84b4c76e66710@pc33");
  EXPECT_EQ(message->cseq().number, 314159u);
  EXPECT_EQ(message->maxForwards(), 70);
  EXPECT_THAT(message->list(HeaderId::supported), ElementsAre("timer", "100rel", "replaces"));
  EXPECT_TRUE(message->lists(HeaderId::supported, "REPLACES"));
  EXPECT_EQ(message->header("x-thing"), "a ; b");
  EXPECT_EQ(message->contentType(), "application/sdp");
  EXPECT_EQ(message->body(), "v=0\r\n");
}

TEST(SipMessageTest, WritesWhatItReads) {
  const auto message = Message::parse(kInvite);
  ASSERT_TRUE(message.has_value());
  const auto text = message->write();
  EXPECT_THAT(text, HasSubstr("\r\nk: replaces\r\nX-Thing: a ; b\r\nContent-Type: application/sdp\r\n"));
  const auto again = Message::parse(text);
  ASSERT_TRUE(again.has_value()) << again.error().text;
  EXPECT_EQ(again->write(), text);
  EXPECT_EQ(again->from(), message->from());
  EXPECT_EQ(again->vias(), message->vias());
}

TEST(SipMessageTest, AnswersARequest) {
  const auto message = Message::parse(with("Contact", "Record-Route: <sip:p1.example;lr>\r\n"));
  ASSERT_TRUE(message.has_value()) << message.error().text;
  const auto ringing = Message::responseTo(*message, 180, "t1");
  EXPECT_EQ(ringing.to().tag(), "t1");
  EXPECT_EQ(ringing.phrase(), "Ringing");
  EXPECT_EQ(ringing.method(), Method::invite);
  EXPECT_EQ(ringing.header(HeaderId::recordRoute), "<sip:p1.example;lr>");
  EXPECT_FALSE(Message::responseTo(*message, 486, "t1").has(HeaderId::recordRoute));
  const auto text = ringing.write();
  EXPECT_THAT(text, testing::StartsWith("SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;"));
  EXPECT_THAT(text, Not(HasSubstr("Max-Forwards")));
}

TEST(SipMessageTest, RefusesWithWhatAnAnswerNeeds) {
  const auto message = Message::parse(with("To:", "To: \"open <sip:a@b>\r\n"));
  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error().status, 400);
  EXPECT_EQ(message.error().reason, "sip.bad_header");
  EXPECT_TRUE(message.error().isRequest);
  EXPECT_FALSE(message.error().isAck);
  ASSERT_TRUE(message.error().head.has_value());
  const auto answer = Message::responseTo(*message.error().head, 400, "t1").write();
  EXPECT_THAT(answer, HasSubstr("\r\nTo: \"open <sip:a@b>\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nCSeq: 314159 INVITE\r\n"));
}

TEST(SipMessageTest, NothingThatIsSetEndsALine) {
  auto message = Message::parse(kInvite).value();
  const std::string evil = "x\r\nEvil: 1\r\n\r\nINVITE sip:a@b SIP/2.0\r\n";
  message.from().display = evil;
  message.to().uri.user = evil;
  message.to().params.set("p", evil);
  message.topVia()->host = evil;
  message.setCallId(evil);
  message.setRequestUri(Uri::sip(evil, evil));
  message.setCSeq(CSeq{1, evil, Method::other});
  message.set(HeaderId::subject, evil);
  message.add(HeaderId::supported, evil);
  message.addFirst(HeaderId::route, evil);
  message.add("X-Other", evil);
  message.add(evil, "value");
  const auto text = message.write();
  EXPECT_THAT(text, Not(HasSubstr("\nEvil")));
  EXPECT_THAT(text, Not(HasSubstr("\rEvil")));
  EXPECT_EQ(text.find("\r\n\r\n"), text.size() - message.body().size() - 4);
  const auto response = Message::response(200, evil).write();
  EXPECT_EQ(response.find("\r\n\r\n"), response.size() - 4);
  EXPECT_THAT(response, Not(HasSubstr("\nEvil")));
}

std::string reasonOf(std::string_view text) {
  const auto message = Message::parse(text);
  return message ? "" : std::to_string(message.error().status) + " " + message.error().reason;
}

TEST(SipMessageTest, ContentLengthOnADatagram) {
  EXPECT_EQ(Message::parse(with("Content-Length", "l: 3\r\n")).value().body(), "v=0");
  EXPECT_EQ(Message::parse(with("Content-Length", "")).value().body(), "v=0\r\n");
  EXPECT_EQ(reasonOf(with("Content-Length", "Content-Length: 6\r\n")), "400 sip.bad_content_length");
  for (const std::string_view value : {"", "-1", "5x", "+5", "0x5", "99999999999999999999"})
    EXPECT_EQ(reasonOf(with("Content-Length", "l: " + std::string(value) + "\r\n")),
              "400 sip.bad_content_length");
}

TEST(SipMessageTest, RepeatedHeaders) {
  for (const std::string_view name : {"From", "To", "Call-ID", "CSeq", "Max-Forwards"}) {
    SCOPED_TRACE(name);
    const auto at = kInvite.find("\r\n" + std::string(name) + ":") + 2;
    const auto line = kInvite.substr(at, kInvite.find("\r\n", at) + 2 - at);
    EXPECT_EQ(reasonOf(with(name, line + line)), "");
    const auto other = name == "CSeq" || name == "Max-Forwards" ? "5 INVITE" : "<sip:x@y>";
    EXPECT_EQ(reasonOf(with(name, line + std::string(name) + ": " + other + "\r\n")),
              "400 sip.repeated_header");
  }
  const auto agents =
      Message::parse(with("X-Thing", "User-Agent: one\r\nUser-Agent: two\r\nUser-Agent: \r\n"));
  ASSERT_TRUE(agents.has_value());
  EXPECT_EQ(agents->header(HeaderId::userAgent), "one");
  EXPECT_THAT(agents->write(), HasSubstr("User-Agent: one\r\nUser-Agent: two\r\nUser-Agent: \r\n"));
}

TEST(SipMessageTest, ACallIdIsOneWordOfVisibleBytes) {
  const std::string good = "3848276298220188511@h\xc3\xb6st~";
  ASSERT_TRUE(Message::parse(with("Call-ID", "Call-ID: " + good + "\r\n")).has_value());
  // They are read several at a time: what may not be there is seen wherever it stands.
  for (const char bad : {'\0', '\x01', '\t', '\r', ' ', '\x1f', '\x7f'}) {
    for (std::size_t at = 1; at + 1 < good.size(); ++at) {
      std::string value = good;
      value[at] = bad;
      EXPECT_FALSE(Message::parse(with("Call-ID", "Call-ID: " + value + "\r\n")).has_value())
          << static_cast<int>(bad) << " at " << at;
    }
  }
}

TEST(SipMessageTest, EachKnownNameIsFoundInEveryForm) {
  for (int i = 1; i <= static_cast<int>(HeaderId::answerMode); ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string name(nameOf(id));
    EXPECT_EQ(headerIdOf(name), id) << name;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(headerIdOf(name), id) << name;
    EXPECT_EQ(headerIdOf(name + "x"), HeaderId::other) << name;
    name.back() = '~';
    EXPECT_EQ(headerIdOf(name), HeaderId::other) << name;
  }
}

TEST(SipMessageTest, UnknownHeadersGoThroughByteForByte) {
  const std::string value("\x01 \xff\xfe\0\"<,;%00\tx\x7f", 15);
  const auto message = Message::parse(with("X-Thing", "x-tHiNg: " + value + "\r\n"));
  ASSERT_TRUE(message.has_value()) << message.error().text;
  EXPECT_EQ(message->header("X-Thing"), value);
  EXPECT_THAT(message->write(), HasSubstr("\r\nx-tHiNg: " + value + "\r\n"));
}

TEST(SipMessageTest, LinesEndWhereTheyEnd) {
  EXPECT_EQ(reasonOf("\r\n\n\r\n" + kInvite), "");
  std::string feeds = kInvite;
  std::erase(feeds, '\r');
  EXPECT_EQ(Message::parse(feeds.replace(feeds.find("h: 5"), 4, "h: 4")).value().body(), "v=0\n");
  EXPECT_EQ(reasonOf(with("X-Thing", "X-Thing: a\rX-Evil: b\r\n")), "400 sip.bad_header");
  EXPECT_EQ(reasonOf(with("INVITE", "INVITE sip:a@b\rX SIP/2.0\r\n")), "400 sip.bad_start_line");
  EXPECT_EQ(reasonOf(with("Via", " Via: SIP/2.0/UDP h\r\n")), "400 sip.bad_header");
  EXPECT_EQ(reasonOf(kInvite.substr(0, kInvite.find("\r\n\r\n") + 2)), "400 sip.bad_frame");
  EXPECT_EQ(reasonOf(kInvite.substr(0, kInvite.find("\r\n\r\n") + 3)), "400 sip.bad_frame");
  EXPECT_EQ(reasonOf(""), "400 sip.bad_start_line");
  EXPECT_EQ(reasonOf("\r\n\r\n"), "400 sip.bad_start_line");
}

TEST(SipMessageTest, StartLines) {
  EXPECT_EQ(reasonOf(with("INVITE", "INVITE sip:a@b sip/2.0\r\n")), "");
  EXPECT_EQ(reasonOf(with("INVITE", "INVITE sip:a@b SIP/3.0\r\n")), "505 sip.bad_version");
  EXPECT_EQ(reasonOf(with("INVITE", "INVITE sip:a@b HTTP/1.1\r\n")), "400 sip.bad_start_line");
  EXPECT_EQ(reasonOf(with("INVITE", "INVITE http://a SIP/2.0\r\n")), "416 sip.unknown_scheme");
  EXPECT_EQ(reasonOf(with("INVITE", "INVITE tel:+1 SIP/2.0\r\n")), "");
  for (const std::string_view line :
       {"SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 20 x", "SIP/2.0 2000 x", "SIP/2.0", "SIP/3.0 200 OK"})
    EXPECT_EQ(reasonOf(with("INVITE", std::string(line) + "\r\n")), "400 sip.bad_start_line") << line;
  const auto response = Message::parse(with("INVITE", "SIP/2.0 200\r\n"));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status(), 200);
  EXPECT_TRUE(response->isResponse());
}

TEST(SipMessageTest, Bounds) {
  EXPECT_EQ(reasonOf(kInvite + std::string(kMaxMessageBytes, 'x')), "513 sip.too_large");
  EXPECT_EQ(reasonOf(with("X-Thing", "X: " + std::string(kMaxHeaderBytes, 'x') + "\r\n")),
            "513 sip.too_large");
  EXPECT_EQ(reasonOf(with("X-Thing", "X: " + std::string(kMaxHeaderBytes - 1000, 'x') + "\r\n")), "");
  std::string lines;
  for (std::size_t i = 0; i < kMaxHeaders; ++i) lines += "X: y\r\n";
  EXPECT_EQ(reasonOf(with("X-Thing", lines)), "513 sip.too_large");
  std::string vias = "Via: SIP/2.0/UDP h";
  for (std::size_t i = 0; i < kMaxHeaders; ++i) vias += ",SIP/2.0/UDP h";
  EXPECT_EQ(reasonOf(with("X-Thing", vias + "\r\n")), "513 sip.too_large");
  // Whoever sent it still learns of it.
  const auto refused = Message::parse(kInvite + std::string(kMaxMessageBytes, 'x'));
  ASSERT_TRUE(refused.error().head.has_value());
  EXPECT_EQ(refused.error().head->callId(), "a84b4c76e66710@pc33");
}

TEST(SipMessageTest, AnAckIsNeverAnswered) {
  const auto ack = Message::parse("ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCSeq: 1 ACK\r\n\r\n");
  ASSERT_FALSE(ack.has_value());
  EXPECT_TRUE(ack.error().isAck);
}

TEST(SipMessageTest, HeadersAreChangedInPlace) {
  auto message = Message::parse(kInvite).value();
  message.set(HeaderId::supported, "timer");
  message.add(HeaderId::supported, "gruu");
  message.addFirst(HeaderId::route, "<sip:2@r;lr>");
  message.addFirst(HeaderId::route, "<sip:1@r;lr>");
  message.add("x-thing", "c");
  message.remove("Contact");
  const auto text = message.write();
  EXPECT_THAT(
      text,
      HasSubstr("\r\nCSeq: 314159 INVITE\r\nSupported: timer\r\nSupported: gruu\r\nX-Thing: a ; b\r\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\r\nRoute: <sip:1@r;lr>\r\nRoute: <sip:2@r;lr>\r\nx-thing: c\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("Contact")));
  message.clearBody();
  EXPECT_THAT(message.write(), Not(HasSubstr("Content-Type")));
  EXPECT_THAT(message.write(), testing::EndsWith("Content-Length: 0\r\n\r\n"));
  message.setBody("x", "Text/Plain; charset=utf-8");
  EXPECT_EQ(message.contentType(), "text/plain");
}

TEST(SipMessageTest, TypedHeadersByTheirId) {
  auto message = Message::parse(kInvite).value();
  EXPECT_EQ(message.header(HeaderId::cseq), "314159 INVITE");
  EXPECT_EQ(message.header("v"), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport");
  EXPECT_EQ(message.header(HeaderId::contentLength), "5");
  message.set(HeaderId::to, "<sip:x@y>;tag=9");
  EXPECT_EQ(message.to().tag(), "9");
  message.set(HeaderId::to, "nonsense <");
  EXPECT_EQ(message.to().tag(), "9");
  message.addFirst(HeaderId::via, "SIP/2.0/TCP first, SIP/2.0/TCP second");
  message.add(HeaderId::via, "SIP/2.0/TCP last");
  EXPECT_THAT(message.list(HeaderId::via),
              ElementsAre("SIP/2.0/TCP first", "SIP/2.0/TCP second",
                          "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport", "SIP/2.0/TCP last"));
  message.set(HeaderId::maxForwards, "7");
  EXPECT_EQ(message.maxForwards(), 7);
  message.set(HeaderId::maxForwards, "x");
  EXPECT_EQ(message.maxForwards(), 7);
  message.remove(HeaderId::maxForwards);
  EXPECT_FALSE(message.has(HeaderId::maxForwards));
  const Message copy = message;
  EXPECT_EQ(copy.header(HeaderId::callId), message.header(HeaderId::callId));
}

TEST(SipMessageTest, ListsAreSplitAtTheirCommas) {
  const auto message = Message::parse(
      with("X-Thing",
           "Route: \"a, b\" <sip:1@r;x=\\,>, <sip:2,3@r> ,<sip:4@r>;y=\"q\\\",\"\r\nRoute: <sip:5@r>\r\n"));
  ASSERT_TRUE(message.has_value()) << message.error().text;
  EXPECT_EQ(message->list(HeaderId::route).size(), 4u);
  EXPECT_EQ(message->list(HeaderId::userAgent).size(), 0u);
  const auto bad = Message::parse(with("X-Thing", "P-Asserted-Identity: <sip:1@r>, nonsense\r\n"));
  ASSERT_TRUE(bad.has_value());
  EXPECT_THAT(bad->addresses(HeaderId::pAssertedIdentity).error().text, HasSubstr("P-Asserted-Identity: "));
}

}  // namespace
}  // namespace parley::sip
