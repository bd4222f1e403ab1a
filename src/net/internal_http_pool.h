// The HTTP client's connections to one scheme, name and port. For net/ only.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/internal_connect.h"

namespace parley::net {

using ResponseDone = std::function<void(base::Result<HttpResponse>)>;

/// One request with its caller.
struct HttpJob {
  std::string method;
  std::shared_ptr<const std::string> bytes;  ///< Head and body. Shared: a write may outlive the job.
  ResponseDone done;
  base::Instant deadline;
  bool retried = false;
};

class HttpHost;

/// Connecting, idle, or with one request. A read is always pending, so that a server that closes an idle
/// connection is noticed before the next request goes into the void.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  explicit HttpConnection(HttpHost& host);
  void open();
  void run(HttpJob job);
  void close();  ///< Drops a running job's callback.
  bool idle() const { return stream_ != nullptr && !job_; }
  bool connecting() const { return connector_ != nullptr; }

 private:
  void read();
  void onRead(ErrorCode error, std::size_t count);
  void writeMore();
  void onResponse();
  void onParseFailure();
  void setTimer();
  void fail(base::Error error);
  void leave();

  HttpHost* host_;  ///< Null once closed.
  Timer timer_;
  std::shared_ptr<Connector> connector_;
  std::shared_ptr<Stream> stream_;
  std::optional<HttpJob> job_;
  std::unique_ptr<ResponseParser> parser_;
  base::Buffer input_;
  std::size_t inputUsed_ = 0;
  std::size_t written_ = 0;
  bool used_ = false;  ///< Carried an answer before.
};

class HttpHost : public std::enable_shared_from_this<HttpHost> {
 public:
  HttpHost(EventLoop& loop, std::shared_ptr<const HttpClientOptions> options, Resolver& resolver, Url url,
           std::optional<HttpRoute> route);
  ~HttpHost();
  /// False when the queue is full.
  bool submit(HttpJob job);
  void close();  ///< Drops all callbacks.
  bool empty() const { return connections_.empty() && queue_.empty(); }

  // From connections.
  void dispatch();
  void retry(HttpJob job);
  void remove(const HttpConnection* connection);
  void connectFailed(const base::Error& error);
  EventLoop& loop() { return loop_; }
  const std::shared_ptr<const HttpClientOptions>& options() const { return options_; }
  Resolver& resolver() { return resolver_; }
  const Url& url() const { return url_; }
  const std::optional<HttpRoute>& route() const { return route_; }

 private:
  void watchQueue();

  EventLoop& loop_;
  std::shared_ptr<const HttpClientOptions> options_;
  Resolver& resolver_;
  Url url_;
  std::optional<HttpRoute> route_;
  bool closed_ = false;
  std::vector<std::shared_ptr<HttpConnection>> connections_;
  std::deque<HttpJob> queue_;
  Timer queueTimer_;
};

}  // namespace parley::net
