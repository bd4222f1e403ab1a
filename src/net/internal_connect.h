// Name → address → TCP → TLS, for the HTTP and WebSocket clients. For net/ only.
#pragma once
#include <deque>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/secret.h"
#include "net/dns.h"
#include "net/event_loop.h"
#include "net/http_client.h"
#include "net/internal_http.h"
#include "net/internal_stream.h"

namespace parley::net {

/// One attempt to reach a server, over all its addresses, within connectTimeout. The holder keeps it;
/// dropping or cancelling it drops the callback. Loop thread only.
class Connector : public std::enable_shared_from_this<Connector> {
 public:
  using Ready = std::function<void(base::Result<std::shared_ptr<Stream>>)>;

  Connector(EventLoop& loop, std::shared_ptr<const HttpClientOptions> options, Url url, Ready ready);
  ~Connector();
  void start(Resolver& resolver);
  void start(const Endpoint& to);  ///< This address, whatever the name resolves to.
  void start(const HttpRoute& route);
  void cancel();

 private:
  void onAddresses(const base::Result<std::vector<Endpoint>>& found);
  void next();
  void onConnected(ErrorCode error);
  void askProxy();
  void readProxy();
  void onProxyAnswer();
  void shakeHands();
  void fail(std::string reason, std::string text);

  EventLoop& loop_;
  std::shared_ptr<const HttpClientOptions> options_;
  Url url_;
  Ready ready_;
  Timer timer_;
  Timer attempt_;
  std::deque<Endpoint> addresses_;
  std::shared_ptr<Stream> stream_;
  std::string tunnel_;  // Host and port that the proxy connects to; empty: no proxy.
  base::Secret proxyAuthorization_;
  std::string proxyText_;
  std::size_t proxyUsed_ = 0;
};

}  // namespace parley::net
