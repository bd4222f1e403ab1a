#include "rtc/key_detector.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/telephone_event.h"

namespace parley::rtc {
namespace {

using base::Millis;

struct KeyDetectorTest : testing::Test {
  KeyDetector detector;
  std::vector<DetectedKey> found;
  base::Instant now = base::Instant{} + std::chrono::hours(1);
  std::uint32_t ssrc = 1;

  struct Packet {
    std::uint32_t timestamp;
    std::uint8_t event;
    std::uint16_t duration;
    bool end = false, marker = false;
  };
  void packet(const Packet& p) {
    const auto payload = proto::writeTelephoneEvent({p.event, p.end, 10, p.duration});
    const auto got = detector.onPacket({p.marker, 101, 0, p.timestamp, ssrc}, payload, 8000, now);
    for (const auto& key : {got.first, got.second})
      if (key) found.push_back(*key);
    now += Millis(20);
  }
  void time(Millis passed) {
    now += passed;
    if (const auto key = detector.onTime(now)) found.push_back(*key);
  }
  std::string keys() const {
    std::string out;
    for (const DetectedKey& key : found) out += key.key;
    return out;
  }
};

TEST_F(KeyDetectorTest, AKeyWithItsEndThreeTimesIsOne) {
  packet({1000, 5, 160, false, true});
  packet({1000, 5, 320});
  packet({1000, 5, 480});
  EXPECT_TRUE(found.empty()) << "it is still down";
  for (int i = 0; i < 3; ++i) packet({1000, 5, 800, true});
  time(Millis(5000));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (DetectedKey{'5', 100, true}));
}

TEST_F(KeyDetectorTest, OnlyTheEndArrives) {
  packet({1000, 10, 960, true});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (DetectedKey{'*', 120, true}));
}

TEST_F(KeyDetectorTest, TheSameKeyTwiceIsTwo) {
  packet({1000, 1, 400, true});
  packet({2000, 1, 400, true});
  EXPECT_EQ(keys(), "11");
}

TEST_F(KeyDetectorTest, ALostEndIsFoundByTheNextKey) {
  packet({1000, 1, 160});
  packet({1000, 1, 320});
  packet({2600, 2, 160});
  ASSERT_EQ(keys(), "1");
  EXPECT_EQ(found[0], (DetectedKey{'1', 40, false}));
  packet({1000, 1, 640, true});  // The end that was thought lost.
  packet({2600, 2, 640, true});
  EXPECT_EQ(keys(), "12");
}

TEST_F(KeyDetectorTest, ALostEndIsFoundByTime) {
  packet({1000, 1, 160});
  time(Millis(150));
  EXPECT_TRUE(found.empty()) << "a few packets are late";
  EXPECT_TRUE(detector.running());
  time(Millis(50));
  ASSERT_EQ(keys(), "1");
  EXPECT_FALSE(found[0].endSeen);
  packet({1000, 1, 320});
  packet({1000, 1, 320, true});
  time(Millis(1000));
  EXPECT_EQ(keys(), "1");
}

TEST_F(KeyDetectorTest, PacketsOutOfOrderKeepTheLongestDuration) {
  packet({1000, 3, 480});
  packet({1000, 3, 320});
  time(Millis(300));
  EXPECT_EQ(found.at(0).millis, 60u);
}

TEST_F(KeyDetectorTest, AStragglerOfAnOlderKeyIsNothing) {
  packet({2000, 2, 400, true});
  packet({1000, 1, 400, true});
  EXPECT_EQ(keys(), "2");
}

TEST_F(KeyDetectorTest, AnotherKeyUnderTheSameTimeIsNonsense) {
  packet({1000, 1, 160});
  packet({1000, 2, 160, true});
  packet({1000, 1, 320, true});
  EXPECT_EQ(keys(), "1");
}

TEST_F(KeyDetectorTest, TimeStampsWrap) {
  packet({0xffffff00u, 1, 400, true});
  packet({0x00000100u, 2, 400, true});
  EXPECT_EQ(keys(), "12");
}

TEST_F(KeyDetectorTest, ALongKeyGoesOnInSegments) {
  packet({1000, 7, 0xffff});
  packet({1000 + 0xffff, 7, 8000});
  packet({1000 + 0xffff, 7, 16000, true});
  ASSERT_EQ(keys(), "7");
  EXPECT_EQ(found[0].millis, (0xffffu + 16000u) * 1000 / 8000);
  // With a marker it is another key.
  packet({500'000, 7, 0xffff});
  packet({500'000 + 0xffff, 7, 800, true, true});
  EXPECT_EQ(keys(), "777");
}

TEST_F(KeyDetectorTest, ANewSourceHasTimesOfItsOwn) {
  packet({2000, 1, 400, true});
  ssrc = 2;
  packet({1000, 2, 400, true});
  EXPECT_EQ(keys(), "12");
}

TEST_F(KeyDetectorTest, WhatIsNoKeyIsNotTold) {
  packet({1000, 16, 400, true});   // Flash.
  packet({2000, 200, 400, true});  // Whatever.
  const std::uint8_t shortOne[] = {1, 0x80, 0};
  EXPECT_FALSE(detector.onPacket({false, 101, 0, 3000, 1}, shortOne, 8000, now).second);
  const auto whole = proto::writeTelephoneEvent({1, true, 0, 100});
  EXPECT_FALSE(detector.onPacket({false, 101, 0, 3000, 1}, whole, 0, now).second) << "no clock";
  time(Millis(1000));
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace parley::rtc
