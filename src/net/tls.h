// TLS contexts whose certificates change at run time: new handshakes use the new one, running
// connections go on (TLS-5). TLS 1.2 and 1.3, forward-secret AEAD suites only. Thread-safe.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"

namespace parley::net {

class TlsServerContext {
 public:
  /// PEM texts; the certificate may be followed by its chain. Errors: "tls.bad_certificate",
  /// "tls.bad_key", "tls.key_mismatch".
  static base::Result<std::shared_ptr<TlsServerContext>> create(const std::string& certificatePem,
                                                                const std::string& keyPem);
  virtual ~TlsServerContext() = default;
  /// On an error the old certificate stays.
  virtual base::Result<void> replace(const std::string& certificatePem, const std::string& keyPem) = 0;
  virtual void* nativeHandle() = 0;  ///< SSL_CTX*, for net/ only; a new one after replace().
};

class TlsClientContext {
 public:
  /// Trusts the authorities in `authoritiesPem` and, if asked, the system's. Host names are checked.
  static base::Result<std::shared_ptr<TlsClientContext>> create(const std::string& authoritiesPem,
                                                                bool trustSystem);
  virtual ~TlsClientContext() = default;
  virtual void* nativeHandle() = 0;
};

}  // namespace parley::net
