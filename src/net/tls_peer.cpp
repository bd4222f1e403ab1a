// Reads what the peer of a TLS connection showed. Everything in a certificate is the peer's word until it
// is verified, so names are bounded and those that cannot be names are left out.
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string_view>

#include "base/text.h"
#include "net/internal_tls.h"

namespace parley::net {
namespace {

constexpr std::size_t kMaxNames = 64;
constexpr int kMaxNameBytes = 512;

using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// Printable ASCII only: a NUL inside made "good.example\0.evil.example" look good to C programs.
void addName(std::vector<std::string>& to, const ASN1_IA5STRING* name) {
  const int length = ASN1_STRING_length(name);
  if (to.size() >= kMaxNames || length <= 0 || length > kMaxNameBytes) return;
  const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                              static_cast<std::size_t>(length));
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f) return;
  }
  to.emplace_back(text);
}

std::string commonName(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (length < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length));
  OPENSSL_free(utf8);
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return {};
  }
  return text;
}

}  // namespace

PeerCertificate peerCertificateOf(const SSL* ssl) {
  PeerCertificate peer;
  const Certificate certificate(SSL_get1_peer_certificate(ssl), X509_free);
  if (!certificate) return peer;
  peer.shown = true;
  peer.verified = SSL_get_verify_result(ssl) == X509_V_OK;
  peer.subject = commonName(certificate.get());
  const Names names(static_cast<GENERAL_NAMES*>(
                        X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)),
                    GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* each = sk_GENERAL_NAME_value(names.get(), i);
    if (each->type == GEN_DNS) addName(peer.dnsNames, each->d.dNSName);
    if (each->type == GEN_URI) addName(peer.uris, each->d.uniformResourceIdentifier);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest, &length) == 1) {
    peer.sha256 = base::hexEncode({digest, length});
  }
  return peer;
}

}  // namespace parley::net
