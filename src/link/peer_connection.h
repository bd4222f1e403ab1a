// One connection as peers*.cpp hold it.
#pragma once
#include "link/peers.h"

namespace parley::link {

constexpr const char* kDisabledText = "You may not sign in here any more.";

struct Peers::Connection {
  Connection(net::EventLoop& loop, std::uint64_t number, std::shared_ptr<net::WebSocket> webSocket,
             std::string comesFrom)
      : id(number), socket(std::move(webSocket)), hello(loop), network(std::move(comesFrom)) {}
  const std::uint64_t id;
  const std::shared_ptr<net::WebSocket> socket;
  net::Timer hello;
  const std::string network;
  std::string peer;      // Empty until the handshake is done.
  bool closing = false;  // What still comes is ignored.
  double tokens = 0;
  base::Instant refilled{};
};

}  // namespace parley::link
