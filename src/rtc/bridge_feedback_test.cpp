#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "rtc/bridge_key_frames.h"
#include "rtc/bridge_testkit.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using base::Millis;
using ::testing::ElementsAre;

std::vector<std::uint16_t> numbersOf(const proto::RtcpNack& nack) {
  std::vector<std::uint16_t> out;
  for (std::size_t i = 0; i < nack.size(); ++i) {
    out.push_back(nack.packetId(i));
    for (unsigned bit = 0; bit < 16; ++bit)
      if ((nack.bitmask(i) >> bit & 1) != 0)
        out.push_back(static_cast<std::uint16_t>(nack.packetId(i) + bit + 1));
  }
  return out;
}

struct BridgeFeedback : testing::Test {
  Rig rig;
  std::uint16_t sequence = 1000;
  void TearDown() override {
    EXPECT_EQ(rig.sink.broken, 0);
    EXPECT_LT(rig.timerCalls, 10'000);  // The timer never spins.
  }
  void video(std::uint16_t number, bool key = false) {
    rig.rtp(0, {.payloadType = kVp8,
                .sequence = number,
                .timestamp = number * 3000u,
                .ssrc = kVideoSsrc,
                .payload = vp8(key)});
  }
  /// Starts a stream with a key frame and lets the first requests pass.
  void start() {
    video(sequence++, true);
    rig.pass(Millis(2));
    rig.sink.clear();
  }
  std::size_t plisTo(LegIndex leg) const { return rig.sink.find(leg, proto::parsePli).size(); }
  std::vector<std::vector<std::uint16_t>> nacksTo(LegIndex leg) const {
    std::vector<std::vector<std::uint16_t>> out;
    for (const auto& nack : rig.sink.find(leg, proto::parseNack)) out.push_back(numbersOf(nack));
    return out;
  }
};

// --- NACK and retransmission

TEST_F(BridgeFeedback, MissingVideoIsAskedForUntilItComes) {
  start();
  video(1003);
  rig.pass(Millis(9));
  EXPECT_TRUE(nacksTo(0).empty());
  rig.pass(Millis(2));
  ASSERT_EQ(nacksTo(0).size(), 1u);
  EXPECT_THAT(nacksTo(0)[0], ElementsAre(1001, 1002));
  EXPECT_EQ(rig.sink.find(0, proto::parseNack)[0].mediaSsrc, kVideoSsrc);
  EXPECT_EQ(rig.sink.find(0, proto::parseNack)[0].senderSsrc, ourVideo(0));
  video(1001);
  rig.pass(Millis(110));
  ASSERT_EQ(nacksTo(0).size(), 2u);
  EXPECT_THAT(nacksTo(0)[1], ElementsAre(1002));
  video(1002);
  rig.pass(Millis(1000));
  EXPECT_EQ(nacksTo(0).size(), 2u);
  EXPECT_EQ(rig.bridge.stats(0, rig.now).sections[1].fromPeer.nacks, 2u);
}

TEST_F(BridgeFeedback, WhatOnlyOvertookIsNotAskedFor) {
  start();
  video(1002);
  rig.pass(Millis(5));
  video(1001);
  rig.pass(Millis(500));
  EXPECT_TRUE(nacksTo(0).empty());
}

TEST_F(BridgeFeedback, AudioWithoutNackIsNotAskedFor) {
  rig.rtp(0, {.sequence = 1});
  rig.rtp(0, {.sequence = 5});
  rig.pass(Millis(300));
  EXPECT_TRUE(nacksTo(0).empty());
}

TEST_F(BridgeFeedback, AfterEnoughTriesOnlyAKeyFrameHelps) {
  start();
  video(1002);
  rig.pass(Millis(3000));
  EXPECT_EQ(nacksTo(0).size(), 8u);
  EXPECT_GE(plisTo(0), 1u);
  EXPECT_EQ(rig.sink.find(1, proto::parsePli).size(), 0u);
}

TEST_F(BridgeFeedback, AGreatHoleAsksForAKeyFrameAtOnce) {
  start();
  video(1400);
  rig.pass(Millis(50));
  EXPECT_TRUE(nacksTo(0).empty());
  EXPECT_EQ(plisTo(0), 1u);
}

TEST_F(BridgeFeedback, NothingIsAskedForWhileTheReceiverIsAway) {
  start();
  rig.bridge.setReady(1, false, rig.now);
  video(1005);
  rig.pass(Millis(1000));
  EXPECT_TRUE(nacksTo(0).empty());
  EXPECT_EQ(plisTo(0), 0u);
}

TEST_F(BridgeFeedback, RtxIsUnwrappedIntoItsPlace) {
  start();
  video(1002);
  const Raw original = bytesOf({.payloadType = kVp8,
                                .sequence = 1001,
                                .timestamp = 1001 * 3000,
                                .ssrc = kVideoSsrc,
                                .payload = vp8(false),
                                .extensions = {{1, {'1'}}},
                                .marker = true});
  Raw rtx(original.size() + 2);
  ASSERT_NE(proto::writeRtx(original, kVp8Rtx, kVideoRtxSsrc, 5, rtx), 0u);
  rig.rawRtp(0, rtx);
  ASSERT_EQ(rig.sink.rtp.size(), 2u);
  const SentRtp &later = rig.sink.rtp[0], &repaired = rig.sink.rtp[1];
  EXPECT_EQ(repaired.header.sequence, static_cast<std::uint16_t>(later.header.sequence - 1));
  EXPECT_EQ(later.header.timestamp - repaired.header.timestamp, 3000u);
  EXPECT_EQ(repaired.header.payloadType, kVp8 - kShift);
  EXPECT_EQ(repaired.header.ssrc, ourVideo(1));
  EXPECT_TRUE(repaired.header.marker);
  EXPECT_EQ(repaired.payload, vp8(false));
  rig.pass(Millis(500));
  EXPECT_TRUE(nacksTo(0).empty());
  base::storeU16(&rtx[2], 6);
  rig.rawRtp(0, rtx);  // The same again.
  EXPECT_EQ(rig.drops(0, DropReason::rtpDuplicate), 1u);
}

TEST_F(BridgeFeedback, UnusableRtxIsRefused) {
  const RtpSpec spec{.payloadType = kVp8Rtx, .sequence = 1, .ssrc = kVideoRtxSsrc, .payload = {0, 1, 2}};
  rig.rtp(0, spec);  // Nothing to repair yet.
  EXPECT_EQ(rig.drops(0, DropReason::rtxUnusable), 1u);
  start();
  RtpSpec bad = spec;
  bad.payload = {0};
  rig.rtp(0, bad);
  EXPECT_EQ(rig.drops(0, DropReason::rtxUnusable), 2u);
  bad.payload = {};
  bad.padding = 100;
  rig.rtp(0, bad);
  EXPECT_EQ(rig.drops(0, DropReason::rtpPaddingOnly), 1u);
  bad.padding = 0;
  bad.payload = {0x80, 0, 1};  // A number far from any.
  rig.rtp(0, bad);
  EXPECT_EQ(rig.drops(0, DropReason::rtpTooLate), 1u);
  bad.ssrc = kVideoSsrc;  // RTX on the media SSRC.
  bad.payload = {3, 0xe9, 1};
  rig.rtp(0, bad);
  EXPECT_EQ(rig.drops(0, DropReason::rtxUnusable), 3u);
  LegDescription left = describe(0);
  left.sections[1].peerRtx = {{Ssrc(kVideoRtxSsrc), Ssrc(0x999)}};
  rig.bridge.configure(0, left);
  bad.ssrc = kVideoRtxSsrc;
  rig.rtp(0, bad);  // Repairs a stream that is not there.
  EXPECT_EQ(rig.drops(0, DropReason::rtxUnusable), 4u);
}

TEST_F(BridgeFeedback, AReceiversNackIsAnsweredByRtxOncePerRoundTrip) {
  start();
  for (int i = 0; i < 5; ++i) video(sequence++);
  const SentRtp third = rig.sink.rtp.at(2);
  const auto nack = [&](std::vector<std::uint16_t> numbers) {
    rig.sink.clear();
    rig.rtcp(1, [&](auto& w) { w.nack(1, ourVideo(1), numbers); });
  };
  nack({third.header.sequence, static_cast<std::uint16_t>(third.header.sequence + 1000)});
  ASSERT_EQ(rig.sink.rtp.size(), 1u);
  const SentRtp& rtx = rig.sink.rtp[0];
  EXPECT_EQ(rtx.to, 1u);
  EXPECT_TRUE(rtx.mustCopy);
  EXPECT_EQ(rtx.header.ssrc, ourRtx(1));
  EXPECT_EQ(rtx.header.payloadType, kVp8Rtx - kShift);
  EXPECT_EQ(rtx.header.timestamp, third.header.timestamp);
  EXPECT_EQ(base::loadU16(rtx.payload.data()), third.header.sequence);
  EXPECT_EQ(Raw(rtx.payload.begin() + 2, rtx.payload.end()), third.payload);
  EXPECT_EQ(rtx.extensions.at(6), third.extensions.at(6));
  const std::uint16_t number = rtx.header.sequence;
  nack({third.header.sequence});
  EXPECT_TRUE(rig.sink.rtp.empty());
  rig.now += Millis(101);
  nack({third.header.sequence});
  ASSERT_EQ(rig.sink.rtp.size(), 1u);
  EXPECT_EQ(rig.sink.rtp[0].header.sequence, static_cast<std::uint16_t>(number + 1));
  EXPECT_EQ(rig.bridge.stats(1, rig.now).sections[1].toPeer.nacks, 3u);
  EXPECT_EQ(rig.bridge.stats(1, rig.now).sections[1].toPeer.retransmitted, 2u);
  rig.now += Millis(2000);
  nack({third.header.sequence});  // Forgotten by now, at the latest when something else is sent.
  video(sequence++);
  nack({third.header.sequence});
  EXPECT_TRUE(rig.sink.rtp.empty());
}

TEST_F(BridgeFeedback, WithoutRtxThePacketIsSentAgainBitForBit) {
  LegDescription right = describe(1);
  right.sections[1].codecs[0].rtx.reset();
  rig.bridge.configure(1, right);
  start();
  video(sequence++);
  const Raw first = rig.sink.rtp.at(0).raw;
  const std::uint16_t number = rig.sink.rtp[0].header.sequence;
  rig.sink.clear();
  rig.now += Millis(30);
  rig.rtcp(1, [&](auto& w) { w.nack(1, ourVideo(1), std::array{number}); });
  ASSERT_EQ(rig.sink.rtp.size(), 1u);
  EXPECT_EQ(rig.sink.rtp[0].raw, first);
}

TEST_F(BridgeFeedback, WithoutRtxNothingIsSentAgainWhereTheCipherForbidsIt) {
  rig.sink.repeatable = false;
  start();
  video(sequence++);
  std::uint16_t number = rig.sink.rtp.at(0).header.sequence;
  rig.sink.clear();
  rig.now += Millis(30);
  rig.rtcp(1, [&](auto& w) { w.nack(1, ourVideo(1), std::array{number}); });
  ASSERT_EQ(rig.sink.rtp.size(), 1u);  // RTX is a packet of its own.
  EXPECT_EQ(rig.sink.rtp[0].header.ssrc, ourRtx(1));

  LegDescription right = describe(1);
  right.sections[1].codecs[0].rtx.reset();
  rig.bridge.configure(1, right);
  rig.pass(Millis(500));
  rig.sink.clear();
  video(sequence++);
  number = rig.sink.rtp.at(0).header.sequence;
  const auto before = rig.bridge.stats(1, rig.now).sections[1].toPeer.retransmitted;
  rig.sink.clear();
  rig.now += Millis(30);
  rig.rtcp(1, [&](auto& w) { w.nack(1, ourVideo(1), std::array{number}); });
  EXPECT_TRUE(rig.sink.rtp.empty());
  EXPECT_EQ(rig.drops(1, DropReason::resendNeedsRtx), 1u);
  EXPECT_EQ(rig.bridge.stats(1, rig.now).sections[1].toPeer.retransmitted, before);
}

/// Two calls in a row, as two brokers between two browsers: what a lossy link between them eats, NACK and
/// RTX bring back.
TEST(BridgeChain, NackAndRtxHealALossyLink) {
  Rig near, far;
  base::FakeRandom dice(99);
  std::vector<std::uint16_t> received;
  std::uint16_t sent = 65'000;  // Through the wrap.
  int lost = 0;
  const auto carry = [&](bool lossy) {
    // Taken out first: what the NACKs below bring forth crosses in the next round.
    const auto crossing = std::exchange(near.sink.rtp, {});
    for (const SentRtp& packet : crossing) {
      if (packet.to != 1) continue;
      if (lossy && dice.u32() % 5 == 0) {
        ++lost;
        continue;
      }
      // Leg 1 of the near bridge numbers payload types and extensions as leg 1 of the far one does.
      far.rawRtp(1, packet.raw);
    }
    for (const SentRtcp& packet : far.sink.rtcp)
      if (packet.to == 1) near.bridge.onRtcp(1, packet.raw, near.now, near.wall());
    for (const SentRtp& packet : far.sink.rtp)
      if (packet.to == 0) received.push_back(packet.header.sequence);
    near.sink.rtcp.clear();
    far.sink.clear();
  };
  far.bridge.configure(1, [] {
    LegDescription d = describe(1);
    d.sections[1].peerSsrcs = {Ssrc(ourVideo(1))};
    d.sections[1].peerRtx = {{Ssrc(ourRtx(1)), Ssrc(ourVideo(1))}};
    return d;
  }());
  for (int i = 0; i < 1500; ++i) {
    near.rtp(0, {.payloadType = kVp8,
                 .sequence = sent++,
                 .timestamp = static_cast<std::uint32_t>(i) * 300,
                 .ssrc = kVideoSsrc,
                 .payload = vp8(i == 0, 900)});
    carry(i > 0 && i < 1400);
    near.pass(Millis(5));
    far.pass(Millis(5));
  }
  ASSERT_GT(lost, 250);
  std::sort(received.begin(), received.end(),
            [&](std::uint16_t a, std::uint16_t b) { return static_cast<std::int16_t>(a - b) < 0; });
  EXPECT_EQ(received.size(), 1500u);
  EXPECT_EQ(std::adjacent_find(received.begin(), received.end()), received.end());
  EXPECT_EQ(static_cast<std::uint16_t>(received.back() - received.front()), 1499);
}

// --- Key frame requests

TEST_F(BridgeFeedback, AReceiversPliGoesToTheSenderAtABoundedRate) {
  start();
  rig.pass(Millis(300));
  rig.sink.clear();
  for (int i = 0; i < 20; ++i) {
    rig.rtcp(1, [](auto& w) { w.pli(1, ourVideo(1)); });
    rig.rtcp(1, [](auto& w) { w.fir(1, ourVideo(1), 1); });
    rig.pass(Millis(10));
  }
  ASSERT_EQ(plisTo(0), 1u);
  EXPECT_EQ(rig.sink.find(0, proto::parsePli)[0].mediaSsrc, kVideoSsrc);
  rig.pass(Millis(350));
  EXPECT_EQ(plisTo(0), 2u);  // Again, as none came.
  video(sequence++, true);
  rig.pass(Millis(5000));
  EXPECT_EQ(plisTo(0), 2u);
  const LegStats left = rig.bridge.stats(0, rig.now), right = rig.bridge.stats(1, rig.now);
  EXPECT_EQ(right.sections[1].toPeer.plis, 20u);
  EXPECT_EQ(right.sections[1].toPeer.firs, 20u);
  EXPECT_EQ(left.sections[1].fromPeer.plis, 2u);
  EXPECT_EQ(left.sections[1].fromPeer.keyFrames, 2u);
}

TEST_F(BridgeFeedback, RequestsEndAfterSomeTries) {
  start();
  rig.rtcp(1, [](auto& w) { w.pli(1, ourVideo(1)); });
  rig.pass(std::chrono::minutes(5));
  EXPECT_EQ(plisTo(0), KeyFrameRequester::kMaxTries);
}

TEST_F(BridgeFeedback, FirWhenOnlyThatWasNegotiated) {
  LegDescription left = describe(0);
  for (Codec& c : left.sections[1].codecs) c.nackPli = false;
  rig.bridge.configure(0, left);
  start();
  rig.pass(Millis(300));
  rig.sink.clear();
  rig.rtcp(1, [](auto& w) { w.pli(1, ourVideo(1)); });
  rig.pass(Millis(600));
  const auto firs = rig.sink.find(0, proto::parseFir);
  ASSERT_EQ(firs.size(), 2u);
  EXPECT_EQ(firs[0].ssrc(0), kVideoSsrc);
  EXPECT_NE(firs[0].sequence(0), firs[1].sequence(0));
  EXPECT_EQ(plisTo(0), 0u);
}

TEST_F(BridgeFeedback, AKeyFrameIsAskedForWhenAReceiverBecomesReady) {
  rig.bridge.setReady(1, false, rig.now);
  start();
  rig.pass(Millis(1000));
  EXPECT_EQ(plisTo(0), 0u);
  rig.bridge.setReady(1, true, rig.now);
  rig.pass(Millis(1));
  EXPECT_EQ(plisTo(0), 1u);
}

TEST_F(BridgeFeedback, AKeyFrameIsAskedForAfterAReloadOfTheReceiver) {
  start();
  LegDescription right = describe(1);
  rig.bridge.configure(1, right);  // Nothing changed.
  rig.pass(Millis(500));
  EXPECT_EQ(plisTo(0), 0u);
  right.dtlsGeneration = 1;
  rig.bridge.configure(1, right);
  rig.pass(Millis(1));
  EXPECT_EQ(plisTo(0), 1u);
}

TEST_F(BridgeFeedback, ASignalledSenderIsAskedBeforeItSentAnything) {
  LegDescription left = describe(0);
  left.sections[1].peerSsrcs = {Ssrc(kVideoSsrc)};
  rig.bridge.configure(0, left);
  rig.pass(Millis(1));
  ASSERT_EQ(plisTo(0), 1u);
  EXPECT_EQ(rig.sink.find(0, proto::parsePli)[0].mediaSsrc, kVideoSsrc);
}

TEST_F(BridgeFeedback, ASourceThatBeginsInTheMiddleIsAskedForAKeyFrame) {
  video(1);
  rig.pass(Millis(1));
  EXPECT_EQ(plisTo(0), 1u);
}

TEST_F(BridgeFeedback, ASenderThatTakesNoRequestsIsNotAskedAndTheTimerRests) {
  LegDescription left = describe(0);
  for (Codec& c : left.sections[1].codecs) c.nackPli = c.ccmFir = false;
  rig.bridge.configure(0, left);
  video(1);
  rig.rtcp(1, [](auto& w) { w.pli(1, ourVideo(1)); });
  rig.bridge.onTimer(rig.now, rig.wall());
  video(2);
  EXPECT_GT(rig.bridge.nextTimer(), rig.now);
  rig.pass(Millis(2000));
  EXPECT_EQ(plisTo(0) + rig.sink.find(0, proto::parseFir).size(), 0u);
}

TEST_F(BridgeFeedback, AFloodOfNacksBringsFewPackets) {
  start();
  for (int i = 0; i < 100; ++i) video(sequence++);
  const std::uint16_t last = rig.sink.rtp.back().header.sequence;
  std::vector<std::uint16_t> numbers;
  for (int i = 150; i >= 0; --i) numbers.push_back(static_cast<std::uint16_t>(last - i));
  rig.sink.clear();
  for (int i = 0; i < 500; ++i) {
    rig.rtcp(1, [&](auto& w) { w.nack(1, ourVideo(1), numbers); });
    rig.now += Millis(1);
  }
  EXPECT_LE(rig.sink.rtp.size(), 101u * 5);  // Each packet once per 100 ms.
  EXPECT_GE(rig.sink.rtp.size(), 101u);
}

TEST_F(BridgeFeedback, RequestsForStreamsThatAreNotOursAreIgnored) {
  start();
  rig.rtcp(1, [](auto& w) {
    w.pli(1, 0x9999);
    w.fir(1, 0x9999, 1);
    w.nack(1, 0x9999, std::array<std::uint16_t, 1>{1});
  });
  rig.pass(Millis(300));
  EXPECT_EQ(plisTo(0), 0u);
  EXPECT_EQ(rig.allDrops(1), 0u);
}

TEST_F(BridgeFeedback, FeedbackIsCompoundUnlessReducedSizeWasAgreed) {
  LegDescription left = describe(0);
  for (MediaSection& section : left.sections) section.reducedRtcp = false;
  rig.bridge.configure(0, left);
  video(1);
  rig.pass(Millis(1));
  ASSERT_EQ(plisTo(0), 1u);
  for (const SentRtcp& sent : rig.sink.rtcp) {
    if (sent.to != 0) continue;
    proto::RtcpReader reader(sent.raw);
    EXPECT_TRUE(proto::parseReport(*reader.next()));
    proto::RtcpSdesReader sdes(*reader.next());
    EXPECT_EQ(sdes.next()->text, "left");
  }
}

}  // namespace
}  // namespace parley::rtc
