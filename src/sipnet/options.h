// What the SIP transports can be told, and who is told what comes of them. Plain values.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "net/tls.h"
#include "sip/transport.h"

namespace parley::sipnet {

struct TransportOptions {
  /// For connections that we make over TLS and WSS; null: none is made. A certificate in it is what we show.
  std::shared_ptr<net::TlsClientContext> tls{};
  bool connectTcp = true;         ///< TCP connections are made, not only taken.
  bool connectWebSocket = false;  ///< Same, as a WebSocket client (RFC 7118).
  std::string webSocketPath = "/";
  /// Of one server, where it is not that one; nothing: it is. RFC 7118 leaves the path to what is agreed with
  /// it.
  std::function<std::string(const sip::Target&)> webSocketPathOf;
  /// "host" or "host:port" by which others reach us, per transport: the first that is a name or an address of
  /// their family. Without one the address that this machine sends from and the listener's port.
  std::map<sip::TransportKind, std::vector<std::string>> advertised{};

  std::size_t maxConnections = 10'000;           ///< Taken ones, all listeners together.
  std::size_t maxConnectionsPerNetwork = 1'000;  ///< Of Endpoint::network().
  std::size_t maxOutgoing = 4'096;               ///< Made ones.
  std::size_t maxHandshakes = 256, maxHandshakesPerNetwork = 32;
  std::size_t maxUdpFlows = 65'536;      ///< Remembered; the one silent longest makes room.
  std::size_t maxPendingMessages = 64;   ///< For a connection that is being made.
  std::size_t maxQueuedBytes = 1 << 20;  ///< Of one connection; more is refused.
  int maxBadMessages = 16;               ///< On one connection, then it is closed.
  int maxUdpErrorAnswers = 50;           ///< A second; 400 and the like to what is no message.

  base::Millis connectTimeout{4'000};  ///< TCP; much shorter than timer B, so that the next target is tried.
  base::Millis handshakeTimeout{5'000};      ///< TLS.
  base::Millis firstMessageTimeout{30'000};  ///< From a taken connection came a SIP message by then.
  base::Millis messageTimeout{10'000};       ///< A message that has begun is whole by then.
  base::Millis writeTimeout{20'000};         ///< The other side reads.
  base::Millis idleTimeout{1'200'000};       ///< Nothing came or went; 0: no limit.
  base::Millis keepAliveInterval{95'000};    ///< On connections we made (RFC 5626 section 4.4.1); 0: none.
  /// Without any byte by then the flow is dead, if the peer is known to answer pings (it did on this
  /// connection, or agreed to); who never did is pinged all the same, for the NATs between.
  base::Millis pongTimeout{10'000};
  int dscp = 24;  ///< CS3
};

/// Told on the loop, never inside a call of the transport. May call it; must not destroy it.
class TransportSink {
 public:
  virtual ~TransportSink() = default;
  virtual void onMessage(sip::Message message, const sip::Source& source) = 0;
  /// Bytes that are no message that can be served. True: who sent them may hear why (400, 413 …), if they
  /// are a request and there are not too many of them.
  virtual bool onMalformed(const sip::ParseFailure&, const sip::Source&) { return true; }
  /// A connection that had become a flow is gone: sip.flow_closed, sip.flow_reset, sip.flow_idle,
  /// sip.flow_slow_peer, sip.flow_no_pong, sip.flow_silent, sip.flow_slow_sender, sip.flow_bad_framing,
  /// sip.flow_garbage, sip.flow_shutdown. UDP flows are forgotten without a word: they only say which socket
  /// is used.
  virtual void onFlowClosed(sip::FlowId flow, std::string_view reason) = 0;
  /// sip.transport_unavailable (no such transport), _connect_failed, _timeout, _tls_failed, _queue_full,
  /// _too_large, _limit, _closed, _flow_gone.
  virtual void onSendFailed(sip::SendToken token, std::string_view reason) = 0;
  /// What was refused, by whom it came: connections, connections_per_network, handshakes,
  /// handshakes_per_network, handshake_timeout, handshake_failed, silent, slow_sender, subprotocol, origin,
  /// or the reason of a message that did not parse (sip.bad_header …). All of them are counted already.
  virtual void onRefused(const sip::Source&, std::string_view /*reason*/) {}
};

}  // namespace parley::sipnet
