#include "link/json.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::link {
namespace {

TEST(JsonReading, RefusesDepthAndGarbage) {
  EXPECT_TRUE(parseJson(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')));
  EXPECT_FALSE(parseJson(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')));
  EXPECT_TRUE(parseJson(R"({"a":"[[[[[[[[[[[[[[[[[[[[[[[[\"[[["})")) << "brackets in a text do not nest";
  EXPECT_FALSE(parseJson(""));
  EXPECT_FALSE(parseJson("{\"a\":\"\xff\"}"));
  EXPECT_EQ(integerAt(Json{{"a", 18446744073709551615u}}, "a"), std::nullopt);
}

TEST(JsonReading, HalfOfAPairIsNoReasonToEndAConnection) {
  const auto text = [](const std::string& json) { return parseJson(json).value_or(Json())["a"]; };
  EXPECT_EQ(text(R"({"a":"x\ud83d"})"), "x\xEF\xBF\xBD") << "a title that was cut inside an emoji";
  EXPECT_EQ(text(R"({"a":"\ude00x"})"), "\xEF\xBF\xBDx");
  EXPECT_EQ(text(R"({"a":"\ud83d\ud83d\ude00"})"), "\xEF\xBF\xBD\xF0\x9F\x98\x80") << "the whole one stays";
  EXPECT_EQ(text(R"({"a":"\\ud83d"})"), "\\ud83d") << "no escape";
  EXPECT_FALSE(parseJson(R"({"a":"\ud8"})"));
  EXPECT_FALSE(parseJson(R"({"a":"\ud83d)"));
}

}  // namespace
}  // namespace parley::link
