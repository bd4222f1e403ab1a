// The smaller parts of the bridge: store, NACK list, codecs, key frames, SSRC table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtc/bridge_codecs.h"
#include "rtc/bridge_demux.h"
#include "rtc/bridge_key_frames.h"
#include "rtc/bridge_nack.h"
#include "rtc/bridge_store.h"
#include "rtc/negotiator_codecs.h"

namespace parley::rtc {
namespace {

using base::Micros;
using base::Millis;
using ::testing::ElementsAre;
using Raw = std::vector<std::uint8_t>;

// --- RetransmissionStore

struct StoreTest : testing::Test {
  RetransmissionStore store;
  RetransmissionStore::Limits limits{64, 16 * 1024, Millis(600)};
  base::Instant now = base::Instant{} + std::chrono::hours(24 * 49 + 17);  // Milliseconds wrap soon.
  void put(std::uint16_t sequence, std::size_t size) {
    store.put(Raw(size, static_cast<std::uint8_t>(sequence)), sequence, now, limits);
  }
  bool has(std::uint16_t sequence, std::size_t size) {
    const auto found = store.take(sequence, now, Micros(0));
    return found && found->size() == size && found->front() == static_cast<std::uint8_t>(sequence) &&
           found->back() == static_cast<std::uint8_t>(sequence);
  }
};

TEST_F(StoreTest, GivesBackWhatWasPutThroughManyWrapsOfTheRing) {
  std::vector<std::size_t> sizes(65536);
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    const auto sequence = static_cast<std::uint16_t>(i);
    sizes[sequence] = 1 + i * 7919 % 1200;
    put(sequence, sizes[sequence]);
    now += Millis(1);
    if (i < 20 || i % 5 != 0) continue;
    const auto recent = static_cast<std::uint16_t>(i - 3);
    ASSERT_TRUE(has(recent, sizes[recent])) << i;
  }
  EXPECT_LE(store.size(), limits.packets);
  EXPECT_LE(store.memory(), limits.bytes + 64 * 24);
}

TEST_F(StoreTest, LimitsHold) {
  for (std::uint16_t i = 0; i < 1000; ++i) put(i, 10);
  EXPECT_EQ(store.size(), limits.packets);
  EXPECT_FALSE(has(1000 - 65, 10));
  EXPECT_TRUE(has(1000 - 64, 10));
  for (std::uint16_t i = 0; i < 1000; ++i) put(i, 1000);
  EXPECT_LE(store.size(), 16u);
  EXPECT_GE(store.size(), 14u);
  put(5, limits.bytes);  // Bigger than everything: not kept.
  EXPECT_FALSE(has(5, limits.bytes));
}

TEST_F(StoreTest, MemoryFollowsTheRate) {
  EXPECT_EQ(store.memory(), 0u);
  for (std::uint16_t i = 0; i < 200; ++i) {  // 50 packets of 100 bytes per second: 30 within 600 ms.
    put(i, 100);
    now += Millis(20);
  }
  EXPECT_LE(store.memory(), 4096u + 32 * 24);
  for (std::uint16_t i = 0; i < 200; ++i) put(i, 1000);
  EXPECT_GE(store.memory(), 16'000u);
  now += Millis(400);
  put(1, 100);
  now += Millis(300);
  for (int i = 0; i < 10; ++i) store.trim(now, limits);
  EXPECT_LE(store.memory(), 4096u + 16 * 24);
  EXPECT_TRUE(has(1, 100));
  now += Millis(700);
  store.trim(now, limits);
  EXPECT_EQ(store.memory(), 0u);
}

TEST_F(StoreTest, FindsWhateverTheOrderAndGapsOfSending) {
  limits = {512, 512 * 1024, Millis(600)};
  for (std::uint32_t i = 0; i < 400; ++i) put(static_cast<std::uint16_t>(65'300 + 2 * i), 50);
  for (std::uint32_t i = 0; i < 100; ++i)
    put(static_cast<std::uint16_t>(65'301 + 2 * (i * 37 % 100)), 60);  // Late.
  for (std::uint32_t i = 0; i < 400; ++i)
    EXPECT_TRUE(has(static_cast<std::uint16_t>(65'300 + 2 * i), 50)) << i;
  for (std::uint32_t i = 0; i < 100; ++i)
    EXPECT_TRUE(has(static_cast<std::uint16_t>(65'301 + 2 * i), 60)) << i;
  // Many searches for what was never sent: each with a list of all packets would take minutes.
  for (std::uint32_t i = 0; i < 10'000'000; ++i)
    ASSERT_FALSE(store.take(static_cast<std::uint16_t>(20'000 + i % 20'000), now, Micros(0)));
}

TEST_F(StoreTest, ResendsAreSpacedAndLimited) {
  put(1, 10);
  EXPECT_TRUE(store.take(1, now, Millis(50)));
  now += Millis(49);
  EXPECT_FALSE(store.take(1, now, Millis(50)));
  now += Millis(1);
  EXPECT_TRUE(store.take(1, now, Millis(50)));
  int more = 0;
  for (int i = 0; i < 50; ++i) {
    now += Millis(10);
    more += store.take(1, now, Micros(1)).has_value();
  }
  EXPECT_EQ(more, RetransmissionStore::kMaxResends - 2);
  EXPECT_FALSE(store.take(2, now, Millis(50)));
}

// --- NackGenerator

TEST(NackGeneratorTest, RetriesByRoundTripThenGivesUp) {
  NackGenerator nack;
  base::Instant now = base::Instant{} + std::chrono::hours(1);
  std::array<std::uint16_t, 16> out;
  EXPECT_EQ(nack.nextDue(), base::Instant::max());
  ASSERT_TRUE(nack.onGap(65538, 3, now));  // 65535, 0, 1
  nack.onReceived(65536);
  EXPECT_EQ(nack.takeDue(now, Millis(40), out).count, 0u);
  EXPECT_EQ(nack.nextDue(), now + NackGenerator::kReorderDelay);
  int asked = 0;
  bool gaveUp = false;
  for (int i = 0; i < 100 && !nack.empty(); ++i) {
    now = nack.nextDue();
    const auto due = nack.takeDue(now, Millis(40), out);
    gaveUp |= due.gaveUp;
    if (due.count == 0) continue;
    ++asked;
    EXPECT_EQ(due.count, 2u);
    EXPECT_EQ(out[0], 65535);
    EXPECT_EQ(out[1], 1);
    EXPECT_EQ(nack.nextDue(), now + Millis(40));
  }
  EXPECT_EQ(asked, NackGenerator::kMaxTries);
  EXPECT_TRUE(gaveUp);
  EXPECT_EQ(nack.nextDue(), base::Instant::max());
}

TEST(NackGeneratorTest, IsBounded) {
  NackGenerator nack;
  EXPECT_TRUE(nack.onGap(1000, 200, {}));
  EXPECT_TRUE(nack.onGap(1060, 56, {}));
  EXPECT_FALSE(nack.onGap(1070, 1, {}));
  EXPECT_TRUE(nack.empty());
  EXPECT_FALSE(nack.onGap(5000, 257, {}));
}

TEST(NackGeneratorTest, ForgetsWhatAKeyFrameMakesNeedless) {
  NackGenerator nack;
  nack.onGap(10, 4, {});
  nack.forgetBefore(8);
  std::array<std::uint16_t, 16> out;
  EXPECT_EQ(nack.takeDue(base::Instant{} + Millis(100), Millis(40), out).count, 2u);
  EXPECT_EQ(out[0], 8);
  nack.forgetBefore(100);
  EXPECT_TRUE(nack.empty());
}

TEST(NackGeneratorTest, MoreThanOneMessageHoldsComesInTheNext) {
  NackGenerator nack;
  nack.onGap(100, 20, {});
  std::array<std::uint16_t, 16> out;
  const base::Instant now = base::Instant{} + Millis(10);
  EXPECT_EQ(nack.takeDue(now, Millis(40), out).count, 16u);
  EXPECT_LE(nack.nextDue(), now);
  EXPECT_EQ(nack.takeDue(now, Millis(40), out).count, 4u);
}

// --- Codecs

BridgeCodec bridgeCodec(std::uint8_t pt, std::string name, std::string fmtp = "",
                        std::uint32_t clock = 90'000, std::uint32_t channels = 1) {
  Codec c;
  c.payloadType = PayloadType(pt);
  c.name = std::move(name);
  c.clockRate = clock;
  c.channels = channels;
  c.fmtp = std::move(fmtp);
  return bridgeCodecOf(c);
}

TEST(BridgeCodecs, SameNameRateAndChannels) {
  EXPECT_TRUE(samePayload(bridgeCodec(1, "OPUS", "", 48'000, 2),
                          bridgeCodec(2, "opus", "useinbandfec=1", 48'000, 2)));
  EXPECT_FALSE(samePayload(bridgeCodec(1, "opus", "", 48'000, 2), bridgeCodec(2, "opus", "", 48'000, 1)));
  EXPECT_FALSE(samePayload(bridgeCodec(1, "telephone-event", "", 48'000),
                           bridgeCodec(2, "telephone-event", "", 8'000)));
  EXPECT_FALSE(samePayload(bridgeCodec(1, "PCMU"), bridgeCodec(1, "PCMA")));
  EXPECT_FALSE(samePayload(bridgeCodec(1, "red"), bridgeCodec(1, "red")));
}

TEST(BridgeCodecs, H264ProfilesAndModes) {
  const auto h264 = [](std::string fmtp) { return bridgeCodec(1, "H264", std::move(fmtp)); };
  const BridgeCodec base = h264("profile-level-id=42e01f;packetization-mode=1");
  EXPECT_TRUE(
      samePayload(base, h264("level-asymmetry-allowed=1; Packetization-Mode=1; profile-level-id=42C00A")));
  EXPECT_FALSE(samePayload(base, h264("packetization-mode=1")));  // The default: plain baseline.
  EXPECT_TRUE(samePayload(h264("profile-level-id=42001f"), h264("")));
  EXPECT_TRUE(samePayload(h264("profile-level-id=640008"), h264("profile-level-id=64001f")));
  EXPECT_TRUE(samePayload(base, h264("packetization-mode=1;profile-level-id=4d8034")));  // Main, constrained.
  EXPECT_FALSE(samePayload(base, h264("profile-level-id=42e01f")));                      // Mode 0.
  EXPECT_FALSE(samePayload(base, h264("packetization-mode=1;profile-level-id=4d001f")));  // Main.
  EXPECT_FALSE(samePayload(h264("profile-level-id=64001f"), h264("profile-level-id=640c1f")));
  EXPECT_TRUE(samePayload(h264("profile-level-id=zzzzzz"), h264("profile-level-id=")));
}

TEST(BridgeCodecs, H264PairsAsItWasNegotiated) {
  const auto h264 = [](std::uint8_t payloadType, std::string id) {
    Codec c;
    c.payloadType = PayloadType(payloadType);
    c.name = "H264";
    c.clockRate = 90'000;
    c.fmtp = "packetization-mode=1;profile-level-id=" + id;
    return c;
  };
  std::vector<Codec> all;
  for (const char* profile : {"42", "4d", "58", "64", "6e"})
    for (const char* iop : {"00", "08", "0c", "40", "80", "c0", "e0"})
      all.push_back(h264(1, std::string(profile) + iop + "1f"));
  for (const Codec& a : all)
    for (const Codec& b : all)
      EXPECT_EQ(samePayload(bridgeCodecOf(a), bridgeCodecOf(b)), sameCodec(a, b)) << a.fmtp << " " << b.fmtp;
  // A browser offers both: each keeps its own number.
  const std::vector<BridgeCodec> from{bridgeCodecOf(h264(102, "42001f")), bridgeCodecOf(h264(106, "42e01f"))};
  const std::vector<BridgeCodec> to{bridgeCodecOf(h264(97, "42001f")), bridgeCodecOf(h264(99, "42e01f"))};
  const PayloadRoutes routes = routesBetween(from, to);
  EXPECT_EQ(routes[102].target, 97);
  EXPECT_EQ(routes[106].target, 99);
  // An answer that says baseline for the constrained one that it was offered.
  EXPECT_EQ(routesBetween({from[1]}, {to[0]})[106].target, 97);
  EXPECT_EQ(routesBetween({from[1]}, {bridgeCodecOf(h264(97, "4d001f"))})[106].target, kNoPayloadType);
}

TEST(BridgeCodecs, Vp9AndAv1Profiles) {
  EXPECT_TRUE(samePayload(bridgeCodec(1, "VP9"), bridgeCodec(2, "vp9", "profile-id=0")));
  EXPECT_FALSE(samePayload(bridgeCodec(1, "VP9", "profile-id=2"), bridgeCodec(2, "VP9", "profile-id=0")));
  EXPECT_FALSE(
      samePayload(bridgeCodec(1, "AV1", "profile=1"), bridgeCodec(2, "AV1", "level-idx=5;profile=0")));
}

TEST(BridgeCodecs, RoutesNameTheOtherLegsNumbers) {
  std::vector<BridgeCodec> from{bridgeCodec(96, "VP8"), bridgeCodec(98, "VP9")};
  from[0].rtx = 97;
  const std::vector<BridgeCodec> to{bridgeCodec(100, "H264"), bridgeCodec(120, "VP8")};
  const PayloadRoutes routes = routesBetween(from, to);
  EXPECT_EQ(routes[96].kind, PayloadRoute::Kind::media);
  EXPECT_EQ(routes[96].target, 120);
  EXPECT_EQ(routes[96].targetCodec, 1);
  EXPECT_EQ(routes[97].kind, PayloadRoute::Kind::rtx);
  EXPECT_EQ(routes[97].codec, 0);
  EXPECT_EQ(routes[98].target, kNoPayloadType);
  EXPECT_EQ(routes[99].kind, PayloadRoute::Kind::none);
}

// --- Key frames

TEST(KeyFrames, Vp8) {
  const auto key = [](Raw payload) { return startsKeyFrame(VideoFormat::vp8, payload); };
  EXPECT_TRUE(key({0x10, 0x00}));
  EXPECT_FALSE(key({0x10, 0x01}));
  EXPECT_FALSE(key({0x00, 0x00}));                         // Not the start of a partition.
  EXPECT_FALSE(key({0x11, 0x00}));                         // Another partition.
  EXPECT_TRUE(key({0x90, 0x80, 0x05, 0x00}));              // 7-bit picture id.
  EXPECT_TRUE(key({0x90, 0xf0, 0x85, 0x01, 7, 8, 0x00}));  // 15 bits, TL0PICIDX, TID.
  EXPECT_FALSE(key({0x90, 0xf0, 0x85, 0x01, 7, 8, 0x01}));
  EXPECT_FALSE(key({0x90, 0xf0, 0x85, 0x01, 7}));
  EXPECT_FALSE(key({}));
  EXPECT_FALSE(key({0x10}));
}

TEST(KeyFrames, Vp9) {
  const auto key = [](Raw payload) { return startsKeyFrame(VideoFormat::vp9, payload); };
  EXPECT_TRUE(key({0x08, 1}));
  EXPECT_TRUE(key({0x8a, 0x05, 1}));
  EXPECT_FALSE(key({0x48, 1}));  // Predicted.
  EXPECT_FALSE(key({0x00, 1}));  // Not its beginning.
  EXPECT_TRUE(key({0xa8, 0x80, 0x05, 0x00}));
  EXPECT_FALSE(key({0xa8, 0x80, 0x05, 0x02}));  // Spatial layer 1.
  EXPECT_FALSE(key({0xa8, 0x80}));
  EXPECT_FALSE(key({}));
}

TEST(KeyFrames, H264) {
  const auto key = [](Raw payload) { return startsKeyFrame(VideoFormat::h264, payload); };
  EXPECT_TRUE(key({0x65, 1}));
  EXPECT_TRUE(key({0x67, 1}));
  EXPECT_FALSE(key({0x61, 1}));
  EXPECT_TRUE(key({0x78, 0, 1, 0x09, 0, 2, 0x67, 1}));  // STAP-A: delimiter, SPS.
  EXPECT_FALSE(key({0x78, 0, 1, 0x09, 0, 9, 0x67, 1}));
  EXPECT_TRUE(key({0x7c, 0x85, 1}));   // FU-A start of an IDR slice.
  EXPECT_FALSE(key({0x7c, 0x05, 1}));  // Its middle.
  EXPECT_FALSE(key({0x7c, 0x81, 1}));
  EXPECT_FALSE(key({0x7c}));
  EXPECT_FALSE(key({}));
}

TEST(KeyFrames, Av1AndOthers) {
  EXPECT_TRUE(startsKeyFrame(VideoFormat::av1, Raw{0x18}));
  EXPECT_FALSE(startsKeyFrame(VideoFormat::av1, Raw{0x10}));
  EXPECT_FALSE(startsKeyFrame(VideoFormat::av1, {}));
  EXPECT_FALSE(startsKeyFrame(VideoFormat::none, Raw{0x10, 0}));
  EXPECT_EQ(videoFormatOf("vp8"), VideoFormat::vp8);
  EXPECT_EQ(videoFormatOf("AV1X"), VideoFormat::none);
}

// --- SsrcTable

TEST(SsrcTableTest, SharesAreKeptAndIdleOnesGiveWay) {
  SsrcTable table;
  base::Instant now = base::Instant{} + std::chrono::hours(1);
  const auto entry = [&](std::uint32_t ssrc, std::uint8_t section, bool signalled = false) {
    SsrcEntry e;
    e.ssrc = ssrc;
    e.section = section;
    e.signalled = signalled;
    e.lastSeen = now;
    return e;
  };
  EXPECT_TRUE(table.add(entry(1, 0, true), 3, now));
  EXPECT_TRUE(table.add(entry(2, 0), 3, now));
  EXPECT_TRUE(table.add(entry(3, 0), 3, now));
  EXPECT_FALSE(table.add(entry(4, 0), 3, now));
  EXPECT_TRUE(table.add(entry(3, 0), 3, now));  // Known already.
  EXPECT_TRUE(table.add(entry(5, 1), 3, now));
  table.find(3)->lastSeen = now + SsrcTable::kIdle;
  now += SsrcTable::kIdle + Millis(1);
  EXPECT_TRUE(table.add(entry(4, 0), 3, now));
  EXPECT_FALSE(table.find(2));
  EXPECT_TRUE(table.find(1) && table.find(3));
  table.removeSignalled();
  EXPECT_FALSE(table.find(1));
  table.remove(3);
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace parley::rtc
