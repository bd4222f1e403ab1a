// TLS of SIP: what we show to others and whom we believe, from files that may change while the server runs
// (TLS-5). Apart from HTTPS, since only SIP peers are asked for a certificate. Loop thread only.
//
// Our own certificate goes to who calls us and, where a SIP server asks for one, to that server. Believed are
// our own authority and those of sip.authorities; as a client also the system's. Who may call is still
// decided by addresses (SipPhones): a certificate only adds to it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/settings.h"
#include "net/event_loop.h"
#include "net/tls.h"
#include "trust/authority.h"

namespace parley::gateway {

struct SipTlsParts {
  net::EventLoop& loop;
  const base::Settings& settings;  ///< sip.authorities, sip.client_certificates
  std::string certificateFile, keyFile;
  std::string authorityPem;  ///< Our own authority.
};

class SipTls {
 public:
  /// Errors: server.bad_authorities, those of net/tls.h.
  static base::Result<std::unique_ptr<SipTls>> create(SipTlsParts parts);

  const std::shared_ptr<net::TlsServerContext>& server() const { return server_; }
  const std::shared_ptr<net::TlsClientContext>& client() const { return client_; }
  /// Reads everything anew and uses it; connections that run go on. What cannot be used is logged once and
  /// leaves all as it was. By itself it looks every few seconds (trust::CertificateWatcher).
  void check() { watcher_->check(); }
  void look() { watcher_->look(); }

 private:
  explicit SipTls(SipTlsParts parts);
  /// Certificate, key, authorities, sip.client_certificates.
  using Material = std::vector<std::string>;
  base::Result<Material> read() const;
  base::Result<void> use(const Material& material);

  SipTlsParts parts_;
  std::shared_ptr<net::TlsServerContext> server_;
  std::shared_ptr<net::TlsClientContext> client_;
  std::unique_ptr<trust::CertificateWatcher> watcher_;
};

}  // namespace parley::gateway
