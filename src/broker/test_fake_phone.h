// A SIP device as far as the broker sees one: two UDP sockets, SDP, plain RTP or SDES-SRTP. Test only.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "broker/test_fake_browser.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "rtc/sdes.h"

namespace parley::broker {

class FakePhone {
 public:
  struct Received {
    proto::RtpHeader header;
    base::Buffer payload;
  };
  static constexpr std::uint8_t kPcmu = 0, kOpus = 111;

  FakePhone(net::EventLoop& loop, std::uint32_t ssrc, std::string address = "127.0.0.1")
      : loop_(loop), ssrc_(ssrc), address_(std::move(address)) {
    move();
  }
  /// Other ports, as behind a NAT that forgot.
  void move() {
    rtp_ = socket([this](std::span<net::Datagram> batch) { onRtp(batch); });
    rtcp_ = socket([this](std::span<net::Datagram> batch) { receivedRtcp += batch.size(); });
  }

  /// With SRTP: offers and answers carry a key of this suite under `tag`.
  void useSdes(rtc::SrtpProfile profile, std::uint32_t tag) {
    base::SystemRandom random;
    own_ = rtc::SdesLine{tag, profile, rtc::newSdesKey(profile, random)};
  }

  /// One audio section with these payload types; `more` lines of it. Told address and ports are the sockets'
  /// unless `port` says otherwise.
  std::string sdp(const std::string& formats = "0", const std::string& more = "", std::uint16_t port = 0) {
    return "v=0\r\no=phone 1 " + std::to_string(++version_) + " IN IP4 " + address_ + "\r\ns=-\r\nc=IN IP4 " +
           address_ + "\r\nt=0 0\r\nm=audio " + std::to_string(port != 0 ? port : local().port()) +
           (own_ ? " RTP/SAVP " : " RTP/AVP ") + formats +
           "\r\na=rtpmap:111 opus/48000/2\r\na=rtcp:" + std::to_string(rtcp_->localEndpoint().port()) +
           "\r\n" + (own_ ? "a=crypto:" + rtc::writeSdes(*own_) + "\r\n" : "") + more;
  }
  /// Takes the broker's address (and key) from its SDP.
  void apply(const std::string& sdp) {
    const std::string media = sdpValue(sdp, "m=audio ");
    const auto port = base::parseNumber<std::uint16_t>(media.substr(0, media.find(' ')));
    target = *net::Endpoint::parse(sdpValue(sdp, "c=IN IP4 "), port.value());
    if (!own_) return;
    std::size_t at = 0;
    while ((at = sdp.find("a=crypto:", at)) != std::string::npos) {
      at += 9;
      const auto line = rtc::parseSdes(sdp.substr(at, sdp.find('\r', at) - at));
      if (line && line->profile == own_->profile) key(*line);
    }
  }

  void sendRtp(std::string_view payload, std::uint8_t payloadType = kPcmu) {
    sendEvent(payload, payloadType, timestamp_ += 160);
  }
  /// All packets of an event have the time of its beginning.
  void sendEvent(std::string_view payload, std::uint8_t payloadType, std::uint32_t timestamp) {
    base::Buffer slot(12 + payload.size() + 64);
    base::ByteWriter writer(slot);
    writer.u8(0x80);
    writer.u8(payloadType);
    writer.u16(sequence_++);
    writer.u32(timestamp);
    writer.u32(ssrc_);
    writer.bytes(base::asBytes(payload));
    proto::Packet packet{slot, 0, writer.size()};
    if (protect_) PARLEY_CHECK(protect_->rtp(packet).has_value());
    sendRaw(packet.data());
  }
  void sendRaw(base::Bytes datagram) {
    rtp_->queueCopy(target, {}, datagram);
    rtp_->flush();
  }
  /// From its RTCP port to the broker's, as it is.
  void sendRtcp(base::Bytes datagram) {
    rtcp_->queueCopy(target.withPort(static_cast<std::uint16_t>(target.port() + 1)), {}, datagram);
    rtcp_->flush();
  }
  void setSsrc(std::uint32_t ssrc) { ssrc_ = ssrc; }

  net::Endpoint local() const { return rtp_->localEndpoint(); }
  net::Endpoint target;
  std::vector<Received> received;
  std::size_t receivedRtcp = 0, undecryptable = 0;

 private:
  template <class Handler>
  std::unique_ptr<net::UdpSocket> socket(Handler handler) {
    net::UdpOptions options;
    options.batch = 8;
    auto opened =
        net::UdpSocket::open(loop_, *net::Endpoint::parse(address_, 0), options,
                             [handler](std::span<net::Datagram> batch, base::Instant) { handler(batch); });
    PARLEY_CHECK(opened.has_value());
    return std::move(*opened);
  }
  void key(const rtc::SdesLine& broker) {
    const auto context = [](rtc::SrtpContext::Direction direction, const rtc::SdesLine& line) {
      const base::Bytes key = base::asBytes(line.key.reveal());
      const std::size_t split = rtc::srtpKeyBytes(line.profile);
      return *rtc::SrtpContext::create(direction, line.profile, key.first(split), key.subspan(split));
    };
    protect_ = context(rtc::SrtpContext::Direction::protect, *own_);
    unprotect_ = context(rtc::SrtpContext::Direction::unprotect, broker);
  }
  void onRtp(std::span<net::Datagram> batch) {
    for (net::Datagram& datagram : batch) {
      const auto offset = static_cast<std::size_t>(datagram.data.data() - datagram.storage.data());
      proto::Packet packet{datagram.storage, offset, datagram.data.size()};
      if (unprotect_ && !unprotect_->rtp(packet)) {
        ++undecryptable;
        continue;
      }
      const auto view = proto::parseRtp(packet.data());
      if (!view) continue;
      const auto payload = packet.data().subspan(view->headerSize, view->payloadSize);
      received.push_back({view->header, base::Buffer(payload.begin(), payload.end())});
    }
  }

  net::EventLoop& loop_;
  std::uint32_t ssrc_;
  std::string address_;
  unsigned version_ = 0;
  std::uint16_t sequence_ = 100;
  std::uint32_t timestamp_ = 0;
  std::optional<rtc::SdesLine> own_;
  std::unique_ptr<rtc::SrtpContext> protect_, unprotect_;
  std::unique_ptr<net::UdpSocket> rtp_, rtcp_;
};

}  // namespace parley::broker
