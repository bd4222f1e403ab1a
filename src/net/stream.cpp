// Plain TCP, and what TLS over it needs of the socket.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>

#include "net/internal_loop.h"
#include "net/internal_tcp.h"
#include "net/internal_tls.h"

namespace parley::net {
namespace {

/// More than this from a peer that was told to stop is not worth waiting for.
constexpr std::size_t kMaxLingerBytes = 4u << 20;

/// Reads and drops until the peer ends, an error, too much, or the time is over.
class Drain : public std::enable_shared_from_this<Drain> {
 public:
  Drain(EventLoop& loop, std::shared_ptr<Stream> stream, Tcp::socket& socket, Stream::Done done)
      : stream_(std::move(stream)), socket_(socket), done_(std::move(done)), timer_(loop) {}

  void start(base::Millis limit) {
    timer_.start(limit, [this] { stream_->close(); });  // The read keeps this object.
    ErrorCode ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
    read();
  }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(space_),
                            [self = shared_from_this()](ErrorCode error, std::size_t n) {
                              self->seen_ += n;
                              if (!error && self->seen_ < kMaxLingerBytes) return self->read();
                              self->timer_.stop();
                              self->stream_->close();
                              self->done_({});
                            });
  }

  std::shared_ptr<Stream> stream_;
  Tcp::socket& socket_;
  Stream::Done done_;
  Timer timer_;
  std::size_t seen_ = 0;
  std::array<char, 4096> space_;
};

}  // namespace

void setUp(Tcp::socket& socket) {
  ErrorCode ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.non_blocking(true, ignored);
}

int descriptorOf(const Tcp::socket& socket) {
  // Asio has no const way to the descriptor.
  return socket.is_open() ? const_cast<Tcp::socket&>(socket).native_handle() : -1;
}

void connectSocket(Tcp::socket& socket, const Endpoint& to, Stream::Done done) {
  auto opened = openSocket(SOCK_STREAM, to);
  sockaddr_storage storage{};
  const socklen_t length = opened ? toFamily(to, opened->ipv6, storage) : 0;
  if (length == 0) {
    asio::post(socket.get_executor(),
               [call = std::move(done)]() mutable { call(asio::error::address_family_not_supported); });
    return;
  }
  ErrorCode error;
  socket.assign(opened->ipv6 ? Tcp::v6() : Tcp::v4(), opened->fd.release(), error);
  Tcp::endpoint endpoint;
  endpoint.resize(0);
  std::memcpy(endpoint.data(), &storage, length);
  endpoint.resize(length);
  setUp(socket);
  socket.async_connect(endpoint, std::move(done));
}

void drain(EventLoop& loop, std::shared_ptr<Stream> stream, Tcp::socket& socket, base::Millis limit,
           Stream::Done done) {
  std::make_shared<Drain>(loop, std::move(stream), socket, std::move(done))->start(limit);
}

namespace {

class TcpStream final : public Stream, public std::enable_shared_from_this<TcpStream> {
 public:
  explicit TcpStream(EventLoop& loop) : loop_(loop), socket_(ioOf(loop)) {}
  TcpStream(EventLoop& loop, FileDescriptor fd, const Endpoint& remote) : TcpStream(loop) {
    remote_ = remote;
    ErrorCode ignored;
    socket_.assign(Tcp::v6(), fd.release(), ignored);
    setUp(socket_);
  }

  void connect(const Endpoint& to, Done done) override {
    remote_ = to;
    connectSocket(socket_, to, [self = shared_from_this(), call = std::move(done)](ErrorCode error) mutable {
      call(error);
    });
  }
  void handshake(Done done) override {
    asio::post(socket_.get_executor(),
               [self = shared_from_this(), call = std::move(done)]() mutable { call({}); });
  }
  void readSome(asio::mutable_buffer into, Transferred done) override {
    socket_.async_read_some(into, [self = shared_from_this(), call = std::move(done)](
                                      ErrorCode error, std::size_t n) mutable { call(error, n); });
  }
  void writeSome(const BufferList& buffers, Transferred done) override {
    socket_.async_write_some(buffers, [self = shared_from_this(), call = std::move(done)](
                                          ErrorCode error, std::size_t n) mutable { call(error, n); });
  }
  void linger(base::Millis limit, Done done) override {
    drain(loop_, shared_from_this(), socket_, limit, std::move(done));
  }
  void close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }
  bool secure() const override { return false; }
  int descriptor() const override { return descriptorOf(socket_); }

 private:
  EventLoop& loop_;
  Tcp::socket socket_;
};

}  // namespace

std::shared_ptr<Stream> makeServerStream(EventLoop& loop, FileDescriptor fd, const Endpoint& remote,
                                         const std::shared_ptr<TlsServerContext>& tls) {
  if (!tls) return std::make_shared<TcpStream>(loop, std::move(fd), remote);
  return makeTlsServerStream(loop, currentContext(*tls), std::move(fd), remote);
}

std::shared_ptr<Stream> makeClientStream(EventLoop& loop, const std::shared_ptr<TlsClientContext>& tls,
                                         const std::string& host) {
  if (!tls) return std::make_shared<TcpStream>(loop);
  return makeTlsClientStream(loop, currentContext(*tls), host, FileDescriptor(-1), {});
}

std::shared_ptr<Stream> secureClientStream(EventLoop& loop, Stream& plain,
                                           const std::shared_ptr<TlsClientContext>& tls,
                                           const std::string& host) {
  FileDescriptor fd(::fcntl(plain.descriptor(), F_DUPFD_CLOEXEC, 0));
  const Endpoint remote = plain.remote();
  plain.close();
  if (!fd.valid()) return nullptr;
  return makeTlsClientStream(loop, currentContext(*tls), host, std::move(fd), remote);
}

}  // namespace parley::net
