// Packets and events into a bridge between two configured legs. The input is a list of operations:
//   | op 8 | length 8 | bytes … |
// op & 7: 0…2 RTP, 3…4 RTCP, 5 time passes, 6 readiness, 7 a leg is configured anew; op >> 3 & 1: which leg.
// RTP bytes are a whole packet (op & 7 == 0), or small numbers from which a plausible one is made (1, 2).
#include <cstdlib>

#include "rtc/bridge_testkit.h"

namespace {
using namespace parley;
using namespace parley::rtc;

void require(bool condition) {
  if (!condition) std::abort();
}

/// | kind 8 | sequence 16 | time 8 | payload … |: near enough to what is expected to get far.
void plausible(testkit::Rig& rig, LegIndex leg, base::ByteReader in) {
  const std::uint8_t kind = in.u8();
  testkit::RtpSpec spec;
  constexpr std::uint8_t types[] = {testkit::kOpus, testkit::kVp8,     testkit::kVp8Rtx,
                                    testkit::kH264, testkit::kH264Rtx, testkit::kEvents};
  constexpr std::uint32_t ssrcs[] = {testkit::kAudioSsrc, testkit::kVideoSsrc, testkit::kVideoRtxSsrc, 0x77};
  const std::uint8_t type = types[kind % 6];
  spec.payloadType = static_cast<std::uint8_t>(leg == 0 ? type : type - testkit::kShift);
  spec.ssrc = ssrcs[kind / 6 % 4];
  spec.sequence = in.u16();
  spec.timestamp = in.u8() * 960u;
  spec.padding = kind > 200 ? 3 : 0;
  const auto rest = in.rest();
  spec.payload.assign(rest.begin(), rest.end());
  const auto id = [&](int value) { return static_cast<std::uint8_t>(leg == 0 ? value : value + 5); };
  spec.extensions = {{id(2), {static_cast<std::uint8_t>(spec.sequence >> 8), kind}}, {id(4), {5}}};
  rig.rtp(leg, spec);
}

void change(testkit::Rig& rig, LegIndex leg, base::ByteReader in) {
  const std::uint8_t what = in.u8();
  if ((what & 0xe0) == 0xe0) return rig.bridge.removeLeg(leg, rig.now);
  if ((what & 0xf8) == 0xd8) return rig.bridge.join(0, 1 + (what & 1u), rig.now);
  if ((what & 0xf8) == 0xd0) return rig.bridge.setHeld(leg, (what & 1) != 0);
  if ((what & 0xf8) == 0xc8) return rig.bridge.forget(leg);
  LegDescription description = testkit::describe(leg);
  description.dtlsGeneration = what >> 4 & 1;
  description.sections[what & 1].peerSends = (what & 2) == 0;
  description.sections[what & 1].peerReceives = (what & 4) == 0;
  description.sections[1].rejected = (what & 8) != 0;
  if ((what & 64) != 0) description.kind = LegKind::rtp;
  if ((what & 32) != 0) description.sections[1].codecs.erase(description.sections[1].codecs.begin());
  rig.bridge.configure(leg, description);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16 * 1024) return 0;
  testkit::Rig rig;
  rig.bridge.configure(2, testkit::describe(2));
  rig.bridge.setReady(2, true, rig.now);
  base::ByteReader in(base::Bytes(data, size));
  while (in.ok() && in.remaining() >= 2) {
    const std::uint8_t op = in.u8();
    const base::Bytes bytes = in.bytes(in.u8());
    const LegIndex leg = op >> 3 & 1;
    switch (op & 7) {
      case 0:
        rig.rawRtp(leg, {bytes.begin(), bytes.end()});
        break;
      case 1:
      case 2:
        plausible(rig, leg, base::ByteReader(bytes));
        break;
      case 3:
      case 4:
        rig.bridge.onRtcp(leg, bytes, rig.now, rig.wall());
        break;
      case 5:
        rig.pass(base::Millis(bytes.size() * 13));
        break;
      case 6:
        rig.bridge.setReady(leg, bytes.size() % 2 == 1, rig.now);
        break;
      case 7:
        change(rig, leg, base::ByteReader(bytes));
        break;
    }
    require(rig.timerCalls < 10'000 && rig.sink.broken == 0);
    for (const auto& sent : rig.sink.rtp)
      require(sent.header.ssrc == testkit::ourAudio(sent.to) ||
              sent.header.ssrc == testkit::ourVideo(sent.to) || sent.header.ssrc == testkit::ourRtx(sent.to));
    rig.sink.clear();
  }
  rig.bridge.stats(0, rig.now);
  rig.bridge.stats(1, rig.now);
  return 0;
}
