// The bridge is told of readiness, negotiation and removal in whatever order transports and control requests
// come: every order of a few steps must leave it sound, and its timer at rest between what is due.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "rtc/bridge_testkit.h"

namespace parley::rtc {
namespace {

using namespace testkit;
using base::Millis;

/// As Rig, but nothing is configured yet.
struct Bare {
  base::FakeRandom random{7};
  RecordingSink sink;
  MediaBridge bridge{{}, random, sink};
  Raw slot;
  base::Instant now = base::Instant{} + std::chrono::hours(1);
  std::uint16_t sequence = 1000;

  void rtp(LegIndex from, RtpSpec spec) {
    if (from == 1) spec.payloadType = static_cast<std::uint8_t>(spec.payloadType - kShift);
    const Raw raw = bytesOf(spec);
    slot.assign(64, 0);
    slot.insert(slot.end(), raw.begin(), raw.end());
    slot.resize(slot.size() + 64);
    bridge.onRtp(from, {slot, 64, raw.size()}, now);
  }
  /// Audio and video with numbers for transport-cc, a gap, RTX, and all that a peer reports.
  void traffic(LegIndex from) {
    const auto id = static_cast<std::uint8_t>(from == 0 ? 2 : 7);
    const Raw number{0, static_cast<std::uint8_t>(sequence)};
    rtp(from, {.sequence = sequence, .extensions = {{id, number}}});
    sequence = static_cast<std::uint16_t>(sequence + 2);
    rtp(from, {.payloadType = kVp8, .sequence = sequence, .ssrc = kVideoSsrc, .payload = vp8(true)});
    rtp(from, {.payloadType = kH264, .sequence = ++sequence, .ssrc = kVideoSsrc, .payload = {0x65, 1, 2}});
    rtp(from, {.payloadType = kVp8Rtx, .ssrc = kVideoRtxSsrc, .payload = {3, 0xe9, 0x10, 1}});
    std::array<std::uint8_t, 1500> buffer;
    proto::RtcpWriter writer(buffer);
    writer.senderReport(kVideoSsrc, {.ntp = 1, .rtpTimestamp = 2, .packets = 3, .octets = 4}, {});
    if (!sink.rtp.empty()) {
      const std::uint16_t last = sink.rtp.back().header.sequence;
      writer.nack(1, ourVideo(from), std::array{last});
    }
    writer.pli(1, ourVideo(from));
    writer.fir(1, ourVideo(from), 1);
    writer.remb(1, 100'000, std::array{ourVideo(from)});
    writer.bye(std::array{kAudioSsrc});
    bridge.onRtcp(from, writer.written(), now, {});
  }
  void time() {
    const base::Instant until = now + Millis(300);
    int calls = 0;
    while (bridge.nextTimer() <= until) {
      ASSERT_LT(++calls, 200);
      now = std::max(now, bridge.nextTimer());
      bridge.onTimer(now, {});
      ASSERT_GT(bridge.nextTimer(), now);  // Else a loop would spin.
    }
    now = until;
  }
};

struct Step {
  const char* name;
  std::function<void(Bare&)> run;
};

LegDescription poorer(LegIndex leg) {
  LegDescription out = describe(leg);
  out.sections[1].codecs.erase(out.sections[1].codecs.begin());
  out.sections[1].codecs[0].rtx.reset();
  out.sections[0].rejected = true;
  out.sections[0].codecs.clear();
  return out;
}

std::vector<Step> steps() {
  std::vector<Step> out{{"time", [](Bare& b) { b.time(); }},
                        {"traffic 0", [](Bare& b) { b.traffic(0); }},
                        {"traffic 1", [](Bare& b) { b.traffic(1); }},
                        {"audio only 1", [](Bare& b) { b.bridge.configure(1, describe(1, false)); }},
                        {"poorer 0", [](Bare& b) { b.bridge.configure(0, poorer(0)); }},
                        {"new peer 0",
                         [](Bare& b) {
                           LegDescription next = describe(0);
                           next.dtlsGeneration = 1;
                           b.bridge.configure(0, next);
                         }},
                        {"nothing 0", [](Bare& b) { b.bridge.configure(0, {}); }}};
  for (const LegIndex leg : {LegIndex{0}, LegIndex{1}}) {
    out.push_back({"ready", [leg](Bare& b) { b.bridge.setReady(leg, true, b.now); }});
    out.push_back({"configure", [leg](Bare& b) { b.bridge.configure(leg, describe(leg)); }});
    out.push_back({"remove", [leg](Bare& b) { b.bridge.removeLeg(leg, b.now); }});
  }
  out.push_back({"not ready 1", [](Bare& b) { b.bridge.setReady(1, false, b.now); }});
  return out;
}

TEST(BridgeOrders, AnyThreeStepsInAnyOrderAndManyOfFourLeaveItSound) {
  const std::vector<Step> all = steps();
  const std::size_t n = all.size();
  const std::size_t ofThree = n * n * n;
  for (std::size_t order = 0; order < ofThree * n; order += order < ofThree ? 1 : 11) {
    Bare bare;
    std::string told;
    std::size_t rest = order;
    for (int i = 0; i < (order < ofThree ? 3 : 4); ++i, rest /= n) {
      const Step& step = all[rest % n];
      told += std::string(step.name) + ", ";
      step.run(bare);
    }
    // Whatever came before: two configured, ready legs hear each other.
    for (const LegIndex leg : {LegIndex{0}, LegIndex{1}}) {
      bare.bridge.setReady(leg, true, bare.now);
      LegDescription last = describe(leg);
      last.dtlsGeneration = 9;
      bare.bridge.configure(leg, last);
    }
    bare.sink.clear();
    bare.traffic(0);
    bare.traffic(1);
    ASSERT_GE(bare.sink.rtp.size(), 4u) << told;
    bare.time();
    ASSERT_FALSE(bare.sink.rtcp.empty()) << told;
    ASSERT_EQ(bare.sink.broken, 0) << told;
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << told;
  }
}

TEST(BridgeOrders, LongRandomOrdersLeaveItSound) {
  const std::vector<Step> all = steps();
  base::FakeRandom random(11);
  for (int round = 0; round < 300; ++round) {
    Bare bare;
    for (int i = 0; i < 60; ++i) all[random.u32() % all.size()].run(bare);
    ASSERT_EQ(bare.sink.broken, 0) << round;
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << round;
  }
}

}  // namespace
}  // namespace parley::rtc
