// HTTP/1.1 client with connection reuse, and WebSocket client. Loop thread only. Every request ends: with a
// response, or with an error whose reason is net.resolve_failed, net.connect_failed, net.tls_failed,
// net.untrusted (the certificate), net.timeout, net.closed, net.tunnel_refused, net.busy (maxQueuedPerHost),
// http.too_large, http.bad_response, http.bad_url, http.refused_upgrade. A reused connection that broke
// before any answer: sent once more unless POST or PATCH.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "base/result.h"
#include "base/secret.h"
#include "net/http.h"

namespace parley::net {

struct HttpClientOptions {
  std::shared_ptr<TlsClientContext> tls;  ///< Needed for https and wss.
  base::Millis connectTimeout{3'000};
  base::Millis requestTimeout{10'000};  ///< Whole request, connecting included.
  std::size_t maxResponseBytes = 4 << 20;
  std::size_t maxConnectionsPerHost = 8;
  std::size_t maxQueuedPerHost = 1024;
  base::Millis idleTimeout{30'000};
};

/// Where the connection of a request goes instead of where its name resolves to.
struct HttpRoute {
  Endpoint to;  ///< Address and port: of the server, or of a proxy.
  /// "host:port": `to` is a proxy that is asked to connect there (RFC 9110 section 9.3.6); TLS runs inside.
  std::string tunnel = {};
  /// `to` is a proxy that takes the whole address in the request line (RFC 9112 section 3.2.2).
  bool wholeAddress = false;
  /// What the proxy gets as Proxy-Authorization, and nobody else; empty: nothing.
  base::Secret proxyAuthorization = {};

  friend auto operator<=>(const HttpRoute& a, const HttpRoute& b) { return a.key() <=> b.key(); }
  friend bool operator==(const HttpRoute& a, const HttpRoute& b) { return a.key() == b.key(); }

 private:
  std::tuple<const Endpoint&, const std::string&, bool, const std::string&> key() const {
    return {to, tunnel, wholeAddress, proxyAuthorization.reveal()};
  }
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string url;  ///< http://, https://
  HttpHeaders headers;
  std::string body;
  std::optional<HttpRoute> route = {};
};

class HttpClient {
 public:
  HttpClient(EventLoop& loop, HttpClientOptions options);
  ~HttpClient();  ///< Pending callbacks are dropped.
  void request(HttpClientRequest request, std::function<void(base::Result<HttpResponse>)> done);
  /// url: ws://, wss://. A subprotocol in the options must be the one that the server chooses. `to`: this
  /// address (with the port of the URL), whatever the name resolves to.
  void openWebSocket(std::string url, HttpHeaders headers, WebSocketOptions options,
                     std::function<void(base::Result<std::shared_ptr<WebSocket>>)> done,
                     const std::optional<Endpoint>& to = std::nullopt);
  static std::string basicAuthorization(const std::string& user, const base::Secret& password);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::net
