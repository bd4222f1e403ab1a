// The connection protocol against well-behaved and hostile pages.
#include "gateway/sessions.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "gateway/test_rig.h"

namespace parley::gateway {
namespace {

using rig::Page;
using rig::Rig;
using namespace std::chrono_literals;

class SessionsTest : public ::testing::Test {
 protected:
  /// What a connection that says only this gets: "reason code".
  std::string refusalOf(Rig& rig, const std::string& first) {
    const auto socket = rig.connector()();
    std::string reason;
    std::uint16_t code = 0;
    socket->start(
        [&](std::string_view text) {
          const auto json = Json::parse(text, nullptr, false);
          if (json["type"] == "error") reason = json["reason"].get<std::string>();
        },
        [](auto) {}, [&](std::uint16_t closed, auto) { code = closed; });
    if (!first.empty()) socket->sendText(first);
    rig.until([&] { return code != 0; });
    return reason + " " + std::to_string(code);
  }
  static std::string helloWith(const std::string& token) {
    return dumpJson({{"type", "hello"}, {"version", 1}, {"token", token}});
  }
};

TEST_F(SessionsTest, TheWelcomeSaysWhatThePageNeeds) {
  Rig rig;
  auto page = rig.consumer({.name = "Ada"});
  ASSERT_TRUE(page->hello());
  EXPECT_EQ(page->welcome["version"], 1);
  EXPECT_EQ(page->welcome["role"], "consumer");
  EXPECT_EQ(page->welcome["name"], "Ada");
  EXPECT_EQ(page->welcome["resumed"], false);
  EXPECT_EQ(page->welcome["limits"], Json({{"resumeSeconds", 60}, {"maxMessage", 131072}}));
  EXPECT_EQ(page->welcome["media"]["maxVideoBitrate"], 2'500'000);
  EXPECT_TRUE(page->welcome["calls"].empty());
}

TEST_F(SessionsTest, RefusesWhatIsNoHello) {
  Rig impatient(Rig::Options{.sessions = {.hello = 30ms}});
  EXPECT_EQ(refusalOf(impatient, ""), "hello.expected 4004") << "silence";
  Rig rig;
  EXPECT_EQ(refusalOf(rig, R"({"type":"dial"})"), "hello.expected 4004");
  for (const std::string& bad : {std::string("x"), std::string("[]"), std::string("{}"), std::string("null"),
                                 std::string(R"({"type":1})"), std::string("\"hello\""),
                                 std::string(10'000, '['), std::string(R"({"type":"hello")")}) {
    EXPECT_EQ(refusalOf(rig, bad), "message.malformed 4005") << bad.substr(0, 20);
  }
  EXPECT_EQ(refusalOf(rig, std::string(kMaxMessageBytes + 1, ' ')), "message.too_large 4006");
  EXPECT_EQ(refusalOf(rig, R"({"type":"hello","version":2,"token":""})"), "version.unsupported 4002");
  EXPECT_EQ(refusalOf(rig, R"({"type":"hello","version":"1","token":""})"), "version.unsupported 4002");
  EXPECT_EQ(rig.sessions->size(), 0u);
  EXPECT_EQ(rig.sessions->connections(), 0u);
}

TEST_F(SessionsTest, RefusesBadExpiredAndForeignTokens) {
  Rig rig;
  identity::CallToken token{"websocketcall", "consumer", "c-1"};
  const auto now = base::wallNow();
  EXPECT_EQ(refusalOf(rig, helloWith("")), "token.invalid 4003");
  EXPECT_EQ(refusalOf(rig, helloWith("a.b.c")), "token.invalid 4003");
  EXPECT_EQ(refusalOf(rig, helloWith(rig.signer.sign(token, now - 301s, 300s))), "token.expired 4003");
  identity::TokenSigner other(base::Secret(std::string(32, 'x')), rig.random);
  EXPECT_EQ(refusalOf(rig, helloWith(other.sign(token, now, 300s))), "token.invalid 4003");
  token.audience = "topic";
  EXPECT_EQ(refusalOf(rig, helloWith(rig.signer.sign(token, now, 300s))), "token.invalid 4003");
  EXPECT_EQ(refusalOf(rig, R"({"type":"hello","version":1,"token":{"a":1}})"), "token.invalid 4003");
}

TEST_F(SessionsTest, ASecondHelloIsRefusedAndTheSessionLives) {
  Rig rig;
  auto page = rig.consumer();
  ASSERT_TRUE(page->hello());
  page->sendRaw(helloWith(rig.consumerToken()));
  ASSERT_TRUE(page->waitClosed());
  EXPECT_EQ(page->error, "message.malformed");
  EXPECT_TRUE(page->resume());
  EXPECT_TRUE(page->welcome["resumed"].get<bool>());
  EXPECT_EQ(rig.sessions->size(), 1u);
}

TEST_F(SessionsTest, NumbersMustFollow) {
  Rig rig;
  for (const auto* bad : {R"({"type":"pong"})", R"({"type":"pong","seq":0})", R"({"type":"pong","seq":-1})",
                          R"({"type":"pong","seq":2})", R"({"type":"pong","seq":"1"})",
                          R"({"type":"pong","seq":1.0})", R"({"type":"pong","seq":1,"ack":9})",
                          R"({"type":"pong","seq":1,"ack":-1})", R"({"type":"pong","seq":1,"ack":"0"})",
                          R"({"type":"pong","seq":18446744073709551615})", R"({"type":"ack","ack":1})"}) {
    auto page = rig.consumer();
    ASSERT_TRUE(page->hello());
    page->sendRaw(bad);
    ASSERT_TRUE(page->waitClosed()) << bad;
    EXPECT_EQ(page->error, "message.malformed") << bad;
  }
}

TEST_F(SessionsTest, WrongFieldsAreAnErrorNotAnEnd) {
  Rig rig;
  auto page = rig.consumer();
  ASSERT_TRUE(page->hello());
  const std::vector<std::pair<std::string, Json>> bad{
      {"nonsense", {{"request", "q"}}},
      {"dial", {{"request", "q"}}},
      {"dial", {{"request", "q"}, {"sdp", ""}}},
      {"dial", {{"request", "q"}, {"sdp", 5}}},
      {"dial", {{"request", "q"}, {"sdp", std::string(kMaxSdpBytes + 1, 'a')}}},
      {"dial", {{"request", "q"}, {"sdp", "v=0"}, {"destination", std::string(257, 'a')}}},
      {"dial", {{"request", "q"}, {"sdp", "v=0"}, {"destination", Json::array()}}},
      {"dial", {{"request", "q"}, {"sdp", "v=0"}, {"name", "a\nb"}}},
      {"dial", {{"request", "q"}, {"sdp", "v=0"}, {"media", "both"}}},
      {"dial", {{"request", "q"}, {"sdp", "v=0"}, {"media", {{"audio", false}, {"video", false}}}}},
      {"end", {{"request", "q"}}},
      {"end", {{"request", "q"}, {"call", ""}}},
      {"end", {{"request", "q"}, {"call", std::string(65, 'a')}}},
      {"mute", {{"request", "q"}, {"call", "c"}, {"audio", 1}, {"video", true}}},
      {"dtmf", {{"request", "q"}, {"call", "c"}, {"digits", ""}}},
      {"dtmf", {{"request", "q"}, {"call", "c"}, {"digits", std::string(33, '1')}}},
      {"stats", {{"request", "q"}, {"call", "c"}, {"report", {{"x", std::string(kMaxReportBytes, 'a')}}}}},
      {"stats", {{"request", "q"}, {"call", "c"}, {"report", 5}}},
      {"availability", {{"request", "q"}, {"state", "asleep"}}},
      {"reject", {{"request", "q"}, {"call", "c"}, {"reason", "because"}}},
      {"restart", {{"request", "q"}, {"call", "c"}}}};
  for (const auto& [type, fields] : bad) {
    page->send(type, fields);
    const Json error = page->expect("error");
    ASSERT_FALSE(error.is_null()) << type << fields;
    EXPECT_EQ(error["request"], "q") << type;
    EXPECT_EQ(error["reason"], type == "nonsense" ? "message.unknown_type" : "message.malformed")
        << type << fields;
  }
  EXPECT_EQ(page->closeCode, 0);
  page->send("pong", {{"request", std::string(65, 'a')}});
  EXPECT_FALSE(page->expect("error").contains("request"));
}

TEST_F(SessionsTest, AFloodIsCutOff) {
  Rig rig(Rig::Options{.sessions = {.messagesPerSecond = 0.001, .burst = 20}});
  auto page = rig.consumer();
  ASSERT_TRUE(page->hello());
  for (int i = 0; i < 30; ++i) page->send("pong");
  ASSERT_TRUE(page->waitClosed());
  EXPECT_EQ(page->error, "rate.exceeded");
  EXPECT_EQ(page->closeCode, 4008);
  EXPECT_TRUE(page->resume()) << "what was cut off is sent again within the allowance for resuming";
  EXPECT_EQ(page->closeCode, 0);
}

TEST_F(SessionsTest, AnAcknowledgementComesSoonWithoutOtherTraffic) {
  Rig rig(Rig::Options{.sessions = {.ackDelay = 1ms}});
  const auto socket = rig.connector()();
  std::string last;
  socket->start([&](std::string_view text) { last = std::string(text); }, [](auto) {}, [](auto, auto) {});
  socket->sendText(helloWith(rig.consumerToken()));
  socket->sendText(R"({"type":"pong","seq":1})");
  EXPECT_TRUE(rig.until([&] { return last == R"({"type":"ack","ack":1})"; })) << last;
}

TEST_F(SessionsTest, ResumingNeedsTheKeyAndSurvivesAnExpiredToken) {
  Rig rig;
  auto page = rig.consumer();
  identity::CallToken token{"websocketcall", "consumer", "c-9"};
  page->setToken(rig.signer.sign(token, base::wallNow(), 60s));
  ASSERT_TRUE(page->hello());
  page->setToken(rig.signer.sign(token, base::wallNow() - 10s, 1s));
  page->breakOff();
  ASSERT_TRUE(page->waitClosed());
  ASSERT_TRUE(page->resume());
  EXPECT_TRUE(page->welcome["resumed"].get<bool>());
  page->welcome["key"] = std::string(43, 'a');
  page->setToken(rig.consumerToken());
  ASSERT_TRUE(page->resume());
  EXPECT_FALSE(page->welcome["resumed"].get<bool>());
  EXPECT_EQ(rig.sessions->size(), 2u);
  auto agent = rig.agent();
  ASSERT_TRUE(agent->hello());
  agent->setToken(rig.agentToken("agent2"));
  EXPECT_FALSE(agent->resume()) << "another agent's token";
  EXPECT_EQ(agent->error, "token.invalid");
}

TEST_F(SessionsTest, ASecondConnectionReplacesTheFirst) {
  Rig rig;
  auto page = rig.consumer();
  ASSERT_TRUE(page->hello());
  const auto before = rig.sessions->find(page->welcome["session"].get<std::string>())->connection;
  ASSERT_TRUE(page->resume());
  EXPECT_TRUE(page->welcome["resumed"].get<bool>());
  EXPECT_TRUE(rig.until([&] { return rig.sessions->connections() == 1; })) << "the first is closed";
  const auto* session = rig.sessions->find(page->welcome["session"].get<std::string>());
  EXPECT_NE(session->connection, before);
  EXPECT_TRUE(session->up());
}

TEST_F(SessionsTest, APageThatClaimsToBeReplacedIsJustGone) {
  Rig rig(Rig::Options{.sessions = {.resume = 50ms}});
  auto page = rig.consumer();
  ASSERT_TRUE(page->hello());
  page->sendRaw("x");
  page->close(4001);  // On its way while the server closes with 4005.
  EXPECT_TRUE(rig.until([&] { return rig.sessions->size() == 0; })) << "its time must run out";
}

TEST_F(SessionsTest, AnAckBeyondWhatWasSentIsNoResume) {
  Rig rig;
  auto page = rig.consumer();
  ASSERT_TRUE(page->hello());
  const auto socket = rig.connector()();
  std::uint16_t code = 0;
  socket->start([](auto) {}, [](auto) {}, [&](std::uint16_t closed, auto) { code = closed; });
  socket->sendText(dumpJson(
      {{"type", "hello"},
       {"version", 1},
       {"token", rig.consumerToken()},
       {"resume", {{"session", page->welcome["session"]}, {"key", page->welcome["key"]}, {"ack", 7}}}}));
  EXPECT_TRUE(rig.until([&] { return code != 0; }));
  EXPECT_EQ(code, 4005);
  page->send("pong");
  rig.settle();
  EXPECT_EQ(page->closeCode, 0) << "the page that has the session keeps it";
}

TEST_F(SessionsTest, TooMuchUnacknowledgedEndsTheSession) {
  Rig rig;
  auto page = rig.consumer();
  page->acking = false;
  ASSERT_TRUE(page->hello());
  const auto id = page->welcome["session"].get<std::string>();
  for (std::size_t i = 0; i <= link::ReliableLink::kMaxKept; ++i)
    rig.sessions->send(id, R"({"type":"dtmf"})");
  ASSERT_TRUE(page->waitClosed());
  EXPECT_EQ(page->error, "session.overflow");
  EXPECT_EQ(page->closeCode, 4009);
  EXPECT_EQ(rig.sessions->find(id), nullptr);
}

TEST_F(SessionsTest, TablesAreBounded) {
  int refused = 0;  // Outlives the rig, whose end closes what is open.
  Rig rig(Rig::Options{.sessions = {.hello = 60s, .maxSessions = 2, .maxConnections = 4}});
  auto one = rig.consumer();
  auto two = rig.consumer();
  auto three = rig.consumer();
  EXPECT_TRUE(one->hello() && two->hello());
  EXPECT_FALSE(three->hello());
  EXPECT_EQ(three->error, "server.full");
  EXPECT_EQ(three->closeCode, 4013);
  std::vector<std::shared_ptr<net::WebSocket>> silent;
  for (int i = 0; i < 10; ++i) {
    silent.push_back(rig.connector()());
    silent.back()->start([](auto) {}, [](auto) {}, [&](auto, auto) { ++refused; });
  }
  EXPECT_TRUE(rig.until([&] { return refused == 8; }));
  EXPECT_EQ(rig.sessions->connections(), 4u);
}

TEST_F(SessionsTest, PagesThatAreGoneAndConsumersKeepNobodyOut) {
  Rig rig(Rig::Options{.sessions = {.maxSessions = 2}});
  auto agent = rig.agent();
  ASSERT_TRUE(agent->hello());
  auto calling = rig.consumer();
  ASSERT_TRUE(calling->hello());
  const std::string call = rig.connectedCall(*calling, *agent);
  calling->breakOff();
  rig.settle();
  EXPECT_FALSE(rig.consumer()->hello()) << "the one in a call keeps its place";
  EXPECT_TRUE(calling->resume());
  EXPECT_TRUE(calling->welcome["resumed"].get<bool>());
  auto other = rig.agent("agent2");
  EXPECT_TRUE(other->hello());
  calling->send("end", {{"call", call}});
  ASSERT_FALSE(calling->expectCall("ended").is_null());
  calling->breakOff();
  rig.settle();
  auto next = rig.consumer();
  EXPECT_TRUE(next->hello());
  EXPECT_EQ(rig.sessions->size(), 3u);
}

TEST_F(SessionsTest, TokensAndKeysNeverReachTheLog) {
  std::vector<std::string> lines;
  base::captureLog(&lines);
  Rig rig;
  const auto token = rig.consumerToken();
  Page page(rig.loop, rig.connector(), token);
  ASSERT_TRUE(page.hello());
  page.breakOff();
  ASSERT_TRUE(page.waitClosed());
  ASSERT_TRUE(page.resume());
  EXPECT_NE(refusalOf(rig, helloWith(token + "x")), "");
  base::captureLog(nullptr);
  ASSERT_FALSE(lines.empty());
  for (const auto& line : lines) {
    EXPECT_EQ(line.find(token), std::string::npos) << line;
    EXPECT_EQ(line.find(page.welcome["key"].get<std::string>()), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace parley::gateway
