#include "proto/rtcp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace parley::proto {
namespace {

using ::testing::ElementsAre;
using Raw = std::vector<std::uint8_t>;

struct Written {
  std::array<std::uint8_t, 2048> buffer{};
  RtcpWriter to{buffer};
  std::vector<RtcpBlock> blocks() {
    EXPECT_TRUE(to.ok());
    std::vector<RtcpBlock> out;
    RtcpReader reader(to.written());
    while (const auto block = reader.next()) out.push_back(*block);
    EXPECT_TRUE(reader.ok());
    return out;
  }
};

TEST(Rtcp, CompoundRoundTrip) {
  Written w;
  const RtcpReportBlock a{1, 128, -5, 0x10002, 77, 0x11223344, 65536};
  const RtcpReportBlock b{2, 255, 0x7fffff, 9, 0, 0, 0};
  const RtcpReportBlock both[] = {a, b};
  const std::uint32_t ssrcs[] = {10, 11};
  w.to.senderReport(10, {0x0123456789abcdef, 42, 100, 2000}, both);
  w.to.receiverReport(11, {});
  w.to.cname(ssrcs, "cname");
  w.to.bye(ssrcs);
  const auto blocks = w.blocks();
  ASSERT_EQ(blocks.size(), 4u);
  const auto sr = parseReport(blocks[0]);
  ASSERT_TRUE(sr && sr->sender);
  EXPECT_EQ(*sr->sender, (RtcpSenderInfo{0x0123456789abcdef, 42, 100, 2000}));
  ASSERT_EQ(sr->size(), 2u);
  EXPECT_EQ(sr->block(0), a);
  EXPECT_EQ(sr->block(1), b);
  const auto rr = parseReport(blocks[1]);
  ASSERT_TRUE(rr);
  EXPECT_FALSE(rr->sender);
  EXPECT_EQ(rr->ssrc, 11u);
  EXPECT_EQ(rr->size(), 0u);
  RtcpSdesReader sdes(blocks[2]);
  for (const std::uint32_t ssrc : ssrcs) {
    const auto item = sdes.next();
    ASSERT_TRUE(item);
    EXPECT_EQ(item->ssrc, ssrc);
    EXPECT_EQ(item->type, 1);
    EXPECT_EQ(item->text, "cname");
  }
  EXPECT_FALSE(sdes.next());
  EXPECT_TRUE(sdes.ok());
  const auto bye = parseBye(blocks[3]);
  ASSERT_TRUE(bye);
  EXPECT_EQ(bye->size(), 2u);
  EXPECT_EQ((*bye)[1], 11u);
}

TEST(Rtcp, CumulativeLostIsClamped) {
  for (const auto& [in, out] : {std::pair(0x1000000, 0x7fffff), std::pair(-0x1000000, -0x800000)}) {
    Written w;
    RtcpReportBlock block;
    block.cumulativeLost = in;
    w.to.receiverReport(1, {&block, 1});
    EXPECT_EQ(parseReport(w.blocks()[0])->block(0).cumulativeLost, out);
  }
}

TEST(Rtcp, CnamesOfEveryLengthEndInAZero) {
  for (std::size_t length = 0; length <= 260; ++length) {
    Written w;
    const std::uint32_t ssrcs[] = {1, 2};
    w.to.cname(ssrcs, std::string(length, 'x'));
    RtcpSdesReader sdes(w.blocks()[0]);
    EXPECT_EQ(sdes.next()->text.size(), std::min<std::size_t>(length, 255));
    EXPECT_EQ(sdes.next()->ssrc, 2u);
    EXPECT_FALSE(sdes.next());
    EXPECT_TRUE(sdes.ok());
  }
}

TEST(Rtcp, NackGroupsNumbersAcrossTheWrap) {
  Written w;
  const std::uint16_t missing[] = {65534, 65535, 0, 14, 15, 40};
  w.to.nack(1, 2, missing);
  const auto nack = parseNack(w.blocks()[0]);
  ASSERT_TRUE(nack);
  EXPECT_EQ(nack->mediaSsrc, 2u);
  std::vector<std::uint16_t> got;
  for (std::size_t i = 0; i < nack->size(); ++i) {
    got.push_back(nack->packetId(i));
    for (unsigned bit = 0; bit < 16; ++bit)
      if (nack->bitmask(i) >> bit & 1) got.push_back(static_cast<std::uint16_t>(nack->packetId(i) + bit + 1));
  }
  EXPECT_THAT(got, ElementsAre(65534, 65535, 0, 14, 15, 40));
  EXPECT_EQ(nack->size(), 3u);  // 65534 reaches to 14; 15 is one more; 40.
}

TEST(Rtcp, PayloadFeedbackRoundTrip) {
  Written w;
  const std::uint32_t ssrcs[] = {7, 8, 9};
  w.to.pli(1, 2);
  w.to.fir(3, 4, 250);
  w.to.remb(5, 1'234'567, ssrcs);
  const auto blocks = w.blocks();
  EXPECT_EQ(parsePli(blocks[0])->mediaSsrc, 2u);
  EXPECT_FALSE(parsePli(blocks[1]));
  const auto fir = parseFir(blocks[1]);
  ASSERT_TRUE(fir);
  ASSERT_EQ(fir->size(), 1u);
  EXPECT_EQ(fir->ssrc(0), 4u);
  EXPECT_EQ(fir->sequence(0), 250);
  const auto remb = parseRemb(blocks[2]);
  ASSERT_TRUE(remb);
  EXPECT_NEAR(static_cast<double>(remb->bitrate), 1'234'567, 1'234'567 / 131072.0);
  ASSERT_EQ(remb->ssrcs.size(), 3u);
  EXPECT_EQ(remb->ssrcs[2], 9u);
}

TEST(Rtcp, RembSaturates) {
  Written w;
  w.to.remb(5, std::numeric_limits<std::uint64_t>::max(), {});
  EXPECT_GE(parseRemb(w.blocks()[0])->bitrate, std::uint64_t{0x3ffff} << 46);
  Raw raw = {0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0xff, 0xff, 0xff};
  RtcpReader reader(raw);
  EXPECT_EQ(parseRemb(*reader.next())->bitrate, std::numeric_limits<std::uint64_t>::max());
  raw[16] = 1;  // Promises an SSRC that is not there.
  RtcpReader shorter(raw);
  EXPECT_FALSE(parseRemb(*shorter.next()));
}

TEST(Rtcp, UnknownTypesArePassedOver) {
  const Raw raw = {0x80, 192, 0, 0, 0x82, 204, 0, 1, 1, 2, 3, 4, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
  RtcpReader reader(raw);
  EXPECT_EQ(static_cast<int>(reader.next()->type), 192);
  EXPECT_EQ(reader.next()->type, RtcpType::app);
  EXPECT_TRUE(parsePli(*reader.next()));
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.ok());
}

TEST(Rtcp, RefusesBadLengthsVersionAndPadding) {
  const Raw bad[] = {{0x80, 201, 0},
                     {0x40, 201, 0, 0},
                     {0x80, 201, 0, 2, 0, 0, 0, 1},
                     {0xa0, 201, 0, 0},
                     {0xa0, 201, 0, 1, 0, 0, 0, 0},
                     {0xa0, 201, 0, 1, 0, 0, 0, 5}};
  for (const Raw& raw : bad) {
    RtcpReader reader(raw);
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.ok());
    EXPECT_FALSE(reader.next());
  }
}

