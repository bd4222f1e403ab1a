#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtc/bridge_testkit.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

struct BridgeForward : testing::Test {
  Rig rig;
  void TearDown() override { EXPECT_EQ(rig.sink.broken, 0); }
  std::vector<int> steps() const {
    std::vector<int> out;
    for (const SentRtp& sent : rig.sink.rtp)
      out.push_back(static_cast<std::int16_t>(sent.header.sequence - rig.sink.rtp[0].header.sequence));
    return out;
  }
};

TEST_F(BridgeForward, RewritesEverythingTowardsTheOtherLeg) {
  RtpSpec spec;
  spec.marker = true;
  spec.padding = 4;
  spec.extensions = {{1, {'0'}}, {2, {0, 9}}, {3, {1, 2, 3}}, {4, {0x85}}, {12, {7}}};
  rig.rtp(0, spec);
  ASSERT_EQ(rig.sink.rtp.size(), 1u);
  const SentRtp& sent = rig.sink.rtp[0];
  EXPECT_EQ(sent.to, 1u);
  EXPECT_FALSE(sent.mustCopy);
  EXPECT_EQ(sent.header.ssrc, ourAudio(1));
  EXPECT_EQ(sent.header.payloadType, kOpus - kShift);
  EXPECT_TRUE(sent.header.marker);
  EXPECT_EQ(sent.payload, (Raw{1, 2, 3, 4}));
  // mid, absolute send time (one hour is 16 s modulo 64 s: 16 << 18), audio level; no transport-wide number.
  EXPECT_THAT(sent.extensions, UnorderedElementsAre(Pair(6, Raw{'v', 'o', 'i', 'c', 'e'}),
                                                    Pair(8, Raw{0x40, 0, 0}), Pair(9, Raw{0x85})));
}

TEST_F(BridgeForward, VideoExtensionsAreCarried) {
  RtpSpec spec{.payloadType = kVp8, .ssrc = kVideoSsrc, .payload = vp8(true)};
  spec.extensions = {{1, {'1'}}, {5, {2}}, {6, {0, 1, 2}}};
  rig.rtp(0, spec);
  ASSERT_EQ(rig.sink.rtp.size(), 1u);
  EXPECT_EQ(rig.sink.rtp[0].header.ssrc, ourVideo(1));
  EXPECT_EQ(rig.sink.rtp[0].extensions[10], Raw{2});
  EXPECT_EQ(rig.sink.rtp[0].extensions[11], (Raw{0, 1, 2}));
}

TEST_F(BridgeForward, LongMidsTakeTheTwoByteForm) {
  LegDescription right = describe(1);
  right.sections[0].mid = std::string(20, 'm');
  rig.bridge.configure(1, right);
  rig.rtp(0, {});
  EXPECT_EQ(rig.sink.rtp.at(0).extensions[6], Raw(20, 'm'));
}

TEST_F(BridgeForward, BothWaysAndEveryCodec) {
  rig.rtp(1, {.payloadType = kOpus - kShift});
  rig.rtp(1, {.payloadType = kEvents - kShift, .sequence = 1});
  rig.rtp(1, {.payloadType = kH264 - kShift, .ssrc = kVideoSsrc, .payload = {0x67, 1}});
  ASSERT_EQ(rig.sink.rtp.size(), 3u);
  EXPECT_EQ(rig.sink.rtp[0].header.payloadType, kOpus);
  EXPECT_EQ(rig.sink.rtp[1].header.payloadType, kEvents);
  EXPECT_EQ(rig.sink.rtp[2].header.payloadType, kH264);
  EXPECT_EQ(rig.sink.rtp[2].header.ssrc, ourVideo(0));
}

TEST_F(BridgeForward, SequenceWrapLossReorderAndDuplicates) {
  for (const int sequence : {65533, 65534, 1, 0, 0, 65535, 2, 65534})
    rig.rtp(0, {.sequence = static_cast<std::uint16_t>(sequence)});
  EXPECT_THAT(steps(), ElementsAre(0, 1, 4, 3, 2, 5));
  EXPECT_EQ(rig.drops(0, DropReason::rtpDuplicate), 2u);
}

