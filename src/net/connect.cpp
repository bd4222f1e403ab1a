#include "net/internal_connect.h"

namespace parley::net {

Connector::Connector(EventLoop& loop, std::shared_ptr<const HttpClientOptions> options, Url url, Ready ready)
    : loop_(loop),
      options_(std::move(options)),
      url_(std::move(url)),
      ready_(std::move(ready)),
      timer_(loop),
      attempt_(loop) {}

Connector::~Connector() { cancel(); }

void Connector::start(Resolver& resolver) {
  timer_.start(options_->connectTimeout,
               [this] { fail("net.timeout", url_.authority() + ": no connection in time"); });
  resolver.addresses(url_.host, [weak = weak_from_this()](const base::Result<std::vector<Endpoint>>& found) {
    if (const auto self = weak.lock()) self->onAddresses(found);
  });
}

void Connector::start(const Endpoint& to) {
  timer_.start(options_->connectTimeout,
               [this] { fail("net.timeout", url_.authority() + ": no connection in time"); });
  addresses_.push_back(to);
  next();
}

void Connector::start(const HttpRoute& route) {
  tunnel_ = route.tunnel;
  proxyAuthorization_ = route.proxyAuthorization;
  url_.port = route.to.port();
  start(route.to);
}

void Connector::cancel() {
  ready_ = nullptr;
  timer_.stop();
  attempt_.stop();
  if (const auto stream = std::exchange(stream_, nullptr)) stream->close();
}

void Connector::onAddresses(const base::Result<std::vector<Endpoint>>& found) {
  if (!ready_) return;
  if (!found) return fail("net.resolve_failed", url_.host + ": " + found.error().text);
  if (found->empty()) return fail("net.resolve_failed", url_.host + ": no address");
  addresses_.assign(found->begin(), found->end());
  next();
}

void Connector::next() {
  const Endpoint to = addresses_.front().withPort(url_.port);
  addresses_.pop_front();
  const bool tlsAtOnce = url_.secure && tunnel_.empty();
  stream_ = makeClientStream(loop_, tlsAtOnce ? options_->tls : nullptr, url_.host);
  if (!addresses_.empty()) {
    // An address that swallows packets must leave time for the others.
    attempt_.start(options_->connectTimeout / 3, [this] { stream_->close(); });
  }
  stream_->connect(to, [weak = weak_from_this()](ErrorCode error) {
    if (const auto self = weak.lock()) self->onConnected(error);
  });
}

void Connector::onConnected(ErrorCode error) {
  if (!ready_) return;
  attempt_.stop();
  if (error) {
    if (!addresses_.empty()) return next();
    return fail("net.connect_failed", url_.authority() + ": " + error.message());
  }
  if (!tunnel_.empty()) return askProxy();
  shakeHands();
}

void Connector::shakeHands() {
  stream_->handshake([weak = weak_from_this()](ErrorCode problem) {
    const auto self = weak.lock();
    if (!self || !self->ready_) return;
    if (problem) {
      const std::string untrusted = self->stream_->verifyProblem();
      return self->fail(untrusted.empty() ? "net.tls_failed" : "net.untrusted",
                        self->url_.authority() + ": " + (untrusted.empty() ? problem.message() : untrusted));
    }
    self->timer_.stop();
    const auto ready = std::exchange(self->ready_, nullptr);
    ready(std::exchange(self->stream_, nullptr));
  });
}

void Connector::fail(std::string reason, std::string text) {
  const auto self = shared_from_this();
  const auto ready = std::exchange(ready_, nullptr);
  cancel();
  if (ready) ready(base::fail(std::move(reason), std::move(text)));
}

}  // namespace parley::net
