// Digest, the server's side: makes challenges and checks credentials (RFC 7616, RFC 8760, RFC 3261 section
// 22.4).
//
// Nonces are signed (HMAC over time, realm and chance), so nothing is kept for a challenge and any node with
// the same key takes it. What is kept, for nonces that were used with a right password only, is which nc
// values were seen: each counts once, late ones within 64. The table is bounded; nonces as old as one that
// had to leave it are stale, never accepted a second time. A node does not see what others saw: one realm's
// requests of one client go to one node, or a replay window is shared (nonceLife bounds it).
//
// The password's H(A1) is stored, not the password (StoredDigest). All compares take constant time, unknown
// users cost the same as wrong passwords.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "sip/digest.h"
#include "sip/message.h"

namespace parley::sip {

/// H(A1) of one user in one realm, for each hash that the realm offers.
struct StoredDigest {
  std::string user;
  std::map<DigestHash, base::Secret> ha1;

  static StoredDigest make(std::string user, std::string_view realm, const base::Secret& password,
                           const std::vector<DigestHash>& hashes);
  /// RFC 7616 section 3.4.4: what stands in place of the name with userhash=true.
  static std::string hashedName(DigestHash hash, std::string_view user, std::string_view realm);
};

struct DigestServerOptions {
  std::string realm;
  /// One challenge each, in this order (RFC 8760: the client that knows no better takes the first).
  std::vector<DigestAlgorithm> algorithms{{DigestHash::sha256, false}, {DigestHash::md5, false}};
  bool authInt = false;   ///< Offered besides auth.
  bool userHash = false;  ///< Offered (and then accepted).
  bool checkUri = true;   ///< The digest's uri must be equivalent to the Request-URI.
  base::Millis nonceLife{300'000};
  std::size_t maxNonces = 20'000;  ///< Under replay watch.
};

enum class AuthRefusal : std::uint8_t {
  none,         ///< Let in.
  missing,      ///< No credentials for our realm.
  malformed,    ///< A parameter is missing or makes no sense: 400 would do, a challenge does as well.
  unsupported,  ///< Algorithm or qop that was not offered.
  badUri,       ///< Made for another Request-URI.
  stale,        ///< Right password, nonce too old or its nc was used: challenge with stale=true.
  badNonce,     ///< Not ours, or for another realm.
  unknownUser,
  wrongPassword,
};
std::string_view toString(AuthRefusal refusal);  ///< "auth_missing" …: counter label, log field.

struct AuthOutcome {
  AuthRefusal refusal = AuthRefusal::missing;
  std::string user;  ///< Of a success, as stored.
  bool stale() const { return refusal == AuthRefusal::stale; }
  explicit operator bool() const { return refusal == AuthRefusal::none; }
  std::string authenticationInfo;  ///< Of a success: the header's value (rspauth), or empty.
};

class DigestServer {
 public:
  /// By the name as it came; `hashed`: it is the user's hashed name for `hash`.
  using Lookup =
      std::function<std::optional<StoredDigest>(std::string_view name, bool hashed, DigestHash hash)>;

  /// `key`: 16 bytes or more, the same on every node. `random` must outlive the object.
  DigestServer(DigestServerOptions options, base::Secret key, base::Random& random);

  /// WWW-Authenticate (of a 401) or Proxy-Authenticate (407) values.
  std::vector<Header> challenge(bool proxy, bool stale, base::WallTime now);
  AuthOutcome check(const Message& request, bool proxy, const Lookup& lookup, base::WallTime now);

  std::size_t watched() const { return seen_.size(); }

 private:
  struct Window {
    std::uint32_t highest = 0;
    std::uint64_t below = 0;  ///< Bit i: highest - i was seen.
    std::int64_t made = 0;
  };
  struct Nonce {
    std::int64_t made = 0;  ///< Milliseconds since 1970.
    std::string salt;
  };

  std::string makeNonce(base::WallTime now);
  std::string mac(std::string_view payload) const;
  std::optional<Nonce> openNonce(std::string_view text) const;
  AuthRefusal checkForm(const Message& request, const Params& params, DigestAlgorithm& algorithm) const;
  bool useOnce(const Nonce& nonce, std::uint32_t count, base::WallTime now);
  void sweep(base::WallTime now);

  DigestServerOptions options_;
  base::Secret key_;
  base::Random& random_;
  std::map<std::string, Window> seen_;                    // By salt.
  std::set<std::pair<std::int64_t, std::string>> byAge_;  // made, salt.
  std::int64_t forgotten_ = -1;  ///< Nonces made up to here and not in seen_ may have been used.
};

}  // namespace parley::sip
