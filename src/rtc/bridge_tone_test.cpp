// The ringing tone for a leg that waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtc/bridge_testkit.h"
#include "rtc/ringing_tone.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint8_t kPcma = 8, kG722 = 9;

/// Leg 1 is a telephone that prefers G.722 and takes PCMA, leg 2 a page.
struct Waiting : Rig {
  Waiting() {
    phone = describe(1, false);
    phone.kind = LegKind::rtp;
    MediaSection& audio = phone.sections[0];
    audio.extensions = {};
    audio.codecs = {codec(kG722, "G722", 8000), codec(kPcma, "PCMA", 8000)};
    bridge.configure(1, phone);
    for (const LegIndex page : {LegIndex{0}, LegIndex{2}}) {
      LegDescription description = describe(page, false);
      description.sections[0].codecs = audio.codecs;
      bridge.configure(page, description);
      bridge.setReady(page, true, now);
    }
    sink.clear();
  }
  void say(LegIndex from, std::uint16_t sequence) {
    RtpSpec spec;
    spec.payloadType = kG722;
    spec.sequence = sequence;
    spec.timestamp = sequence * 160u;
    spec.ssrc = from == 2 ? 0xC0 : kAudioSsrc;
    spec.payload = Raw(160, 7);
    rtp(from, spec);
  }
  LegDescription phone;
};

TEST(BridgeTone, AWaitingTelephoneHearsRinging) {
  Waiting rig;
  rig.say(0, 100);
  const auto before = rig.sink.rtp.at(0).header;
  rig.sink.clear();
  rig.bridge.setHeld(1, true);
  rig.bridge.setRinging(1, true, rig.now);
  rig.pass(base::Millis(5'990));
  ASSERT_THAT(rig.sink.rtp, SizeIs(300)) << "20 ms each";
  for (std::size_t i = 0; i < rig.sink.rtp.size(); ++i) {
    const SentRtp& sent = rig.sink.rtp[i];
    ASSERT_EQ(sent.to, 1u);
    EXPECT_TRUE(sent.mustCopy);
    EXPECT_EQ(sent.header.payloadType, kPcma);
    EXPECT_EQ(sent.header.ssrc, before.ssrc);
    EXPECT_EQ(sent.header.sequence, static_cast<std::uint16_t>(before.sequence + 1 + i)) << "no gap";
    EXPECT_EQ(sent.header.timestamp, rig.sink.rtp[0].header.timestamp + i * kTonePacketSamples);
    EXPECT_EQ(sent.header.marker, i == 0);
    const base::Bytes expected = ringingTone(G711::a, i);
    ASSERT_EQ(sent.payload, Raw(expected.begin(), expected.end()));
  }
  const auto stats = rig.bridge.stats(1, rig.now).sections.at(0).toPeer;
  EXPECT_EQ(stats.packets, 301u);
  EXPECT_EQ(stats.codec, "PCMA");
  const auto reports = rig.sink.find(1, [](const proto::RtcpBlock& b) { return proto::parseReport(b); });
  ASSERT_FALSE(reports.empty());
  ASSERT_TRUE(reports.back().sender) << "by our own clock";
  EXPECT_LT(rig.sink.rtp.back().header.timestamp - reports.back().sender->rtpTimestamp, 48'000u);
}

TEST(BridgeTone, WhoSpeaksMeanwhileIsNotHeardAndSpoilsNothing) {
  Waiting rig;
  rig.say(0, 1);
  rig.bridge.setHeld(1, true);
  rig.bridge.setRinging(1, true, rig.now);
  for (std::uint16_t i = 2; i < 50; ++i) {
    rig.say(0, i == 30 ? 9'000 : i);
    rig.pass(base::Millis(20));
  }
  for (std::size_t i = 1; i < rig.sink.rtp.size(); ++i) {
    EXPECT_EQ(rig.sink.rtp[i].header.sequence,
              static_cast<std::uint16_t>(rig.sink.rtp[i - 1].header.sequence + 1));
    EXPECT_EQ(rig.sink.rtp[i].header.payloadType, kPcma);
    if (i == 1) continue;
    EXPECT_EQ(rig.sink.rtp[i].header.timestamp, rig.sink.rtp[i - 1].header.timestamp + 160);
  }
  EXPECT_EQ(rig.drops(0, DropReason::onHold), 47u) << "48 but the one that jumped: nothing follows it";
}

TEST(BridgeTone, WhoComesThenGoesOnWhereTheToneWas) {
  Waiting rig;
  rig.bridge.setHeld(1, true);
  rig.bridge.setRinging(1, true, rig.now);
  rig.pass(base::Millis(100));
  const auto last = rig.sink.rtp.back().header;
  rig.bridge.join(1, 2, rig.now);
  rig.bridge.setHeld(1, false);
  rig.sink.clear();
  rig.pass(base::Millis(40));
  EXPECT_THAT(rig.sink.rtp, IsEmpty()) << "joined: no tone any more";
  rig.say(2, 40'000);
  ASSERT_THAT(rig.sink.rtp, SizeIs(1));
  const auto& next = rig.sink.rtp[0].header;
  EXPECT_EQ(next.payloadType, kG722);
  EXPECT_EQ(next.ssrc, last.ssrc);
  EXPECT_EQ(next.sequence, static_cast<std::uint16_t>(last.sequence + 1));
  EXPECT_LE(next.timestamp - last.timestamp, 160u * 4);
  EXPECT_GT(next.timestamp, last.timestamp);
}

TEST(BridgeTone, OnlyWhereItCanBeHeard) {
  Waiting rig;
  rig.bridge.setRinging(0, true, rig.now);
  rig.pass(base::Millis(1'000));
  EXPECT_THAT(rig.sink.rtp, IsEmpty()) << "a page makes its own";
  rig.bridge.setRinging(0, false, rig.now);

  rig.phone.sections[0].peerReceives = false;
  rig.bridge.configure(1, rig.phone);
  rig.bridge.setRinging(1, true, rig.now);
  rig.pass(base::Millis(1'000));
  EXPECT_THAT(rig.sink.rtp, IsEmpty()) << "it takes no audio now";
  rig.phone.sections[0].peerReceives = true;
  rig.bridge.configure(1, rig.phone);
  rig.pass(base::Millis(1'000));
  EXPECT_GT(rig.sink.rtp.size(), 20u) << "and then it does";
  rig.bridge.setReady(1, false, rig.now);
  rig.sink.clear();
  rig.pass(base::Millis(60'000));
  EXPECT_THAT(rig.sink.rtp, IsEmpty());
  rig.bridge.setReady(1, true, rig.now);
  rig.pass(base::Millis(100));
  EXPECT_LE(rig.sink.rtp.size(), 6u) << "what is over is not made up for";
}

}  // namespace
}  // namespace parley::rtc
