#include "rtc/dtls_tail.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace parley::rtc {
namespace {

constexpr std::size_t kHeader = 13;
constexpr std::size_t kTag = 16;
constexpr std::size_t kAlert = 2;  // level, description
constexpr std::size_t kGcmFixedIv = 4;
constexpr std::size_t kGcmExplicitNonce = 8;
constexpr std::uint8_t kTypeCipherSpec = 20, kTypeAlert = 21, kTypeHandshake = 22;
constexpr std::uint8_t kWarning = 1, kFatal = 2, kCloseNotify = 0;
constexpr std::uint16_t kDtls12 = 0xFEFD;
/// Far above the sequence numbers that the handshake used in epoch 1.
constexpr std::uint64_t kCloseSequence = std::uint64_t{1} << 48 | std::uint64_t{1} << 32;

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

/// PRF(master secret, "key expansion", server random + client random).
bool keyBlock(const SSL& ssl, base::MutableBytes out) {
  std::array<std::uint8_t, SSL_MAX_MASTER_KEY_LENGTH> master{};
  std::array<std::uint8_t, 13 + 2 * SSL3_RANDOM_SIZE> seed{'k', 'e', 'y', ' ', 'e', 'x', 'p',
                                                           'a', 'n', 's', 'i', 'o', 'n'};
  std::size_t masterSize = SSL_SESSION_get_master_key(SSL_get_session(&ssl), master.data(), master.size());
  SSL_get_server_random(&ssl, &seed[13], SSL3_RANDOM_SIZE);
  SSL_get_client_random(&ssl, &seed[13 + SSL3_RANDOM_SIZE], SSL3_RANDOM_SIZE);
  const EVP_MD* digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(&ssl));
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr),
                                                              &EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr, &EVP_KDF_CTX_free);
  if (!context || digest == nullptr || masterSize == 0) return false;
  std::string digestName = EVP_MD_get0_name(digest);
  const std::array<OSSL_PARAM, 4> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digestName.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.data(), masterSize),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  const bool ok = EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) == 1;
  OPENSSL_cleanse(master.data(), master.size());
  return ok;
}

/// Sequence (with epoch), type, version and length of the plain text (RFC 5246 section 6.2.3.3).
std::array<std::uint8_t, 13> associatedData(base::Bytes sequence, base::Bytes typeAndVersion) {
  std::array<std::uint8_t, 13> out{};
  std::copy(sequence.begin(), sequence.end(), out.begin());
  std::copy(typeAndVersion.begin(), typeAndVersion.end(), out.begin() + 8);
  base::storeU16(&out[11], kAlert);
  return out;
}

}  // namespace

std::optional<DtlsTail> DtlsTail::of(const SSL& ssl, DtlsRole role) {
  const SSL_CIPHER* suite = SSL_get_current_cipher(&ssl);
  DtlsTail tail;
  switch (suite != nullptr ? SSL_CIPHER_get_cipher_nid(suite) : NID_undef) {
    case NID_aes_128_gcm:
      tail.cipher_ = EVP_aes_128_gcm();
      break;
    case NID_aes_256_gcm:
      tail.cipher_ = EVP_aes_256_gcm();
      break;
    case NID_chacha20_poly1305:
      tail.cipher_ = EVP_chacha20_poly1305();
      break;
    default:
      return std::nullopt;
  }
  tail.fixedIvBytes_ = tail.cipher_ == EVP_chacha20_poly1305() ? tail.send_.iv.size() : kGcmFixedIv;
  // client key, server key, client IV, server IV
  const auto keySize = static_cast<std::size_t>(EVP_CIPHER_get_key_length(tail.cipher_));
  base::Buffer block(2 * (keySize + tail.fixedIvBytes_));
  if (!keyBlock(ssl, block)) return std::nullopt;
  base::ByteReader reader(block);
  const auto take = [&reader](auto& to, std::size_t size) {
    const base::Bytes part = reader.bytes(size);
    std::copy(part.begin(), part.end(), to.begin());
  };
  take(tail.send_.key, keySize);
  take(tail.receive_.key, keySize);
  take(tail.send_.iv, tail.fixedIvBytes_);
  take(tail.receive_.iv, tail.fixedIvBytes_);
  if (role == DtlsRole::server) std::swap(tail.send_, tail.receive_);
  OPENSSL_cleanse(block.data(), block.size());
  return tail;
}

