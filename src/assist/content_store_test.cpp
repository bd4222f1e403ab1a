#include "assist/content_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace parley::assist {
namespace {

const base::Instant kStart{std::chrono::hours{1}};
std::string pdf(std::size_t size = 100) { return "%PDF-1.7\n" + std::string(size, 'x'); }

std::string png(std::uint32_t width, std::uint32_t height) {
  std::string out("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  for (const std::uint32_t value : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  }
  return out + std::string(9, '\0');
}

std::string reasonOf(std::string_view bytes) {
  const auto found = contentTypeOf(base::asBytes(bytes));
  return found ? std::string(found->type) : found.error().reason;
}

TEST(ContentType, IsWhatTheBytesSay) {
  EXPECT_EQ(reasonOf(pdf()), "application/pdf");
  EXPECT_EQ(*contentTypeOf(base::asBytes(png(640, 480))), (ContentType{"image/png", "image", 640, 480}));
  const std::string gif("GIF89a\x0a\0\x14\0\0\0\0", 13);
  EXPECT_EQ(*contentTypeOf(base::asBytes(gif)), (ContentType{"image/gif", "image", 10, 20}));
  const std::string jpeg(
      "\xff\xd8\xff\xe0\0\x04"
      "ab"
      "\xff\xc4\0\x02\xff\xc0\0\x11\x08\0\x20\0\x30\x03",
      23);
  EXPECT_EQ(*contentTypeOf(base::asBytes(jpeg)), (ContentType{"image/jpeg", "image", 48, 32}));
  const std::string webp("RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x1f\0\0", 30);
  EXPECT_EQ(*contentTypeOf(base::asBytes(webp)), (ContentType{"image/webp", "image", 64, 32}));
}

TEST(ContentType, RefusesWhatMayHoldScriptsOrUnfolds) {
  for (const char* bad : {"<svg xmlns='http://www.w3.org/2000/svg'/>", "<html>", "<!doctype html>%PDF-1.7",
                          "PK\x03\x04", "MZ", "%!PS", "plain"}) {
    EXPECT_EQ(reasonOf(bad), "content.unsupported") << bad;
  }
  EXPECT_EQ(reasonOf(""), "content.empty");
  EXPECT_EQ(reasonOf(png(60'000, 60'000)), "content.picture_too_large");
  EXPECT_EQ(reasonOf(png(0, 10)), "content.unsupported");
  EXPECT_EQ(reasonOf(png(10, 10).substr(0, 20)), "content.unsupported");
  EXPECT_EQ(reasonOf("\xff\xd8\xff\xe0"), "content.unsupported");
}

TEST(ContentType, ServersMustNotContradict) {
  const ContentType type{"application/pdf", "document"};
  for (const char* good : {"application/pdf", "Application/PDF; charset=x", "", "application/octet-stream"}) {
    EXPECT_TRUE(agrees(good, type)) << good;
  }
  for (const char* bad : {"text/html", "image/png", "text/plain"}) EXPECT_FALSE(agrees(bad, type)) << bad;
}

TEST(ContentType, NamesAreHarmless) {
  const ContentType type{"application/pdf", "document"};
  EXPECT_EQ(contentName("Price list.pdf", type), "Price list.pdf");
  EXPECT_EQ(contentName("../../etc/passwd", type), "passwd.pdf");
  EXPECT_EQ(contentName("C:\\x\\a\"b\r\n.html", type), "a_b__.html.pdf");
  EXPECT_EQ(contentName("", type), "document.pdf");
  EXPECT_EQ(contentName("\xff\xfe", type), "document.pdf");
  const std::string longName = contentName(std::string(50, 'x') + std::string(200, '\xc3') + ".pdf", type);
  EXPECT_EQ(longName, "document.pdf");
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ä";
  EXPECT_TRUE(base::isUtf8(contentName(umlauts, type)));
  EXPECT_LE(contentName(umlauts, type).size(), 120u);
}

struct Store : ::testing::Test {
  Store() : store(random, limits()) {}
  static ContentLimits limits() {
    ContentLimits out;
    out.maxBytes = 1'000;
    out.maxTotalBytes = 2'500;
    out.maxOwnerBytes = 2'000;
    out.maxUploads = 2;
    out.unused = base::Millis{1'000};
    return out;
  }
  std::string add(const std::string& owner, std::size_t size = 100, const std::string& cid = "") {
    const auto kept = store.add("a.pdf", pdf(size), cid, owner, now);
    return kept ? (*kept)->id : kept.error().reason;
  }
  base::FakeRandom random;
  ContentStore store;
  base::Instant now = kStart;
};

TEST_F(Store, KeepsUntilUnused) {
  const std::string id = add("agent1");
  EXPECT_GE(id.size(), 22u) << "128 bits at least";
  ASSERT_NE(store.find(id, now), nullptr);
  now += base::Millis{900};
  EXPECT_NE(store.find(id, now), nullptr);
  now += base::Millis{900};
  EXPECT_NE(store.find(id, now), nullptr) << "reading keeps it";
  now += base::Millis{1'000};
  EXPECT_EQ(store.find(id, now), nullptr);
  EXPECT_EQ(store.bytes(), 0u);
}

TEST_F(Store, GoesWithItsSession) {
  const std::string mine = add("agent1", 100, "c1");
  const std::string other = add("agent1", 100, "c2");
  store.endSession("c1");
  EXPECT_EQ(store.find(mine, now), nullptr);
  EXPECT_NE(store.find(other, now), nullptr);
  store.endSession("");
  EXPECT_EQ(store.size(), 1u);
}

TEST_F(Store, SaysWhatIsGone) {
  std::vector<std::string> gone;
  store.onErased([&](const Content& content) { gone.push_back(content.id + " " + content.cid); });
  const std::string of1 = add("agent1", 100, "c1");
  store.endSession("c1");
  const std::string read = add("agent1", 100, "c2"), unread = add("agent1", 100, "c3");
  now += base::Millis{900};
  store.find(read, now);
  now += base::Millis{900};
  const std::string large = add("agent1", 900, "c4");
  add("agent1", 900, "c5");
  add("agent1", 900, "c6");
  EXPECT_THAT(gone, ::testing::ElementsAre(of1 + " c1", unread + " c3", read + " c2", large + " c4"))
      << "with its session, unread, for others of its agent";
}

TEST_F(Store, IsBoundToOneSessionOnly) {
  const std::string id = add("agent1");
  EXPECT_FALSE(store.bind(id, ""));
  EXPECT_TRUE(store.bind(id, "c1"));
  EXPECT_TRUE(store.bind(id, "c1")) << "again in that session";
  EXPECT_FALSE(store.bind(id, "c2"));
  EXPECT_FALSE(store.bind("nothing", "c1"));
}

TEST_F(Store, IsBounded) {
  EXPECT_EQ(add("agent1", 1'000), "content.too_large");
  const std::string first = add("agent1", 900);
  add("agent1", 900);
  add("agent1", 900);
  EXPECT_EQ(store.find(first, now), nullptr) << "the oldest of the same agent gave way";
  EXPECT_EQ(add("agent2", 900), "content.full") << "not somebody else's";
  EXPECT_EQ(store.add("x", "<svg>", "", "agent2", now).error().reason, "content.unsupported");
  auto one = store.upload();
  const auto two = store.upload();
  EXPECT_TRUE(one && two);
  EXPECT_EQ(store.upload(), nullptr);
  one.reset();
  EXPECT_NE(store.upload(), nullptr);
}

TEST(ContentStoreTest, ManySmallContentsOfOneUserTakeNobodyElsesPlace) {
  base::FakeRandom random;
  ContentStore store(random, {.maxContents = 10, .maxOwnerContents = 4});
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) ids.push_back((*store.add("a.pdf", pdf(), "s", "agent1", kStart))->id);
  EXPECT_EQ(store.size(), 4u);
  EXPECT_EQ(store.find(ids[3], kStart), nullptr) << "the oldest went";
  EXPECT_NE(store.find(ids[4], kStart), nullptr);
  EXPECT_TRUE(store.add("b.pdf", pdf(), "s", "agent2", kStart));
}

}  // namespace
}  // namespace parley::assist
