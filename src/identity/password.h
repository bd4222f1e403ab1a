// Password hashes: scrypt (RFC 7914) by OpenSSL, stored as "scrypt$N$r$p$salt$hash" (base64url).
// Takes tens of milliseconds and N·r·128 bytes of memory: on a WorkPool, never on a loop.
#pragma once
#include <cstdint>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace parley::identity {

struct ScryptCost {
  std::uint64_t n = 1 << 15;  ///< A power of two.
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};

constexpr std::size_t kMaxPasswordBytes = 256;

/// Error: identity.hash_failed.
base::Result<std::string> hashPassword(const base::Secret& password, const ScryptCost& cost,
                                       base::Random& random);
/// Constant time in the hash; false for a stored text that is not ours or asks for more than we allow.
bool verifyPassword(const base::Secret& password, const std::string& stored);

}  // namespace parley::identity