DtlsTail::~DtlsTail() {
  OPENSSL_cleanse(&send_, sizeof send_);
  OPENSSL_cleanse(&receive_, sizeof receive_);
}

/// GCM: fixed part, then the 64-bit number (RFC 5288). ChaCha20-Poly1305: XOR of both (RFC 7905).
std::array<std::uint8_t, 12> DtlsTail::nonce(const Keys& keys, base::Bytes sequence) const {
  auto out = keys.iv;
  for (std::size_t i = 0; i < sequence.size(); ++i) out[kGcmFixedIv + i] ^= sequence[i];
  return out;
}

DtlsTail::Event DtlsTail::read(base::Bytes datagram) const {
  bool handshake = false;
  base::ByteReader reader(datagram);
  while (reader.remaining() >= kHeader) {
    const base::Bytes header = reader.bytes(kHeader);
    const base::Bytes body = reader.bytes(base::loadU16(&header[11]));
    if (!reader.ok()) break;
    if (header[0] == kTypeHandshake || header[0] == kTypeCipherSpec) handshake = true;
    if (header[0] == kTypeAlert && isClosingAlert({header.data(), kHeader + body.size()}))
      return Event::closed;
  }
  return handshake ? Event::repeatedFlight : Event::nothing;
}

bool DtlsTail::isClosingAlert(base::Bytes record) const {
  const std::size_t explicitNonce = fixedIvBytes_ == kGcmFixedIv ? kGcmExplicitNonce : 0;
  if (record.size() != kHeader + explicitNonce + kAlert + kTag || base::loadU16(&record[3]) != 1)
    return false;
  const base::Bytes sequence = record.subspan(3, 8);
  const base::Bytes number = explicitNonce != 0 ? record.subspan(kHeader, explicitNonce) : sequence;
  const base::Bytes sealed = record.subspan(kHeader + explicitNonce);
  const auto iv = nonce(receive_, number);
  const auto aad = associatedData(sequence, record.first(3));
  std::array<std::uint8_t, kTag> tag;
  std::copy_n(sealed.begin() + kAlert, kTag, tag.begin());
  std::array<std::uint8_t, kAlert> alert{};
  int size = 0;
  const CipherContext c(EVP_CIPHER_CTX_new());
  if (EVP_DecryptInit_ex(c.get(), cipher_, nullptr, receive_.key.data(), iv.data()) != 1 ||
      EVP_DecryptUpdate(c.get(), nullptr, &size, aad.data(), static_cast<int>(aad.size())) != 1 ||
      EVP_DecryptUpdate(c.get(), alert.data(), &size, sealed.data(), kAlert) != 1 ||
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(c.get(), tag.data(), &size) != 1)
    return false;
  return alert[0] == kFatal || alert[1] == kCloseNotify;
}

base::Buffer DtlsTail::closeNotify() const {
  const std::size_t explicitNonce = fixedIvBytes_ == kGcmFixedIv ? kGcmExplicitNonce : 0;
  base::Buffer out(kHeader + explicitNonce + kAlert + kTag);
  base::ByteWriter writer(out);
  writer.u8(kTypeAlert);
  writer.u16(kDtls12);
  writer.u64(kCloseSequence);
  writer.u16(static_cast<std::uint16_t>(out.size() - kHeader));
  if (explicitNonce != 0) writer.u64(kCloseSequence);
  const base::Bytes sequence = base::Bytes(out).subspan(3, 8);
  const auto iv = nonce(send_, sequence);
  const auto aad = associatedData(sequence, base::Bytes(out).first(3));
  const std::array<std::uint8_t, kAlert> alert{kWarning, kCloseNotify};
  std::uint8_t* sealed = &out[kHeader + explicitNonce];
  int size = 0;
  const CipherContext c(EVP_CIPHER_CTX_new());
  if (EVP_EncryptInit_ex(c.get(), cipher_, nullptr, send_.key.data(), iv.data()) != 1 ||
      EVP_EncryptUpdate(c.get(), nullptr, &size, aad.data(), static_cast<int>(aad.size())) != 1 ||
      EVP_EncryptUpdate(c.get(), sealed, &size, alert.data(), kAlert) != 1 ||
      EVP_EncryptFinal_ex(c.get(), sealed, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_GET_TAG, kTag, sealed + kAlert) != 1)
    return {};
  return out;
}

}  // namespace parley::rtc
