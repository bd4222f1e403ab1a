// The pages of calls over link::Peers: whose session it is, one page for each agent, who may come in, and
// who leaves for good. docs/protocols/websocketcall.md is the contract. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "gateway/messages.h"
#include "link/peers.h"

namespace parley::gateway {

/// One page's session: identity, numbering, and the connection it has at the moment.
using Session = link::Peer;

class SessionsListener {
 public:
  virtual ~SessionsListener() = default;
  /// The session's calls for the welcome: texts of JSON objects (callFields).
  virtual std::vector<std::string> callsOf(const Session& session) = 0;
  /// May a new session begin? A reason (server.draining) when not.
  virtual std::string refusalOf(const identity::CallToken& token) = 0;
  /// A new session of the same agent takes over; `old` ends right after, without onSessionGone.
  virtual void onSessionReplaced(const Session& old, const Session& fresh) = 0;
  /// New, or connected again; the welcome was sent.
  virtual void onSessionUp(const Session& session, bool isNew) = 0;
  /// `leaves`: its page said that it is left; the next page of the site may come in its place.
  virtual void onSessionDown(const Session& session, bool leaves) = 0;
  /// `left`: said so; else its time ran out. Nothing can be sent to it any more.
  virtual void onSessionGone(const Session& session, bool left) = 0;
  virtual void onMessage(const Session& session, const PageMessage& message) = 0;
  /// May a session that says goodbye end at once, or may the page come back (a call runs)?
  virtual bool mayLeave(const Session& session) = 0;
};

struct SessionsOptions {
  base::Millis resume{60'000};
  /// How long the next page of a customer who left one in a call may take; 0: the call ends with the page.
  base::Millis nextPage{15'000};
  base::Millis hello{10'000};
  base::Millis ackDelay{250};
  std::size_t maxSessions = 10'000;
  std::size_t maxConnections = 12'000;
  double messagesPerSecond = 50;
  double burst = 100;
  std::int64_t maxVideoBitrate = 2'500'000;
};

class Sessions final : private link::PeersListener {
 public:
  Sessions(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
           const SessionsOptions& options);
  void setListener(SessionsListener* listener) { listener_ = listener; }
  /// Times and bounds change at run time; running timers keep their time.
  void setOptions(const SessionsOptions& options);

  /// Takes a fresh connection over. `network`: where the page is, if the socket's other end is a proxy.
  void accept(std::shared_ptr<net::WebSocket> socket, std::string network = {});
  /// As Peers::send(); but of those with the key "dtmf" so many are kept.
  void send(const std::string& session, std::string object, const std::string& key = {});
  /// As Peers::save() and Peers::restore().
  std::string save(const std::string& session) const { return peers_.save(session); }
  std::string restore(const std::string& saved);
  const Session* find(const std::string& session) const { return peers_.find(session); }
  const Session* agentSession(const std::string& user) const;
  /// Tells all pages what is about to happen: the `session` message.
  void announceEnding(std::string_view text);
  /// As Peers::setStands().
  void setStands(std::function<bool(const identity::CallToken&)> stands) {
    peers_.setStands(std::move(stands));
  }
  /// Agents that were disabled are gone at once, and with them their calls.
  void endFallen();
  /// Closes every connection with 1001 and forgets all sessions.
  void closeAll();

  std::size_t size() const { return peers_.size(); }
  std::size_t connections() const { return peers_.connections(); }
  net::WebSocketOptions socketOptions() const { return peers_.socketOptions(); }

 private:
  std::expected<void, link::Refusal> admit(const Session& fresh, const nlohmann::json& hello) override;
  std::string welcomeOf(const Session& session) override;
  void onUp(const std::string& session, bool isNew) override;
  void onDown(const std::string& session, std::uint16_t code) override;
  void onReplaced(const std::string&) override {}  // The calls go on as if nothing had been.
  void onGone(const Session& session) override;
  void onMessage(const std::string& session, const std::string& type, const nlohmann::json& message) override;

  bool makeRoom(const Session& fresh);
  void replace(const Session& fresh);
  void onBye(const Session& session);
  void ended(const Session& session, bool left);
  void count();

  SessionsOptions options_;
  SessionsListener* listener_ = nullptr;
  std::map<std::string, std::string> agentSessions_;  // By user.
  std::set<std::string> leaving_;                     // Customers' sessions that wait for their next page.
  std::uint64_t digits_ = 0;
  base::Gauge consumerGauge_, agentGauge_;
  base::Counter droppedDigits_;
  link::Peers peers_;
};

}  // namespace parley::gateway
