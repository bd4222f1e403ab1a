// HTTP/1.1 server: requests, routing, replies, WebSocket upgrades, static files. No Beast or Asio type here.
//
// Threading: everything on the server's loop. Limits below; what exceeds them is answered (400, 408, 413,
// 414, 431, 503) and counted in parley_http_refused_total{reason}.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/handshake_limiter.h"
#include "net/tls.h"
#include "net/websocket.h"

namespace parley::net {

/// Ordered, case-blind names.
class HttpHeaders {
 public:
  void set(std::string name, std::string value);  ///< Replaces all of that name.
  void add(std::string name, std::string value);
  /// First value, or empty.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method;
  std::string path;  ///< Percent-decoded, normalised: no "..", no NUL, starts with '/'.
  std::map<std::string, std::string, std::less<>> query;   ///< Decoded; the first of a repeated name.
  std::map<std::string, std::string, std::less<>> params;  ///< From the route: {call} → "abc".
  HttpHeaders headers;
  std::string body;
  Endpoint remote;  ///< The client's, after trusted X-Forwarded-For.
  bool secure = false;
  /// A proxy that is not trusted handed this on (it says so, or a trusted one does): `remote` is an address
  /// of that proxy, or of its machine, and tells nothing of who asked.
  bool byUnknownProxy = false;
  std::string_view cookie(std::string_view name) const;  ///< Empty when absent.
  std::string queryText() const;                         ///< Encoded anew: "?a=b&c=d"; empty: none.
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;

  static HttpResponse text(int status, std::string body);
  static HttpResponse json(int status, std::string body);
  /// The error body of every API: {"error":{"reason":…,"text":…}}
  static HttpResponse error(int status, std::string_view reason, std::string_view text);
  static HttpResponse redirect(int status, std::string location);
};

/// The answer to a GET of `content`, with the headers that are in `response`: the whole, the range asked for
/// (RFC 9110 section 14), or 304 by its ETag.
HttpResponse serveContent(const HttpRequest& request, HttpResponse response, std::string_view content);

/// Answers one request, once, on the loop. Destroyed unanswered: 500. Unanswered for Options::handlerTimeout:
/// 503 by itself, and a later send() is ignored. The peer may be gone: send() is then ignored.
class HttpReply {
 public:
  struct Sink;
  explicit HttpReply(std::shared_ptr<Sink> sink);
  HttpReply(HttpReply&&) noexcept;
  HttpReply& operator=(HttpReply&&) noexcept;
  ~HttpReply();
  void send(HttpResponse response);

 private:
  std::shared_ptr<Sink> sink_;
};

/// Accepts or refuses a WebSocket upgrade; same rules as HttpReply.
class WebSocketUpgrade {
 public:
  struct Sink;
  explicit WebSocketUpgrade(std::shared_ptr<Sink> sink);
  WebSocketUpgrade(WebSocketUpgrade&&) noexcept;
  WebSocketUpgrade& operator=(WebSocketUpgrade&&) noexcept;
  ~WebSocketUpgrade();
  /// `ready` gets the open socket, or is dropped if the peer goes before.
  void accept(const WebSocketOptions& options, std::function<void(std::shared_ptr<WebSocket>)> ready);
  void refuse(HttpResponse response);

 private:
  std::shared_ptr<Sink> sink_;
};

using HttpHandler = std::function<void(HttpRequest, HttpReply)>;
using WebSocketHandler = std::function<void(HttpRequest, WebSocketUpgrade)>;
/// Looks at a request before its handler; an answer stops it there (authentication, rate limits).
using HttpFilter = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

/// How large the body of one request may be. `held` lives until the request is over or goes to its handler.
struct BodyAllowance {
  std::size_t bytes = 0;
  std::shared_ptr<void> held = {};
};
/// Asked when the head is there and before any of the body is kept. Nothing: the server's maxBodyBytes.
using BodyRule = std::function<std::optional<BodyAllowance>(const HttpRequest& head)>;

struct StaticFiles {
  std::string directory;
  std::string cacheControl =
      "no-cache";  ///< Always with an ETag; files under assets/ are immutable for a year.
  std::string contentSecurityPolicy;
  bool singlePage = false;  ///< Unknown paths without a dot give index.html.
  bool anyOrigin = false;   ///< Scripts of every origin may read the files (CORS).
};

/// Path patterns: literal segments, {name} for one segment, a last "*" for the rest. More literal wins.
/// A known path with another method: 405 with Allow. HEAD follows GET.
class Router {
 public:
  Router();
  ~Router();
  void add(std::string method, std::string pattern, HttpHandler handler);
  void addWebSocket(std::string pattern, WebSocketHandler handler);
  /// Serves the folder below `prefix` ("/assistsample"): index.html for folders, 308 to the form with a
  /// slash, gzip when accepted, ETag and If-None-Match, ranges, right types; never outside the folder.
  void addStatic(std::string prefix, StaticFiles files);
  void addFilter(std::string prefix, HttpFilter filter);  ///< For all paths below prefix, in order added.
  /// Larger bodies for paths below prefix, never more than `most`; the first rule that answers counts.
  void addBodyRule(std::string prefix, std::size_t most, BodyRule rule);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct HttpServerOptions {
  std::size_t maxConnections = 4096;
  std::size_t maxConnectionsPerAddress = 512;
  std::size_t maxHeaderBytes = 16 * 1024;
  std::size_t maxBodyBytes = 1 << 20;
  /// TLS handshakes that run at a time; more are closed at once. Many pages come from one company's address.
  HandshakeLimiter::Limits handshakes{.total = 256, .perNetwork = 64};
  base::Millis handshakeTimeout{10'000};  ///< From the accept; a peer that says nothing ends with it, too.
  base::Millis headerTimeout{10'000};
  base::Millis bodyTimeout{30'000};
  base::Millis idleTimeout{75'000};
  base::Millis writeTimeout{30'000};
  base::Millis handlerTimeout{30'000};
  std::vector<std::string> trustedProxies;  ///< Addresses whose X-Forwarded-For/-Proto is believed.
  std::string serverHeader;                 ///< Empty: no Server header.
};

class HttpServer {
 public:
  HttpServer(EventLoop& loop, std::shared_ptr<Router> router, HttpServerOptions options);
  ~HttpServer();
  /// Without a TLS context: plain HTTP. Returns the bound endpoint (port 0 binds any). May be called for
  /// several addresses. Error "net.bind_failed".
  base::Result<Endpoint> listen(const Endpoint& bind, std::shared_ptr<TlsServerContext> tls);
  /// Stops accepting, lets running requests finish (at most `limit`), closes WebSockets with 1001, then done.
  void close(base::Millis limit, std::function<void()> done);
  std::size_t connections() const;
  /// What runs already goes on.
  void setHandshakeLimits(HandshakeLimiter::Limits limits);

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::net
