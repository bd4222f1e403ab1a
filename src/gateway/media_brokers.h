// What the gateway asks of media brokers (docs/protocols/broker-control.md), as an interface: the real ones
// are behind HTTPS (brokers.h), tests have scripted ones.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::gateway {

namespace event {
struct LegChanged;
}

struct BrokerLeg {
  std::string id;
  bool phone = false;  ///< Plain RTP or SDES; else a browser's WebRTC.
  friend bool operator==(const BrokerLeg&, const BrokerLeg&) = default;
};

enum class BrokerOp {
  create,         ///< Makes the call with `legs`, joined; the reply's `text` is the broker's name.
  offer,          ///< `leg` offers `sdp` to `other`; the reply is the offer for `other`.
  answer,         ///< `leg` answers; the reply is the answer for who offered, empty if that was the broker.
  answerLocally,  ///< `leg` offers and the broker answers by itself.
  makeOffer,      ///< The reply is an offer of the broker's to `leg`, for a talk with `other`.
  rollback,       ///< What `leg` offered, or with `flag` what was offered to it, does not come about.
  bridge,         ///< `leg` and `other` hear each other and nobody else.
  hold,           ///< `flag`: `leg` puts its peer on hold, else it ends that.
  ringback,       ///< Who is on hold for `leg` hears a ringing tone, or with `flag` false nothing.
  addLeg,         ///< `legs` has one.
  removeLeg,
};
std::string_view toString(BrokerOp op);

struct BrokerRequest {
  BrokerOp op{};
  std::string leg, other;
  std::string sdp;
  bool flag = false;
  std::vector<BrokerLeg> legs;
  std::string tag;  ///< Not for the broker: comes back in event::BrokerDone.
};

struct BrokerReply {
  std::string text;                      ///< A description, or what the op says.
  bool peerHolds = false;                ///< answerLocally: the offer stops us sending.
  std::vector<std::string> renegotiate;  ///< Legs that need an offer of ours now.
};

/// What brokers tell by themselves. Called on the loop, never inside a call of MediaBrokers.
class MediaBrokersListener {
 public:
  virtual ~MediaBrokersListener() = default;
  virtual void onLegChanged(const std::string& call, event::LegChanged change) = 0;
  /// A key of a phone came in its media (RFC 4733); it was down for `millis`.
  virtual void onLegKey(const std::string& call, const std::string& leg, char key, std::int64_t millis) = 0;
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
  using Done = std::function<void(base::Result<BrokerReply>)>;
  using ReportDone = std::function<void(base::Result<std::string>)>;
  virtual ~MediaBrokers() = default;
  virtual void setListener(MediaBrokersListener* listener) = 0;
  /// `broker` is empty for create: one is chosen.
  virtual void ask(const std::string& broker, const std::string& call, const BrokerRequest& request,
                   Done done) = 0;
  /// Gives the final report, JSON.
  virtual void remove(const std::string& broker, const std::string& call, ReportDone done) = 0;
  virtual void report(const std::string& broker, const std::string& call, ReportDone done) = 0;
};

}  // namespace parley::gateway
