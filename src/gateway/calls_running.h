// One call as calls*.cpp hold it.
#pragma once
#include <array>
#include <deque>

#include "gateway/calls.h"
#include "gateway/heard_keys.h"

namespace parley::gateway {

struct Calls::Running {
  Running(net::EventLoop& loop, CallState initial)
      : state(std::move(initial)), storeTimer(loop), saveTimer(loop), keysTimer(loop) {
    for (auto& timer : timers) timer = std::make_unique<net::Timer>(loop);
  }
  /// What one step wants done, and whether its state is stored.
  struct Batch {
    std::uint64_t number;
    bool stored;
    std::vector<Action> actions;
  };
  struct BrokerWaiting {
    BrokerWork work;
    MediaBrokers::Done done;
  };
  CallState state;
  Timeline timeline;
  HeardKeys heardKeys;
  std::array<std::unique_ptr<net::Timer>, kCallTimers> timers;
  std::deque<Batch> batches;
  std::uint64_t batchNumber = 0;
  bool releasing = false;
  net::Timer storeTimer;
  net::Timer saveTimer;  // A phone's dialog went on without a step of the call.
  net::Timer keysTimer;  // Of heardKeys.
  std::deque<BrokerWaiting> brokerQueue;
  bool brokerBusy = false;
  std::string broker;  // Also known when the call ended before the state learned it.
  std::string media = "null";
  std::vector<std::string> parties;  // As the listener was told last.
  bool finished = false;
};

}  // namespace parley::gateway
