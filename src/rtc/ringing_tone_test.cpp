#include "rtc/ringing_tone.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace parley::rtc {
namespace {

/// The value that G.711's tables give a code.
int sampleOf(G711 law, std::uint8_t code) {
  if (law == G711::mu) {
    const int plain = ~code & 0xff, segment = plain >> 4 & 7;
    const int value = (((plain & 0x0f) << 1 | 0x21) << segment) - 33;
    return (plain & 0x80 ? -value : value) * 4;
  }
  const int plain = code ^ 0x55, segment = plain >> 4 & 7;
  const int value = segment == 0 ? (plain & 0x0f) << 1 | 1 : ((plain & 0x0f) << 1 | 0x21) << (segment - 1);
  return (plain & 0x80 ? value : -value) * 8;
}

TEST(RingingToneTest, EverySampleGetsTheNearestCode) {
  for (const G711 law : {G711::mu, G711::a}) {
    for (int sample = -32'768; sample <= 32'767; sample += 7) {
      const int got = sampleOf(law, g711Of(law, static_cast<std::int16_t>(sample)));
      // Half a step of the segment; µ-law stops at 32,124, A-law at 32,256.
      const int step = std::max(law == G711::mu ? 8 : 16, std::abs(sample) / 16);
      EXPECT_NEAR(got, sample, step / 2 + 8 + (std::abs(sample) > 32'000 ? 700 : 0)) << sample;
    }
  }
  EXPECT_EQ(g711Of(G711::mu, 0), 0xff);
  EXPECT_EQ(g711Of(G711::a, 0), 0xd5);
  EXPECT_EQ(g711Of(G711::mu, -32'768), 0x00);
  EXPECT_EQ(g711Of(G711::a, 32'767), 0xaa);
}

double powerAt(const std::vector<int>& samples, double hertz) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / 8'000;
    re += samples[i] * std::cos(phase);
    im += samples[i] * std::sin(phase);
  }
  return std::hypot(re, im) * 2 / static_cast<double>(samples.size());
}

TEST(RingingToneTest, OneSecondOf425HertzThenFourOfSilence) {
  for (const G711 law : {G711::mu, G711::a}) {
    std::vector<int> on;
    for (std::uint64_t packet = 0; packet < 50; ++packet)
      for (const auto code : ringingTone(law, packet)) on.push_back(sampleOf(law, code));
    ASSERT_EQ(on.size(), 8'000u);
    EXPECT_NEAR(powerAt(on, 425), 4'915, 100);
    EXPECT_LT(powerAt(on, 850), 60);
    EXPECT_LT(powerAt(on, 300), 60);
    for (std::uint64_t packet = 50; packet < 250; ++packet)
      for (const auto code : ringingTone(law, packet)) EXPECT_LE(std::abs(sampleOf(law, code)), 8);
    EXPECT_EQ(ringingTone(law, 250).data(), ringingTone(law, 0).data());
  }
}

}  // namespace
}  // namespace parley::rtc
