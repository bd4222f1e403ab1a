// One connection of the HTTP server, from the TLS handshake to its end or its change to a WebSocket.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "net/http.h"
#include "net/internal_http.h"
#include "net/internal_stream.h"

namespace parley::net {

/// What sessions need of their server; outlives them (shared).
struct HttpServerShared {
  EventLoop& loop;
  std::shared_ptr<Router> router;
  HttpServerOptions options;
  std::vector<Endpoint> trusted;  ///< Parsed trustedProxies, port 0.
  bool draining = false;
  base::Gauge connections;
  base::Counter byClass[6];  ///< Index 2: 2xx …

  void refused(std::string_view reason) const;
  void answered(int status) const;
};

/// Held by whoever owns the connection; the server counts it until the last holder is gone.
using ConnectionToken = std::shared_ptr<void>;

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  /// Tells the server which WebSocket this connection became.
  using OnWebSocket = std::function<void(const std::shared_ptr<WebSocket>&)>;

  /// `handshake` is held until the handshake is over; empty for plain connections.
  HttpSession(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<Stream> stream,
              HandshakeLimiter::Slot handshake, ConnectionToken token, OnWebSocket onWebSocket);
  void start();
  /// Idle: ends now. Busy: ends after the running request.
  void drain();
  void abort();  ///< Ends now, whatever runs.

  // From the sinks.
  void send(std::uint64_t request, HttpResponse response);
  void acceptWebSocket(std::uint64_t request, const WebSocketOptions& options,
                       std::function<void(std::shared_ptr<WebSocket>)> ready);

 private:
  enum class Phase { handshake, idle, header, body, handler, writing, closing };

  void read();
  void onRead(ErrorCode error, std::size_t count);
  void parse();
  void expectMore();
  bool admitBody();
  void nextRequest();
  void dispatch();
  HttpRequest headOf(HttpTarget target);
  void refuse(int status, std::string_view reason, std::string_view text);
  void write(HttpResponse response);
  void writeMore();
  void onWritten();
  void onTimeout();
  void setTimer(base::Millis after);
  void lingerAndClose();
  void closeNow();

  std::shared_ptr<HttpServerShared> shared_;
  std::shared_ptr<Stream> stream_;
  HandshakeLimiter::Slot handshake_;
  ConnectionToken token_;
  OnWebSocket onWebSocket_;
  Timer timer_;
  Phase phase_ = Phase::handshake;
  std::unique_ptr<RequestParser> parser_;
  base::Buffer input_;
  std::size_t inputUsed_ = 0;
  bool reading_ = false;
  std::optional<BodyAllowance> allowance_;  ///< Nothing: the head is not there yet.
  std::size_t bodyPaced_ = 0;               ///< Of the body, when its timer was last started.

  std::uint64_t request_ = 0;  ///< Number of the running request: late answers to older ones are ignored.
  std::string method_, path_;
  HttpHeaders requestHeaders_;  ///< Kept for an upgrade.
  bool keepAlive_ = true;
  std::string head_, body_;
  std::size_t written_ = 0;
  std::size_t paced_ = 0;  ///< written_ when the write timer was last started.
};

}  // namespace parley::net
