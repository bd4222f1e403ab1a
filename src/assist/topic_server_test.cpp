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
        server(std::make_unique<TopicServer>(loop, signer, random, records, *store, options())) {}
  /// A new process with the same store; `kill`: the old one had no time to stop.
  void restart(bool kill = false) {
    if (!kill) server->stop();
    server.reset();
    server = std::make_unique<TopicServer>(loop, signer, random, records, *store, settings);
    server->setPushSource(source);
    std::optional<bool> loaded;
    server->load([&](base::Result<void> result) { loaded = result.has_value(); });
    EXPECT_TRUE(loop.runUntil([&] { return loaded.has_value(); }, 3s) && *loaded);
  }
  std::string token(const std::string& role, const std::string& user, const std::string& cid = {}) {
    identity::CallToken token;
    token.audience = "assist";
    token.role = role;
    token.user = user;
    token.name = "Name of " + user;
    token.cid = cid;
    return signer.sign(token, base::wallNow(), 60s);
  }
  TopicOptions settings = options();  ///< Of the next process.
  base::SystemRandom random;
  net::EventLoop loop{"test"};
  std::unique_ptr<store::Store> store;
  Records records;
  identity::TokenSigner signer;
  PushSource* source = nullptr;
  std::unique_ptr<TopicServer> server;
};

