// What the gateway asks of media brokers (docs/protocols/broker-control.md), as an interface: the real ones
// are behind HTTPS (brokers.h), tests have scripted ones.
#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "gateway/call_step.h"

namespace parley::gateway {

/// What brokers tell by themselves. Called on the loop, never inside a call of MediaBrokers.
class MediaBrokersListener {
 public:
  virtual ~MediaBrokersListener() = default;
  virtual void onLegChanged(const std::string& call, event::LegChanged change) = 0;
  /// The broker removed the call by itself.
  virtual void onCallRemoved(const std::string& call) = 0;
  /// The broker restarted, or could not be reached for too long: its calls are gone.
  virtual void onBrokerLost(const std::string& broker) = 0;
  /// Its events can be received (again): what was told in between has to be asked for.
  virtual void onBrokerBack(const std::string& broker) = 0;
};

/// Every request ends, with an answer or an error (the broker's reason, or net.*), and never inside the call.
class MediaBrokers {
 public:
  using Done = std::function<void(base::Result<std::string>)>;
  virtual ~MediaBrokers() = default;
  virtual void setListener(MediaBrokersListener* listener) = 0;
  /// Chooses a broker and makes the call there; gives the broker's name.
  virtual void create(const std::string& call, Done done) = 0;
  /// Gives the rewritten offer for the other side.
  virtual void offer(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
                     Done done) = 0;
  virtual void answer(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
                      Done done) = 0;
  virtual void answerLocally(const std::string& broker, const std::string& call, Side from,
                             const std::string& sdp, Done done) = 0;
  /// Gives the final report, JSON.
  virtual void remove(const std::string& broker, const std::string& call, Done done) = 0;
  virtual void report(const std::string& broker, const std::string& call, Done done) = 0;
};

}  // namespace parley::gateway
