#include "base/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string_view>

#include "base/check.h"

namespace parley::base {
namespace {

constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

}  // namespace

std::uint32_t Random::u32() {
  std::array<std::uint8_t, 4> bytes;
  fill(bytes);
  return loadU32(bytes.data());
}

std::uint64_t Random::u64() {
  const std::uint64_t high = u32();
  return high << 32 | u32();
}

std::string Random::alphanumeric(std::size_t count) {
  // Bytes from 248 up would make the first letters likelier (248 = 4 * 62).
  constexpr std::uint8_t kFair = 256 / kAlphanumeric.size() * kAlphanumeric.size();
  std::string out;
  out.reserve(count);
  std::array<std::uint8_t, 32> bytes;
  while (out.size() < count) {
    fill(bytes);
    for (const std::uint8_t b : bytes) {
      if (b < kFair && out.size() < count) out += kAlphanumeric[b % kAlphanumeric.size()];
    }
  }
  return out;
}

void SystemRandom::fill(MutableBytes bytes) {
  while (!bytes.empty()) {
    const std::size_t part = std::min<std::size_t>(bytes.size(), INT_MAX);
    PARLEY_CHECK(RAND_bytes(bytes.data(), static_cast<int>(part)) == 1);
    bytes = bytes.subspan(part);
  }
}

// SplitMix64: every seed, zero too, gives a full-length sequence.
void FakeRandom::fill(MutableBytes bytes) {
  while (!bytes.empty()) {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    const std::size_t part = std::min<std::size_t>(bytes.size(), 8);
    for (std::size_t i = 0; i < part; ++i) bytes[i] = static_cast<std::uint8_t>(z >> (8 * i));
    bytes = bytes.subspan(part);
  }
}

}  // namespace parley::base
