// What a sender's rate control hears: transport-wide feedback and REMB.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtc/bridge_testkit.h"
#include "rtc/bridge_twcc.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using base::Millis;
using ::testing::ElementsAre;

struct BridgeCongestion : testing::Test {
  Rig rig;
  std::uint16_t sequence = 1000;
  void TearDown() override {
    EXPECT_EQ(rig.sink.broken, 0);
    EXPECT_LT(rig.timerCalls, 10'000);  // The timer never spins.
  }
  void video(std::uint16_t number, bool key = false) {
    rig.rtp(0, {.payloadType = kVp8, .sequence = number, .ssrc = kVideoSsrc, .payload = vp8(key)});
  }
  void start() {
    video(sequence++, true);
    rig.pass(Millis(2));
    rig.sink.clear();
  }
};

// --- Transport-wide congestion control

struct BridgeTransportCc : BridgeCongestion {
  void send(std::uint16_t wide, std::uint16_t number) {
    rig.rtp(0,
            {.sequence = number,
             .extensions = {{2, {static_cast<std::uint8_t>(wide >> 8), static_cast<std::uint8_t>(wide)}}}});
  }
  std::vector<std::uint16_t> reported(bool received) const {
    std::vector<std::uint16_t> out;
    for (const auto& feedback : rig.sink.find(0, proto::parseTransportCc)) {
      proto::TransportCcReader reader(feedback);
      while (const auto status = reader.next())
        if (status->ticks.has_value() == received) out.push_back(status->sequence);
      EXPECT_TRUE(reader.ok());
    }
    return out;
  }
};

TEST_F(BridgeTransportCc, TellsWhatCameAndWhatDidNot) {
  send(65534, 1);
  send(0, 2);
  send(0, 2);  // A duplicate number changes nothing.
  EXPECT_TRUE(rig.sink.rtcp.empty());
  rig.pass(Millis(100));
  EXPECT_THAT(reported(true), ElementsAre(65534, 0));
  EXPECT_THAT(reported(false), ElementsAre(65535));
  rig.sink.clear();
  send(2, 3);
  send(65535, 4);  // Late: in a message of its own.
  rig.pass(Millis(100));
  EXPECT_THAT(reported(true), ElementsAre(65535, 2));
  EXPECT_THAT(reported(false), ElementsAre(1));
  const auto messages = rig.sink.find(0, proto::parseTransportCc);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].feedbackCount, messages[0].feedbackCount + 1);
  EXPECT_EQ(messages[0].mediaSsrc, kAudioSsrc);
}

TEST_F(BridgeTransportCc, CountsPacketsThatGoNoFurther) {
  rig.rtp(0, {.payloadType = 50, .extensions = {{2, {0, 1}}}});
  rig.rtp(0, {.sequence = 9, .payload = {}, .extensions = {{2, {0, 2}}}, .padding = 9});
  rig.pass(Millis(100));
  EXPECT_THAT(reported(true), ElementsAre(1, 2));
}

TEST_F(BridgeTransportCc, WhatCameWhileNothingCouldBeSentIsReportedAfterwards) {
  rig.bridge.setReady(0, false, rig.now);
  send(1, 1);
  rig.pass(Millis(200));
  EXPECT_TRUE(reported(true).empty());
  rig.bridge.setReady(0, true, rig.now);
  rig.pass(Millis(100));
  EXPECT_THAT(reported(true), ElementsAre(1));
}

