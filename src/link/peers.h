// Pages over WebSockets (docs/protocols/websocketcall.md, "Reliability" and "Handshake"): hello and welcome,
// numbering, resuming after a break, limits, grace time. What a page may do is the listener's business. Loop
// thread only.
#pragma once
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "link/peer.h"
#include "net/websocket.h"

namespace parley::link {

/// Codes with which connections are closed; parts add their own from 4020 on.
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

struct Refusal {
  std::uint16_t code = kMalformed;
  base::Error error;
};

class PeersListener {
 public:
  virtual ~PeersListener() = default;
  /// A page that resumes nothing: may it come in? It is among the others already, without a connection; what
  /// is sent to it goes out after the welcome. It must not be ended inside.
  virtual std::expected<void, Refusal> admit(const Peer& peer, const nlohmann::json& hello) = 0;
  /// What the welcome has besides: the text of a JSON object with at least one member.
  virtual std::string welcomeOf(const Peer& peer) = 0;
  /// New, or connected again; the welcome was sent.
  virtual void onUp(const std::string& peer, bool isNew) = 0;
  /// Its connection closed with `code`; it may come back. It may be ended inside.
  virtual void onDown(const std::string& peer, std::uint16_t code) = 0;
  /// A new connection of the same page takes the place of the one it has; onUp() follows.
  virtual void onReplaced(const std::string& peer) { onDown(peer, kReplaced); }
  /// Its time ran out, or it did not keep up. It is gone: find() does not know it any more.
  virtual void onGone(const Peer& peer) = 0;
  /// `message` has a `type`. The peer may be ended inside.
  virtual void onMessage(const std::string& peer, const std::string& type, const nlohmann::json& message) = 0;
  /// Only where PeersOptions allow it.
  virtual void onBinary(const std::string&, base::Bytes) {}
  /// The page took some of what was sent: there is room for more.
  virtual void onAcknowledged(const std::string&) {}
};

struct PeersOptions {
  std::string part;              ///< Component of the log, and label of the metrics: "assist".
  std::string audience;          ///< Of the tokens.
  std::string idName = "party";  ///< What messages, log and store call a page's id.
  std::string metrics;           ///< Their names begin so, without a label; empty: parley_link.
  base::Millis resume{60'000};
  base::Millis hello{10'000};
  base::Millis ackDelay{250};
  std::size_t maxPeers = 10'000;
  std::size_t maxConnections = 12'000;
  std::size_t maxTextBytes = 128 * 1024;
  std::size_t maxBinaryBytes = 0;  ///< 0: binary messages are refused.
  bool compress = true;            ///< Texts, where a page offers it; pages then compress all they send.
  double messagesPerSecond = 50;
  double burst = 100;
  std::set<std::string> unnumbered;  ///< Types that come without `seq` and may be lost.
};

class Peers {
 public:
  Peers(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
        PeersOptions options);
  ~Peers();
  void setListener(PeersListener* listener) { listener_ = listener; }
  /// Whether who has this token may be here; asked at each hello. Not set: everybody.
  void setStands(std::function<bool(const identity::CallToken&)> stands) { stands_ = std::move(stands); }
  /// Changes at run time; running timers keep their time.
  void setResume(base::Millis resume) { options_.resume = resume; }
  void setMaxConnections(std::size_t most) { options_.maxConnections = most; }

  /// Takes a fresh connection over. `network`: where the page is (of IPv6 the /64).
  void accept(std::shared_ptr<net::WebSocket> socket, std::string network);
  /// Sends a message (the text of a JSON object with a `type`), now or when the page is back. Of those that
  /// wait, one with a key takes the place of the one before with the same.
  void send(const std::string& peer, std::string object, const std::string& key = {});
  /// Only to a page that is connected; shared by all that get it. False: it is away.
  bool sendBinary(const std::string& peer, std::shared_ptr<const base::Buffer> bytes);
  /// An error that does not end the connection.
  void sendError(const std::string& peer, const base::Error& error, const std::string& request);
  /// The peer for another process, which knows the page again by it. Holds no key. Empty: not here.
  std::string save(const std::string& peer) const;
  /// A peer of another process: its page has its grace time to come, then onGone() tells of its end. Gives
  /// its id, also of one that is here already; empty: not understood, or there are too many.
  std::string restore(const std::string& saved);
  /// For onDown(): it has no longer than this to come back.
  void hurry(const std::string& peer, base::Millis within);
  /// Closes the connection, after what was sent; the page may resume.
  void hangUp(const std::string& peer, std::uint16_t code, std::string_view reason);
  /// The same, and forgets the peer without telling the listener. Gives what it was; null: not here.
  std::unique_ptr<Peer> end(const std::string& peer, std::uint16_t code, std::string_view reason);
  /// Ends, as end() does, those whose token stands no longer, and tells them; gives what they were.
  std::vector<std::unique_ptr<Peer>> endFallen();
  /// Closes every connection with 1001 and forgets all.
  void closeAll();

  const Peer* find(const std::string& peer) const;
  const std::unordered_map<std::string, std::unique_ptr<Peer>>& all() const { return peers_; }
  std::size_t size() const { return peers_.size(); }
  std::size_t connections() const { return connections_.size(); }
  net::WebSocketOptions socketOptions() const;

 private:
  struct Connection;
  void onText(std::uint64_t id, std::string_view text);
  void onBinary(std::uint64_t id, base::Bytes bytes);
  void onClose(std::uint64_t id, std::uint16_t code);
  void onHello(Connection& connection, const nlohmann::json& hello);
  Peer* resumable(const nlohmann::json& hello);
  void begin(Connection& connection, identity::CallToken token, const nlohmann::json& hello);
  void resume(Connection& connection, Peer& peer, const nlohmann::json& resume);
  void welcome(Connection& connection, const Peer& peer, const std::string& key, bool resumed);
  void onNumbered(Connection& connection, Peer& peer, const std::string& type, const nlohmann::json& message);
  void acknowledgeSoon(Peer& peer);
  void flush(Peer& peer);
  void checkOverflow(Peer& peer);
  void cut(Peer& peer, std::uint16_t code, std::string_view reason);
  void lost(Peer& peer, std::uint16_t code);
  std::unique_ptr<Peer> take(const std::string& peer);
  void gone(const std::string& peer);
  void overflow(const std::string& peer);
  void refuse(Connection& connection, std::uint16_t code, std::string_view reason, std::string_view text);
  bool withinRate(Connection& connection);
  base::Counter refused(std::string_view reason) const;
  base::Counter counter(const char* name, const char* help, base::Labels labels) const;
  void count();
  Peer* at(const std::string& peer);

  net::EventLoop& loop_;
  const identity::TokenSigner& signer_;
  base::Random& random_;
  PeersOptions options_;
  const base::Logger log_;
  PeersListener* listener_ = nullptr;
  std::function<bool(const identity::CallToken&)> stands_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::string, std::unique_ptr<Peer>> peers_;
  std::uint64_t lastConnection_ = 0;
  std::optional<base::Gauge> gauge_;
  base::Counter coalesced_;
  base::ThreadAffinity affinity_;
  base::LifeGuard guard_;
};

}  // namespace parley::link
