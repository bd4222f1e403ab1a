#include "gateway/heard_keys.h"

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

base::Instant at(int millis) { return base::Instant{} + base::Millis(millis); }

TEST(HeardKeys, OneKeySentBothWaysIsOneKey) {
  HeardKeys keys;
  EXPECT_EQ(keys.fresh("p1", "5", true, at(1'000)), "5");
  EXPECT_EQ(keys.fresh("p1", "5", false, at(1'200)), "");
  EXPECT_EQ(keys.fresh("p1", "6", false, at(1'300)), "6");
  EXPECT_EQ(keys.fresh("p1", "6", true, at(1'900)), "");
  EXPECT_EQ(keys.fresh("p1", "6", true, at(2'000)), "6") << "that one was counted";
}

TEST(HeardKeys, TwoThatCameTheSameWayAreTwoKeys) {
  HeardKeys keys;
  EXPECT_EQ(keys.fresh("p1", "55", false, at(1'000)), "55");
  EXPECT_EQ(keys.fresh("p1", "5", true, at(1'100)), "");
  EXPECT_EQ(keys.fresh("p1", "5", true, at(1'200)), "");
  EXPECT_EQ(keys.fresh("p1", "5", true, at(1'300)), "5");
}

TEST(HeardKeys, OfAnotherTelephoneOrLongAfterwardsIsAnotherKey) {
  HeardKeys keys;
  EXPECT_EQ(keys.fresh("p1", "5", false, at(1'000)), "5");
  EXPECT_EQ(keys.fresh("p2", "5", true, at(1'100)), "5");
  EXPECT_EQ(keys.fresh("p1", "5", true, at(3'001)), "5");
}

TEST(HeardKeys, AFloodForgetsTheOldest) {
  HeardKeys keys;
  const std::string flood(200, '1');
  EXPECT_EQ(keys.fresh("p1", "9" + flood, false, at(1'000)), "9" + flood);
  EXPECT_EQ(keys.fresh("p1", "9", true, at(1'001)), "9");
  EXPECT_EQ(keys.fresh("p1", "1", true, at(1'002)), "");
}

}  // namespace
}  // namespace parley::gateway
