// The OpenSSL side of a DtlsCertificate: one SSL_CTX with key and certificate, shared by all its endpoints.
#pragma once
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <vector>

#include "rtc/dtls.h"

namespace parley::rtc {

class OpensslCertificate final : public DtlsCertificate {
 public:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Context = std::unique_ptr<SSL_CTX, FreeContext>;

  OpensslCertificate(Context context, Fingerprint fingerprint)
      : context_(std::move(context)), fingerprint_(std::move(fingerprint)) {}
  const Fingerprint& fingerprint() const override { return fingerprint_; }
  /// SSL_new only: it changes nothing but a reference count, from any thread.
  SSL_CTX* context() const { return context_.get(); }

 private:
  Context context_;
  Fingerprint fingerprint_;
};

/// Whether `certificate` is the one that SDP promised (RFC 8122 section 5): it must match one of the
/// fingerprints by sha-256, sha-384 or sha-512; sha-1 counts only when none of these is there.
bool matchesFingerprint(const X509& certificate, const std::vector<Fingerprint>& fingerprints);

/// "AB:CD:…" by `digest`.
std::string fingerprintOf(const X509& certificate, const EVP_MD& digest);

/// The newest entry of OpenSSL's error queue in words; empties the queue.
std::string takeOpensslError();

/// Decides on the peer's certificate while the handshake runs; installed by the endpoint as SSL app data.
class PeerVerifier {
 public:
  virtual ~PeerVerifier() = default;
  virtual bool acceptsPeer(const X509& certificate) = 0;
};

}  // namespace parley::rtc
