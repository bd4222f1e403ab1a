#include "base/guard.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "base/affinity.h"
#include "base/check.h"
#include "base/result.h"

namespace parley::base {
namespace {

TEST(LifeGuard, RunsWhileTheOwnerLives) {
  int sum = 0;
  std::function<void(int)> call;
  {
    LifeGuard guard;
    call = guard.wrap([&sum](int n) { sum += n; });
    call(1);
    call(2);
  }
  call(4);
  EXPECT_EQ(sum, 3);
}

TEST(LifeGuard, ResetVoidsOnlyWhatWasWrappedBefore) {
  int before = 0;
  int after = 0;
  LifeGuard guard;
  auto old = guard.wrap([&before] { ++before; });
  guard.reset();
  auto fresh = guard.wrap([&after] { ++after; });
  old();
  fresh();
  EXPECT_EQ(before, 0);
  EXPECT_EQ(after, 1);
}

TEST(LifeGuard, CarriesMoveOnlyArguments) {
  int got = 0;
  LifeGuard guard;
  auto call = guard.wrap([&got](std::unique_ptr<int> value) { got = *value; });
  call(std::make_unique<int>(5));
  EXPECT_EQ(got, 5);
}

TEST(CheckDeathTest, NamesTheConditionAndThePlace) {
  const int two = 2;
  EXPECT_DEATH(PARLEY_CHECK(two == 3), "guard_test\\.cpp:[0-9]+: check failed: two == 3");
  PARLEY_CHECK(two == 2);
}

#ifndef NDEBUG
TEST(ThreadAffinityDeathTest, AnotherThreadIsCaught) {
  ThreadAffinity affinity;
  affinity.assertHere();
  EXPECT_DEATH(std::thread([&affinity] { affinity.assertHere(); }).join(), "check failed");
}
#endif

TEST(ThreadAffinity, ReleaseHandsOver) {
  ThreadAffinity affinity;
  affinity.assertHere();
  affinity.release();
  std::thread([&affinity] { affinity.assertHere(); }).join();
}

TEST(Result, CarriesReasonAndText) {
  const auto refuse = []() -> Result<int> { return fail("sdp.no_common_codec", "wanted opus, found none"); };
  const auto result = refuse();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "sdp.no_common_codec");
  EXPECT_EQ(result.error().text, "wanted opus, found none");
}

}  // namespace
}  // namespace parley::base
