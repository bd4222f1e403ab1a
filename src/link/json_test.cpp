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

}  // namespace
}  // namespace parley::link
