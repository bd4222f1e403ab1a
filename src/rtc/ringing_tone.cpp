#include "rtc/ringing_tone.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace parley::rtc {
namespace {

constexpr std::size_t kRate = 8'000, kHertz = 425;
// 17 periods of 425 Hz are 320 samples: two packets, again and again.
constexpr std::size_t kPattern = 2 * kTonePacketSamples;
constexpr std::uint64_t kOnPackets = 50, kAllPackets = 250;
constexpr double kLevel = 0.15 * 32'767;  // About -16 dBm0: as loud as exchanges send it.

struct Sound {
  std::array<std::uint8_t, kPattern> tone;
  std::array<std::uint8_t, kTonePacketSamples> silence;
};

Sound make(G711 law) {
  Sound out;
  for (std::size_t i = 0; i < kPattern; ++i) {
    const double phase = 2 * std::numbers::pi * static_cast<double>(kHertz * i % kRate) / kRate;
    out.tone[i] = g711Of(law, static_cast<std::int16_t>(std::lround(kLevel * std::sin(phase))));
  }
  out.silence.fill(g711Of(law, 0));
  return out;
}

/// The segment: how far the highest bit that is set is above `lowest`.
int segmentOf(int value, int lowest) {
  int segment = 0;
  while (segment < 7 && value >= (lowest << (segment + 1))) ++segment;
  return segment;
}

}  // namespace

std::uint8_t g711Of(G711 law, std::int16_t sample) {
  const bool negative = sample < 0;
  // 14 bits and a bias for µ-law, 13 bits and no bias for A-law; one's complement keeps -32768 in range.
  const int magnitude = negative ? ~static_cast<int>(sample) : sample;
  if (law == G711::mu) {
    const int value = std::min(magnitude / 4 + 33, 8'191);
    const int segment = segmentOf(value, 32);
    const int code = segment << 4 | ((value >> (segment + 1)) & 0x0f);
    return static_cast<std::uint8_t>(~code & (negative ? 0x7f : 0xff));
  }
  const int value = magnitude / 16;  // 0 … 2047
  const int segment = value < 32 ? (value >= 16 ? 1 : 0) : segmentOf(value, 16) + 1;
  const int step = segment < 2 ? value & 0x0f : (value >> (segment - 1)) & 0x0f;
  return static_cast<std::uint8_t>((segment << 4 | step | (negative ? 0 : 0x80)) ^ 0x55);
}

base::Bytes ringingTone(G711 law, std::uint64_t packet) {
  static const Sound kMu = make(G711::mu), kA = make(G711::a);
  const Sound& sound = law == G711::mu ? kMu : kA;
  if (packet % kAllPackets >= kOnPackets) return sound.silence;
  return base::Bytes(sound.tone).subspan(packet % 2 * kTonePacketSamples, kTonePacketSamples);
}

}  // namespace parley::rtc
