#include "link/rate_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::link {
namespace {

using namespace std::chrono_literals;

TEST(RateLimiterTest, LeaksAndStaysBounded) {
  RateLimiter limiter;
  base::Instant now = base::Instant{} + 1h;
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(limiter.take("a", 60, now)) << i;
  EXPECT_FALSE(limiter.take("a", 60, now));
  EXPECT_TRUE(limiter.take("b", 60, now));
  EXPECT_TRUE(limiter.take("a", 60, now + 1s));
  EXPECT_FALSE(limiter.take("a", 60, now + 1s));
  for (std::size_t i = 0; i < RateLimiter::kMaxTracked + 1000; ++i) limiter.take(std::to_string(i), 60, now);
  EXPECT_LE(limiter.tracked(), RateLimiter::kMaxTracked);
}

}  // namespace
}  // namespace parley::link
