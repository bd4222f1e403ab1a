#include "sip/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace parley::sip
