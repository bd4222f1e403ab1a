// What the SIP engine asks of whatever carries its messages (sipnet/ does, tests do), and how it names where
// a message goes to and came from. RFC 3261 section 18.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/strong_id.h"
#include "proto/address.h"
#include "sip/message.h"

namespace parley::sip {

enum class TransportKind : std::uint8_t { udp, tcp, tls, ws, wss };
std::string_view toString(TransportKind kind);  ///< As in Via: UDP, TCP, TLS, WS, WSS.
constexpr bool isReliable(TransportKind kind) { return kind != TransportKind::udp; }
constexpr bool isSecure(TransportKind kind) {
  return kind == TransportKind::tls || kind == TransportKind::wss;
}

/// A connection, or a UDP socket with a remote address. 0: none. Never used twice.
using FlowId = base::StrongId<struct FlowTag, std::uint64_t>;

/// One hop, resolved.
struct Target {
  TransportKind kind = TransportKind::udp;
  proto::TransportAddress address;
  std::string host;  ///< What a TLS certificate must name; may be empty for others.
  FlowId flow;       ///< If it is still there it is used, else a connection to `address`.
  friend bool operator==(const Target&, const Target&) = default;
};

/// Where a message came from.
struct Source {
  TransportKind kind = TransportKind::udp;
  proto::TransportAddress remote, local;
  FlowId flow;
  bool verified = false;  ///< TLS: the peer showed a certificate that our trust covers.
  std::string peerName;   ///< TLS: the first name in it; without: what a new connection there must prove.
  Target target() const { return {kind, remote, peerName, flow}; }
};

/// Names one send() for its failure. 0: nobody wants to know.
using SendToken = base::StrongId<struct SendTag, std::uint64_t>;

class Transport {
 public:
  virtual ~Transport() = default;
  /// Never calls back inside the call. A failure (refused, timeout, TLS name, queue full, oversize) comes as
  /// onSendFailed(token, reason) of the transaction layer: sip.transport_*.
  virtual void send(std::string bytes, const Target& target, SendToken token) = 0;
  /// Drops what still waits for a connection to be made; nothing is told of it then. False: it has left, or
  /// failed already.
  virtual bool takeBack(const Target& /*target*/, SendToken /*token*/) { return false; }
  /// "host:port" for Via and Contact towards this target: what the other side can reach us by.
  virtual std::string sentBy(const Target& target) const = 0;
};

}  // namespace parley::sip
