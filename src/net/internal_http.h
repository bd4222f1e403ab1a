// What the HTTP server and client share: targets, header texts, parsers. For net/ only.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/http.h"
#include "net/url.h"

namespace parley::net {

struct HttpReply::Sink {
  virtual ~Sink() = default;
  virtual void send(HttpResponse response) = 0;
};
struct WebSocketUpgrade::Sink {
  virtual ~Sink() = default;
  virtual void accept(const WebSocketOptions& options,
                      std::function<void(std::shared_ptr<WebSocket>)> ready) = 0;
  virtual void refuse(HttpResponse response) = 0;
};

// ---- http_text.cpp ----

struct HttpTarget {
  std::string path;  ///< As HttpRequest::path.
  std::map<std::string, std::string, std::less<>> query;
};
/// origin-form or absolute-form (RFC 9112 section 3.2). Nothing for what no honest client sends: bad
/// escapes, control characters, text that is not UTF-8, a ".." that is left, too many parameters.
std::optional<HttpTarget> parseTarget(std::string_view target);
constexpr std::size_t kMaxQueryParameters = 100;

std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace);
/// All but letters, digits and what is in `kept` (RFC 3986 section 2.1).
std::string percentEncode(std::string_view text, std::string_view kept);
/// The value of one cookie in a Cookie header's text; empty when absent.
std::string_view cookieIn(std::string_view header, std::string_view name);
/// True if the comma-separated list has the token, case-blind.
bool listHas(std::string_view list, std::string_view token);
/// Whether a content coding is acceptable by an Accept-Encoding text (RFC 9110 section 12.5.3).
bool acceptsCoding(std::string_view header, std::string_view coding);

struct ForwardedClient {
  Endpoint address;
  bool secure = false;
  bool byUnknownProxy = false;  ///< As HttpRequest::byUnknownProxy.
};
/// Walks X-Forwarded-For from the right over trusted proxies; the first other address is the client.
ForwardedClient forwardedClient(const Endpoint& peer, bool secure, const HttpHeaders& headers,
                                const std::vector<Endpoint>& trusted);

/// Status line and headers with the final blank line. Names and values that would break the framing
/// are left out.
std::string responseHead(const HttpResponse& response, std::size_t contentLength, bool keepAlive,
                         std::string_view serverHeader, base::WallTime now);
std::string requestHead(std::string_view method, std::string_view target, const HttpHeaders& headers);
std::string_view reasonPhrase(int status);
std::string httpDate(base::WallTime t);  ///< RFC 9110 section 5.6.7.

// ---- http_parser.cpp (the only HTTP file with Beast) ----

enum class ParseState { header, body, done, failed };

struct ParseFailure {
  int status = 400;    ///< For requests.
  std::string reason;  ///< Token for the counter and the answer.
  std::string text;
};

/// One message. A request's head is taken on its own, so that its body can be refused before memory is
/// kept for it. Feed it bytes; what it did not consume is fed again with more behind it.
class RequestParser {
 public:
  RequestParser(std::size_t maxHeaderBytes, std::size_t maxBodyBytes);
  ~RequestParser();
  std::size_t feed(base::Bytes bytes);
  ParseState state() const;
  const ParseFailure& failure() const;
  /// From ParseState::body on. Headers and body are moved out.
  std::string method() const;
  std::string target() const;
  HttpHeaders takeHeaders();
  bool keepAlive() const;
  bool http11() const;
  bool expectsContinue() const;
  std::string takeBody();  ///< Once done.
  /// From ParseState::body on: what the head announces, and what is there of the body.
  std::optional<std::uint64_t> contentLength() const;
  std::size_t bodySize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseParser {
 public:
  ResponseParser(std::size_t maxBodyBytes, bool headRequest);
  ~ResponseParser();
  std::size_t feed(base::Bytes bytes);
  void feedEnd();  ///< The connection ended: done or failed.
  ParseState state() const;
  const ParseFailure& failure() const;
  bool started() const;  ///< Any byte seen.
  bool interim() const;  ///< Once done: 1xx, the real answer follows.
  HttpResponse take();   ///< Once done.
  bool keepAlive() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- http_range.cpp ----

/// First and last byte of one range (RFC 9110 section 14.1.2).
struct Range {
  std::size_t first = 0, last = 0;
};
enum class RangeKind { none, unsatisfiable, one };
/// Several ranges, other units and nonsense count as none: the whole is then a right answer.
RangeKind parseRange(std::string_view text, std::size_t size, Range& range);
bool etagMatches(std::string_view header, std::string_view etag);
/// A shorter part than asked for is allowed (RFC 9110 section 15.3.7) and bounds the memory.
constexpr std::size_t kMaxRange = 8u << 20;

// ---- http_static.cpp ----

/// The answer for `path` (below the prefix, starting with '/') from the folder.
class StaticFolder {
 public:
  explicit StaticFolder(StaticFiles files);
  ~StaticFolder();
  HttpResponse answer(const HttpRequest& request, std::string_view path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- http_router.cpp ----

struct RouteMatch {
  const HttpHandler* handler = nullptr;
  const WebSocketHandler* webSocket = nullptr;
  std::map<std::string, std::string, std::less<>> params;
  bool known = false;   ///< Some route has this path.
  std::string allowed;  ///< For Allow, when known but without a handler.
};

struct Router::Impl {
  struct Route {
    std::vector<std::string> segments;
    bool rest = false;
    std::map<std::string, HttpHandler, std::less<>> handlers;
    WebSocketHandler webSocket;
  };
  struct Filter {
    std::string prefix;
    HttpFilter filter;
  };
  std::vector<std::unique_ptr<Route>> routes;
  struct Rule {
    std::string prefix;
    std::size_t most;
    BodyRule rule;
  };
  std::vector<Filter> filters;
  std::vector<Rule> bodyRules;

  Route& route(const std::string& pattern);
  RouteMatch match(std::string_view method, std::string_view path, bool webSocket) const;
  std::optional<HttpResponse> filtered(const HttpRequest& request) const;
  std::size_t largestBody() const;  ///< Of all rules.
  std::optional<BodyAllowance> allowance(const HttpRequest& head) const;
};

}  // namespace parley::net
