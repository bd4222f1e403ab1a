// Packets of telephone events in any order and at any time: whatever comes, each is told at most once, a key
// that runs is over after its silence, and no duration is from nowhere. Input: records of 12 bytes.
#include <array>
#include <cstdlib>

#include "proto/telephone_event.h"
#include "rtc/key_detector.h"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::size_t kRecord = 12;
constexpr std::uint32_t kClock = 8000;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rtc::KeyDetector detector;
  base::Instant now{};
  std::size_t packets = 0, told = 0;
  const auto take = [&](const std::optional<rtc::DetectedKey>& key) {
    if (!key) return;
    ++told;
    require(std::string_view("0123456789*#ABCD").find(key->key) != std::string_view::npos);
  };
  for (std::size_t at = 0; at + kRecord <= size; at += kRecord) {
    const std::uint8_t* p = data + at;
    now += base::Millis(p[0]);
    if (p[1] % 8 == 7) {
      take(detector.onTime(now));
      continue;
    }
    ++packets;
    const proto::RtpHeader header{(p[1] & 8) != 0, 101, 0, base::loadU32(p + 2), p[1] % 4u};
    const auto found =
        detector.onPacket(header, {p + 6, p[10] % 7u}, (p[11] & 1) != 0 ? 48'000 : kClock, now);
    take(found.first);
    take(found.second);
  }
  take(detector.onTime(now + rtc::KeyDetector::kLostEnd));
  require(!detector.running());
  require(told <= packets);
  return 0;
}
