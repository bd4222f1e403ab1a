// A SIP device's side of a call as a transport: plain RTP or SDES-SRTP, a pair of ports for each section.
//
// Symmetric RTP: packets go where the peer's SDP says until valid ones come from another port (or address,
// see RtpLatch); then there. The source stays until the peer describes itself anew or is silent for kSilence:
// what somebody else sends in between is dropped. Worker thread only.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/leg.h"
#include "broker/rtp_ports.h"
#include "rtc/key_detector.h"
#include "rtc/srtp.h"

namespace parley::broker {

class RtpLeg final : public Leg {
 public:
  static constexpr base::Millis kSilence{5'000};
  static constexpr std::size_t kMaxSections = 8;

  RtpLeg(LegHost& host, Call& call, rtc::LegIndex index, std::string callId, rtc::LegId id,
         rtc::RtpSecurity security);
  ~RtpLeg() override;

  rtc::LegKind kind() const override { return rtc::LegKind::rtp; }
  /// Our address for a section, for its SDP; opens the ports. Nothing when none is free.
  std::optional<proto::TransportAddress> address(std::size_t section, std::optional<bool> isV4);
  /// Closes ports of sections that came to nothing. Not while an offer is pending.
  void closeUnused();

  void configure(const rtc::LegDescription& description, base::Instant now) override;
  void sendRtp(std::size_t section, proto::Packet packet, bool mustCopy) override;
  void sendRtcp(std::size_t section, proto::Packet packet) override;
  bool mayRepeat() const override;
  void onTimer(base::Instant) override {}
  base::Instant nextTimer() const override { return base::Instant::max(); }
  void onSecond(base::Instant now) override;
  void close() override;
  LegReport report(base::Instant now) const override;

 private:
  /// Whom one of the two ports speaks with.
  struct Way {
    net::Endpoint signalled;               ///< By the SDP; port 0: nowhere.
    net::Endpoint trusted;                 ///< The last that was somewhere: 0.0.0.0 only says "send nothing".
    std::optional<net::Endpoint> latched;  ///< Where it came from.
    net::Endpoint local;                   ///< The address of ours it came to.
    base::Instant heardAt{};
    bool free = true;  ///< The peer described itself since it was heard last.
    const net::Endpoint& target() const { return latched ? *latched : signalled; }
  };
  /// A format of telephone events that the peer may send.
  struct EventFormat {
    std::uint8_t payloadType = 0;
    std::uint32_t clockRate = 0;
  };
  struct Stream {
    std::unique_ptr<RtpPorts::Pair> ports;
    bool open = false, peerSends = false, mux = false;
    Way rtp, rtcp;
    std::optional<rtc::SdesKeys> keys;  ///< Those that the contexts were made with.
    std::unique_ptr<rtc::SrtpContext> protect, unprotect;
    std::array<bool, 128> payloadTypes{};  ///< That the peer may send.
    std::vector<EventFormat> eventFormats;
    rtc::KeyDetector keypad;
    base::Instant awaitedSince{};  ///< RTP (or RTCP) should come since.
    bool heard = false, timedOut = false;
    bool told = false;  ///< Of its silence; again when it was on hold in between.
  };

  void onBatch(std::size_t section, bool rtcpPort, std::span<net::Datagram> batch, base::Instant now);
  void onDatagram(std::size_t section, bool rtcpPort, net::Datagram& datagram, base::Instant now);
  bool unprotect(Stream& stream, proto::Packet& packet, bool rtcp);
  bool allowed(const Way& way, const net::Endpoint& from, base::Instant now) const;
  void latch(std::size_t section, Way& way, const net::Datagram& datagram, bool rtcp, base::Instant now);
  void configureStream(Stream& stream, const rtc::MediaSection& section, base::Instant now);
  void configureKeys(Stream& stream, const std::optional<rtc::SdesKeys>& keys);
  void closeStream(Stream& stream);
  void detectKeys(Stream& stream, base::Bytes rtp, base::Instant now);
  void tellKey(const std::optional<rtc::DetectedKey>& key);
  void updateReady();
  std::string profile() const;

  rtc::RtpSecurity security_;
  std::array<Stream, kMaxSections> streams_;
  unsigned generation_ = 0;  ///< Of the description that the streams are set up for.
  bool closed_ = false;
  /// Nobody presses more keys than that; the budget of other events is not theirs.
  EventBudget keyEvents_{EventPace{64, base::Millis{100}}};
};

}  // namespace parley::broker
