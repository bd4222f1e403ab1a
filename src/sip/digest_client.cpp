#include "sip/digest_client.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace parley::sip {
namespace {

constexpr std::size_t kCnonceLength = 24;

std::string textOf(const Params& params, std::string_view name) {
  return std::string(params.get(name).value_or(std::string_view{}));
}

bool isTrue(const Params& params, std::string_view name) {
  return base::equalsIgnoreCase(params.get(name).value_or(std::string_view{}), "true");
}

void replaceCredentials(Message& request, std::vector<Header> headers) {
  request.remove(HeaderId::authorization);
  request.remove(HeaderId::proxyAuthorization);
  for (Header& header : headers) request.add(header.id, std::move(header.value));
}

}  // namespace

// --- reading -------------------------------------------------------------------------------------------

std::map<DigestClient::RealmKey, DigestClient::Had> DigestClient::credentialsIn(
    const std::vector<Header>& headers) {
  std::map<RealmKey, Had> out;
  for (const Header& header : headers) {
    const bool proxy = header.id == HeaderId::proxyAuthorization;
    if (!proxy && header.id != HeaderId::authorization) continue;
    auto value = AuthValue::parse(header.value);
    if (!value || !base::equalsIgnoreCase(value->scheme, "Digest")) continue;
    Had had{textOf(value->params, "nonce"),
            parseNonceCount(value->params.get("nc").value_or(std::string_view{})).value_or(1),
            {}};
    RealmKey key{proxy, textOf(value->params, "realm")};
    had.value = std::move(*value);
    out.insert_or_assign(std::move(key), std::move(had));
  }
  return out;
}

/// The best challenge of each realm. One that we cannot or do not want to answer fails only where the realm
/// has no better one.
base::Result<std::map<DigestClient::RealmKey, DigestClient::Challenge>> DigestClient::challengesIn(
    const Message& response) {
  std::map<RealmKey, Challenge> best;
  bool any = false, downgrade = false;
  for (const Header& header : response.headers()) {
    const bool proxy = header.id == HeaderId::proxyAuthenticate;
    if (!proxy && header.id != HeaderId::wwwAuthenticate) continue;
    any = true;
    const auto value = AuthValue::parse(header.value);
    if (!value || !base::equalsIgnoreCase(value->scheme, "Digest")) continue;
    const Params& params = value->params;
    Challenge challenge;
    challenge.algorithmNamed = params.has("algorithm");
    const auto algorithm =
        challenge.algorithmNamed ? DigestAlgorithm::parse(*params.get("algorithm")) : DigestAlgorithm{};
    challenge.nonce = textOf(params, "nonce");
    challenge.qop = textOf(params, "qop");
    if (params.has("opaque")) challenge.opaque = textOf(params, "opaque");
    challenge.userHash = isTrue(params, "userhash");
    challenge.stale = isTrue(params, "stale");
    RealmKey key{proxy, textOf(params, "realm")};
    const bool tooLong = std::max({key.realm.size(), challenge.nonce.size(),
                                   challenge.opaque.value_or("").size()}) > kMaxDigestParameter;
    if (!algorithm || challenge.nonce.empty() || tooLong) continue;
    challenge.algorithm = *algorithm;
    if (!takes(key, challenge, downgrade)) continue;
    const auto at = best.find(key);
    if (at == best.end()) {
      if (best.size() >= kMaxRealms)
        return base::fail("sip.auth_too_many_realms", "More realms than are answered.");
      best.emplace(std::move(key), std::move(challenge));
    } else if (challenge.algorithm.hash > at->second.algorithm.hash) {
      at->second = std::move(challenge);
    }
  }
  if (!any) return base::fail("sip.auth_no_challenge", "The response has no challenge.");
  if (best.empty() && downgrade) {
    return base::fail("sip.auth_downgrade", "The realm offered a stronger algorithm before.");
  }
  if (best.empty())
    return base::fail("sip.auth_unsupported", "No challenge with an algorithm and qop that are known.");
  return best;
}

