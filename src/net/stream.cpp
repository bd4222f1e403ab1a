#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "net/internal_loop.h"
#include "net/internal_stream.h"
#include "net/internal_tls.h"

namespace parley::net {
namespace {

using Tcp = asio::ip::tcp;
using TlsSocket = asio::ssl::stream<Tcp::socket>;

/// More than this from a peer that was told to stop is not worth waiting for.
constexpr std::size_t kMaxLingerBytes = 4u << 20;

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
    std::make_shared<Drain>(loop_, shared_from_this(), socket_, std::move(done))->start(limit);
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

/// Asio wants a context object; it takes over one reference.
asio::ssl::context wrap(const SslContext& context) {
  SSL_CTX_up_ref(context.get());
  return asio::ssl::context(context.get());
}

class TlsStream final : public Stream, public std::enable_shared_from_this<TlsStream> {
 public:
  TlsStream(EventLoop& loop, asio::ssl::context context, bool server)
      : loop_(loop), last_{loop}, socket_(ioOf(loop), context), limit_(loop), server_(server) {}

  void adopt(FileDescriptor fd, const Endpoint& remote) {
    remote_ = remote;
    ErrorCode ignored;
    socket_.next_layer().assign(Tcp::v6(), fd.release(), ignored);
    setUp(socket_.next_layer());
  }
  void expectHost(const std::string& host) {
    SSL* ssl = socket_.native_handle();
    if (Endpoint::parse(host, 0)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    } else {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host(ssl, host.c_str());
      SSL_set_tlsext_host_name(ssl, host.c_str());
    }
  }

  void connect(const Endpoint& to, Done done) override {
    remote_ = to;
    connectSocket(
        socket_.next_layer(), to,
        [self = shared_from_this(), call = std::move(done)](ErrorCode error) mutable { call(error); });
  }
  void handshake(Done done) override {
    if (!server_) return shake(TlsSocket::client, std::move(done));
    // Nothing costs much until the peer has spoken; then it waits for its turn.
    socket_.next_layer().async_wait(
        Tcp::socket::wait_read, [self = shared_from_this(), call = std::move(done)](ErrorCode error) mutable {
          if (error) return call(error);
          self->loop_.impl().handshakes.add(
              [self, call = std::move(call)]() mutable { self->shake(TlsSocket::server, std::move(call)); });
        });
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
    // Half of the time for the exchange of close_notify, which also ends when data comes instead.
    limit_.start(limit / 2, [this] { socket_.next_layer().cancel(); });
    socket_.async_shutdown([self = shared_from_this(), limit, call = std::move(done)](ErrorCode) mutable {
      self->limit_.stop();
      std::make_shared<Drain>(self->loop_, self, self->socket_.next_layer(), std::move(call))
          ->start(limit / 2);
    });
  }
  void close() override {
    ErrorCode ignored;
    socket_.next_layer().close(ignored);
  }
  bool secure() const override { return true; }
  int descriptor() const override { return descriptorOf(socket_.next_layer()); }
  PeerCertificate peerCertificate() const override { return peerCertificateOf(ssl_); }
  std::string verifyProblem() const override {
    const long result = SSL_get_verify_result(ssl_);
    return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
  }

 private:
  void shake(TlsSocket::handshake_type as, Done done) {
    socket_.async_handshake(
        as, [self = shared_from_this(), call = std::move(done)](ErrorCode error) mutable { call(error); });
  }

  /// Destroyed after what takes the memory.
  struct Last {
    EventLoop& loop;
    ~Last() {
      if (!loop.impl().stopped) loop.impl().memory.onConnectionGone();
    }
  };

  EventLoop& loop_;
  Last last_;
  TlsSocket socket_;
  SSL* ssl_ = socket_.native_handle();
  Timer limit_;
  bool server_;
};

}  // namespace

std::shared_ptr<Stream> makeServerStream(EventLoop& loop, FileDescriptor fd, const Endpoint& remote,
                                         const std::shared_ptr<TlsServerContext>& tls) {
  if (!tls) return std::make_shared<TcpStream>(loop, std::move(fd), remote);
  auto stream = std::make_shared<TlsStream>(loop, wrap(currentContext(*tls)), true);
  stream->adopt(std::move(fd), remote);
  return stream;
}

std::shared_ptr<Stream> makeClientStream(EventLoop& loop, const std::shared_ptr<TlsClientContext>& tls,
                                         const std::string& host) {
  if (!tls) return std::make_shared<TcpStream>(loop);
  auto stream = std::make_shared<TlsStream>(loop, wrap(currentContext(*tls)), false);
  stream->expectHost(host);
  return stream;
}

std::shared_ptr<Stream> secureClientStream(EventLoop& loop, Stream& plain,
                                           const std::shared_ptr<TlsClientContext>& tls,
                                           const std::string& host) {
  FileDescriptor fd(::fcntl(plain.descriptor(), F_DUPFD_CLOEXEC, 0));
  const Endpoint remote = plain.remote();
  plain.close();
  if (!fd.valid()) return nullptr;
  auto stream = std::make_shared<TlsStream>(loop, wrap(currentContext(*tls)), false);
  stream->adopt(std::move(fd), remote);
  stream->expectHost(host);
  return stream;
}

}  // namespace parley::net
