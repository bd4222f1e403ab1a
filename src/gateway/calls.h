// Owns the running calls: runs step(), stores the new state before anything leaves, then carries the actions
// out in order. Requests to the broker go one at a time for each call. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/metrics.h"
#include "gateway/call_step.h"
#include "gateway/media_brokers.h"
#include "gateway/timeline.h"
#include "net/event_loop.h"
#include "store/store.h"

namespace parley::gateway {

/// How a call reaches pages and learns of what follows from its end.
class CallsListener {
 public:
  virtual ~CallsListener() = default;
  virtual void sendToPage(const std::string& session, std::string object) = 0;
  /// The call has just ended (its pages are told in the same turn).
  virtual void onCallEnded(const CallState& state) = 0;
};

class Calls final : public MediaBrokersListener {
 public:
  Calls(net::EventLoop& loop, store::Store& store, MediaBrokers& brokers, CallRecords& records);
  ~Calls() override;
  void setListener(CallsListener* listener) { listener_ = listener; }

  /// Begins a call with a state in phase idle and its first event.
  void begin(CallState state, event::Dialled dialled);
  /// Nothing happens for a call that is not here.
  void deliver(const std::string& call, decltype(Event::what) what);
  /// Null when the call is not here (any more). Valid until the loop goes on.
  const CallState* find(const std::string& call) const;
  const Timeline* timelineOf(const std::string& call) const;
  std::vector<std::string> ids() const;
  /// Calls that are not ended.
  std::size_t live() const;
  /// All there is, ended ones whose broker is still to answer included.
  std::size_t size() const { return running_.size(); }

  void onLegChanged(const std::string& call, event::LegChanged change) override;
  void onCallRemoved(const std::string& call) override;
  void onBrokerLost(const std::string& broker) override;
  void onBrokerBack(const std::string& broker) override;

 private:
  struct Running;
  using BrokerDone = std::function<void(base::Result<std::string>)>;
  using BrokerWork = std::function<void(BrokerDone)>;

  void write(Running& running);
  void release(Running& running);
  void carryOut(Running& running, const Action& action);
  void send(Running& running, const action::SendCall& action);
  void askBroker(Running& running, BrokerWork work, BrokerDone done);
  void nextBrokerRequest(Running& running);
  void removeAtBroker(Running& running);
  void finish(Running& running);
  void forgetIfDone(const std::string& call);
  void observe(const CallState& before, const CallState& after);

  net::EventLoop& loop_;
  MediaBrokers& brokers_;
  CallRecords& records_;
  CallsListener* listener_ = nullptr;
  std::shared_ptr<store::Bucket> bucket_;
  std::map<std::string, std::unique_ptr<Running>> running_;
  base::Gauge liveGauge_;
  base::Counter gaps_;
  base::Histogram ringTime_, answerTime_;
  base::ThreadAffinity affinity_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
