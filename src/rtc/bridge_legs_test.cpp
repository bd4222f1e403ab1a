// More than two legs, hold, and legs that have a transport for each section.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtc/bridge_testkit.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using testing::SizeIs;

/// A third leg that is described as the second.
struct Three : Rig {
  Three() {
    bridge.configure(2, describe(1));
    bridge.setReady(2, true, now);
    sink.clear();
  }
  RtpSpec audio(LegIndex from, std::uint16_t sequence) const {
    RtpSpec spec;
    spec.sequence = sequence;
    spec.timestamp = sequence * 960u;
    spec.ssrc = kAudioSsrc;
    if (from != 0) spec.payloadType = kOpus - kShift;
    return spec;
  }
};

TEST(BridgeLegs, OnlyJoinedLegsHearEachOther) {
  Three rig;
  rig.rtp(2, rig.audio(2, 1));
  EXPECT_THAT(rig.sink.rtp, SizeIs(0));
  EXPECT_EQ(rig.drops(2, DropReason::noPeer), 1u);
  rig.rtp(0, rig.audio(0, 1));
  ASSERT_THAT(rig.sink.rtp, SizeIs(1));
  EXPECT_EQ(rig.sink.rtp[0].to, 1u);
  rig.bridge.join(0, 2, rig.now);
  EXPECT_EQ(rig.bridge.peerOf(0), 2u);
  EXPECT_EQ(rig.bridge.peerOf(1), std::nullopt);
  rig.sink.clear();
  rig.rtp(0, rig.audio(0, 2));
  rig.rtp(1, rig.audio(1, 2));
  rig.rtp(2, rig.audio(2, 2));
  ASSERT_THAT(rig.sink.rtp, SizeIs(2));
  EXPECT_EQ(rig.sink.rtp[0].to, 2u);
  EXPECT_EQ(rig.sink.rtp[1].to, 0u);
  EXPECT_EQ(rig.drops(1, DropReason::noPeer), 1u);
}

