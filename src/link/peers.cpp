#include "link/peers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "link/json.h"
#include "link/peer_connection.h"

namespace parley::link {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kMaxRequestBytes = 64;
// A resuming page sends again all that was not acknowledged, at once.
constexpr double kResumeBurst = ReliableLink::kMaxKept;
constexpr std::size_t kHeaderRoom = 64 * 1024;

}  // namespace

Peers::Peers(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
             PeersOptions options)
    : loop_(loop), signer_(signer), random_(random), options_(std::move(options)), log_(options_.part) {
  // Who has names of his own counts his pages himself.
  if (options_.metrics.empty()) {
    gauge_ = base::Metrics::instance().gauge("parley_link_peers", "Pages of a part of the server.",
                                             {{"part", options_.part}});
  }
  coalesced_ =
      counter("messages_coalesced_total", "Messages that a newer one made needless before they left.", {});
}

Peers::~Peers() { closeAll(); }

base::Counter Peers::counter(const char* name, const char* help, base::Labels labels) const {
  const bool shared = options_.metrics.empty();
  if (shared) labels.insert(labels.begin(), {"part", options_.part});
  return base::Metrics::instance().counter((shared ? "parley_link" : options_.metrics) + "_" + name, help,
                                           std::move(labels));
}

base::Counter Peers::refused(std::string_view reason) const {
  return counter("refused_total", "Connections and messages of pages refused, by reason.",
                 {{"reason", std::string(reason)}});
}

void Peers::count() {
  if (gauge_) gauge_->set(static_cast<std::int64_t>(peers_.size()));
}

net::WebSocketOptions Peers::socketOptions() const {
  net::WebSocketOptions options;
  // Between our limits and this one the page gets a reason; beyond it just 1009.
  options.maxMessageBytes = std::max(2 * options_.maxTextBytes, options_.maxBinaryBytes + kHeaderRoom);
  options.maxBufferedBytes = 4 * ReliableLink::kMaxKeptBytes + 4 * options_.maxBinaryBytes;
  options.compress = options_.compress;
  options.pingInterval = base::Millis{5'000};  // A lost network is to be known within seconds.
  options.pongTimeout = base::Millis{5'000};
  return options;
}

void Peers::accept(std::shared_ptr<net::WebSocket> socket, std::string network) {
  affinity_.assertHere();
  const std::uint64_t id = ++lastConnection_;
  auto& connection = connections_[id] = std::make_unique<Connection>(loop_, id, socket, std::move(network));
  connection->tokens = options_.burst;
  connection->refilled = loop_.now();
  socket->start(guard_.wrap([this, id](std::string_view text) { onText(id, text); }),
                guard_.wrap([this, id](base::Bytes bytes) { onBinary(id, bytes); }),
                guard_.wrap([this, id](std::uint16_t code, std::string_view) { onClose(id, code); }));
  if (connections_.size() > options_.maxConnections) {
    return refuse(*connection, kFull, "server.full", "There are too many connections.");
  }
  connection->hello.start(options_.hello, [this, id] {
    refuse(*connections_.at(id), kHelloExpected, "hello.expected", "No hello came in time.");
  });
}

bool Peers::withinRate(Connection& connection) {
  const base::Instant now = loop_.now();
  const std::chrono::duration<double> passed = now - connection.refilled;
  connection.refilled = now;
  // Never less than what is there: a resuming page starts with more than the burst.
  const double full = std::max(options_.burst, connection.tokens);
  connection.tokens = std::min(full, connection.tokens + passed.count() * options_.messagesPerSecond);
  if (connection.tokens < 1) return false;
  connection.tokens -= 1;
  return true;
}

void Peers::onText(std::uint64_t id, std::string_view text) {
  affinity_.assertHere();
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second->closing) return;
  Connection& connection = *found->second;
  std::optional<base::LogContext> context;
  if (!connection.peer.empty()) context.emplace(options_.idName, connection.peer);
  if (text.size() > options_.maxTextBytes) {
    return refuse(connection, kTooLarge, "message.too_large",
                  fmt::format("A message is at most {} bytes.", options_.maxTextBytes));
  }
  if (!withinRate(connection)) {
    return refuse(connection, kRateExceeded, "rate.exceeded", "Too many messages.");
  }
  const auto json = parseJson(text);
  if (!json) return refuse(connection, kMalformed, json.error().reason, json.error().text);
  const auto type = json->is_object() ? stringAt(*json, "type") : std::nullopt;
  if (!type)
    return refuse(connection, kMalformed, "message.malformed", "A message is an object with a type.");
  if (connection.peer.empty()) {
    if (*type == "hello") return onHello(connection, *json);
    return refuse(connection, kHelloExpected, "hello.expected", "The first message is hello.");
  }
  if (Peer* peer = at(connection.peer)) onNumbered(connection, *peer, *type, *json);
}

void Peers::onBinary(std::uint64_t id, base::Bytes bytes) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second->closing) return;
  Connection& connection = *found->second;
  if (connection.peer.empty()) {
    return refuse(connection, kHelloExpected, "hello.expected", "The first message is hello.");
  }
  if (options_.maxBinaryBytes == 0) {
    return refuse(connection, kMalformed, "message.malformed", "Messages are texts.");
  }
  if (!withinRate(connection)) {
    return refuse(connection, kRateExceeded, "rate.exceeded", "Too many messages.");
  }
  const base::LogContext context(options_.idName, connection.peer);
  listener_->onBinary(std::string(connection.peer), bytes);
}

