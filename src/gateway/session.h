// One page's session: identity, numbering, and the connection it has at the moment. Owned by Sessions.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/reliable_link.h"
#include "identity/tokens.h"
#include "net/event_loop.h"

namespace parley::gateway {

struct Session {
  Session(net::EventLoop& loop, std::string sessionId, std::string sessionKey, identity::CallToken claims)
      : id(std::move(sessionId)),
        key(std::move(sessionKey)),
        token(std::move(claims)),
        grace(loop),
        ackSoon(loop) {}

  const std::string id;
  const std::string key;  ///< Proves that a resuming page is the same.
  const identity::CallToken token;
  ReliableLink link;
  std::uint64_t connection = 0;  ///< 0: the connection broke; `grace` runs.
  base::Instant brokeAt{};       ///< When it broke.
  bool ending = false;
  net::Timer grace;
  net::Timer ackSoon;

  bool isAgent() const { return token.role == "agent"; }
  bool up() const { return connection != 0; }
};

}  // namespace parley::gateway
