#include "identity/password.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <optional>

#include "base/text.h"

namespace parley::identity {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
// A stored text could ask for any cost; ours never need more.
constexpr std::uint64_t kMaxMemory = 128u << 20;

std::optional<base::Buffer> derive(const base::Secret& password, const ScryptCost& cost, base::Bytes salt) {
  struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  };
  struct FreeContext {
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
  };
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "SCRYPT", nullptr));
  if (!kdf) return std::nullopt;
  const std::unique_ptr<EVP_KDF_CTX, FreeContext> context(EVP_KDF_CTX_new(kdf.get()));
  if (!context) return std::nullopt;
  // OpenSSL takes non-const pointers and only reads.
  std::string secret = password.reveal();
  base::Buffer saltCopy(salt.begin(), salt.end());
  ScryptCost parameters = cost;
  std::uint64_t memory = kMaxMemory;
  const OSSL_PARAM list[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, saltCopy.data(), saltCopy.size()),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &parameters.n),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &parameters.r),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &parameters.p),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
      OSSL_PARAM_construct_end()};
  base::Buffer hash(kHashBytes);
  const bool done = EVP_KDF_derive(context.get(), hash.data(), hash.size(), list) == 1;
  const base::Secret wipe(std::move(secret));
  return done ? std::optional(std::move(hash)) : std::nullopt;
}

}  // namespace

base::Result<std::string> hashPassword(const base::Secret& password, const ScryptCost& cost,
                                       base::Random& random) {
  if (password.reveal().size() > kMaxPasswordBytes) {
    return base::fail("identity.hash_failed",
                      fmt::format("a password is at most {} bytes", kMaxPasswordBytes));
  }
  base::Buffer salt(kSaltBytes);
  random.fill(salt);
  const auto hash = derive(password, cost, salt);
  if (!hash) return base::fail("identity.hash_failed", "scrypt failed");
  return fmt::format("scrypt${}${}${}${}${}", cost.n, cost.r, cost.p, base::base64UrlEncode(salt),
                     base::base64UrlEncode(*hash));
}

bool verifyPassword(const base::Secret& password, const std::string& stored) {
  const auto parts = base::split(stored, '$');
  if (parts.size() != 6 || parts[0] != "scrypt") return false;
  const auto n = base::parseNumber<std::uint64_t>(parts[1]);
  const auto r = base::parseNumber<std::uint32_t>(parts[2]);
  const auto p = base::parseNumber<std::uint32_t>(parts[3]);
  const auto salt = base::base64UrlDecode(parts[4]);
  const auto hash = base::base64UrlDecode(parts[5]);
  if (!n || !r || !p || !salt || !hash || *p > 16 || password.reveal().size() > kMaxPasswordBytes)
    return false;
  const auto found = derive(password, {*n, *r, *p}, *salt);
  return found && base::equalsConstantTime(*found, *hash);
}

}  // namespace parley::identity
