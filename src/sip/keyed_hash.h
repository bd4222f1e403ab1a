// SipHash-2-4 (Aumasson, Bernstein): a hash for tables whose keys strangers choose (branches, Call-IDs). With
// the secret key nobody can aim at one bucket.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/random.h"

namespace parley::sip {

class KeyedHash {
 public:
  using is_transparent = void;
  KeyedHash() = default;
  explicit KeyedHash(base::Random& random) : key_{random.u64(), random.u64()} {}

  std::uint64_t operator()(std::string_view text) const noexcept {
    std::uint64_t v0 = key_[0] ^ 0x736f6d6570736575u, v1 = key_[1] ^ 0x646f72616e646f6du;
    std::uint64_t v2 = key_[0] ^ 0x6c7967656e657261u, v3 = key_[1] ^ 0x7465646279746573u;
    const auto round = [&] {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    };
    const auto take = [&](std::uint64_t word) { v3 ^= word, round(), round(), v0 ^= word; };
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      take(word);
    }
    std::uint64_t last = std::uint64_t{text.size()} << 56;
    for (std::size_t i = 0; at + i < text.size(); ++i)
      last |= std::uint64_t{static_cast<std::uint8_t>(text[at + i])} << (8 * i);
    take(last);
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }

 private:
  std::array<std::uint64_t, 2> key_{};
};

}  // namespace parley::sip
