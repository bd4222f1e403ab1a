// All sessions and their connections: handshake, numbering, resuming, limits, grace time.
// docs/protocols/websocketcall.md is the contract. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/metrics.h"
#include "base/random.h"
#include "gateway/messages.h"
#include "gateway/session.h"
#include "net/websocket.h"

namespace parley::gateway {

class SessionsListener {
 public:
  virtual ~SessionsListener() = default;
  /// The session's calls for the welcome: texts of JSON objects (callFields).
  virtual std::vector<std::string> callsOf(const Session& session) = 0;
  /// May a new session begin? A reason (server.draining) when not.
  virtual std::string refusalOf(const identity::CallToken& token) = 0;
  /// A new session of the same agent takes over; `old` ends right after, without onSessionGone.
  virtual void onSessionReplaced(Session& old, Session& fresh) = 0;
  /// New, or connected again; the welcome was sent.
  virtual void onSessionUp(Session& session, bool isNew) = 0;
  virtual void onSessionDown(Session& session) = 0;
  /// `left`: said so; else its time ran out. The session is gone after the call.
  virtual void onSessionGone(Session& session, bool left) = 0;
  virtual void onMessage(Session& session, const PageMessage& message) = 0;
  /// May an agent's session that says goodbye end at once, or may the page come back (a call runs)?
  virtual bool mayLeave(const Session& session) = 0;
};

struct SessionsOptions {
  base::Millis resume{60'000};
  base::Millis hello{10'000};
  base::Millis ackDelay{250};
  std::size_t maxSessions = 10'000;
  std::size_t maxConnections = 12'000;
  double messagesPerSecond = 50;
  double burst = 100;
  std::int64_t maxVideoBitrate = 2'500'000;
};

class Sessions {
 public:
  Sessions(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
           SessionsOptions options);
  ~Sessions();
  void setListener(SessionsListener* listener) { listener_ = listener; }
  /// Settings change at run time; running timers keep their time.
  void setOptions(const SessionsOptions& options) { options_ = options; }

  /// Takes a fresh connection over. `network`: where the page is, if the socket's other end is a proxy.
  void accept(std::shared_ptr<net::WebSocket> socket, std::string network = {});
  /// Sends a message (the text of a JSON object with a `type`), now or when the page is back. Of those that
  /// wait, one with a key takes the place of the one before with the same; "dtmf" is bounded instead.
  void send(const std::string& session, std::string object, const std::string& key = {});
  /// The session for another process, which knows the page again by it. Holds no key. Empty: not here.
  std::string save(const std::string& session);
  /// A session of another process: its page has its grace time to come. Gives its id; empty: not understood.
  std::string restore(const std::string& saved);
  Session* find(const std::string& session);
  Session* agentSession(const std::string& user);
  /// Tells all pages what is about to happen: the `session` message.
  void announceEnding(std::string_view text);
  /// Closes every connection with 1001 and forgets all sessions.
  void closeAll();

  std::size_t size() const { return sessions_.size(); }
  std::size_t connections() const { return connections_.size(); }
  static net::WebSocketOptions socketOptions();

 private:
  struct Connection;

  void onText(std::uint64_t id, std::string_view text);
  void onClose(std::uint64_t id, std::uint16_t code);
  void onHello(Connection& connection, const nlohmann::json& hello);
  base::Result<identity::CallToken> tokenOf(const nlohmann::json& hello, Session* resumed) const;
  Session* resumable(const nlohmann::json& hello);
  bool makeRoom();
  void beginSession(Connection& connection, identity::CallToken token);
  void resumeSession(Connection& connection, Session& session, const nlohmann::json& resume);
  void welcome(Connection& connection, Session& session, const std::string& key, bool resumed);
  void flush(Session& session);
  void onNumbered(Connection& connection, Session& session, const nlohmann::json& message);
  void handle(Session& session, const nlohmann::json& message);
  void onBye(Session& session);
  void detach(Session& session);
  void end(Session& session, bool left);
  void overflow(const std::string& session);
  void refuse(Connection& connection, std::uint16_t code, std::string_view reason, std::string_view text);
  void sendError(Session& session, const base::Error& error, const std::string& request);
  bool withinRate(Connection& connection);
  void countSessions();

  net::EventLoop& loop_;
  const identity::TokenSigner& signer_;
  base::Random& random_;
  SessionsOptions options_;
  SessionsListener* listener_ = nullptr;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;
  std::map<std::string, std::string> agentSessions_;  // By user.
  std::uint64_t lastConnection_ = 0;
  base::Gauge consumerGauge_, agentGauge_;
  base::Counter coalesced_, droppedDigits_;
  base::ThreadAffinity affinity_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
