// The only file with Beast's WebSocket: both roles over the type-erased stream, so it is compiled once.
#include "net/websocket.h"

#include <boost/asio/async_result.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <variant>

#include "base/check.h"
#include "base/text.h"
#include "net/internal_loop.h"
#include "net/internal_stream.h"
#include "net/internal_websocket.h"

namespace parley::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace ws = beast::websocket;

constexpr base::Millis kOpenTimeout{10'000};
constexpr base::Millis kCloseTimeout{5'000};
constexpr base::Millis kTeardown{1'000};
constexpr std::size_t kMinCompressedMessage = 256;
constexpr std::size_t kMaxIdleReadBuffer = 16 * 1024;
/// A ping that could not even be written within this many times pongTimeout: the peer does not read.
constexpr int kStuckPings = 6;
/// Besides the bytes, each queued message costs this much against maxBufferedBytes, so that a flood of
/// empty ones is bounded too.
constexpr std::size_t kMessageOverhead = 32;

/// Beast's idea of a stream over ours.
class AnyStream {
 public:
  using executor_type = asio::io_context::executor_type;

  AnyStream(EventLoop& loop, std::shared_ptr<Stream> stream, base::Bytes leftover)
      : executor_(ioOf(loop).get_executor()),
        stream_(std::move(stream)),
        leftover_(leftover.begin(), leftover.end()),
        lastRead_(std::make_shared<base::Instant>(base::steadyNow())) {}

  executor_type get_executor() const noexcept { return executor_; }
  base::Instant lastRead() const { return *lastRead_; }
  Stream& stream() { return *stream_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(ErrorCode, std::size_t)>(
        [this](auto&& done, const Buffers& into) { read(firstOf(into), std::forward<decltype(done)>(done)); },
        handler, buffers);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(ErrorCode, std::size_t)>(
        [this](auto&& done, const Buffers& from) {
          BufferList list;
          for (auto it = asio::buffer_sequence_begin(from); it != asio::buffer_sequence_end(from); ++it) {
            const asio::const_buffer each = *it;
            if (each.size() > 0 && !list.add(each)) break;
          }
          stream_->writeSome(list, std::forward<decltype(done)>(done));
        },
        handler, buffers);
  }

 private:
  template <class Buffers>
  static asio::mutable_buffer firstOf(const Buffers& buffers) {
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
      const asio::mutable_buffer each = *it;
      if (each.size() > 0) return each;
    }
    return {};
  }

  void read(asio::mutable_buffer into, Stream::Transferred done) {
    if (leftover_.empty()) {
      return stream_->readSome(
          into, [stamp = lastRead_, call = std::move(done)](ErrorCode error, std::size_t n) mutable {
            *stamp = base::steadyNow();
            call(error, n);
          });
    }
    const std::size_t n = asio::buffer_copy(into, asio::buffer(leftover_));
    leftover_.erase(leftover_.begin(), leftover_.begin() + static_cast<std::ptrdiff_t>(n));
    asio::post(executor_, [n, call = std::move(done)]() mutable { call({}, n); });
  }

  executor_type executor_;
  std::shared_ptr<Stream> stream_;
  base::Buffer leftover_;
  std::shared_ptr<base::Instant> lastRead_;
};

void beast_close_socket(AnyStream& stream) { stream.stream().close(); }

[[maybe_unused]] void teardown(beast::role_type, AnyStream& stream, ErrorCode& error) {
  stream.stream().close();
  error = {};
}

/// Lets the peer read our close frame before the connection goes.
template <class Handler>
void async_teardown(beast::role_type, AnyStream& stream, Handler&& handler) {
  stream.stream().linger(kTeardown, std::forward<Handler>(handler));
}

struct Callbacks {
  std::function<void(std::string_view)> onText;
  std::function<void(base::Bytes)> onBinary;
  std::function<void(std::uint16_t, std::string_view)> onClose;
};

/// The connection itself; lives as long as an operation of it is under way.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(EventLoop& loop, std::shared_ptr<Stream> stream, base::Bytes leftover, const WebSocketOptions& options,
       const Endpoint& remote, std::shared_ptr<void> token)
      : loop_(loop),
        options_(options),
        remote_(remote),
        token_(std::move(token)),
        socket_(AnyStream(loop, std::move(stream), leftover)),
        timer_(loop),
        closeTimer_(loop) {
    socket_.read_message_max(options_.maxMessageBytes);
    socket_.auto_fragment(false);
    if (options_.compress) {
      ws::permessage_deflate deflate;
      deflate.server_enable = true;
      deflate.client_enable = true;
      // 4 kB windows for what we send: small messages gain nothing from more, thousands of sockets would pay.
      deflate.server_max_window_bits = 12;
      deflate.memLevel = 4;
      socket_.set_option(deflate);
    }
  }

  void accept(const HttpHeaders& request, std::string serverHeader, WebSocketReady ready);
  void connect(const std::string& host, const std::string& target, HttpHeaders headers, WebSocketReady ready);
  void start(Callbacks callbacks);
  using Shared = std::shared_ptr<const base::Buffer>;
  using Message = std::variant<std::string, base::Buffer, Shared>;
  void send(Message message);
  void close(std::uint16_t code, std::string_view reason);
  void dropped();

  std::size_t bufferedBytes() const { return bufferedBytes_; }
  const Endpoint& remote() const { return remote_; }
  bool open() const { return state_ == State::open; }

 private:
  enum class State { opening, open, closing, closed };

  static base::Bytes bytesOf(const Message& message) {
    if (const auto* text = std::get_if<std::string>(&message)) return base::asBytes(*text);
    if (const auto* shared = std::get_if<Shared>(&message)) return **shared;
    return std::get<base::Buffer>(message);
  }

  void opened(const ErrorCode& error, std::string reason, const WebSocketReady& ready);
  void read();
  void deliver();
  void onReadError(const ErrorCode& error);
  void writeNext();
  void dropQueue();
  void sendClose();
  void watchIdle();
  void ping();
  void finish(std::uint16_t code, std::string_view reason);

  EventLoop& loop_;
  WebSocketOptions options_;
  Endpoint remote_;
  std::shared_ptr<void> token_;
  ws::stream<AnyStream, true> socket_;
  Timer timer_;
  Timer closeTimer_;
  State state_ = State::opening;
  bool started_ = false;
  bool dropped_ = false;
  bool inCallback_ = false;
  Callbacks callbacks_;
  beast::flat_buffer readBuffer_;
  std::deque<Message> queue_;
  std::size_t bufferedBytes_ = 0;
  bool writing_ = false;
  bool pinging_ = false;
  base::Instant pingedAt_{};
  bool closeSent_ = false;
  std::uint16_t closeCode_ = 0;
  std::string closeReason_;
  bool reported_ = false;
};

