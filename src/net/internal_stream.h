// A connected byte stream, TCP or TLS over TCP, behind one interface, so that HTTP and WebSocket code
// exists once. For net/ only. Loop thread only; handlers never run inside the call that takes them.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/internal_asio.h"
#include "net/internal_socket.h"
#include "net/tls.h"

namespace parley::net {

/// At most kMaxBuffers pieces of one write.
class BufferList {
 public:
  using value_type = asio::const_buffer;
  using const_iterator = const value_type*;
  static constexpr std::size_t kMaxBuffers = 16;
  const_iterator begin() const { return items_; }
  const_iterator end() const { return items_ + count_; }
  /// False when the list is full.
  bool add(asio::const_buffer buffer) {
    if (count_ == kMaxBuffers) return false;
    items_[count_++] = buffer;
    return true;
  }

 private:
  asio::const_buffer items_[kMaxBuffers];
  std::size_t count_ = 0;
};

class Stream {
 public:
  using Done = std::move_only_function<void(ErrorCode)>;
  using Transferred = std::move_only_function<void(ErrorCode, std::size_t)>;

  virtual ~Stream() = default;
  virtual void connect(const Endpoint& to, Done done) = 0;  ///< Client streams, once.
  virtual void handshake(Done done) = 0;                    ///< Of TLS; plain streams succeed.
  /// Storage must stay until the handler ran. One read and one write at a time.
  virtual void readSome(asio::mutable_buffer into, Transferred done) = 0;
  virtual void writeSome(const BufferList& buffers, Transferred done) = 0;
  /// Ends our side, then reads and drops what the peer still sends, so that it gets to read our last
  /// bytes; at most `limit`, then closes.
  virtual void linger(base::Millis limit, Done done) = 0;
  /// At once. What is pending ends with an error.
  virtual void close() = 0;
  virtual bool secure() const = 0;
  virtual int descriptor() const = 0;  ///< Of the socket, for options and its own address; -1 when closed.
  virtual PeerCertificate peerCertificate() const { return {}; }  ///< After the handshake.
  virtual std::string verifyProblem() const { return {}; }        ///< Why the peer's certificate was refused.
  const Endpoint& remote() const { return remote_; }

 protected:
  Endpoint remote_;
};

std::shared_ptr<Stream> makeServerStream(EventLoop& loop, FileDescriptor fd, const Endpoint& remote,
                                         const std::shared_ptr<TlsServerContext>& tls);
/// `tls` may be null. `host` is what the certificate must name: a name or an address.
std::shared_ptr<Stream> makeClientStream(EventLoop& loop, const std::shared_ptr<TlsClientContext>& tls,
                                         const std::string& host);

/// TLS over what a connected plain stream stands on; that one ends. Null: no descriptor is left.
std::shared_ptr<Stream> secureClientStream(EventLoop& loop, Stream& plain,
                                           const std::shared_ptr<TlsClientContext>& tls,
                                           const std::string& host);

/// Accepts on one address until destroyed. Out of descriptors: tries again a little later.
class Listener {
 public:
  using OnAccept = std::function<void(FileDescriptor fd, const Endpoint& remote)>;
  static base::Result<std::unique_ptr<Listener>> open(EventLoop& loop, const Endpoint& bind, OnAccept accept);
  virtual ~Listener() = default;
  virtual Endpoint localEndpoint() const = 0;
};

}  // namespace parley::net
