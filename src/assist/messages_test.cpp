#include "assist/messages.h"

#include <gtest/gtest.h>

namespace parley::assist {
namespace {

using Json = nlohmann::json;

std::string reasonOf(const Json& message) {
  const auto parsed = parseMessage(message["type"].get<std::string>(), message);
  return parsed ? "" : parsed.error().reason;
}

TEST(AssistMessages, KnowItsKindsAndNoOthers) {
  EXPECT_EQ(reasonOf({{"type", "seen"}, {"frame", 4294967295u}}), "");
  EXPECT_EQ(reasonOf({{"type", "eval"}}), "message.unknown_type");
  EXPECT_EQ(reasonOf({{"type", ""}}), "message.unknown_type");
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    EXPECT_NE(reasonOf({{"type", toString(static_cast<Kind>(kind))}}), "message.unknown_type");
  }
}

TEST(AssistMessages, DropWhatDoesNotBelong) {
  const Json message = {{"type", "click"},
                        {"x", 1},
                        {"y", 2},
                        {"party", "forged"},
                        {"html", "<b>"},
                        {"seq", 3},
                        {"mods", {{"shift", true}, {"evil", 1}}}};
  const auto parsed = parseMessage("click", message);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->body, (Json{{"x", 1}, {"y", 2}, {"mods", {{"shift", true}}}}));
}

TEST(AssistMessages, RefuseWhatCannotBe) {
  const Json wrong[] = {
      {{"type", "click"}, {"x", 1e300}, {"y", 1}},
      {{"type", "click"}, {"x", "1"}, {"y", 1}},
      {{"type", "click"}, {"x", 1}},
      {{"type", "click"}, {"x", 1}, {"y", 1}, {"button", 99}},
      {{"type", "click"}, {"x", 1}, {"y", 1}, {"mods", "all"}},
      {{"type", "scroll"}, {"x", 1}, {"y", 1}, {"dx", nullptr}, {"dy", 1}},
      {{"type", "text"}, {"text", std::string(4097, 'a')}},
      {{"type", "key"}, {"key", ""}},
      {{"type", "key"}, {"key", "a\nb"}},
      {{"type", "key"}, {"key", std::string(33, 'a')}},
      {{"type", "share"}, {"state", "everything"}},
      {{"type", "consent"}, {"id", "q1"}},
      {{"type", "consent"}, {"id", "q1"}, {"grant", "yes"}},
      {{"type", "view"}, {"w", 0}, {"h", 600}},
      {{"type", "view"}, {"w", 8}, {"h", 6}, {"masked", -1}},
      {{"type", "carried"}},
      {{"type", "carried"}, {"shapes", {{{"id", "s1"}, {"dx", "far"}, {"dy", 0}}}}},
      {{"type", "carried"}, {"shapes", Json(201, {{"id", "s"}, {"dx", 0}, {"dy", 0}})}},
      {{"type", "view"}, {"w", 800}, {"h", 600}, {"scale", 1000}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "bomb"}, {"points", Json::array()}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", {{1, 2, 3}}}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", {{1, "2"}}}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", {{1e99, 2}}}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", Json(std::vector<Json>(513, {1, 2}))}},
      {{"type", "draw"}, {"id", ""}, {"tool", "pen"}, {"points", Json::array()}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", Json::array()}, {"color", "red"}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", Json::array()}, {"color", "#d92d2"}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", Json::array()}, {"color", "#d92d2g"}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", Json::array()}, {"color", "#00;a:b"}},
      {{"type", "draw"}, {"id", "a"}, {"tool", "pen"}, {"points", Json::array()}, {"color", 7}},
      {{"type", "pointer"}, {"x", 1}, {"y", 1}, {"page", -1}},
      {{"type", "pointer"}, {"x", 1}, {"y", 1}, {"on", std::string(129, 'd')}},
      {{"type", "quality"}},
      {{"type", "quality"}, {"level", "best"}},
      {{"type", "seen"}, {"frame", -1}},
      {{"type", "seen"}, {"frame", 1.5}},
      {{"type", "form-set"}, {"value", "x"}},
      {{"type", "form-set"}, {"id", "f"}, {"selected", {1}}},
      {{"type", "form"}, {"fields", Json(std::vector<Json>(501, {{"id", "f"}}))}},
      {{"type", "form"}, {"fields", {"f"}}},
      {{"type", "receipt"}, {"masked", Json(std::vector<Json>(65, Json::object()))}},
      {{"type", "window"}, {"x", 2}},
      {{"type", "push"}, {"kind", "program"}, {"url", "https://example.com/"}},
      {{"type", "pointer"}, {"x", 1}, {"y", 1}, {"request", std::string(65, 'r')}},
  };
  for (const Json& message : wrong) EXPECT_EQ(reasonOf(message), "message.malformed") << message;
}

TEST(AssistMessages, OnlyWebAddressesArePushed) {
  for (const char* good : {"https://example.com", "http://example.com:8080/a?b#c", "HTTPS://EXAMPLE.COM/",
                           "https://[2001:db8::1]/", "https://example.com/\xc3\xa9"}) {
    EXPECT_TRUE(isWebUrl(good)) << good;
  }
  for (const char* bad :
       {"", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://example.com/", "https://",
        "https:///path", "https://user:pass@example.com/", "https://example.com/ x", "https://example.com/\n",
        "java\nscript:x", " https://example.com", "//example.com", "https:\\\\example.com",
        "blob:https://example.com/1", "https://example.com/\"><script>"}) {
    EXPECT_FALSE(isWebUrl(bad)) << bad;
  }
  EXPECT_FALSE(isWebUrl("https://example.com/" + std::string(kMaxUrlBytes, 'a')));
}

TEST(AssistMessages, MaskedFieldsLoseTheirValues) {
  const auto parsed = parseMessage("form", {{"fields",
                                             {{{"id", "1"},
                                               {"masked", true},
                                               {"value", "secret"},
                                               {"checked", true},
                                               {"options", {{{"value", "x"}}}}},
                                              {{"id", "2"}, {"value", "open"}}}}});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->body["fields"][0], (Json{{"id", "1"}, {"masked", true}}));
  EXPECT_EQ(parsed->body["fields"][1]["value"], "open");
}

TEST(AssistMessages, CaptionsAreCutNotRefused) {
  const auto parsed = parseMessage("view", {{"w", 8}, {"h", 6}, {"title", std::string(300, 'a') + "\n"}});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text("title").size(), 200u);
  EXPECT_EQ(clipped("a\xc3\xa9", 2), "a") << "no half characters";
  EXPECT_EQ(clipped("a\tb", 9), "a b");
}

TEST(AssistMessages, SessionIds) {
  EXPECT_TRUE(isCid("a.B_9-"));
  EXPECT_FALSE(isCid(""));
  EXPECT_FALSE(isCid("a/b"));
  EXPECT_FALSE(isCid("a b"));
  EXPECT_FALSE(isCid(std::string(65, 'a')));
}

}  // namespace
}  // namespace parley::assist
