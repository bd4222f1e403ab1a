#include "gateway/performance_log.h"

#include <gtest/gtest.h>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

PerformanceSample totals(std::int64_t second, std::int64_t calls, std::uint64_t started) {
  PerformanceSample sample;
  sample.at = second * 1000 + 217;
  sample.calls = calls;
  sample.started = started;
  sample.brokerLoad["https://b"] = static_cast<int>(calls);
  return sample;
}

TEST(PerformanceLogTest, KeepsWhatHappenedInEachSecond) {
  PerformanceLog log;
  log.add(totals(60, 1, 5));
  log.add(totals(61, 4, 9));
  log.add(totals(62, 2, 9));
  ASSERT_EQ(log.seconds().size(), 3u);
  EXPECT_EQ(log.seconds()[1].started, 4u);
  EXPECT_EQ(log.seconds()[2].started, 0u);
  EXPECT_EQ(log.seconds()[1].at, 61'000);
  ASSERT_EQ(log.minutes().size(), 1u);
  EXPECT_EQ(log.minutes()[0].calls, 4) << "the most at a time";
  EXPECT_EQ(log.minutes()[0].started, 9u);
  EXPECT_EQ(log.minutes()[0].brokerLoad.at("https://b"), 4);
}

TEST(PerformanceLogTest, AMinuteKeepsTheWorstOfTheSipServers) {
  PerformanceLog log;
  constexpr std::pair<int, int> kUpAndDown[] = {{2, 0}, {0, 2}, {1, 1}};
  for (std::int64_t i = 0; const auto& [up, down] : kUpAndDown) {
    PerformanceSample sample = totals(60 + i++, 0, 0);
    sample.sipServersUp = up;
    sample.sipServersDown = down;
    log.add(sample);
  }
  const auto json = parseJson(log.json(1));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["seconds"][2]["sipServersUp"], 1);
  EXPECT_EQ((*json)["seconds"][2]["sipServersDown"], 1);
  EXPECT_EQ((*json)["minutes"][0]["sipServersUp"], 0);
  EXPECT_EQ((*json)["minutes"][0]["sipServersDown"], 2);
}

TEST(PerformanceLogTest, ATotalThatBeganAnewCountsFromZero) {
  PerformanceLog log;
  log.add(totals(1, 0, 100));
  log.add(totals(2, 0, 3));
  EXPECT_EQ(log.seconds()[1].started, 3u);
}

TEST(PerformanceLogTest, IsBounded) {
  PerformanceLog log;
  for (std::int64_t second = 0; second < 100'000; ++second) log.add(totals(second, 0, 0));
  EXPECT_EQ(log.seconds().size(), PerformanceLog::kSeconds);
  EXPECT_EQ(log.minutes().size(), PerformanceLog::kMinutes);
}

TEST(PerformanceLogTest, TellsAsManyMinutesAsAreAskedFor) {
  PerformanceLog log;
  for (std::int64_t second = 0; second < 600; ++second) log.add(totals(second, second, 0));
  const auto json = parseJson(log.json(2));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["minutes"].size(), 2u);
  EXPECT_EQ((*json)["seconds"].size(), 120u);
  EXPECT_EQ((*json)["minutes"][1]["calls"], 599);
  EXPECT_EQ((*json)["seconds"][0]["at"], "1970-01-01T00:08:00.000Z");
}

}  // namespace
}  // namespace parley::gateway
