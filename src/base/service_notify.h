// Tells the service manager how the process is (sd_notify's protocol: a datagram to $NOTIFY_SOCKET). Without
// a service manager nothing happens. Never blocks.
#pragma once
#include <string>
#include <string_view>

#include "base/time.h"

namespace parley::base {

/// A variable of the environment, as the service manager made it; empty when it is not there.
std::string environment(const char* name);

class ServiceNotifier {
 public:
  ServiceNotifier();                          ///< Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
  void ready(std::string_view status) const;  ///< Start-up is done; one line for people.
  /// It ends, which may take up to `limit`: the manager waits so long, whatever its own time limit.
  void stopping(std::string_view status, Millis limit) const;
  void alive() const;  ///< Feeds the watchdog.
  /// How often alive() is wanted (half of the manager's limit); 0 when no watchdog runs.
  Millis aliveEvery() const { return aliveEvery_; }

 private:
  void send(const std::string& message) const;
  std::string socket_;
  Millis aliveEvery_{0};
};

}  // namespace parley::base
