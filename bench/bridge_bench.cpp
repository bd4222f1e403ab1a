// What the bridge costs for one forwarded packet (no encryption, no sockets), and what it keeps per call.
// `allocs` counts heap allocations a packet, feedback and timers included.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <vector>

#include "allocations.h"
#include "rtc/bridge_testkit.h"

namespace {
using namespace parley;
using namespace parley::rtc;

class NullSink final : public BridgeSink {
 public:
  void sendRtp(LegIndex, std::size_t, proto::Packet packet, bool) override {
    benchmark::DoNotOptimize(packet.size);
  }
  void sendRtcp(LegIndex to, std::size_t, proto::Packet packet) override {
    benchmark::DoNotOptimize(packet.size);
    proto::RtcpReader reader(packet.data());
    while (const auto block = reader.next())
      if (const auto report = proto::parseReport(*block); to == 1 && report && report->sender) {
        ssrc = report->ssrc;
        lastSr = static_cast<std::uint32_t>(report->sender->ntp >> 16);
      }
  }
  std::uint32_t ssrc = 0, lastSr = 0;  ///< Of the last sender report to leg 1.
};

struct Call {
  explicit Call(base::Random& random, bool video) : bridge({}, random, sink) {
    for (const LegIndex leg : {LegIndex{0}, LegIndex{1}}) {
      bridge.configure(leg, testkit::describe(leg, video));
      bridge.setReady(leg, true, now);
    }
  }
  NullSink sink;
  MediaBridge bridge;
  base::Instant now = base::Instant{} + std::chrono::hours(1);
};

testkit::Raw templateOf(bool video) {
  testkit::RtpSpec spec;
  spec.extensions = {{1, {video ? std::uint8_t{'1'} : std::uint8_t{'0'}}}, {2, {0, 0}}, {3, {1, 2, 3}}};
  spec.payload = testkit::Raw(80, 0x11);
  if (video) {
    spec.payloadType = testkit::kVp8;
    spec.ssrc = testkit::kVideoSsrc;
    spec.payload = testkit::vp8(false, 1000);
  } else {
    spec.extensions.push_back({4, {0x85}});
  }
  return testkit::bytesOf(spec);
}

/// As a browser sends: numbers and stamps move on; the timer is called when due.
void feed(Call& call, const testkit::Raw& packet, std::vector<std::uint8_t>& slot, std::uint32_t i,
          bool video, base::Micros spacing) {
  constexpr std::size_t kHeadroom = 64;
  std::copy(packet.begin(), packet.end(), slot.begin() + kHeadroom);
  base::storeU16(&slot[kHeadroom + 2], static_cast<std::uint16_t>(i));
  base::storeU32(&slot[kHeadroom + 4], i * (video ? 900 : 960));
  slot[kHeadroom + 19] = static_cast<std::uint8_t>(i >> 8);  // The transport-wide number.
  slot[kHeadroom + 20] = static_cast<std::uint8_t>(i);
  call.bridge.onRtp(0, {slot, kHeadroom, packet.size()}, call.now);
  call.now += spacing;
  if (call.bridge.nextTimer() <= call.now) call.bridge.onTimer(call.now, {});
}

void forward(benchmark::State& state, bool video) {
  base::FakeRandom random;
  Call call(random, true);
  const testkit::Raw packet = templateOf(video);
  std::vector<std::uint8_t> slot(64 + packet.size() + 64);
  std::uint32_t i = 0;
  const base::Micros spacing(video ? 10'000 : 20'000);
  // Ten seconds first: what grows to its bound has grown.
  while (i < (video ? 1000u : 500u)) feed(call, packet, slot, i++, video, spacing);
  const std::uint64_t before = allocations.load();
  for (auto _ : state) feed(call, packet, slot, i++, video, spacing);
  state.counters["allocs"] = benchmark::Counter(static_cast<double>(allocations.load() - before) /
                                                static_cast<double>(state.iterations()));
  if (call.bridge.stats(1, call.now).sections[video ? 1 : 0].toPeer.packets != i)
    state.SkipWithError("lost some");
  state.SetItemsProcessed(state.iterations());
}
void BM_ForwardAudio(benchmark::State& state) { forward(state, false); }
void BM_ForwardVideo(benchmark::State& state) { forward(state, true); }
BENCHMARK(BM_ForwardAudio);
BENCHMARK(BM_ForwardVideo);

/// The receiver answers the last sender report at once: a round trip of next to nothing.
void report(Call& call, std::uint32_t mediaSsrc) {
  std::array<std::uint8_t, 64> buffer;
  proto::RtcpWriter sender(buffer);
  sender.senderReport(mediaSsrc, {std::uint64_t{1} << 60, 1, 1, 1}, {});
  call.bridge.onRtcp(0, sender.written(), call.now, {});
  call.bridge.onTimer(call.now + base::Millis(10), {});
  proto::RtcpReportBlock block;
  block.ssrc = call.sink.ssrc;
  block.lastSr = call.sink.lastSr;
  proto::RtcpWriter receiver(buffer);
  receiver.receiverReport(1, {&block, 1});
  call.bridge.onRtcp(1, receiver.written(), call.now + base::Millis(30), {});
}

/// Counter `bytes_per_call`: heap after six seconds of media one way (video: 100 packets of 1,000 bytes
/// per second).
void memory(benchmark::State& state, bool video) {
  constexpr int kCalls = 200;
  for (auto _ : state) {
    base::FakeRandom random;
    const auto before = mallinfo2().uordblks;
    std::vector<std::unique_ptr<Call>> calls;
    for (int c = 0; c < kCalls; ++c) calls.push_back(std::make_unique<Call>(random, video));
    const testkit::Raw packet = templateOf(video);
    std::vector<std::uint8_t> slot(64 + packet.size() + 64);
    for (auto& call : calls)
      for (std::uint32_t i = 0; i < 600; ++i) {
        feed(*call, packet, slot, i, video, base::Micros(10'000));
        if (i == 20) report(*call, video ? testkit::kVideoSsrc : testkit::kAudioSsrc);
      }
    state.counters["bytes_per_call"] = static_cast<double>(mallinfo2().uordblks - before) / kCalls;
  }
}
void BM_MemoryAudioCall(benchmark::State& state) { memory(state, false); }
void BM_MemoryVideoCall(benchmark::State& state) { memory(state, true); }
BENCHMARK(BM_MemoryAudioCall)->Iterations(1);
BENCHMARK(BM_MemoryVideoCall)->Iterations(1);

}  // namespace
