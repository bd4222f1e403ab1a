// A connected byte stream, TCP or TLS, for protocols other than HTTP: client, listener, bounded writing,
// deadlines. No Asio type here.
//
// Threading: loop thread only. Ownership: who holds the unique_ptr owns the connection; destroying it ends
// the connection at once and no handler runs any more. A handler may destroy its stream, connector or
// listener. No handler runs inside a call.
//
// Why a connection ended (Error::reason of onClosed): net.closed (orderly, by either side), net.reset,
// net.idle, net.slow_peer (it does not read what is written). Why none came (connectBytes):
// net.connect_failed, net.timeout, net.tls_failed.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/handshake_limiter.h"
#include "net/tls.h"

namespace parley::net {

struct ByteStreamOptions {
  std::size_t maxQueuedBytes = 1 << 20;  ///< write() beyond is refused. Each piece counts 64 bytes more.
  std::size_t highMark = 256 * 1024;     ///< congested() from here on, until lowMark.
  std::size_t lowMark = 64 * 1024;
  base::Millis connectTimeout{5'000};     ///< TCP.
  base::Millis handshakeTimeout{10'000};  ///< TLS, from the first byte on.
  base::Millis idleTimeout{0};            ///< Nothing came or went for that long; 0: no limit.
  base::Millis writeTimeout{30'000};      ///< Queued bytes did not move for that long.
  base::Millis closeTimeout{2'000};       ///< What is queued at close() has that long.
  int dscp = 0;                           ///< 0…63
};

class ByteStream {
 public:
  struct Handlers {
    std::function<void(base::Bytes)> onBytes;          ///< Valid inside the handler only.
    std::function<void()> onDrained;                   ///< congested() has become false.
    std::function<void(const base::Error&)> onClosed;  ///< Exactly once, also after close().
  };
  virtual ~ByteStream() = default;
  virtual void start(Handlers handlers) = 0;  ///< Once; bytes wait until then.
  /// False: refused, because it would not fit or the connection has ended; nothing of it is sent.
  virtual bool write(std::string bytes) = 0;
  /// Not yet taken by the kernel. After the end: what was not sent.
  virtual std::size_t queuedBytes() const = 0;
  virtual bool congested() const = 0;
  virtual void setReading(bool on) = 0;  ///< Off: the peer is held back by TCP.
  /// Writes what is queued, then ends. Idempotent.
  virtual void close() = 0;
  virtual bool open() const = 0;  ///< Neither ended nor closing.
  virtual bool secure() const = 0;
  virtual const Endpoint& remote() const = 0;
  virtual const Endpoint& local() const = 0;
  virtual const PeerCertificate& peer() const = 0;  ///< TLS.
};

/// Holds an attempt to connect; destroying it gives it up.
class ByteConnecting {
 public:
  virtual ~ByteConnecting() = default;
};

/// `tls` may be null. `host` is what the certificate must name and what SNI says: a name or an address.
std::unique_ptr<ByteConnecting> connectBytes(
    EventLoop& loop, const Endpoint& to, const std::string& host,
    const std::shared_ptr<TlsClientContext>& tls, const ByteStreamOptions& options,
    std::function<void(base::Result<std::unique_ptr<ByteStream>>)> done);

/// Counts connections as the other counts handshakes.
using ConnectionLimiter = HandshakeLimiter;

struct ByteListenerOptions {
  ByteStreamOptions stream{};
  std::shared_ptr<ConnectionLimiter> connections{};  ///< Null: one of its own, 4,096 and 512 for a network.
  std::shared_ptr<HandshakeLimiter> handshakes{};    ///< Null: one of its own, with its defaults.
};

class ByteListener {
 public:
  /// After the handshake. A refused connection never gets here.
  using OnConnection = std::function<void(std::unique_ptr<ByteStream>)>;
  /// connections, connections_per_network, handshakes, handshakes_per_network, handshake_timeout,
  /// handshake_failed.
  using OnRefused = std::function<void(const Endpoint& remote, std::string_view reason)>;

  /// `tls` may be null. Port 0 binds any. Error net.bind_failed.
  static base::Result<std::unique_ptr<ByteListener>> open(EventLoop& loop, const Endpoint& bind,
                                                          std::shared_ptr<TlsServerContext> tls,
                                                          ByteListenerOptions options,
                                                          OnConnection onConnection, OnRefused onRefused);
  virtual ~ByteListener() = default;  ///< Ends running handshakes; connections that were handed out stay.
  virtual Endpoint localEndpoint() const = 0;
};

}  // namespace parley::net
