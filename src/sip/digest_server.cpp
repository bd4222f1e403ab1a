#include "sip/digest_server.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"

namespace parley::sip {
namespace {

constexpr std::size_t kTimeBytes = 8, kSaltBytes = 12, kMacBytes = 16;
constexpr std::int64_t kClockSkew = 30'000;  // Milliseconds that another node's clock may be ahead.

std::string_view paramOf(const Params& params, std::string_view name) {
  return params.get(name).value_or(std::string_view{});
}

}  // namespace

StoredDigest StoredDigest::make(std::string user, std::string_view realm, const base::Secret& password,
                                const std::vector<DigestHash>& hashes) {
  StoredDigest stored{std::move(user), {}};
  for (const DigestHash hash : hashes) stored.ha1[hash] = digestHa1(hash, stored.user, realm, password);
  return stored;
}

std::string StoredDigest::hashedName(DigestHash hash, std::string_view user, std::string_view realm) {
  return digestHex(hash, std::string(user) + ":" + std::string(realm));
}

std::string_view toString(AuthRefusal refusal) {
  switch (refusal) {
    case AuthRefusal::none:
      return "auth_ok";
    case AuthRefusal::missing:
      return "auth_missing";
    case AuthRefusal::malformed:
      return "auth_malformed";
    case AuthRefusal::unsupported:
      return "auth_unsupported";
    case AuthRefusal::badUri:
      return "auth_bad_uri";
    case AuthRefusal::stale:
      return "auth_stale";
    case AuthRefusal::badNonce:
      return "auth_bad_nonce";
    case AuthRefusal::unknownUser:
      return "auth_unknown_user";
    case AuthRefusal::wrongPassword:
      return "auth_wrong_password";
  }
  return {};
}

DigestServer::DigestServer(DigestServerOptions options, base::Secret key, base::Random& random)
    : options_(std::move(options)), key_(std::move(key)), random_(random) {
  PARLEY_CHECK(key_.reveal().size() >= 16);
}

// --- nonces --------------------------------------------------------------------------------------------

std::string DigestServer::mac(std::string_view payload) const {
  const std::string text = std::string(payload) + options_.realm;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const auto* made = HMAC(EVP_sha256(), key_.reveal().data(), static_cast<int>(key_.reveal().size()),
                          base::asBytes(text).data(), text.size(), out.data(), &size);
  PARLEY_CHECK(made != nullptr && size >= kMacBytes);
  return std::string(base::asText(base::Bytes(out).first(kMacBytes)));
}

std::string DigestServer::makeNonce(base::WallTime now) {
  std::array<std::uint8_t, kTimeBytes + kSaltBytes> payload{};
  base::ByteWriter writer(payload);
  writer.u64(static_cast<std::uint64_t>(base::millisOf(now)));
  random_.fill(base::MutableBytes(payload).subspan(kTimeBytes));
  std::string whole(base::asText(payload));
  whole += mac(base::asText(payload));
  return base::base64UrlEncode(base::asBytes(whole));
}

std::optional<DigestServer::Nonce> DigestServer::openNonce(std::string_view text) const {
  const auto bytes = base::base64UrlDecode(text);
  if (!bytes || bytes->size() != kTimeBytes + kSaltBytes + kMacBytes) return std::nullopt;
  const std::string_view whole = base::asText(*bytes);
  const std::string_view payload = whole.substr(0, kTimeBytes + kSaltBytes);
  if (!equalSecretText(whole.substr(payload.size()), mac(payload))) return std::nullopt;
  base::ByteReader reader(*bytes);
  const auto made = static_cast<std::int64_t>(reader.u64());
  return Nonce{made, std::string(payload.substr(kTimeBytes))};
}

std::vector<Header> DigestServer::challenge(bool proxy, bool stale, base::WallTime now) {
  const std::string nonce = makeNonce(now);
  std::vector<Header> headers;
  for (const DigestAlgorithm algorithm : options_.algorithms) {
    AuthValue value;
    value.scheme = "Digest";
    value.params.setQuoted("realm", options_.realm);
    value.params.setQuoted("nonce", nonce);
    value.params.set("algorithm", std::string(algorithm.toString()));
    value.params.setQuoted("qop", options_.authInt ? "auth,auth-int" : "auth");
    if (options_.userHash) value.params.set("userhash", "true");
    if (stale) value.params.set("stale", "true");
    headers.push_back(
        {proxy ? HeaderId::proxyAuthenticate : HeaderId::wwwAuthenticate, {}, value.toString()});
  }
  return headers;
}

// --- checking ------------------------------------------------------------------------------------------

AuthRefusal DigestServer::checkForm(const Message& request, const Params& params,
                                    DigestAlgorithm& algorithm) const {
  for (const auto name : {"username", "nonce", "uri", "response", "cnonce", "nc"}) {
    const std::string_view value = paramOf(params, name);
    if (value.empty() || value.size() > kMaxDigestParameter) return AuthRefusal::malformed;
  }
  const auto named = params.get("algorithm");
  const auto parsed = named ? DigestAlgorithm::parse(*named) : DigestAlgorithm{};
  if (!parsed || std::find(options_.algorithms.begin(), options_.algorithms.end(), *parsed) ==
                     options_.algorithms.end()) {
    return AuthRefusal::unsupported;
  }
  algorithm = *parsed;
  const std::string_view qop = paramOf(params, "qop");
  const bool known =
      base::equalsIgnoreCase(qop, "auth") || (options_.authInt && base::equalsIgnoreCase(qop, "auth-int"));
  if (!known) return AuthRefusal::unsupported;
  if (options_.checkUri) {
    const auto uri = Uri::parse(paramOf(params, "uri"));
    if (!uri || !uri->equivalent(request.requestUri())) return AuthRefusal::badUri;
  }
  return AuthRefusal::none;
}

AuthOutcome DigestServer::check(const Message& request, bool proxy, const Lookup& lookup,
                                base::WallTime now) {
  const HeaderId id = proxy ? HeaderId::proxyAuthorization : HeaderId::authorization;
  std::optional<AuthValue> found;
  for (const Header& header : request.headers()) {
    if (header.id != id || found) continue;
    auto value = AuthValue::parse(header.value);
    if (!value || !base::equalsIgnoreCase(value->scheme, "Digest")) continue;
    if (paramOf(value->params, "realm") == options_.realm) found = std::move(*value);
  }
  if (!found) return {AuthRefusal::missing, {}, {}};
  const Params& params = found->params;
  DigestAlgorithm algorithm;
  if (const auto refusal = checkForm(request, params, algorithm); refusal != AuthRefusal::none) {
    return {refusal, {}, {}};
  }
  const auto count = parseNonceCount(paramOf(params, "nc"));
  if (!count || *count == 0) return {AuthRefusal::malformed, {}, {}};
  const auto nonce = openNonce(paramOf(params, "nonce"));
  if (!nonce) return {AuthRefusal::badNonce, {}, {}};

  const bool hashed = base::equalsIgnoreCase(paramOf(params, "userhash"), "true");
  if (hashed && !options_.userHash) return {AuthRefusal::unsupported, {}, {}};
  const auto stored = lookup(paramOf(params, "username"), hashed, algorithm.hash);
  const base::Secret* ha1 = nullptr;
  if (stored) {
    if (const auto at = stored->ha1.find(algorithm.hash); at != stored->ha1.end()) ha1 = &at->second;
  }
  // The same work for a name that does not exist.
  static const base::Secret nobody(std::string(64, '0'));
  const base::Secret& key = ha1 != nullptr ? *ha1 : nobody;
  DigestInput input{algorithm,
                    paramOf(params, "nonce"),
                    paramOf(params, "cnonce"),
                    paramOf(params, "nc"),
                    paramOf(params, "qop"),
                    request.methodName(),
                    paramOf(params, "uri"),
                    request.body()};
  const bool right = equalSecretText(digestResponse(key, input), base::toLower(paramOf(params, "response")));
  if (ha1 == nullptr) return {AuthRefusal::unknownUser, {}, {}};
  if (!right) return {AuthRefusal::wrongPassword, {}, {}};
  // Only now: who does not know the password learns nothing about nonces and fills no table.
  if (!useOnce(*nonce, *count, now)) return {AuthRefusal::stale, {}, {}};

  input.method = {};
  input.body = {};  // That of the response is not known yet, so the proof covers auth only.
  AuthOutcome outcome{AuthRefusal::none, stored->user, {}};
  if (base::equalsIgnoreCase(input.qop, "auth")) {
    outcome.authenticationInfo = "qop=auth, rspauth=\"" + digestResponse(key, input) + "\", cnonce=\"" +
                                 std::string(input.cnonce) + "\", nc=" + std::string(input.nc);
    // A cnonce that would end the quotes is the client's own trouble: it gets no proof.
    if (input.cnonce.find_first_of("\"\\\r\n") != std::string_view::npos) outcome.authenticationInfo.clear();
  }
  return outcome;
}

/// False: too old, or this nc of it was used.
bool DigestServer::useOnce(const Nonce& nonce, std::uint32_t count, base::WallTime now) {
  const std::int64_t age = base::millisOf(now) - nonce.made;
  if (age > options_.nonceLife.count() || age < -kClockSkew) return false;
  sweep(now);
  auto at = seen_.find(nonce.salt);
  if (at == seen_.end()) {
    if (nonce.made <= forgotten_ || options_.maxNonces == 0) return false;
    if (seen_.size() >= options_.maxNonces) {
      const auto oldest = byAge_.begin();
      if (oldest->first >= nonce.made) return false;  // It would be the next to leave.
      forgotten_ = std::max(forgotten_, oldest->first);
      seen_.erase(oldest->second);
      byAge_.erase(oldest);
    }
    seen_.emplace(nonce.salt, Window{count, 1, nonce.made});
    byAge_.emplace(nonce.made, nonce.salt);
    return true;
  }
  Window& window = at->second;
  if (count > window.highest) {
    const std::uint32_t ahead = count - window.highest;
    window.below = ahead >= 64 ? 1 : (window.below << ahead) | 1;
    window.highest = count;
    return true;
  }
  const std::uint32_t behind = window.highest - count;
  if (behind >= 64 || (window.below >> behind & 1) != 0) return false;
  window.below |= std::uint64_t{1} << behind;
  return true;
}

void DigestServer::sweep(base::WallTime now) {
  const std::int64_t oldest = base::millisOf(now) - options_.nonceLife.count();
  while (!byAge_.empty() && byAge_.begin()->first < oldest) {
    seen_.erase(byAge_.begin()->second);
    byAge_.erase(byAge_.begin());
  }
}

}  // namespace parley::sip
