#include "proto/rtp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley::proto {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using Raw = std::vector<std::uint8_t>;

Raw fixed(std::uint8_t first, std::uint8_t second) {
  return {first, second, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xaa, 0xbb, 0xcc, 0xdd};
}
Raw operator+(Raw a, const Raw& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<std::pair<int, std::string>> elements(const RtpView& view) {
  std::vector<std::pair<int, std::string>> out;
  RtpExtensionReader reader(view);
  while (const auto element = reader.next()) out.emplace_back(element->id, base::asText(element->value));
  return out;
}

RtpView viewOf(const Raw& packet) {
  const auto view = parseRtp(packet);
  EXPECT_TRUE(view.has_value());
  return view.value_or(RtpView{});
}

TEST(Rtp, ReadsTheFixedHeader) {
  const Raw packet = fixed(0x80, 0xef) + Raw{1, 2, 3};
  const RtpView view = viewOf(packet);
  EXPECT_EQ(view.header, (RtpHeader{true, 0x6f, 0x1234, 0x01020304, 0xaabbccdd}));
  EXPECT_EQ(view.headerSize, 12u);
  EXPECT_EQ(view.payloadSize, 3u);
  EXPECT_TRUE(elements(view).empty());
}

TEST(Rtp, ReadsCsrcsExtensionAndPadding) {
  const Raw packet = fixed(0xb2, 0x60) + Raw{0, 0, 0, 1, 0, 0, 0, 2} +
                     Raw{0xbe, 0xde, 0, 1, 0x10, 'x', 0, 0} + Raw{'p', 'l', 0, 0, 3};
  const RtpView view = viewOf(packet);
  EXPECT_EQ(view.csrcCount, 2);
  EXPECT_EQ(view.headerSize, 28u);
  EXPECT_EQ(view.payloadSize, 2u);
  EXPECT_EQ(view.paddingSize, 3u);
  EXPECT_THAT(elements(view), ElementsAre(std::pair(1, "x")));
}

TEST(Rtp, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(parseRtp({}));
  EXPECT_FALSE(parseRtp(Raw(11, 0x80)));
  EXPECT_FALSE(parseRtp(fixed(0x40, 0)));                                      // Version 1.
  EXPECT_FALSE(parseRtp(fixed(0x81, 0)));                                      // A CSRC that is not there.
  EXPECT_FALSE(parseRtp(fixed(0x90, 0)));                                      // No extension head.
  EXPECT_FALSE(parseRtp(fixed(0x90, 0) + Raw{0xbe, 0xde, 0, 2, 0, 0, 0, 0}));  // Extension cut short.
  EXPECT_FALSE(parseRtp(fixed(0xa0, 0)));                                      // Padding of nothing.
  EXPECT_FALSE(parseRtp(fixed(0xa0, 0) + Raw{0}));
  EXPECT_FALSE(parseRtp(fixed(0xa0, 0) + Raw{1, 3}));
}

TEST(Rtp, ReadsOneByteExtensions) {
  const Raw ok = fixed(0x90, 0) + Raw{0xbe, 0xde, 0, 2, 0x11, 'a', 'b', 0, 0, 0x20, 'c', 0};
  EXPECT_THAT(elements(viewOf(ok)), ElementsAre(std::pair(1, "ab"), std::pair(2, "c")));
  const Raw stop = fixed(0x90, 0) + Raw{0xbe, 0xde, 0, 1, 0x10, 'a', 0xf0, 'b'};
  EXPECT_THAT(elements(viewOf(stop)), ElementsAre(std::pair(1, "a")));
  const Raw tooLong = fixed(0x90, 0) + Raw{0xbe, 0xde, 0, 1, 0x10, 'a', 0x2f, 'b'};
  EXPECT_THAT(elements(viewOf(tooLong)), ElementsAre(std::pair(1, "a")));
}

TEST(Rtp, ReadsTwoByteExtensions) {
  const Raw ok = fixed(0x90, 0) + Raw{0x10, 0x03, 0, 3, 20, 2, 'a', 'b', 0, 21, 0, 22, 1, 'c', 0, 0};
  EXPECT_THAT(elements(viewOf(ok)), ElementsAre(std::pair(20, "ab"), std::pair(21, ""), std::pair(22, "c")));
  const Raw tooLong = fixed(0x90, 0) + Raw{0x10, 0, 0, 1, 20, 3, 'a', 'b'};
  EXPECT_TRUE(elements(viewOf(tooLong)).empty());
  const Raw other = fixed(0x90, 0) + Raw{0x20, 0, 0, 1, 20, 1, 'a', 'b'};
  EXPECT_TRUE(elements(viewOf(other)).empty());
}

TEST(Rtp, ExtensionWriterRefusesWhatTheFormCannotSay) {
  RtpExtensionWriter one;
  EXPECT_FALSE(one.add(15, Raw{1}));
  EXPECT_FALSE(one.add(1, Raw(17)));
  EXPECT_FALSE(one.add(1, {}));
  EXPECT_TRUE(one.finish().empty());
  RtpExtensionWriter two(RtpExtensionWriter::Form::twoByte);
  EXPECT_TRUE(two.add(200, Raw(17)));
  for (int i = 0; i < 20; ++i) two.add(201, Raw(17));
  EXPECT_LE(two.finish().size(), RtpExtensionWriter::kMaxBytes);
}

struct Slot {
  Raw bytes;
  Packet packet;
  Slot(std::size_t headroom, const Raw& data, std::size_t tailroom) : bytes(headroom) {
    bytes = bytes + data + Raw(tailroom);
    packet = {bytes, headroom, data.size()};
  }
};

TEST(Rtp, RewritesInPlaceWithoutMovingThePayload) {
  const Raw data =
      fixed(0xb1, 0x60) + Raw{9, 9, 9, 9} + Raw{0xbe, 0xde, 0, 1, 0x10, 'x', 0, 0} + Raw{'p', 'a', 'y', 0, 2};
  Slot slot(64, data, 8);
  const RtpView view = viewOf(data);
  RtpExtensionWriter writer;
  writer.add(3, base::asBytes("video"));
  writer.add(4, Raw{1, 2, 3});
  const std::uint8_t* payload = &slot.packet.data()[view.headerSize];
  ASSERT_TRUE(rewriteRtp(slot.packet, view, {false, 96, 7, 8, 9}, writer.finish()));
  const auto again = parseRtp(slot.packet.data());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->header, (RtpHeader{false, 96, 7, 8, 9}));
  EXPECT_EQ(again->csrcCount, 1);
  EXPECT_EQ(again->paddingSize, 0u);
  EXPECT_THAT(elements(*again), ElementsAre(std::pair(3, "video"), std::pair(4, "\1\2\3")));
  EXPECT_EQ(&slot.packet.data()[again->headerSize], payload);
  EXPECT_EQ(base::asText(slot.packet.data().subspan(again->headerSize)), "pay");
  EXPECT_EQ(slot.packet.data()[12], 9);  // The CSRC.
}

