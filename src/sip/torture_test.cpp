// The messages of RFC 4475 and RFC 5118 with the verdict on each, and mutations of every header.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "sip/message.h"

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

/// Every header with a form, and a good value of it; the first kMandatory are in each request.
constexpr std::size_t kMandatory = 5;
const std::pair<std::string_view, std::string_view> kHeaders[] = {
    {"Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK9;received=192.0.2.9;rport=5060"},
    {"From", "\"A\" <sip:a@example.com>;tag=1"},
    {"To", "<sip:b@example.com:5060;transport=tcp>;tag=2"},
    {"Call-ID", "abc@host"},
    {"CSeq", "1 INVITE"},
    {"Max-Forwards", "70"},
    {"Contact", "<sip:a@192.0.2.1>;expires=60;q=0.5, <sip:a@192.0.2.2>"},
    {"Route", "<sip:p1.example;lr>, <sip:p2.example;lr>"},
    {"Record-Route", "<sip:p1.example;lr>"},
    {"Content-Type", "multipart/mixed;boundary=\"a b\""},
    {"Content-Length", "0"},
    {"Date", "Sat, 13 Nov 2010 23:29:00 GMT"},
    {"Expires", "3600"},
    {"Session-Expires", "1800;refresher=uac"},
    {"Min-SE", "90"},
    {"RSeq", "1"},
    {"RAck", "1 2 INVITE"},
    {"Event", "dialog;id=1"},
    {"Subscription-State", "active;expires=60"},
    {"Refer-To", "<sip:c@example.com?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>"},
    {"Referred-By", "<sip:r@example.com>;cid=\"1@h\""},
    {"Replaces", "a@b;to-tag=1;from-tag=2;early-only"},
    {"Authorization",
     "Digest username=\"u\", realm=\"r, s\", nonce=\"n\", uri=\"sip:x\", response=\"0\", nc=00000001"},
    {"WWW-Authenticate", "Digest realm=\"r\", qop=\"auth,auth-int\", algorithm=SHA-256, nonce=\"n\""},
    {"Privacy", "id;critical"},
    {"P-Asserted-Identity", "\"A\" <sip:a@example.com>, <tel:+12025550100>"},
    {"Remote-Party-ID", "<sip:a@example.com>;party=calling;privacy=off"},
    {"Diversion", "<sip:d@example.com>;reason=no-answer;counter=1"},
    {"History-Info", "<sip:h@example.com?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1"},
    {"User-to-User", "56a390f3d2b7310023;encoding=hex;purpose=isdn-uui"},
    {"Reason", "Q.850;cause=16;text=\"Terminated\""},
    {"Identity", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://c.example/c>;alg=ES256"},
    {"Session-ID", "f81d4fae7dec11d0a76500a0c91e6bf6;remote=00000000000000000000000000000000"},
    {"Warning", "399 host \"a, b\""},
    {"Supported", "100rel, timer"},
    {"User-Agent", "phone/1.0 (a (nested) comment)"},
    {"Flow-Timer", "120"},
    {"Min-Expires", "60"},
    {"Path", "<sip:edge.example;lr;ob>"},
    {"Answer-Mode", "Auto;require"},
    {"X-Unknown", "anything, at ; all"},
};

std::vector<std::string> mutationsOf(std::string_view value) {
  const std::string good(value);
  std::vector<std::string> out = {"",
                                  " ",
                                  ",",
                                  ",,,,",
                                  ";",
                                  ";;;;",
                                  "=",
                                  "\"",
                                  "\\",
                                  "\"\\",
                                  "<",
                                  ">",
                                  "<>",
                                  "<<>>",
                                  "%s%s%n%x",
                                  "%",
                                  "%0",
                                  "%00",
                                  std::string("\0", 1),
                                  "\xff\xfe",
                                  "\xc0\xaf",
                                  "\xed\xa0\x80",
                                  "-1",
                                  "0",
                                  "4294967295",
                                  "4294967296",
                                  "99999999999999999999999999999999999999",
                                  "1e9",
                                  "0x10",
                                  "[",
                                  "]",
                                  "[::",
                                  "[::1",
                                  "[]:1",
                                  ":::::",
                                  "@",
                                  "@@",
                                  "sip:",
                                  "sip:@",
                                  "sip::@",
                                  "<sip:a@b",
                                  "sip:a@b:99999",
                                  "sip:a@b:0",
                                  "sip:a@[::1]:",
                                  "a b c",
                                  "(",
                                  "(((((",
                                  ")",
                                  "\t",
                                  "\x7f",
                                  std::string(300, '('),
                                  std::string(5000, 'a'),
                                  std::string(5000, ','),
                                  std::string(5000, ';'),
                                  std::string(5000, '"'),
                                  std::string(5000, '<'),
                                  std::string(60000, 'A')};
  out.push_back(good + ";");
  out.push_back(good + ",");
  out.push_back("," + good);
  out.push_back(good + "\"");
  out.push_back(good + "\\");
  out.push_back(good + std::string("\0", 1));
  out.push_back(good + ";p=\"unbalanced");
  out.push_back(good + ";p=\xff");
  out.push_back(good + ";" + std::string(500, 'p') + "=1");
  out.push_back(good + "\r\n " + good);
  std::string many = good;
  for (int i = 0; i < 300; ++i) many += ";p" + std::to_string(i) + "=" + std::to_string(i);
  out.push_back(many);
  std::string list = good;
  for (int i = 0; i < 300; ++i) list += ", " + good;
  out.push_back(list);
  for (std::size_t i = 0; i < good.size(); i += 2) {
    out.push_back(good.substr(0, i));
    out.push_back(good.substr(0, i) + good.substr(i + 1));
  }
  // What ends or opens something, at places that differ from one another.
  constexpr std::string_view kEvil("\"<>,;\\\0\xff", 8);
  for (std::size_t i = 0; i < good.size(); ++i)
    out.push_back(good.substr(0, i) + kEvil[i % kEvil.size()] + good.substr(i));
  return out;
}

/// Whatever it is, it is refused with a reason or means the same when written.
void expectSane(std::string_view bytes) {
  const auto message = Message::parse(bytes);
  if (message) {
    expectRoundTrip(*message);
    for (const auto id : {HeaderId::contact, HeaderId::pAssertedIdentity, HeaderId::historyInfo})
      (void)message->addresses(id);
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
  for (std::size_t i = 0; i < std::size(kHeaders); ++i) {
    const auto& [header, value] = kHeaders[i];
    if (header == name)
      out += line;
    else if (name.empty() || i < kMandatory)
      out += fmt::format("{}: {}\r\n", header, value);
  }
  return out + "\r\n";
}

TEST(SipTortureTest, AllHeadersTogetherAreAMessage) {
  const auto message = Message::parse(inviteWith("", ""));
  ASSERT_TRUE(message.has_value()) << message.error().text;
  expectRoundTrip(*message);
}

TEST(SipTortureTest, MutationsOfEachHeader) {
  for (const auto& [header, value] : kHeaders) {
    SCOPED_TRACE(header);
    expectSane(inviteWith(header, ""));
    const auto good = fmt::format("{}: {}\r\n", header, value);
    expectSane(inviteWith(header, good + good));
    expectSane(inviteWith(header, fmt::format("{}{}: x\r\n", good, header)));
    expectSane(inviteWith(header, fmt::format("{} {}\r\n", header, value)));
    expectSane(inviteWith(header, fmt::format("{}:{}\r{}\r\n", header, value, value)));
    expectSane(inviteWith(header, fmt::format(" {}: {}\r\n", header, value)));
    for (const auto& mutation : mutationsOf(value)) {
      expectSane(inviteWith(header, fmt::format("{}: {}\r\n", header, mutation)));
      if (testing::Test::HasFailure()) FAIL() << mutation;
    }
  }
}

}  // namespace
}  // namespace parley::sip