bool DigestClient::takes(const RealmKey& key, const Challenge& challenge, bool& downgrade) const {
  const DigestHash hash = challenge.algorithm.hash;
  if (hash < policy_.weakest) return false;
  const bool qopKnown =
      challenge.qop.empty() || offersQop(challenge.qop, "auth") || offersQop(challenge.qop, "auth-int");
  // RFC 7616 section 3.4.2: -sess needs a cnonce, which goes with qop only.
  if (!qopKnown || (challenge.algorithm.session && challenge.qop.empty())) return false;
  const auto at = realms_.find(key);
  if (at != realms_.end() && !policy_.allowDowngrade && at->second.strongest > DigestHash::md5 &&
      hash == DigestHash::md5) {
    downgrade = true;
    return false;
  }
  return true;
}

const DigestCredentials* DigestClient::credentialsFor(std::string_view realm) const {
  const DigestCredentials* any = nullptr;
  for (const auto& one : credentials_) {
    if (one.realm == realm) return &one;
    if (one.realm.empty() && any == nullptr) any = &one;
  }
  return any;
}

// --- answering -----------------------------------------------------------------------------------------

/// How often this request was answered for this realm already.
base::Result<int> DigestClient::roundsOf(const RealmKey& key, const Challenge& challenge,
                                         const std::map<RealmKey, Had>& had) const {
  const auto at = had.find(key);
  if (at == had.end()) return 0;
  const auto answered = std::find_if(history_.begin(), history_.end(), [&](const Answered& one) {
    return one.key == key && one.nonce == at->second.nonce && one.count == at->second.count;
  });
  if (answered == history_.end()) return 0;  // It went out with an old nonce, unasked.
  if (!challenge.stale) return base::fail("sip.auth_rejected", "The server does not take the credentials.");
  if (answered->rounds >= kMaxStale)
    return base::fail("sip.auth_rejected", "The server calls every nonce stale.");
  return answered->rounds;
}

base::Result<std::vector<Header>> DigestClient::answer(const Message& challenge, const DigestRequest& request,
                                                       const std::vector<Header>& had) {
  auto challenges = challengesIn(challenge);
  if (!challenges) return std::unexpected(challenges.error());
  const auto before = credentialsIn(had);
  std::map<RealmKey, int> rounds;
  base::Error error{"sip.auth_no_credentials", "There are no credentials for the realm."};
  for (auto& [key, one] : *challenges) {
    // Of a forked request some realms may be none of ours: the others still get their answer.
    if (credentialsFor(key.realm) == nullptr) continue;
    const auto count = roundsOf(key, one, before);
    if (!count) return std::unexpected(count.error());
    if (const auto adopted = adopt(key, std::move(one)); !adopted) {
      error = adopted.error();
      continue;
    }
    rounds[key] = *count + 1;
  }
  if (rounds.empty()) return std::unexpected(error);
  // Realms that did not complain this time: another nc, for the request is another one.
  for (const auto& [key, one] : before) {
    if (!realms_.contains(key) || rounds.contains(key)) continue;
    const auto count = std::find_if(history_.begin(), history_.end(), [&](const Answered& a) {
      return a.key == key && a.nonce == one.nonce && a.count == one.count;
    });
    rounds[key] = count == history_.end() ? 0 : count->rounds;
  }
  std::vector<Header> headers;
  for (const auto& [key, count] : rounds) {
    Realm& realm = realms_.at(key);
    headers.push_back(credential(key, realm, request));
    if (count > 0) remember({key, realm.challenge.nonce, realm.count, count});
  }
  return headers;
}

base::Result<void> DigestClient::answer(const Message& challenge, Message& request) {
  const std::string uri = request.requestUri().toString();
  auto headers = answer(challenge, {request.methodName(), uri, request.body()}, request.headers());
  if (!headers) return std::unexpected(headers.error());
  replaceCredentials(request, std::move(*headers));
  return {};
}

void DigestClient::authorize(Message& request) {
  if (realms_.empty()) return;
  const std::string uri = request.requestUri().toString();
  replaceCredentials(request, authorize({request.methodName(), uri, request.body()}));
}

base::Result<void> DigestClient::onSuccess(const Message& response, const Message& request) {
  const std::string uri = request.requestUri().toString();
  return onSuccess(response, {request.methodName(), uri, request.body()}, request.headers());
}

