// The messages of RFC 4475 and RFC 5118 with the verdict on each, and mutations of every header.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "base/text.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "sip/test_mutations.h"

namespace parley::sip {
namespace {

const std::filesystem::path kData = std::filesystem::path(PARLEY_SOURCE_DIR) / "tests" / "data";

std::string load(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// NAME → the rest of the line, the verdict's word first.
std::map<std::string, std::string> verdicts(const std::filesystem::path& folder) {
  std::map<std::string, std::string> out;
  std::istringstream in(load(folder / "verdicts.txt"));
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string verdict, name, rest;
    words >> verdict >> name;
    std::getline(words, rest);
    out[name] = verdict + rest;
  }
  return out;
}

std::string verdictOn(std::string_view bytes) {
  const auto message = Message::parse(bytes);
  if (message) return "accepted";
  const auto& failure = message.error();
  if (!failure.isRequest) return "dropped " + failure.reason;
  return fmt::format("refused {} {}", failure.status, failure.reason);
}

/// What was accepted is written as something that says the same.
void expectRoundTrip(const Message& message) {
  const auto text = message.write();
  const auto again = Message::parse(text);
  ASSERT_TRUE(again.has_value()) << again.error().text << "\n" << text;
  EXPECT_EQ(again->write(), text);
  EXPECT_EQ(again->methodName(), message.methodName());
  EXPECT_EQ(again->requestUri(), message.requestUri());
  EXPECT_EQ(again->vias(), message.vias());
  EXPECT_EQ(again->from(), message.from());
  EXPECT_EQ(again->to(), message.to());
  EXPECT_EQ(again->callId(), message.callId());
  EXPECT_EQ(again->cseq(), message.cseq());
  EXPECT_EQ(again->maxForwards(), message.maxForwards());
  EXPECT_EQ(again->phrase(), message.phrase());
  EXPECT_EQ(again->body(), message.body());
  ASSERT_EQ(again->headers().size(), message.headers().size());
  for (std::size_t i = 0; i < message.headers().size(); ++i) {
    EXPECT_EQ(again->headers()[i].name, message.headers()[i].name);
    EXPECT_EQ(again->headers()[i].value, message.headers()[i].value);
  }
}

void expectVerdicts(const std::filesystem::path& folder, std::size_t count) {
  const auto wanted = verdicts(folder);
  EXPECT_EQ(wanted.size(), count);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".sip") continue;
    ++files;
    const auto name = entry.path().stem().string();
    SCOPED_TRACE(name);
    const auto bytes = load(entry.path());
    const auto verdict = wanted.find(name);
    ASSERT_NE(verdict, wanted.end());
    EXPECT_EQ(verdictOn(bytes), verdict->second);
    const auto message = Message::parse(bytes);
    if (message) {
      expectRoundTrip(*message);
    } else if (message.error().isRequest) {
      // Its answer finds the way back.
      ASSERT_TRUE(message.error().head.has_value());
      const auto answer = Message::responseTo(*message.error().head, message.error().status, "tag").write();
      EXPECT_THAT(answer, testing::HasSubstr("\r\nVia: SIP/2.0/"));
      EXPECT_THAT(answer, testing::HasSubstr("\r\nCSeq: "));
    }
  }
  EXPECT_EQ(files, count);
}

TEST(SipTortureTest, EveryMessageOfRfc4475) { expectVerdicts(kData / "rfc4475", 49); }

TEST(SipTortureTest, EveryMessageOfRfc5118) { expectVerdicts(kData / "rfc5118", 12); }

TEST(SipTortureTest, WhatTheShortTortuousInviteMeans) {
  const auto message = Message::parse(load(kData / "rfc4475" / "wsinv.sip"));
  ASSERT_TRUE(message.has_value()) << message.error().text;
  EXPECT_EQ(message->to().uri.toString(), "sip:vivekg@chair-dnrc.example.com");
  EXPECT_EQ(message->to().tag(), "1918181833n");
  EXPECT_EQ(message->from().display, "J Rosenberg \\\"");
  EXPECT_EQ(message->from().tag(), "98asjd8");
  EXPECT_EQ(message->maxForwards(), 68);
  EXPECT_EQ(message->cseq().number, 9u);
  EXPECT_EQ(message->header(HeaderId::subject), "");
  EXPECT_EQ(message->header("NewFangledHeader"), "newfangled value continued newfangled value");
  EXPECT_EQ(message->header("UnknownHeaderWithUnusualValue"), ";;,,;;,;");
  ASSERT_EQ(message->vias().size(), 3u);
  EXPECT_EQ(message->vias()[1].transport, "TCP");
  EXPECT_EQ(message->vias()[2].host, "192.168.255.111");
  EXPECT_EQ(message->vias()[2].branch(), "z9hG4bK30239");
  const auto contacts = message->addresses(HeaderId::contact);
  ASSERT_TRUE(contacts.has_value());
  ASSERT_EQ(contacts->size(), 1u);
  EXPECT_EQ((*contacts)[0].display, "Quoted string \"\"");
  EXPECT_EQ((*contacts)[0].params.get("newparam"), "newvalue");
  EXPECT_EQ((*contacts)[0].params.get("q"), "0.33");
  EXPECT_EQ(message->body().size(), 150u);
}

