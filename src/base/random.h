// Randomness as it is passed to engines; SystemRandom is the real one (getrandom through OpenSSL).
#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace parley::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes bytes) = 0;

  std::uint32_t u32();
  std::uint64_t u64();
  /// Characters of [A-Za-z0-9], valid as an ICE ufrag/pwd, an id or a token. About 5.95 bits each.
  std::string alphanumeric(std::size_t count);
};

/// Cryptographic, thread-safe, never fails (a failing kernel source ends the process).
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes bytes) override;
};

/// Repeatable, for tests and benchmarks only.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : state_(seed) {}
  void fill(MutableBytes bytes) override;

 private:
  std::uint64_t state_;
};

}  // namespace parley::base
