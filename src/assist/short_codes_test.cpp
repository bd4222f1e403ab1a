#include "assist/short_codes.h"

#include <gtest/gtest.h>

#include <set>

namespace parley::assist {
namespace {

using Side = ShortCodes::Side;
constexpr base::Millis kMinute{60'000};

struct Codes : ::testing::Test {
  std::string redeem(const std::string& code, Side side = Side::agent,
                     const std::string& network = "192.0.2.1", const std::string& user = "") {
    const auto cid =
        codes.redeem(code, side, network, side == Side::agent && user.empty() ? "agent1" : user, now);
    return cid ? *cid : cid.error().reason;
  }
  base::FakeRandom random;
  ShortCodes codes{random, {}};
  base::Instant now{std::chrono::hours{1}};
};

TEST_F(Codes, AreSixDigitsAndGoodOnce) {
  const std::string code = *codes.create("c1", false, now);
  EXPECT_EQ(code.size(), 6u);
  EXPECT_EQ(code.find_first_not_of("0123456789"), std::string::npos);
  EXPECT_EQ(redeem(code, Side::consumer), "shortcode.unknown") << "a page is in that session already";
  EXPECT_EQ(redeem(code), "c1");
  EXPECT_EQ(redeem(code), "shortcode.unknown");
  EXPECT_EQ(codes.size(), 0u);
}

TEST_F(Codes, OfAFreshSessionAreGoodOnceForEachSide) {
  const std::string code = *codes.create("c2", true, now);
  EXPECT_EQ(redeem(code, Side::consumer), "c2");
  EXPECT_EQ(redeem(code, Side::consumer), "shortcode.unknown");
  EXPECT_EQ(redeem(code), "c2");
  EXPECT_EQ(redeem(code), "shortcode.unknown");
}

TEST_F(Codes, Expire) {
  const std::string code = *codes.create("c1", false, now);
  now += base::Millis{300'000};
  EXPECT_EQ(redeem(code), "shortcode.unknown");
}

TEST_F(Codes, GuessesOfANetworkAreLimited) {
  const std::string code = *codes.create("c1", true, now);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(redeem("x", Side::consumer), "shortcode.unknown");
  EXPECT_EQ(redeem(code, Side::consumer), "shortcode.locked") << "even the right one";
  EXPECT_EQ(redeem(code, Side::consumer, "192.0.2.2"), "c1") << "others may go on";
  now += kMinute;
  EXPECT_EQ(redeem("x", Side::consumer), "shortcode.unknown");
}

TEST_F(Codes, GuessesOfAUserAreLimitedWhereverHeIs) {
  const std::string code = *codes.create("c1", false, now);
  for (int i = 0; i < 10; ++i) redeem("x", Side::agent, "192.0.2." + std::to_string(i), "agent7");
  EXPECT_EQ(redeem(code, Side::agent, "192.0.2.99", "agent7"), "shortcode.locked");
  EXPECT_EQ(redeem(code, Side::agent, "192.0.2.99", "agent8"), "c1");
}

TEST_F(Codes, GuessesOfAllTogetherAreLimited) {
  const std::string code = *codes.create("c1", true, now);
  for (int i = 0; i < 60; ++i) redeem("x", Side::consumer, "10.0.0." + std::to_string(i));
  EXPECT_EQ(redeem(code, Side::consumer, "10.9.9.9"), "shortcode.locked");
  EXPECT_TRUE(codes.locked(Side::consumer, "10.9.9.9", "", now));
  EXPECT_EQ(redeem(code), "c1") << "agents are counted apart";
}

TEST_F(Codes, RightOnesDoNotForgiveWrongOnes) {
  for (int i = 0; i < 9; ++i) redeem("x", Side::consumer);
  redeem(*codes.create("c1", true, now), Side::consumer);
  EXPECT_EQ(redeem("x", Side::consumer), "shortcode.unknown");
  EXPECT_EQ(redeem("x", Side::consumer), "shortcode.locked");
}

TEST_F(Codes, FewExistAtATimeAndAllDiffer) {
  std::set<std::string> all;
  std::string reason;
  while (reason.empty()) {
    const auto code = codes.create("c", false, now);
    if (code) {
      EXPECT_TRUE(all.insert(*code).second);
    } else {
      reason = code.error().reason;
    }
  }
  EXPECT_EQ(reason, "shortcode.full");
  EXPECT_EQ(all.size(), 5'000u) << "of a million: a guess hits one in 200";
  now += base::Millis{300'000};
  EXPECT_TRUE(codes.create("c", false, now));
}

TEST(ShortCodesTest, OutliveTheProcess) {
  base::FakeRandom random;
  ShortCodes before(random, {});
  const base::Instant now = base::Instant{std::chrono::hours{1}};
  const std::string code = *before.create("s1", true, now);
  EXPECT_EQ(before.takeChanged(), std::set<std::string>{code});
  EXPECT_TRUE(before.redeem(code, ShortCodes::Side::agent, "n", "agent1", now));
  EXPECT_EQ(before.takeChanged(), std::set<std::string>{code});

  ShortCodes after(random, {});
  after.restore(code, *before.find(code));
  EXPECT_FALSE(after.redeem(code, ShortCodes::Side::agent, "n", "agent1", now)) << "used before the restart";
  EXPECT_EQ(after.redeem(code, ShortCodes::Side::consumer, "n", "", now), "s1");
  EXPECT_EQ(after.takeChanged(), std::set<std::string>{code});
  EXPECT_EQ(after.find(code), nullptr) << "used up: gone from the store, too";

  const std::string other = *after.create("s2", false, now);
  static_cast<void>(after.takeChanged());
  EXPECT_FALSE(after.redeem(other, ShortCodes::Side::agent, "n", "agent1", now + 10 * kMinute));
  EXPECT_EQ(after.takeChanged(), std::set<std::string>{other}) << "over";
}

}  // namespace
}  // namespace parley::assist