/// What users hold.
class SocketHandle final : public WebSocket {
 public:
  explicit SocketHandle(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~SocketHandle() override { core_->dropped(); }
  void start(std::function<void(std::string_view)> onText, std::function<void(base::Bytes)> onBinary,
             std::function<void(std::uint16_t, std::string_view)> onClose) override {
    core_->start({std::move(onText), std::move(onBinary), std::move(onClose)});
  }
  void sendText(std::string text) override { core_->send(std::move(text)); }
  void sendBinary(base::Buffer bytes) override { core_->send(std::move(bytes)); }
  void sendShared(std::shared_ptr<const base::Buffer> bytes) override { core_->send(std::move(bytes)); }
  void close(std::uint16_t code, std::string_view reason) override { core_->close(code, reason); }
  std::size_t bufferedBytes() const override { return core_->bufferedBytes(); }
  Endpoint remote() const override { return core_->remote(); }
  bool open() const override { return core_->open(); }

 private:
  std::shared_ptr<Core> core_;
};

void Core::accept(const HttpHeaders& request, std::string serverHeader, WebSocketReady ready) {
  auto message = std::make_shared<http::request<http::empty_body>>(http::verb::get, "/", 11);
  for (const auto& [name, value] : request.all()) {
    if (base::toLower(name).starts_with("sec-websocket-")) message->insert(name, value);
  }
  message->set(http::field::host, "localhost");  // Beast asks for one; the real one was checked before.
  message->set(http::field::connection, "upgrade");
  message->set(http::field::upgrade, "websocket");
  socket_.set_option(ws::stream_base::decorator(
      [protocol = options_.subprotocol, server = std::move(serverHeader)](ws::response_type& response) {
        if (!protocol.empty()) response.set(http::field::sec_websocket_protocol, protocol);
        if (server.empty()) {
          response.erase(http::field::server);
        } else {
          response.set(http::field::server, server);
        }
      }));
  timer_.start(kOpenTimeout, [this] { socket_.next_layer().stream().close(); });
  socket_.async_accept(*message, [self = shared_from_this(), message, call = std::move(ready)](
                                     ErrorCode error) { self->opened(error, "net.closed", call); });
}

void Core::connect(const std::string& host, const std::string& target, HttpHeaders headers,
                   WebSocketReady ready) {
  socket_.set_option(ws::stream_base::decorator(
      [fields = std::move(headers), protocol = options_.subprotocol](ws::request_type& request) {
        for (const auto& [name, value] : fields.all()) {
          if (name.find_first_of("\r\n:") == name.npos && value.find_first_of("\r\n") == value.npos) {
            request.set(name, value);
          }
        }
        if (!protocol.empty()) request.set(http::field::sec_websocket_protocol, protocol);
      }));
  timer_.start(kOpenTimeout, [this] { socket_.next_layer().stream().close(); });
  auto response = std::make_shared<ws::response_type>();
  socket_.async_handshake(
      *response, host, target,
      [self = shared_from_this(), response, call = std::move(ready)](ErrorCode error) {
        const bool refused = error == ws::condition::handshake_failed;
        if (refused) {
          return call(base::fail("http.refused_upgrade",
                                 "the server answered " + std::to_string(response->result_int())));
        }
        const auto chosen = (*response)[http::field::sec_websocket_protocol];
        const std::string& wanted = self->options_.subprotocol;
        if (!error && !wanted.empty() && std::string_view(chosen.data(), chosen.size()) != wanted) {
          self->socket_.next_layer().stream().close();
          return call(base::fail("http.refused_upgrade", "the server does not speak " + wanted));
        }
        self->opened(error, "net.closed", call);
      });
}

void Core::opened(const ErrorCode& error, std::string reason, const WebSocketReady& ready) {
  timer_.stop();
  if (error) {
    state_ = State::closed;
    socket_.next_layer().stream().close();
    token_.reset();
    return ready(base::fail(std::move(reason), error.message()));
  }
  state_ = State::open;
  ready(std::make_shared<SocketHandle>(shared_from_this()));
}

void Core::start(Callbacks callbacks) {
  PARLEY_CHECK(!started_);
  started_ = true;
  callbacks_ = std::move(callbacks);
  if (state_ == State::closed) {
    reported_ = false;
    // It broke before anybody listened; the one report comes later, not inside this call.
    return loop_.post([self = shared_from_this()] { self->finish(self->closeCode_, self->closeReason_); });
  }
  watchIdle();
  read();
}

void Core::read() {
  socket_.async_read(readBuffer_, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (error) return self->onReadError(error);
    self->deliver();
    if (self->state_ != State::closed) self->read();
  });
}