TEST(BridgeLegs, AListenerNoticesNoChangeOfWhoSpeaks) {
  Three rig;
  rig.rtp(1, rig.audio(1, 1));
  rig.now += base::Millis(20);
  rig.bridge.join(0, 2, rig.now);
  rig.rtp(2, rig.audio(2, 40'000));
  ASSERT_THAT(rig.sink.rtp, SizeIs(2));
  const auto& before = rig.sink.rtp[0].header;
  const auto& after = rig.sink.rtp[1].header;
  EXPECT_EQ(after.ssrc, before.ssrc);
  EXPECT_EQ(after.sequence, static_cast<std::uint16_t>(before.sequence + 1));
  EXPECT_EQ(after.timestamp, before.timestamp + 960);
}

TEST(BridgeLegs, TheNewPeerOfVideoIsAskedForAKeyFrame) {
  Three rig;
  for (const LegIndex leg : {0u, 2u}) {
    RtpSpec spec = rig.audio(leg, 1);
    spec.payloadType = static_cast<std::uint8_t>(leg == 0 ? kVp8 : kVp8 - kShift);
    spec.ssrc = kVideoSsrc;
    spec.payload = vp8(true);
    rig.rtp(leg, spec);
  }
  rig.pass(base::Millis(300));
  rig.sink.clear();
  rig.bridge.join(0, 2, rig.now);
  rig.pass(base::Millis(300));
  const auto pli = [](const proto::RtcpBlock& block) { return proto::parsePli(block); };
  EXPECT_FALSE(rig.sink.find(0, pli).empty());
  EXPECT_FALSE(rig.sink.find(2, pli).empty());
  EXPECT_TRUE(rig.sink.find(1, pli).empty());
}

TEST(BridgeLegs, NothingPassesToOrFromAHeldLeg) {
  Three rig;
  rig.bridge.setHeld(1, true);
  rig.rtp(0, rig.audio(0, 1));
  rig.rtp(1, rig.audio(1, 1));
  EXPECT_THAT(rig.sink.rtp, SizeIs(0));
  EXPECT_EQ(rig.drops(0, DropReason::onHold) + rig.drops(1, DropReason::onHold), 2u);
  rig.bridge.setHeld(1, false);
  rig.rtp(0, rig.audio(0, 2));
  rig.rtp(1, rig.audio(1, 2));
  EXPECT_THAT(rig.sink.rtp, SizeIs(2));
}

TEST(BridgeLegs, APlaceIsForAnotherLegOnceItWasForgotten) {
  Three rig;
  rig.rtp(2, rig.audio(2, 1));
  rig.bridge.removeLeg(2, rig.now);
  rig.bridge.forget(2);
  EXPECT_EQ(rig.allDrops(2), 0u);
  EXPECT_FALSE(rig.bridge.firstPacketFrom(2, MediaKind::audio));
}

/// Leg 1 as a SIP device: no bundle, no extensions, no feedback.
LegDescription device() {
  LegDescription description = describe(1);
  description.kind = LegKind::rtp;
  for (MediaSection& section : description.sections) {
    section.extensions = {};
    section.peerSsrcs.clear();
    section.peerRtx.clear();
    section.reducedRtcp = false;
    for (Codec& codec : section.codecs) {
      codec.rtx.reset();
      codec.nack = codec.nackPli = codec.ccmFir = codec.remb = codec.transportCc = false;
    }
  }
  return description;
}

TEST(BridgeLegs, ADevicesPortSaysWhichSectionAPacketIsOf) {
  Rig rig;
  LegDescription description = device();
  // The same number means voice on one port and video on the other.
  description.sections[1].codecs[0].payloadType = description.sections[0].codecs[0].payloadType;
  rig.bridge.configure(1, description);
  RtpSpec spec;
  spec.payloadType = description.sections[0].codecs[0].payloadType.value();
  spec.ssrc = 77;
  spec.payload = vp8(true);
  for (const std::size_t section : {0u, 1u, 0u}) {
    Raw raw = bytesOf(spec);
    raw.resize(raw.size() + 64);
    rig.bridge.onRtp(1, {raw, 0, raw.size() - 64}, rig.now, section);
    ++spec.sequence;
  }
  ASSERT_THAT(rig.sink.rtp, SizeIs(3));
  EXPECT_EQ(rig.sink.rtp[0].section, 0u);
  EXPECT_EQ(rig.sink.rtp[1].section, 1u);
  EXPECT_EQ(rig.sink.rtp[2].section, 0u);
}

TEST(BridgeLegs, ADeviceGetsAReportForEachPort) {
  Rig rig;
  rig.bridge.configure(1, device());
  rig.sink.clear();
  rig.pass(std::chrono::seconds(6));
  std::array<int, 2> reports{};
  for (const SentRtcp& sent : rig.sink.rtcp)
    if (sent.to == 1) ++reports.at(sent.section);
  EXPECT_GE(reports[0], 1);
  EXPECT_GE(reports[1], 1);
  EXPECT_LE(reports[0], 3);  // Every five seconds, not every second.
}

TEST(BridgeLegs, WhoKnowsNoFeedbackIsNotAskedByRtcp) {
  Rig rig;
  LegDescription description = device();
  rig.bridge.configure(1, description);
  RtpSpec spec;
  spec.payloadType = static_cast<std::uint8_t>(kVp8 - kShift);
  spec.ssrc = 77;
  spec.payload = vp8(false);
  Raw raw = bytesOf(spec);
  raw.resize(raw.size() + 64);
  rig.bridge.onRtp(1, {raw, 0, raw.size() - 64}, rig.now, 1);
  rig.sink.clear();
  rig.pass(std::chrono::seconds(2));
  EXPECT_GT(rig.sink.keyFramesWanted, 0);
  EXPECT_TRUE(rig.sink.find(1, [](const proto::RtcpBlock& b) { return proto::parsePli(b); }).empty());
}

}  // namespace
}  // namespace parley::rtc
