#include "events/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "link/json.h"

namespace parley::events {
namespace {

using link::Json;
constexpr std::int64_t kNow = 1'800'000'000'000;

/// Topics whose store answers at once unless `slow`, and clients that read everything.
struct Bench {
  explicit Bench(Limits limits = {}) : topics(random, limits) {}
  void join(const std::string& client, Rights rights = {{"*", true, true, true}}, std::string origin = "") {
    topics.addClient(client, {.by = R"({"party":")" + client + R"("})",
                              .origin = origin.empty() ? client : origin,
                              .rights = std::move(rights)});
  }
  void say(const std::string& client, const Json& message) {
    const auto request = parseRequest(message);
    ASSERT_TRUE(request) << request.error().text;
    topics.handle(client, *request, now);
    if (!slow) settle();
  }
  void settle() {
    for (StoreOp& op : topics.takeStoreOps()) {
      auto& place = op.where == StoreOp::Where::topics ? storedTopics : storedData;
      if (op.value) {
        place[op.key] = *op.value;
      } else {
        place.erase(op.key);
      }
      topics.stored(op.topic, op.version);
    }
  }
  std::vector<Json> read(const std::string& client) {
    std::vector<Json> out;
    while (auto text = topics.next(client)) {
      out.push_back(*link::parseJson(*text));
      if (out.size() > 10'000) break;
    }
    return out;
  }
  Json one(const std::string& client) {
    auto all = read(client);
    EXPECT_EQ(all.size(), 1u) << Json(all).dump();
    return all.empty() ? Json() : all.front();
  }
  void connect(const std::string& client, const std::string& topic = "t") {
    say(client, {{"type", "topic-connect"}, {"topic", topic}, {"create", true}});
    read(client);
  }
  Json submit(const std::string& client, const Json& more) {
    Json message = {{"type", "data-submit"}, {"topic", "t"}, {"value", 1}};
    message.update(more);
    say(client, message);
    return one(client);
  }
  /// A new process with what was stored.
  void restart() {
    std::destroy_at(&topics);
    std::construct_at(&topics, random, Limits{});
    for (const auto& [key, value] : storedTopics) EXPECT_TRUE(topics.restoreTopic(value, now)) << value;
    for (const auto& [key, value] : storedData) EXPECT_TRUE(topics.restoreItem(value, now)) << value;
  }
  base::FakeRandom random;
  Topics topics;
  std::int64_t now = kNow;
  bool slow = false;
  std::map<std::string, std::string> storedTopics, storedData;
};

TEST(Topics, ConnectingGivesAllData) {
  Bench b;
  b.join("a");
  b.join("b");
  b.say("a", {{"type", "topic-connect"}, {"topic", "t"}, {"create", true}, {"request", "r1"}});
  Json first = b.one("a");
  EXPECT_EQ(first["type"], "topic");
  EXPECT_EQ(first["request"], "r1");
  EXPECT_EQ(first["data"], Json::array());
  EXPECT_EQ(first["more"], false);
  const Json made = b.submit("a", {{"value", {{"x", "ä\""}}}, {"id", "i1"}, {"request", "r2"}});
  EXPECT_EQ(made["type"], "data");
  EXPECT_EQ(made["request"], "r2");
  EXPECT_EQ(made["by"]["party"], "a");
  b.say("b", {{"type", "topic-connect"}, {"topic", "t"}});
  const Json second = b.one("b");
  ASSERT_EQ(second["data"].size(), 1u);
  EXPECT_EQ(second["data"][0]["id"], "i1");
  EXPECT_EQ(second["data"][0]["version"], made["version"]);
  EXPECT_EQ(second["data"][0]["value"]["x"], "ä\"");
  EXPECT_EQ(second["clients"], 2);
  const Json count = b.one("a");
  EXPECT_EQ(count["type"], "clients");
  EXPECT_EQ(count["clients"], 2);
}

TEST(Topics, EveryoneHearsOfChangesAndDeletions) {
  Bench b;
  for (const char* each : {"a", "b"}) {
    b.join(each);
    b.connect(each);
  }
  b.read("a");
  const Json made = b.submit("a", {{"id", "i"}});
  EXPECT_EQ(b.one("b")["version"], made["version"]);
  const Json changed = b.submit("b", {{"id", "i"}, {"version", made["version"]}, {"value", 2}});
  EXPECT_GT(changed["version"].get<std::uint64_t>(), made["version"].get<std::uint64_t>());
  EXPECT_EQ(b.one("a")["value"], 2);
  b.say("a", {{"type", "data-delete"},
              {"topic", "t"},
              {"id", "i"},
              {"version", changed["version"]},
              {"request", "d"}});
  const Json gone = b.one("a");
  EXPECT_EQ(gone["deleted"], true);
  EXPECT_EQ(gone["request"], "d");
  const Json heard = b.one("b");
  EXPECT_EQ(heard["deleted"], true);
  EXPECT_EQ(heard["id"], "i");
  EXPECT_FALSE(heard.contains("request"));
  EXPECT_TRUE(b.storedData.empty());
}

TEST(Topics, ConflictsAreAnsweredWithWhatIsThere) {
  Bench b;
  b.join("a");
  b.connect("a");
  const Json made = b.submit("a", {{"id", "i"}, {"value", "first"}});
  for (const Json& wrong : {Json{{"id", "i"}}, Json{{"id", "i"}, {"version", 7}}}) {
    const Json answer = b.submit("a", wrong);
    EXPECT_EQ(answer["reason"], "aed.conflict");
    EXPECT_EQ(answer["item"]["value"], "first");
    EXPECT_EQ(answer["item"]["version"], made["version"]);
  }
  const Json nothing = b.submit("a", {{"id", "other"}, {"version", 7}});
  EXPECT_EQ(nothing["reason"], "aed.conflict");
  EXPECT_TRUE(nothing["item"].is_null());
  b.say("a", {{"type", "data-delete"}, {"topic", "t"}, {"id", "i"}, {"version", 1}});
  EXPECT_EQ(b.one("a")["reason"], "aed.conflict");
}

TEST(Topics, VersionsAreNeverUsedAgain) {
  Bench b;
  b.join("a");
  b.connect("a");
  const auto first = b.submit("a", {{"id", "i"}})["version"].get<std::uint64_t>();
  b.say("a", {{"type", "data-delete"}, {"topic", "t"}, {"id", "i"}, {"version", first}});
  b.read("a");
  b.restart();
  b.now += 1'000;
  b.join("a");
  b.connect("a");
  const auto second = b.submit("a", {{"id", "i"}})["version"].get<std::uint64_t>();
  EXPECT_GT(second, first + 1);
  EXPECT_EQ(b.submit("a", {{"id", "i"}, {"version", first}})["reason"], "aed.conflict");
}

TEST(Topics, ARequestThatComesAgainIsDoneOnce) {
  Bench b;
  b.join("a", {{"*", true, true, true}}, "page1");
  b.connect("a");
  const Json request = {{"request", "r7"}, {"value", "once"}};
  const Json made = b.submit("a", request);
  EXPECT_EQ(b.submit("a", request), made);
  // A new session of the same page.
  b.topics.removeClient("a", b.now);
  b.join("a2", {{"*", true, true, true}}, "page1");
  b.connect("a2");
  EXPECT_EQ(b.submit("a2", request)["version"], made["version"]);
  // And a new process.
  b.restart();
  b.join("a3", {{"*", true, true, true}}, "page1");
  b.connect("a3");
  EXPECT_EQ(b.submit("a3", request)["version"], made["version"]);
  EXPECT_EQ(b.storedData.size(), 1u);
  // Somebody else's request of the same name is another.
  b.join("b", {{"*", true, true, true}}, "page2");
  b.connect("b");
  EXPECT_NE(b.submit("b", request)["version"], made["version"]);
  EXPECT_EQ(b.storedData.size(), 2u);
}

TEST(Topics, AnAbsentClientGetsTheLastOfEachItemOnly) {
  Bench b;
  for (const char* each : {"a", "b"}) {
    b.join(each);
    b.connect(each);
  }
  b.read("a");
  auto version = b.submit("a", {{"id", "i"}})["version"];
  for (int i = 0; i < 500; ++i)
    version = b.submit("a", {{"id", "i"}, {"version", version}, {"value", i}})["version"];
  const auto late = b.read("b");
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0]["value"], 499);
  EXPECT_EQ(late[0]["version"], version);
}

TEST(Topics, ALargeTopicComesInPartsAndWhatChangesMeanwhileIsNotLost) {
  Bench b;
  b.join("a");
  b.connect("a");
  std::vector<Json> versions;
  for (int i = 0; i < 10; ++i) {
    versions.push_back(
        b.submit("a", {{"id", "i" + std::to_string(i)}, {"value", std::string(60'000, 'v')}})["version"]);
  }
  b.join("b");
  b.say("b", {{"type", "topic-connect"}, {"topic", "t"}});
  const Json first = *link::parseJson(*b.topics.next("b"));
  EXPECT_EQ(first["more"], true);
  ASSERT_GE(first["data"].size(), 2u);
  // Told already: deleted. Not told yet: one deleted, one changed.
  const auto remove = [&](int i) {
    b.say(
        "a",
        {{"type", "data-delete"}, {"topic", "t"}, {"id", "i" + std::to_string(i)}, {"version", versions[i]}});
  };
  remove(0);
  remove(9);
  b.say("a",
        {{"type", "data-submit"}, {"topic", "t"}, {"id", "i8"}, {"version", versions[8]}, {"value", "new"}});
  std::map<std::string, Json> known;
  const auto take = [&](const Json& item) { known[item["id"].get<std::string>()] = item["value"]; };
  for (const Json& item : first["data"]) take(item);
  Json last;
  for (const Json& message : b.read("b")) {
    if (message["type"] == "topic") {
      for (const Json& item : message["data"]) take(item);
      last = message;
    } else if (message.contains("deleted")) {
      known.erase(message["id"].get<std::string>());
    } else if (message["type"] == "data") {
      take(message);
    }
  }
  EXPECT_EQ(last["more"], false);
  EXPECT_EQ(known.size(), 8u);
  EXPECT_EQ(known["i8"], "new");
  EXPECT_FALSE(known.contains("i0"));
  EXPECT_FALSE(known.contains("i9"));
}

TEST(Topics, WhoIsTooFarBehindGetsEverythingAnew) {
  Limits limits;
  limits.maxDeletions = 3;
  Bench b(limits);
  for (const char* each : {"a", "b"}) {
    b.join(each);
    b.connect(each);
  }
  b.read("a");
  b.submit("a", {{"id", "stays"}});
  b.read("b");
  for (int i = 0; i < 6; ++i) {
    const std::string id = "i" + std::to_string(i);
    const auto version = b.submit("a", {{"id", id}})["version"];
    b.say("a", {{"type", "data-delete"}, {"topic", "t"}, {"id", id}, {"version", version}});
    b.read("a");
  }
  const auto told = b.read("b");
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0]["type"], "topic");
  EXPECT_EQ(told[0]["reset"], true);
  ASSERT_EQ(told[0]["data"].size(), 1u);
  EXPECT_EQ(told[0]["data"][0]["id"], "stays");
}

TEST(Topics, NothingIsToldBeforeTheStoreHasIt) {
  Bench b;
  for (const char* each : {"a", "b"}) {
    b.join(each);
    b.connect(each);
  }
  b.read("a");
  b.slow = true;
  b.say("a", {{"type", "data-submit"}, {"topic", "t"}, {"id", "i"}, {"value", 1}, {"request", "r"}});
  EXPECT_TRUE(b.read("a").empty());
  EXPECT_TRUE(b.read("b").empty());
  b.join("c");
  b.say("c", {{"type", "topic-connect"}, {"topic", "t"}});
  EXPECT_EQ(b.one("c")["data"].size(), 0u);
  b.read("a");
  b.read("b");
  b.settle();
  EXPECT_EQ(b.one("a")["request"], "r");
  EXPECT_EQ(b.one("b")["id"], "i");
  EXPECT_EQ(b.one("c")["id"], "i");
}

TEST(Topics, MessagesGoToAllOthersAndAreNotKept) {
  Bench b;
  for (const char* each : {"a", "b", "c"}) {
    b.join(each);
    b.connect(each);
  }
  for (const char* each : {"a", "b"}) b.read(each);
  b.say("a", {{"type", "message"}, {"topic", "t"}, {"value", {{"n", 1}}}, {"request", "m"}});
  EXPECT_EQ(b.one("a"), (Json{{"type", "done"}, {"topic", "t"}, {"request", "m"}}));
  for (const char* each : {"b", "c"}) {
    const Json got = b.one(each);
    EXPECT_EQ(got["type"], "message");
    EXPECT_EQ(got["value"]["n"], 1);
    EXPECT_EQ(got["by"]["party"], "a");
  }
  b.join("d");
  b.say("d", {{"type", "topic-connect"}, {"topic", "t"}});
  EXPECT_EQ(b.one("d")["type"], "topic");
}

TEST(Topics, MessagesForAClientThatDoesNotReadAreBounded) {
  Limits limits;
  limits.maxQueued = 5;
  Bench b(limits);
  for (const char* each : {"a", "b"}) {
    b.join(each);
    b.connect(each);
  }
  b.read("a");
  for (int i = 0; i < 20; ++i) b.say("a", {{"type", "message"}, {"topic", "t"}, {"value", i}});
  const auto got = b.read("b");
  ASSERT_EQ(got.size(), 5u);
  EXPECT_EQ(got.front()["value"], 15);
  EXPECT_EQ(b.topics.messagesDropped(), 15u);
  EXPECT_FALSE(b.topics.overflowed("b"));
  // Answers are not dropped: who asks and never reads is to be ended.
  for (int i = 0; i < 6; ++i) b.say("a", {{"type", "message"}, {"topic", "no"}, {"value", i}});
  EXPECT_TRUE(b.topics.overflowed("a"));
}

TEST(Topics, RightsAreCheckedForEachTopicAndAction) {
  Bench b;
  b.join("owner");
  b.connect("owner");
  b.join("reader", {{"t", true, false, false}});
  b.connect("reader");
  EXPECT_EQ(b.submit("reader", {{"id", "i"}})["reason"], "aed.not_allowed");
  b.say("reader", {{"type", "message"}, {"topic", "t"}, {"value", 1}});
  EXPECT_EQ(b.one("reader")["reason"], "aed.not_allowed");
  b.say("reader", {{"type", "topic-connect"}, {"topic", "other"}, {"create", true}, {"request", "q"}});
  const Json refused = b.one("reader");
  EXPECT_EQ(refused["reason"], "aed.not_allowed");
  EXPECT_EQ(refused["request"], "q");
  b.join("maker", {{"new.*", true, true, false}});
  b.say("maker", {{"type", "topic-connect"}, {"topic", "new.1"}, {"create", true}});
  EXPECT_EQ(b.one("maker")["reason"], "aed.not_allowed");
  b.say("maker", {{"type", "topic-connect"}, {"topic", "new.1"}});
  EXPECT_EQ(b.one("maker")["reason"], "aed.unknown_topic");
  b.say("maker", {{"type", "data-submit"}, {"topic", "t"}, {"value", 1}});
  EXPECT_EQ(b.one("maker")["reason"], "aed.not_connected");
}

TEST(Topics, EverythingIsBounded) {
  Limits limits;
  limits.maxItems = 2;
  limits.maxTopicBytes = 100'000;
  limits.maxTopics = 2;
  limits.maxTopicsOfClient = 1;
  limits.maxClientsOfTopic = 1;
  Bench b(limits);
  b.join("a");
  b.connect("a");
  b.submit("a", {{"id", "i"}, {"value", std::string(60'000, 'v')}});
  EXPECT_EQ(b.submit("a", {{"id", "j"}, {"value", std::string(60'000, 'v')}})["reason"], "aed.topic_full");
  b.submit("a", {{"id", "j"}});
  EXPECT_EQ(b.submit("a", {{"id", "k"}})["reason"], "aed.topic_full");
  b.say("a", {{"type", "topic-connect"}, {"topic", "u"}, {"create", true}});
  EXPECT_EQ(b.one("a")["reason"], "aed.too_many_topics");
  b.join("b");
  b.say("b", {{"type", "topic-connect"}, {"topic", "t"}});
  EXPECT_EQ(b.one("b")["reason"], "aed.full");
  b.connect("b", "u");
  b.join("c");
  b.say("c", {{"type", "topic-connect"}, {"topic", "v"}, {"create", true}});
  EXPECT_EQ(b.one("c")["reason"], "aed.full");
}

TEST(Topics, ATopicWithoutClientsEnds) {
  Bench b;
  b.join("a");
  b.connect("a");
  b.submit("a", {{"id", "i"}});
  b.now += 10'000'000;
  b.topics.expire(b.now);
  EXPECT_EQ(b.topics.topics(), 1u) << "a client is there";
  b.topics.removeClient("a", b.now);
  b.topics.expire(b.now + 3'599'999);
  EXPECT_EQ(b.topics.topics(), 1u);
  b.topics.expire(b.now + 3'600'000);
  b.settle();
  EXPECT_EQ(b.topics.topics(), 0u);
  EXPECT_EQ(b.topics.bytes(), 0u);
  EXPECT_TRUE(b.storedData.empty());
  EXPECT_TRUE(b.storedTopics.empty());
}

TEST(Topics, KeysOfTheStoreDoNotMeet) {
  Bench b;
  b.join("a");
  b.connect("a", "a.b");
  b.connect("a", "a");
  b.say("a", {{"type", "data-submit"}, {"topic", "a.b"}, {"id", "c"}, {"value", 1}});
  b.say("a", {{"type", "data-submit"}, {"topic", "a"}, {"id", "b.c"}, {"value", 2}});
  EXPECT_EQ(b.storedData.size(), 2u);
}

TEST(Topics, WhatIsStoredBadlyIsRefused) {
  Bench b;
  EXPECT_FALSE(b.topics.restoreTopic("", 1));
  EXPECT_FALSE(b.topics.restoreTopic(R"({"topic":"a b"})", 1));
  EXPECT_FALSE(b.topics.restoreItem(R"({"topic":"a","id":"i"})", 1));
  EXPECT_FALSE(b.topics.restoreItem(R"({"topic":"a","id":"i","version":0,"value":1,"by":{}})", 1));
  EXPECT_TRUE(b.topics.restoreItem(R"({"topic":"a","id":"i","version":1,"value":1,"by":{}})", 1));
}

TEST(Request, RefusesWhatIsNotAsItMustBe) {
  const auto reason = [](const Json& json) {
    const auto parsed = parseRequest(json);
    return parsed ? std::string("ok") : parsed.error().reason;
  };
  EXPECT_EQ(reason({{"type", "topic-connect"}, {"topic", "t"}}), "ok");
  EXPECT_EQ(reason({{"type", "nonsense"}, {"topic", "t"}}), "message.unknown_type");
  const std::string bad = "message.malformed";
  EXPECT_EQ(reason({{"topic", "t"}}), bad);
  EXPECT_EQ(reason({{"type", "topic-connect"}}), bad);
  EXPECT_EQ(reason({{"type", "topic-connect"}, {"topic", "a b"}}), bad);
  EXPECT_EQ(reason({{"type", "topic-connect"}, {"topic", std::string(129, 't')}}), bad);
  EXPECT_EQ(reason({{"type", "topic-connect"}, {"topic", "t"}, {"create", "yes"}}), bad);
  EXPECT_EQ(reason({{"type", "topic-connect"}, {"topic", "t"}, {"request", ""}}), bad);
  EXPECT_EQ(reason({{"type", "data-submit"}, {"topic", "t"}}), bad);
  EXPECT_EQ(reason({{"type", "data-submit"}, {"topic", "t"}, {"value", 1}, {"version", 3}}), bad);
  EXPECT_EQ(reason({{"type", "data-submit"}, {"topic", "t"}, {"value", 1}, {"id", "i"}, {"version", -1}}),
            bad);
  EXPECT_EQ(reason({{"type", "data-submit"}, {"topic", "t"}, {"value", nullptr}}), "ok");
  EXPECT_EQ(reason({{"type", "data-submit"}, {"topic", "t"}, {"value", std::string(65'535, 'v')}}),
            "aed.value_too_large");
  EXPECT_EQ(reason({{"type", "data-delete"}, {"topic", "t"}, {"id", "i"}}), bad);
  EXPECT_EQ(reason({{"type", "message"}, {"topic", "t"}}), bad);
}

}  // namespace
}  // namespace parley::events
