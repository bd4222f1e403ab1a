// One connection as sessions*.cpp hold it, and the codes with which connections are closed.
#pragma once
#include "gateway/sessions.h"

namespace parley::gateway {

enum CloseCode : std::uint16_t {
  kReplaced = 4001,
  kVersionUnsupported = 4002,
  kTokenRefused = 4003,
  kHelloExpected = 4004,
  kMalformed = 4005,
  kTooLarge = 4006,
  kRateExceeded = 4008,
  kOverflow = 4009,
  kDraining = 4010,
  kFull = 4013,
};

struct Sessions::Connection {
  Connection(net::EventLoop& loop, std::uint64_t number, std::shared_ptr<net::WebSocket> webSocket)
      : id(number), socket(std::move(webSocket)), hello(loop) {}
  std::uint64_t id;
  std::shared_ptr<net::WebSocket> socket;
  net::Timer hello;
  std::string network;   // Of the page: of IPv6 the /64.
  std::string session;   // Empty until the handshake is done.
  bool closing = false;  // What still comes is ignored.
  double tokens = 0;
  base::Instant refilled{};
};

/// SHA-256: the key itself is kept by the page alone.
std::string keyHashOf(std::string_view key);

}  // namespace parley::gateway
