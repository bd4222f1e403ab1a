// Test only: a call of browser `a`, devices `phone` and `phone2`; the first two hear each other.
#pragma once
#include <map>
#include <string>

#include "rtc/negotiator_test_fixture.h"

namespace parley::rtc {

inline const LegId kPhone{"phone"};
inline const LegId kPhone2{"phone2"};

class RtpFixture : public NegotiatorFixture {
 protected:
  RtpFixture() { use(); }

  void use(NegotiatorOptions options = {}, RtpSecurity security = RtpSecurity::none) {
    negotiator_.emplace(std::move(options), random_);
    negotiator_->addLeg(kA, LegKind::webrtc, testTransport());
    for (const LegId& id : {kPhone, kPhone2}) negotiator_->addLeg(id, LegKind::rtp, transport(id, security));
    negotiator_->join(kA, kPhone);
  }

  LocalTransport transport(const LegId& id, RtpSecurity security) {
    LocalTransport transport;
    transport.security = security;
    transport.address = [this, id](std::size_t section,
                                   std::optional<bool> isV4) -> std::optional<proto::TransportAddress> {
      if (freePorts_ == 0) return std::nullopt;
      proto::TransportAddress address = testTransport().candidates[isV4.value_or(true) ? 0 : 1];
      address.ip[15] = 9;
      address.port = static_cast<std::uint16_t>((id == kPhone ? 17000 : 17100) + 2 * section);
      return address;
    };
    return transport;
  }

  /// With what browsers have for SIP devices.
  static FakePeer browser(bool video = false) {
    FakePeer peer;
    FakeLine audio = audioLine();
    audio.codecs = {{111, "opus/48000/2", "minptime=10;useinbandfec=1", 0, {"transport-cc"}},
                    {0, "PCMU/8000"},
                    {8, "PCMA/8000"},
                    {13, "CN/8000"},
                    {110, "telephone-event/48000"},
                    {126, "telephone-event/8000"}};
    peer.lines = {audio};
    if (video) peer.lines.push_back(videoLine());
    return peer;
  }

  /// A device's description: payload types, and more lines of the section.
  static std::string phone(const std::string& formats, const std::string& lines,
                           const std::string& protocol = "RTP/AVP") {
    return "v=0\r\no=phone 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio "
           "40000 " +
           protocol + " " + formats + "\r\n" + (lines.empty() ? "" : lines + "\r\n");
  }

  int freePorts_ = 1;
};

}  // namespace parley::rtc
