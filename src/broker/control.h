// The control interface (docs/protocols/broker-control.md): routes, what they take and what they answer. Main
// loop only.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/settings.h"
#include "broker/call_registry.h"
#include "broker/control_auth.h"
#include "broker/event_hub.h"
#include "net/http.h"

namespace parley::broker {

/// What the control interface asks of the process around it.
class ControlHost {
 public:
  virtual ~ControlHost() = default;
  virtual std::string statusJson() const = 0;
  virtual std::optional<base::Error> refusesCalls() const = 0;  ///< Draining or loaded.
  virtual bool ready() const = 0;
  virtual void drain() = 0;
};

class Control {
 public:
  Control(ControlHost& host, const base::Settings& settings, CallRegistry& registry, EventHub& events,
          base::Secret secret);

  std::shared_ptr<net::Router> router() const { return router_; }
  /// Method and pattern of each route, for the test against the OpenAPI description.
  const std::vector<std::pair<std::string, std::string>>& routes() const { return routes_; }

  static constexpr std::size_t kMaxBodyBytes = 256 * 1024;
  static constexpr std::size_t kMaxIdBytes = 64;

 private:
  void add(const std::string& method, const std::string& pattern, net::HttpHandler handler);
  void addCallRoutes();
  void addLegRoutes();
  void addNegotiationRoutes();
  void addOtherRoutes();
  void createCall(const net::HttpRequest& request, net::HttpReply reply);
  void listCalls(net::HttpReply reply) const;
  void openEvents(net::WebSocketUpgrade upgrade);

  ControlHost& host_;
  const base::Settings& settings_;
  CallRegistry& registry_;
  EventHub& events_;
  ControlAuth auth_;
  std::shared_ptr<net::Router> router_;
  std::vector<std::pair<std::string, std::string>> routes_;
  base::LifeGuard guard_;
};

/// The HTTP status of a reason.
int statusOf(std::string_view reason);

}  // namespace parley::broker
