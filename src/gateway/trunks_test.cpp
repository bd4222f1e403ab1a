#include "gateway/trunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

using base::Millis;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class TrunksTest : public testing::Test {
 protected:
  void answered(const std::string& uri, int status = 200) {
    trunks_.onPinged(uri, {.status = status, .reason = {}, .rttMs = 3, .address = "192.0.2.1:5060"}, now_,
                     wall_);
  }
  void silent(const std::string& uri) {
    trunks_.onPinged(uri, {.status = 0, .reason = "sip.timeout", .rttMs = {}, .address = {}}, now_, wall_);
  }
  TrunkState stateOf(std::string_view uri) const {
    return std::ranges::find(trunks_.all(), uri, &Trunk::uri)->state;
  }

  base::FakeRandom random_;
  Trunks trunks_{random_, {}};
  base::Instant now_ = base::Instant{} + base::Millis{1'000'000};
  base::WallTime wall_ = base::WallTime{} + base::Millis{1'700'000'000'000};
};

TEST_F(TrunksTest, ANewServerIsPingedAtOnceAndThenAtItsInterval) {
  trunks_.setServers({"sip:a", "sip:b"}, now_);
  EXPECT_THAT(trunks_.takeDuePings(now_), UnorderedElementsAre("sip:a", "sip:b"));
  EXPECT_THAT(trunks_.takeDuePings(now_), IsEmpty()) << "one ping at a time";
  EXPECT_EQ(trunks_.nextPing(), base::Instant::max());
  answered("sip:a");
  silent("sip:b");
  EXPECT_EQ(stateOf("sip:a"), TrunkState::up);
  EXPECT_EQ(stateOf("sip:b"), TrunkState::down);
  now_ += Millis{5'000};
  EXPECT_THAT(trunks_.takeDuePings(now_), ElementsAre("sip:b")) << "a dead link is looked at more often";
  now_ += Millis{25'000};
  EXPECT_THAT(trunks_.takeDuePings(now_), ElementsAre("sip:a"));
}

TEST_F(TrunksTest, PingsComeAtMostATenthBeforeTheirTime) {
  trunks_.setServers({"sip:a"}, now_);
  trunks_.takeDuePings(now_);
  answered("sip:a");
  EXPECT_GE(trunks_.nextPing(), now_ + Millis{27'000});
  EXPECT_LE(trunks_.nextPing(), now_ + Millis{30'000});
}

TEST_F(TrunksTest, AnyAnswerBut503MeansUp) {
  trunks_.setServers({"sip:a"}, now_);
  for (const int status : {200, 404, 405, 483, 500}) {
    answered("sip:a", status);
    EXPECT_EQ(stateOf("sip:a"), TrunkState::up) << status;
    answered("sip:a", 503);
    EXPECT_EQ(stateOf("sip:a"), TrunkState::down);
    EXPECT_EQ(trunks_.all()[0].lastReason, "503");
  }
}

TEST_F(TrunksTest, RealRequestsMoveTheStateToo) {
  trunks_.setServers({"sip:a"}, now_);
  trunks_.takeDuePings(now_);
  answered("sip:a");
  trunks_.onRequest("sip:a", {.status = 0, .reason = "sip.timeout", .rttMs = {}, .address = {}}, now_, wall_);
  EXPECT_EQ(stateOf("sip:a"), TrunkState::down);
  EXPECT_LE(trunks_.nextPing(), now_ + Millis{5'000}) << "now it is a dead link";
  trunks_.onRequest("sip:a", {.status = 100, .reason = {}, .rttMs = {}, .address = {}}, now_, wall_);
  EXPECT_EQ(stateOf("sip:a"), TrunkState::up);
  EXPECT_EQ(trunks_.all()[0].requests, 2u);
  EXPECT_EQ(trunks_.all()[0].failures, 1u);
}

TEST_F(TrunksTest, UpOnesAreTriedFirstInRandomOrderThenDownOnes) {
  trunks_.setServers({"sip:up1", "sip:down", "sip:up2", "sip:new"}, now_);
  answered("sip:up1");
  answered("sip:up2");
  silent("sip:down");
  std::map<std::string, int> first;
  for (int i = 0; i < 200; ++i) {
    const auto order = trunks_.order();
    ASSERT_EQ(order.size(), 4u);
    ++first[order[0]];
    EXPECT_EQ(order[2], "sip:new");
    EXPECT_EQ(order[3], "sip:down");
  }
  EXPECT_EQ(first.size(), 2u);
  EXPECT_GT(first["sip:up1"], 50);
  EXPECT_GT(first["sip:up2"], 50);
}

TEST_F(TrunksTest, ChangedSettingsKeepTheStateOfWhatStays) {
  trunks_.setServers({"sip:a", "sip:b"}, now_);
  trunks_.takeDuePings(now_);
  answered("sip:a");
  trunks_.setServers({"sip:c", "sip:a", "sip:a"}, now_);
  ASSERT_EQ(trunks_.all().size(), 2u);
  EXPECT_EQ(stateOf("sip:a"), TrunkState::up);
  EXPECT_EQ(stateOf("sip:c"), TrunkState::unknown);
  answered("sip:b");  // Its answer comes late; nobody asks any more.
  EXPECT_THAT(trunks_.takeDuePings(now_), ElementsAre("sip:c"));
}

TEST_F(TrunksTest, AShorterIntervalCountsForThePingThatWaits) {
  trunks_.setServers({"sip:a", "sip:b"}, now_);
  trunks_.takeDuePings(now_);
  answered("sip:a");
  silent("sip:b");
  trunks_.setTimes({.pingUp = Millis{1'000}, .pingDown = Millis{500}}, now_);
  now_ += Millis{500};
  EXPECT_THAT(trunks_.takeDuePings(now_), ElementsAre("sip:b"));
  now_ += Millis{500};
  EXPECT_THAT(trunks_.takeDuePings(now_), ElementsAre("sip:a"));
  answered("sip:a");
  const base::Instant waiting = trunks_.nextPing();
  trunks_.setTimes({.pingUp = Millis{60'000}, .pingDown = Millis{60'000}}, now_);
  EXPECT_EQ(trunks_.nextPing(), waiting) << "what waits does not wait longer";
}

TEST_F(TrunksTest, TellsTheAdministration) {
  trunks_.setServers({"sip:a"}, now_);
  trunks_.takeDuePings(now_);
  answered("sip:a");
  const Json json = trunks_.json();
  const Json& one = json["trunks"][0];
  EXPECT_EQ(one["uri"], "sip:a");
  EXPECT_EQ(one["state"], "up");
  EXPECT_EQ(one["optionsSent"], 1);
  EXPECT_EQ(one["optionsOk"], 1);
  EXPECT_EQ(one["rttMs"], 3.0);
  EXPECT_EQ(one["since"], "2023-11-14T22:13:20.000Z");
}

}  // namespace
}  // namespace parley::gateway