TEST(Rtp, MovesThePayloadWhenThereIsNoHeadroom) {
  const Raw data = fixed(0x80, 0x60) + Raw{'p', 'a', 'y'};
  const RtpView view = viewOf(data);
  RtpExtensionWriter writer;
  writer.add(3, base::asBytes("abc"));
  const base::Bytes block = writer.finish();
  Slot roomy(0, data, 8);
  ASSERT_TRUE(rewriteRtp(roomy.packet, view, {false, 96, 7, 8, 9}, block));
  EXPECT_EQ(base::asText(roomy.packet.data().last(3)), "pay");
  EXPECT_THAT(elements(*parseRtp(roomy.packet.data())), ElementsAre(std::pair(3, "abc")));
  Slot tight(0, data, 7);
  EXPECT_FALSE(rewriteRtp(tight.packet, view, {false, 96, 7, 8, 9}, block));
  EXPECT_THAT(tight.packet.data(), ElementsAreArray(data));
}

TEST(Rtp, RtxRoundTrip) {
  const Raw data = fixed(0xb0, 0xe0) + Raw{0xbe, 0xde, 0, 1, 0x10, 'x', 0, 0} + Raw{'p', 'a', 'y', 1};
  Raw rtx(100);
  const std::size_t size = writeRtx(data, 97, 0x11223344, 500, rtx);
  ASSERT_EQ(size, data.size() - 1 + 2);  // Without the padding, with the OSN.
  rtx.resize(size);
  const RtpView view = viewOf(rtx);
  EXPECT_EQ(view.header, (RtpHeader{true, 97, 500, 0x01020304, 0x11223344}));
  EXPECT_EQ(rtxOriginalSequence(rtx, view), 0x1234);
  Slot slot(32, rtx, 0);
  ASSERT_TRUE(rewriteRtp(slot.packet, view, {true, 0x60, 0x1234, 0x01020304, 0xaabbccdd}, {}, 2));
  EXPECT_EQ(base::asText(slot.packet.data().subspan(12)), "pay");
  Raw small(size - 1);
  EXPECT_EQ(writeRtx(data, 97, 1, 2, small), 0u);
  EXPECT_FALSE(rtxOriginalSequence(fixed(0x80, 97) + Raw{1}, viewOf(fixed(0x80, 97) + Raw{1})));
}

TEST(Rtp, PatchesOneExtension) {
  Raw packet = fixed(0x90, 0) + Raw{0xbe, 0xde, 0, 2, 0x10, 'a', 0x22, 1, 2, 3, 0, 0};
  EXPECT_TRUE(patchRtpExtension(packet, 2, Raw{7, 8, 9}));
  EXPECT_THAT(elements(viewOf(packet)), ElementsAre(std::pair(1, "a"), std::pair(2, "\7\10\11")));
  EXPECT_FALSE(patchRtpExtension(packet, 1, Raw{7, 8}));
  EXPECT_FALSE(patchRtpExtension(packet, 5, Raw{7}));
}

}  // namespace
}  // namespace parley::proto
