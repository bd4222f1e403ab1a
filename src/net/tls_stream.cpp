// TLS over a socket without buffers of our own in between: OpenSSL reads from the socket and writes to it,
// and a connection on which nothing happens holds no buffer at all (SSL_MODE_RELEASE_BUFFERS).
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <optional>

#include "base/check.h"
#include "net/internal_loop.h"
#include "net/internal_tcp.h"
#include "net/internal_tls.h"

namespace parley::net {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
/// Of one writeSome(); then others have their turn.
constexpr std::size_t kMaxBurst = 4 * kRecord;

/// The socket as OpenSSL sees it.
struct Wire {
  explicit Wire(EventLoop& loop) : socket(ioOf(loop)) {}
  Tcp::socket socket;
  bool drained = false;  ///< The last read got less than it had room for: there is no more at the moment.
  bool ended = false;    ///< The peer sends nothing more.
  int error = 0;         ///< errno of what failed.
};

Wire& wireOf(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

/// Gives what the BIO's functions give for the result of recv() or send().
int transferred(BIO* bio, ssize_t n, int retryFlag) {
  BIO_clear_retry_flags(bio);
  if (n >= 0) return static_cast<int>(n);
  if (errno == EAGAIN || errno == EINTR) {
    BIO_set_flags(bio, retryFlag | BIO_FLAGS_SHOULD_RETRY);
  } else {
    wireOf(bio).error = errno;
  }
  return -1;
}

int readWire(BIO* bio, char* into, int size) {
  Wire& wire = wireOf(bio);
  const ssize_t n = ::recv(descriptorOf(wire.socket), into, static_cast<std::size_t>(size), 0);
  wire.drained = n < size;
  wire.ended = n == 0 && size > 0;
  return transferred(bio, n, BIO_FLAGS_READ);
}

int writeWire(BIO* bio, const char* from, int size) {
  const int fd = descriptorOf(wireOf(bio).socket);
  return transferred(bio, ::send(fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

long controlWire(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return wireOf(bio).ended ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* makeBio(Wire& wire) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    PARLEY_CHECK(made != nullptr);
    BIO_meth_set_read(made, readWire);
    BIO_meth_set_write(made, writeWire);
    BIO_meth_set_ctrl(made, controlWire);
    return made;
  }();
  BIO* bio = BIO_new(method);
  PARLEY_CHECK(bio != nullptr);
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  return bio;
}

/// What goes into the next record: `list` from byte `skip` on, put together in `space` if it is in pieces.
asio::const_buffer recordOf(const BufferList& list, std::size_t skip, std::array<char, kRecord>& space) {
  std::size_t filled = 0;
  for (auto each = list.begin(); each != list.end(); ++each) {
    if (skip >= each->size()) {
      skip -= each->size();
      continue;
    }
    const asio::const_buffer rest = *each + std::exchange(skip, 0);
    if (filled == 0 && (rest.size() >= kRecord || each + 1 == list.end())) return asio::buffer(rest, kRecord);
    filled += asio::buffer_copy(asio::buffer(space) + filled, rest);
    if (filled == kRecord) break;
  }
  return asio::buffer(space.data(), filled);
}

class TlsStream final : public Stream, public std::enable_shared_from_this<TlsStream> {
 public:
  TlsStream(EventLoop& loop, const SslContext& context, bool server)
      : loop_(loop),
        last_{loop},
        wire_(loop),
        ssl_(SSL_new(context.get()), SSL_free),
        limit_(loop),
        server_(server) {
    PARLEY_CHECK(ssl_ != nullptr);
    BIO* bio = makeBio(wire_);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_read_ahead(ssl_.get(), 1);
    server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }

  void adopt(FileDescriptor fd, const Endpoint& remote) {
    remote_ = remote;
    ErrorCode ignored;
    wire_.socket.assign(Tcp::v6(), fd.release(), ignored);
    setUp(wire_.socket);
  }
  void expectHost(const std::string& host) {
    if (Endpoint::parse(host, 0)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str());
    } else {
      SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host(ssl_.get(), host.c_str());
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
    }
  }

  void connect(const Endpoint& to, Done done) override {
    remote_ = to;
    connectSocket(
        wire_.socket, to,
        [self = shared_from_this(), call = std::move(done)](ErrorCode error) mutable { call(error); });
  }
  void handshake(Done done) override {
    if (!server_) {
      return later(
          [self = shared_from_this(), call = std::move(done)]() mutable { self->shake(std::move(call)); });
    }
    // Nothing costs much until the peer has spoken; then it waits for its turn.
    wire_.socket.async_wait(Tcp::socket::wait_read,
                            [self = shared_from_this(), call = std::move(done)](ErrorCode error) mutable {
                              if (error) return call(error);
                              self->loop_.impl().handshakes.add(
                                  [self, call = std::move(call)]() mutable { self->shake(std::move(call)); });
                            });
  }
  void readSome(asio::mutable_buffer into, Transferred done) override {
    if (wire_.drained && SSL_has_pending(ssl_.get()) == 0) {
      return read(Tcp::socket::wait_read, into, std::move(done));
    }
    later([self = shared_from_this(), into, call = std::move(done)]() mutable {
      self->read(into, std::move(call));
    });
  }
  void writeSome(const BufferList& buffers, Transferred done) override {
    const Outcome outcome = writeRecords(buffers, kMaxBurst);
    if (outcome.wait) return write(*outcome.wait, buffers, std::move(done));
    later([self = shared_from_this(), outcome, call = std::move(done)]() mutable {
      call(outcome.error, outcome.count);
    });
  }
  void linger(base::Millis limit, Done done) override {
    lingering_ = true;
    // Half of the time for our close_notify, if what was written before is still in its way.
    limit_.start(limit / 2, [this] {
      ErrorCode ignored;
      wire_.socket.cancel(ignored);
    });
    notify(limit, std::move(done));
  }
  void close() override {
    ErrorCode ignored;
    wire_.socket.close(ignored);
  }
  bool secure() const override { return true; }
  int descriptor() const override { return descriptorOf(wire_.socket); }
  PeerCertificate peerCertificate() const override { return peerCertificateOf(ssl_.get()); }
  std::string verifyProblem() const override {
    const long result = SSL_get_verify_result(ssl_.get());
    return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
  }

 private:
  using Wait = Tcp::socket::wait_type;
  struct Outcome {
    ErrorCode error;
    std::size_t count = 0;
    std::optional<Wait> wait = {};  ///< The same again when the socket is ready; else it is over.
  };

  template <class F>
  void later(F function) {
    asio::post(wire_.socket.get_executor(), std::move(function));
  }

  /// Runs one operation of OpenSSL's.
  template <class F>
  Outcome attempt(F operation) {
    if (!wire_.socket.is_open()) return {asio::error::operation_aborted};
    ERR_clear_error();
    wire_.error = 0;
    std::size_t count = 0;
    const int result = operation(&count);
    if (result > 0) return {{}, count};
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {{}, 0, Tcp::socket::wait_read};
      case SSL_ERROR_WANT_WRITE:
        return {{}, 0, Tcp::socket::wait_write};
      case SSL_ERROR_ZERO_RETURN:
        return {asio::error::eof};
      case SSL_ERROR_SSL:
        return {ErrorCode(static_cast<int>(ERR_get_error()), asio::error::get_ssl_category())};
      default:
        if (wire_.error == 0) return {asio::error::eof};
        return {ErrorCode(wire_.error, asio::error::get_system_category())};
    }
  }

  void shake(Done done) {
    const auto [error, count, wait] = attempt([&](std::size_t*) { return SSL_do_handshake(ssl_.get()); });
    if (!wait) return done(error);
    wire_.socket.async_wait(*wait, [self = shared_from_this(), call = std::move(done)](ErrorCode e) mutable {
      e ? call(e) : self->shake(std::move(call));
    });
  }

  void read(asio::mutable_buffer into, Transferred done) {
    // The rest is dropped with the connection.
    if (lingering_) return done(asio::error::operation_aborted, 0);
    const auto [error, count, wait] = into.size() == 0 ? Outcome{} : attempt([&](std::size_t* n) {
      return SSL_read_ex(ssl_.get(), into.data(), into.size(), n);
    });
    wait ? read(*wait, into, std::move(done)) : done(error, count);
  }
  void read(Wait wait, asio::mutable_buffer into, Transferred done) {
    wire_.socket.async_wait(
        wait, [self = shared_from_this(), into, call = std::move(done)](ErrorCode error) mutable {
          error ? call(error, 0) : self->read(into, std::move(call));
        });
  }

  /// As many records as the socket takes, up to `most` bytes. One that the socket took in part must be tried
  /// again with the same bytes: nothing ends while one waits.
  Outcome writeRecords(const BufferList& buffers, std::size_t most) {
    static thread_local std::array<char, kRecord> space;
    Outcome sum;
    sum.count = std::exchange(written_, 0);
    while (sum.count < most) {
      const asio::const_buffer record = recordOf(buffers, sum.count, space);
      if (record.size() == 0) break;
      const Outcome one =
          attempt([&](std::size_t* n) { return SSL_write_ex(ssl_.get(), record.data(), record.size(), n); });
      if (one.wait) written_ = sum.count;
      if (one.error || one.wait) return {one.error, 0, one.wait};
      sum.count += one.count;
    }
    return sum;
  }
  void write(Wait wait, const BufferList& buffers, Transferred done) {
    wire_.socket.async_wait(
        wait, [self = shared_from_this(), buffers, call = std::move(done)](ErrorCode failed) mutable {
          if (failed) return call(failed, 0);
          // What waited is enough: who watches over the progress wants to hear of it.
          const auto [error, count, again] = self->writeRecords(buffers, self->written_ + 1);
          again ? self->write(*again, buffers, std::move(call)) : call(error, count);
        });
  }

  void notify(base::Millis limit, Done done) {
    const auto [error, count, wait] = attempt([&](std::size_t*) {
      // 0: ours went out, the peer's is not here yet.
      const int result = SSL_shutdown(ssl_.get());
      return result < 0 ? result : 1;
    });
    if (wait == Tcp::socket::wait_write) {
      return wire_.socket.async_wait(
          *wait, [self = shared_from_this(), limit, call = std::move(done)](ErrorCode failed) mutable {
            failed ? self->end(limit, std::move(call)) : self->notify(limit, std::move(call));
          });
    }
    end(limit, std::move(done));
  }
  void end(base::Millis limit, Done done) {
    limit_.stop();
    drain(loop_, shared_from_this(), wire_.socket, limit / 2, std::move(done));
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
  Wire wire_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  Timer limit_;
  std::size_t written_ = 0;  ///< Of the list whose next record waits.
  bool server_;
  bool lingering_ = false;
};

}  // namespace

std::shared_ptr<Stream> makeTlsServerStream(EventLoop& loop, const SslContext& context, FileDescriptor fd,
                                            const Endpoint& remote) {
  auto stream = std::make_shared<TlsStream>(loop, context, true);
  stream->adopt(std::move(fd), remote);
  return stream;
}

std::shared_ptr<Stream> makeTlsClientStream(EventLoop& loop, const SslContext& context,
                                            const std::string& host, FileDescriptor fd,
                                            const Endpoint& remote) {
  auto stream = std::make_shared<TlsStream>(loop, context, false);
  if (fd.valid()) stream->adopt(std::move(fd), remote);
  stream->expectHost(host);
  return stream;
}

}  // namespace parley::net
