// Handshake, numbering, resuming and bounds of pages beside the calls.
#include "link/peers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>

#include "link/json.h"
#include "link/test_pipe.h"

namespace parley::link {
namespace {

using namespace std::chrono_literals;

struct Listener final : PeersListener {
  std::vector<std::string> log;
  std::string last;
  std::optional<Refusal> refusal;
  std::function<void(const Peer&)> admitting;
  std::expected<void, Refusal> admit(const Peer& peer, const Json&) override {
    if (admitting) admitting(peer);
    if (refusal) return std::unexpected(*refusal);
    last = peer.id;
    return {};
  }
  std::string welcomeOf(const Peer&) override { return R"({"more":1})"; }
  void onUp(const std::string&, bool isNew) override { log.push_back(isNew ? "new" : "back"); }
  void onDown(const std::string&, std::uint16_t) override { log.push_back("down"); }
  void onGone(const Peer&) override { log.push_back("gone"); }
  void onMessage(const std::string&, const std::string& type, const Json&) override { log.push_back(type); }
  void onBinary(const std::string&, base::Bytes bytes) override {
    log.push_back("binary " + std::to_string(bytes.size()));
  }
};

struct Rig {
  Rig() : signer(base::Secret(std::string(32, 'k')), random), peers(loop, signer, random, options()) {
    peers.setListener(&listener);
  }
  static PeersOptions options() {
    PeersOptions out;
    out.part = "test";
    out.audience = "test";
    out.resume = 200ms;
    out.hello = 100ms;
    out.maxBinaryBytes = 1000;
    out.unnumbered = {"seen"};
    return out;
  }
  std::string token(const std::string& user = "u1", const std::string& audience = "test",
                    const std::string& role = "agent") {
    identity::CallToken token;
    token.audience = audience;
    token.role = role;
    token.user = user;
    return signer.sign(token, base::wallNow(), 60s);
  }
  base::SystemRandom random;
  net::EventLoop loop{"test"};
  identity::TokenSigner signer;
  Listener listener;
  Peers peers;
};

struct Page {
  explicit Page(Rig& r) : owner(r) {
    auto [mine, theirs] = rig::PipeEnd::make(owner.loop);
    socket = mine;
    owner.peers.accept(theirs, "192.0.2.1");
    mine->start([this](std::string_view text) { inbox.push_back(*parseJson(text)); },
                [this](base::Bytes bytes) { pictures.emplace_back(bytes.begin(), bytes.end()); },
                [this](std::uint16_t closed, std::string_view) { code = closed; });
  }
  /// A pipe lives until it is closed.
  ~Page() {
    socket->breakOff();
    while (owner.loop.poll()) {
    }
  }
  void say(const Json& message) { socket->sendText(dumpJson(message)); }
  Json expect(const std::string& type) {
    Json found;
    owner.loop.runUntil(
        [&] {
          while (!inbox.empty() && found.is_null()) {
            if (inbox.front()["type"] == type) found = inbox.front();
            inbox.pop_front();
          }
          return !found.is_null();
        },
        3s);
    return found;
  }
  bool closedWith(std::uint16_t wanted) {
    owner.loop.runUntil([&] { return code != 0; }, 3s);
    return code == wanted;
  }
  Json hello(const std::string& token, Json resume = nullptr) {
    Json message = {{"type", "hello"}, {"version", 1}, {"token", token}};
    if (!resume.is_null()) message["resume"] = resume;
    say(message);
    return expect("welcome");
  }
  Rig& owner;
  std::shared_ptr<rig::PipeEnd> socket;
  std::deque<Json> inbox;
  std::vector<base::Buffer> pictures;
  std::uint16_t code = 0;
};

bool logged(Rig& rig, const std::string& what) {
  return rig.loop.runUntil(
      [&] { return std::ranges::find(rig.listener.log, what) != rig.listener.log.end(); }, 3s);
}

TEST(PeersTest, SaysHelloNumbersAndAcknowledges) {
  Rig rig;
  Page page(rig);
  const Json welcome = page.hello(rig.token());
  EXPECT_EQ(welcome["more"], 1);
  EXPECT_EQ(welcome["resumed"], false);
  page.say({{"type", "x"}, {"seq", 1}, {"ack", 0}});
  EXPECT_EQ(page.expect("ack")["ack"], 1);
  page.say({{"type", "x"}, {"seq", 1}, {"ack", 0}});
  page.say({{"type", "seen"}});
  EXPECT_TRUE(logged(rig, "seen"));
  EXPECT_EQ(std::ranges::count(rig.listener.log, "x"), 1) << "the same number twice";
  page.socket->sendBinary(base::Buffer(7));
  EXPECT_TRUE(logged(rig, "binary 7"));
}

TEST(PeersTest, ResumesWithItsKeyAndGetsWhatItMissed) {
  Rig rig;
  Page page(rig);
  const Json welcome = page.hello(rig.token());
  const std::string id = welcome["party"];
  page.socket->breakOff();
  ASSERT_TRUE(logged(rig, "down"));
  rig.peers.send(id, R"({"type":"a"})");
  rig.peers.send(id, R"({"type":"b","n":1})", "b");
  rig.peers.send(id, R"({"type":"b","n":2})", "b");
  Page again(rig);
  const Json back = again.hello(rig.token(), {{"party", id}, {"key", welcome["key"]}, {"ack", 0}});
  EXPECT_EQ(back["resumed"], true);
  EXPECT_EQ(back["party"], id);
  EXPECT_EQ(again.expect("a")["seq"], 1);
  EXPECT_EQ(again.expect("b")["n"], 2) << "only the newest of what waited";
  EXPECT_TRUE(logged(rig, "back"));
}

TEST(PeersTest, AWrongKeyOrSomebodyElsesTokenResumesNothing) {
  Rig rig;
  Page page(rig);
  const Json welcome = page.hello(rig.token());
  Page thief(rig);
  const Json fresh =
      thief.hello(rig.token("u2"), {{"party", welcome["party"]}, {"key", "guess"}, {"ack", 0}});
  EXPECT_EQ(fresh["resumed"], false);
  EXPECT_NE(fresh["party"], welcome["party"]);
  Page other(rig);
  other.say({{"type", "hello"},
             {"version", 1},
             {"token", rig.token("u2")},
             {"resume", {{"party", welcome["party"]}, {"key", welcome["key"]}, {"ack", 0}}}});
  EXPECT_TRUE(other.closedWith(kTokenRefused));
  EXPECT_EQ(page.code, 0);
}

TEST(PeersTest, AConsumersNewTokenResumesWithTheKeyAnAgentsDoesNot) {
  Rig rig;
  Page page(rig);
  const Json welcome = page.hello(rig.token("random1", "test", "consumer"));
  const Json resume = {{"party", welcome["party"]}, {"key", welcome["key"]}, {"ack", 0}};
  Page agent(rig);
  agent.say({{"type", "hello"}, {"version", 1}, {"token", rig.token("random1")}, {"resume", resume}});
  EXPECT_TRUE(agent.closedWith(kTokenRefused)) << "another role";
  Page again(rig);
  EXPECT_EQ(again.hello(rig.token("random2", "test", "consumer"), resume)["resumed"], true);
  EXPECT_EQ(rig.peers.find(welcome["party"])->token.user, "random1") << "it stays who it was";
  EXPECT_TRUE(page.closedWith(kReplaced));
}

TEST(PeersTest, WhatIsSentWhileItIsLetInComesAfterTheWelcome) {
  Rig rig;
  rig.listener.admitting = [&](const Peer& peer) { rig.peers.send(peer.id, R"({"type":"early"})"); };
  Page page(rig);
  page.hello(rig.token());
  EXPECT_EQ(page.expect("early")["seq"], 1);
  rig.listener.refusal = Refusal{4022, {"test.full", "Full."}};
  Page other(rig);
  other.say({{"type", "hello"}, {"version", 1}, {"token", rig.token("u2")}});
  EXPECT_TRUE(other.closedWith(4022));
  EXPECT_EQ(rig.peers.size(), 1u) << "who was refused leaves nothing";
}

TEST(PeersTest, AfterHangingUpThePageMayComeBack) {
  Rig rig;
  Page page(rig);
  const Json welcome = page.hello(rig.token());
  const std::string id = welcome["party"];
  rig.peers.hangUp(id, 1000, "bye");
  EXPECT_TRUE(page.closedWith(1000));
  EXPECT_EQ(std::ranges::count(rig.listener.log, "down"), 1);
  rig.peers.hangUp(id, 1000, "bye");
  EXPECT_EQ(std::ranges::count(rig.listener.log, "down"), 1) << "it is away already";
  Page again(rig);
  EXPECT_EQ(again.hello(rig.token(), {{"party", id}, {"key", welcome["key"]}, {"ack", 0}})["resumed"], true);
}

TEST(PeersTest, IsGoneAfterItsTime) {
  Rig rig;
  Page page(rig);
  const std::string id = page.hello(rig.token())["party"];
  page.socket->breakOff();
  EXPECT_TRUE(logged(rig, "gone"));
  EXPECT_EQ(rig.peers.find(id), nullptr);
}

TEST(PeersTest, RefusesWithAReasonAndACode) {
  Rig rig;
  const auto refused = [&](const Json& first, std::uint16_t code, const std::string& reason) {
    Page page(rig);
    page.say(first);
    return page.closedWith(code) && page.expect("error")["reason"] == reason;
  };
  EXPECT_TRUE(refused({{"type", "x"}}, kHelloExpected, "hello.expected"));
  EXPECT_TRUE(refused({{"type", "hello"}, {"version", 9}}, kVersionUnsupported, "version.unsupported"));
  EXPECT_TRUE(refused({{"type", "hello"}, {"version", 1}, {"token", "x"}}, kTokenRefused, "token.invalid"));
  EXPECT_TRUE(refused({{"type", "hello"}, {"version", 1}, {"token", rig.token("u", "websocketcall")}},
                      kTokenRefused, "token.invalid"));
  EXPECT_TRUE(refused(Json::array(), kMalformed, "message.malformed"));
  rig.listener.refusal = Refusal{4022, {"test.full", "Full."}};
  EXPECT_TRUE(refused({{"type", "hello"}, {"version", 1}, {"token", rig.token()}}, 4022, "test.full"));
  rig.listener.refusal.reset();
  Page silent(rig);
  EXPECT_TRUE(silent.closedWith(kHelloExpected));
  Page early(rig);
  early.socket->sendBinary(base::Buffer(1));
  EXPECT_TRUE(early.closedWith(kHelloExpected));
}

TEST(PeersTest, NumbersThatCannotBeEndTheConnection) {
  for (const Json& bad : {Json{{"type", "x"}}, Json{{"type", "x"}, {"seq", 2}, {"ack", 0}},
                          Json{{"type", "x"}, {"seq", 1}, {"ack", 7}}, Json{{"type", "x"}, {"seq", "1"}}}) {
    Rig rig;
    Page page(rig);
    page.hello(rig.token());
    page.say(bad);
    EXPECT_TRUE(page.closedWith(kMalformed)) << bad;
  }
}

TEST(PeersTest, WhoDoesNotAcknowledgeIsGone) {
  Rig rig;
  Page page(rig);
  const std::string id = page.hello(rig.token())["party"];
  for (std::size_t i = 0; i <= ReliableLink::kMaxKept; ++i) rig.peers.send(id, R"({"type":"a"})");
  EXPECT_TRUE(page.closedWith(kOverflow));
  EXPECT_TRUE(logged(rig, "gone"));
}

TEST(PeersTest, TooMuchOrTooOftenEndsTheConnection) {
  Rig rig;
  Page large(rig);
  large.hello(rig.token());
  large.say({{"type", "x"}, {"text", std::string(200'000, 'a')}});
  EXPECT_TRUE(large.closedWith(kTooLarge));
  Page fast(rig);
  fast.hello(rig.token("u2"));
  for (int i = 0; i < 200; ++i) fast.say({{"type", "seen"}});
  EXPECT_TRUE(fast.closedWith(kRateExceeded));
}

TEST(PeersTest, PicturesGoOnlyToPagesThatAreThere) {
  Rig rig;
  Page page(rig);
  const std::string id = page.hello(rig.token())["party"];
  const auto bytes = std::make_shared<const base::Buffer>(base::Buffer{1, 2, 3});
  EXPECT_TRUE(rig.peers.sendBinary(id, bytes));
  EXPECT_TRUE(rig.loop.runUntil([&] { return page.pictures.size() == 1; }, 3s));
  page.socket->breakOff();
  ASSERT_TRUE(logged(rig, "down"));
  EXPECT_FALSE(rig.peers.sendBinary(id, bytes));
}

TEST(PeersTest, BinaryMessagesCountToo) {
  Rig rig;
  Page page(rig);
  page.hello(rig.token());
  for (int i = 0; i < 200; ++i) page.socket->sendBinary(base::Buffer(1));
  EXPECT_TRUE(page.closedWith(kRateExceeded));
}

TEST(PeersTest, WhatOverflowsOnlyWhenItIsNumberedEndsThePeer) {
  Rig rig;
  Page page(rig);
  const Json welcome = page.hello(rig.token());
  const std::string id = welcome["party"];
  page.socket->breakOff();
  ASSERT_TRUE(logged(rig, "down"));
  // Just within the bound; with their numbers they are beyond it.
  constexpr std::size_t kMessages = 120, kBytes = ReliableLink::kMaxKeptBytes / kMessages - 1;
  const std::string frame = R"({"type":"a","t":""})";
  for (std::size_t i = 0; i < kMessages; ++i) {
    rig.peers.send(id, R"({"type":"a","t":")" + std::string(kBytes - frame.size(), 'x') + "\"}");
  }
  ASSERT_NE(rig.peers.find(id), nullptr);
  Page again(rig);
  again.hello(rig.token(), {{"party", id}, {"key", welcome["key"]}, {"ack", 0}});
  EXPECT_TRUE(again.closedWith(kOverflow));
  EXPECT_TRUE(logged(rig, "gone"));
}

TEST(PeersTest, APageGoesOnWithANewProcess) {
  Rig old, fresh;
  Page page(old);
  const Json welcome = page.hello(old.token());
  const std::string id = welcome["party"];
  for (int i = 1; i <= 3; ++i) {
    old.peers.send(id, R"({"type":"a"})");
    page.say({{"type", "x"}, {"seq", i}, {"ack", 0}});
  }
  EXPECT_EQ(page.expect("ack")["ack"], 3);
  EXPECT_EQ(old.peers.save("nobody"), "");
  const std::string saved = old.peers.save(id);
  EXPECT_EQ(saved.find(welcome["key"].get<std::string>()), std::string::npos);
  ASSERT_EQ(fresh.peers.restore(saved), id);
  EXPECT_EQ(fresh.peers.restore("nonsense"), "");
  fresh.peers.send(id, R"({"type":"b"})");
  Page again(fresh);
  const Json back = again.hello(fresh.token(), {{"party", id}, {"key", welcome["key"]}, {"ack", 2}});
  EXPECT_EQ(back["resumed"], true);
  EXPECT_EQ(again.expect("b")["seq"], 3) << "the next that the page waits for";
  again.say({{"type", "y"}, {"seq", 5}, {"ack", 3}});
  EXPECT_TRUE(logged(fresh, "y")) << "the page's numbers go on, whatever they are";
  again.say({{"type", "z"}, {"seq", 7}, {"ack", 3}});
  EXPECT_TRUE(again.closedWith(kMalformed)) << "from then on without gaps";
}

TEST(PeersTest, APageThatDoesNotComeToTheNewProcessIsGone) {
  Rig old, fresh;
  Page page(old);
  const std::string id = page.hello(old.token())["party"];
  ASSERT_EQ(fresh.peers.restore(old.peers.save(id)), id);
  EXPECT_TRUE(logged(fresh, "gone"));
  EXPECT_EQ(fresh.peers.size(), 0u);
}

TEST(PeersTest, EndingTellsNobodyAndForgets) {
  Rig rig;
  Page page(rig);
  const std::string id = page.hello(rig.token())["party"];
  rig.peers.end(id, 4020, "over");
  EXPECT_TRUE(page.closedWith(4020));
  EXPECT_EQ(rig.peers.find(id), nullptr);
  EXPECT_EQ(std::ranges::count(rig.listener.log, "gone"), 0);
}

}  // namespace
}  // namespace parley::link
