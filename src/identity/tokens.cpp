#include "identity/tokens.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/text.h"

namespace parley::identity {
namespace {

constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

std::array<std::uint8_t, 32> macOf(const base::Secret& key, std::string_view text) {
  std::array<std::uint8_t, 32> mac{};
  unsigned size = 0;
  const auto* made = HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()),
                          base::asBytes(text).data(), text.size(), mac.data(), &size);
  PARLEY_CHECK(made != nullptr && size == mac.size());
  return mac;
}

std::string textOf(const nlohmann::json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::unexpected<base::Error> invalid(const char* what) { return base::fail("token.invalid", what); }

}  // namespace

std::string TokenSigner::sign(CallToken token, base::WallTime now, base::Millis lifetime) {
  nlohmann::json claims = {{"aud", token.audience},      {"role", token.role},
                           {"sub", token.user},          {"jti", random_.alphanumeric(16)},
                           {"iat", base::millisOf(now)}, {"exp", base::millisOf(now + lifetime)}};
  const auto add = [&claims](const char* key, const std::string& value) {
    if (!value.empty()) claims[key] = value;
  };
  add("name", token.name);
  add("dst", token.destination);
  add("uui", token.uui);
  add("cor", token.correlationId);
  add("cid", token.cid);
  if (token.uuiAllowed) claims["uuiAllowed"] = true;
  if (token.phonesAllowed) claims["phones"] = true;
  if (!token.grants.empty()) claims["grants"] = token.grants;
  const std::string body = claims.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out =
      base::base64UrlEncode(base::asBytes(kHeader)) + "." + base::base64UrlEncode(base::asBytes(body));
  out += "." + base::base64UrlEncode(macOf(key_, out));
  return out;
}

base::Result<CallToken> TokenSigner::verify(std::string_view text, std::string_view audience,
                                            base::WallTime now) const {
  auto token = verifyIgnoringExpiry(text, audience);
  if (token && token->expires <= now) return base::fail("token.expired", "The token has expired.");
  return token;
}

base::Result<CallToken> TokenSigner::verifyIgnoringExpiry(std::string_view text,
                                                          std::string_view audience) const {
  if (text.size() > kMaxTokenBytes) return invalid("The token is too long.");
  const auto lastDot = text.rfind('.');
  const auto firstDot = text.find('.');
  if (lastDot == std::string_view::npos || firstDot == lastDot) return invalid("This is no token.");
  const auto mac = base::base64UrlDecode(text.substr(lastDot + 1));
  if (!mac || !base::equalsConstantTime(*mac, macOf(key_, text.substr(0, lastDot)))) {
    return invalid("The token's signature does not fit.");
  }
  // From here on the text is our own, unless the key leaked; read with care all the same.
  const auto header = base::base64UrlDecode(text.substr(0, firstDot));
  const auto body = base::base64UrlDecode(text.substr(firstDot + 1, lastDot - firstDot - 1));
  if (!header || base::asText(*header) != kHeader || !body) return invalid("The token's form is wrong.");
  const auto claims = nlohmann::json::parse(base::asText(*body), nullptr, false);
  if (!claims.is_object()) return invalid("The token's form is wrong.");
  CallToken token{textOf(claims, "aud"),
                  textOf(claims, "role"),
                  textOf(claims, "sub"),
                  textOf(claims, "name"),
                  textOf(claims, "dst"),
                  textOf(claims, "uui"),
                  textOf(claims, "cor"),
                  claims.contains("uuiAllowed"),
                  claims.contains("phones"),
                  textOf(claims, "cid"),
                  {},
                  textOf(claims, "jti"),
                  {}};
  for (const auto& grant : claims.value("grants", nlohmann::json::array())) {
    if (grant.is_string()) token.grants.push_back(grant.get<std::string>());
  }
  const auto expires = claims.find("exp");
  const bool knownRole = token.role == "consumer" || token.role == "agent" || token.role == "supervisor";
  if (token.audience != audience || !knownRole || token.user.empty() || expires == claims.end() ||
      !expires->is_number_unsigned() || expires->get<std::uint64_t>() > std::uint64_t{1} << 42) {
    return invalid("The token is for something else.");
  }
  token.expires = base::WallTime(base::Millis{expires->get<std::int64_t>()});
  return token;
}

}  // namespace parley::identity
