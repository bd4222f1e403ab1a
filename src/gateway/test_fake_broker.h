// A media broker for tests: the control interface over real HTTPS, scripted answers, no media.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guard.h"
#include "base/secret.h"
#include "net/http.h"
#include "trust/authority.h"

namespace parley::gateway::rig {

class FakeBrokerServer {
 public:
  /// Listens on 127.0.0.1; with a port of 0 on any.
  FakeBrokerServer(net::EventLoop& loop, trust::Authority& authority, std::string instance,
                   std::uint16_t port = 0);
  ~FakeBrokerServer();

  std::uint16_t port() const { return port_; }
  std::string url() const;
  void event(std::string json);
  void leg(const std::string& call, const std::string& leg, const std::string& what);
  void mediaUp(const std::string& call);

  /// When set, every request but the events gets this answer; status 0: no answer at all.
  std::optional<net::HttpResponse> script;
  std::set<std::string> calls;
  bool mediaIsUp = false;             ///< What its reports say of both legs.
  std::vector<std::string> requests;  ///< "PUT /v1/calls/x", in order.
  std::size_t listeners() const { return listeners_.size(); }

 private:
  void onRequest(net::HttpRequest request, net::HttpReply reply);
  void onEvents(net::WebSocketUpgrade upgrade);
  std::string instance_;
  base::Secret secret_;
  std::unique_ptr<net::HttpServer> server_;
  std::vector<std::shared_ptr<net::WebSocket>> listeners_;
  std::vector<net::HttpReply> unanswered_;
  std::uint16_t port_ = 0;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway::rig