struct Page {
  Page(ServerRig& r, const std::string& token, const std::string& cid = {}, const Json& resume = nullptr,
       const std::string& network = "192.0.2.1")
      : owner(r) {
    auto [mine, theirs] = link::rig::PipeEnd::make(owner.loop);
    socket = mine;
    owner.server->accept(theirs, network);
    mine->start([this](std::string_view text) { inbox.push_back(*link::parseJson(text)); },
                [this](base::Bytes bytes) { pictures.push_back(bytes.size()); },
                [this](std::uint16_t closed, std::string_view) { code = closed; });
    Json hello = {{"type", "hello"}, {"version", 1}, {"token", token}};
    if (!cid.empty()) hello["cid"] = cid;
    if (!resume.is_null()) hello["resume"] = resume;
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
  ASSERT_TRUE(rig.loop.runUntil([&] { return rig.server->find("s1")->sharing() == Sharing::on; }, 3s));
  consumer.socket->sendBinary(rig::picture(1, true));
  EXPECT_TRUE(rig.loop.runUntil([&] { return agent.pictures.size() == 1; }, 3s));
  consumer.say({{"type", "end"}});
  EXPECT_EQ(agent.expect("ended")["reason"], "consumer_ended");
  EXPECT_EQ(agent.closed(), kEnded);
  EXPECT_EQ(rig.server->size(), 0u);
  EXPECT_EQ(rig.records.size(), 1u);
  EXPECT_NE(rig.records.find("s1").find("consumer_ended"), std::string::npos);
}

TEST(TopicServerTest, DoesNotCompressPicturesAgain) {
  ServerRig rig;
  EXPECT_FALSE(rig.server->socketOptions().compress);
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
  rig.server->drain();
  second.say({{"type", "end"}});
  EXPECT_EQ(second.closed(), kEnded);
  EXPECT_EQ(Page(rig, rig.token("consumer", "c4", "s3")).closed(), link::kDraining);
}

TEST(TopicServerTest, OneNetworkLeavesSessionsForOthers) {
  ServerRig rig;
  TopicOptions more = options();
  more.maxSessions = 6;
  rig.server->setOptions(more);
  std::vector<std::unique_ptr<Page>> pages;
  const auto open = [&](const char* cid, const char* network) {
    pages.push_back(std::make_unique<Page>(rig, rig.token("consumer", cid, cid), "", nullptr, network));
    return pages.back()->expect("welcome");
  };
  for (const char* cid : {"s1", "s2", "s3"}) EXPECT_FALSE(open(cid, "192.0.2.1").is_null());
  EXPECT_EQ(Page(rig, rig.token("consumer", "s4", "s4"), "", nullptr, "192.0.2.1").closed(), link::kFull);
  EXPECT_FALSE(open("s4", "192.0.2.2").is_null());
  // What has ended counts no more; what outlives the process does.
  pages[0]->say({{"type", "end"}});
  EXPECT_EQ(pages[0]->closed(), kEnded);
  EXPECT_FALSE(open("s5", "192.0.2.1").is_null());
  rig.restart();
  rig.server->setOptions(more);
  EXPECT_EQ(rig.server->size(), 4u);
  EXPECT_EQ(Page(rig, rig.token("consumer", "s6", "s6"), "", nullptr, "192.0.2.1").closed(), link::kFull);
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

struct Shared {
  explicit Shared(ServerRig& rig)
      : consumer(std::make_unique<Page>(rig, rig.token("consumer", "c1", "s1"))),
        welcomeOfConsumer(consumer->expect("welcome")),
        agent(std::make_unique<Page>(rig, rig.token("agent", "agent1"), "s1")),
        welcomeOfAgent(agent->expect("welcome")) {
    consumer->consents();
    consumer->say({{"type", "share"}, {"state", "on"}});
    consumer->say({{"type", "view"}, {"w", 800}, {"h", 600}, {"title", "My account"}, {"path", "/a"}});
    consumer->say({{"type", "receipt"}, {"at", "now"}, {"masked", {{{"label", "Password"}, {"count", 1}}}}});
    agent->say({{"type", "control"}, {"want", true}});
    const Json asked = consumer->expect("consent-request");
    consumer->say({{"type", "consent"}, {"id", asked["id"]}, {"grant", true}});
    rig.loop.runUntil(
        [&] { return rig.server->find("s1")->stateFor("", Role::consumer)["control"] != "none"; }, 3s);
  }
  static Json resume(const Json& welcome) {
    return {{"party", welcome["party"]}, {"key", welcome["key"]}, {"ack", 0}};
  }
  std::unique_ptr<Page> consumer;
  Json welcomeOfConsumer;
  std::unique_ptr<Page> agent;
  Json welcomeOfAgent;
};

TEST(TopicServerTest, ASessionOutlivesTheProcess) {
  for (const bool kill : {false, true}) {
    ServerRig rig;
    Shared shared(rig);
    rig.restart(kill);
    EXPECT_NE(shared.consumer->closed(), 0);
    ASSERT_EQ(rig.server->size(), 1u);
    Page agent(rig, rig.token("agent", "agent1"), "s1", Shared::resume(shared.welcomeOfAgent));
    const Json joined = agent.expect("welcome");
    EXPECT_EQ(joined["resumed"], true);
    EXPECT_EQ(joined["party"], shared.welcomeOfAgent["party"]);
    EXPECT_EQ(joined["session"]["parties"][0]["state"], "joined") << "consent is kept";
    EXPECT_EQ(joined["session"]["control"], "none");
    EXPECT_EQ(joined["session"]["view"]["title"], "My account");
    Page consumer(rig, rig.token("consumer", "c1", "s1"), "s1", Shared::resume(shared.welcomeOfConsumer));
    EXPECT_EQ(consumer.expect("welcome")["resumed"], true);
    EXPECT_FALSE(consumer.expect("refresh").is_null()) << "pictures begin with a whole one";
    consumer.socket->sendBinary(rig::picture(1, true));
    EXPECT_TRUE(rig.loop.runUntil([&] { return agent.pictures.size() == 1; }, 3s));
    consumer.say({{"type", "end"}});
    EXPECT_EQ(agent.closed(), kEnded);
    const Json record = *link::parseJson(rig.records.find("s1"));
    if (!kill) {  // Else what came in the last seconds may be lost.
      EXPECT_EQ(record["receipts"].size(), 1u);
    }
    EXPECT_FALSE(record["timeline"].empty());
    rig.restart();
    EXPECT_EQ(rig.server->size(), 0u) << "what is over does not come back";
  }
}

/// Has one document, and notes what it is told.
struct OneDocument final : PushSource {
  static constexpr const char* kSrc = "/assistserver/content/x";
  void provide(const PushWish&, std::function<void(base::Result<PushContent>)> done) override {
    done(PushContent{kSrc, "Offer.pdf", "document"});
  }
  void ended(const std::string& cid) override { shows.erase(cid); }
  void shown(const std::string& cid, const std::string& src) override { shows[cid] = src; }
  bool has(const std::string&, const std::string& src) override { return there && src == kSrc; }
  void goesOn(const std::vector<std::string>& cids) override { goOn = cids; }
  std::map<std::string, std::string> shows;
  std::vector<std::string> goOn;
  bool there = true;
};

TEST(TopicServerTest, TheOpenDocumentOutlivesTheProcess) {
  for (const bool there : {true, false}) {
    OneDocument shelf;
    ServerRig rig;
    rig.server->setPushSource(rig.source = &shelf);
    Shared shared(rig);
    shared.agent->say({{"type", "push"}, {"kind", "document"}, {"content", "x"}});
    const Json pushed = shared.consumer->expect("push");
    shared.consumer->say({{"type", "document"},
                          {"id", pushed["id"]},
                          {"page", 3},
                          {"scroll", 0.5},
                          {"zoom", 1.5},
                          {"pages", 7}});
    EXPECT_EQ(shared.agent->expect("document")["page"], 3);
    EXPECT_TRUE(rig.loop.runUntil([&] { return shelf.shows["s1"] == OneDocument::kSrc; }, 3s));
    shelf.there = there;
    rig.restart();
    EXPECT_EQ(shelf.goOn, std::vector<std::string>{"s1"});
    Page consumer(rig, rig.token("consumer", "c1", "s1"), "s1", Shared::resume(shared.welcomeOfConsumer));
    const Json document = consumer.expect("welcome")["session"]["document"];
    if (there) {
      EXPECT_EQ(document, Json({{"id", pushed["id"]},
                                {"kind", "document"},
                                {"src", OneDocument::kSrc},
                                {"name", "Offer.pdf"},
                                {"page", 3.0},
                                {"scroll", 0.5},
                                {"zoom", 1.5},
                                {"pages", 7}}));
    } else {
      EXPECT_TRUE(document.is_null()) << document;
    }
    consumer.say({{"type", "end"}});
    EXPECT_TRUE(rig.loop.runUntil([&] { return shelf.shows.empty(); }, 3s)) << "gone with the session";
  }
}

TEST(TopicServerTest, AfterARestartAsBeforeNobodyIsSomebodyElse) {
  ServerRig rig;
  Shared shared(rig);
  rig.restart();
  Json wrong = Shared::resume(shared.welcomeOfAgent);
  wrong["key"] = "guess";
  Page thief(rig, rig.token("agent", "agent2"), "s1", wrong);
  EXPECT_EQ(thief.expect("welcome")["resumed"], false);
  const Json state = thief.expect("session");
  EXPECT_EQ(state["view"], Json::object()) << "not let in";
  Page other(rig, rig.token("agent", "agent2"), "s1", Shared::resume(shared.welcomeOfAgent));
  EXPECT_EQ(other.closed(), link::kTokenRefused);
  EXPECT_EQ(Page(rig, rig.token("consumer", "c2", "s1")).closed(), kCidTaken);
}

TEST(TopicServerTest, AWithdrawnConsentStaysSoOverARestart) {
  ServerRig rig;
  Shared shared(rig);
  const Json party = shared.welcomeOfAgent["party"];
  shared.consumer->say({{"type", "consent"}, {"party", party}, {"what", "view"}, {"grant", false}});
  ASSERT_TRUE(rig.loop.runUntil([&] { return rig.server->find("s1")->sharing() == Sharing::off; }, 3s));
  rig.restart(true);
  Page agent(rig, rig.token("agent", "agent1"), "s1", Shared::resume(shared.welcomeOfAgent));
  EXPECT_EQ(agent.expect("welcome")["resumed"], false);
  EXPECT_EQ(agent.expect("session")["view"], Json::object()) << "not let in";
}

TEST(TopicServerTest, AConsumerThatDoesNotComeBackAfterARestartEndsTheSession) {
  ServerRig rig;
  Shared shared(rig);
  rig.restart();
  EXPECT_TRUE(rig.loop.runUntil([&] { return rig.server->size() == 0; }, 3s));
  EXPECT_NE(rig.records.find("s1").find("consumer_lost"), std::string::npos);
}

TEST(TopicServerTest, WhatIsSwitchedOffEndsAtOnce) {
  ServerRig rig;
  Shared shared(rig);
  shared.consumer->socket->sendBinary(rig::picture(1, true));
  ASSERT_TRUE(rig.loop.runUntil([&] { return !shared.agent->pictures.empty(); }, 3s));
  TopicOptions changed = options();
  changed.session.features.erase(Feature::view);
  changed.session.features.erase(Feature::control);
  rig.server->setOptions(changed);
  const Json state = rig.server->find("s1")->stateFor("", Role::consumer);
  EXPECT_EQ(state["control"], "none");
  Page late(rig, rig.token("agent", "agent2"), "s1");
  EXPECT_EQ(late.expect("error")["reason"], "assist.feature_off");
  EXPECT_EQ(late.closed(), kSwitchedOff);
  // The same agent on a new page was let in before, and sees nothing of before.
  Page again(rig, rig.token("agent", "agent1"), "s1");
  EXPECT_FALSE(again.expect("session").is_null());
  while (rig.loop.poll()) {
  }
  EXPECT_TRUE(again.pictures.empty());
}

TEST(TopicServerTest, NobodyIsAskedAfterARestartForWhatIsSwitchedOff) {
  ServerRig rig;
  Page consumer(rig, rig.token("consumer", "c1", "s1"));
  const Json mine = consumer.expect("welcome");
  Page agent(rig, rig.token("agent", "agent1"), "s1");
  const Json theirs = agent.expect("welcome");
  EXPECT_FALSE(consumer.expect("consent-request").is_null());
  rig.settings.session.features.erase(Feature::view);
  rig.restart();
  Page back(rig, rig.token("consumer", "c1", "s1"), "", Shared::resume(mine));
  EXPECT_EQ(back.expect("welcome")["session"]["parties"], Json::array());
  EXPECT_EQ(Page(rig, rig.token("agent", "agent1"), "s1").closed(), kSwitchedOff);
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
  EXPECT_EQ(Json::parse(again.recent().front())["cid"], "s209");
  EXPECT_FALSE(again.find("s100").empty());
}

TEST(RecordsTest, SessionsOfOneNameAreKeptApart) {
  net::EventLoop loop{"test"};
  auto store = *store::openEmbeddedStore(loop, ":memory:");
  const auto read = [](Records& records) {
    std::vector<int> turns;
    for (const std::string& summary : records.recent()) {
      const Json one = Json::parse(summary);
      turns.push_back(
          Json::parse(records.find("claim", one["record"].get<std::string>()))["turn"].get<int>());
    }
    return turns;
  };
  {
    Records records(*store);
    for (const int turn : {1, 2, 3}) records.add("claim", 1'000, {{"cid", "claim"}}, {{"turn", turn}});
    EXPECT_EQ(read(records), (std::vector<int>{3, 2, 1}));
    EXPECT_EQ(Json::parse(records.find("claim"))["turn"], 3);
    EXPECT_TRUE(records.find("claim", "000000000001000-000009").empty());
    EXPECT_TRUE(
        records.find("other", Json::parse(records.recent().front())["record"].get<std::string>()).empty());
    loop.runUntil([] { return false; }, 50ms);
  }
  Records again(*store);
  EXPECT_TRUE(loop.runUntil([&] { return again.size() == 3; }, 3s));
  EXPECT_EQ(read(again), (std::vector<int>{3, 2, 1}));
}

}  // namespace
}  // namespace parley::assist
