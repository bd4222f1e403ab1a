#include "net/event_loop.h"
#include "net/internal_loop.h"
#include "net/internal_test_support.h"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace parley::net {
namespace {
using base::Millis;
using rig::kDeadline;

TEST(EventLoop, RunsPostedTasksInOrderAndNeverInsideThePost) {
  EventLoop loop("test");
  std::vector<int> seen;
  for (int i = 0; i < 100; ++i) loop.post([&, i] { seen.push_back(i); });
  EXPECT_TRUE(seen.empty());
  EXPECT_TRUE(loop.poll());
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_FALSE(loop.poll());
}

TEST(EventLoop, StopsFromAnotherThreadAndDropsLaterTasks) {
  EventLoop loop("test");
  std::promise<void> running;
  std::thread thread([&] { loop.run(); });
  bool inside = false;
  loop.post([&] {
    inside = loop.onLoop();
    running.set_value();
  });
  running.get_future().get();
  loop.stop();
  loop.stop();
  thread.join();
  EXPECT_TRUE(inside);
  EXPECT_FALSE(loop.onLoop());
  bool ran = false;
  auto owned = std::make_shared<int>(1);
  loop.post([&ran, owned] { ran = true; });
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(loop.runUntil([&] { return ran; }, Millis{20}));
}

TEST(EventLoop, DestroysWaitingTasksUnrun) {
  auto owned = std::make_shared<int>(1);
  {
    EventLoop loop("test");
    loop.post([owned] { FAIL(); });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(EventLoop, GivesMemoryBackOnceAfterACrowdHasGone) {
  EventLoop loop("test");
  auto& memory = loop.impl().memory;
  for (std::size_t i = 0; i + 1 < MemoryTrimmer::kCrowd; ++i) memory.onConnectionGone();
  EXPECT_FALSE(memory.waiting()) << "not for a few";
  for (std::size_t i = 0; i < 3 * MemoryTrimmer::kCrowd; ++i) memory.onConnectionGone();
  EXPECT_TRUE(loop.runUntil([&] { return memory.trims() == 1; }, base::Millis(10'000)));
  EXPECT_FALSE(memory.waiting()) << "once for all of them";
}

TEST(EventLoop, RunUntilGivesUpAtItsDeadline) {
  EventLoop loop("test");
  EXPECT_FALSE(loop.runUntil([] { return false; }, Millis{1}));
  EXPECT_TRUE(loop.runUntil([] { return true; }, Millis{0}));
}

TEST(EventLoopDeathTest, AThrowingHandlerEndsTheProcess) {
  EXPECT_DEATH(
      {
        EventLoop loop("test");
        loop.post([] { throw std::runtime_error("seen"); });
        loop.poll();
      },
      "");
}

TEST(Timer, FiresOnceAndNotBeforeItsTime) {
  EventLoop loop("test");
  Timer timer(loop);
  const auto start = loop.now();
  int fired = 0;
  timer.start(Millis{5}, [&] { ++fired; });
  EXPECT_TRUE(timer.running());
  ASSERT_TRUE(loop.runUntil([&] { return fired > 0; }, kDeadline));
  EXPECT_GE(loop.now() - start, Millis{5});
  EXPECT_FALSE(timer.running());
  EXPECT_FALSE(loop.runUntil([&] { return fired > 1; }, Millis{20}));
}

TEST(Timer, StopAndRestartVoidAnExpiryThatIsAlreadyDue) {
  EventLoop loop("test");
  Timer first(loop);
  Timer second(loop);
  Timer other(loop);
  std::vector<std::string> seen;
  // Both are due in the same turn: whichever runs first voids the other for certain.
  first.start(Millis{0}, [&] {
    seen.push_back("first");
    second.stop();
  });
  second.start(Millis{0}, [&] { seen.push_back("second"); });
  other.start(Millis{0}, [&] { seen.push_back("old"); });
  other.start(Millis{1}, [&] { seen.push_back("new"); });
  ASSERT_TRUE(loop.runUntil([&] { return !seen.empty() && seen.back() == "new"; }, kDeadline));
  EXPECT_EQ(seen, (std::vector<std::string>{"first", "new"}));
}

TEST(Timer, MayBeDestroyedOrRestartedInItsCallback) {
  EventLoop loop("test");
  auto owned = std::make_unique<Timer>(loop);
  owned->start(Millis{0}, [&] { owned.reset(); });
  ASSERT_TRUE(loop.runUntil([&] { return owned == nullptr; }, kDeadline));

  std::optional<Timer> periodic(std::in_place, loop);
  int ticks = 0;
  periodic->startEvery(Millis{1}, [&] {
    if (++ticks == 3) periodic.reset();
  });
  ASSERT_TRUE(loop.runUntil([&] { return !periodic; }, kDeadline));
  EXPECT_EQ(ticks, 3);

  Timer chain(loop);
  int links = 0;
  std::function<void()> next = [&] {
    if (++links < 5) chain.start(Millis{0}, [&] { next(); });
  };
  next();
  ASSERT_TRUE(loop.runUntil([&] { return links == 5; }, kDeadline));
}

TEST(Timer, TaskMayOwnItsTimer) {
  EventLoop loop("test");
  auto timer = std::make_shared<Timer>(loop);
  const std::weak_ptr<Timer> watch = timer;
  timer->start(Millis{0}, [timer] {});
  timer.reset();
  ASSERT_TRUE(loop.runUntil([&] { return watch.expired(); }, kDeadline));
}

TEST(WorkPool, RunsWorkElsewhereAndDoneOnTheLoop) {
  EventLoop loop("test");
  WorkPool pool("pool", 2, 10);
  std::thread::id where;
  bool done = false;
  ASSERT_TRUE(pool.submit([&] { where = std::this_thread::get_id(); }, loop, [&] { done = loop.onLoop(); }));
  ASSERT_TRUE(loop.runUntil([&] { return done; }, kDeadline));
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(WorkPool, RefusesWhenTheQueueIsFull) {
  EventLoop loop("test");
  WorkPool pool("pool", 1, 1);
  std::promise<void> release;
  std::promise<void> started;
  int done = 0;
  ASSERT_TRUE(pool.submit(
      [&, gate = release.get_future()]() mutable {
        started.set_value();
        gate.wait();
      },
      loop, [&] { ++done; }));
  started.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}, loop, [&] { ++done; }));
  EXPECT_FALSE(pool.submit([] { FAIL(); }, loop, [] { FAIL(); }));
  release.set_value();
  ASSERT_TRUE(loop.runUntil([&] { return done == 2; }, kDeadline));
  EXPECT_TRUE(pool.submit([] {}, loop, [] {}));
}

TEST(Signals, CallTheHandlerEachTime) {
  EventLoop loop("test");
  std::vector<int> seen;
  onTerminationSignals(loop, [&](int signal) { seen.push_back(signal); });
  std::raise(SIGTERM);
  ASSERT_TRUE(loop.runUntil([&] { return seen.size() == 1; }, kDeadline));
  std::raise(SIGINT);
  ASSERT_TRUE(loop.runUntil([&] { return seen.size() == 2; }, kDeadline));
  EXPECT_EQ(seen, (std::vector<int>{SIGTERM, SIGINT}));
}

}  // namespace
}  // namespace parley::net
