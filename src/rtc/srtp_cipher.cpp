#include "rtc/srtp_cipher.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/check.h"

namespace parley::rtc {
namespace {

constexpr std::size_t kAuthenticationKeyBytes = 20;
constexpr std::size_t kClearRtcpBytes = 8;  ///< What stays in the clear of an SRTCP packet.
constexpr std::uint8_t kRtcpLabels = 3;

struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;

/// Fetched once per process: a fetch takes locks and allocates.
const EVP_CIPHER* cipherFor(std::size_t keyBytes, bool gcm) {
  static const Cipher ctr128(EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr));
  static const Cipher ctr256(EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr));
  static const Cipher gcm128(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
  static const Cipher gcm256(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  if (gcm) return keyBytes == 32 ? gcm256.get() : gcm128.get();
  return keyBytes == 32 ? ctr256.get() : ctr128.get();
}

int lengthOf(base::Bytes bytes) { return static_cast<int>(bytes.size()); }

/// AES-CM keystream (RFC 3711 section 4.3.3): x = (label * 2^48) XOR master salt, counted from x * 2^16.
base::Buffer derive(std::uint8_t label, std::size_t size, EVP_CIPHER_CTX* prf, base::Bytes masterSalt) {
  std::array<std::uint8_t, 16> iv{};
  std::copy(masterSalt.begin(), masterSalt.end(), iv.begin());
  iv[7] ^= label;
  base::Buffer out(size);
  int written = 0;
  const bool ok = EVP_EncryptInit_ex(prf, nullptr, nullptr, nullptr, iv.data()) == 1 &&
                  EVP_EncryptUpdate(prf, out.data(), &written, out.data(), lengthOf(out)) == 1;
  PARLEY_CHECK(ok);  // only a broken OpenSSL
  return out;
}

/// XORs SSRC and the 48-bit index into an IV; in GCM they stand two bytes further left than in AES-CM.
void mixIv(std::array<std::uint8_t, 16>& iv, std::size_t ssrcAt, std::uint32_t ssrc, std::uint64_t index) {
  base::storeU32(&iv[ssrcAt], base::loadU32(&iv[ssrcAt]) ^ ssrc);
  const std::size_t indexAt = ssrcAt + 4;
  base::storeU32(&iv[indexAt], base::loadU32(&iv[indexAt]) ^ static_cast<std::uint32_t>(index >> 16));
  base::storeU16(&iv[indexAt + 4],
                 static_cast<std::uint16_t>(base::loadU16(&iv[indexAt + 4]) ^ (index & 0xFFFF)));
}

}  // namespace

bool isGcm(SrtpProfile profile) {
  return profile == SrtpProfile::aeadAes128Gcm || profile == SrtpProfile::aeadAes256Gcm;
}

SrtpSessionKeys deriveSrtpKeys(SrtpProfile profile, bool rtcp, base::Bytes masterKey,
                               base::Bytes masterSalt) {
  const std::uint8_t label = rtcp ? kRtcpLabels : 0;
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> prf(EVP_CIPHER_CTX_new(),
                                                                      &EVP_CIPHER_CTX_free);
  const bool ok = EVP_EncryptInit_ex(prf.get(), cipherFor(masterKey.size(), false), nullptr, masterKey.data(),
                                     nullptr) == 1;
  PARLEY_CHECK(ok);
  SrtpSessionKeys keys;
  keys.encryption = derive(label, masterKey.size(), prf.get(), masterSalt);
  if (!isGcm(profile))
    keys.authentication =
        derive(static_cast<std::uint8_t>(label + 1), kAuthenticationKeyBytes, prf.get(), masterSalt);
  keys.salt = derive(static_cast<std::uint8_t>(label + 2), masterSalt.size(), prf.get(), masterSalt);
  return keys;
}

std::unique_ptr<SrtpCipher> SrtpCipher::create(SrtpProfile profile, SrtpContext::Direction direction,
                                               bool rtcp, const SrtpSessionKeys& keys) {
  auto self = std::make_unique<SrtpCipher>(Private{});
  self->gcm_ = isGcm(profile);
  // RFC 5764 section 4.1.2: the short tag is for RTP only.
  const bool shortTag = profile == SrtpProfile::aes128CmSha1_32 && !rtcp;
  self->tagBytes_ = self->gcm_ ? 16 : shortTag ? 4 : 10;
  if (keys.salt.size() > self->salt_.size()) return nullptr;
  std::copy(keys.salt.begin(), keys.salt.end(), self->salt_.begin());
  self->context_.reset(EVP_CIPHER_CTX_new());
  const int encrypt = direction == SrtpContext::Direction::protect || !self->gcm_ ? 1 : 0;
  if (!self->context_ ||
      EVP_CipherInit_ex(self->context_.get(), cipherFor(keys.encryption.size(), self->gcm_), nullptr,
                        keys.encryption.data(), nullptr, encrypt) != 1)
    return nullptr;
  if (!self->gcm_) self->hmac_.emplace(keys.authentication);
  return self;
}

SrtpCipher::~SrtpCipher() { OPENSSL_cleanse(salt_.data(), salt_.size()); }

bool SrtpCipher::counterMode(base::MutableBytes payload, std::uint32_t ssrc, std::uint64_t index) {
  auto iv = salt_;
  mixIv(iv, 4, ssrc, index);
  int written = 0;
  return EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data()) == 1 &&
         EVP_EncryptUpdate(context_.get(), payload.data(), &written, payload.data(), lengthOf(payload)) == 1;
}

