// Digest, the client's side: answers 401 and 407, and adds credentials to the next requests before they are
// asked for (RFC 3261 section 22.3: one nonce per realm, nc counts up).
//
// Of several challenges of one realm the strongest algorithm is taken (RFC 8760 leaves the choice to us; the
// order of the lines could be changed on the way). A realm that has once offered more than MD5 gets no MD5
// response any more: a challenge that suddenly wants it is sip.auth_downgrade. Different realms in one
// response (forking proxies) are each answered.
//
// It ends: a realm that refuses the credentials it was just given is not tried again, one that keeps saying
// "stale" kMaxStale times. Bounds: kMaxRealms, kMaxHistory.
//
// One object serves one account towards one group of servers: whoever is asked for a realm by a server gets
// a response computed from that account's password. Nothing of it may be logged.
//
// Errors: sip.auth_no_challenge, sip.auth_no_credentials, sip.auth_unsupported, sip.auth_downgrade,
// sip.auth_rejected, sip.auth_too_many_realms, sip.auth_bad_server.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "sip/digest.h"
#include "sip/message.h"

namespace parley::sip {

struct DigestCredentials {
  std::string realm;  ///< Empty: for every realm that has no entry of its own.
  std::string user;
  base::Secret password;
};

struct DigestPolicy {
  DigestHash weakest = DigestHash::md5;  ///< Challenges below are not answered.
  bool allowDowngrade = false;
};

/// The parts of a request that a response covers.
struct DigestRequest {
  std::string_view method;
  std::string_view uri;  ///< The Request-URI as it is written.
  std::string_view body;
};

class DigestClient {
 public:
  static constexpr std::size_t kMaxRealms = 16;
  static constexpr std::size_t kMaxHistory = 256;
  static constexpr int kMaxStale = 3;

  /// `random` must outlive the object.
  DigestClient(std::vector<DigestCredentials> credentials, base::Random& random, DigestPolicy policy = {})
      : credentials_(std::move(credentials)), random_(random), policy_(policy) {}

  /// The credential headers with which the request is to be sent again, in place of those it had (`had`: its
  /// headers, or only its credentials). `challenge` is its 401 or 407.
  base::Result<std::vector<Header>> answer(const Message& challenge, const DigestRequest& request,
                                           const std::vector<Header>& had);
  /// The same on the message itself. CSeq and Via are the caller's.
  base::Result<void> answer(const Message& challenge, Message& request);

  /// The same on the message itself, in place of those it had; as it was while none are known.
  void authorize(Message& request);
  /// Credential headers for a new request, for all realms known so far; none before the first challenge.
  std::vector<Header> authorize(const DigestRequest& request);

  /// After a 2xx: follows nextnonce and checks rspauth where the server sent them (Authentication-Info,
  /// RFC 7616 section 3.5). sip.auth_bad_server: it does not know our password.
  base::Result<void> onSuccess(const Message& response, const DigestRequest& request,
                               const std::vector<Header>& had);

  base::Result<void> onSuccess(const Message& response, const Message& request);

  void forget() { realms_.clear(); }
  bool hasCredentials() const { return !credentials_.empty(); }

 private:
  struct RealmKey {
    bool proxy = false;
    std::string realm;
    friend auto operator<=>(const RealmKey&, const RealmKey&) = default;
  };
  struct Challenge {
    DigestAlgorithm algorithm;
    bool algorithmNamed = false;  ///< Without the word we answer without it, too: RFC 2069 servers.
    std::string nonce, qop;
    std::optional<std::string> opaque;
    bool userHash = false, stale = false;
  };
  struct Realm {
    Challenge challenge;
    base::Secret ha1;
    std::string user;                        ///< As it goes out: perhaps hashed.
    std::string sessionCnonce;               ///< -sess keeps its cnonce as long as the nonce.
    std::uint32_t count = 0;                 ///< nc of the last request.
    DigestHash strongest = DigestHash::md5;  ///< Ever offered.
  };
  /// What was sent as the answer to a challenge, so that the next challenge to it can be told from one to
  /// a request that tried an old nonce.
  struct Answered {
    RealmKey key;
    std::string nonce;
    std::uint32_t count = 0;
    int rounds = 0;
  };
  struct Had {
    std::string nonce;
    std::uint32_t count = 0;
    AuthValue value;
  };

  static std::map<RealmKey, Had> credentialsIn(const std::vector<Header>& headers);
  base::Result<std::map<RealmKey, Challenge>> challengesIn(const Message& response);
  const DigestCredentials* credentialsFor(std::string_view realm) const;
  bool takes(const RealmKey& key, const Challenge& challenge, bool& downgrade) const;
  base::Result<int> roundsOf(const RealmKey& key, const Challenge& challenge,
                             const std::map<RealmKey, Had>& had) const;
  base::Result<void> adopt(const RealmKey& key, Challenge challenge);
  Header credential(const RealmKey& key, Realm& realm, const DigestRequest& request);
  void remember(Answered answered);

  std::vector<DigestCredentials> credentials_;
  base::Random& random_;
  DigestPolicy policy_;
  std::map<RealmKey, Realm> realms_;
  std::deque<Answered> history_;
};

}  // namespace parley::sip
