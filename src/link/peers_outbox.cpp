// What goes out to pages: numbered or waiting, and what no page takes any more.
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "link/json.h"
#include "link/peer_connection.h"
#include "link/peers.h"

namespace parley::link {
namespace {

// So much may be on its way unacknowledged; the rest waits where it can still be made less.
constexpr std::size_t kSendWindow = ReliableLink::kMaxKept / 2;

}  // namespace

std::string keyHashOf(std::string_view key) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(base::asBytes(key).data(), key.size(), digest.data());
  return base::hexEncode(digest);
}

void Peers::send(const std::string& id, std::string object, const std::string& key) {
  affinity_.assertHere();
  Peer* peer = at(id);
  if (peer == nullptr || peer->overflowing) return;
  const auto before =
      key.empty() ? peer->waiting.end() : std::ranges::find(peer->waiting, key, &Peer::Waiting::key);
  if (before != peer->waiting.end()) {
    peer->waitingBytes -= before->object.size();
    peer->waiting.erase(before);
    coalesced_.add();
  }
  peer->waitingBytes += object.size();
  peer->waiting.push_back({key, std::move(object)});
  flush(*peer);
}

/// Numbers and sends what waits, as far as the page keeps up.
void Peers::flush(Peer& peer) {
  while (peer.up() && !peer.waiting.empty() && peer.numbers.kept() < kSendWindow &&
         !peer.numbers.overflowed()) {
    std::string object = std::move(peer.waiting.front().object);
    peer.waiting.pop_front();
    peer.waitingBytes -= object.size();
    connections_.at(peer.connection)->socket->sendText(peer.numbers.wrap(std::move(object)));
  }
  checkOverflow(peer);
}

void Peers::checkOverflow(Peer& peer) {
  const bool tooMany = peer.waiting.size() + peer.numbers.kept() > ReliableLink::kMaxKept ||
                       peer.waitingBytes + peer.numbers.keptBytes() > ReliableLink::kMaxKeptBytes;
  if (peer.overflowing || (!tooMany && !peer.numbers.overflowed())) return;
  peer.overflowing = true;
  // Later: the sender may be in the middle of this very peer's business.
  loop_.post(guard_.wrap([this, id = peer.id] { overflow(id); }));
}

bool Peers::sendBinary(const std::string& id, std::shared_ptr<const base::Buffer> bytes) {
  const Peer* peer = find(id);
  if (peer == nullptr || !peer->up()) return false;
  connections_.at(peer->connection)->socket->sendShared(std::move(bytes));
  return true;
}

void Peers::overflow(const std::string& id) {
  Peer* peer = at(id);
  if (peer == nullptr) return;
  if (peer->up()) {
    Connection& connection = *connections_.at(peer->connection);
    connection.peer.clear();
    refuse(connection, kOverflow, "session.overflow", "Too much was left unacknowledged.");
    peer->connection = 0;
  }
  gone(id);
}

/// Closes the peer's connection, if it has one; what still comes on it is ignored.
void Peers::cut(Peer& peer, std::uint16_t code, std::string_view reason) {
  if (!peer.up()) return;
  Connection& connection = *connections_.at(peer.connection);
  connection.closing = true;
  connection.peer.clear();
  connection.socket->close(code, reason);
  peer.connection = 0;
}

void Peers::hangUp(const std::string& id, std::uint16_t code, std::string_view reason) {
  Peer* peer = at(id);
  if (peer == nullptr || !peer->up()) return;
  cut(*peer, code, reason);
  lost(*peer, code);
}

std::unique_ptr<Peer> Peers::end(const std::string& id, std::uint16_t code, std::string_view reason) {
  if (Peer* peer = at(id)) cut(*peer, code, reason);
  return take(id);
}

std::vector<std::unique_ptr<Peer>> Peers::endFallen() {
  std::vector<std::string> fallen;
  for (const auto& [id, peer] : peers_) {
    if (stands_ && !stands_(peer->token)) fallen.push_back(id);
  }
  const std::string told =
      dumpJson({{"type", "error"}, {"fatal", true}, {"reason", "user.disabled"}, {"text", kDisabledText}});
  std::vector<std::unique_ptr<Peer>> out;
  for (const std::string& id : fallen) {
    log_.info("ended, as its user was disabled", {{options_.idName, id}});
    const Peer& peer = *peers_.at(id);
    if (peer.up()) connections_.at(peer.connection)->socket->sendText(told);
    out.push_back(end(id, kTokenRefused, "user.disabled"));
  }
  return out;
}

void Peers::closeAll() {
  guard_.reset();
  for (const auto& [id, connection] : connections_) connection->socket->close(1001, "server stopping");
  connections_.clear();
  peers_.clear();
  count();
}

}  // namespace parley::link
