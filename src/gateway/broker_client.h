// One media broker behind HTTPS: requests, and the event WebSocket that is always kept open
// (docs/protocols/broker-control.md). Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/guard.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "gateway/media_brokers.h"
#include "net/http_client.h"

namespace parley::gateway {

struct BrokerClientOptions {
  std::string url;  ///< https://host:port
  base::Secret secret;
  std::shared_ptr<net::TlsClientContext> tls;
  base::Millis requestTimeout{3'000};
  base::Millis reconnectMin{250}, reconnectMax{1'000};
  /// Unreachable for so long: its calls are given up.
  base::Millis lostAfter{10'000};
};

class BrokerClient {
 public:
  BrokerClient(net::EventLoop& loop, base::Random& random, BrokerClientOptions options);
  ~BrokerClient();
  void setListener(MediaBrokersListener* listener) { listener_ = listener; }

  /// One request; gives the answer's body. Errors: the broker's reason, or net.*, http.*, broker.bad_answer.
  void request(std::string method, const std::string& path, std::string body, MediaBrokers::ReportDone done);

  const std::string& name() const { return options_.url; }
  bool up() const { return up_; }
  bool draining() const { return draining_; }
  int load() const { return load_; }

 private:
  void connect();
  void onConnected(std::shared_ptr<net::WebSocket> socket);
  void onDown(std::string_view reason);
  void onEvent(std::string_view text);
  void onHello(std::string instance);

  net::EventLoop& loop_;
  base::Random& random_;
  const BrokerClientOptions options_;
  net::HttpClient http_;
  MediaBrokersListener* listener_ = nullptr;
  std::shared_ptr<net::WebSocket> events_;
  std::string instance_;  // Of the broker's process, the last that was seen.
  bool up_ = false;
  bool connecting_ = false;
  bool draining_ = false;
  int load_ = 0;
  base::Millis backoff_;
  net::Timer reconnect_;
  net::Timer lost_;
  base::Gauge upGauge_, loadGauge_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