void Core::deliver() {
  const auto data = readBuffer_.cdata();
  const base::Bytes bytes(static_cast<const std::uint8_t*>(data.data()), data.size());
  if (state_ == State::open && !dropped_) {
    inCallback_ = true;
    if (socket_.got_text()) {
      if (callbacks_.onText) callbacks_.onText(base::asText(bytes));
    } else if (callbacks_.onBinary) {
      callbacks_.onBinary(bytes);
    }
    inCallback_ = false;
    if (dropped_) callbacks_ = {};
  }
  readBuffer_.consume(readBuffer_.size());
  if (readBuffer_.capacity() > kMaxIdleReadBuffer) readBuffer_.shrink_to_fit();
}

void Core::onReadError(const ErrorCode& error) {
  if (state_ == State::closing && closeSent_) return;  // Our own close handshake reports.
  if (error == ws::error::closed) {
    const auto& reason = socket_.reason();
    return finish(reason.code == ws::close_code::none ? 1005 : reason.code,
                  std::string_view(reason.reason.data(), reason.reason.size()));
  }
  if (error == ws::error::message_too_big) {
    return finish(1009, "message too big");
  }
  if (error == ws::error::bad_frame_payload) return finish(1007, "not valid UTF-8");
  if (error == ws::condition::protocol_violation) return finish(1002, error.message());
  finish(closeCode_ != 0 ? closeCode_ : 1006, closeCode_ != 0 ? closeReason_ : error.message());
}

void Core::send(Message message) {
  if (state_ != State::open) return;
  const std::size_t size = bytesOf(message).size() + kMessageOverhead;
  if (bufferedBytes_ + size > options_.maxBufferedBytes) {
    dropQueue();
    return close(1013, "slow peer");
  }
  bufferedBytes_ += size;
  queue_.push_back(std::move(message));
  if (!writing_) writeNext();
}

/// All but the message that is being written.
void Core::dropQueue() {
  while (queue_.size() > (writing_ ? 1u : 0u)) {
    bufferedBytes_ -= bytesOf(queue_.back()).size() + kMessageOverhead;
    queue_.pop_back();
  }
}

