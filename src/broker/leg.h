// One side of a call as the call sees it, whatever its transport is: a browser's peer connection
// (webrtc_leg.h) or the RTP ports of a SIP device (rtp_leg.h). Worker thread only.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "broker/events.h"
#include "broker/report.h"
#include "net/endpoint.h"
#include "net/udp_socket.h"
#include "proto/packet.h"
#include "rtc/bridge.h"
#include "rtc/ice_lite.h"
#include "rtc/media_config.h"

namespace parley::broker {

class Call;
class Leg;
class RtpPorts;
class WebrtcLeg;
using Pair = rtc::IceLiteAgent::Pair;

inline net::Endpoint endpointOf(const proto::TransportAddress& a) {
  return net::Endpoint::fromBytes(a.ip, a.port);
}
inline proto::TransportAddress addressOf(const net::Endpoint& e) { return {e.bytes(), e.port()}; }

/// What a leg asks of its worker.
class LegHost {
 public:
  virtual ~LegHost() = default;
  virtual void addUfrag(const std::string& ufrag, WebrtcLeg& leg) = 0;
  virtual void removeUfrag(const std::string& ufrag, const WebrtcLeg& leg) = 0;
  virtual void addPair(const Pair& pair, WebrtcLeg& leg) = 0;
  virtual void removePair(const Pair& pair, const WebrtcLeg& leg) = 0;
  virtual net::UdpSocket& socketFor(const net::Endpoint& local) = 0;
  virtual RtpPorts& rtpPorts() = 0;
  /// Something is queued on a socket that is not the worker's own: it is flushed with those.
  virtual void queued(net::UdpSocket& socket) = 0;
  /// The socket is about to go.
  virtual void forget(const net::UdpSocket& socket) = 0;
  /// A socket of a leg had something: the call's timer may have moved, and what others sent must leave.
  virtual void batchDone(Call& call) = 0;
  virtual void countReceived(std::size_t bytes) = 0;
  virtual void countDrop(rtc::DropReason reason) = 0;
  virtual void countHandshake(bool connected, std::string_view reason) = 0;
  virtual void emit(WorkerEvent event) = 0;
};

class Leg {
 public:
  Leg(LegHost& host, Call& call, rtc::LegIndex index, std::string callId, rtc::LegId id)
      : host_(host), call_(call), index_(index), callId_(std::move(callId)), id_(std::move(id)) {}
  virtual ~Leg() = default;
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  Call& call() { return call_; }
  rtc::LegIndex index() const { return index_; }
  const rtc::LegId& id() const { return id_; }
  virtual rtc::LegKind kind() const = 0;

  /// What the negotiator says of this leg now; also while an offer to the peer is pending, so that what comes
  /// early is answered.
  virtual void configure(const rtc::LegDescription& description, base::Instant now) = 0;

  /// `mustCopy` false: the packet lives until the worker's sockets are flushed.
  virtual void sendRtp(std::size_t section, proto::Packet packet, bool mustCopy) = 0;
  virtual void sendRtcp(std::size_t section, proto::Packet packet) = 0;
  virtual bool mayRepeat() const = 0;

  virtual void onTimer(base::Instant now) = 0;
  virtual base::Instant nextTimer() const = 0;   ///< Instant::max() when there is none.
  virtual void onSecond(base::Instant now) = 0;  ///< About once a second: finds silence.
  virtual void close() = 0;                      ///< Nothing is sent afterwards.

  bool ready() const { return ready_; }  ///< The peer can be sent to.
  void drop(rtc::DropReason reason) {
    ++drops_[static_cast<std::size_t>(reason)];
    host_.countDrop(reason);
  }
  virtual LegReport report(base::Instant now) const = 0;

  /// How many events are told at once, and after how long one more may be.
  struct EventPace {
    double burst = 32;
    base::Millis every{1000};
  };
  /// What was told, against a pace.
  class EventBudget {
   public:
    explicit EventBudget(EventPace pace) : pace_(pace), tokens_(pace.burst) {}
    bool take(base::WallTime now);

   private:
    EventPace pace_;
    double tokens_;
    base::WallTime at_{};
  };

  /// Tells what happened on this leg, unless too much did (a peer may change its pair with each check).
  void emit(std::string_view what, std::vector<std::pair<std::string, std::string>> detail,
            base::WallTime at);

 protected:
  /// The same against a budget of its own.
  void emit(EventBudget& budget, std::string_view what,
            std::vector<std::pair<std::string, std::string>> detail, base::WallTime at);
  void setReady(bool ready);  ///< Tells the call when it changes.

  LegHost& host_;
  Call& call_;
  rtc::LegIndex index_;
  std::string callId_;
  rtc::LegId id_;
  bool ready_ = false;
  rtc::DropCounts drops_{};

 private:
  EventBudget events_{EventPace{}};
};

}  // namespace parley::broker
