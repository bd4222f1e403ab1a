// Owns the running calls: runs step(), stores the new state before anything leaves, then carries the actions
// out in order. Requests to the broker go one at a time for each call. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/metrics.h"
#include "gateway/call_step.h"
#include "gateway/media_brokers.h"
#include "gateway/phones.h"
#include "gateway/timeline.h"
#include "net/event_loop.h"
#include "store/store.h"

namespace parley::gateway {

/// How a call reaches pages and learns of what follows from its end.
class CallsListener {
 public:
  virtual ~CallsListener() = default;
  /// Of messages with the same key that could not be sent yet the last one is enough; empty: all are needed.
  virtual void sendToPage(const std::string& session, std::string object, const std::string& key) = 0;
  /// Somebody came to the call or left it.
  virtual void onPartiesChanged(const CallState& state) = 0;
  /// The call has just ended (its pages are told in the same turn).
  virtual void onCallEnded(const CallState& state) = 0;
  /// Choose the hunt group's next: event::MemberChosen.
  virtual void onNextMember(const CallState& state) = 0;
  virtual void onPhoneCall(const IncomingPhoneCall& call) = 0;
  virtual void onPhoneRefer(const CallState& state, const std::string& leg, const std::string& target,
                            const std::string& replaces, const std::string& replacesLeg) = 0;
  /// What another process needs to know the page again (Sessions::save), for the store.
  virtual std::string saveSession(const std::string& session) = 0;
  /// A call of another process goes on here. `sessions`: as saveSession() gave them.
  virtual void onRecovered(const CallState& state, const std::vector<std::string>& sessions) = 0;
};

class Calls final : public MediaBrokersListener, public PhonesListener {
 public:
  Calls(net::EventLoop& loop, store::Store& store, MediaBrokers& brokers, Phones& phones,
        CallRecords& records);
  ~Calls() override;
  void setListener(CallsListener* listener) { listener_ = listener; }

  /// Begins a call with a state in phase idle and its first event.
  void begin(CallState state, event::Dialled dialled);
  /// Takes over what a process before this one left in the store (HA-2). `done` gets how many calls go on.
  void recover(std::function<void(std::size_t)> done);
  /// Nothing happens for a call that is not here.
  void deliver(const std::string& call, decltype(Event::what) what);
  /// Null when the call is not here (any more). Valid until the loop goes on.
  const CallState* find(const std::string& call) const;
  const Timeline* timelineOf(const std::string& call) const;
  std::vector<std::string> ids() const;
  /// Those with this correlation id; none for an empty one. As find().
  std::vector<const CallState*> correlated(const std::string& correlationId) const;
  /// The call of a phone's leg; of two (a consult that is being joined) the one that joins. Empty: none.
  std::string callOfLeg(const std::string& leg) const;
  /// Since the start. Failed: ended without having been connected.
  struct Totals {
    std::uint64_t started = 0, ended = 0, failed = 0;
  };
  const Totals& totals() const { return totals_; }
  /// Calls that are not ended.
  std::size_t live() const;
  /// All there is, ended ones whose broker is still to answer included.
  std::size_t size() const { return running_.size(); }

  void onLegChanged(const std::string& call, event::LegChanged change) override;
  void onLegKey(const std::string& call, const std::string& leg, char key, std::int64_t millis) override;
  void onCallRemoved(const std::string& call) override;
  void onBrokerLost(const std::string& broker) override;
  void onBrokerBack(const std::string& broker) override;

  void onPhoneCall(const IncomingPhoneCall& call) override;
  void onPhoneProgress(const std::string& leg, int status, const std::string& sdp) override;
  void onPhoneAnswered(const std::string& leg, const std::string& sdp) override;
  void onPhoneFailed(const std::string& leg, int status, const std::string& reason,
                     const std::string& text) override;
  void onPhoneOffer(const std::string& leg, const std::string& sdp) override;
  void onPhoneOfferAnswered(const std::string& leg, const std::string& sdp) override;
  void onPhoneOfferFailed(const std::string& leg, int status, const std::string& reason) override;
  void onPhoneDtmf(const std::string& leg, const std::string& digits) override;
  void onPhoneRefer(const std::string& leg, const std::string& target, const std::string& replaces,
                    const std::string& replacesLeg) override;
  void onReferProgress(const std::string& leg, int status) override;
  void onPhoneEnded(const std::string& leg, const std::string& reason, const std::string& text) override;
  void onPhoneChanged(const std::string& leg) override;
  void onPhoneTrace(const std::string& leg, bool outgoing, const std::string& what,
                    const std::string& detailJson) override;

 private:
  struct Running;
  using BrokerWork = std::function<void(Running&, MediaBrokers::Done)>;

  void write(Running& running);
  std::string stored(const Running& running) const;
  void saveSoon(Running& running);
  void release(Running& running);
  void carryOut(Running& running, const Action& action);
  void askBroker(Running& running, const BrokerRequest& request);
  void askPhone(Running& running, const action::Phone& action);
  void sendMessages(Running& running, const Action& action);
  void send(Running& running, const action::SendCall& action);
  void queueAtBroker(Running& running, BrokerWork work, MediaBrokers::Done done);
  void nextBrokerRequest(Running& running);
  void removeAtBroker(Running& running);
  void finish(Running& running);
  void forgetIfDone(const std::string& call);
  void observe(const CallState& before, const CallState& after);
  void index(const std::string& call, const CallState& before, const CallState& after);
  void tellParties(Running& running);
  void deliverToLeg(const std::string& leg, decltype(Event::what) what);
  void deliverKeys(const std::string& call, event::PhoneDtmf keys);
  void watchKeys(Running& running);
  static bool mayComeInMedia(const CallState& state, const event::PhoneDtmf& keys);
  bool recoverOne(const std::string& key, const std::string& value);
  void dropStored(const std::string& key);

  net::EventLoop& loop_;
  MediaBrokers& brokers_;
  Phones& phones_;
  CallRecords& records_;
  CallsListener* listener_ = nullptr;
  std::shared_ptr<store::Bucket> bucket_;
  std::map<std::string, std::unique_ptr<Running>> running_;
  std::map<std::string, std::set<std::string>> legCalls_;
  Totals totals_;
  base::Gauge liveGauge_;
  base::Counter gaps_;
  base::Histogram ringTime_, answerTime_;
  base::ThreadAffinity affinity_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
