#include "sip/stream_framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::sip {
namespace {

using Kind = StreamFramer::Kind;
using testing::ElementsAre;

std::string options(std::string_view callId, std::string_view lengthLine, std::string_view body) {
  return "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h.example;branch=z9hG4bK1\r\n"
         "From: <sip:b@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCSeq: 1 OPTIONS\r\nCall-ID: " +
         std::string(callId) + "\r\n" + std::string(lengthLine) + "\r\n" + std::string(body);
}

/// What comes out, as words.
std::vector<std::string> drain(StreamFramer& framer) {
  std::vector<std::string> out;
  while (true) {
    const auto item = framer.next();
    switch (item.kind) {
      case Kind::none:
        return out;
      case Kind::ping:
        out.emplace_back("ping");
        break;
      case Kind::pong:
        out.emplace_back("pong");
        break;
      case Kind::broken:
        out.push_back(std::to_string(item.failure->status) + " " + item.failure->reason);
        break;
      case Kind::message: {
        const auto message = Message::parse(item.bytes);
        out.push_back(message ? message->callId() + ":" + message->body() : message.error().reason);
        break;
      }
    }
  }
}

std::vector<std::string> feed(std::string_view bytes, std::size_t chunk) {
  StreamFramer framer;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < bytes.size(); i += chunk) {
    framer.push(bytes.substr(i, chunk));
    for (auto& word : drain(framer)) out.push_back(std::move(word));
  }
  return out;
}

TEST(SipStreamFramerTest, CutsMessagesHoweverTheyArrive) {
  const auto stream = options("a", "Content-Length: 3\r\n", "one") +
                      options("b", "l :\r\n  0005\r\n", "\r\n\r\n2") + options("c", "L:0\r\n", "");
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk)
    ASSERT_THAT(feed(stream, chunk), ElementsAre("a:one", "b:\r\n\r\n2", "c:")) << chunk;
}

TEST(SipStreamFramerTest, ABadMessageInASureFrameDoesNotEndTheStream) {
  const auto stream = "OPTIONS <sip:x> SIP/2.0\r\nContent-Length: 2\r\n\r\nab" + options("b", "l: 0\r\n", "");
  EXPECT_THAT(feed(stream, 7), ElementsAre("sip.bad_uri", "b:"));
}

TEST(SipStreamFramerTest, KnowsKeepAlives) {
  const auto message = options("a", "l: 0\r\n", "");
  EXPECT_THAT(feed("\r\n\r\n", 4), ElementsAre("ping"));
  EXPECT_THAT(feed("\r\n", 2), ElementsAre("pong"));
  EXPECT_THAT(feed("\r\n\r\n", 1), ElementsAre("pong", "ping"));
  EXPECT_THAT(feed("\r\n" + message + "\r\n\r\n" + message, 4096), ElementsAre("a:", "ping", "a:"));
  // A CRLF that belongs to the next message is no second half.
  EXPECT_THAT(feed("\r\n" + message + "\r\n", 2), ElementsAre("pong", "a:", "pong"));
}

TEST(SipStreamFramerTest, GivesUpWhereFramingIsNotSure) {
  const auto next = options("b", "l: 0\r\n", "");
  EXPECT_THAT(feed(options("a", "", "") + next, 64), ElementsAre("400 sip.missing_header"));
  EXPECT_THAT(feed(options("a", "l: 1\r\nContent-Length: 2\r\n", "xx") + next, 64),
              ElementsAre("400 sip.repeated_header"));
  EXPECT_THAT(feed(options("a", "l: 1\r\nContent-Length: 1\r\n", "x") + next, 64), ElementsAre("a:x", "b:"));
  EXPECT_THAT(feed(options("a", "l: -1\r\n", "") + next, 64), ElementsAre("400 sip.bad_content_length"));
  EXPECT_THAT(feed(options("a", "l: 99999999999\r\n", "") + next, 64),
              ElementsAre("400 sip.bad_content_length"));
  EXPECT_THAT(feed(options("a", "l: 1000000\r\n", "") + next, 64), ElementsAre("413 sip.too_large"));
  EXPECT_THAT(feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + next, 64), ElementsAre("400 sip.bad_start_line"));
  EXPECT_THAT(feed("\x16\x03\x01\x02", 1), ElementsAre("400 sip.bad_start_line"));
  EXPECT_THAT(feed("\rX", 1), ElementsAre("400 sip.bad_start_line"));
  EXPECT_THAT(feed(options("a", "X: " + std::string(kMaxHeaderBytes, 'x'), ""), 999),
              ElementsAre("513 sip.too_large"));
  EXPECT_THAT(feed(std::string(kMaxHeaderBytes + 1, 'x'), 999), ElementsAre("513 sip.too_large"));
}

TEST(SipStreamFramerTest, ABrokenOneCanBeAnswered) {
  StreamFramer framer;
  framer.push(options("a", "l: x\r\n", ""));
  const auto item = framer.next();
  ASSERT_EQ(item.kind, Kind::broken);
  ASSERT_TRUE(item.failure->head.has_value());
  EXPECT_EQ(item.failure->head->callId(), "a");
  EXPECT_TRUE(item.failure->isRequest);
  EXPECT_FALSE(framer.midMessage());
}

TEST(SipStreamFramerTest, SaysWhetherAMessageIsUnderWay) {
  StreamFramer framer;
  EXPECT_FALSE(framer.midMessage());
  framer.push("OPT");
  EXPECT_EQ(framer.next().kind, Kind::none);
  EXPECT_TRUE(framer.midMessage());
}

}  // namespace
}  // namespace parley::sip
