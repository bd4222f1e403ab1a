// What only the embedded store promises: durable buckets survive a restart, files are private.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "store/store.h"

namespace parley::store {
namespace {

using namespace std::chrono_literals;

class EmbeddedStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-store-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string file() const { return directory_ / "store.db"; }
  std::unique_ptr<Store> open() {
    auto opened = openEmbeddedStore(loop_, file());
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  template <class T, class Start>
  base::Result<T> wait(Start start) {
    std::optional<base::Result<T>> answer;
    start([&answer](base::Result<T> result) { answer = std::move(result); });
    EXPECT_TRUE(loop_.runUntil([&] { return answer.has_value(); }, 10s));
    return *answer;
  }
  base::Result<Revision> put(Store& store, BucketOptions options, const std::string& key) {
    return wait<Revision>([&](auto done) { store.bucket("b", options)->put(key, "v-" + key, done); });
  }
  std::size_t count(Store& store, BucketOptions options) {
    return wait<std::vector<Entry>>([&](auto done) { store.bucket("b", options)->list("", done); })->size();
  }

  net::EventLoop loop_{"test"};
  std::filesystem::path directory_;
};

TEST_F(EmbeddedStoreTest, DurableEntriesAndRevisionsSurviveARestart) {
  const BucketOptions durable{0ms, true, 10};
  Revision kept = 0;
  Revision removed = 0;
  {
    const auto store = open();
    kept = *put(*store, durable, "kept");
    removed = *put(*store, durable, "removed");
    ASSERT_TRUE(wait<void>([&](auto done) { store->bucket("b", durable)->remove("removed", done); }));
  }
  const auto store = open();
  const auto entry = wait<Entry>([&](auto done) { store->bucket("b", durable)->get("kept", done); });
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->value, "v-kept");
  EXPECT_EQ(entry->revision, kept);
  EXPECT_EQ(count(*store, durable), 1u);
  EXPECT_GT(*put(*store, durable, "removed"), removed);
}

TEST_F(EmbeddedStoreTest, MemoryBucketsDoNot) {
  { ASSERT_TRUE(put(*open(), {}, "k")); }
  EXPECT_EQ(count(*open(), {}), 0u);
}

TEST_F(EmbeddedStoreTest, AgeCountsOverARestart) {
  const BucketOptions brief{50ms, true, 10};
  { ASSERT_TRUE(put(*open(), brief, "k")); }
  const auto store = open();
  EXPECT_TRUE(loop_.runUntil([&] { return count(*store, brief) == 0; }, 10s));
}

TEST_F(EmbeddedStoreTest, TheFileIsPrivate) {
  const auto store = open();
  ASSERT_TRUE(put(*store, {0ms, true, 10}, "k"));
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0077, 0u) << entry.path();
  }
}

TEST_F(EmbeddedStoreTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(file()) << std::string(4096, 'x');
  const auto opened = openEmbeddedStore(loop_, file());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "store.open_failed");
  const auto nowhere = openEmbeddedStore(loop_, directory_ / "no" / "such.db");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().reason, "store.open_failed");
}

}  // namespace
}  // namespace parley::store
