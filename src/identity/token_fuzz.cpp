// Hostile tokens: as they come (almost always a wrong signature), and the input as claims that were signed
// with the right key, which reaches the code behind the signature.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdlib>

#include "base/text.h"
#include "identity/tokens.h"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static base::FakeRandom random;
  static const std::string key(32, 'k');
  static identity::TokenSigner signer{base::Secret(key), random};
  static const base::WallTime now{std::chrono::seconds{1'800'000'000}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto token = signer.verify(text, "websocketcall", now)) std::abort();

  std::string signedText = base::base64UrlEncode(base::asBytes(R"({"alg":"HS256","typ":"JWT"})")) + "." +
                           base::base64UrlEncode({data, size});
  std::array<std::uint8_t, 32> mac{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), base::asBytes(signedText).data(),
       signedText.size(), mac.data(), nullptr);
  signedText += "." + base::base64UrlEncode(mac);
  if (const auto token = signer.verify(signedText, "websocketcall", now)) {
    if (token->expires <= now || token->user.empty()) std::abort();
    // What was accepted must survive being signed again.
    const auto again = signer.verify(signer.sign(*token, now, base::Millis{1000}), "websocketcall", now);
    if (signedText.size() < 2048 && (!again || again->user != token->user)) std::abort();
  }
  return 0;
}
