// Application events over real WebSockets and a store: reconnection, new sessions, new processes.
#include "events/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>

#include "link/json.h"
#include "net/http_client.h"

namespace parley::events {
namespace {

using link::Json;
constexpr base::Millis kDeadline{20'000};
const net::Endpoint kLoopback = *net::Endpoint::parse("127.0.0.1", 0);

struct Rig {
  Rig() {
    router->addWebSocket("/gateway/aed", [this](const net::HttpRequest&, net::WebSocketUpgrade upgrade) {
      upgrade.accept(server->peers().socketOptions(), [this](std::shared_ptr<net::WebSocket> socket) {
        server->peers().accept(std::move(socket), "192.0.2.1");
      });
    });
    http.emplace(loop, router, net::HttpServerOptions{});
    where = *http->listen(kLoopback, nullptr);
    restart();
  }
  /// A new process with the same store: all connections break, nobody is known any more.
  void restart(link::PeersOptions options = Server::peersOptions()) {
    server.reset();
    server = std::make_unique<Server>(loop, signer, random, *store, Limits{}, std::move(options));
    bool loaded = false;
    server->load([&](base::Result<void> result) { loaded = result.has_value(); });
    EXPECT_TRUE(loop.runUntil([&] { return loaded; }, kDeadline));
  }
  std::string token(const std::string& role = "consumer", const std::string& cid = "c1",
                    std::vector<std::string> grants = {}) {
    identity::CallToken out;
    out.audience = "assist";
    out.role = role;
    out.user = role + "1";
    out.name = "Ada";
    out.cid = cid;
    out.grants = std::move(grants);
    return signer.sign(out, base::wallNow(), base::Millis{60'000});
  }
  net::EventLoop loop{"test"};
  base::FakeRandom random;
  identity::TokenSigner signer{base::Secret(std::string(32, 'k')), random};
  std::unique_ptr<store::Store> store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  std::unique_ptr<Server> server;
  std::shared_ptr<net::Router> router = std::make_shared<net::Router>();
  std::optional<net::HttpServer> http;
  net::HttpClient client{loop, {}};
  net::Endpoint where;
};

/// A page as csdk-aed.js is one: numbers what it sends, acknowledges what comes.
struct Page {
  Page(Rig& r, std::string with, std::string name = "")
      : rig(r), token(std::move(with)), id(std::move(name)) {
    open();
  }
  void open() {
    Json hello = {{"type", "hello"}, {"version", 1}, {"token", token}};
    if (!id.empty()) hello["client"] = {{"id", id}};
    if (!key.empty()) hello["resume"] = {{"party", party}, {"key", key}, {"ack", received}};
    std::optional<bool> opened;
    rig.client.openWebSocket("ws://" + rig.where.toString() + "/gateway/aed", {}, {},
                             [&](base::Result<std::shared_ptr<net::WebSocket>> s) {
                               opened = s.has_value();
                               if (s) socket = *s;
                             });
    ASSERT_TRUE(rig.loop.runUntil([&] { return opened.has_value(); }, kDeadline));
    ASSERT_TRUE(*opened);
    socket->start([this](std::string_view text) { onText(text); }, [](base::Bytes) {},
                  [this](std::uint16_t code, std::string_view) { closed = code; });
    welcome = nullptr;
    closed = 0;
    socket->sendText(hello.dump());
    ASSERT_TRUE(rig.loop.runUntil([&] { return !welcome.is_null() || closed != 0; }, kDeadline));
    if (welcome.is_null()) return;
    if (welcome["resumed"] == false) {
      sent = received = 0;
      unacknowledged.clear();
    }
    party = welcome["party"].get<std::string>();
    key = welcome["key"].get<std::string>();
    for (const Json& each : unacknowledged) {
      if (each["seq"].get<std::int64_t>() > welcome["ack"].get<std::int64_t>()) socket->sendText(each.dump());
    }
  }
  /// The network goes; what was under way is lost.
  void lose() {
    const std::size_t before = rig.server->peers().connections();
    socket->close(1000, "");
    socket.reset();
    EXPECT_TRUE(rig.loop.runUntil([&] { return rig.server->peers().connections() < before; }, kDeadline));
  }
  void onText(std::string_view text) {
    const Json message = *link::parseJson(text);
    if (message["type"] == "welcome") {
      welcome = message;
      return;
    }
    if (!message.contains("seq")) return;
    const auto seq = message["seq"].get<std::int64_t>();
    if (seq <= received) return;
    EXPECT_EQ(seq, received + 1);
    received = seq;
    if (reading) socket->sendText(Json{{"type", "ack"}, {"ack", received}}.dump());
    got.push_back(message);
  }
  void say(Json message) {
    message["seq"] = ++sent;
    unacknowledged.push_back(message);
    if (socket) socket->sendText(message.dump());
  }
  /// Waits for a message of a type and takes everything up to it.
  Json wait(const std::string& type) {
    Json found;
    EXPECT_TRUE(rig.loop.runUntil(
        [&] {
          while (found.is_null() && !got.empty()) {
            if (got.front()["type"] == type) found = got.front();
            got.pop_front();
          }
          return !found.is_null();
        },
        kDeadline))
        << type;
    return found;
  }
  void connect(const std::string& topic = "c1") {
    say({{"type", "topic-connect"}, {"topic", topic}, {"create", true}, {"request", "connect"}});
    snapshot = wait("topic");
  }
  Json submit(const std::string& item, const Json& value, std::string request = "") {
    if (request.empty())
      request = "s" + std::to_string(sent);  // A request is done once: each has its own name.
    say({{"type", "data-submit"}, {"topic", "c1"}, {"id", item}, {"value", value}, {"request", request}});
    return wait("data");
  }
  Rig& rig;
  std::string token, id, party, key;
  std::shared_ptr<net::WebSocket> socket;
  Json welcome, snapshot;
  std::deque<Json> got;
  std::vector<Json> unacknowledged;
  std::int64_t sent = 0, received = 0;
  std::uint16_t closed = 0;
  bool reading = true;
};

TEST(EventsServer, PagesShareATopic) {
  Rig rig;
  Page consumer(rig, rig.token());
  Page agent(rig, rig.token("agent", ""));
  EXPECT_EQ(consumer.welcome["topics"]["maxValue"], 65'536);
  consumer.connect();
  agent.connect();
  const Json made = consumer.submit("cart", {{"sum", 12}}, "s");
  EXPECT_EQ(made["request"], "s");
  EXPECT_EQ(agent.wait("data")["value"]["sum"], 12);
  agent.say({{"type", "message"}, {"topic", "c1"}, {"value", "look"}});
  const Json heard = consumer.wait("message");
  EXPECT_EQ(heard["value"], "look");
  EXPECT_EQ(heard["by"]["role"], "agent");
}

TEST(EventsServer, ALabelStandsForTheAgentsNames) {
  Rig rig;
  rig.server->setAgentName("Customer service");
  Page consumer(rig, rig.token());
  Page agent(rig, rig.token("agent", ""));
  consumer.connect();
  agent.connect();
  agent.say({{"type", "message"}, {"topic", "c1"}, {"value", "look"}});
  EXPECT_EQ(consumer.wait("message")["by"]["name"], "Customer service");
  consumer.submit("cart", 12, "s");
  EXPECT_EQ(agent.wait("data")["by"]["name"], "Ada");
}

TEST(EventsServer, WhoMayBeHereNoLongerIsOut) {
  Rig rig;
  bool stands = true;
  rig.server->peers().setStands(
      [&](const identity::CallToken& token) { return token.role == "consumer" || stands; });
  Page consumer(rig, rig.token());
  Page agent(rig, rig.token("agent", ""));
  consumer.connect();
  agent.connect();
  stands = false;
  rig.server->endFallen();
  EXPECT_TRUE(rig.loop.runUntil([&] { return agent.closed == link::kTokenRefused; }, kDeadline));
  EXPECT_EQ(rig.server->peers().size(), 1u);
  EXPECT_EQ(consumer.submit("cart", 1, "s")["request"], "s") << "others do not notice";
}

TEST(EventsServer, TokensDecideAboutTopics) {
  Rig rig;
  Page page(rig, rig.token("consumer", "c1", {"news.*=r"}));
  page.say({{"type", "topic-connect"}, {"topic", "c2"}, {"create", true}});
  EXPECT_EQ(page.wait("error")["reason"], "aed.not_allowed");
  Page agent(rig, rig.token("agent", ""));
  agent.connect("news.today");
  page.say({{"type", "topic-connect"}, {"topic", "news.today"}});
  page.wait("topic");
  page.say({{"type", "data-submit"}, {"topic", "news.today"}, {"value", 1}, {"request", "w"}});
  const Json refused = page.wait("error");
  EXPECT_EQ(refused["reason"], "aed.not_allowed");
  EXPECT_EQ(refused["request"], "w");
  Page stranger(rig, "nonsense");
  EXPECT_EQ(stranger.closed, link::kTokenRefused);
}

TEST(EventsServer, ABrokenConnectionLosesAndDoublesNothing) {
  Rig rig;
  Page a(rig, rig.token()), b(rig, rig.token("agent", ""));
  a.connect();
  b.connect();
  a.lose();
  for (int i = 0; i < 50; ++i) b.submit("i" + std::to_string(i), i);
  // Said while away: sent when it is back, exactly once.
  a.say({{"type", "data-submit"}, {"topic", "c1"}, {"id", "mine"}, {"value", 1}, {"request", "late"}});
  a.got.clear();
  a.open();
  ASSERT_EQ(a.welcome["resumed"], true);
  std::map<std::string, int> times;
  while (times.size() < 51) ++times[a.wait("data")["id"].get<std::string>()];
  for (const auto& [item, count] : times) EXPECT_EQ(count, 1) << item;
  EXPECT_EQ(b.wait("data")["id"], "mine");
  // The request that was on its way when the connection broke again.
  a.lose();
  a.open();
  a.submit("end", 1, "end");
  EXPECT_EQ(rig.server->topics().topics(), 1u);
}

TEST(EventsServer, DataOutlivesTheProcessAndRequestsAreDoneOnce) {
  Rig rig;
  Page a(rig, rig.token(), "page-1");
  a.connect();
  a.say({{"type", "data-submit"}, {"topic", "c1"}, {"value", "once"}, {"request", "r1"}});
  const Json made = a.wait("data");
  rig.restart();
  a.socket.reset();
  a.open();
  ASSERT_EQ(a.welcome["resumed"], false);
  a.connect();
  ASSERT_EQ(a.snapshot["data"].size(), 1u);
  EXPECT_EQ(a.snapshot["data"][0]["value"], "once");
  // Its answer was lost for all it knows: it asks again, and nothing comes twice.
  a.say({{"type", "data-submit"}, {"topic", "c1"}, {"value", "once"}, {"request", "r1"}});
  EXPECT_EQ(a.wait("data")["version"], made["version"]);
  Page b(rig, rig.token("agent", ""));
  b.connect();
  EXPECT_EQ(b.snapshot["data"].size(), 1u);
}

TEST(EventsServer, APageThatTakesNothingCostsNothing) {
  Rig rig;
  link::PeersOptions quick = Server::peersOptions();
  quick.messagesPerSecond = quick.burst = 1e6;
  rig.restart(quick);
  Page slow(rig, rig.token()), busy(rig, rig.token("agent", ""));
  slow.connect();
  busy.connect();
  slow.reading = false;
  Json version = busy.submit("i", 0)["version"];
  for (int i = 1; i < 200; ++i) {
    busy.say({{"type", "data-submit"},
              {"topic", "c1"},
              {"id", "i"},
              {"version", version},
              {"value", std::string(20'000, 'v') + std::to_string(i)},
              {"request", std::to_string(i)}});
    const Json answer = busy.wait("data");
    version = answer["version"];
  }
  const link::Peer* peer = rig.server->peers().find(slow.party);
  ASSERT_NE(peer, nullptr);
  EXPECT_LT(peer->numbers.keptBytes() + peer->waitingBytes, 400'000u);
  slow.reading = true;
  slow.socket->sendText(Json{{"type", "ack"}, {"ack", slow.received}}.dump());
  Json last;
  do last = slow.wait("data");
  while (last["version"] != version);
}

TEST(EventsServer, SaysNoWhileStopping) {
  Rig rig;
  rig.server->drain();
  Page page(rig, rig.token());
  EXPECT_EQ(page.closed, link::kDraining);
}

TEST(EventsServer, WhatIsNoRequestIsAnsweredAndWhoLeavesIsGone) {
  Rig rig;
  Page page(rig, rig.token());
  page.say({{"type", "topic-connect"}, {"topic", "a b"}, {"request", "x"}});
  const Json bad = page.wait("error");
  EXPECT_EQ(bad["reason"], "message.malformed");
  EXPECT_EQ(bad["request"], "x");
  page.say({{"type", "dance"}});
  EXPECT_EQ(page.wait("error")["reason"], "message.unknown_type");
  page.connect();
  page.say({{"type", "leave"}});
  EXPECT_TRUE(rig.loop.runUntil([&] { return page.closed == 1000; }, kDeadline));
  EXPECT_EQ(rig.server->topics().clients(), 0u);
}

}  // namespace
}  // namespace parley::events