TEST(Rtcp, BlocksThatPromiseMoreThanTheyHoldAreRefused) {
  const Raw words(8, 0);
  EXPECT_FALSE(parseReport({RtcpType::receiverReport, 1, words}));
  EXPECT_FALSE(parseReport({RtcpType::senderReport, 0, words}));
  EXPECT_FALSE(parseBye({RtcpType::bye, 3, words}));
  EXPECT_FALSE(parseNack({RtcpType::transportFeedback, 1, words}));
  EXPECT_FALSE(parseFir({RtcpType::payloadFeedback, 4, words}));
  EXPECT_FALSE(parsePli({RtcpType::payloadFeedback, 1, base::Bytes(words).first(4)}));
  const Raw longItem{0, 0, 0, 1, 1, 9, 'a', 'b'};
  RtcpSdesReader sdes({RtcpType::sdes, 1, longItem});
  EXPECT_FALSE(sdes.next());
  EXPECT_FALSE(sdes.ok());
}

TEST(Rtcp, WriterLeavesOutWhatDoesNotFit) {
  std::array<std::uint8_t, 16> buffer{};
  RtcpWriter to(buffer);
  to.pli(1, 2);
  to.pli(1, 2);
  EXPECT_FALSE(to.ok());
  EXPECT_EQ(to.size(), 12u);
  const std::array<RtcpReportBlock, 32> many{};
  std::array<std::uint8_t, 2048> large{};
  RtcpWriter more(large);
  more.receiverReport(1, many);
  EXPECT_FALSE(more.ok());
  EXPECT_EQ(more.size(), 0u);
}

}  // namespace
}  // namespace parley::proto
