#include "base/log.h"
#include "base/text.h"
#include "net/internal_http_session.h"
#include "net/internal_log.h"
#include "net/internal_websocket.h"

namespace parley::net {
namespace {

constexpr std::size_t kRequestReadSize = 8 * 1024;
constexpr base::Millis kLinger{2'000};
/// A peer must take this much of an answer within each writeTimeout.
constexpr std::size_t kPace = 64 * 1024;
/// A peer with a large body must send this much of it within each bodyTimeout.
constexpr std::size_t kBodyPace = 256 * 1024;

/// Hands the answer to the session if it still runs that request.
class ReplySink final : public HttpReply::Sink, public WebSocketUpgrade::Sink {
 public:
  ReplySink(const std::shared_ptr<HttpSession>& session, std::uint64_t request)
      : session_(session), request_(request) {}
  void send(HttpResponse response) override {
    if (const auto session = session_.lock()) session->send(request_, std::move(response));
  }
  void accept(const WebSocketOptions& options,
              std::function<void(std::shared_ptr<WebSocket>)> ready) override {
    if (const auto session = session_.lock()) session->acceptWebSocket(request_, options, std::move(ready));
  }
  void refuse(HttpResponse response) override { send(std::move(response)); }

 private:
  std::weak_ptr<HttpSession> session_;
  std::uint64_t request_;
};

bool isUpgrade(const HttpHeaders& headers) {
  return listHas(headers.get("Connection"), "upgrade") && listHas(headers.get("Upgrade"), "websocket");
}

/// RFC 6455 section 4.2.1. Nothing when the request may go on.
std::optional<HttpResponse> checkUpgrade(const HttpHeaders& headers) {
  if (headers.get("Sec-WebSocket-Version") != "13") {
    auto response =
        HttpResponse::error(426, "http.websocket_version", "WebSocket version 13 is spoken here.");
    response.headers.set("Sec-WebSocket-Version", "13");
    return response;
  }
  const auto key = base::base64Decode(headers.get("Sec-WebSocket-Key"));
  if (!key || key->size() != 16) {
    return HttpResponse::error(400, "http.bad_request", "Sec-WebSocket-Key is not 16 bytes in base64.");
  }
  return {};
}

}  // namespace

void HttpServerShared::refused(std::string_view reason) const {
  base::Metrics::instance()
      .counter("parley_http_refused_total", "Requests and connections refused, by reason.",
               {{"reason", std::string(reason)}})
      .add();
}

void HttpServerShared::answered(int status) const {
  if (status >= 100 && status < 600) byClass[status / 100].add();
}

HttpSession::HttpSession(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<Stream> stream,
                         HandshakeLimiter::Slot handshake, ConnectionToken token, OnWebSocket onWebSocket)
    : shared_(std::move(shared)),
      stream_(std::move(stream)),
      handshake_(std::move(handshake)),
      token_(std::move(token)),
      onWebSocket_(std::move(onWebSocket)),
      timer_(shared_->loop) {}

void HttpSession::start() {
  setTimer(shared_->options.handshakeTimeout);
  stream_->handshake([self = shared_from_this()](ErrorCode error) {
    if (self->phase_ != Phase::handshake) return;
    self->handshake_.release();
    if (error) {
      self->shared_->refused("tls_failed");
      httpLogger.debug("TLS handshake failed",
                       {{"remote", self->stream_->remote().toString()}, {"error", error.message()}});
      return self->closeNow();
    }
    self->nextRequest();
  });
}

void HttpSession::drain() {
  const auto self = shared_from_this();
  if (phase_ == Phase::handshake || phase_ == Phase::idle) closeNow();
}

void HttpSession::abort() {
  const auto self = shared_from_this();
  closeNow();
}

void HttpSession::nextRequest() {
  if (shared_->draining) return lingerAndClose();
  parser_ = std::make_unique<RequestParser>(
      shared_->options.maxHeaderBytes,
      std::max(shared_->options.maxBodyBytes, shared_->router->impl().largestBody()));
  allowance_.reset();
  bodyPaced_ = 0;
  phase_ = Phase::idle;
  setTimer(shared_->options.idleTimeout);
  if (input_.empty()) {
    read();
  } else {
    parse();
  }
}

void HttpSession::read() {
  if (reading_) return;
  reading_ = true;
  inputUsed_ = input_.size();
  input_.resize(inputUsed_ + kRequestReadSize);
  stream_->readSome(
      asio::mutable_buffer(input_.data() + inputUsed_, kRequestReadSize),
      [self = shared_from_this()](ErrorCode error, std::size_t count) { self->onRead(error, count); });
}

void HttpSession::onRead(ErrorCode error, std::size_t count) {
  reading_ = false;
  input_.resize(inputUsed_ + count);
  if (phase_ != Phase::idle && phase_ != Phase::header && phase_ != Phase::body) return;
  if (error) return closeNow();
  parse();
}

void HttpSession::parse() {
  std::size_t at = 0;
  while (at < input_.size() &&
         (parser_->state() == ParseState::header || parser_->state() == ParseState::body)) {
    const std::size_t consumed = parser_->feed(base::Bytes(input_).subspan(at));
    at += consumed;
    if (consumed == 0) break;
    if ((parser_->state() == ParseState::body || parser_->state() == ParseState::done) && !admitBody()) {
      return refuse(413, "http.body_too_large", "the body is too large");
    }
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
  switch (parser_->state()) {
    case ParseState::failed: {
      const ParseFailure& failure = parser_->failure();
      return refuse(failure.status, failure.reason, failure.text);
    }
    case ParseState::done:
      return dispatch();
    case ParseState::header:
    case ParseState::body:
      return expectMore();
  }
}

/// Whether the body may be so large: as it was announced, and as it comes.
bool HttpSession::admitBody() {
  if (!allowance_) {
    allowance_ = BodyAllowance{shared_->options.maxBodyBytes};
    if (shared_->router->impl().largestBody() > 0 && parser_->state() == ParseState::body) {
      auto target = parseTarget(parser_->target());
      method_ = parser_->method();
      auto larger = target ? shared_->router->impl().allowance(headOf(std::move(*target))) : std::nullopt;
      if (larger) allowance_ = std::move(*larger);
    }
  }
  return std::max<std::uint64_t>(parser_->contentLength().value_or(0), parser_->bodySize()) <=
         allowance_->bytes;
}

void HttpSession::expectMore() {
  if (parser_->state() == ParseState::header) {
    if (phase_ != Phase::header) {
      phase_ = Phase::header;
      setTimer(shared_->options.headerTimeout);
    }
    return read();
  }
  if (phase_ == Phase::body) {
    // Who may send more than others need not do so within one bodyTimeout, but at some pace.
    const bool large = allowance_ && allowance_->bytes > shared_->options.maxBodyBytes;
    if (large && parser_->bodySize() - bodyPaced_ >= kBodyPace) {
      bodyPaced_ = parser_->bodySize();
      setTimer(shared_->options.bodyTimeout);
    }
    return read();
  }
  phase_ = Phase::body;
  setTimer(shared_->options.bodyTimeout);
  if (!parser_->http11() || !parser_->expectsContinue() || !input_.empty()) return read();
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  BufferList list;
  list.add(asio::const_buffer(kContinue.data(), kContinue.size()));
  stream_->writeSome(list, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (self->phase_ != Phase::body) return;
    // A kernel that cannot take 25 bytes on a fresh connection is as good as an error.
    if (error) return self->closeNow();
    self->read();
  });
}

/// Everything but the body.
HttpRequest HttpSession::headOf(HttpTarget target) {
  HttpRequest request;
  request.method = method_;
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  request.headers = parser_->takeHeaders();
  const auto client =
      forwardedClient(stream_->remote(), stream_->secure(), request.headers, shared_->trusted);
  request.remote = client.address;
  request.secure = client.secure;
  request.byUnknownProxy = client.byUnknownProxy;
  return request;
}

void HttpSession::dispatch() {
  timer_.stop();
  ++request_;
  phase_ = Phase::handler;
  keepAlive_ = parser_->keepAlive() && !shared_->draining;
  method_ = parser_->method();
  auto target = parseTarget(parser_->target());
  if (!target) return refuse(400, "http.bad_target", "The address of the request is not a valid one.");
  HttpRequest request = headOf(std::move(*target));
  request.body = parser_->takeBody();
  allowance_.reset();
  path_ = request.path;
  parser_.reset();

  const auto router = shared_->router;
  if (auto response = router->impl().filtered(request)) return write(std::move(*response));
  const bool upgrade = method_ == "GET" && isUpgrade(request.headers);
  RouteMatch match = router->impl().match(method_, request.path, upgrade);
  if (upgrade && match.webSocket == nullptr) {
    match = router->impl().match(method_, request.path, false);  // RFC 9110 section 7.8: may be ignored.
  }
  request.params = std::move(match.params);
  const auto sink = std::make_shared<ReplySink>(shared_from_this(), request_);
  if (match.webSocket != nullptr) {
    if (auto refusal = checkUpgrade(request.headers)) return write(std::move(*refusal));
    requestHeaders_ = request.headers;
    setTimer(shared_->options.handlerTimeout);
    return (*match.webSocket)(std::move(request), WebSocketUpgrade(sink));
  }
  if (match.handler != nullptr) {
    setTimer(shared_->options.handlerTimeout);
    return (*match.handler)(std::move(request), HttpReply(sink));
  }
  if (!match.known) {
    return write(HttpResponse::error(404, "http.not_found", "There is nothing at this address."));
  }
  if (router->impl().match("GET", path_, true).webSocket != nullptr && method_ == "GET") {
    auto response = HttpResponse::error(426, "http.upgrade_required", "This address speaks WebSocket.");
    response.headers.set("Upgrade", "websocket");
    return write(std::move(response));
  }
  auto response =
      HttpResponse::error(405, "http.method_not_allowed", "This address does not know " + method_ + ".");
  response.headers.set("Allow", match.allowed);
  write(std::move(response));
}

void HttpSession::send(std::uint64_t request, HttpResponse response) {
  const auto self = shared_from_this();
  if (request != request_ || phase_ != Phase::handler) return;
  write(std::move(response));
}

void HttpSession::acceptWebSocket(std::uint64_t request, const WebSocketOptions& options,
                                  std::function<void(std::shared_ptr<WebSocket>)> ready) {
  const auto self = shared_from_this();
  if (request != request_ || phase_ != Phase::handler) return;
  timer_.stop();
  phase_ = Phase::closing;
  const auto client =
      forwardedClient(stream_->remote(), stream_->secure(), requestHeaders_, shared_->trusted);
  net::acceptWebSocket(shared_->loop, stream_, input_, requestHeaders_, options, client.address,
                       shared_->options.serverHeader, std::move(token_),
                       [shared = shared_, tell = onWebSocket_,
                        call = std::move(ready)](base::Result<std::shared_ptr<WebSocket>> socket) {
                         if (!socket) return;
                         shared->answered(101);
                         if (tell) tell(*socket);
                         call(std::move(*socket));
                       });
  onWebSocket_ = nullptr;
  stream_.reset();
}

void HttpSession::refuse(int status, std::string_view reason, std::string_view text) {
  // "http.body_too_large" → "body_too_large".
  shared_->refused(reason.substr(reason.find('.') + 1));
  ++request_;
  keepAlive_ = false;
  write(HttpResponse::error(status, reason, text));
}

void HttpSession::write(HttpResponse response) {
  const auto& options = shared_->options;
  phase_ = Phase::writing;
  if (shared_->draining || base::equalsIgnoreCase(response.headers.get("Connection"), "close"))
    keepAlive_ = false;
  const bool noBody = response.status < 200 || response.status == 204 || response.status == 304;
  head_ = responseHead(response, response.body.size(), keepAlive_, options.serverHeader, base::wallNow());
  body_ = method_ == "HEAD" || noBody ? std::string{} : std::move(response.body);
  written_ = 0;
  shared_->answered(response.status);
  if (httpLogger.enabled(base::LogLevel::debug)) {
    httpLogger.debug("request", {{"remote", stream_->remote().toString()},
                                 {"method", method_},
                                 {"path", path_},
                                 {"status", response.status},
                                 {"bytes", body_.size()}});
  }
  paced_ = 0;
  setTimer(options.writeTimeout);
  writeMore();
}

void HttpSession::writeMore() {
  BufferList list;
  if (written_ < head_.size()) list.add(asio::const_buffer(head_.data() + written_, head_.size() - written_));
  const std::size_t bodyAt = written_ < head_.size() ? 0 : written_ - head_.size();
  if (bodyAt < body_.size()) list.add(asio::const_buffer(body_.data() + bodyAt, body_.size() - bodyAt));
  stream_->writeSome(list, [self = shared_from_this()](ErrorCode error, std::size_t count) {
    if (self->phase_ != Phase::writing) return;
    if (error) return self->closeNow();
    self->written_ += count;
    if (self->written_ - self->paced_ >= kPace) {
      self->paced_ = self->written_;
      self->setTimer(self->shared_->options.writeTimeout);
    }
    if (self->written_ < self->head_.size() + self->body_.size()) return self->writeMore();
    self->onWritten();
  });
}

void HttpSession::onWritten() {
  head_ = {};
  body_ = {};
  if (keepAlive_) {
    nextRequest();
  } else {
    lingerAndClose();
  }
}

void HttpSession::setTimer(base::Millis after) {
  // The server owns sessions; a timer must not keep one alive.
  timer_.start(after, [this] { onTimeout(); });
}

void HttpSession::onTimeout() {
  const auto self = shared_from_this();
  switch (phase_) {
    case Phase::handshake:
      shared_->refused("handshake_timeout");
      return closeNow();
    case Phase::idle:
      return closeNow();
    case Phase::header:
      return refuse(408, "http.header_timeout", "The request header came too slowly.");
    case Phase::body:
      return refuse(408, "http.body_timeout", "The request body came too slowly.");
    case Phase::handler:
      return refuse(503, "http.handler_timeout", "The answer took too long.");
    case Phase::writing:
      shared_->refused("write_timeout");
      return closeNow();
    case Phase::closing:
      return closeNow();
  }
}

void HttpSession::lingerAndClose() {
  phase_ = Phase::closing;
  timer_.stop();
  stream_->linger(kLinger, [self = shared_from_this()](ErrorCode) { self->closeNow(); });
}

void HttpSession::closeNow() {
  phase_ = Phase::closing;
  timer_.stop();
  handshake_.release();
  if (stream_) stream_->close();
  onWebSocket_ = nullptr;
  // The server forgets this session here.
  const auto token = std::move(token_);
}

}  // namespace parley::net
