#include "gateway/hunt_group_setting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

TEST(HuntGroupSettingTest, ReadsAWholeLine) {
  const auto group = parseHuntGroup(
      "sales: agent1  agent2 agent1; strategy=longest-idle; number=8000; label=Our sales; ring=15; "
      "overflow=90; "
      "auto-answer");
  ASSERT_TRUE(group) << group.error().text;
  EXPECT_EQ(group->name, "sales");
  EXPECT_THAT(group->members, testing::ElementsAre("agent1", "agent2"));
  EXPECT_EQ(group->strategy, HuntStrategy::longestIdle);
  EXPECT_EQ(group->number, "8000");
  EXPECT_EQ(group->label, "Our sales");
  EXPECT_EQ(group->memberMillis, 15'000);
  EXPECT_EQ(group->overflowMillis, 90'000);
  EXPECT_TRUE(group->autoAnswer);
}

TEST(HuntGroupSettingTest, AShortLineHasDefaults) {
  const auto group = parseHuntGroup("sales:agent1");
  ASSERT_TRUE(group);
  EXPECT_EQ(group->strategy, HuntStrategy::simultaneous);
  EXPECT_FALSE(group->autoAnswer);
}

TEST(HuntGroupSettingTest, SaysWhatIsWrong) {
  for (const char* line :
       {"", "sales", "sales:", ": agent1", "sa les: agent1", "sales: agent1; strategy=random",
        "sales: agent1; ring=0", "sales: agent1; ring=9999999",
        "sales: agent1; number=", "sales: agent1; color=red", "sales: a<b"}) {
    const auto group = parseHuntGroup(line);
    ASSERT_FALSE(group) << line;
    EXPECT_EQ(group.error().reason, "settings.bad_hunt_group");
    EXPECT_FALSE(group.error().text.empty());
  }
}

}  // namespace
}  // namespace parley::gateway
