// Digest authentication (RFC 7616, RFC 8760, RFC 3261 section 22): algorithms and the arithmetic that both
// sides share. digest_client.h answers challenges, digest_server.h makes and checks them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "sip/headers.h"

namespace parley::sip {

/// Weakest first.
enum class DigestHash : std::uint8_t { md5, sha256, sha512_256 };

struct DigestAlgorithm {
  DigestHash hash = DigestHash::md5;
  bool session = false;  ///< -sess: nonce and cnonce are part of A1.

  /// Without case; quotes are already gone (some peers write algorithm="MD5"). Nothing for unknown names.
  static std::optional<DigestAlgorithm> parse(std::string_view name);
  std::string_view toString() const;
  friend bool operator==(const DigestAlgorithm&, const DigestAlgorithm&) = default;
};

/// Lower case hex; 32 or 64 characters.
std::string digestHex(DigestHash hash, std::string_view text);
/// H(user ":" realm ":" password): as good as the password within its realm, so it is a secret.
base::Secret digestHa1(DigestHash hash, std::string_view user, std::string_view realm,
                       const base::Secret& password);

/// What the response is made of. `qop` empty: the form of RFC 2069, without nc and cnonce.
struct DigestInput {
  DigestAlgorithm algorithm;
  std::string_view nonce, cnonce, nc, qop;
  std::string_view method;  ///< Empty for rspauth (RFC 7616 section 3.5).
  std::string_view uri;
  std::string_view body;  ///< Counts with auth-int only.
};
std::string digestResponse(const base::Secret& ha1, const DigestInput& input);

/// Longest parameter that either side looks at: a challenge is repeated in every request.
constexpr std::size_t kMaxDigestParameter = 1024;
/// In constant time for equal lengths.
bool equalSecretText(std::string_view a, std::string_view b);

/// A comma separated qop list holds this value, without case.
bool offersQop(std::string_view list, std::string_view wanted);

/// 8 hex digits; nothing for anything else (RFC 7616 section 3.4).
std::optional<std::uint32_t> parseNonceCount(std::string_view text);
std::string nonceCountText(std::uint32_t count);

}  // namespace parley::sip
