// One call on its worker: the negotiator decides its SDP, the legs carry packets in and out, the bridge joins
// them. Worker thread only.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "broker/leg.h"
#include "rtc/bridge.h"
#include "rtc/negotiator.h"

namespace parley::broker {

struct LegSpec {
  std::string id;
  rtc::LegKind kind = rtc::LegKind::webrtc;
  rtc::RtpSecurity security = rtc::RtpSecurity::none;  ///< Of an rtp leg.
  friend bool operator==(const LegSpec&, const LegSpec&) = default;
};

struct CallSpec {
  std::string id;
  CallSerial serial = 0;
  std::vector<LegSpec> legs;  ///< One to kMaxLegs; the first two are joined.
  base::Millis idle{90'000};
  rtc::NegotiatorOptions negotiator;
  rtc::BridgeOptions bridge;
};

/// What an answer is to whoever asked.
struct SdpAnswer {
  std::string sdp;
  bool peerHolds = false;
  std::vector<std::string> renegotiate;  ///< Legs that need makeOffer() before they understand each other.
};

class Call final : public rtc::BridgeSink {
 public:
  static constexpr std::size_t kMaxLegs = rtc::kMaxLegs;

  Call(LegHost& host, unsigned worker, CallSpec spec, const rtc::LocalTransport& transport,
       std::shared_ptr<rtc::DtlsCertificate> certificate, base::Random& random, base::Instant now);

  /// True: it is new. Errors: leg.exists (with another kind), call.too_many_legs.
  base::Result<bool> addLeg(const LegSpec& spec, base::Instant now);
  /// The others stay; the leg that heard it waits. Error: leg.unknown.
  base::Result<LegReport> removeLeg(std::string_view id, base::Instant now);
  /// From now on these two hear each other and nobody else.
  base::Result<std::vector<std::string>> join(std::string_view a, std::string_view b, base::Instant now);
  /// `leg` holds who hears it, and who waits hears a ringing tone or nothing. Errors: leg.unknown, leg.alone.
  base::Result<void> hold(std::string_view leg, bool held, base::Instant now, bool ringing = false);

  // As the negotiator's, and the legs follow. Errors: its reasons, and leg.unknown.
  base::Result<std::string> offer(std::string_view from, std::string_view sdp, std::string_view to,
                                  base::Instant now);
  base::Result<SdpAnswer> answer(std::string_view from, std::string_view sdp, base::Instant now);
  base::Result<SdpAnswer> answerLocally(std::string_view from, std::string_view sdp, base::Instant now);
  base::Result<std::string> makeOffer(std::string_view to, std::string_view towards, base::Instant now);
  /// One of the two: whose offer, or to whom we made one.
  base::Result<void> rollback(std::string_view from, std::string_view to, base::Instant now);

  /// What came from a leg's peer, decrypted. `section`: whose port it came by, of legs that have several.
  void onRtp(Leg& leg, proto::Packet packet, base::Instant now,
             std::optional<std::size_t> section = std::nullopt);
  void onRtcp(Leg& leg, proto::Packet packet, base::Instant now);

  void onTimer(base::Instant now);  ///< Bridge and DTLS; call at nextTimer().
  base::Instant nextTimer() const;
  void onSecond(base::Instant now);  ///< Silence, first media.
  /// Its peer has no reason to be silent in this section.
  bool expectsMedia(const Leg& leg, std::size_t section) const;
  /// BYE and close_notify to the peers that can be reached.
  void close(base::Instant now);

  void touch(base::Instant now) { lastActivity_ = now; }  ///< A request about it.
  bool idle(base::Instant now) const { return now - lastActivity_ >= spec_.idle; }
  CallReport report(base::Instant now) const;
  /// Drops inside the bridge since the last call of this.
  rtc::DropCounts newBridgeDrops(base::Instant now);
  const CallSpec& spec() const { return spec_; }
  std::size_t legCount() const;

  void onReadyChanged(Leg& leg);

  void sendRtp(rtc::LegIndex to, std::size_t section, proto::Packet packet, bool mustCopy) override;
  void sendRtcp(rtc::LegIndex to, std::size_t section, proto::Packet packet) override;
  bool mayRepeat(rtc::LegIndex to) const override { return legs_[to] && legs_[to]->mayRepeat(); }
  void keyFrameWanted(rtc::LegIndex from) override;

  /// The worker's bookkeeping: when the timer for this call is set, and whether it was touched in this batch.
  base::Instant scheduledAt = base::Instant::max();
  bool touched = false;

 private:
  Leg* find(std::string_view id) const;
  template <class Work>
  void eachLeg(Work work) const {
    for (const auto& leg : legs_)
      if (leg) work(*leg);
  }
  void placeLeg(rtc::LegIndex index, const LegSpec& spec);
  LegReport legReport(const Leg& leg, base::Instant now) const;
  SdpAnswer answerOf(std::string sdp, const Leg& leg) const;
  std::vector<std::string> renegotiate() const;
  void afterAnswer(base::Instant now);
  void configureTransports(base::Instant now);
  void configureMedia();
  void reportFirstMedia(base::Instant now);

  LegHost& host_;
  unsigned worker_;
  CallSpec spec_;
  rtc::LocalTransport transport_;  ///< Of WebRTC legs.
  std::shared_ptr<rtc::DtlsCertificate> certificate_;
  base::Instant createdAt_, lastActivity_, now_;
  rtc::Negotiator negotiator_;
  rtc::MediaBridge bridge_;
  std::array<std::unique_ptr<Leg>, kMaxLegs> legs_;
  /// Whether first media of [leg][kind][to peer] is still to be reported.
  std::array<std::array<std::array<bool, 2>, 2>, kMaxLegs> awaited_{};
  bool anyAwaited_ = false;
  rtc::DropCounts countedDrops_{}, removedDrops_{};  ///< Of the bridge; those of removed legs.
};

}  // namespace parley::broker
