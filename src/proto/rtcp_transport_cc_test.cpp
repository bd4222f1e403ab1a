#include "proto/rtcp_transport_cc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

namespace parley::proto {
namespace {

using Arrivals = std::vector<TransportCcArrival>;

struct Message {
  RtcpTransportCc head;
  std::vector<TransportCcStatus> statuses;
};

/// Writes, reads back, and checks that what came out is what went in.
std::size_t roundTrip(std::uint16_t base, const Arrivals& arrivals, Message* out = nullptr,
                      std::size_t space = 1200) {
  std::vector<std::uint8_t> buffer(space);
  RtcpWriter to(buffer);
  const std::size_t done = writeTransportCc(to, 1, 2, base, 9, arrivals);
  if (done == 0) return 0;
  RtcpReader reader(to.written());
  const auto block = reader.next();
  EXPECT_TRUE(block && !reader.next() && reader.ok());
  const auto head = parseTransportCc(*block);
  EXPECT_TRUE(head);
  std::map<std::uint16_t, std::int64_t> expected;
  for (std::size_t i = 0; i < done; ++i) expected[arrivals[i].sequence] = arrivals[i].ticks;
  TransportCcReader statuses(*head);
  Message message{*head, {}};
  std::size_t received = 0;
  while (const auto status = statuses.next()) {
    message.statuses.push_back(*status);
    if (!status->ticks) {
      EXPECT_FALSE(expected.contains(status->sequence)) << status->sequence;
      continue;
    }
    ++received;
    // The reference time is 24 bits of 64 ms.
    constexpr std::int64_t kWrap = std::int64_t{1} << 32;
    EXPECT_EQ((*status->ticks - expected[status->sequence]) % kWrap, 0) << status->sequence;
  }
  EXPECT_TRUE(statuses.ok());
  EXPECT_EQ(received, done);
  EXPECT_EQ(message.statuses.size(), head->statusCount);
  if (out != nullptr) *out = message;
  return done;
}

TEST(TransportCc, SaysWhatCameAndWhatIsMissing) {
  Message message;
  EXPECT_EQ(roundTrip(10, {{10, 1000}, {11, 1004}, {14, 1300}, {15, 1299}}, &message), 4u);
  EXPECT_EQ(message.head.baseSequence, 10);
  EXPECT_EQ(message.head.statusCount, 6);
  EXPECT_EQ(message.head.referenceTime, 3);  // 1000 / 256
  EXPECT_EQ(message.head.feedbackCount, 9);
  EXPECT_FALSE(message.statuses[2].ticks);
  EXPECT_FALSE(message.statuses[3].ticks);
}

TEST(TransportCc, MissingAtTheStartAndSequenceWrap) {
  Message message;
  EXPECT_EQ(roundTrip(65530, {{65533, 0}, {65535, 10}, {0, 20}, {3, 30}}, &message), 4u);
  EXPECT_EQ(message.head.statusCount, 10);
  EXPECT_FALSE(message.statuses[0].ticks);
}

TEST(TransportCc, ReferenceTimeWrapsAndMayBeNegative) {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{-300}, (std::int64_t{1} << 31) - 2,
                                   (std::int64_t{1} << 32) - 3, (std::int64_t{1} << 45) + 77})
    EXPECT_EQ(roundTrip(1, {{1, start}, {2, start + 5}, {3, start + 400}}), 3u) << start;
}

TEST(TransportCc, LongRunsAndMixedChunks) {
  Arrivals arrivals;
  std::int64_t ticks = 5;
  for (std::uint16_t i = 0; i < 400; ++i) {
    if (i > 100 && i < 200 && i % 3 == 0) continue;
    ticks += i > 250 && i % 5 == 0 ? 300 : 4;
    arrivals.push_back({i, ticks});
  }
  EXPECT_EQ(roundTrip(0, arrivals), arrivals.size());
}

TEST(TransportCc, GreatGapsStartAnotherMessage) {
  EXPECT_EQ(roundTrip(0, {{0, 0}, {1, 1}, {2000, 2}}), 2u);
  EXPECT_EQ(roundTrip(0, {{2000, 2}}), 0u);
  EXPECT_EQ(roundTrip(0, {{0, 0}, {1, 40'000}}), 1u);  // Over 8.19 s.
  EXPECT_EQ(roundTrip(0, {{0, 40'000}, {1, 0}}), 1u);
}

TEST(TransportCc, StopsWhereTheSpaceEnds) {
  Arrivals arrivals;
  for (std::uint16_t i = 0; i < 200; ++i) arrivals.push_back({i, i * 300});
  std::size_t at = 0, messages = 0;
  while (at < arrivals.size()) {
    const Arrivals rest(arrivals.begin() + static_cast<std::ptrdiff_t>(at), arrivals.end());
    const std::size_t done = roundTrip(rest.front().sequence, rest, nullptr, 120);
    ASSERT_GT(done, 0u);
    at += done;
    ++messages;
  }
  EXPECT_GT(messages, 2u);
  EXPECT_EQ(roundTrip(0, arrivals, nullptr, 20), 0u);
}

TEST(TransportCc, RefusesChunksThatEndEarly) {
  const auto statuses = [](std::vector<std::uint8_t> chunks, std::uint16_t count) {
    RtcpTransportCc head;
    head.statusCount = count;
    head.chunks = chunks;
    TransportCcReader reader(head);
    std::size_t seen = 0;
    while (reader.next()) ++seen;
    return std::pair(seen, reader.ok());
  };
  EXPECT_EQ(statuses({}, 1), std::pair(std::size_t{0}, false));
  EXPECT_EQ(statuses({0x20, 2, 5}, 2), std::pair(std::size_t{1}, false));     // A delta is missing.
  EXPECT_EQ(statuses({0x60, 1, 0, 0}, 1), std::pair(std::size_t{0}, false));  // Symbol 3.
  EXPECT_EQ(statuses({0x00, 0x00}, 5), std::pair(std::size_t{0}, false));     // A run of nothing.
  EXPECT_EQ(statuses({0x1f, 0xff}, 8191), std::pair(std::size_t{8191}, true));
}

}  // namespace
}  // namespace parley::proto
