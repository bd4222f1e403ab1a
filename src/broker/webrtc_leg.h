// A browser's side of a call as a transport: ICE, DTLS and SRTP of one peer connection, over the worker's
// socket.
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
#include "broker/leg.h"
#include "rtc/dtls.h"
#include "rtc/srtp.h"

namespace parley::broker {

class WebrtcLeg final : public Leg {
 public:
  WebrtcLeg(LegHost& host, Call& call, rtc::LegIndex index, std::string callId, rtc::LegId id,
            std::shared_ptr<rtc::DtlsCertificate> certificate);
  ~WebrtcLeg() override;

  rtc::LegKind kind() const override { return rtc::LegKind::webrtc; }
  void configure(const rtc::LegDescription& description, base::Instant now) override;

  /// A STUN message for one of our ufrags.
  void onStun(base::Bytes message, std::string_view ufrag, const Pair& pair, base::Instant now);
  /// Null when a DTLS datagram from this leg's checked pair may be processed, else why not.
  std::optional<rtc::DropReason> refuseDtls() const;
  void onDtls(base::Bytes datagram, const Pair& from, base::Instant now);
  /// False: dropped and counted.
  bool unprotectRtp(proto::Packet& packet);
  bool unprotectRtcp(proto::Packet& packet);

  void sendRtp(std::size_t section, proto::Packet packet, bool mustCopy) override;
  void sendRtcp(std::size_t section, proto::Packet packet) override;
  bool mayRepeat() const override { return protect_ && protect_->mayRepeat(); }

  void onTimer(base::Instant now) override;
  base::Instant nextTimer() const override;
  void onSecond(base::Instant now) override { checkIce(now); }
  void close() override;  ///< close_notify to the peer.

  bool holds(const Pair& pair) const;  ///< It is the selected pair and checks keep coming.
  LegReport report(base::Instant now) const override;
  /// Queued DTLS datagrams of this leg, kept by the worker; they may outlive the leg, or its hold of a pair.
  std::shared_ptr<std::size_t> queuedDtls = std::make_shared<std::size_t>(0);

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
  void checkIce(base::Instant now);
  std::vector<std::pair<std::string, std::string>> pairDetail() const;

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
  bool closed_ = false;
};

}  // namespace parley::broker
