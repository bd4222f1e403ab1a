#include "trust/x509.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "net/endpoint.h"

namespace parley::trust {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeExtension {
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

BioPtr readable(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string textOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// An encrypted key must not make OpenSSL ask a terminal.
int noPassPhrase(char*, int, int, void*) { return 0; }

/// Clears OpenSSL's thread error queue, so that nobody later takes our failure for theirs.
template <class T>
T cleared(T value) {
  ERR_clear_error();
  return value;
}

bool addExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreeExtension> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool addGeneralName(GENERAL_NAMES* names, const std::string& name) {
  GENERAL_NAME* entry = GENERAL_NAME_new();
  if (entry == nullptr) return false;
  bool ok = false;
  if (const auto address = net::Endpoint::parse(name, 0)) {
    const auto& bytes = address->bytes();
    const std::size_t skip = address->isV4() ? 12 : 0;
    ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
    ok = octets != nullptr &&
         ASN1_OCTET_STRING_set(octets, bytes.data() + skip, static_cast<int>(bytes.size() - skip)) == 1;
    GENERAL_NAME_set0_value(entry, GEN_IPADD, octets);
  } else {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ok = text != nullptr && ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1;
    GENERAL_NAME_set0_value(entry, GEN_DNS, text);
  }
  if (ok && sk_GENERAL_NAME_push(names, entry) > 0) return true;
  GENERAL_NAME_free(entry);
  return false;
}

/// Built from values, not from OpenSSL's "DNS:a,IP:b" text: a name can smuggle nothing in.
bool addSubjectNames(X509* certificate, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(sk_GENERAL_NAME_new_null());
  if (!names) return false;
  for (const std::string& name : wanted) {
    if (!addGeneralName(names.get(), name)) return false;
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

bool setSerial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x01);  // Positive and never short.
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool ok =
      number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return ok;
}

bool setSubject(X509* certificate, const std::string& commonName) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](const char* field, std::string_view value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", "Parley") && add("CN", commonName.substr(0, 64));
}

bool setTimes(X509* certificate, base::WallTime now, std::chrono::days lifetime) {
  // A day back: clocks of two machines differ.
  const auto from = std::chrono::system_clock::to_time_t(now - std::chrono::days{1});
  const auto until = std::chrono::system_clock::to_time_t(now + lifetime);
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr;
}

bool addExtensions(X509* certificate, X509* issuer, const CertificateRequest& request) {
  if (!addExtension(certificate, issuer, NID_subject_key_identifier, "hash")) return false;
  if (!addExtension(certificate, issuer, NID_authority_key_identifier, "keyid")) return false;
  if (request.authority) {
    return addExtension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           addExtension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  return addExtension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         addExtension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         addExtension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
}

}  // namespace

KeyPtr generateKey() { return cleared(KeyPtr(EVP_EC_gen("P-256"))); }

KeyPtr parseKey(std::string_view pem) {
  const BioPtr bio = readable(pem);
  return cleared(KeyPtr(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassPhrase, nullptr) : nullptr));
}

CertificatePtr parseLeaf(std::string_view pem) {
  const BioPtr bio = readable(pem);
  return cleared(
      CertificatePtr(bio ? PEM_read_bio_X509(bio.get(), nullptr, noPassPhrase, nullptr) : nullptr));
}

std::string toPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return cleared(std::string());
  }
  return textOf(bio.get());
}

std::string toPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return cleared(std::string());
  return textOf(bio.get());
}

CertificatePtr issue(const CertificateRequest& request, EVP_PKEY* subject, X509* issuer, EVP_PKEY* signer,
                     base::WallTime now) {
  CertificatePtr certificate(X509_new());
  if (!certificate || subject == nullptr || signer == nullptr) return nullptr;
  X509* c = certificate.get();
  X509* from = issuer != nullptr ? issuer : c;
  const bool ok =
      X509_set_version(c, X509_VERSION_3) == 1 && setSerial(c) && setSubject(c, request.commonName) &&
      setTimes(c, now, request.lifetime) && X509_set_pubkey(c, subject) == 1 &&
      X509_set_issuer_name(c, X509_get_subject_name(from)) == 1 && addExtensions(c, from, request) &&
      addSubjectNames(c, request.names) && X509_sign(c, signer, EVP_sha256()) > 0;
  return cleared(ok ? std::move(certificate) : CertificatePtr());
}

bool matches(X509* certificate, EVP_PKEY* key) {
  return cleared(X509_check_private_key(certificate, key) == 1);
}
bool isAuthority(X509* certificate) { return cleared(X509_check_ca(certificate) == 1); }
bool signedBy(X509* certificate, EVP_PKEY* authority) {
  return cleared(X509_verify(certificate, authority) == 1);
}

base::WallTime notAfter(X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return cleared(base::WallTime{});
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::set<std::string> subjectNames(X509* certificate) {
  std::set<std::string> result;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const auto* value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind));
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    const unsigned char* data = ASN1_STRING_get0_data(value);
    if (kind == GEN_DNS) {
      result.insert(base::toLower(std::string_view(reinterpret_cast<const char*>(data), size)));
    } else if (kind == GEN_IPADD && (size == 4 || size == 16)) {
      std::array<std::uint8_t, 16> bytes{};
      if (size == 4) bytes[10] = bytes[11] = 0xff;
      std::copy_n(data, size, bytes.begin() + static_cast<std::ptrdiff_t>(16 - size));
      result.insert(net::Endpoint::fromBytes(bytes, 0).address());
    }
  }
  ERR_clear_error();
  return result;
}

std::string normalName(std::string_view name) {
  if (const auto address = net::Endpoint::parse(name, 0)) return address->address();
  return base::toLower(name);
}

}  // namespace parley::trust
