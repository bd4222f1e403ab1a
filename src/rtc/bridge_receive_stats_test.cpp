#include "rtc/bridge_receive_stats.h"

#include <gtest/gtest.h>

namespace parley::rtc {
namespace {

using Kind = ReceiveStats::Kind;

struct ReceiveStatsTest : testing::Test {
  ReceiveStats stats;
  base::Instant now = base::Instant{} + std::chrono::hours(24 * 500);  // A long uptime.
  Kind at(int sequence) { return stats.onSequence(static_cast<std::uint16_t>(sequence)).kind; }
};

TEST_F(ReceiveStatsTest, CountsThroughTheWrap) {
  EXPECT_EQ(at(65534), Kind::next);
  EXPECT_EQ(at(65535), Kind::next);
  const auto wrapped = stats.onSequence(1);
  EXPECT_EQ(wrapped.kind, Kind::next);
  EXPECT_EQ(wrapped.missing, 1);
  EXPECT_EQ(stats.cumulativeLost(), 1);
  EXPECT_EQ(at(0), Kind::late);
  EXPECT_EQ(stats.cumulativeLost(), 0);
  EXPECT_EQ(stats.highestExtended() & 0xffff, 1u);
  EXPECT_EQ(stats.highestExtended() >> 16, 2u);
}

TEST_F(ReceiveStatsTest, TellsDuplicatesFromLateOnes) {
  at(1000);
  EXPECT_EQ(at(1000), Kind::duplicate);
  EXPECT_EQ(at(1010), Kind::next);
  EXPECT_EQ(at(1005), Kind::late);
  EXPECT_EQ(at(1005), Kind::duplicate);
  EXPECT_EQ(at(998), Kind::late);  // From before the first.
  EXPECT_EQ(at(998), Kind::duplicate);
}

TEST_F(ReceiveStatsTest, TheWindowIsReusedWithoutGhosts) {
  for (int i = 0; i < 5000; i += 2) EXPECT_EQ(at(i), Kind::next);
  EXPECT_EQ(at(4997), Kind::late);
  EXPECT_EQ(at(4996), Kind::duplicate);
  EXPECT_EQ(at(4998 - 1023), Kind::late);
  EXPECT_EQ(at(4998 - 1024), Kind::tooOld);
}

TEST_F(ReceiveStatsTest, AJumpNeedsTwoInARow) {
  at(10);
  EXPECT_EQ(at(10'000), Kind::tooOld);
  EXPECT_EQ(at(11), Kind::next);
  EXPECT_EQ(at(10'001), Kind::tooOld);  // The row was broken.
  EXPECT_EQ(at(10'002), Kind::restarted);
  EXPECT_EQ(at(10'003), Kind::next);
  EXPECT_EQ(stats.cumulativeLost(), 0);
}

TEST_F(ReceiveStatsTest, RetransmissionsFillHolesAndCountNothing) {
  at(10);
  at(13);
  EXPECT_EQ(stats.onSequence(12, false).kind, Kind::late);
  EXPECT_EQ(stats.onSequence(12, false).kind, Kind::duplicate);
  EXPECT_EQ(stats.onSequence(14, false).kind, Kind::tooOld);  // Never the first sign of a number.
  EXPECT_EQ(stats.cumulativeLost(), 2);
  EXPECT_EQ(ReceiveStats{}.onSequence(1, false).kind, Kind::tooOld);
}

TEST_F(ReceiveStatsTest, FractionOfTheInterval) {
  for (int i = 0; i < 10; ++i) at(i);
  EXPECT_EQ(stats.takeFraction(), 0);
  at(12);
  at(13);  // Two of four lost.
  EXPECT_EQ(stats.takeFraction(), 128);
  EXPECT_EQ(stats.takeFraction(), 0);
  at(10);
  at(11);  // Late ones: fewer than nothing lost.
  EXPECT_EQ(stats.takeFraction(), 0);
}

TEST_F(ReceiveStatsTest, JitterOfAppendixA8) {
  std::uint32_t stamp = 0xffffff00;
  for (int i = 0; i < 100; ++i) {
    stats.onTiming(stamp, 48'000, now);
    now += base::Millis(20);
    stamp += 960;
  }
  EXPECT_EQ(stats.jitter(), 0u);
  for (int i = 0; i < 400; ++i) {
    stats.onTiming(stamp, 48'000, now + base::Millis(i % 2 == 0 ? 0 : 10));
    now += base::Millis(20);
    stamp += 960;
  }
  EXPECT_NEAR(stats.jitter(), 480, 10);
  const std::uint32_t before = stats.jitter();
  stats.onTiming(stamp + 1'000'000, 48'000, now);  // A new time base is no jitter.
  EXPECT_EQ(stats.jitter(), before);
}

TEST_F(ReceiveStatsTest, PacketsOfOneFrameAreNoJitter) {
  for (int i = 0; i < 50; ++i) {
    stats.onTiming(static_cast<std::uint32_t>(i) * 3000, 90'000, now);
    stats.onTiming(static_cast<std::uint32_t>(i) * 3000, 90'000, now + base::Millis(15));
    now += base::Micros(33'333);
  }
  EXPECT_LE(stats.jitter(), 1u);
}

}  // namespace
}  // namespace parley::rtc
