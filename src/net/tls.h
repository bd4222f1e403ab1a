// TLS contexts whose certificates change at run time: new handshakes use the new one, running
// connections go on (TLS-5). TLS 1.2 and 1.3, forward-secret AEAD suites only. Thread-safe.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::net {

/// PEM texts; the certificate may be followed by its chain.
struct TlsCertificate {
  std::string certificatePem, keyPem;
};

enum class ClientCertificate {
  none,      ///< Not asked for.
  optional,  ///< Asked for; who shows none, or one that the authorities do not cover, is let in unverified.
  required,  ///< No handshake without one that the authorities cover.
};

struct TlsServerSettings {
  /// The client's server name (SNI) chooses the first that names it (no partial wildcards); the first of
  /// all serves everybody else. At most kMaxTlsCertificates.
  std::vector<TlsCertificate> certificates{};
  ClientCertificate clientCertificate = ClientCertificate::none;
  std::string authoritiesPem{};  ///< Whose client certificates are believed.
  /// Believes client certificates that were issued for servers only, as those of public authorities are.
  bool anyPurpose = false;
  std::vector<std::string> protocols{"http/1.1"};  ///< ALPN, the best first; empty: none is chosen.
};
constexpr std::size_t kMaxTlsCertificates = 64;

struct TlsClientSettings {
  std::string authoritiesPem{};
  bool trustSystem = false;  ///< The authorities of the operating system, too.
  /// False: any certificate will do, for peers whose trust cannot be had; the connection is not `verified`.
  bool verify = true;
  std::vector<TlsCertificate> certificate{};  ///< At most one: shown when the server asks.
};

/// What the other side of a connection showed.
struct PeerCertificate {
  bool shown = false;
  bool verified = false;  ///< Our authorities cover it; a server's name was checked as well.
  std::string subject;    ///< The common name; empty if there is none.
  std::vector<std::string> dnsNames, uris;  ///< Subject alternative names, at most 64 each.
  std::string sha256;                       ///< Fingerprint in lower-case hexadecimal.
};

class TlsServerContext {
 public:
  /// Errors: "tls.bad_certificate" (authorities, too), "tls.bad_key", "tls.key_mismatch".
  static base::Result<std::shared_ptr<TlsServerContext>> create(const std::string& certificatePem,
                                                                const std::string& keyPem);
  static base::Result<std::shared_ptr<TlsServerContext>> create(TlsServerSettings settings);
  virtual ~TlsServerContext() = default;
  /// The default certificate only. On an error the old one stays.
  virtual base::Result<void> replace(const std::string& certificatePem, const std::string& keyPem) = 0;
  /// All of it. On an error everything stays.
  virtual base::Result<void> replace(TlsServerSettings settings) = 0;
  virtual void* nativeHandle() = 0;  ///< SSL_CTX*, for net/ only; a new one after replace().
};

class TlsClientContext {
 public:
  /// Trusts the authorities in `authoritiesPem` and, if asked, the system's. Host names are checked.
  static base::Result<std::shared_ptr<TlsClientContext>> create(const std::string& authoritiesPem,
                                                                bool trustSystem);
  static base::Result<std::shared_ptr<TlsClientContext>> create(const TlsClientSettings& settings);
  virtual ~TlsClientContext() = default;
  virtual base::Result<void> replace(const TlsClientSettings& settings) = 0;
  virtual void* nativeHandle() = 0;
};

}  // namespace parley::net
