#include "rtc/sdes.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/text.h"

namespace parley::rtc {
namespace {

constexpr std::string_view kInline = "inline:";

std::string_view suiteOf(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128CmSha1_80:
      return "AES_CM_128_HMAC_SHA1_80";
    case SrtpProfile::aes128CmSha1_32:
      return "AES_CM_128_HMAC_SHA1_32";
    case SrtpProfile::aeadAes128Gcm:
      return "AEAD_AES_128_GCM";
    case SrtpProfile::aeadAes256Gcm:
      return "AEAD_AES_256_GCM";
  }
  return "";
}

std::optional<SrtpProfile> profileOf(std::string_view suite) {
  for (const auto profile : {SrtpProfile::aes128CmSha1_80, SrtpProfile::aes128CmSha1_32,
                             SrtpProfile::aeadAes128Gcm, SrtpProfile::aeadAes256Gcm})
    if (suite == suiteOf(profile)) return profile;
  return std::nullopt;
}

/// RFC 4568 section 6.3: what does not begin with "-" must be understood. Window size and key derivation
/// rate 0 change nothing here.
bool mayIgnore(std::string_view parameter) {
  return parameter.empty() || parameter.starts_with('-') || parameter.starts_with("WSH=") ||
         parameter == "KDR=0";
}

/// "inline:<key>[|lifetime]"; with an MKI there is a third part, with several keys a ";".
std::optional<base::Secret> keyOf(std::string_view text, SrtpProfile profile) {
  if (!text.starts_with(kInline) || text.find(';') != text.npos) return std::nullopt;
  const auto parts = base::split(text.substr(kInline.size()), '|');
  if (parts.size() > 2 || (parts.size() == 2 && parts[1].find(':') != parts[1].npos)) return std::nullopt;
  std::string encoded(parts[0]);
  while (encoded.size() % 4 != 0 && encoded.size() < 128) encoded += '=';  // Some leave the padding out.
  auto bytes = base::base64Decode(encoded);
  OPENSSL_cleanse(encoded.data(), encoded.size());
  if (!bytes) return std::nullopt;
  std::optional<base::Secret> key;
  if (bytes->size() == srtpKeyBytes(profile) + srtpSaltBytes(profile))
    key.emplace(std::string(bytes->begin(), bytes->end()));
  OPENSSL_cleanse(bytes->data(), bytes->size());
  return key;
}

}  // namespace

std::optional<SdesLine> parseSdes(std::string_view value) {
  std::vector<std::string_view> words;
  for (const auto word : base::split(value, ' '))
    if (!word.empty()) words.push_back(word);
  if (words.size() < 3) return std::nullopt;
  const auto tag = base::parseNumber<std::uint32_t>(words[0]);
  const auto profile = profileOf(words[1]);
  if (!tag || *tag > 999'999'999 || !profile) return std::nullopt;
  if (!std::all_of(words.begin() + 3, words.end(), mayIgnore)) return std::nullopt;
  auto key = keyOf(words[2], *profile);
  if (!key) return std::nullopt;
  return SdesLine{*tag, *profile, std::move(*key)};
}

std::string writeSdes(const SdesLine& line) {
  return std::to_string(line.tag) + " " + std::string(suiteOf(line.profile)) + " " + std::string(kInline) +
         base::base64Encode(base::asBytes(line.key.reveal()));
}

const std::vector<SrtpProfile>& sdesProfiles() {
  static const std::vector<SrtpProfile> profiles{SrtpProfile::aeadAes128Gcm, SrtpProfile::aes128CmSha1_80,
                                                 SrtpProfile::aes128CmSha1_32};
  return profiles;
}

base::Secret newSdesKey(SrtpProfile profile, base::Random& random) {
  std::string key(srtpKeyBytes(profile) + srtpSaltBytes(profile), '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
  return base::Secret(std::move(key));
}

}  // namespace parley::rtc
