#include "gateway/heard_keys.h"

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

base::Instant at(int millis) { return base::Instant{} + base::Millis(millis); }

std::string fresh(HeardKeys& keys, const std::string& leg, std::string_view digits, bool inMedia,
                  base::Instant now) {
  const auto heard = keys.hear(leg, digits, inMedia, false, now);
  EXPECT_EQ(heard.digits.size() + heard.repeats, digits.size());
  return heard.digits;
}

std::string dueOf(HeardKeys& keys, base::Instant now) {
  std::string out;
  for (const auto& each : keys.due(now)) out += each.leg + " " + each.digits + ";";
  return out;
}

TEST(HeardKeys, OneKeySentBothWaysIsOneKey) {
  HeardKeys keys;
  EXPECT_EQ(fresh(keys, "p1", "5", true, at(1'000)), "5");
  EXPECT_EQ(fresh(keys, "p1", "5", false, at(1'200)), "");
  EXPECT_EQ(fresh(keys, "p1", "6", false, at(1'300)), "6");
  EXPECT_EQ(fresh(keys, "p1", "6", true, at(1'900)), "");
  EXPECT_EQ(fresh(keys, "p1", "6", true, at(2'000)), "6") << "that one was counted";
}

TEST(HeardKeys, TwoThatCameTheSameWayAreTwoKeys) {
  HeardKeys keys;
  EXPECT_EQ(fresh(keys, "p1", "55", false, at(1'000)), "55");
  EXPECT_EQ(fresh(keys, "p1", "5", true, at(1'100)), "");
  EXPECT_EQ(fresh(keys, "p1", "5", true, at(1'200)), "");
  EXPECT_EQ(fresh(keys, "p1", "5", true, at(1'300)), "5");
}

TEST(HeardKeys, OfAnotherTelephoneOrLongAfterwardsIsAnotherKey) {
  HeardKeys keys;
  EXPECT_EQ(fresh(keys, "p1", "5", false, at(1'000)), "5");
  EXPECT_EQ(fresh(keys, "p2", "5", true, at(1'100)), "5");
  EXPECT_EQ(fresh(keys, "p1", "5", true, at(3'001)), "5");
}

TEST(HeardKeys, AFloodForgetsTheOldest) {
  HeardKeys keys;
  const std::string flood(200, '1');
  EXPECT_EQ(fresh(keys, "p1", "9" + flood, false, at(1'000)), "9" + flood);
  EXPECT_EQ(fresh(keys, "p1", "9", true, at(1'001)), "9");
  EXPECT_EQ(fresh(keys, "p1", "1", true, at(1'002)), "");
}

TEST(HeardKeys, WhatIsHeldIsToldOfOnceInItsTime) {
  HeardKeys keys;
  EXPECT_EQ(keys.nextDue(), base::Instant::max());
  EXPECT_EQ(keys.hear("p1", "5", false, true, at(1'000)).digits, "");
  EXPECT_EQ(keys.hear("p1", "6", false, true, at(1'100)).digits, "");
  EXPECT_EQ(keys.nextDue(), at(1'000) + HeardKeys::kHold);
  EXPECT_EQ(dueOf(keys, at(1'599)), "");
  EXPECT_EQ(dueOf(keys, at(1'600)), "p1 5;");
  EXPECT_EQ(keys.nextDue(), at(1'100) + HeardKeys::kHold);
  EXPECT_EQ(dueOf(keys, at(9'000)), "p1 6;") << "however late it is asked for";
  EXPECT_EQ(dueOf(keys, at(9'000)), "");
  EXPECT_EQ(keys.nextDue(), base::Instant::max());
}

TEST(HeardKeys, AHeldKeyThatComesInTheMediaIsThatOne) {
  HeardKeys keys;
  keys.hear("p1", "55", false, true, at(1'000));
  const auto media = keys.hear("p1", "5", true, false, at(1'200));
  EXPECT_EQ(media.digits, "5") << "told of for the first time";
  EXPECT_EQ(media.repeats, 0u);
  EXPECT_EQ(dueOf(keys, at(2'000)), "p1 5;") << "the second came by INFO only";
  EXPECT_EQ(keys.hear("p1", "5", true, false, at(2'100)).repeats, 1u) << "too late, but known";
  EXPECT_EQ(keys.hear("p1", "5", true, false, at(2'200)).digits, "5");
}

TEST(HeardKeys, AMediaKeyThatWasTheFirstIsNotHeldAgain) {
  HeardKeys keys;
  EXPECT_EQ(fresh(keys, "p1", "5", true, at(1'000)), "5");
  const auto info = keys.hear("p1", "5", false, true, at(1'100));
  EXPECT_EQ(info.repeats, 1u);
  EXPECT_EQ(keys.nextDue(), base::Instant::max());
}

TEST(HeardKeys, NoMoreThanSomeAreHeldAndNoneIsLost) {
  HeardKeys keys;
  const std::string flood(200, '1');
  const auto heard = keys.hear("p1", flood, false, true, at(1'000));
  EXPECT_EQ(heard.digits.size(), flood.size() - HeardKeys::kMostHeld);
  EXPECT_EQ(dueOf(keys, at(1'600)), "p1 " + std::string(HeardKeys::kMostHeld, '1') + ";");
}

}  // namespace
}  // namespace parley::gateway