void Core::writeNext() {
  if (state_ == State::closed) return;
  if (queue_.empty()) {
    if (state_ == State::closing && !closeSent_) sendClose();
    return;
  }
  writing_ = true;
  const base::Bytes bytes = bytesOf(queue_.front());
  const bool text = std::holds_alternative<std::string>(queue_.front());
  socket_.text(text);
  socket_.compress(text && bytes.size() >= kMinCompressedMessage);
  socket_.async_write(asio::const_buffer(bytes.data(), bytes.size()),
                      [self = shared_from_this()](ErrorCode error, std::size_t) {
                        self->writing_ = false;
                        self->bufferedBytes_ -= bytesOf(self->queue_.front()).size() + kMessageOverhead;
                        self->queue_.pop_front();
                        // A broken connection is reported by the read, which knows why.
                        if (!error) return self->writeNext();
                        if (!self->started_) self->finish(1006, error.message());
                      });
}

void Core::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::open) return;
  state_ = State::closing;
  closeCode_ = code;
  closeReason_ = reason.substr(0, 123);
  timer_.stop();
  closeTimer_.start(kCloseTimeout, [this] {
    const auto self = shared_from_this();
    finish(closeCode_, closeReason_);
  });
  // What was sent before still goes first; the timer bounds it.
  if (!writing_) loop_.post([self = shared_from_this()] { self->writeNext(); });
}

void Core::sendClose() {
  closeSent_ = true;
  ws::close_reason reason(closeCode_);
  reason.reason.assign(closeReason_.data(), closeReason_.size());
  socket_.async_close(
      reason, [self = shared_from_this()](ErrorCode) { self->finish(self->closeCode_, self->closeReason_); });
}

void Core::watchIdle() {
  if (state_ != State::open) return;
  const auto due = socket_.next_layer().lastRead() + options_.pingInterval;
  const auto now = base::steadyNow();
  if (due <= now) return ping();
  timer_.start(std::chrono::ceil<base::Millis>(due - now), [this] { watchIdle(); });
}

void Core::ping() {
  const auto asked = base::steadyNow();
  if (!pinging_) {
    pinging_ = true;
    pingedAt_ = asked;
    socket_.async_ping({}, [self = shared_from_this()](ErrorCode) { self->pinging_ = false; });
  } else if (asked - pingedAt_ >= kStuckPings * options_.pongTimeout) {
    return finish(1013, "slow peer");
  }
  timer_.start(options_.pongTimeout, [this, asked] {
    const auto self = shared_from_this();
    if (socket_.next_layer().lastRead() < asked) return finish(1006, "no answer to a ping");
    watchIdle();
  });
}

void Core::finish(std::uint16_t code, std::string_view reason) {
  if (reported_) return;
  const auto self = shared_from_this();
  state_ = State::closed;
  reported_ = true;
  closeCode_ = code;
  closeReason_ = std::string(reason);
  timer_.stop();
  closeTimer_.stop();
  socket_.next_layer().stream().close();
  const auto token = std::move(token_);
  const Callbacks callbacks = std::exchange(callbacks_, {});
  if (!dropped_ && callbacks.onClose) callbacks.onClose(closeCode_, closeReason_);
}

void Core::dropped() {
  dropped_ = true;
  close(1001, "going away");
  if (inCallback_) return;
  // Not here: this may run inside what one of the callbacks owns.
  loop_.post([self = shared_from_this(), old = std::exchange(callbacks_, {})] {});
}

}  // namespace

void acceptWebSocket(EventLoop& loop, std::shared_ptr<Stream> stream, base::Bytes leftover,
                     const HttpHeaders& request, const WebSocketOptions& options, const Endpoint& remote,
                     std::string serverHeader, std::shared_ptr<void> token, WebSocketReady ready) {
  std::make_shared<Core>(loop, std::move(stream), leftover, options, remote, std::move(token))
      ->accept(request, std::move(serverHeader), std::move(ready));
}

void connectWebSocket(EventLoop& loop, std::shared_ptr<Stream> stream, const std::string& host,
                      const std::string& target, HttpHeaders headers, const WebSocketOptions& options,
                      WebSocketReady ready) {
  const Endpoint remote = stream->remote();
  std::make_shared<Core>(loop, std::move(stream), base::Bytes{}, options, remote, nullptr)
      ->connect(host, target, std::move(headers), std::move(ready));
}

}  // namespace parley::net
