// The application server as an object: everything from the state folder to the listening sockets, wired.
// main() makes one; tests make one on a free port.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/settings.h"
#include "link/extension.h"
#include "net/event_loop.h"

namespace parley::gateway {

class Server {
 public:
  using Extensions = std::vector<std::unique_ptr<link::Extension>>;
  /// Makes what the first start needs, then listens. Runs the loop for a moment: call it before run().
  /// `ended` comes when a drain or a stop is complete. `extensions` share its port, users and store.
  static base::Result<std::unique_ptr<Server>> start(net::EventLoop& loop, base::Settings& settings,
                                                     const std::string& stateDirectory, std::string version,
                                                     std::function<void()> ended, Extensions extensions = {});
  virtual ~Server() = default;
  /// No new calls; ends when the last call ended, or server.drain_seconds are over (INST-3).
  virtual void drain() = 0;
  virtual bool draining() const = 0;
  /// Ends the running calls with server_stopping, then ends.
  virtual void stop() = 0;
  virtual std::uint16_t port() const = 0;
};

}  // namespace parley::gateway
