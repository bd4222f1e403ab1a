// SIP on this machine: the transports, names, credentials and phones of the server, made from its settings.
// Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "base/settings.h"
#include "gateway/sip_phones.h"
#include "net/tls.h"

namespace parley::gateway {

struct SipServiceParts {
  net::EventLoop& loop;
  base::Random& random;
  const base::Settings& settings;
  std::shared_ptr<net::TlsServerContext> serverTls;  ///< Of the tls: and wss: listeners.
  std::shared_ptr<net::TlsClientContext> clientTls;  ///< For SIP servers over TLS.
  std::string version;
};

class SipService {
 public:
  /// Listens and begins to ping. A port that is taken is an error if outbound servers or allowed peers are
  /// set; else SIP is left out with a warning, as nobody could call. Error: net.bind_failed.
  static base::Result<std::unique_ptr<SipService>> start(SipServiceParts parts);
  virtual ~SipService() = default;
  virtual SipPhones& phones() = 0;
  virtual void applySettings() = 0;
  virtual void drain() = 0;
  virtual void stop() = 0;  ///< Hangs up; done when idle().
  virtual bool idle() const = 0;
  virtual std::uint16_t port(sip::TransportKind kind) const = 0;  ///< 0: not listening. For tests.
};

}  // namespace parley::gateway
