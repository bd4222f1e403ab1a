#include "gateway/strangers.h"

#include <gtest/gtest.h>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

const base::WallTime kStart{std::chrono::seconds(1'700'000'000)};

TEST(StrangersTest, TheLastOnesAreKeptLastFirst) {
  Strangers strangers;
  for (int i = 0; i < 100; ++i)
    strangers.add("203.0.113." + std::to_string(i), "INVITE", kStart + std::chrono::seconds(i));
  strangers.add("203.0.113.90", "REGISTER\n", kStart + std::chrono::seconds(200));
  EXPECT_EQ(strangers.refused(), 101u);
  ASSERT_EQ(strangers.seen().size(), Strangers::kKept);
  EXPECT_EQ(strangers.seen()[0].address, "203.0.113.90");
  EXPECT_EQ(strangers.seen()[0].count, 2u);
  EXPECT_EQ(strangers.seen()[0].method, "REGISTER\\n");
  EXPECT_EQ(strangers.seen()[1].address, "203.0.113.99");
  const Json json = strangers.json();
  EXPECT_EQ(json["refused"], 101);
  EXPECT_EQ(json["addresses"].size(), Strangers::kKept);
  EXPECT_EQ(json["addresses"][1]["lastAt"], base::formatUtc(kStart + std::chrono::seconds(99)));
}

TEST(StrangersTest, AFloodWritesFewLines) {
  Strangers strangers;
  EXPECT_TRUE(strangers.add("203.0.113.9", "INVITE", kStart));
  EXPECT_FALSE(strangers.add("203.0.113.9", "INVITE", kStart + std::chrono::seconds(1)));
  int lines = 1;
  for (int i = 0; i < 1'000; ++i)
    lines += strangers.add("198.51.100." + std::to_string(i), "INVITE", kStart + std::chrono::seconds(2));
  EXPECT_EQ(lines, Strangers::kLinesPerMinute);
  EXPECT_TRUE(strangers.add("203.0.113.9", "INVITE", kStart + std::chrono::seconds(70)));
}

}  // namespace
}  // namespace parley::gateway
