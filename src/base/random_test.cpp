#include "base/random.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>

#include "base/secret.h"

namespace parley::base {
namespace {

TEST(FakeRandom, RepeatsBySeed) {
  FakeRandom a(7);
  FakeRandom b(7);
  FakeRandom c(8);
  const auto first = a.u64();
  EXPECT_EQ(first, b.u64());
  EXPECT_NE(first, c.u64());
  EXPECT_NE(first, a.u64());
}

TEST(Random, AlphanumericHasOnlyItsCharactersAndTheLengthAskedFor) {
  FakeRandom random;
  for (const std::size_t size : {0u, 1u, 4u, 31u, 32u, 33u, 1000u}) {
    const std::string text = random.alphanumeric(size);
    EXPECT_EQ(text.size(), size);
    EXPECT_TRUE(std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0 && c < 128; }));
  }
}

TEST(Random, AlphanumericIsFair) {
  FakeRandom random;
  std::map<char, int> counts;
  for (const char c : random.alphanumeric(62'000)) ++counts[c];
  ASSERT_EQ(counts.size(), 62u);
  // A plain modulo would give the first eight letters 1,211 instead of 1,000.
  for (const auto& [c, count] : counts) EXPECT_NEAR(count, 1000, 150) << c;
}

// Bytes from 248 up are thrown away, however many come.
class StuckThenGood final : public Random {
 public:
  void fill(MutableBytes bytes) override { std::ranges::fill(bytes, ++calls_ < 4 ? 0xff : 61); }

 private:
  int calls_ = 0;
};

TEST(Random, AlphanumericSkipsUnfairBytes) { EXPECT_EQ(StuckThenGood().alphanumeric(3), "999"); }

TEST(SystemRandom, DoesNotRepeat) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random.u64()).second);
  random.fill({});
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Streamable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

TEST(Secret, CopiesMovesAndReveals) {
  Secret a("hunter2");
  Secret b = a;
  EXPECT_EQ(b.reveal(), "hunter2");
  Secret c = std::move(a);
  EXPECT_EQ(c.reveal(), "hunter2");
  c = Secret("other");
  EXPECT_EQ(c.reveal(), "other");
  c = b;
  EXPECT_EQ(c.reveal(), "hunter2");
  EXPECT_TRUE(Secret().empty());
}

// Short strings live inside the object, so that what is left of them can be read lawfully after the end.
TEST(Secret, IsWipedWhenDestroyed) {
  alignas(Secret) std::array<std::byte, sizeof(Secret)> place{};
  auto* secret = std::construct_at(reinterpret_cast<Secret*>(place.data()), "hunter2");
  const auto contains = [&place] {
    const std::string_view bytes(reinterpret_cast<const char*>(place.data()), place.size());
    return bytes.find("hunter2") != std::string_view::npos;
  };
  ASSERT_TRUE(contains());
  std::destroy_at(secret);
  EXPECT_FALSE(contains());
}

}  // namespace
}  // namespace parley::base
