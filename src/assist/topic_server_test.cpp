// Who gets into which session, over connections in memory; records that outlive a session.
#include "assist/topic_server.h"

#include <gtest/gtest.h>

#include <deque>

#include "assist/test_session_rig.h"
#include "link/json.h"
#include "link/test_pipe.h"
#include "store/store.h"

namespace parley::assist {
namespace {

using link::Json;
using namespace std::chrono_literals;

TopicOptions options() {
  TopicOptions out;
  for (std::size_t i = 0; i < kFeatures; ++i) out.session.features.insert(static_cast<Feature>(i));
  out.resume = 300ms;
  out.maxSessions = 2;
  return out;
}

struct ServerRig {
  ServerRig()
      : store(*store::openEmbeddedStore(loop, ":memory:")),
        records(*store),
        signer(base::Secret(std::string(32, 'k')), random),
        server(loop, signer, random, records, options()) {}
  std::string token(const std::string& role, const std::string& user, const std::string& cid = {}) {
    identity::CallToken token;
    token.audience = "assist";
    token.role = role;
    token.user = user;
    token.name = "Name of " + user;
    token.cid = cid;
    return signer.sign(token, base::wallNow(), 60s);
  }
  base::SystemRandom random;
  net::EventLoop loop{"test"};
  std::unique_ptr<store::Store> store;
  Records records;
  identity::TokenSigner signer;
  TopicServer server;
};

struct Page {
  Page(ServerRig& r, const std::string& token, const std::string& cid = {}) : owner(r) {
    auto [mine, theirs] = link::rig::PipeEnd::make(owner.loop);
    socket = mine;
    owner.server.accept(theirs, "192.0.2.1");
    mine->start([this](std::string_view text) { inbox.push_back(*link::parseJson(text)); },
                [this](base::Bytes bytes) { pictures.push_back(bytes.size()); },
                [this](std::uint16_t closed, std::string_view) { code = closed; });
    Json hello = {{"type", "hello"}, {"version", 1}, {"token", token}};
    if (!cid.empty()) hello["cid"] = cid;
    socket->sendText(link::dumpJson(hello));
  }
  /// A pipe lives until it is closed.
  ~Page() {
    socket->breakOff();
    while (owner.loop.poll()) {
    }
  }
  void say(Json message) {
    message["seq"] = ++seq;
    socket->sendText(link::dumpJson(message));
  }
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
  std::uint16_t closed() {
    owner.loop.runUntil([&] { return code != 0; }, 3s);
    return code;
  }
  void consents() { say({{"type", "consent"}, {"id", expect("consent-request")["id"]}, {"grant", true}}); }
  ServerRig& owner;
  std::shared_ptr<link::rig::PipeEnd> socket;
  std::deque<Json> inbox;
  std::vector<std::size_t> pictures;
  std::int64_t seq = 0;
  std::uint16_t code = 0;
};

TEST(TopicServerTest, PicturesGoFromTheConsumerToWhoMaySee) {
  ServerRig rig;
  Page consumer(rig, rig.token("consumer", "c1", "s1"));
  EXPECT_EQ(consumer.expect("welcome")["session"]["consumer"]["present"], false);
  Page agent(rig, rig.token("agent", "agent1"), "s1");
  EXPECT_EQ(agent.expect("welcome")["cid"], "s1");
  consumer.consents();
  consumer.say({{"type", "share"}, {"state", "on"}});
  EXPECT_EQ(agent.expect("consent")["grant"], true);
  ASSERT_TRUE(rig.loop.runUntil([&] { return rig.server.find("s1")->sharing() == Sharing::on; }, 3s));
  consumer.socket->sendBinary(rig::picture(1, true));
  EXPECT_TRUE(rig.loop.runUntil([&] { return agent.pictures.size() == 1; }, 3s));
  consumer.say({{"type", "end"}});
  EXPECT_EQ(agent.expect("ended")["reason"], "consumer_ended");
  EXPECT_EQ(agent.closed(), kEnded);
  EXPECT_EQ(rig.server.size(), 0u);
  EXPECT_EQ(rig.records.size(), 1u);
  EXPECT_NE(rig.records.find("s1").find("consumer_ended"), std::string::npos);
}

TEST(TopicServerTest, RefusesWhoDoesNotBelong) {
  ServerRig rig;
  EXPECT_EQ(Page(rig, rig.token("agent", "agent1"), "nobody").closed(), kUnknownSession);
  EXPECT_EQ(Page(rig, rig.token("agent", "agent1"), "a/b").closed(), link::kTokenRefused);
  EXPECT_EQ(Page(rig, rig.token("consumer", "c1")).closed(), link::kTokenRefused) << "bound to no session";
  EXPECT_EQ(Page(rig, rig.token("consumer", "c1", "s1"), "s2").closed(), link::kTokenRefused);
  EXPECT_EQ(Page(rig, rig.token("agent", "agent1", "s1"), "s2").closed(), link::kTokenRefused);
  Page consumer(rig, rig.token("consumer", "c1", "s1"));
  consumer.expect("welcome");
  EXPECT_EQ(Page(rig, rig.token("consumer", "c2", "s1")).closed(), kCidTaken);
  std::vector<std::unique_ptr<Page>> agents;
  for (const char* user : {"a1", "a2", "a3"}) {
    agents.push_back(std::make_unique<Page>(rig, rig.token("agent", user), "s1"));
    EXPECT_FALSE(agents.back()->expect("welcome").is_null());
  }
  EXPECT_EQ(Page(rig, rig.token("supervisor", "boss"), "s1").closed(), kPartiesFull);
  Page second(rig, rig.token("consumer", "c3", "s2"));
  second.expect("welcome");
  EXPECT_EQ(Page(rig, rig.token("consumer", "c4", "s3")).closed(), link::kFull);
  rig.server.drain();
  second.say({{"type", "end"}});
  EXPECT_EQ(second.closed(), kEnded);
  EXPECT_EQ(Page(rig, rig.token("consumer", "c4", "s3")).closed(), link::kDraining);
}

TEST(TopicServerTest, AConsumerThatDoesNotComeBackEndsTheSession) {
  ServerRig rig;
  Page consumer(rig, rig.token("consumer", "c1", "s1"));
  consumer.expect("welcome");
  Page agent(rig, rig.token("agent", "agent1"), "s1");
  agent.expect("welcome");
  consumer.socket->breakOff();
  EXPECT_EQ(agent.expect("ended")["reason"], "consumer_lost");
  EXPECT_EQ(agent.closed(), kEnded);
}

TEST(TopicServerTest, DocumentsNeedASource) {
  ServerRig rig;
  Page consumer(rig, rig.token("consumer", "c1", "s1"));
  consumer.expect("welcome");
  Page agent(rig, rig.token("agent", "agent1"), "s1");
  consumer.consents();
  agent.expect("consent");
  agent.say({{"type", "push"}, {"kind", "document"}, {"content", "x"}, {"request", "r1"}});
  const Json error = agent.expect("error");
  EXPECT_EQ(error["reason"], "assist.no_content");
  EXPECT_EQ(error["request"], "r1");
}

TEST(TopicServerTest, StoppingTellsAll) {
  ServerRig rig;
  Page consumer(rig, rig.token("consumer", "c1", "s1"));
  consumer.expect("welcome");
  rig.server.stop();
  EXPECT_EQ(consumer.expect("ended")["reason"], "ended_by_server");
}

TEST(RecordsTest, KeepTheLastOverARestartAndNoMore) {
  net::EventLoop loop{"test"};
  auto store = *store::openEmbeddedStore(loop, ":memory:");
  {
    Records records(*store);
    for (std::size_t i = 0; i < Records::kMaxRecords + 10; ++i) {
      const std::string cid = "s" + std::to_string(i);
      records.add(cid, static_cast<std::int64_t>(1'000 + i), {{"cid", cid}}, {{"cid", cid}, {"timeline", 1}});
    }
    EXPECT_EQ(records.size(), Records::kMaxRecords);
    EXPECT_TRUE(records.find("s0").empty());
    loop.runUntil([] { return false; }, 50ms);
  }
  Records again(*store);
  EXPECT_TRUE(loop.runUntil([&] { return again.size() == Records::kMaxRecords; }, 3s));
  EXPECT_EQ(again.recent().front(), R"({"cid":"s209"})");
  EXPECT_FALSE(again.find("s100").empty());
}

}  // namespace
}  // namespace parley::assist
