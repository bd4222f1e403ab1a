// Where agents point: what the customer and the others who look on are told of it.
#include <gtest/gtest.h>

#include "assist/test_session_rig.h"

namespace parley::assist {
namespace {

using Json = nlohmann::json;
using rig::Rig;

const Json kPoints = {{"type", "pointer"}, {"x", 1}, {"y", 2}};

TEST(AssistPointerTest, APressAndAReleaseAreNotOvertakenByMovements) {
  Rig rig;
  rig.letIn("a");
  rig.giveControl("a");
  rig.out.clear();
  for (const bool down : {false, false, true, true, true, false, false}) {
    Json message = kPoints;
    message["down"] = down;
    EXPECT_TRUE(rig.say("a", message));
  }
  const std::string newest = "pointer:a";
  EXPECT_EQ(rig.out.keys["c"], (std::vector<std::string>{newest, newest, "", newest, newest, "", newest}));
}

TEST(AssistPointerTest, TheOthersWhoLookOnSeeWhereAnAgentPoints) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  rig.letIn("s", Role::supervisor);
  rig.join("d", Role::agent);
  rig.out.clear();
  Json message = kPoints;
  message["request"] = "r1";
  EXPECT_TRUE(rig.say("a", message));
  for (const char* id : {"b", "s"}) {
    const Json told = rig.out.last(id, "pointer");
    ASSERT_TRUE(told.is_object()) << id;
    EXPECT_EQ(told["party"], "a") << id;
    EXPECT_EQ(told["x"], 1) << id;
    EXPECT_FALSE(told.contains("request")) << "it is of the one who pointed";
    EXPECT_EQ(rig.out.keys[id], std::vector<std::string>{"pointer:a"}) << "the newest wins";
  }
  EXPECT_EQ(rig.out.count("c", "pointer"), 1u);
  EXPECT_EQ(rig.out.count("a", "pointer"), 0u) << "who points sees it";
  EXPECT_EQ(rig.out.count("d", "pointer"), 0u) << "the customer has not let it in yet";
  EXPECT_FALSE(rig.say("s", kPoints)) << "supervisors only watch";
}

TEST(AssistPointerTest, WhoIsAwayOrActedUponIsToldNothingOfPointersAndDeeds) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  rig.giveControl("a");
  rig.out.clear();
  EXPECT_TRUE(rig.say("a", {{"type", "click"}, {"x", 1}, {"y", 2}}));
  EXPECT_TRUE(rig.say("a", {{"type", "text"}, {"text", "secret"}}));
  EXPECT_TRUE(rig.out.messages["b"].empty()) << "what is done is the page's alone";
  rig.session.down("b", rig.now);
  EXPECT_TRUE(rig.say("a", kPoints));
  EXPECT_EQ(rig.out.count("b", "pointer"), 0u) << "where somebody pointed is of no use later";
  EXPECT_EQ(rig.out.count("c", "pointer"), 1u);
}

}  // namespace
}  // namespace parley::assist