base::Result<void> DigestClient::adopt(const RealmKey& key, Challenge challenge) {
  if (!realms_.contains(key) && realms_.size() >= kMaxRealms) {
    return base::fail("sip.auth_too_many_realms", "More realms than are answered.");
  }
  Realm& realm = realms_[key];
  const bool sameNonce = realm.challenge.nonce == challenge.nonce;
  const DigestCredentials& credentials = *credentialsFor(key.realm);
  realm.ha1 = digestHa1(challenge.algorithm.hash, credentials.user, key.realm, credentials.password);
  realm.user = challenge.userHash ? digestHex(challenge.algorithm.hash, credentials.user + ":" + key.realm)
                                  : credentials.user;
  realm.strongest = std::max(realm.strongest, challenge.algorithm.hash);
  if (!sameNonce) {
    realm.count = 0;
    realm.sessionCnonce.clear();
  }
  realm.challenge = std::move(challenge);
  return {};
}

std::vector<Header> DigestClient::authorize(const DigestRequest& request) {
  std::vector<Header> headers;
  headers.reserve(realms_.size());
  for (auto& [key, realm] : realms_) headers.push_back(credential(key, realm, request));
  return headers;
}

Header DigestClient::credential(const RealmKey& key, Realm& realm, const DigestRequest& request) {
  const Challenge& challenge = realm.challenge;
  const bool protection = !challenge.qop.empty();
  // auth-int only where nothing else is offered: proxies on the way may change bodies.
  const std::string_view qop = !protection                        ? std::string_view{}
                               : offersQop(challenge.qop, "auth") ? std::string_view("auth")
                                                                  : std::string_view("auth-int");
  ++realm.count;
  std::string cnonce = random_.alphanumeric(kCnonceLength);
  if (challenge.algorithm.session) {
    if (realm.sessionCnonce.empty()) realm.sessionCnonce = cnonce;
    cnonce = realm.sessionCnonce;
  }
  const std::string nc = nonceCountText(realm.count);
  AuthValue value;
  value.scheme = "Digest";
  Params& params = value.params;
  params.setQuoted("username", realm.user);
  params.setQuoted("realm", key.realm);
  params.setQuoted("nonce", challenge.nonce);
  params.setQuoted("uri", std::string(request.uri));
  params.setQuoted("response", digestResponse(realm.ha1, {challenge.algorithm, challenge.nonce, cnonce, nc,
                                                          qop, request.method, request.uri, request.body}));
  if (challenge.algorithmNamed) params.set("algorithm", std::string(challenge.algorithm.toString()));
  if (protection) {
    params.setQuoted("cnonce", cnonce);
    params.set("qop", std::string(qop));
    params.set("nc", nc);
  }
  if (challenge.opaque) params.setQuoted("opaque", *challenge.opaque);
  if (challenge.userHash) params.set("userhash", "true");
  const HeaderId id = key.proxy ? HeaderId::proxyAuthorization : HeaderId::authorization;
  return {id, {}, value.toString()};
}

void DigestClient::remember(Answered answered) {
  history_.push_back(std::move(answered));
  if (history_.size() > kMaxHistory) history_.pop_front();
}

base::Result<void> DigestClient::onSuccess(const Message& response, const DigestRequest& request,
                                           const std::vector<Header>& had) {
  const auto info = response.header(HeaderId::authenticationInfo);
  if (!info) return {};
  // The header is a list of parameters without a scheme.
  const auto value = AuthValue::parse("Digest " + std::string(*info));
  if (!value) return {};
  for (const auto& [key, sent] : credentialsIn(had)) {
    if (key.proxy || !realms_.contains(key)) continue;
    Realm& realm = realms_.at(key);
    const std::string cnonce = textOf(sent.value.params, "cnonce");
    if (const auto rspauth = value->params.get("rspauth");
        rspauth && !cnonce.empty() && textOf(value->params, "cnonce") == cnonce) {
      const std::string nc = textOf(sent.value.params, "nc"), qop = textOf(sent.value.params, "qop");
      const std::string wanted = digestResponse(
          realm.ha1,
          {realm.challenge.algorithm, sent.nonce, cnonce, nc, qop, {}, request.uri, response.body()});
      if (!equalSecretText(wanted, base::toLower(*rspauth))) {
        return base::fail("sip.auth_bad_server", "The server did not prove that it knows the password.");
      }
    }
    const std::string next = textOf(value->params, "nextnonce");
    if (!next.empty() && next.size() <= kMaxDigestParameter && next != realm.challenge.nonce) {
      realm.challenge.nonce = next;
      realm.count = 0;
      realm.sessionCnonce.clear();
    }
  }
  return {};
}

}  // namespace parley::sip
