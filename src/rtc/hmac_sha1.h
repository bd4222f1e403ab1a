// HMAC-SHA1 (RFC 2104) with the key absorbed once: a copy of two hash states per message, no allocation.
// OpenSSL 3's EVP_MAC and EVP_MD_CTX_copy allocate for each message, which the media path must not.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "proto/stun.h"

namespace parley::rtc {

class HmacSha1 {
 public:
  static constexpr std::size_t kDigestBytes = 20;
  using Digest = std::array<std::uint8_t, kDigestBytes>;

  explicit HmacSha1(base::Bytes key);
  HmacSha1(const HmacSha1&) = delete;
  HmacSha1& operator=(const HmacSha1&) = delete;
  ~HmacSha1();  ///< Wipes.

  Digest digest(std::span<const base::Bytes> parts) const;

 private:
  // SHA1 states after the inner and the outer padded key; opaque, so that OpenSSL stays in the source.
  static constexpr std::size_t kStateBytes = 96;
  alignas(8) std::array<std::uint8_t, kStateBytes> inner_, outer_;
};

/// One message; fits proto::HmacSha1Function.
proto::Sha1Digest hmacSha1(base::Bytes key, std::span<const base::Bytes> parts);

}  // namespace parley::rtc
