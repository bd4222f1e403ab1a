#include "sip/digest.h"

#include <openssl/evp.h>

#include <charconv>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"

namespace parley::sip {
namespace {

struct NamedAlgorithm {
  DigestAlgorithm algorithm;
  std::string_view name;
};
constexpr std::array<NamedAlgorithm, 6> kAlgorithms{{
    {{DigestHash::md5, false}, "MD5"},
    {{DigestHash::md5, true}, "MD5-sess"},
    {{DigestHash::sha256, false}, "SHA-256"},
    {{DigestHash::sha256, true}, "SHA-256-sess"},
    {{DigestHash::sha512_256, false}, "SHA-512-256"},
    {{DigestHash::sha512_256, true}, "SHA-512-256-sess"},
}};

const EVP_MD* functionOf(DigestHash hash) {
  switch (hash) {
    case DigestHash::md5:
      return EVP_md5();
    case DigestHash::sha256:
      return EVP_sha256();
    case DigestHash::sha512_256:
      return EVP_sha512_256();
  }
  return EVP_sha256();
}

}  // namespace

std::optional<DigestAlgorithm> DigestAlgorithm::parse(std::string_view name) {
  for (const auto& known : kAlgorithms) {
    if (base::equalsIgnoreCase(name, known.name)) return known.algorithm;
  }
  return std::nullopt;
}

std::string_view DigestAlgorithm::toString() const {
  for (const auto& known : kAlgorithms) {
    if (known.algorithm == *this) return known.name;
  }
  return {};
}

std::string digestHex(DigestHash hash, std::string_view text) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  PARLEY_CHECK(EVP_Digest(text.data(), text.size(), out.data(), &size, functionOf(hash), nullptr) == 1);
  return base::hexEncode(base::Bytes(out).first(size));
}

base::Secret digestHa1(DigestHash hash, std::string_view user, std::string_view realm,
                       const base::Secret& password) {
  std::string text;
  text.reserve(user.size() + realm.size() + password.reveal().size() +
               2);  // No copy is left behind by growth.
  text.append(user).append(":").append(realm).append(":").append(password.reveal());
  const base::Secret wiped(std::move(text));
  return base::Secret(digestHex(hash, wiped.reveal()));
}

std::string digestResponse(const base::Secret& ha1, const DigestInput& input) {
  const DigestHash hash = input.algorithm.hash;
  base::Secret key = ha1;
  if (input.algorithm.session) {
    const base::Secret text(ha1.reveal() + ":" + std::string(input.nonce) + ":" + std::string(input.cnonce));
    key = base::Secret(digestHex(hash, text.reveal()));
  }
  std::string a2 = std::string(input.method) + ":" + std::string(input.uri);
  if (base::equalsIgnoreCase(input.qop, "auth-int")) a2 += ":" + digestHex(hash, input.body);
  std::string text = key.reveal() + ":" + std::string(input.nonce) + ":";
  if (!input.qop.empty()) {
    text.append(input.nc).append(":").append(input.cnonce).append(":").append(input.qop).append(":");
  }
  const base::Secret whole(text + digestHex(hash, a2));
  return digestHex(hash, whole.reveal());
}

bool equalSecretText(std::string_view a, std::string_view b) {
  return base::equalsConstantTime(base::asBytes(a), base::asBytes(b));
}

bool offersQop(std::string_view list, std::string_view wanted) {
  for (const auto one : base::split(list, ',')) {
    if (base::equalsIgnoreCase(base::trim(one), wanted)) return true;
  }
  return false;
}

std::optional<std::uint32_t> parseNonceCount(std::string_view text) {
  std::uint32_t count = 0;
  if (text.size() != 8) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return count;
}

std::string nonceCountText(std::uint32_t count) {
  std::array<std::uint8_t, 4> bytes;
  base::storeU32(bytes.data(), count);
  return base::hexEncode(bytes);
}

}  // namespace parley::sip
