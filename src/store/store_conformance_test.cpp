// What every implementation of store.h must do, written against the interface alone. A further
// implementation joins by one more line in the list at the end.
#include <gtest/gtest.h>

#include "base/guard.h"
#include "store/store.h"

namespace parley::store {
namespace {

using namespace std::chrono_literals;

struct Kind {
  std::string name;
  bool durable;
  std::function<base::Result<std::unique_ptr<Store>>(net::EventLoop&)> open;
};

class StoreConformance : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto opened = GetParam().open(loop_);
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
  }

  std::shared_ptr<Bucket> bucket(base::Millis timeToLive = 0ms, std::size_t maxEntries = 1000) {
    return store_->bucket("test", {timeToLive, GetParam().durable, maxEntries});
  }

  /// Runs one operation to its answer.
  template <class T, class Start>
  base::Result<T> wait(Start start) {
    std::optional<base::Result<T>> answer;
    start([&answer](base::Result<T> result) { answer = std::move(result); });
    EXPECT_FALSE(answer) << "answered inside the call";
    EXPECT_TRUE(loop_.runUntil([&] { return answer.has_value(); }, 10s));
    return answer ? *answer : base::Result<T>(base::fail("test.timeout", ""));
  }
  base::Result<Entry> get(Bucket& bucket, const std::string& key) {
    return wait<Entry>([&](auto done) { bucket.get(key, done); });
  }
  base::Result<Revision> put(Bucket& bucket, const std::string& key, const std::string& value) {
    return wait<Revision>([&](auto done) { bucket.put(key, value, done); });
  }
  base::Result<Revision> cas(Bucket& bucket, const std::string& key, const std::string& value,
                             Revision expected) {
    return wait<Revision>([&](auto done) { bucket.compareAndSet(key, value, expected, done); });
  }
  base::Result<void> remove(Bucket& bucket, const std::string& key) {
    return wait<void>([&](auto done) { bucket.remove(key, done); });
  }
  base::Result<bool> acquire(const std::string& holder, base::Millis term) {
    return wait<bool>([&](auto done) { store_->acquire("lease", holder, term, done); });
  }
  template <class T>
  static std::string reasonOf(const base::Result<T>& result) {
    return result ? "" : result.error().reason;
  }

  net::EventLoop loop_{"test"};
  std::unique_ptr<Store> store_;
};

TEST_P(StoreConformance, KeepsBytesAsTheyAre) {
  const auto b = bucket();
  const std::string value("a\0\xff z", 5);
  const auto revision = put(*b, "k.1_-A", value);
  ASSERT_TRUE(revision);
  EXPECT_GT(*revision, 0u);
  const auto entry = get(*b, "k.1_-A");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->value, value);
  EXPECT_EQ(entry->revision, *revision);
  EXPECT_EQ(reasonOf(get(*b, "other")), "store.not_found");
  EXPECT_EQ(put(*b, "empty", "").has_value(), true);
  EXPECT_EQ(get(*b, "empty")->value, "");
}

TEST_P(StoreConformance, TheSameNameIsTheSameBucket) {
  const auto b = bucket();
  ASSERT_TRUE(put(*b, "k", "1"));
  EXPECT_EQ(get(*bucket(), "k")->value, "1");
  const auto other = store_->bucket("another", {0ms, GetParam().durable, 10});
  EXPECT_EQ(reasonOf(get(*other, "k")), "store.not_found");
}

TEST_P(StoreConformance, RevisionsRiseAlsoOverRemoval) {
  const auto b = bucket();
  const auto first = put(*b, "k", "1");
  const auto second = put(*b, "k", "1");
  ASSERT_TRUE(first && second);
  EXPECT_GT(*second, *first);
  ASSERT_TRUE(remove(*b, "k"));
  EXPECT_EQ(reasonOf(remove(*b, "k")), "store.not_found");
  EXPECT_EQ(reasonOf(get(*b, "k")), "store.not_found");
  EXPECT_GT(*put(*b, "k", "1"), *second);
}

TEST_P(StoreConformance, CompareAndSetTakesOneWinner) {
  const auto b = bucket();
  const auto made = cas(*b, "k", "1", 0);
  ASSERT_TRUE(made);
  EXPECT_EQ(reasonOf(cas(*b, "k", "2", 0)), "store.conflict");
  const auto changed = cas(*b, "k", "2", *made);
  ASSERT_TRUE(changed);
  EXPECT_EQ(reasonOf(cas(*b, "k", "3", *made)), "store.conflict");
  EXPECT_EQ(get(*b, "k")->value, "2");
  ASSERT_TRUE(remove(*b, "k"));
  EXPECT_EQ(reasonOf(cas(*b, "k", "4", *changed)), "store.conflict");
  EXPECT_TRUE(cas(*b, "k", "4", 0));
}

