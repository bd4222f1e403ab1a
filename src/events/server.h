// The endpoint of application events, /gateway/aed: pages as link::Peers has them, topics as Topics has them,
// and the store between: what changes is written first and told then. Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/guard.h"
#include "base/metrics.h"
#include "events/topics.h"
#include "link/peers.h"
#include "store/store.h"

namespace parley::events {

class Server final : public link::PeersListener {
 public:
  Server(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random, store::Store& store,
         Limits limits, link::PeersOptions options);
  /// Reads what a process before this one stored; then the first page may come.
  void load(std::function<void(base::Result<void>)> done);
  link::Peers& peers() { return peers_; }
  void setTimeToLive(std::int64_t millis) { topics_.setTimeToLive(millis); }
  /// Told in `by` instead of agents' names (CON-4), to those who come from now on; empty: the names.
  void setAgentName(std::string name) { agentName_ = std::move(name); }
  void setShared(Rights rights) { shared_ = std::move(rights); }
  /// After a change of who may be here (Peers::setStands()).
  void endFallen() {
    for (const auto& peer : peers_.endFallen()) onGone(*peer);
  }
  void drain() { draining_ = true; }
  const Topics& topics() const { return topics_; }

  std::expected<void, link::Refusal> admit(const link::Peer& peer, const nlohmann::json& hello) override;
  std::string welcomeOf(const link::Peer& peer) override;
  void onUp(const std::string& peer, bool isNew) override;
  void onDown(const std::string& peer, std::uint16_t code) override;
  void onGone(const link::Peer& peer) override;
  void onMessage(const std::string& peer, const std::string& type, const nlohmann::json& message) override;
  void onAcknowledged(const std::string& peer) override;

  static link::PeersOptions peersOptions();

 private:
  void loadItems(std::function<void(base::Result<void>)> done);
  void settle();
  void write(StoreOp op);
  void pump(const std::string& peer);
  void sweep();
  void count();

  link::Peers peers_;
  Topics topics_;
  std::shared_ptr<store::Bucket> topicBucket_, dataBucket_;
  Rights shared_;
  std::string agentName_;
  bool draining_ = false;
  net::Timer sweeper_;
  base::Gauge topicsGauge_, bytesGauge_;
  base::Counter dropped_, notStored_, requests_;
  std::uint64_t droppedBefore_ = 0;
  base::LifeGuard guard_;
};

}  // namespace parley::events
