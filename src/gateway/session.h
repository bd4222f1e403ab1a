// One page's session: identity, numbering, and the connection it has at the moment. Owned by Sessions.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "identity/tokens.h"
#include "link/reliable_link.h"
#include "net/event_loop.h"

namespace parley::gateway {

using link::ReliableLink;

struct Session {
  Session(net::EventLoop& loop, std::string sessionId, std::string hashOfKey, identity::CallToken claims)
      : id(std::move(sessionId)),
        keyHash(std::move(hashOfKey)),
        token(std::move(claims)),
        grace(loop),
        ackSoon(loop) {}

  const std::string id;
  const std::string keyHash;  ///< Of the key, which proves that a resuming page is the same.
  const identity::CallToken token;
  ReliableLink link;
  std::uint64_t connection = 0;  ///< 0: the connection broke; `grace` runs.
  base::Instant brokeAt{};       ///< When it broke.
  bool ending = false;
  bool adopted = false;  ///< Another process had it: the page's numbers are not known yet.
  std::string network;   ///< Where the page is: its address, of IPv6 the /64.
  /// What waits, unnumbered, while the connection is broken or much is unacknowledged.
  struct Waiting {
    std::string key, object;
  };
  std::deque<Waiting> waiting;
  std::size_t waitingBytes = 0;
  net::Timer grace;
  net::Timer ackSoon;

  bool isAgent() const { return token.role == "agent"; }
  bool up() const { return connection != 0; }
};

}  // namespace parley::gateway