TEST_P(StoreConformance, RefusesBadKeysAndTooMuch) {
  const auto b = bucket(0ms, 2);
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"), std::string("ä"),
                                 std::string("a\0", 2), std::string(201, 'a')}) {
    EXPECT_EQ(reasonOf(put(*b, bad, "v")), "store.bad_key");
  }
  EXPECT_TRUE(put(*b, std::string(200, 'a'), std::string(256 * 1024, 'v')));
  EXPECT_EQ(reasonOf(put(*b, "k", std::string(256 * 1024 + 1, 'v'))), "store.too_large");
  EXPECT_TRUE(put(*b, "k", "v"));
  EXPECT_EQ(reasonOf(put(*b, "k2", "v")), "store.full");
  EXPECT_TRUE(put(*b, "k", "changing is possible when full"));
  ASSERT_TRUE(remove(*b, "k"));
  EXPECT_TRUE(put(*b, "k2", "v"));
}

TEST_P(StoreConformance, ListsByPrefix) {
  const auto b = bucket();
  for (const auto* key : {"b.1", "a.2", "a.1", "a", "ab"}) ASSERT_TRUE(put(*b, key, key));
  const auto found = wait<std::vector<Entry>>([&](auto done) { b->list("a.", done); });
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].key, "a.1");
  EXPECT_EQ((*found)[1].value, "a.2");
  EXPECT_EQ(wait<std::vector<Entry>>([&](auto done) { b->list("", done); })->size(), 5u);
}

TEST_P(StoreConformance, WatchersSeePresentEntriesThenChangesInOrder) {
  const auto b = bucket();
  ASSERT_TRUE(put(*b, "w.1", "old"));
  std::vector<std::string> seen;
  auto watch = b->watch(
      "w.", [&](const Change& change) { seen.push_back(change.key + "=" + change.value.value_or("-")); });
  EXPECT_TRUE(seen.empty());
  ASSERT_TRUE(put(*b, "w.1", "new"));
  ASSERT_TRUE(put(*b, "x", "unseen"));
  ASSERT_TRUE(put(*b, "w.2", "2"));
  ASSERT_TRUE(remove(*b, "w.1"));
  ASSERT_TRUE(loop_.runUntil([&] { return seen.size() >= 4; }, 10s));
  EXPECT_EQ(seen, (std::vector<std::string>{"w.1=old", "w.1=new", "w.2=2", "w.1=-"}));
  b->put("w.3", "3", [](auto) {});
  watch.reset();
  ASSERT_TRUE(put(*b, "w.4", "4"));
  EXPECT_EQ(seen.size(), 4u);
}

TEST_P(StoreConformance, AWatcherMayEndInsideItsCallback) {
  const auto b = bucket();
  int calls = 0;
  std::unique_ptr<Subscription> watch;
  watch = b->watch("", [&](const Change&) {
    ++calls;
    watch.reset();
  });
  ASSERT_TRUE(put(*b, "a", "1"));
  ASSERT_TRUE(put(*b, "b", "1"));
  EXPECT_EQ(calls, 1);
}

TEST_P(StoreConformance, EntriesVanishAfterTheirTime) {
  const auto b = bucket(30ms, 1);
  ASSERT_TRUE(put(*b, "k", "v"));
  EXPECT_TRUE(loop_.runUntil([&] { return !get(*b, "k"); }, 10s));
  EXPECT_TRUE(cas(*b, "k2", "v", 0)) << "the expired entry still counts";
}

TEST_P(StoreConformance, PublishesToPresentSubscribersOnly) {
  std::vector<std::string> exact;
  std::vector<std::string> any;
  auto first = store_->subscribe(
      "calls.1", [&](const auto& subject, const auto& message) { exact.push_back(subject + ":" + message); });
  auto second = store_->subscribe(
      "calls.*", [&](const auto& subject, const auto& message) { any.push_back(subject + ":" + message); });
  for (const auto* subject : {"calls.1", "calls.2", "calls.2.x", "calls.", "calls", "call"}) {
    store_->publish(subject, "m");
  }
  ASSERT_TRUE(loop_.runUntil([&] { return any.size() >= 2; }, 10s));
  while (loop_.poll()) {
  }
  EXPECT_EQ(exact, (std::vector<std::string>{"calls.1:m"}));
  EXPECT_EQ(any, (std::vector<std::string>{"calls.1:m", "calls.2:m"}));
  store_->publish("calls.1", "late");
  first.reset();
  ASSERT_TRUE(loop_.runUntil([&] { return any.size() >= 3; }, 10s));
  EXPECT_EQ(exact.size(), 1u);
}

TEST_P(StoreConformance, ALeaseHasOneHolderAndEnds) {
  EXPECT_EQ(acquire("a", 60s), true);
  EXPECT_EQ(acquire("b", 60s), false);
  EXPECT_EQ(acquire("a", 60s), true);
  store_->release("lease", "b");
  EXPECT_EQ(acquire("b", 60s), false);
  store_->release("lease", "a");
  EXPECT_EQ(acquire("b", 20ms), true);
  EXPECT_TRUE(loop_.runUntil([&] { return acquire("a", 60s) == true; }, 10s));
}

INSTANTIATE_TEST_SUITE_P(
    Stores, StoreConformance,
    ::testing::Values(Kind{"memory", false, [](auto& loop) { return openEmbeddedStore(loop, ":memory:"); }},
                      Kind{"sqlite", true, [](auto& loop) { return openEmbeddedStore(loop, ":memory:"); }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace parley::store
