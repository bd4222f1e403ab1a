// Keys and certificates over OpenSSL 3, as far as the authority needs them. For trust/ only.
#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace parley::trust {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

KeyPtr generateKey();                            ///< ECDSA P-256. Null on failure.
KeyPtr parseKey(std::string_view pem);           ///< Null if it is none (or has a pass phrase).
CertificatePtr parseLeaf(std::string_view pem);  ///< The first certificate; null if there is none.
std::string toPem(EVP_PKEY* key);                ///< "" on failure.
std::string toPem(X509* certificate);

struct CertificateRequest {
  std::string commonName;
  std::vector<std::string> names;  ///< DNS names and IP addresses (subjectAltName).
  std::chrono::days lifetime{397};
  bool authority = false;
};
/// Null `issuer`: self-signed by `signer`, which must then be the subject's key. Null on failure.
CertificatePtr issue(const CertificateRequest& request, EVP_PKEY* subject, X509* issuer, EVP_PKEY* signer,
                     base::WallTime now);

bool matches(X509* certificate, EVP_PKEY* key);
bool isAuthority(X509* certificate);
bool signedBy(X509* certificate, EVP_PKEY* authority);
base::WallTime notAfter(X509* certificate);
/// DNS names (lower case) and IP addresses of subjectAltName, as text.
std::set<std::string> subjectNames(X509* certificate);
/// How a wanted name appears in subjectNames().
std::string normalName(std::string_view name);

}  // namespace parley::trust
