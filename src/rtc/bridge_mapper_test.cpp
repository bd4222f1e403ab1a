#include "rtc/bridge_mapper.h"

#include <gtest/gtest.h>

#include <vector>

#include "rtc/bridge_receive_stats.h"

namespace parley::rtc {
namespace {

struct MapperTest : testing::Test {
  base::FakeRandom random{3};
  StreamMapper mapper{random};
  base::Instant now = base::Instant{} + std::chrono::hours(2);
  std::optional<StreamMapper::Out> map(std::int64_t sequence, std::uint32_t stamp,
                                       std::uint32_t clock = 90000) {
    return mapper.map(sequence, stamp, clock, now);
  }
  static std::uint16_t step(StreamMapper::Out a, StreamMapper::Out b) {
    return static_cast<std::uint16_t>(b.sequence - a.sequence);
  }
};

TEST_F(MapperTest, KeepsOrderGapsAndWraps) {
  const auto first = *map(65530, 0xffffff00);
  for (const std::int64_t ahead : {1, 2, 5, 4, 3, 5'000, 70'000}) {
    const auto out = *map(65530 + ahead, 0xffffff00u + static_cast<std::uint32_t>(ahead) * 90);
    EXPECT_EQ(step(first, out), static_cast<std::uint16_t>(ahead));
    EXPECT_EQ(out.timestamp - first.timestamp, static_cast<std::uint32_t>(ahead) * 90);
  }
}

TEST_F(MapperTest, StartsInTheLowerHalf) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    base::FakeRandom other(seed);
    StreamMapper fresh(other);
    EXPECT_LE(fresh.map(123456, 1, 8000, now)->sequence, 0x8000);
  }
}

TEST_F(MapperTest, PacketsBeforeTheVeryFirstOneHaveAPlace) {
  const auto first = *map(70'000, 1000);
  EXPECT_EQ(step(first, *map(69'998, 900)), 0xfffe);
}

TEST_F(MapperTest, PacketsBeforeTheVeryFirstOneNeverWrap) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    base::FakeRandom other(seed);
    StreamMapper fresh(other);
    const auto first = *fresh.map(70'000, 1000, 90000, now);
    const auto before = *fresh.map(70'000 - ReceiveStats::kWindow, 900, 90000, now);
    EXPECT_LT(before.sequence, first.sequence) << seed;
  }
}

TEST_F(MapperTest, ANewSourceGoesOnByOneAndByTheTimeThatPassed) {
  map(70'000, 1000);
  const auto last = *map(70'001, 4000);
  now += base::Millis(500);
  mapper.newSource();
  const auto next = *map(200'000, 0x80000000);
  EXPECT_EQ(step(last, next), 1);
  EXPECT_EQ(next.timestamp - last.timestamp, 45'000u);
  EXPECT_FALSE(map(199'999, 0x7ffff000));  // Its place is taken.
  EXPECT_EQ(step(last, *map(200'002, 0x80000010)), 3);
}

TEST_F(MapperTest, ANewSourceInTheSameInstantStillAdvances) {
  const auto last = *map(70'000, 1000);
  mapper.newSource();
  EXPECT_EQ(map(80'000, 5)->timestamp - last.timestamp, 1u);
}

TEST_F(MapperTest, APauseLeavesNoGapAndKeepsTheTimeLine) {
  const auto last = *map(70'000, 1000);
  now += base::Millis(2000);
  mapper.pause();
  const auto next = *map(70'100, 1000 + 180'000);
  EXPECT_EQ(step(last, next), 1);
  EXPECT_EQ(next.timestamp - last.timestamp, 180'000u);
}

TEST_F(MapperTest, AnotherClockRateContinuesTheTimeLine) {
  const auto last = *map(70'000, 1000, 48'000);
  now += base::Millis(20);
  const auto next = *map(70'001, 77'777, 8'000);
  EXPECT_EQ(step(last, next), 1);
  EXPECT_EQ(next.timestamp - last.timestamp, 160u);
}

TEST_F(MapperTest, SkippedPacketsLeaveNoGapEvenWithReordering) {
  const auto first = *map(100, 0);
  EXPECT_TRUE(mapper.skip(102));
  EXPECT_TRUE(mapper.skip(104));
  EXPECT_EQ(step(first, *map(105, 0)), 3);
  EXPECT_EQ(step(first, *map(103, 0)), 2);
  EXPECT_EQ(step(first, *map(101, 0)), 1);
  EXPECT_FALSE(mapper.skip(99));  // Its number lies behind what was sent.
  EXPECT_EQ(step(first, *map(106, 0)), 4);
}

TEST_F(MapperTest, ManySkippedPacketsKeepTheSequenceGapless) {
  auto last = *map(1000, 0);
  for (std::int64_t i = 1001; i < 1000 + 10 * static_cast<std::int64_t>(StreamMapper::kMaxSkipped); ++i) {
    if (i % 3 != 0) {
      EXPECT_TRUE(mapper.skip(i));
      continue;
    }
    const auto out = *map(i, 0);
    EXPECT_EQ(step(last, out), 1);
    last = out;
  }
  EXPECT_FALSE(map(1002, 0));  // Settled long ago.
}

TEST_F(MapperTest, StampsOfReports) {
  EXPECT_FALSE(mapper.timestampOf(5));
  const auto out = *map(100, 5000);
  EXPECT_EQ(*mapper.timestampOf(5100) - out.timestamp, 100u);
  mapper.newSource();
  EXPECT_FALSE(mapper.timestampOf(5100));
}

}  // namespace
}  // namespace parley::rtc
