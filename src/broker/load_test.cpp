#include "broker/load.h"

#include <gtest/gtest.h>

namespace parley::broker {
namespace {

using namespace std::chrono_literals;

TEST(LoadMeter, FollowsTheBusiestWorkerSmoothed) {
  std::vector<base::Micros> used{0us, 0us};
  LoadMeter meter(2, [&](std::size_t i) { return used[i]; });
  base::Instant now{};
  meter.sample(now);
  EXPECT_EQ(meter.busiest(), 0u);
  unsigned last = 0;
  for (int i = 0; i < 20; ++i) {
    used[0] += 500ms;
    used[1] += 900ms;
    meter.sample(now += 1s);
    EXPECT_GE(meter.busiest(), last);
    last = meter.busiest();
  }
  EXPECT_EQ(meter.worker(0), 50u);
  EXPECT_EQ(meter.worker(1), 90u);
  used[1] += 0us;
  meter.sample(now += 1s);
  EXPECT_LT(meter.worker(1), 90u);
  EXPECT_GT(meter.worker(1), 30u);  // One quiet second does not open the door at once.
}

TEST(LoadMeter, StandsStillWhenTheClockOrTheReadingDoes) {
  std::optional<base::Micros> used = 0us;
  LoadMeter meter(1, [&](std::size_t) { return used; });
  meter.sample({});
  meter.sample({});
  used.reset();
  meter.sample(base::Instant{} + 1s);
  used = 2s;
  meter.sample(base::Instant{} + 2s);
  EXPECT_EQ(meter.busiest(), 0u);
}

TEST(LoadOf, IsTheWorseOfCpuAndCapacity) {
  EXPECT_EQ(loadOf(10, 0, 100), 10u);
  EXPECT_EQ(loadOf(10, 75, 100), 75u);
  EXPECT_EQ(loadOf(10, 300, 100), 100u);
  EXPECT_EQ(loadOf(10, 0, 0), 100u);
}

}  // namespace
}  // namespace parley::broker
