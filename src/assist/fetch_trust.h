// Whose certificates are believed where documents are fetched over https: the system's authorities, our own,
// and those of assist.fetch_authorities, a file that may change while the server runs. Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "base/settings.h"
#include "net/event_loop.h"
#include "net/tls.h"
#include "trust/authority.h"

namespace parley::assist {

class FetchTrust {
 public:
  /// `settings` outlive it. Errors: server.bad_authorities, tls.bad_certificate.
  static base::Result<std::unique_ptr<FetchTrust>> create(net::EventLoop& loop,
                                                          const base::Settings& settings,
                                                          std::string ownAuthorityPem);
  const std::shared_ptr<net::TlsClientContext>& context() const { return context_; }
  /// Reads the file anew and uses it. What cannot be used is logged once and leaves all as it was. By itself
  /// it looks every few seconds (trust::CertificateWatcher).
  void check() { watcher_->check(); }

 private:
  FetchTrust(const base::Settings& settings, std::string ownAuthorityPem);
  base::Result<std::vector<std::string>> read() const;
  net::TlsClientSettings with(const std::string& authorities) const;

  const base::Settings& settings_;
  const std::string own_;
  std::shared_ptr<net::TlsClientContext> context_;
  std::unique_ptr<trust::CertificateWatcher> watcher_;
};

}  // namespace parley::assist
