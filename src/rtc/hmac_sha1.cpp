// The plain SHA1 functions are marked deprecated in OpenSSL 3 in favour of EVP, which cannot resume from a
// saved state without allocating (see the header).
#include "rtc/hmac_sha1.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace parley::rtc {
namespace {

constexpr std::size_t kBlock = 64;

SHA_CTX load(std::span<const std::uint8_t> state) {
  SHA_CTX context;
  std::memcpy(&context, state.data(), sizeof context);
  return context;
}

void store(const SHA_CTX& context, std::span<std::uint8_t> state) {
  std::memcpy(state.data(), &context, sizeof context);
}

}  // namespace

HmacSha1::HmacSha1(base::Bytes key) {
  static_assert(sizeof(SHA_CTX) == kStateBytes);
  std::array<std::uint8_t, kBlock> block{};
  if (key.size() > kBlock)
    SHA1(key.data(), key.size(), block.data());
  else if (!key.empty())
    std::memcpy(block.data(), key.data(), key.size());
  SHA_CTX context;
  for (std::uint8_t& b : block) b ^= 0x36;
  SHA1_Init(&context);
  SHA1_Update(&context, block.data(), block.size());
  store(context, inner_);
  for (std::uint8_t& b : block) b ^= 0x36 ^ 0x5c;
  SHA1_Init(&context);
  SHA1_Update(&context, block.data(), block.size());
  store(context, outer_);
  OPENSSL_cleanse(block.data(), block.size());
  OPENSSL_cleanse(&context, sizeof context);
}

HmacSha1::~HmacSha1() {
  OPENSSL_cleanse(inner_.data(), inner_.size());
  OPENSSL_cleanse(outer_.data(), outer_.size());
}

HmacSha1::Digest HmacSha1::digest(std::span<const base::Bytes> parts) const {
  Digest result;
  SHA_CTX context = load(inner_);
  for (const base::Bytes part : parts) SHA1_Update(&context, part.data(), part.size());
  SHA1_Final(result.data(), &context);
  context = load(outer_);
  SHA1_Update(&context, result.data(), result.size());
  SHA1_Final(result.data(), &context);
  return result;
}

proto::Sha1Digest hmacSha1(base::Bytes key, std::span<const base::Bytes> parts) {
  return HmacSha1(key).digest(parts);
}

}  // namespace parley::rtc

#pragma GCC diagnostic pop
