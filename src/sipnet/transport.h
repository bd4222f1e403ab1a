// sip::Transport over real sockets: UDP, TCP, TLS, and WebSocket (RFC 7118) as server and client; RFC 3261
// section 18, RFC 5626 keep-alives, RFC 5923 connection reuse.
//
// It carries bytes as they are: Via (received, rport, the rule for large requests) is the transaction
// layer's, which sees what is refused here.
//
// A message goes over its target's flow if that is still there, else over a connection to the same address,
// transport and (TLS) name, else over a new one. Connections that others made are used the same way; one over
// TLS for the names in its certificate, if that is verified.
//
// One loop thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/event_loop.h"
#include "net/http.h"
#include "sip/transport.h"
#include "sipnet/options.h"

namespace parley::sipnet {

class SipTransport final : public sip::Transport {
 public:
  SipTransport(net::EventLoop& loop, TransportOptions options, TransportSink& sink);
  ~SipTransport() override;  ///< Ends all connections; the sink is not told.

  /// UDP, TCP or TLS (which needs `tls`); any number of each. Port 0 binds any. Error net.bind_failed.
  base::Result<net::Endpoint> listen(sip::TransportKind kind, const net::Endpoint& bind,
                                     std::shared_ptr<net::TlsServerContext> tls = nullptr);
  /// Takes a WebSocket upgrade of an HTTP server, which counts its connections, or refuses it: who does not
  /// speak "sip", or is a web page. `local`: where that server listens.
  void takeUpgrade(const net::HttpRequest& request, net::WebSocketUpgrade upgrade,
                   const net::Endpoint& local);

  void send(std::string bytes, const sip::Target& target, sip::SendToken token) override;
  bool takeBack(const sip::Target& target, sip::SendToken token) override;
  /// Empty: nothing can be sent that way.
  std::string sentBy(const sip::Target& target) const override;

  bool hasFlow(sip::FlowId flow) const;
  /// Ends a connection when what is queued was written; onFlowClosed follows.
  void closeFlow(sip::FlowId flow);
  /// Pings this flow, from now on, when nothing came for that long; 0: no more. For a peer that agreed
  /// to answer (Flow-Timer of RFC 5626, "keep" of RFC 6223): without a pong the flow ends.
  void setKeepAlive(sip::FlowId flow, base::Millis interval);
  void stopListening();  ///< No new connections; UDP goes on.
  std::size_t connections() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::sipnet
