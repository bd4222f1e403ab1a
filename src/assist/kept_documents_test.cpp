// Documents that outlive the process: whole ones only, one a session, no more than fit.
#include "assist/kept_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/metrics.h"

namespace parley::assist {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string pdfOf(std::size_t size, char fill = 'x') {
  std::string out = "%PDF-1.7\n";
  out.resize(size, fill);
  return out;
}

struct KeptDocumentsTest : ::testing::Test {
  void start(std::size_t maxBytes = 10u << 20) {
    kept = std::make_unique<KeptDocuments>(*store, maxBytes);
    std::optional<base::Result<std::vector<Content>>> done;
    kept->load([&](base::Result<std::vector<Content>> result) { done = std::move(result); });
    ASSERT_TRUE(loop.runUntil([&] { return done.has_value(); }, 3s));
    ASSERT_TRUE(*done);
    loaded = std::move(**done);
  }
  static Content content(const std::string& id, const std::string& cid, std::string bytes) {
    return {.id = id,
            .name = id + ".pdf",
            .type = *contentTypeOf(base::asBytes(bytes)),
            .bytes = std::make_shared<const std::string>(std::move(bytes)),
            .cid = cid,
            .owner = "agent1"};
  }
  std::size_t rows(const char* bucket) {
    std::optional<std::size_t> found;
    store->bucket(bucket, {})->list("", [&](base::Result<std::vector<store::Entry>> r) {
      found = r->size();
    });
    loop.runUntil([&] { return found.has_value(); }, 3s);
    return found.value_or(99);
  }
  bool settled(std::size_t documents, std::size_t pieces) {
    return loop.runUntil(
        [&] { return rows("assist-documents") == documents && rows("assist-document-pieces") == pieces; },
        3s);
  }

  net::EventLoop loop{"test"};
  std::unique_ptr<store::Store> store = *store::openEmbeddedStore(loop, ":memory:");
  std::unique_ptr<KeptDocuments> kept;
  std::vector<Content> loaded;
};

TEST_F(KeptDocumentsTest, WhatASessionShowsComesBackWhole) {
  start();
  EXPECT_THAT(loaded, IsEmpty());
  const std::string large = pdfOf(500'000), other = pdfOf(100, 'y');
  kept->keep(content("first", "s1", pdfOf(400'000)));
  kept->keep(content("second", "s1", large));
  kept->keep(content("second", "s1", large));
  kept->keep(content("third", "s2", other));
  ASSERT_TRUE(settled(2, 4)) << "of s1 only what it shows now";
  start();
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].id, "second");
  EXPECT_EQ(loaded[0].cid, "s1");
  EXPECT_EQ(loaded[0].name, "second.pdf");
  EXPECT_EQ(loaded[0].owner, "agent1");
  EXPECT_EQ(loaded[0].type.kind, "document");
  EXPECT_EQ(*loaded[0].bytes, large);
  EXPECT_EQ(*loaded[1].bytes, other);
  EXPECT_THAT(kept->sessions(), ElementsAre("s1", "s2"));
  EXPECT_EQ(kept->bytes(), large.size() + other.size());
  kept->remove(content("first", "s1", pdfOf(400'000)));
  EXPECT_EQ(kept->bytes(), large.size() + other.size()) << "that one is not kept any more";
  kept->remove(content("second", "s1", large));
  kept->remove("s2");
  EXPECT_TRUE(settled(0, 0));
  EXPECT_EQ(kept->bytes(), 0u);
}

TEST_F(KeptDocumentsTest, HalfADocumentIsNone) {
  start();
  kept->keep(content("whole", "s1", pdfOf(500'000)));
  ASSERT_TRUE(settled(1, 3));
  store->bucket("assist-document-pieces", {})->remove("whole.1", [](base::Result<void>) {});
  kept->keep(content("cut", "s2", pdfOf(500'000)));  // The process ends before all of it is there.
  start();
  EXPECT_THAT(loaded, IsEmpty());
  EXPECT_TRUE(settled(0, 0)) << "and nothing of it stays";
}

TEST_F(KeptDocumentsTest, WhatFindsNoRoomIsNotTriedAgain) {
  const auto lost = [] {
    return base::Metrics::instance()
        .counter("parley_assist_not_stored_total",
                 "Changes of shared sessions that the store did not take: a restart would lose them.")
        .value();
  };
  const auto before = lost();
  start(1'000'000);
  for (const char* cid : {"s1", "s2", "s3", "s4", "s5", "s5"}) kept->keep(content(cid, cid, pdfOf(250'000)));
  kept->keep(content("large", "s6", pdfOf(250'001)));
  EXPECT_EQ(lost(), before + 2) << "what comes last, once, and what is too large for anybody";
  EXPECT_EQ(kept->bytes(), 1'000'000u);
  ASSERT_TRUE(settled(4, 8));
  kept->remove("s1");
  kept->keep(content("next", "s5", pdfOf(250'000)));
  EXPECT_EQ(kept->bytes(), 1'000'000u);
  EXPECT_TRUE(settled(4, 8));
  EXPECT_EQ(lost(), before + 2);
}

TEST_F(KeptDocumentsTest, NothingIsStoredWhereNothingMayBe) {
  start();
  kept->keep(content("first", "s1", pdfOf(400'000)));
  ASSERT_TRUE(settled(1, 3));
  start(0);
  EXPECT_THAT(loaded, IsEmpty()) << "what was stored before is not either";
  kept->keep(content("second", "s2", pdfOf(100)));
  EXPECT_TRUE(settled(0, 0));
}

}  // namespace
}  // namespace parley::assist