TEST_F(BridgeTransportCc, AGreatGapStartsAnew) {
  send(1, 1);
  rig.pass(Millis(100));
  rig.sink.clear();
  send(30'000, 2);
  rig.pass(Millis(100));
  EXPECT_THAT(reported(true), ElementsAre(30'000));
  EXPECT_TRUE(reported(false).empty());
  rig.sink.clear();
  send(32'000, 3);  // Not that great, but no message could hold it.
  rig.pass(Millis(100));
  EXPECT_THAT(reported(true), ElementsAre(32'000));
  EXPECT_TRUE(reported(false).empty());
}

TEST_F(BridgeTransportCc, ABurstIsReportedBeforeItIsTime) {
  for (std::uint16_t i = 0; i < 300; ++i) send(i, i);
  EXPECT_EQ(reported(true).size(), TwccReceiver::kMaxPending);
  rig.pass(Millis(100));
  EXPECT_EQ(reported(true).size(), 300u);
}

TEST_F(BridgeTransportCc, NoFeedbackUnlessNegotiated) {
  LegDescription left = describe(0);
  for (MediaSection& section : left.sections)
    for (Codec& c : section.codecs) c.transportCc = false;
  rig.bridge.configure(0, left);
  send(1, 1);
  rig.pass(Millis(150));
  EXPECT_TRUE(rig.sink.find(0, proto::parseTransportCc).empty());
}

// --- REMB

struct BridgeRemb : BridgeCongestion {
  std::vector<std::uint64_t> rembs() const {
    std::vector<std::uint64_t> out;
    for (const auto& remb : rig.sink.find(0, proto::parseRemb)) out.push_back(remb.bitrate);
    return out;
  }
  /// Two seconds of about a million bit/s.
  void busy() {
    for (int i = 0; i < 200; ++i) {
      rig.rtp(
          0, {.payloadType = kVp8, .sequence = sequence++, .ssrc = kVideoSsrc, .payload = vp8(false, 1'150)});
      rig.pass(Millis(10));
    }
    rig.sink.clear();
  }
  void receiverSays(std::uint64_t bitrate) {
    rig.rtcp(1, [&](auto& w) { w.remb(1, bitrate, std::array{ourVideo(1)}); });
  }
};

TEST_F(BridgeRemb, WithoutAnEstimateTheCapIsSentEachSecond) {
  video(sequence++, true);
  rig.pass(Millis(2'500));
  EXPECT_THAT(rembs(), ElementsAre(2'500'000, 2'500'000, 2'500'000));
  EXPECT_EQ(rig.sink.find(0, proto::parseRemb)[0].ssrcs[0], kVideoSsrc);
}

TEST_F(BridgeRemb, AnEstimateThatTellsOfCongestionIsCarriedAndCapped) {
  busy();
  receiverSays(400'000);  // A drop: at once.
  rig.pass(Millis(1));
  EXPECT_THAT(rembs(), ElementsAre(400'000));
  receiverSays(500'000);  // A rise: not more often than each 200 ms.
  rig.pass(Millis(100));
  EXPECT_EQ(rembs().size(), 1u);
  receiverSays(600'000);
  rig.pass(Millis(100));
  EXPECT_THAT(rembs(),
              ElementsAre(400'000, ::testing::AllOf(::testing::Ge(600'000u), ::testing::Lt(620'000u))));
  receiverSays(50'331'648);
  rig.pass(Millis(200));
  EXPECT_EQ(rembs().back(), 2'500'000u);
  EXPECT_EQ(rig.bridge.stats(1, rig.now).remb, 50'331'648u);
}

TEST_F(BridgeRemb, TheReceiversBandwidthLineCaps) {
  LegDescription right = describe(1);
  right.sections[1].maxBitrate = 300'000;
  rig.bridge.configure(1, right);
  video(sequence++, true);
  rig.pass(Millis(1));
  EXPECT_THAT(rembs(), ElementsAre(300'000));
}

TEST_F(BridgeRemb, ALowEstimateOfAReceiverThatGetsLittleDoesNotHoldTheSenderDown) {
  start();
  receiverSays(20'000);
  rig.pass(Millis(1'500));
  EXPECT_EQ(rembs().back(), 2'500'000u);
}

TEST_F(BridgeRemb, AnOldEstimateNoLongerBinds) {
  busy();
  receiverSays(100'000);
  rig.pass(Millis(4'000));
  EXPECT_LT(rembs().back(), 140'000u);
  rig.pass(Millis(3'000));
  EXPECT_EQ(rembs().back(), 2'500'000u);
}

TEST_F(BridgeRemb, NoneForAudioAndNoneUnlessNegotiated) {
  rig.rtp(0, {});
  rig.pass(Millis(2'000));
  EXPECT_TRUE(rembs().empty());
  LegDescription left = describe(0);
  for (Codec& c : left.sections[1].codecs) c.remb = false;
  rig.bridge.configure(0, left);
  video(sequence++, true);
  receiverSays(10'000);
  rig.pass(Millis(2'000));
  EXPECT_TRUE(rembs().empty());
}

}  // namespace
}  // namespace parley::rtc
