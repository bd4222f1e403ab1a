// One side of a call as a transport: ICE, DTLS and SRTP of one peer connection, over the worker's socket.
//
// Worker thread only. A leg puts itself into the worker's tables (ufrags, checked address pairs) and takes
// itself out when it is destroyed. Three lives with different ends:
//   - the leg and its bridge's outgoing streams: as long as the call;
//   - an ICE generation: until a restart; the old credentials serve until the first check with the new ones;
//   - a DTLS association with its SRTP contexts: until the peer comes with a new peer connection.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "broker/events.h"
#include "broker/report.h"
#include "net/endpoint.h"
#include "net/udp_socket.h"
#include "proto/packet.h"
#include "rtc/bridge.h"
#include "rtc/dtls.h"
#include "rtc/ice_lite.h"
#include "rtc/media_config.h"
#include "rtc/srtp.h"

namespace parley::broker {

class Call;
class Leg;
using Pair = rtc::IceLiteAgent::Pair;

inline net::Endpoint endpointOf(const proto::TransportAddress& a) {
  return net::Endpoint::fromBytes(a.ip, a.port);
}
inline proto::TransportAddress addressOf(const net::Endpoint& e) { return {e.bytes(), e.port()}; }

/// What a leg asks of its worker.
class LegHost {
 public:
  virtual ~LegHost() = default;
  virtual void addUfrag(const std::string& ufrag, Leg& leg) = 0;
  virtual void removeUfrag(const std::string& ufrag, const Leg& leg) = 0;
  virtual void addPair(const Pair& pair, Leg& leg) = 0;
  virtual void removePair(const Pair& pair, const Leg& leg) = 0;
  virtual net::UdpSocket& socketFor(const net::Endpoint& local) = 0;
  virtual void countDrop(rtc::DropReason reason) = 0;
  virtual void countHandshake(bool connected, std::string_view reason) = 0;
  virtual void emit(WorkerEvent event) = 0;
};

class Leg {
 public:
  Leg(LegHost& host, Call& call, rtc::LegIndex index, std::string callId, rtc::LegId id,
      std::shared_ptr<rtc::DtlsCertificate> certificate);
  ~Leg();
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  Call& call() { return call_; }
  rtc::LegIndex index() const { return index_; }
  const rtc::LegId& id() const { return id_; }

  /// What the negotiator says of this leg now; also while an offer to the peer is pending, so that its
  /// early checks and handshake are answered.
  void configure(const rtc::LegDescription& description, base::Instant now);

  /// A STUN message for one of our ufrags.
  void onStun(base::Bytes message, std::string_view ufrag, const Pair& pair, base::Instant now);
  /// Null when a DTLS datagram from this leg's checked pair may be processed, else why not.
  std::optional<rtc::DropReason> refuseDtls() const;
  void onDtls(base::Bytes datagram, const Pair& from, base::Instant now);
  /// False: dropped and counted.
  bool unprotectRtp(proto::Packet& packet);
  bool unprotectRtcp(proto::Packet& packet);

  /// `mustCopy` false: the packet lives until the worker's socket is flushed.
  void sendRtp(proto::Packet packet, bool mustCopy);
  void sendRtcp(proto::Packet packet);
  bool mayRepeat() const { return protect_ && protect_->mayRepeat(); }

  void onDtlsTimer(base::Instant now);
  base::Instant nextTimer() const;   ///< Of DTLS; Instant::max() when there is none.
  void checkIce(base::Instant now);  ///< Finds silence; about once a second.
  void close();                      ///< close_notify to the peer. Nothing is sent afterwards.

  bool ready() const { return ready_; }  ///< Keys are there and consent is fresh.
  bool holds(const Pair& pair) const;    ///< It is the selected pair and checks keep coming.
  void drop(rtc::DropReason reason);
  LegReport report(base::Instant now) const;
  /// Queued DTLS datagrams of this leg, kept by the worker; they may outlive the leg, or its hold of a pair.
  std::shared_ptr<std::size_t> queuedDtls = std::make_shared<std::size_t>(0);

  static constexpr unsigned kEventBurst = 32;       ///< Events of one leg at once …
  static constexpr base::Millis kEventEvery{1000};  ///< … and one more for each such time.

  /// Tells what happened on this leg, unless too much did (a peer may change its pair with each check).
  void emit(std::string_view what, std::vector<std::pair<std::string, std::string>> detail,
            base::WallTime at);

 private:
  bool configureIce(const rtc::LegDescription& description);  ///< True: other credentials than before.
  void configureDtls(const rtc::LegDescription& description, bool restarted, base::Instant now);
  void newAssociation(const rtc::LegDescription& description);
  void startClient(base::Instant now);
  void afterDtls();
  void onConnected();
  void sendDtls(base::Bytes datagram);
  void select(const Pair& pair);
  void updateReady();
  std::vector<std::pair<std::string, std::string>> pairDetail() const;

  LegHost& host_;
  Call& call_;
  rtc::LegIndex index_;
  std::string callId_;
  rtc::LegId id_;
  std::shared_ptr<rtc::DtlsCertificate> certificate_;

  std::optional<rtc::IceLiteAgent> ice_;
  std::vector<std::string> ufrags_;  ///< In the worker's table: the present one and at most one old one.
  std::vector<Pair> pairs_;          ///< In the worker's table; as many as the agent holds.
  rtc::IceState iceState_ = rtc::IceState::waiting;
  net::Endpoint remote_, local_;  ///< The selected pair.
  net::UdpSocket* socket_ = nullptr;

  std::unique_ptr<rtc::DtlsEndpoint> dtls_;
  rtc::DtlsRole role_ = rtc::DtlsRole::server;
  std::optional<unsigned> dtlsGeneration_;
  rtc::DtlsState dtlsState_ = rtc::DtlsState::idle;
  /// After a restart with a new association only pairs that were checked anew count.
  bool awaitFreshCheck_ = false;
  std::optional<Pair> dtlsPair_;  ///< Where the handshake takes place.

  std::unique_ptr<rtc::SrtpContext> protect_, unprotect_;
  std::string profile_;
  bool ready_ = false;
  bool closed_ = false;

  rtc::DropCounts drops_{};
  double eventTokens_ = kEventBurst;
  base::WallTime eventsAt_{};
};

}  // namespace parley::broker
