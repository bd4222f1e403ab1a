// A UDP socket that works in batches (recvmmsg, sendmmsg). Dual stack; replies leave from the local
// address the request came to (IP_PKTINFO), so one socket serves a machine with many addresses.
//
// Threading: the loop's thread only. Ownership: received storage belongs to the socket and is valid until
// the batch handler returns *and* flush() ran (which happens right after); a handler may change it in
// place and queue() it without a copy.
#pragma once
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/event_loop.h"

namespace parley::net {

struct Datagram {
  Endpoint remote;
  Endpoint local;  ///< Destination address of the datagram with the socket's port.
  base::MutableBytes data;
  /// The whole slot around `data`: kHeadroom free bytes before it, at least kTailroom after it.
  base::MutableBytes storage;
  static constexpr std::size_t kHeadroom = 64;
  static constexpr std::size_t kTailroom = 64;
};

struct UdpOptions {
  std::size_t receiveBufferBytes = 4u << 20;  ///< Asked for; the kernel may give less.
  std::size_t sendBufferBytes = 4u << 20;
  std::size_t maxDatagram = 1600;  ///< Longer ones are dropped and counted (truncated).
  std::size_t batch = 64;
  int dscp = 0;  ///< 0…63
};

struct UdpStats {
  std::uint64_t received = 0, sent = 0, truncated = 0, sendErrors = 0, sendDropped = 0;
};

class UdpSocket {
 public:
  using BatchHandler = std::function<void(std::span<Datagram>, base::Instant now)>;

  /// Port 0 binds any. Errors: reason "net.bind_failed" with address and errno text.
  static base::Result<std::unique_ptr<UdpSocket>> open(EventLoop& loop, const Endpoint& bind,
                                                       const UdpOptions& options, BatchHandler handler);
  virtual ~UdpSocket() = default;

  /// Queues without copying: `data` must stay valid and unchanged until flush(). Use for received slots.
  virtual void queue(const Endpoint& remote, const Endpoint& local, base::Bytes data) = 0;
  /// Queues a copy.
  virtual void queueCopy(const Endpoint& remote, const Endpoint& local, base::Bytes data) = 0;
  /// Sends what is queued. Called by itself after each batch handler; call it after sending from timers.
  /// A full kernel buffer drops (and counts): media is never queued for later.
  virtual void flush() = 0;
  virtual Endpoint localEndpoint() const = 0;
  virtual const UdpStats& stats() const = 0;
};

}  // namespace parley::net
