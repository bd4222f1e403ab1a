// UDP ports for legs of plain RTP: pairs of an even one for RTP and the next for RTCP, of one worker's share
// of the range. Worker thread only.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"

namespace parley::broker {

enum class RtpLatch {
  signalled,  ///< Packets from the address that the peer's SDP names, from whatever port.
  any,        ///< From whoever sends first: for devices behind a NAT that no SBC mends.
};

struct RtpPortOptions {
  std::uint16_t first = 0, last = 0;      ///< Of this worker, both included; first 0: any free ports.
  net::Endpoint bind;                     ///< Any address, or one.
  std::vector<net::Endpoint> advertised;  ///< What peers are told, at most one of each family is used.
  int dscp = 0;
  RtpLatch latch = RtpLatch::signalled;
  base::Millis timeout{20'000};  ///< Without RTP that should come, and RTCP: an event. 0: never.
};

class RtpPorts {
 public:
  class Pair {
   public:
    Pair(RtpPorts& owner, std::optional<std::size_t> slot) : owner_(owner), slot_(slot) {}
    ~Pair();
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    std::unique_ptr<net::UdpSocket> rtp, rtcp;

   private:
    RtpPorts& owner_;
    std::optional<std::size_t> slot_;
  };

  RtpPorts(net::EventLoop& loop, RtpPortOptions options);

  /// Null when no pair is free. A pair's ports are given again only after all others had their turn: what
  /// still comes for the call before must not reach the next one.
  std::unique_ptr<Pair> open(net::UdpSocket::BatchHandler onRtp, net::UdpSocket::BatchHandler onRtcp);

  const RtpPortOptions& options() const { return options_; }
  std::size_t used() const { return inUse_; }
  std::size_t capacity() const { return taken_.size(); }
  net::UdpStats stats;  ///< Of pairs that were closed.

 private:
  bool bind(Pair& pair, std::uint16_t port, net::UdpSocket::BatchHandler& onRtp,
            net::UdpSocket::BatchHandler& onRtcp);

  net::EventLoop& loop_;
  RtpPortOptions options_;
  std::vector<bool> taken_;  ///< By pair.
  std::size_t next_ = 0, inUse_ = 0;
};

}  // namespace parley::broker
