#include "base/text.h"

#include <gmock/gmock.h>

#include "base/random.h"

namespace parley::base {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

std::string textOf(const std::optional<Buffer>& bytes) {
  return bytes ? std::string(asText(*bytes)) : std::string("<none>");
}

TEST(Hex, BothWays) {
  EXPECT_EQ(hexEncode(Buffer{0x00, 0x7f, 0xab, 0xff}), "007fabff");
  EXPECT_THAT(hexDecode("007fABff"), Optional(ElementsAre(0x00, 0x7f, 0xab, 0xff)));
  EXPECT_THAT(hexDecode(""), Optional(Buffer{}));
  for (const auto* bad : {"0", "0g", "g0", " 0", "0x", "00 "}) EXPECT_FALSE(hexDecode(bad)) << bad;
}

// RFC 4648 section 10.
TEST(Base64, RfcVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64Encode(asBytes(plain)), encoded);
    EXPECT_EQ(textOf(base64Decode(encoded)), plain);
    const std::string unpadded = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(base64UrlEncode(asBytes(plain)), unpadded);
    EXPECT_EQ(textOf(base64UrlDecode(unpadded)), plain);
  }
}

TEST(Base64, AlphabetsDoNotMix) {
  const Buffer bytes = {0xfb, 0xff, 0xfe};
  EXPECT_EQ(base64Encode(bytes), "+//+");
  EXPECT_EQ(base64UrlEncode(bytes), "-__-");
  EXPECT_FALSE(base64Decode("-__-"));
  EXPECT_FALSE(base64UrlDecode("+//+"));
}

TEST(Base64, RefusesWhatIsNotStrict) {
  for (const auto* bad : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm9v\n", " Zm9v", "Zm 9", "Zg==Zg==",
                          "Z=g=", "Zh==" /* left-over bits */, "Zm9=" /* the same */, "\xff\xff\xff\xff"}) {
    EXPECT_FALSE(base64Decode(bad)) << bad;
  }
  for (const auto* bad : {"Z", "Zg==", "Zh", "Zm9", "Zm9vZ", "Zm9v "})
    EXPECT_FALSE(base64UrlDecode(bad)) << bad;
}

TEST(Base64, RoundTripsEveryLength) {
  FakeRandom random;
  for (std::size_t size = 0; size < 70; ++size) {
    Buffer bytes(size);
    random.fill(bytes);
    EXPECT_EQ(base64Decode(base64Encode(bytes)), bytes);
    EXPECT_EQ(base64UrlDecode(base64UrlEncode(bytes)), bytes);
    EXPECT_EQ(hexDecode(hexEncode(bytes)), bytes);
  }
}

TEST(Text, CaseIsAsciiOnly) {
  EXPECT_TRUE(equalsIgnoreCase("Content-Length", "cONTENT-lENGTH"));
  EXPECT_FALSE(equalsIgnoreCase("a", "ab"));
  EXPECT_FALSE(equalsIgnoreCase("[", "{"));  // They differ in the same bit as letters do.
  EXPECT_FALSE(equalsIgnoreCase("\xc3\x84", "\xc3\xa4"));
  EXPECT_EQ(toLower("AbZ@[\xc3\x84"), "abz@[\xc3\x84");
}

TEST(Text, TrimAndSplit) {
  EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, ParseNumberTakesTheWholeText) {
  EXPECT_EQ(parseNumber<int>("-12"), -12);
  EXPECT_EQ(parseNumber<std::uint16_t>("65535"), 65535);
  for (const auto* bad : {"", " 1", "1 ", "+1", "0x1", "1.0", "65536", "-1", "1a", "99999999999999999999"}) {
    EXPECT_FALSE(parseNumber<std::uint16_t>(bad)) << bad;
  }
}

TEST(Text, EqualsConstantTime) {
  EXPECT_TRUE(equalsConstantTime(asBytes("token"), asBytes("token")));
  EXPECT_FALSE(equalsConstantTime(asBytes("token"), asBytes("tokem")));
  EXPECT_FALSE(equalsConstantTime(asBytes("token"), asBytes("toke")));
  EXPECT_TRUE(equalsConstantTime({}, {}));
}

TEST(Text, EditDistance) {
  EXPECT_EQ(editDistance("", ""), 0u);
  EXPECT_EQ(editDistance("", "abc"), 3u);
  EXPECT_EQ(editDistance("abc", ""), 3u);
  EXPECT_EQ(editDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(editDistance("media.prot", "media.port"), 2u);
}

TEST(Text, Utf8ByTheTable) {
  for (const auto* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa4z"}) {
    EXPECT_TRUE(isUtf8(good)) << hexEncode(asBytes(good));
  }
  for (const auto* bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xe1\x80",
                          "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3"}) {
    EXPECT_FALSE(isUtf8(bad)) << hexEncode(asBytes(bad));
  }
}

TEST(Text, PrintableEscapesWhatForgesOrHides) {
  EXPECT_EQ(printable("plain \xc3\xa4 \xf0\x9f\x98\x80", 100), "plain \xc3\xa4 \xf0\x9f\x98\x80");
  EXPECT_EQ(printable("a\nb\rc\td", 100), "a\\nb\\rc\\td");
  EXPECT_EQ(printable("say \"x\" \\", 100), "say \\\"x\\\" \\\\");
  EXPECT_EQ(printable(std::string_view("\0\x1b\x7f", 3), 100), "\\x00\\x1b\\x7f");
  EXPECT_EQ(printable("\xc2\x9b", 100), "\\u009b");      // The one-character CSI.
  EXPECT_EQ(printable("\xe2\x80\xae", 100), "\\u202e");  // Right-to-left override.
  EXPECT_EQ(printable("\xe2\x80\xa8", 100), "\\u2028");  // Line separator.
  EXPECT_EQ(printable("\xff\xc3", 100), "\\xff\\xc3");
}

TEST(Text, PrintableCutsAtACharacter) {
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abcde", 4), "abcd...");
  EXPECT_EQ(printable("abc\xc3\xa4", 4), "abc...");
  EXPECT_TRUE(isUtf8(printable("abc\xc3\xa4z", 4)));
}

}  // namespace
}  // namespace parley::base
