#include "rtc/dtls_certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>

#include <array>

#include "base/text.h"

namespace parley::rtc {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr long kValidDays = 3650;  // the fingerprint in the SDP vouches for it, not its dates
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
/// In our order of preference, which counts where we are the server.
constexpr const char* kSrtpProfiles =
    "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";
/// Bounds what a peer can make OpenSSL keep while it puts fragments together.
constexpr long kMaxCertificateBytes = 16 * 1024;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeX509>;

int verifyPeer(X509_STORE_CTX* store, void*) noexcept {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* verifier = ssl != nullptr ? static_cast<PeerVerifier*>(SSL_get_app_data(ssl)) : nullptr;
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (verifier != nullptr && certificate != nullptr && verifier->acceptsPeer(*certificate)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

Certificate selfSign(EVP_PKEY* key) {
  Certificate made(X509_new());
  std::array<std::uint8_t, 8> serial{};
  if (!made || RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return nullptr;
  X509* x = made.get();
  X509_NAME* name = X509_get_subject_name(x);
  const auto* common = reinterpret_cast<const unsigned char*>("parley");
  const bool ok = X509_set_version(x, X509_VERSION_3) == 1 &&
                  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), base::loadU32(serial.data()) | 1u) == 1 &&
                  X509_gmtime_adj(X509_getm_notBefore(x), -kDay) != nullptr &&
                  X509_gmtime_adj(X509_getm_notAfter(x), kValidDays * kDay) != nullptr &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1 &&
                  X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
                  X509_sign(x, key, EVP_sha256()) > 0;
  return ok ? std::move(made) : nullptr;
}

OpensslCertificate::Context makeContext(X509* certificate, EVP_PKEY* key) {
  OpensslCertificate::Context made(SSL_CTX_new(DTLS_method()));
  SSL_CTX* c = made.get();
  if (c == nullptr) return nullptr;
  SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                             SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(c, kMaxCertificateBytes);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(c, verifyPeer, nullptr);
  SSL_CTX_set_read_ahead(c, 1);  // a datagram is read as a whole
  const bool ok = SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(c, kCiphers) == 1 && SSL_CTX_set1_groups_list(c, kGroups) == 1 &&
                  SSL_CTX_set_tlsext_use_srtp(c, kSrtpProfiles) == 0 &&  // 0 is success, here only
                  SSL_CTX_use_certificate(c, certificate) == 1 && SSL_CTX_use_PrivateKey(c, key) == 1;
  return ok ? std::move(made) : nullptr;
}

const EVP_MD* digestOf(std::string_view algorithm) {
  if (base::equalsIgnoreCase(algorithm, "sha-256")) return EVP_sha256();
  if (base::equalsIgnoreCase(algorithm, "sha-384")) return EVP_sha384();
  if (base::equalsIgnoreCase(algorithm, "sha-512")) return EVP_sha512();
  if (base::equalsIgnoreCase(algorithm, "sha-1")) return EVP_sha1();
  return nullptr;
}

}  // namespace

std::string takeOpensslError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "no detail";
}

std::string fingerprintOf(const X509& certificate, const EVP_MD& digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (X509_digest(&certificate, &digest, bytes.data(), &size) != 1) return {};
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  text.reserve(std::size_t{size} * 3);
  for (unsigned i = 0; i < size; ++i) {
    if (i > 0) text += ':';
    text += kHex[bytes[i] >> 4];
    text += kHex[bytes[i] & 15];
  }
  return text;
}

bool matchesFingerprint(const X509& certificate, const std::vector<Fingerprint>& fingerprints) {
  bool weakMatch = false, strongSeen = false;
  for (const Fingerprint& fingerprint : fingerprints) {
    const EVP_MD* digest = digestOf(fingerprint.algorithm);
    if (digest == nullptr) continue;
    const std::string ours = fingerprintOf(certificate, *digest);
    const bool match = !ours.empty() && base::equalsIgnoreCase(ours, fingerprint.value);
    if (EVP_MD_get_type(digest) == NID_sha1) {
      weakMatch = weakMatch || match;
    } else if (match) {
      return true;
    } else {
      strongSeen = true;
    }
  }
  return weakMatch && !strongSeen;
}

base::Result<std::shared_ptr<DtlsCertificate>> DtlsCertificate::generate() {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? selfSign(key.get()) : nullptr;
  auto context = certificate ? makeContext(certificate.get(), key.get()) : nullptr;
  if (!context) return base::fail("dtls.internal", "no certificate: " + takeOpensslError());
  return std::make_shared<OpensslCertificate>(
      std::move(context), Fingerprint{"sha-256", fingerprintOf(*certificate, *EVP_sha256())});
}

}  // namespace parley::rtc
