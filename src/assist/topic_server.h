// /assistserver/topic: pages, the sessions they are in, and what ends them. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "assist/records.h"
#include "assist/saved_sessions.h"
#include "assist/session.h"
#include "link/peers.h"
#include "link/rate_limiter.h"

namespace parley::assist {

struct TopicOptions {
  SessionOptions session;
  base::Millis resume{60'000};
  std::size_t maxSessions = 1'000;
};

class TopicServer final : public link::PeersListener, public SessionOut {
 public:
  TopicServer(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
              Records& records, store::Store& store, TopicOptions options);
  ~TopicServer() override;
  /// Goes on with the sessions of a process before this one: their pages have their time to come back. Before
  /// the first page comes.
  void load(std::function<void(base::Result<void>)> done);
  /// Where documents come from; without one they are refused. Before load().
  void setPushSource(PushSource* source) { source_ = source; }
  void setOptions(TopicOptions options);

  void accept(std::shared_ptr<net::WebSocket> socket, std::string network) {
    peers_.accept(std::move(socket), std::move(network));
  }
  net::WebSocketOptions socketOptions() const { return peers_.socketOptions(); }

  /// A session whose consumer's page is there, or may come back.
  const AssistSession* find(const std::string& cid) const;
  std::size_t size() const { return sessions_.size(); }
  std::vector<const AssistSession*> all() const;
  void onRetrieved(const std::string& cid);
  /// As link::Peers::setStands(); endFallen() after each change of it.
  void setStands(std::function<bool(const identity::CallToken&)> stands) {
    peers_.setStands(std::move(stands));
  }
  void endFallen() {
    for (const auto& peer : peers_.endFallen()) onGone(*peer);
  }
  /// No new sessions.
  void drain() { draining_ = true; }
  /// Closes all connections. The sessions are kept for the process that comes next.
  void stop();

 private:
  std::expected<void, link::Refusal> admit(const link::Peer& peer, const nlohmann::json& hello) override;
  std::expected<void, link::Refusal> admitConsumer(const std::string& cid, const link::Peer& peer);
  std::string welcomeOf(const link::Peer& peer) override;
  void onUp(const std::string& peer, bool isNew) override;
  void onDown(const std::string& peer, std::uint16_t code) override;
  void onGone(const link::Peer& peer) override;
  void onMessage(const std::string& peer, const std::string& type, const nlohmann::json& message) override;
  void onBinary(const std::string& peer, base::Bytes bytes) override;

  void send(const std::string& party, std::string object, const std::string& key) override;
  void show(const std::string& party, const Picture& picture) override;
  void fail(const std::string& party, const base::Error& error, const std::string& request) override;
  void part(const std::string& party, std::uint16_t code, std::string_view reason) override;
  void provide(const PushWish& wish) override;

  AssistSession* of(const std::string& peer);
  std::size_t ofNetwork(const std::string& network) const;
  std::size_t networkShare() const;
  void sweep(const AssistSession& session);
  void restore(const SavedSessions::Saved& saved);
  std::string stateOf(const AssistSession& session) const;
  void keep(AssistSession* session);
  void tick();
  void count();

  net::EventLoop& loop_;
  TopicOptions options_;
  Records& records_;
  SavedSessions saved_;
  PushSource* source_ = nullptr;
  std::map<std::string, std::unique_ptr<AssistSession>> sessions_;  // By cid.
  std::unordered_map<std::string, AssistSession*> seats_;           // By peer.
  std::map<std::string, std::string> networks_;                     // Of sessions' customers, by cid.
  link::RateLimiter strangers_;
  SessionTotals totals_, counted_;
  bool draining_ = false;
  base::Gauge gauge_;
  base::Counter picturesIn_, bytesIn_, picturesOut_, bytesOut_, refused_, refreshes_;
  link::Peers peers_;
  net::Timer ticks_;
  base::LifeGuard guard_;
};

}  // namespace parley::assist
