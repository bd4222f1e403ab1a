#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtc/bridge_testkit.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using base::Millis;

constexpr std::uint64_t kNtp = 0xe0000000'40000000;

struct BridgeReports : testing::Test {
  Rig rig;
  std::uint16_t sequence = 1;
  std::uint32_t stamp = 1000;
  void TearDown() override { EXPECT_EQ(rig.sink.broken, 0); }

  /// Audio from leg 0, 50 packets per second.
  void talk(Millis length, int loseEach = 0) {
    for (int i = 0; i < length.count() / 20; ++i) {
      if (loseEach == 0 || i % loseEach != 0) rig.rtp(0, {.sequence = sequence, .timestamp = stamp});
      ++sequence;
      stamp += 960;
      rig.pass(Millis(20));
    }
  }
  void senderReport(std::uint64_t ntp, std::uint32_t rtp) {
    rig.rtcp(0, [&](auto& w) { w.senderReport(kAudioSsrc, {ntp, rtp, 1, 1}, {}); });
  }
  std::vector<proto::RtcpReport> reportsTo(LegIndex leg) const {
    return rig.sink.find(leg, proto::parseReport);
  }
  std::vector<proto::RtcpReport> senderReportsTo(LegIndex leg) const {
    auto all = reportsTo(leg);
    std::erase_if(all, [](const auto& r) { return !r.sender; });
    return all;
  }
  /// The last block about `ssrc` sent to `leg`.
  std::optional<proto::RtcpReportBlock> blockTo(LegIndex leg, std::uint32_t ssrc) const {
    std::optional<proto::RtcpReportBlock> out;
    for (const auto& report : reportsTo(leg))
      for (std::size_t i = 0; i < report.size(); ++i)
        if (report.block(i).ssrc == ssrc) out = report.block(i);
    return out;
  }
};

TEST_F(BridgeReports, ComeAboutEachSecondWithACname) {
  rig.pass(std::chrono::seconds(20));
  int count = 0;
  for (const SentRtcp& sent : rig.sink.rtcp) {
    if (sent.to != 0) continue;
    proto::RtcpReader reader(sent.raw);
    ASSERT_TRUE(proto::parseReport(*reader.next()));
    while (const auto block = reader.next()) {
      proto::RtcpSdesReader sdes(*block);
      if (const auto item = sdes.next()) count += item->text == "left";
    }
  }
  EXPECT_NEAR(count, 20, 4);
}

TEST_F(BridgeReports, ALegThatIsNotReadyGetsNone) {
  rig.bridge.setReady(0, false, rig.now);
  talk(Millis(3000));
  EXPECT_TRUE(reportsTo(0).empty());
  rig.bridge.setReady(1, false, rig.now);
  rig.sink.clear();
  rig.pass(Millis(3000));
  EXPECT_TRUE(rig.sink.rtcp.empty());
  EXPECT_EQ(rig.bridge.nextTimer(), base::Instant::max());
}

TEST_F(BridgeReports, TellTheSenderWhatCame) {
  talk(Millis(200));
  senderReport(kNtp, stamp);
  rig.pass(Millis(500));
  rig.sink.clear();
  talk(Millis(4000), 4);
  const auto block = blockTo(0, kAudioSsrc);
  ASSERT_TRUE(block);
  EXPECT_NEAR(block->fractionLost, 64, 6);
  EXPECT_NEAR(block->cumulativeLost, 48, 14);
  EXPECT_EQ(block->lastSr, static_cast<std::uint32_t>(kNtp >> 16));
  EXPECT_GT(block->delaySinceLastSr, 65536u);
  EXPECT_EQ(block->highestSequence >> 16, 1u);
  const StreamStats stats = rig.bridge.stats(0, rig.now).sections[0].fromPeer;
  EXPECT_EQ(stats.lost, 50u);
  EXPECT_NEAR(stats.fractionLost, 0.25, 0.03);
}