bool SrtpCipher::gcmStart(std::uint32_t ssrc, std::uint64_t index, base::Bytes aad, base::Bytes moreAad) {
  auto iv = salt_;
  mixIv(iv, 2, ssrc, index);
  int written = 0;
  EVP_CIPHER_CTX* context = context_.get();
  return EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), -1) == 1 &&
         EVP_CipherUpdate(context, nullptr, &written, aad.data(), lengthOf(aad)) == 1 &&
         (moreAad.empty() ||
          EVP_CipherUpdate(context, nullptr, &written, moreAad.data(), lengthOf(moreAad)) == 1);
}

bool SrtpCipher::gcmSeal(base::MutableBytes payload, std::uint8_t* tag) {
  int written = 0;
  EVP_CIPHER_CTX* context = context_.get();
  if (!payload.empty() &&
      EVP_EncryptUpdate(context, payload.data(), &written, payload.data(), lengthOf(payload)) != 1)
    return false;
  return EVP_EncryptFinal_ex(context, tag, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tagBytes_, tag) == 1;
}

bool SrtpCipher::gcmOpen(base::MutableBytes payload, const std::uint8_t* tag) {
  int written = 0;
  EVP_CIPHER_CTX* context = context_.get();
  std::array<std::uint8_t, 16> copy;  // the call wants it writable
  std::copy_n(tag, copy.size(), copy.begin());
  if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tagBytes_, copy.data()) != 1) return false;
  if (!payload.empty() &&
      EVP_DecryptUpdate(context, payload.data(), &written, payload.data(), lengthOf(payload)) != 1)
    return false;
  return EVP_DecryptFinal_ex(context, copy.data(), &written) == 1;
}

bool SrtpCipher::sealRtp(base::MutableBytes packet, std::size_t header, std::uint32_t ssrc,
                         std::uint64_t index) {
  const base::MutableBytes payload = packet.subspan(header);
  std::uint8_t* tag = packet.data() + packet.size();
  if (gcm_) return gcmStart(ssrc, index, packet.first(header), {}) && gcmSeal(payload, tag);
  if (!counterMode(payload, ssrc, index)) return false;
  std::array<std::uint8_t, 4> roc;
  base::storeU32(roc.data(), static_cast<std::uint32_t>(index >> 16));
  const std::array<base::Bytes, 2> parts{packet, roc};
  std::copy_n(hmac_->digest(parts).begin(), tagBytes_, tag);
  return true;
}

bool SrtpCipher::openRtp(base::MutableBytes packet, std::size_t header, std::uint32_t ssrc,
                         std::uint64_t index) {
  const base::MutableBytes plain = packet.first(packet.size() - tagBytes_);
  const base::MutableBytes payload = plain.subspan(header);
  const std::uint8_t* tag = plain.data() + plain.size();
  if (gcm_) return gcmStart(ssrc, index, plain.first(header), {}) && gcmOpen(payload, tag);
  std::array<std::uint8_t, 4> roc;
  base::storeU32(roc.data(), static_cast<std::uint32_t>(index >> 16));
  const std::array<base::Bytes, 2> parts{plain, roc};
  if (CRYPTO_memcmp(hmac_->digest(parts).data(), tag, tagBytes_) != 0) return false;
  return counterMode(payload, ssrc, index);
}

// AES-CM: header, payload, E and index, tag. GCM: header, payload, tag, E and index (RFC 7714 section 9.2).
bool SrtpCipher::sealRtcp(base::MutableBytes packet, std::uint32_t ssrc, std::uint32_t index) {
  const base::MutableBytes payload = packet.subspan(kClearRtcpBytes);
  std::uint8_t* end = packet.data() + packet.size();
  std::uint8_t* trailer = gcm_ ? end + tagBytes_ : end;
  base::storeU32(trailer, kRtcpEncrypted | index);
  if (gcm_)
    return gcmStart(ssrc, index, packet.first(kClearRtcpBytes), {trailer, kRtcpTrailer}) &&
           gcmSeal(payload, end);
  if (!counterMode(payload, ssrc, index)) return false;
  const std::array<base::Bytes, 2> parts{packet, base::Bytes(trailer, kRtcpTrailer)};
  std::copy_n(hmac_->digest(parts).begin(), tagBytes_, trailer + kRtcpTrailer);
  return true;
}

bool SrtpCipher::openRtcp(base::MutableBytes packet, std::uint32_t ssrc) {
  const base::MutableBytes plain = packet.first(packet.size() - tagBytes_ - kRtcpTrailer);
  const base::MutableBytes payload = plain.subspan(kClearRtcpBytes);
  const std::uint8_t* end = plain.data() + plain.size();
  const std::uint8_t* trailer = gcm_ ? end + tagBytes_ : end;
  const std::uint32_t word = base::loadU32(trailer);
  const bool encrypted = (word & kRtcpEncrypted) != 0;
  const std::uint32_t index = word & ~kRtcpEncrypted;
  if (gcm_) {
    const base::MutableBytes clear = encrypted ? plain.first(kClearRtcpBytes) : plain;
    return gcmStart(ssrc, index, clear, {trailer, kRtcpTrailer}) &&
           gcmOpen(encrypted ? payload : base::MutableBytes{}, end);
  }
  const std::array<base::Bytes, 2> parts{plain, base::Bytes(trailer, kRtcpTrailer)};
  if (CRYPTO_memcmp(hmac_->digest(parts).data(), trailer + kRtcpTrailer, tagBytes_) != 0) return false;
  return !encrypted || counterMode(payload, ssrc, index);
}

std::uint32_t SrtpCipher::rtcpTrailer(base::Bytes packet) const {
  return base::loadU32(packet.data() + packet.size() - kRtcpTrailer - (gcm_ ? 0 : tagBytes_));
}

}  // namespace parley::rtc
