#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>

#include "base/log.h"
#include "net/internal_log.h"
#include "net/internal_loop.h"
#include "net/internal_stream.h"

namespace parley::net {
namespace {

constexpr int kBacklog = 1024;
/// Connections taken before other work of the loop gets its turn.
constexpr int kMaxAcceptsPerTurn = 64;
constexpr base::Millis kRetry{100};

class ListenerImpl final : public Listener {
 public:
  ListenerImpl(EventLoop& loop, OpenSocket socket, const Endpoint& bound, OnAccept accept)
      : fd_(socket.fd.get()),
        descriptor_(ioOf(loop), socket.fd.release()),
        bound_(bound),
        retry_(loop),
        accept_(std::move(accept)) {
    wait();
  }
  ~ListenerImpl() override { *alive_ = false; }
  Endpoint localEndpoint() const override { return bound_; }

 private:
  void wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, alive = alive_](ErrorCode error) {
                             if (*alive && !error) take();
                           });
  }

  void take() {
    const auto alive = alive_;
    for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      FileDescriptor fd(
          accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.valid()) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return later(errno);
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        continue;  // The connection died in the queue.
      }
      accept_(std::move(fd), Endpoint::fromSockaddr(reinterpret_cast<const sockaddr*>(&peer)));
      if (!*alive) return;
    }
    wait();
  }

  void later(int error) {
    logger.warn("cannot accept a connection", {{"address", bound_.toString()}, {"error", errnoText(error)}});
    retry_.start(kRetry, [this] { wait(); });
  }

  int fd_;
  asio::posix::stream_descriptor descriptor_;  ///< Owns the descriptor.
  Endpoint bound_;
  Timer retry_;
  OnAccept accept_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

base::Result<std::unique_ptr<Listener>> Listener::open(EventLoop& loop, const Endpoint& bind,
                                                       OnAccept accept) {
  auto socket = openSocket(SOCK_STREAM, bind);
  if (!socket) return std::unexpected(socket.error());
  const int on = 1;
  setsockopt(socket->fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto bound = bindSocket(*socket, bind);
  if (!bound) return std::unexpected(bound.error());
  if (::listen(socket->fd.get(), kBacklog) != 0) {
    return base::fail("net.bind_failed", bind.toString() + ": " + errnoText(errno));
  }
  return std::make_unique<ListenerImpl>(loop, std::move(*socket), *bound, std::move(accept));
}

}  // namespace parley::net