TEST_F(BridgeForward, TimestampsKeepTheirSteps) {
  rig.rtp(0, {.sequence = 1, .timestamp = 0xfffffe00});
  rig.rtp(0, {.sequence = 2, .timestamp = 0xfffffe00 + 960});
  EXPECT_EQ(rig.sink.rtp[1].header.timestamp - rig.sink.rtp[0].header.timestamp, 960u);
}

TEST_F(BridgeForward, PaddingOnlyPacketsLeaveNoGap) {
  rig.rtp(0, {.sequence = 1});
  rig.rtp(0, {.sequence = 2, .payload = {}, .padding = 200});
  rig.rtp(0, {.sequence = 3, .payload = {}, .padding = 200});
  rig.rtp(0, {.sequence = 4});
  EXPECT_THAT(steps(), ElementsAre(0, 1));
  EXPECT_EQ(rig.drops(0, DropReason::rtpPaddingOnly), 2u);
}

TEST_F(BridgeForward, PaddingThatComesLateFillsItsGap) {
  for (const int sequence : {1, 3}) rig.rtp(0, {.sequence = static_cast<std::uint16_t>(sequence)});
  rig.rtp(0, {.sequence = 2, .payload = {}, .padding = 50});
  EXPECT_THAT(steps(), ElementsAre(0, 2, 1));
  EXPECT_TRUE(rig.sink.rtp[2].payload.empty());
}