TEST_F(BridgeReports, TellTheSenderTheWorseOfBothLosses) {
  talk(Millis(500));
  rig.rtcp(1, [](auto& w) {
    proto::RtcpReportBlock block;
    block.ssrc = ourAudio(1);
    block.fractionLost = 100;
    block.cumulativeLost = 33;
    block.jitter = 480;
    w.receiverReport(1, {&block, 1});
  });
  talk(Millis(2000));
  EXPECT_EQ(blockTo(0, kAudioSsrc)->fractionLost, 100);
  EXPECT_EQ(blockTo(0, kAudioSsrc)->cumulativeLost, 0);
  const StreamStats stats = rig.bridge.stats(1, rig.now).sections[0].toPeer;
  EXPECT_EQ(stats.lost, 33u);
  EXPECT_DOUBLE_EQ(stats.jitterMs, 10);
  rig.sink.clear();
  talk(Millis(6000));  // An old report counts no more.
  EXPECT_EQ(blockTo(0, kAudioSsrc)->fractionLost, 0);
}

TEST_F(BridgeReports, SenderReportsKeepTheSendersClock) {
  talk(Millis(200));
  senderReport(kNtp, stamp);
  rig.pass(Millis(15));  // The first one goes across at once.
  const auto sent = senderReportsTo(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].ssrc, ourAudio(1));
  EXPECT_EQ(sent[0].sender->packets, 10u);
  EXPECT_EQ(sent[0].sender->octets, 40u);
  // NTP and RTP moved on together: 10 ms.
  EXPECT_NEAR(static_cast<double>(sent[0].sender->ntp - kNtp), 0.010 * 4294967296.0, 1000);
  const std::uint32_t shift = rig.sink.rtp.back().header.timestamp - (stamp - 960);
  EXPECT_EQ(sent[0].sender->rtpTimestamp - shift, stamp + 480);
  rig.sink.clear();
  talk(Millis(3000));
  for (const auto& later : senderReportsTo(1)) {
    const double seconds = static_cast<double>(later.sender->ntp - kNtp) / 4294967296.0;
    EXPECT_NEAR(static_cast<std::uint32_t>(later.sender->rtpTimestamp - shift - (stamp - 144'000)),
                seconds * 48'000, 2);
  }
  EXPECT_GE(senderReportsTo(1).size(), 2u);
}

TEST_F(BridgeReports, ANewSourceIsNotReportedOnTheOldClock) {
  talk(Millis(200));
  senderReport(kNtp, stamp);
  rig.pass(Millis(100));
  rig.rtp(0, {.sequence = 9000, .timestamp = 5, .ssrc = 0xA7});
  rig.sink.clear();
  rig.pass(Millis(1500));
  EXPECT_TRUE(senderReportsTo(1).empty());
}

TEST_F(BridgeReports, AudioAndVideoKeepTheirCommonClock) {
  rig.rtp(0, {.payloadType = kVp8, .timestamp = 90'000, .ssrc = kVideoSsrc, .payload = vp8(true)});
  talk(Millis(200));
  const std::uint32_t audioShift = rig.sink.rtp.back().header.timestamp - (stamp - 960);
  const std::uint32_t videoShift = rig.sink.rtp.front().header.timestamp - 90'000;
  senderReport(kNtp, stamp);
  rig.pass(Millis(300));  // Its video report comes later and speaks of later.
  rig.rtcp(0, [](auto& w) { w.senderReport(kVideoSsrc, {kNtp + 0x4ccccccd, 120'000, 1, 1}, {}); });
  rig.sink.clear();
  rig.pass(Millis(1300));
  const auto reports = senderReportsTo(1);
  ASSERT_GE(reports.size(), 2u);
  for (const auto& report : reports) {
    const double since = static_cast<double>(report.sender->ntp - kNtp) / 4294967296.0;
    const bool audio = report.ssrc == ourAudio(1);
    const std::uint32_t own = report.sender->rtpTimestamp - (audio ? audioShift : videoShift);
    if (audio)
      EXPECT_NEAR(static_cast<double>(own - stamp), since * 48'000, 2);
    else
      EXPECT_NEAR(static_cast<double>(own - 120'000), (since - 0.3) * 90'000, 4);
  }
}

TEST_F(BridgeReports, ASourceWithoutReportsGetsOurClock) {
  talk(Millis(1500));
  EXPECT_TRUE(senderReportsTo(1).empty());
  talk(Millis(3000));
  ASSERT_FALSE(senderReportsTo(1).empty());
  const auto info = *senderReportsTo(1).back().sender;
  EXPECT_NEAR(static_cast<double>(info.ntp >> 32), static_cast<double>(base::ntpOf(rig.wall()) >> 32), 2);
}

TEST_F(BridgeReports, ASilentStreamGetsNoSenderReport) {
  talk(Millis(200));
  senderReport(kNtp, stamp);
  rig.pass(Millis(4000));
  rig.sink.clear();
  rig.pass(Millis(3000));
  EXPECT_TRUE(senderReportsTo(1).empty());
  EXPECT_FALSE(reportsTo(1).empty());
}

TEST_F(BridgeReports, RoundTripTimeInSpiteOfAForeignClock) {
  talk(Millis(200));
  senderReport(kNtp, stamp);
  rig.pass(Millis(15));
  const auto sent = senderReportsTo(1);
  ASSERT_EQ(sent.size(), 1u);
  rig.now += Millis(135);  // 10 ms were gone; the peer held it for 100 ms.
  rig.rtcp(1, [&](auto& w) {
    proto::RtcpReportBlock block;
    block.ssrc = ourAudio(1);
    block.lastSr = static_cast<std::uint32_t>(sent[0].sender->ntp >> 16);
    block.delaySinceLastSr = 6554;
    w.receiverReport(1, {&block, 1});
  });
  ASSERT_TRUE(rig.bridge.stats(1, rig.now).rttMs);
  EXPECT_NEAR(*rig.bridge.stats(1, rig.now).rttMs, 40, 1);
  rig.rtcp(1, [&](auto& w) {  // A report of something that was never sent.
    proto::RtcpReportBlock block;
    block.ssrc = ourAudio(1);
    block.lastSr = 12345;
    w.receiverReport(1, {&block, 1});
  });
  EXPECT_NEAR(*rig.bridge.stats(1, rig.now).rttMs, 40, 1);
}

TEST_F(BridgeReports, LeavingSaysBye) {
  rig.bridge.removeLeg(0, rig.now);
  const auto byes = rig.sink.find(0, proto::parseBye);
  ASSERT_EQ(byes.size(), 1u);
  EXPECT_EQ(byes[0].size(), 2u);
  EXPECT_EQ(byes[0][0], ourAudio(0));
  EXPECT_EQ(byes[0][1], ourVideo(0));
  rig.bridge.setReady(1, false, rig.now);
  rig.sink.clear();
  rig.bridge.removeLeg(1, rig.now);
  EXPECT_TRUE(rig.sink.rtcp.empty());
}

TEST_F(BridgeReports, MalformedRtcpIsCountedAndTheSoundPartIsRead) {
  rig.rtp(0, {.payloadType = kVp8, .ssrc = kVideoSsrc, .payload = vp8(true)});
  rig.pass(Millis(300));
  rig.sink.clear();
  std::array<std::uint8_t, 64> buffer;
  proto::RtcpWriter writer(buffer);
  writer.pli(1, ourVideo(1));
  Raw raw(writer.written().begin(), writer.written().end());
  raw.insert(raw.end(), {0x80, 201, 0, 9});
  rig.bridge.onRtcp(1, raw, rig.now, rig.wall());
  rig.bridge.onRtcp(1, {}, rig.now, rig.wall());
  rig.bridge.onRtcp(1, Raw{0x81, 201, 0, 1, 0, 0, 0, 0}, rig.now, rig.wall());
  EXPECT_EQ(rig.drops(1, DropReason::rtcpMalformed), 3u);
  EXPECT_EQ(rig.sink.find(0, proto::parsePli).size(), 1u);
  rig.bridge.onRtcp(1, Raw{0x80, 204, 0, 1, 0, 0, 0, 0, 0x80, 250, 0, 0}, rig.now, rig.wall());
  EXPECT_EQ(rig.drops(1, DropReason::rtcpMalformed), 3u);  // Unknown is not malformed.
}

}  // namespace
}  // namespace parley::rtc
