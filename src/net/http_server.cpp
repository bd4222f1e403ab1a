#include <sys/socket.h>

#include <algorithm>
#include <unordered_map>

#include "base/affinity.h"
#include "base/check.h"
#include "base/log.h"
#include "net/http.h"
#include "net/internal_http_session.h"
#include "net/internal_log.h"

namespace parley::net {
namespace {

/// One attempt, without waiting: a full server spends nothing on those it turns away.
void answerBusy(const FileDescriptor& fd) {
  static constexpr std::string_view kBusy =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  static_cast<void>(::send(fd.get(), kBusy.data(), kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  ::shutdown(fd.get(), SHUT_WR);
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  struct Connection {
    Endpoint address;  ///< As it is counted: Endpoint::network().
    std::weak_ptr<Stream> stream;
    std::shared_ptr<HttpSession> session;  ///< Until it became a WebSocket.
    std::weak_ptr<WebSocket> webSocket;
  };

  Impl(EventLoop& loop, std::shared_ptr<Router> router, HttpServerOptions options)
      : handshakes(options.handshakes), proxyHandshakes(ofProxies(options.handshakes)), limit(loop) {
    auto& metrics = base::Metrics::instance();
    shared = std::make_shared<HttpServerShared>(HttpServerShared{
        .loop = loop,
        .router = std::move(router),
        .options = std::move(options),
        .trusted = {},
        .connections = metrics.gauge("parley_http_connections", "Open connections of the HTTP servers."),
        .byClass = {}});
    for (int i = 1; i < 6; ++i) {
      shared->byClass[i] =
          metrics.counter("parley_http_requests_total", "Requests answered, by status class.",
                          {{"class", std::to_string(i) + "xx"}});
    }
    shared->byClass[0] = shared->byClass[5];
    for (const auto& proxy : shared->options.trustedProxies) {
      if (const auto address = Endpoint::parse(proxy, 0)) {
        shared->trusted.push_back(*address);
      } else {
        httpLogger.warn("trusted proxy is not an address", {{"value", proxy}});
      }
    }
  }

  /// The pages of all networks come through a proxy: it has a count of its own, and only the total limits it.
  static HandshakeLimiter::Limits ofProxies(HandshakeLimiter::Limits limits) {
    return {.total = limits.total, .perNetwork = limits.total};
  }

  /// Why a connection from `remote` cannot be taken, for the counter; empty when it can. `slot` is filled for
  /// TLS.
  std::string_view refusalOf(const Endpoint& remote, bool tls, HandshakeLimiter::Slot& slot) {
    if (connections.size() >= shared->options.maxConnections) return "connections";
    const bool proxy = std::ranges::find(shared->trusted, remote.withPort(0)) != shared->trusted.end();
    const auto known = perAddress.find(remote.network());
    if (!proxy && known != perAddress.end() && known->second >= shared->options.maxConnectionsPerAddress) {
      return "connections_per_address";
    }
    if (!tls) return {};
    auto refusal = HandshakeLimiter::Refusal::none;
    slot = (proxy ? proxyHandshakes : handshakes).admit(remote, refusal);
    return HandshakeLimiter::reasonOf(refusal);
  }

  void onAccept(FileDescriptor fd, const Endpoint& remote, const std::shared_ptr<TlsServerContext>& tls) {
    affinity.assertHere();
    const Endpoint address = remote.network();
    HandshakeLimiter::Slot handshake;
    if (const auto refusal = refusalOf(remote, tls != nullptr, handshake); !refusal.empty()) {
      shared->refused(refusal);
      if (!tls) answerBusy(fd);
      return;
    }
    auto stream = makeServerStream(shared->loop, std::move(fd), remote, tls);
    const std::uint64_t id = ++lastId;
    ++perAddress[address];
    shared->connections.add(1);
    ConnectionToken token(nullptr, [weak = weak_from_this(), id](void*) {
      if (const auto self = weak.lock()) self->remove(id);
    });
    auto session = std::make_shared<HttpSession>(
        shared, stream, std::move(handshake), std::move(token),
        [weak = weak_from_this(), id](const std::shared_ptr<WebSocket>& socket) {
          if (const auto self = weak.lock()) self->onWebSocket(id, socket);
        });
    connections.emplace(id, Connection{address, stream, session, {}});
    session->start();
  }

  void onWebSocket(std::uint64_t id, const std::shared_ptr<WebSocket>& socket) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    found->second.session.reset();
    found->second.webSocket = socket;
    if (shared->draining) shared->loop.post([socket] { socket->close(1001, "shutting down"); });
  }

  void remove(std::uint64_t id) {
    auto node = connections.extract(id);
    if (node.empty()) return;
    shared->connections.add(-1);
    const auto count = perAddress.find(node.mapped().address);
    if (--count->second == 0) perAddress.erase(count);
    finishIfEmpty();
  }

  void abortAll() {
    std::vector<std::shared_ptr<HttpSession>> sessions;
    std::vector<std::shared_ptr<Stream>> streams;
    for (const auto& [id, connection] : connections) {
      if (connection.session) sessions.push_back(connection.session);
      if (auto stream = connection.stream.lock()) streams.push_back(std::move(stream));
    }
    for (const auto& session : sessions) session->abort();
    for (const auto& stream : streams) stream->close();
  }

  void close(base::Millis after, std::function<void()> done) {
    affinity.assertHere();
    waiting.push_back(std::move(done));
    listeners.clear();
    shared->draining = true;
    std::vector<std::shared_ptr<HttpSession>> sessions;
    std::vector<std::shared_ptr<WebSocket>> sockets;
    for (const auto& [id, connection] : connections) {
      if (connection.session) sessions.push_back(connection.session);
      if (auto socket = connection.webSocket.lock()) sockets.push_back(std::move(socket));
    }
    for (const auto& session : sessions) session->drain();
    for (const auto& socket : sockets) socket->close(1001, "shutting down");
    limit.start(after, [this] { abortAll(); });
    finishIfEmpty();
  }

  void finishIfEmpty() {
    if (!connections.empty() || waiting.empty()) return;
    limit.stop();
    for (auto& done : std::exchange(waiting, {})) shared->loop.post(std::move(done));
  }

  std::shared_ptr<HttpServerShared> shared;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::unordered_map<std::uint64_t, Connection> connections;
  std::unordered_map<Endpoint, std::size_t, EndpointHash> perAddress;
  HandshakeLimiter handshakes, proxyHandshakes;
  std::uint64_t lastId = 0;
  std::vector<std::function<void()>> waiting;
  Timer limit;
  base::ThreadAffinity affinity;
};

HttpServer::HttpServer(EventLoop& loop, std::shared_ptr<Router> router, HttpServerOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(router), std::move(options))) {}

HttpServer::~HttpServer() {
  impl_->waiting.clear();
  impl_->listeners.clear();
  impl_->abortAll();
  impl_->shared->connections.add(-static_cast<std::int64_t>(impl_->connections.size()));
}

base::Result<Endpoint> HttpServer::listen(const Endpoint& bind, std::shared_ptr<TlsServerContext> tls) {
  auto listener = Listener::open(
      impl_->shared->loop, bind,
      [impl = impl_.get(), context = std::move(tls)](FileDescriptor fd, const Endpoint& remote) {
        impl->onAccept(std::move(fd), remote, context);
      });
  if (!listener) return std::unexpected(listener.error());
  impl_->listeners.push_back(std::move(*listener));
  return impl_->listeners.back()->localEndpoint();
}

void HttpServer::close(base::Millis limit, std::function<void()> done) {
  impl_->close(limit, std::move(done));
}

std::size_t HttpServer::connections() const { return impl_->connections.size(); }

void HttpServer::setHandshakeLimits(HandshakeLimiter::Limits limits) {
  impl_->handshakes.setLimits(limits);
  impl_->proxyHandshakes.setLimits(Impl::ofProxies(limits));
}

}  // namespace parley::net
