// Sends the broker's events to everyone who listens at GET /v1/events. Main loop only.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "net/websocket.h"

namespace parley::broker {

class EventHub {
 public:
  /// `instance` tells a restarted broker from the one before.
  explicit EventHub(std::string instance);
  ~EventHub();  ///< Closes with 1001.

  bool full() const { return sockets_.size() >= kMaxListeners; }
  void add(std::shared_ptr<net::WebSocket> socket);  ///< Says hello. A full hub closes it with 1013.
  /// A listener that does not keep up is closed by its socket's buffer limit, and asks for reports anew.
  void broadcast(const std::string& json);
  std::size_t listeners() const { return sockets_.size(); }
  const std::string& instance() const { return instance_; }

  static constexpr std::size_t kMaxListeners = 16;

 private:
  std::string instance_;
  std::map<std::uint64_t, std::shared_ptr<net::WebSocket>> sockets_;
  std::uint64_t last_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace parley::broker