TEST(SipTortureTest, EscapesMeanWhatTheySay) {
  const auto message = Message::parse(load(kData / "rfc4475" / "esc01.sip"));
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->requestUri().plainUser(), "sips:user@example.com");
  EXPECT_EQ(message->to().uri.plainUser(), "user");
  EXPECT_EQ(message->from().uri.plainUser(), "I have spaces");
  const auto nulls = Message::parse(load(kData / "rfc4475" / "escnull.sip"));
  ASSERT_TRUE(nulls.has_value());
  EXPECT_EQ(nulls->to().uri.plainUser(), std::string("null-\0-null", 11));
  const auto odd = Message::parse(load(kData / "rfc4475" / "intmeth.sip"));
  ASSERT_TRUE(odd.has_value());
  EXPECT_EQ(odd->to().display, std::string("BEL:\a NUL:\0 DEL:\x7f", 17));
  EXPECT_EQ(odd->method(), Method::other);
  // Methods and header names are not escaped text: these are others.
  const auto names = Message::parse(load(kData / "rfc4475" / "esc02.sip"));
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->method(), Method::other);
  EXPECT_EQ(names->list(HeaderId::contact).size(), 2u);
}

template <class T>
void expectReadable(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) {
    EXPECT_TRUE(value.error().reason.starts_with("sip.")) << value.error().reason;
  }
}

/// Each reader makes something of it or says why not; what is shown to people is text.
void expectReadable(const Message& message) {
  for (const bool trusted : {false, true}) EXPECT_TRUE(base::isUtf8(callerOf(message, trusted).name));
  for (const auto& each : redirectionsOf(message)) EXPECT_TRUE(base::isUtf8(each.name + each.reason));
  for (const auto& each : userToUserOf(message)) EXPECT_LE(each.data.size(), kMaxUserToUserBytes);
  EXPECT_TRUE(base::isUtf8(reasonText(message)));
  (void)message.contentType();
  for (const Header& header : message.headers()) {
    if (header.id != HeaderId::other) (void)message.addresses(header.id);
    expectReadable<Uri>(header.value);
    expectReadable<AuthValue>(header.value);
    expectReadable<TokenValue>(header.value);
    expectReadable<RAck>(header.value);
    expectReadable<Replaces>(header.value);
    expectReadable<SessionExpires>(header.value);
    expectReadable<SessionIdentifier>(header.value);
  }
}

/// Whatever it is, it is refused with a reason or means the same when written.
void expectSane(std::string_view bytes) {
  const auto message = Message::parse(bytes);
  if (message) {
    expectRoundTrip(*message);
    expectReadable(*message);
    return;
  }
  const auto& failure = message.error();
  EXPECT_TRUE(failure.reason.starts_with("sip."));
  EXPECT_FALSE(failure.text.empty());
  EXPECT_TRUE(failure.status >= 400 && failure.status < 600);
  if (!failure.head) return;
  const auto answer = Message::responseTo(*failure.head, failure.status, "tag").write();
  EXPECT_EQ(answer.find("\r\n\r\n"), answer.size() - 4);
}

/// All headers, or only those that a request must have and this one, whose line is `line`.
std::string inviteWith(std::string_view name, std::string_view line) {
  std::string out = "INVITE sip:b@example.com SIP/2.0\r\n";
  for (std::size_t i = 0; const auto& [header, value] : rig::sampleHeaders()) {
    if (header == name)
      out += line;
    else if (name.empty() || i < rig::kMandatoryHeaders)
      out += fmt::format("{}: {}\r\n", header, value);
    ++i;
  }
  return out + "\r\n";
}

TEST(SipTortureTest, EveryHeaderHasASample) {
  std::map<HeaderId, int> seen;
  for (const auto& [name, value] : rig::sampleHeaders()) ++seen[headerIdOf(name)];
  for (int id = 0; id <= static_cast<int>(HeaderId::answerMode); ++id)
    EXPECT_EQ(seen[static_cast<HeaderId>(id)], 1) << nameOf(static_cast<HeaderId>(id));
}

TEST(SipTortureTest, AllHeadersTogetherAreAMessage) {
  const auto message = Message::parse(inviteWith("", ""));
  ASSERT_TRUE(message.has_value()) << message.error().text;
  expectRoundTrip(*message);
}

TEST(SipTortureTest, MutationsOfEachHeader) {
  for (const auto& [header, value] : rig::sampleHeaders()) {
    SCOPED_TRACE(header);
    expectSane(inviteWith(header, ""));
    const auto good = fmt::format("{}: {}\r\n", header, value);
    expectSane(inviteWith(header, good + good));
    expectSane(inviteWith(header, fmt::format("{}{}: x\r\n", good, header)));
    expectSane(inviteWith(header, fmt::format("{} {}\r\n", header, value)));
    expectSane(inviteWith(header, fmt::format("{}:{}\r{}\r\n", header, value, value)));
    expectSane(inviteWith(header, fmt::format(" {}: {}\r\n", header, value)));
    for (const auto& mutation : rig::mutationsOf(value)) {
      expectSane(inviteWith(header, fmt::format("{}: {}\r\n", header, mutation)));
      if (testing::Test::HasFailure()) FAIL() << mutation;
    }
  }
}

}  // namespace
}  // namespace parley::sip
