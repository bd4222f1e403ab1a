#include "base/time.h"

#include <gtest/gtest.h>

namespace parley::base {
namespace {

TEST(Time, FormatsUtc) {
  EXPECT_EQ(formatUtc(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(formatUtc(WallTime{951'782'399'999ms}), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(formatUtc(WallTime{951'782'400'000ms}), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(formatUtc(WallTime{1'769'860'800'123ms}), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(formatUtc(WallTime{4'102'444'800'000ms}), "2100-01-01T00:00:00.000Z");
}

TEST(Time, FormatsBefore1970) { EXPECT_EQ(formatUtc(WallTime{-1ms}), "1969-12-31T23:59:59.999Z"); }

TEST(Time, RoundsPartsOfAMillisecondDown) {
  EXPECT_EQ(formatUtc(WallTime{1999us}), "1970-01-01T00:00:00.001Z");
}

TEST(Time, NtpEpochIs1900) {
  EXPECT_EQ(ntpOf(WallTime{}), 2'208'988'800ull << 32);
  EXPECT_EQ(ntpOf(WallTime{500ms}), (2'208'988'800ull << 32) + 0x8000'0000ull);
  EXPECT_EQ(ntpOf(WallTime{250ms}) & 0xffffffff, 0x4000'0000u);
}

TEST(Time, NtpFractionNeverReachesTheNextSecond) {
  EXPECT_EQ(ntpOf(WallTime{999'999'999ns}) >> 32, 2'208'988'800u);
  EXPECT_GT(ntpOf(WallTime{999'999'999ns}) & 0xffffffff, 0xffff'fff0u);
}

TEST(Time, NtpGoesBeforeAndBeyondItsEras) {
  EXPECT_EQ(ntpOf(WallTime{-500ms}), (2'208'988'799ull << 32) + 0x8000'0000ull);
  // 2036-02-07T06:28:16Z is where the seconds start again at zero.
  EXPECT_EQ(ntpOf(WallTime{2'085'978'496s}), 0u);
  EXPECT_EQ(ntpOf(WallTime{2'085'978'495s}) >> 32, 0xffff'ffffu);
}

TEST(Time, MillisOfCountsFrom1970) { EXPECT_EQ(millisOf(WallTime{1234ms}), 1234); }

}  // namespace
}  // namespace parley::base