void Peers::onHello(Connection& connection, const Json& hello) {
  if (integerAt(hello, "version") != kVersion) {
    connection.socket->sendText(
        R"({"type":"error","fatal":true,"reason":"version.unsupported","text":"This version of the protocol is not spoken here.","supported":[1]})");
    return refuse(connection, kVersionUnsupported, "version.unsupported", "");
  }
  Peer* resumed = resumable(hello);
  const std::string text = stringAt(hello, "token").value_or("");
  // A resuming page may show the token it began with, even if its time is over: the key is the better proof.
  // A consumer's may be a new one, too: it names nobody, each has a random user.
  auto token = resumed != nullptr ? signer_.verifyIgnoringExpiry(text, options_.audience)
                                  : signer_.verify(text, options_.audience, base::wallNow());
  if (token && resumed != nullptr &&
      (token->role != resumed->token.role ||
       (token->role != "consumer" && token->user != resumed->token.user))) {
    token = base::fail("token.invalid", "The token is somebody else's.");
  }
  if (token && stands_ && !stands_(*token)) token = base::fail("user.disabled", kDisabledText);
  if (!token) return refuse(connection, kTokenRefused, token.error().reason, token.error().text);
  if (resumed != nullptr) return resume(connection, *resumed, hello["resume"]);
  if (peers_.size() >= options_.maxPeers) {
    return refuse(connection, kFull, "server.full", "There are too many pages. Please try again later.");
  }
  begin(connection, std::move(*token), hello);
}

/// The peer that the hello may resume, or null: unknown, over, or the key is wrong.
Peer* Peers::resumable(const Json& hello) {
  const auto wish = hello.find("resume");
  if (wish == hello.end() || !wish->is_object()) return nullptr;
  Peer* peer = at(stringAt(*wish, options_.idName.c_str()).value_or(""));
  if (peer == nullptr || peer->overflowing) return nullptr;
  const std::string hash = keyHashOf(stringAt(*wish, "key").value_or(""));
  return base::equalsConstantTime(base::asBytes(hash), base::asBytes(peer->keyHash)) ? peer : nullptr;
}

void Peers::begin(Connection& connection, identity::CallToken token, const Json& hello) {
  constexpr std::size_t kIdLength = 21, kKeyLength = 43;
  const std::string key = random_.alphanumeric(kKeyLength);
  const std::string id = options_.idName.front() + random_.alphanumeric(kIdLength);
  Peer& peer =
      *(peers_[id] = std::make_unique<Peer>(loop_, id, keyHashOf(key), std::move(token), connection.network));
  const std::uint64_t asking = connection.id;
  const auto admitted = listener_->admit(peer, hello);
  // Letting this one in may have ended another; this connection is still the one that asks.
  const auto found = connections_.find(asking);
  if (admitted && found == connections_.end()) return gone(id);
  if (!admitted) {
    take(id);
    if (found == connections_.end()) return;
    const Refusal& refusal = admitted.error();
    return refuse(*found->second, refusal.code, refusal.error.reason, refusal.error.text);
  }
  const base::LogContext context(options_.idName, id);
  found->second->peer = id;
  peer.connection = asking;
  log_.info(options_.idName + " began", {{"role", peer.token.role}, {"user", peer.token.user}});
  count();
  welcome(*found->second, peer, key, false);
  flush(peer);
  listener_->onUp(id, true);
}

void Peers::resume(Connection& connection, Peer& peer, const Json& wish) {
  const base::LogContext context(options_.idName, peer.id);
  const std::int64_t ack = integerAt(wish, "ack").value_or(0);
  if (peer.adopted && ack >= 0) peer.numbers.adopt(ack);
  if (!peer.numbers.acknowledge(ack)) {
    return refuse(connection, kMalformed, "message.malformed", "ack is higher than what was sent.");
  }
  const std::string id = peer.id;
  if (peer.up()) {
    cut(peer, kReplaced, "replaced");
    listener_->onReplaced(id);
    if (at(id) == nullptr) return refuse(connection, kTokenRefused, "token.invalid", "The session is over.");
  }
  connection.peer = id;
  connection.tokens += kResumeBurst;
  peer.connection = connection.id;
  peer.network = connection.network;
  peer.newPage = wish.contains("fresh") && wish["fresh"] == true;
  peer.grace.stop();
  log_.info(options_.idName + " resumed", {{"adopted", peer.adopted}});
  peer.adopted = false;
  welcome(connection, peer, stringAt(wish, "key").value_or(""), true);
  for (std::string& text : peer.numbers.unacknowledged()) connection.socket->sendText(std::move(text));
  flush(peer);
  listener_->onUp(id, false);
}