TEST_F(BridgeForward, ANewSsrcContinuesTheStream) {
  rig.rtp(0, {.sequence = 500, .timestamp = 1000});
  rig.now += base::Millis(100);
  rig.rtp(0, {.sequence = 40'000, .timestamp = 77, .ssrc = 0xA9});
  EXPECT_THAT(steps(), ElementsAre(0, 1));
  EXPECT_EQ(rig.sink.rtp[1].header.timestamp - rig.sink.rtp[0].header.timestamp, 4800u);
  EXPECT_EQ(rig.sink.rtp[1].header.ssrc, ourAudio(1));
  // Stragglers of the old one are too late; when it is back for good, it is the source again.
  rig.rtp(0, {.sequence = 501});
  EXPECT_EQ(rig.drops(0, DropReason::rtpTooLate), 1u);
  rig.now += base::Millis(600);
  rig.rtp(0, {.sequence = 502});
  EXPECT_THAT(steps(), ElementsAre(0, 1, 2));
}

TEST_F(BridgeForward, AReloadContinuesTheStreamEvenWithTheSameSsrc) {
  rig.rtp(0, {.sequence = 500, .timestamp = 1000});
  LegDescription again = describe(0);
  again.dtlsGeneration = 1;
  rig.bridge.configure(0, again);
  rig.now += base::Millis(1000);
  rig.rtp(0, {.sequence = 20, .timestamp = 5});
  rig.rtp(0, {.sequence = 21, .timestamp = 965});
  EXPECT_THAT(steps(), ElementsAre(0, 1, 2));
  EXPECT_EQ(rig.sink.rtp[1].header.timestamp - rig.sink.rtp[0].header.timestamp, 48'000u);
}

TEST_F(BridgeForward, ASourceThatWasAwayContinuesTheStream) {
  rig.rtp(0, {.sequence = 500, .timestamp = 1000});
  rig.now += std::chrono::seconds(20);
  for (std::uint16_t i = 0; i < 3; ++i)
    rig.rtp(0, {.sequence = static_cast<std::uint16_t>(9000 + i), .timestamp = 500'000u + 960u * i});
  EXPECT_THAT(steps(), ElementsAre(0, 1, 2));  // The first of them only announced the jump.
  EXPECT_EQ(rig.drops(0, DropReason::rtpTooLate), 1u);
  EXPECT_EQ(rig.sink.rtp[1].header.timestamp - rig.sink.rtp[0].header.timestamp, 960'000u);
}

TEST_F(BridgeForward, TheCallSurvivesTheOtherLegBeingReplaced) {
  rig.rtp(0, {.sequence = 1});
  rig.bridge.removeLeg(1, rig.now);
  rig.rtp(0, {.sequence = 2});
  EXPECT_EQ(rig.drops(0, DropReason::noPeer), 1u);
  LegDescription right = describe(1);
  right.sections[0].ourSsrc = Ssrc(0x4444);
  rig.bridge.configure(1, right);
  rig.rtp(0, {.sequence = 3});
  EXPECT_EQ(rig.drops(0, DropReason::peerNotReady), 1u);
  rig.bridge.setReady(1, true, rig.now);
  rig.rtp(0, {.sequence = 4});
  rig.rtp(0, {.sequence = 5});
  ASSERT_EQ(rig.sink.rtp.size(), 3u);
  EXPECT_EQ(rig.sink.rtp[1].header.ssrc, 0x4444u);
  EXPECT_EQ(static_cast<std::uint16_t>(rig.sink.rtp[2].header.sequence - rig.sink.rtp[1].header.sequence), 1);
}

TEST_F(BridgeForward, ALegMayBeReadyBeforeItIsConfigured) {
  RecordingSink sink;
  MediaBridge bridge({}, rig.random, sink);
  bridge.setReady(1, true, rig.now);
  bridge.setReady(0, true, rig.now);
  bridge.onTimer(rig.now + std::chrono::seconds(5), {});
  EXPECT_TRUE(sink.rtcp.empty());
  EXPECT_EQ(bridge.nextTimer(), base::Instant::max());
  bridge.configure(0, describe(0));
  bridge.configure(1, describe(1));
  Raw slot(64);
  const Raw raw = bytesOf({});
  slot.insert(slot.end(), raw.begin(), raw.end());
  slot.resize(slot.size() + 64);
  bridge.onRtp(0, {slot, 64, raw.size()}, rig.now);
  EXPECT_EQ(sink.rtp.size(), 1u);
  EXPECT_LE(bridge.nextTimer(), rig.now);  // Reports begin.
}

TEST_F(BridgeForward, VideoThatIsAddedLaterIsForwarded) {
  Rig call(false);
  call.rtp(0, {.sequence = 1});
  call.bridge.configure(0, describe(0));
  call.bridge.configure(1, describe(1));
  call.rtp(0, {.sequence = 2});
  call.rtp(0, {.payloadType = kVp8, .ssrc = kVideoSsrc, .payload = vp8(true)});
  ASSERT_EQ(call.sink.rtp.size(), 3u);
  EXPECT_EQ(static_cast<std::uint16_t>(call.sink.rtp[1].header.sequence - call.sink.rtp[0].header.sequence),
            1);
  EXPECT_EQ(call.sink.rtp[2].header.ssrc, ourVideo(1));
}

TEST_F(BridgeForward, ASectionThatIsInsertedMovesNothingAstray) {
  LegDescription onlyVideo[2] = {describe(0), describe(1)};
  Rig call;
  MediaBridge bridge({}, call.random, call.sink);
  for (const LegIndex leg : {LegIndex{0}, LegIndex{1}}) {
    onlyVideo[leg].sections.erase(onlyVideo[leg].sections.begin());
    bridge.configure(leg, onlyVideo[leg]);
    bridge.setReady(leg, true, call.now);
  }
  const auto send = [&](std::uint16_t sequence) {
    Raw slot(64);
    const Raw raw =
        bytesOf({.payloadType = kVp8, .sequence = sequence, .ssrc = kVideoSsrc, .payload = vp8(true)});
    slot.insert(slot.end(), raw.begin(), raw.end());
    slot.resize(slot.size() + 64);
    bridge.onRtp(0, {slot, 64, raw.size()}, call.now);
  };
  send(1);
  for (const LegIndex leg : {LegIndex{0}, LegIndex{1}}) bridge.configure(leg, describe(leg));
  send(2);
  ASSERT_EQ(call.sink.rtp.size(), 2u);
  EXPECT_EQ(call.sink.rtp[1].header.ssrc, ourVideo(1));
  EXPECT_EQ(static_cast<std::uint16_t>(call.sink.rtp[1].header.sequence - call.sink.rtp[0].header.sequence),
            1);
}

TEST_F(BridgeForward, AHoldLeavesNoGap) {
  rig.rtp(0, {.sequence = 1});
  LegDescription held = describe(1);
  held.sections[0].peerReceives = false;
  rig.bridge.configure(1, held);
  for (int i = 2; i < 10; ++i) rig.rtp(0, {.sequence = static_cast<std::uint16_t>(i)});
  EXPECT_EQ(rig.drops(0, DropReason::peerDirection), 8u);
  rig.bridge.configure(1, describe(1));
  rig.rtp(0, {.sequence = 10});
  EXPECT_THAT(steps(), ElementsAre(0, 1));
}

TEST_F(BridgeForward, RefusalsAreCounted) {
  rig.rawRtp(0, {0x80, 0, 1});
  EXPECT_EQ(rig.drops(0, DropReason::rtpMalformed), 1u);
  rig.rtp(0, {.payloadType = 50});
  EXPECT_EQ(rig.drops(0, DropReason::rtpUnknownSsrc), 1u);
  rig.rtp(0, {.payloadType = 50, .extensions = {{1, {'0'}}}});
  EXPECT_EQ(rig.drops(0, DropReason::rtpUnknownPayloadType), 1u);
  rig.rtp(0, {.extensions = {{1, {'x'}}}});
  EXPECT_EQ(rig.drops(0, DropReason::rtpUnknownSsrc), 2u);
  rig.rtp(0, {});
  rig.rtp(0, {.payloadType = kVp8});
  EXPECT_EQ(rig.drops(0, DropReason::rtpUnknownPayloadType), 2u);
  LegDescription receiving = describe(0);
  receiving.sections[0].peerSends = false;
  rig.bridge.configure(0, receiving);
  rig.rtp(0, {.sequence = 2});
  EXPECT_EQ(rig.drops(0, DropReason::rtpDirection), 1u);
  receiving.sections[0].rejected = true;
  rig.bridge.configure(0, receiving);
  rig.rtp(0, {.sequence = 3, .ssrc = 0xA7});
  EXPECT_EQ(rig.drops(0, DropReason::rtpUnknownSsrc), 3u);
  rig.bridge.setReady(1, false, rig.now);
  rig.rtp(0, {.payloadType = kVp8, .ssrc = kVideoSsrc, .payload = vp8(true)});
  EXPECT_EQ(rig.drops(0, DropReason::peerNotReady), 1u);
  rig.bridge.removeLeg(1, rig.now);
  rig.rtp(0, {.payloadType = kVp8, .sequence = 1, .ssrc = kVideoSsrc, .payload = vp8(true)});
  EXPECT_EQ(rig.drops(0, DropReason::noPeer), 1u);
  rig.rtp(1, {});
  EXPECT_EQ(rig.drops(1, DropReason::callClosed), 1u);
  EXPECT_EQ(rig.sink.rtp.size(), 1u);
  rig.bridge.onRtp(2, {}, rig.now);  // No such leg: ignored.
}

TEST_F(BridgeForward, ACodecThatTheOtherLegLacksIsLeftOutWithoutAGap) {
  LegDescription plain = describe(1);
  plain.sections[0].codecs.pop_back();
  rig.bridge.configure(1, plain);
  rig.rtp(0, {.sequence = 1});
  rig.rtp(0, {.payloadType = kEvents, .sequence = 2});
  rig.rtp(0, {.sequence = 3});
  EXPECT_EQ(rig.drops(0, DropReason::peerNoCodec), 1u);
  EXPECT_THAT(steps(), ElementsAre(0, 1));
}

TEST_F(BridgeForward, TheSsrcTableIsBounded) {
  for (std::uint32_t i = 0; i < 20; ++i) rig.rtp(0, {.ssrc = 0x500 + i});
  EXPECT_EQ(rig.drops(0, DropReason::rtpSsrcTableFull), 12u);
  EXPECT_EQ(rig.sink.rtp.size(), 8u);
  rig.rtp(0,
          {.payloadType = kVp8, .ssrc = kVideoSsrc, .payload = vp8(true)});  // Others have their own share.
  EXPECT_EQ(rig.sink.rtp.size(), 9u);
  rig.now += std::chrono::seconds(11);  // Silent ones give way.
  rig.rtp(0, {.ssrc = 0x700});
  EXPECT_EQ(rig.sink.rtp.size(), 10u);
}

TEST_F(BridgeForward, SignalledSsrcsNeedNoMid) {
  LegDescription left = describe(0);
  left.sections[1].codecs[0].payloadType = PayloadType(kOpus);  // No payload type tells the sections apart.
  left.sections[1].peerSsrcs = {Ssrc(kVideoSsrc), Ssrc(kVideoRtxSsrc)};
  left.sections[1].peerRtx = {{Ssrc(kVideoRtxSsrc), Ssrc(kVideoSsrc)}};
  rig.bridge.configure(0, left);
  rig.rtp(0, {.payloadType = kOpus, .ssrc = kVideoSsrc, .payload = vp8(true)});
  ASSERT_EQ(rig.sink.rtp.size(), 1u);
  EXPECT_EQ(rig.sink.rtp[0].header.ssrc, ourVideo(1));
  rig.rtp(0, {.payloadType = kOpus});  // Ambiguous.
  EXPECT_EQ(rig.drops(0, DropReason::rtpUnknownSsrc), 1u);
}

TEST_F(BridgeForward, ByeEndsASource) {
  rig.rtp(0, {.sequence = 7});
  rig.rtcp(0, [](auto& w) { w.bye(std::array{kAudioSsrc}); });
  rig.rtp(0, {.sequence = 60'000, .ssrc = 0xA7});
  rig.rtp(0, {.sequence = 9});  // The old one anew: a source like any other.
  EXPECT_THAT(steps(), ElementsAre(0, 1));
}

TEST_F(BridgeForward, FirstPacketsAndStats) {
  EXPECT_FALSE(rig.bridge.firstPacketFrom(0, MediaKind::audio));
  rig.rtp(0, {.sequence = 1});
  rig.rtp(0, {.sequence = 4});
  EXPECT_EQ(rig.bridge.firstPacketFrom(0, MediaKind::audio), rig.now);
  EXPECT_EQ(rig.bridge.firstPacketTo(1, MediaKind::audio), rig.now);
  EXPECT_FALSE(rig.bridge.firstPacketTo(1, MediaKind::video));
  const LegStats left = rig.bridge.stats(0, rig.now), right = rig.bridge.stats(1, rig.now);
  ASSERT_EQ(left.sections.size(), 2u);
  EXPECT_EQ(left.sections[0].fromPeer.packets, 2u);
  EXPECT_EQ(left.sections[0].fromPeer.lost, 2u);
  EXPECT_EQ(left.sections[0].fromPeer.codec, "opus");
  EXPECT_EQ(right.sections[0].toPeer.packets, 2u);
  EXPECT_EQ(right.sections[0].toPeer.codec, "opus");
  EXPECT_GT(right.sections[0].toPeer.bitrate, 0u);
  EXPECT_EQ(rig.bridge.stats(1, rig.now + std::chrono::seconds(3)).sections[0].toPeer.bitrate, 0u);
}

TEST_F(BridgeForward, BitrateOverASecond) {
  for (int i = 0; i < 150; ++i) {
    rig.rtp(0, {.sequence = static_cast<std::uint16_t>(i), .payload = Raw(88)});
    rig.now += base::Millis(20);
  }
  EXPECT_NEAR(rig.bridge.stats(0, rig.now).sections[0].fromPeer.bitrate, 100 * 8 * 50, 1000);
}

TEST_F(BridgeForward, APacketThatCannotGrowIsRefused) {
  Raw raw = bytesOf({});
  rig.bridge.onRtp(0, {raw, 0, raw.size()}, rig.now);
  EXPECT_EQ(rig.drops(0, DropReason::packetTooLarge), 1u);
}

}  // namespace
}  // namespace parley::rtc
