#include "rtc/drop_reason.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace parley::rtc {
namespace {

TEST(DropReasonTest, EachHasItsOwnSnakeCaseToken) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    const std::string_view token = toString(static_cast<DropReason>(i));
    EXPECT_NE(token, "unknown") << i;
    EXPECT_TRUE(seen.insert(token).second) << token;
    EXPECT_TRUE(
        std::all_of(token.begin(), token.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); }));
  }
  EXPECT_EQ(toString(DropReason::srtpReplay), "srtp_replay");
}

}  // namespace
}  // namespace parley::rtc
