#include "base/bytes.h"

#include <gmock/gmock.h>

#include <array>

#include "base/strong_id.h"

namespace parley::base {
namespace {

using ::testing::ElementsAre;

TEST(ByteReader, ReadsBigEndianInOrder) {
  const Buffer data = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0xff, 0xfe};
  ByteReader reader(data);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u24(), 0x040506u);
  EXPECT_EQ(reader.u32(), 0x0708090au);
  EXPECT_EQ(reader.u64(), 0x0b0c0d0e0f101112u);
  EXPECT_EQ(reader.position(), 18u);
  EXPECT_EQ(reader.remaining(), 2u);
  EXPECT_THAT(reader.rest(), ElementsAre(0xff, 0xfe));
  EXPECT_THAT(reader.bytes(2), ElementsAre(0xff, 0xfe));
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, HighBitsAreNotSigns) {
  const Buffer data(8, 0xff);
  EXPECT_EQ(ByteReader(data).u16(), 0xffff);
  EXPECT_EQ(ByteReader(data).u24(), 0xffffffu);
  EXPECT_EQ(ByteReader(data).u32(), 0xffffffffu);
  EXPECT_EQ(ByteReader(data).u64(), 0xffffffffffffffffu);
}

// Each read is tried on every length that is too short for it, in a buffer of just that size.
TEST(ByteReader, AShortReadFailsForGood) {
  const std::array<std::pair<std::size_t, std::uint64_t (*)(ByteReader&)>, 5> reads = {{
      {1, [](ByteReader& r) { return std::uint64_t{r.u8()}; }},
      {2, [](ByteReader& r) { return std::uint64_t{r.u16()}; }},
      {3, [](ByteReader& r) { return std::uint64_t{r.u24()}; }},
      {4, [](ByteReader& r) { return std::uint64_t{r.u32()}; }},
      {8, [](ByteReader& r) { return r.u64(); }},
  }};
  for (const auto& [size, read] : reads) {
    for (std::size_t have = 0; have < size; ++have) {
      const Buffer data(have, 0xaa);
      ByteReader reader(data);
      read(reader);
      EXPECT_FALSE(reader.ok()) << size << " of " << have;
      EXPECT_EQ(reader.remaining(), 0u);
      EXPECT_TRUE(reader.rest().empty());
      EXPECT_EQ(reader.u8(), 0) << "a failed reader must not go on";
    }
  }
}

TEST(ByteReader, HugeCountsDoNotWrap) {
  const Buffer data(4, 1);
  ByteReader reader(data);
  reader.u8();
  EXPECT_TRUE(reader.bytes(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
  ByteReader other(data);
  other.u8();
  other.skip(SIZE_MAX);
  EXPECT_FALSE(other.ok());
  EXPECT_EQ(other.position(), 1u);
}

TEST(ByteReader, EmptyInputIsNotAFailureUntilRead) {
  ByteReader reader(Bytes{});
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.bytes(0).empty());
  EXPECT_TRUE(reader.ok());
  reader.u8();
  EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesWhatTheReaderReads) {
  std::array<std::uint8_t, 23> space{};
  space.fill(0xee);
  ByteWriter writer(space);
  writer.u8(0x01);
  writer.u16(0x8203);
  writer.u24(0x840506);
  writer.u32(0x8708090a);
  writer.u64(0x8b0c0d0e0f101112);
  writer.zeros(2);
  writer.bytes(asBytes("abc"));
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.space(), 0u);
  ByteReader reader(writer.written());
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x8203);
  EXPECT_EQ(reader.u24(), 0x840506u);
  EXPECT_EQ(reader.u32(), 0x8708090au);
  EXPECT_EQ(reader.u64(), 0x8b0c0d0e0f101112u);
  EXPECT_EQ(reader.u16(), 0);
  EXPECT_EQ(asText(reader.bytes(3)), "abc");
}

TEST(ByteWriter, AWriteThatDoesNotFitChangesNothing) {
  std::array<std::uint8_t, 3> space{9, 9, 9};
  ByteWriter writer(space);
  writer.u16(0x0102);
  writer.u16(0x0304);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2u);
  writer.u8(5);
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(space, ElementsAre(1, 2, 9));
}

TEST(ByteWriter, HugeCountsDoNotWrap) {
  std::array<std::uint8_t, 3> space{};
  ByteWriter writer(space);
  writer.u8(1);
  volatile std::size_t huge = SIZE_MAX;  // Hidden from the compiler's own warning.
  writer.zeros(huge);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 1u);
}

struct ThisTag;
struct OtherTag;
using ThisId = StrongId<ThisTag, std::uint32_t>;
using OtherId = StrongId<OtherTag, std::uint32_t>;
static_assert(!std::is_convertible_v<std::uint32_t, ThisId>);
static_assert(!std::is_convertible_v<ThisId, OtherId>);
static_assert(!std::is_constructible_v<ThisId, OtherId>);

TEST(StrongId, ComparesAndHashesAsItsValue) {
  EXPECT_EQ(ThisId{7}, ThisId{7});
  EXPECT_LT(ThisId{7}, ThisId{8});
  EXPECT_EQ(ThisId{}.value(), 0u);
  EXPECT_EQ(std::hash<ThisId>{}(ThisId{7}), std::hash<std::uint32_t>{}(7));
}

}  // namespace
}  // namespace parley::base
