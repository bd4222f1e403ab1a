// Call tokens (GW-1): compact JWS (RFC 7515) with HS256, short-lived, bound to what its creator fixed.
// One algorithm and one header: a token with any other header is invalid. Pure: time is passed in.
#pragma once
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace parley::identity {

struct CallToken {
  std::string audience = {};       ///< What it opens: "websocketcall", "assist", "aed".
  std::string role = {};           ///< "consumer", "agent" or, where pages are watched, "supervisor".
  std::string user = {};           ///< Agent: the user's name. Consumer: a random id.
  std::string name = {};           ///< Shown to the other side; may be empty.
  std::string destination = {};    ///< The only one that may be called; empty: any that the rules allow.
  std::string uui = {};            ///< User-to-User information; may be empty.
  std::string correlationId = {};  ///< May be empty.
  bool uuiAllowed = false;         ///< The page may send its own UUI (GW-2).
  bool phonesAllowed = false;      ///< The page may call telephones: a known application asked for the token.
  std::string cid = {};            ///< The shared session it is for; empty: any.
  std::vector<std::string> grants = {};  ///< Further rights, in the words of what it opens.
  std::string id = {};                   ///< Filled in by sign().
  base::WallTime expires{};              ///< Filled in by sign().

  friend bool operator==(const CallToken&, const CallToken&) = default;
};

class TokenSigner {
 public:
  /// `key`: at least 32 bytes, kept in the state folder.
  TokenSigner(base::Secret key, base::Random& random) : key_(std::move(key)), random_(random) {}
  std::string sign(CallToken token, base::WallTime now, base::Millis lifetime);
  /// Errors: token.invalid (form, signature, audience), token.expired (all else is right).
  base::Result<CallToken> verify(std::string_view token, std::string_view audience, base::WallTime now) const;
  /// As verify(), but an expired token counts too: for resuming, where the session's key proves more.
  base::Result<CallToken> verifyIgnoringExpiry(std::string_view token, std::string_view audience) const;

  static constexpr std::size_t kMaxTokenBytes = 4096;

 private:
  base::Secret key_;
  base::Random& random_;
};

}  // namespace parley::identity
