#include "proto/telephone_event.h"

#include <gtest/gtest.h>

#include <vector>

namespace parley::proto {
namespace {

using Raw = std::vector<std::uint8_t>;

TEST(TelephoneEvent, TheExampleOfTheRfc) {
  // RFC 4733 section 2.5.1.6: digit 9, volume 7, 200 ms of 8 kHz, the end.
  const auto event = parseTelephoneEvent(Raw{9, 0x87, 0x06, 0x40});
  ASSERT_TRUE(event);
  EXPECT_EQ(*event, (TelephoneEvent{9, true, 7, 1600}));
  EXPECT_EQ(keyOf(*event), '9');
}

TEST(TelephoneEvent, WhatIsWrittenIsRead) {
  for (int number = 0; number < 256; ++number) {
    const TelephoneEvent event{static_cast<std::uint8_t>(number), number % 2 == 0,
                               static_cast<std::uint8_t>(number % 64),
                               static_cast<std::uint16_t>(number * 257)};
    EXPECT_EQ(parseTelephoneEvent(writeTelephoneEvent(event)), event);
  }
}

TEST(TelephoneEvent, TheReservedBitAndWhatFollowsAreNotLookedAt) {
  EXPECT_EQ(parseTelephoneEvent(Raw{11, 0x4a, 0, 80, 1, 2, 3}), (TelephoneEvent{11, false, 10, 80}));
  EXPECT_FALSE(parseTelephoneEvent(Raw{11, 0x4a, 0}));
  EXPECT_FALSE(parseTelephoneEvent({}));
}

TEST(TelephoneEvent, OnlyKeysAreKeys) {
  std::string keys;
  for (int number = 0; number < 256; ++number)
    if (const char key = keyOf({static_cast<std::uint8_t>(number), false, 0, 0}); key != '\0') keys += key;
  EXPECT_EQ(keys, "0123456789*#ABCD");
}

}  // namespace
}  // namespace parley::proto
