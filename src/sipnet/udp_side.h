// The UDP sockets of the SIP transport and who was heard over which of them.
//
// A UDP flow is a hint, not a connection: which socket and local address a peer was heard on, so that answers
// leave from where the peer looks for them. The table is bounded; the peer that has been silent longest makes
// room, and what is sent to it then goes by its address alone.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "net/udp_socket.h"
#include "sip/transport.h"

namespace parley::sipnet {

class UdpSide {
 public:
  struct Settings {
    std::size_t maxFlows = 65'536;
    int dscp = 0;
  };
  /// On which socket a datagram came, until the handler returns.
  struct Heard {
    std::size_t socket;
    net::Endpoint remote, local;
    friend bool operator==(const Heard&, const Heard&) = default;
  };
  /// `source` has no flow: remember() makes one, for those that speak SIP.
  using OnDatagram = std::function<void(std::string_view bytes, sip::Source source, const Heard& heard)>;

  UdpSide(net::EventLoop& loop, Settings settings, std::function<sip::FlowId()> newFlow,
          OnDatagram onDatagram);
  base::Result<net::Endpoint> listen(const net::Endpoint& bind);
  /// The flow of this peer, new if it was not known.
  sip::FlowId remember(const Heard& heard);
  /// Empty: handed to the kernel. Else sip.transport_unavailable or sip.transport_too_large.
  std::string_view send(std::string_view bytes, const sip::Target& target);
  /// Where what is sent to `target` leaves from, as it is bound; null: no socket can.
  const net::Endpoint* boundFor(const sip::Target& target) const;
  bool hasFlow(sip::FlowId flow) const { return byId_.contains(flow); }
  /// The local address a flow was heard on; null if it is not known.
  const net::Endpoint* localOf(sip::FlowId flow) const;
  std::size_t flows() const { return flows_.size(); }

 private:
  struct Flow {
    sip::FlowId id;
    Heard heard;
  };
  struct Hash {
    std::size_t operator()(const Heard& heard) const noexcept;
  };
  struct Socket {
    std::unique_ptr<net::UdpSocket> socket;
    net::Endpoint bound;
  };

  void onBatch(std::size_t socket, std::span<net::Datagram> batch);
  const Socket* pick(const net::Endpoint& to) const;

  net::EventLoop& loop_;
  Settings settings_;
  std::function<sip::FlowId()> newFlow_;
  OnDatagram onDatagram_;
  std::vector<Socket> sockets_;
  bool inBatch_ = false;
  std::list<Flow> flows_;  ///< Heard last first.
  std::unordered_map<Heard, std::list<Flow>::iterator, Hash> byPeer_;
  std::unordered_map<sip::FlowId, std::list<Flow>::iterator> byId_;
};

/// A socket bound to `bound` can send to `to`.
bool reaches(const net::Endpoint& bound, const net::Endpoint& to);

inline net::Endpoint endpointOf(const proto::TransportAddress& address) {
  return net::Endpoint::fromBytes(address.ip, address.port);
}
inline proto::TransportAddress addressOf(const net::Endpoint& endpoint) {
  return {endpoint.bytes(), endpoint.port()};
}

}  // namespace parley::sipnet
