#include "assist/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::assist {
namespace {

using ::testing::ElementsAre;
constexpr base::Millis kSearchDeadline{20'000};

struct Shelf : ::testing::Test {
  explicit Shelf() { open({}); }
  void open(LibraryLimits limits) {
    library = std::make_unique<Library>(*store, random, limits);
    bool loaded = false;
    library->load([&](base::Result<std::size_t> result) { loaded = result.has_value(); });
    EXPECT_TRUE(loop.runUntil([&] { return loaded; }, kSearchDeadline));
  }
  static LibraryItem item(const std::string& name, const std::string& kind) {
    LibraryItem out;
    out.name = name;
    out.kind = kind;
    out.by = "supervisor1";
    out.at = 1;
    if (kind == "document") out.type = {"application/pdf", "document"};
    if (kind == "link") out.url = "https://example.com/";
    return out;
  }
  std::string add(LibraryItem what, ContentBytes bytes = nullptr) {
    std::optional<base::Result<LibraryItem>> done;
    library->add(std::move(what), std::move(bytes),
                 [&](base::Result<LibraryItem> r) { done = std::move(r); });
    EXPECT_TRUE(loop.runUntil([&] { return done.has_value(); }, kSearchDeadline));
    return *done ? (*done)->id : done->error().reason;
  }
  std::string read(const std::string& id) {
    std::optional<base::Result<ContentBytes>> done;
    library->content(id, [&](base::Result<ContentBytes> r) { done = std::move(r); });
    EXPECT_TRUE(loop.runUntil([&] { return done.has_value(); }, kSearchDeadline));
    return *done ? ***done : done->error().reason;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const LibraryItem& each : library->items()) out.push_back(each.name);
    return out;
  }
  net::EventLoop loop{"test"};
  base::FakeRandom random;
  std::unique_ptr<store::Store> store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  std::unique_ptr<Library> library;
};

TEST_F(Shelf, KeepsLargeContentsOverARestart) {
  std::string bytes = "%PDF-1.7";
  for (int i = 0; bytes.size() < 700'000; ++i) bytes += std::to_string(i);
  const std::string id = add(item("Prices.pdf", "document"), std::make_shared<const std::string>(bytes));
  const std::string link = add(item("Home", "link"));
  EXPECT_EQ(read(id), bytes);
  open({});
  EXPECT_THAT(names(), ElementsAre("Prices.pdf", "Home"));
  EXPECT_EQ(read(id), bytes);
  EXPECT_EQ(library->find(id)->type.type, "application/pdf");
  EXPECT_EQ(library->bytes(), bytes.size());
  EXPECT_EQ(read(link), "library.unknown");
  ASSERT_TRUE(library->remove(id));
  open({});
  EXPECT_THAT(names(), ElementsAre("Home"));
  std::optional<std::size_t> pieces;
  store->bucket("library_content", {})->list("", [&](base::Result<std::vector<store::Entry>> found) {
    pieces = found->size();
  });
  EXPECT_TRUE(loop.runUntil([&] { return pieces.has_value(); }, kSearchDeadline));
  EXPECT_EQ(*pieces, 0u);
}

TEST_F(Shelf, ChangesAndOrderStay) {
  const std::string a = add(item("a", "link")), b = add(item("b", "link")), c = add(item("c", "link"));
  LibraryItem changed = *library->find(b);
  changed.name = "B";
  changed.enabled = false;
  library->change(changed, [](base::Result<LibraryItem>) {});
  ASSERT_TRUE(library->reorder({c, a}));
  EXPECT_FALSE(library->reorder({c, "nothing"}));
  open({});
  EXPECT_THAT(names(), ElementsAre("c", "a", "B"));
  EXPECT_FALSE(library->find(b)->enabled);
  EXPECT_EQ(library->remove("nothing").error().reason, "library.unknown");
}

TEST_F(Shelf, IsBounded) {
  LibraryLimits limits;
  limits.maxItems = 2;
  limits.maxBytes = 1'000;
  open(limits);
  EXPECT_EQ(add(item("a", "document"), std::make_shared<const std::string>(1'001, 'x')), "library.full");
  add(item("a", "document"), std::make_shared<const std::string>(1'000, 'x'));
  EXPECT_EQ(add(item("b", "document"), std::make_shared<const std::string>(1, 'x')), "library.full");
  add(item("b", "link"));
  EXPECT_EQ(add(item("c", "link")), "library.full");
}

TEST_F(Shelf, AnUnfinishedItemIsRemovedAtTheNextStart) {
  LibraryItem half = item("half", "document");
  half.id = "half";
  half.size = 400'000;
  half.pending = true;
  store->bucket("library", {})->put("half", half.toJson(), [](base::Result<store::Revision>) {});
  store->bucket("library_content", {})->put("half.0", "x", [](base::Result<store::Revision>) {});
  open({});
  EXPECT_TRUE(names().empty());
  std::optional<bool> there;
  store->bucket("library_content", {})->get("half.0", [&](base::Result<store::Entry> e) {
    there = e.has_value();
  });
  EXPECT_TRUE(loop.runUntil([&] { return there.has_value(); }, kSearchDeadline));
  EXPECT_FALSE(*there);
}

TEST_F(Shelf, WhatTheStoreDoesNotTakeIsNotThere) {
  const std::string endless(300 * 1024, 'x');
  EXPECT_EQ(add(item(endless, "link")), "store.too_large");
  EXPECT_EQ(add(item(endless, "document"), std::make_shared<const std::string>("%PDF-1.7")),
            "store.too_large");
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(library->bytes(), 0u) << "and takes no room";
  const std::string id = add(item("Home", "link"));
  LibraryItem changed = *library->find(id);
  changed.name = endless;
  std::optional<std::string> reason;
  library->change(changed, [&](base::Result<LibraryItem> r) { reason = r ? "" : r.error().reason; });
  EXPECT_TRUE(loop.runUntil([&] { return reason.has_value(); }, kSearchDeadline));
  EXPECT_EQ(reason, "store.too_large");
  EXPECT_THAT(names(), ElementsAre("Home"));
}

TEST_F(Shelf, ManyWhoReadAtOnceHoldOneContent) {
  const std::string bytes = "%PDF-1.7" + std::string(500'000, 'x');
  const std::string id = add(item("Prices.pdf", "document"), std::make_shared<const std::string>(bytes));
  open({});
  std::vector<ContentBytes> got;
  for (int i = 0; i < 5; ++i) {
    library->content(id, [&](base::Result<ContentBytes> r) { got.push_back(r.value_or(nullptr)); });
  }
  EXPECT_TRUE(loop.runUntil([&] { return got.size() == 5; }, kSearchDeadline));
  EXPECT_EQ(*got.front(), bytes);
  for (const ContentBytes& each : got) EXPECT_EQ(each, got.front());
}

}  // namespace
}  // namespace parley::assist