void Peers::welcome(Connection& connection, const Peer& peer, const std::string& key, bool resumed) {
  connection.hello.stop();
  std::string text = dumpJson(
      {{"type", "welcome"},
       {"version", kVersion},
       {options_.idName, peer.id},
       {"key", key},
       {"resumed", resumed},
       {"role", peer.token.role},
       {"user", peer.token.user},
       {"name", peer.token.name},
       {"ack", peer.numbers.received()},
       {"limits",
        {{"resumeSeconds", std::chrono::duration_cast<std::chrono::seconds>(options_.resume).count()},
         {"maxMessage", options_.maxTextBytes}}}});
  const std::string more = listener_->welcomeOf(peer);
  text.back() = ',';
  text.append(more, 1);
  connection.socket->sendText(std::move(text));
}

void Peers::onNumbered(Connection& connection, Peer& peer, const std::string& type, const Json& message) {
  if (message.contains("ack")) {
    const auto ack = integerAt(message, "ack");
    if (!ack || !peer.numbers.acknowledge(*ack)) {
      return refuse(connection, kMalformed, "message.malformed", "ack is not a number that was sent.");
    }
    flush(peer);
    const std::string acknowledging = peer.id;
    listener_->onAcknowledged(acknowledging);
    if (at(acknowledging) == nullptr) return;  // It was ended.
  }
  const std::string id = peer.id;
  if (!message.contains("seq")) {
    if (type == "ack") return;
    if (options_.unnumbered.contains(type)) return listener_->onMessage(id, type, message);
  }
  const auto seq = integerAt(message, "seq");
  if (!seq || *seq < 1) return refuse(connection, kMalformed, "message.malformed", "seq is missing.");
  switch (peer.numbers.arrived(*seq)) {
    case ReliableLink::Arrival::duplicate:
      break;
    case ReliableLink::Arrival::gap:
      return refuse(connection, kMalformed, "message.malformed", "seq is not the next number.");
    case ReliableLink::Arrival::next:
      if (type != "ack") listener_->onMessage(id, type, message);
      if (at(id) == nullptr) return;  // It left.
      break;
  }
  acknowledgeSoon(peer);
}

void Peers::acknowledgeSoon(Peer& peer) {
  if (peer.ackSoon.running()) return;
  peer.ackSoon.start(options_.ackDelay, [this, &peer] {
    if (!peer.up() || !peer.numbers.owesAck()) return;
    connections_.at(peer.connection)->socket->sendText(peer.numbers.ackMessage());
  });
}

void Peers::onClose(std::uint64_t id, std::uint16_t code) {
  affinity_.assertHere();
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const std::string peerId = found->second->peer;
  connections_.erase(found);
  Peer* peer = at(peerId);
  if (peer == nullptr || peer->connection != id) return;
  const base::LogContext context(options_.idName, peerId);
  log_.info("connection closed", {{"code", code}});
  lost(*peer, code);
}

/// Without a connection: it has its time to come back.
void Peers::lost(Peer& peer, std::uint16_t code) {
  peer.connection = 0;
  peer.brokeAt = loop_.now();
  peer.ackSoon.stop();
  peer.grace.start(options_.resume, [this, id = peer.id] { gone(id); });
  listener_->onDown(std::string(peer.id), code);
}

void Peers::hurry(const std::string& id, base::Millis within) {
  Peer* peer = at(id);
  if (peer == nullptr || peer->up() || within >= options_.resume) return;
  peer->grace.start(within, [this, id] { gone(id); });
}

std::unique_ptr<Peer> Peers::take(const std::string& id) {
  auto taken = peers_.extract(id);
  if (taken.empty()) return nullptr;
  count();
  return std::move(taken.mapped());
}

void Peers::gone(const std::string& id) {
  if (const auto peer = take(id)) listener_->onGone(*peer);
}

/// Says why and closes. The peer, if any, can be resumed.
void Peers::refuse(Connection& connection, std::uint16_t code, std::string_view reason,
                   std::string_view text) {
  if (connection.closing) return;
  connection.closing = true;
  connection.hello.stop();
  refused(reason).add();
  log_.warn("connection refused",
            {{"reason", reason}, {"text", text}, {"remote", connection.socket->remote().address()}});
  if (!text.empty()) {
    connection.socket->sendText(
        dumpJson({{"type", "error"}, {"fatal", true}, {"reason", reason}, {"text", text}}));
  }
  connection.socket->close(code, reason);
}

void Peers::sendError(const std::string& peer, const base::Error& error, const std::string& request) {
  refused(error.reason).add();
  Json out = {{"type", "error"}, {"fatal", false}, {"reason", error.reason}, {"text", error.text}};
  if (!request.empty() && isLabel(request, kMaxRequestBytes)) out["request"] = request;
  send(peer, dumpJson(out));
}

const Peer* Peers::find(const std::string& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

Peer* Peers::at(const std::string& peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

}  // namespace parley::link
