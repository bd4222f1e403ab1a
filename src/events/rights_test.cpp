// Who may do what in which topic, and that nobody takes everything.
#include "events/rights.h"

#include <gtest/gtest.h>

#include "events/topics.h"
#include "link/json.h"

namespace parley::events {
namespace {

using link::Json;

TEST(Rights, PatternsAndRoles) {
  EXPECT_EQ(parseRight("orders.*=rw"), (Right{"orders.*", true, true, false}));
  EXPECT_EQ(parseRight("*=rwc"), (Right{"*", true, true, true}));
  EXPECT_EQ(toString(*parseRight("news=r")), "news=r");
  for (const char* wrong :
       {"", "orders", "orders=", "orders=x", "orders=rr", "=r", "a b=r", "a**=r", "*a=r"}) {
    EXPECT_FALSE(parseRight(wrong)) << wrong;
  }
  const Rights own = rightsOf("consumer", "c1");
  EXPECT_TRUE(allows(own, "c1", Action::create));
  EXPECT_TRUE(allows(own, "c1.chat", Action::write));
  EXPECT_FALSE(allows(own, "c10", Action::read));
  EXPECT_FALSE(allows(own, "c", Action::read));
  EXPECT_TRUE(allows(rightsOf("agent", ""), "anything", Action::create));
  EXPECT_TRUE(rightsOf("consumer", "").empty());
}

TEST(Rights, ASessionCalledLikeAnApplicationsTopicHasNoRightToIt) {
  Rights rights = rightsOf("consumer", "news");
  rights.push_back(*parseRight("news.*=r"));
  EXPECT_TRUE(allows(rights, "news.today", Action::read));
  EXPECT_FALSE(allows(rights, "news.today", Action::write));
  EXPECT_FALSE(allows(rights, "news.today", Action::create));
  EXPECT_TRUE(allows(rights, "news", Action::write)) << "that one nobody named";
  rights.push_back(*parseRight("*=r"));
  EXPECT_TRUE(allows(rights, "news", Action::write)) << "everything is nothing in particular";
}

TEST(Rights, ASessionWithADotInItsNameWouldLieBelowAnothers) {
  EXPECT_TRUE(rightsOf("consumer", "shop.customer123").empty());
  EXPECT_TRUE(allows(rightsOf("consumer", "shop-customer123"), "shop-customer123.basket", Action::write));
}

struct Clients {
  explicit Clients(Limits limits = {}) : topics(random, limits) {}
  void add(const std::string& name, Rights rights, const std::string& payer = "") {
    topics.addClient(name, {.by = "{}", .origin = name, .rights = std::move(rights), .payer = payer});
  }
  /// The reason of the refusal, or what came.
  std::string ask(const std::string& client, const Json& message) {
    topics.handle(client, *parseRequest(message), now);
    for (const StoreOp& op : topics.takeStoreOps()) {
      if (op.value) stored.push_back(*op.value);
      topics.stored(op.topic, op.version);
    }
    std::string last;
    while (auto text = topics.next(client)) {
      const Json json = *link::parseJson(*text);
      last = json.value("reason", json.value("type", ""));
    }
    return last;
  }
  std::string connect(const std::string& client, const std::string& topic) {
    return ask(client, {{"type", "topic-connect"}, {"topic", topic}, {"create", true}});
  }
  std::string submit(const std::string& client, const std::string& topic, std::size_t bytes) {
    return ask(client, {{"type", "data-submit"}, {"topic", topic}, {"value", std::string(bytes, 'x')}});
  }
  base::FakeRandom random;
  Topics topics;
  std::int64_t now = 1'800'000'000'000;
  std::vector<std::string> stored;
};

TEST(Rights, WhatAnApplicationMadeIsClosedToSessionsOfItsNameAlsoAfterARestart) {
  Clients clients;
  clients.add("application", {*parseRight("orders.*=rwc")});
  clients.add("agent", rightsOf("agent", ""));
  clients.add("stranger", rightsOf("consumer", "orders"));
  EXPECT_EQ(clients.connect("application", "orders.new"), "topic");
  EXPECT_EQ(clients.connect("stranger", "orders.new"), "aed.not_allowed");
  EXPECT_EQ(clients.connect("agent", "orders.new"), "topic");
  EXPECT_EQ(clients.connect("agent", "orders.chat"), "topic") << "an agent is here before the session's page";
  EXPECT_EQ(clients.connect("stranger", "orders.chat"), "topic");
  Clients after;
  for (const std::string& topic : clients.stored) EXPECT_TRUE(after.topics.restoreTopic(topic, after.now));
  after.add("stranger", rightsOf("consumer", "orders"));
  EXPECT_EQ(after.connect("stranger", "orders.new"), "aed.not_allowed");
  EXPECT_EQ(after.connect("stranger", "orders.chat"), "topic");
}

TEST(Shares, OneNetworkTakesAPartOfTheTopicsOnly) {
  Limits limits;
  limits.maxTopics = 8;
  Clients clients(limits);
  clients.add("a", rightsOf("consumer", "a"), "192.0.2.1");
  clients.add("b", rightsOf("consumer", "b"), "192.0.2.1");
  clients.add("c", rightsOf("consumer", "c"), "192.0.2.2");
  EXPECT_EQ(clients.connect("a", "a.1"), "topic");
  EXPECT_EQ(clients.connect("b", "b.1"), "topic");
  EXPECT_EQ(clients.connect("a", "a.2"), "aed.full") << "two of eight";
  EXPECT_EQ(clients.connect("c", "c.1"), "topic");
  clients.topics.removeClient("b", clients.now);
  clients.topics.expire(clients.now + limits.timeToLive);
  EXPECT_EQ(clients.connect("a", "a.2"), "topic") << "given back";
}

TEST(Shares, OneNetworkTakesAPartOfTheDataOnly) {
  Limits limits;
  limits.maxBytes = 40'000;
  Clients clients(limits);
  clients.add("a", rightsOf("consumer", "a"), "192.0.2.1");
  clients.add("c", rightsOf("consumer", "c"), "192.0.2.2");
  clients.connect("a", "a");
  clients.connect("c", "c");
  EXPECT_EQ(clients.submit("a", "a", 6'000), "data");
  EXPECT_EQ(clients.submit("a", "a", 6'000), "aed.full");
  EXPECT_EQ(clients.submit("c", "c", 6'000), "data");
}

TEST(Topics, ConnectingTellsToForgetWhatIsKnown) {
  Clients clients;
  clients.add("a", rightsOf("consumer", "a"));
  clients.topics.handle("a", *parseRequest({{"type", "topic-connect"}, {"topic", "a"}, {"create", true}}),
                        clients.now);
  for (const StoreOp& op : clients.topics.takeStoreOps()) clients.topics.stored(op.topic, op.version);
  // What was deleted while it was away, and before the server's process began, is told by nothing else.
  EXPECT_EQ((*link::parseJson(*clients.topics.next("a")))["reset"], true);
}

}  // namespace
}  // namespace parley::events
