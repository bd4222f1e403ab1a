// One page as link::Peers knows it: who it is, its numbering, and the connection it has at the moment.
#pragma once
#include <cstdint>
#include <deque>
#include <string>

#include "identity/tokens.h"
#include "link/reliable_link.h"
#include "net/event_loop.h"

namespace parley::link {

struct Peer {
  Peer(net::EventLoop& loop, std::string peerId, std::string hashOfKey, identity::CallToken claims,
       std::string comesFrom)
      : id(std::move(peerId)),
        keyHash(std::move(hashOfKey)),
        token(std::move(claims)),
        network(std::move(comesFrom)),
        brokeAt(loop.now()),
        grace(loop),
        ackSoon(loop) {}

  const std::string id;
  const std::string keyHash;  ///< Of the key, which proves that a resuming page is the same.
  const identity::CallToken token;
  std::string network;  ///< Where the page is: its address, of IPv6 the /64.
  ReliableLink numbers;
  std::uint64_t connection = 0;  ///< 0: the connection broke; `grace` runs.
  base::Instant brokeAt;         ///< When it broke.
  /// What waits, unnumbered, while the connection is broken or much is unacknowledged.
  struct Waiting {
    std::string key, object;
  };
  std::deque<Waiting> waiting;
  std::size_t waitingBytes = 0;
  bool overflowing = false;
  bool adopted = false;  ///< Another process had it: the page's numbers are not known yet.
  bool newPage = false;  ///< Resumed by a page that was loaded since, and has only what was kept for it.
  net::Timer grace;
  net::Timer ackSoon;

  bool up() const { return connection != 0; }
  bool isAgent() const { return token.role == "agent"; }
};

/// SHA-256 in hex: the key itself is kept by the page alone.
std::string keyHashOf(std::string_view key);

}  // namespace parley::link
