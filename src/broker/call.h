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
  friend bool operator==(const LegSpec&, const LegSpec&) = default;
};

struct CallSpec {
  std::string id;
  CallSerial serial = 0;
  std::vector<LegSpec> legs;  ///< One or two.
  base::Millis idle{90'000};
  rtc::NegotiatorOptions negotiator;
  rtc::BridgeOptions bridge;
};

class Call final : public rtc::BridgeSink {
 public:
  static constexpr std::size_t kMaxLegs = 2;

  Call(LegHost& host, unsigned worker, CallSpec spec, const rtc::LocalTransport& transport,
       std::shared_ptr<rtc::DtlsCertificate> certificate, base::Random& random, base::Instant now);

  // As the negotiator's, and the legs follow. Errors: its reasons, and leg.unknown.
  base::Result<std::string> offer(std::string_view from, std::string_view sdp, std::string_view to,
                                  base::Instant now);
  base::Result<std::string> answer(std::string_view from, std::string_view sdp, base::Instant now);
  base::Result<std::string> answerLocally(std::string_view from, std::string_view sdp, base::Instant now);
  base::Result<void> rollback(std::string_view from, base::Instant now);

  /// Datagrams of a leg's checked pair, of the kinds that classify() told.
  void onRtp(Leg& leg, proto::Packet packet, base::Instant now);
  void onRtcp(Leg& leg, proto::Packet packet, base::Instant now);

  void onTimer(base::Instant now);  ///< Bridge and DTLS; call at nextTimer().
  base::Instant nextTimer() const;
  void onSecond(base::Instant now);  ///< ICE silence, first media.
  /// BYE and close_notify to the peers that can be reached.
  void close(base::Instant now);

  void touch(base::Instant now) { lastActivity_ = now; }  ///< A request about it.
  bool idle(base::Instant now) const { return now - lastActivity_ >= spec_.idle; }
  CallReport report(base::Instant now) const;
  /// Drops inside the bridge since the last call of this.
  rtc::DropCounts newBridgeDrops(base::Instant now);
  const CallSpec& spec() const { return spec_; }
  std::size_t legCount() const { return legs_.size(); }

  void onReadyChanged(Leg& leg);

  void sendRtp(rtc::LegIndex to, proto::Packet packet, bool mustCopy) override;
  void sendRtcp(rtc::LegIndex to, proto::Packet packet) override;
  bool mayRepeat(rtc::LegIndex to) const override { return to < legs_.size() && legs_[to]->mayRepeat(); }

  /// The worker's bookkeeping: when the timer for this call is set, and whether it was touched in this batch.
  base::Instant scheduledAt = base::Instant::max();
  bool touched = false;

 private:
  Leg* find(std::string_view id);
  void configureTransports(base::Instant now);
  void configureMedia();
  void reportFirstMedia(base::Instant now);

  unsigned worker_;
  CallSpec spec_;
  base::Instant createdAt_, lastActivity_, now_;
  rtc::Negotiator negotiator_;
  rtc::MediaBridge bridge_;
  std::vector<std::unique_ptr<Leg>> legs_;
  /// Whether first media of [leg][kind][to peer] is still to be reported.
  std::array<std::array<std::array<bool, 2>, 2>, kMaxLegs> awaited_{};
  bool anyAwaited_ = false;
  rtc::DropCounts countedDrops_{};
};

}  // namespace parley::broker
