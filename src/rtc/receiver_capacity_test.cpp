#include "rtc/receiver_capacity.h"

#include <gtest/gtest.h>

namespace parley::rtc {
namespace {

using base::Millis;

struct Capacity : testing::Test {
  ReceiverCapacity capacity;
  base::Instant now{std::chrono::hours(1)};
  std::uint64_t after(Millis wait, std::uint64_t estimate, std::uint64_t sending) {
    now += wait;
    capacity.onEstimate(estimate, sending, now);
    return capacity.limit(now);
  }
};

TEST_F(Capacity, AnEstimateAboveWhatIsSentDoesNotBind) {
  EXPECT_EQ(after(Millis(0), 40'000, 20'000), ReceiverCapacity::kNone);
  EXPECT_EQ(after(Millis(1000), 30'000, 18'000), ReceiverCapacity::kNone);  // It fell with the sending.
}

TEST_F(Capacity, SendingMoreThanAnOldLowEstimateIsNoCongestion) {
  after(Millis(0), 40'000, 20'000);
  EXPECT_EQ(after(Millis(1000), 43'000, 900'000), ReceiverCapacity::kNone);
  EXPECT_EQ(after(Millis(1000), 46'000, 1'500'000), ReceiverCapacity::kNone);
}

TEST_F(Capacity, AFallBelowWhatIsSentBindsAtOnce) {
  after(Millis(0), 1'500'000, 1'000'000);
  EXPECT_EQ(after(Millis(200), 425'000, 1'000'000), 425'000u);
  // Repeated or slowly rising, while the sender still sends more: no rise beyond its own, no new fall.
  EXPECT_NEAR(static_cast<double>(after(Millis(1000), 425'000, 900'000)), 425'000 * 1.08, 2);
  EXPECT_EQ(after(Millis(0), 300'000, 450'000), 300'000u);
}

TEST_F(Capacity, TheFirstEstimateMayAlreadyTellOfCongestion) {
  EXPECT_EQ(after(Millis(0), 255'000, 1'000'000), 255'000u);
}

TEST_F(Capacity, TheLimitRisesByItselfAndWithTheEstimate) {
  after(Millis(0), 400'000, 1'000'000);
  const auto risen = static_cast<double>(after(Millis(4'500), 400'000, 390'000));
  EXPECT_NEAR(risen, 400'000 * 1.4139, 500);
  EXPECT_EQ(after(Millis(100), 900'000, 500'000), 900'000u);
}

TEST_F(Capacity, ASilentReceiverNoLongerBinds) {
  after(Millis(0), 400'000, 1'000'000);
  EXPECT_NE(capacity.limit(now + Millis(4'999)), ReceiverCapacity::kNone);
  EXPECT_EQ(capacity.limit(now + Millis(5'000)), ReceiverCapacity::kNone);
}

TEST_F(Capacity, NeverBelowTheFloorAndExtremesDoNotOverflow) {
  EXPECT_EQ(after(Millis(0), 1, 1'000'000), ReceiverCapacity::kFloor);
  after(Millis(1), ~std::uint64_t{0} / 2, ~std::uint64_t{0});
  EXPECT_GE(capacity.limit(now), ReceiverCapacity::kFloor);
}

}  // namespace
}  // namespace parley::rtc
