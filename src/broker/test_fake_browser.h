// A browser as far as the broker sees one: full ICE agent's checks, DTLS, SRTP, on a UDP socket of its
// own. For tests and benchmarks; not in any program.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "proto/classify.h"
#include "proto/rtp.h"
#include "proto/stun.h"
#include "rtc/dtls.h"
#include "rtc/hmac_sha1.h"
#include "rtc/srtp.h"

namespace parley::broker {

/// The value of the first line that starts with `prefix`, or "".
inline std::string sdpValue(const std::string& sdp, const std::string& prefix) {
  std::size_t at = sdp.rfind(prefix, 0) == 0 ? 0 : sdp.find("\n" + prefix);
  if (at == std::string::npos) return "";
  at = sdp.find(prefix, at) + prefix.size();
  return sdp.substr(at, sdp.find_first_of("\r\n", at) - at);
}

class FakeBrowser {
 public:
  struct Received {
    proto::RtpHeader header;
    base::Buffer payload;
  };
  static constexpr std::uint8_t kOpus = 111, kVp8 = 96;

  FakeBrowser(net::EventLoop& loop, std::uint32_t ssrc, bool video = false, std::string address = "127.0.0.1")
      : loop_(loop), timer_(loop), ssrc_(ssrc), video_(video), address_(std::move(address)) {
    newPeerConnection();
  }

  /// As after a reload.
  void newPeerConnection() {
    newSocket();
    certificate_ = *rtc::DtlsCertificate::generate();
    fingerprint = certificate_->fingerprint().value;
    dtls_.reset();
    protect_.reset();
    unprotect_.reset();
    ssrc_ += 100;
    sequence_ = static_cast<std::uint16_t>(random_.u32());
    restartIce();
  }
  /// The network changed: another address, the same peer connection.
  void newSocket() {
    net::UdpOptions options;
    options.batch = 8;  // Tests and benchmarks have many browsers.
    auto opened = net::UdpSocket::open(loop_, *net::Endpoint::parse(address_, 0), options,
                                       [this](std::span<net::Datagram> batch, base::Instant now) {
                                         for (auto& datagram : batch) onDatagram(datagram, now);
                                       });
    PARLEY_CHECK(opened.has_value());
    socket_ = std::move(*opened);
  }
  void restartIce() {
    ufrag = random_.alphanumeric(4);
    pwd = random_.alphanumeric(24);
  }

  std::string offer() { return describe("actpass"); }
  std::string answer(const std::string& brokerOffer) {
    apply(brokerOffer);
    return describe(passive ? "passive" : "active");
  }
  /// Takes the broker's credentials and address from its SDP.
  void apply(const std::string& sdp) {
    remoteUfrag = sdpValue(sdp, "a=ice-ufrag:");
    remotePwd = sdpValue(sdp, "a=ice-pwd:");
    remoteFingerprint_ = sdpValue(sdp, "a=fingerprint:sha-256 ");
    const std::string candidate = sdpValue(sdp, "a=candidate:");  // Outlives the views.
    const auto words = base::split(candidate, ' ');
    if (words.size() < 6) return;
    target = *net::Endpoint::parse(words[4], base::parseNumber<std::uint16_t>(words[5]).value());
  }

  /// Checks every 20 ms until connected, then every `keepAlive`; starts DTLS after the first success.
  void connect(base::Millis keepAlive = base::Millis{1000}) {
    check();
    keepAlive_ = keepAlive;
    tick();
  }
  void stopChecks() { timer_.stop(); }

  void check(bool nominate = true) {
    std::array<std::uint8_t, 256> buffer;
    proto::StunTransactionId id;
    random_.fill(id);
    proto::StunWriter writer(buffer, proto::StunClass::request, proto::kStunBinding, id);
    writer.username(remoteUfrag + ":" + ufrag);
    writer.priority(0x7e0000ff);
    writer.iceControlling(random_.u64());
    if (nominate) writer.useCandidate();
    writer.integrity(base::asBytes(remotePwd), rtc::hmacSha1);
    writer.fingerprint();
    PARLEY_CHECK(writer.ok());
    send(writer.message());
  }
  void send(base::Bytes datagram) {
    socket_->queueCopy(target, {}, datagram);
    socket_->flush();
  }

  /// One packet with `payload`; gives what went over the wire (for replays).
  base::Buffer sendRtp(std::uint8_t payloadType, std::string_view payload) {
    base::Buffer slot(64 + 12 + payload.size() + 64);
    base::ByteWriter writer(base::MutableBytes(slot).subspan(64));
    writer.u8(0x80);
    writer.u8(payloadType);
    writer.u16(sequence_++);
    writer.u32(timestamp_ += 960);
    writer.u32(payloadType == kVp8 ? ssrc_ + 1 : ssrc_);
    writer.bytes(base::asBytes(payload));
    proto::Packet packet{slot, 64, writer.size()};
    if (protect_) PARLEY_CHECK(protect_->rtp(packet).has_value());
    base::Buffer wire(packet.data().begin(), packet.data().end());
    send(wire);
    return wire;
  }
  void closeDtls() { dtls_->close(); }
  /// Keys agreed elsewhere, no ICE and no DTLS (the benchmark's bare forwarder).
  void adopt(std::unique_ptr<rtc::SrtpContext> protect, std::unique_ptr<rtc::SrtpContext> unprotect) {
    protect_ = std::move(protect);
    unprotect_ = std::move(unprotect);
  }

  bool connected() const { return protect_ != nullptr; }
  bool dtlsClosed() const { return dtls_ && dtls_->state() == rtc::DtlsState::closed; }
  net::Endpoint local() const { return socket_->localEndpoint(); }

  std::string ufrag, pwd, remoteUfrag, remotePwd;
  std::string fingerprint;  ///< As told in the SDP; a test may lie.
  net::Endpoint target;
  std::vector<Received> received;
  std::size_t receivedPackets = 0, receivedRtcp = 0, undecryptable = 0;
  bool keepReceived = true;
  /// What offers and answers list: number and rtpmap.
  std::vector<std::pair<int, std::string>> audio = {{kOpus, "opus/48000/2"}};
  unsigned checkAnswers = 0, checkErrors = 0;
  net::Endpoint answeredFrom;
  bool startDtls = true;
  bool passive = false;  ///< Answers as the DTLS server: the broker is to speak first.

 private:
  void tick() {
    const auto now = base::steadyNow();
    if (dtls_ && dtls_->nextTimer() && *dtls_->nextTimer() <= now) dtls_->onTimer(now);
    timer_.start(connected() ? keepAlive_ : base::Millis{20}, [this] {
      check();
      tick();
    });
  }

  std::string describe(const std::string& setup) {
    std::string sdp = "v=0\r\no=- 4711 " + std::to_string(++version_) +
                      " IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0" + (video_ ? " 1" : "") + "\r\n";
    const auto section = [&](const std::string& head, const std::string& codec, const char* mid,
                             std::uint32_t ssrc) {
      sdp += "m=" + head + "\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + pwd +
             "\r\na=fingerprint:sha-256 " + fingerprint + "\r\na=setup:" + setup + "\r\na=mid:" + mid +
             "\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:" + codec + "\r\na=ssrc:" + std::to_string(ssrc) +
             " cname:fake\r\n";
    };
    std::string formats, maps;
    for (const auto& [number, codec] : audio) {
      formats += " " + std::to_string(number);
      maps += (maps.empty() ? "" : "\r\na=rtpmap:") + std::to_string(number) + " " + codec;
    }
    section("audio 9 UDP/TLS/RTP/SAVPF" + formats, maps, "0", ssrc_);
    if (video_) section("video 9 UDP/TLS/RTP/SAVPF 96", "96 VP8/90000", "1", ssrc_ + 1);
    return sdp;
  }

  void onDatagram(net::Datagram& datagram, base::Instant now) {
    const auto offset = static_cast<std::size_t>(datagram.data.data() - datagram.storage.data());
    proto::Packet packet{datagram.storage, offset, datagram.data.size()};
    switch (proto::classify(datagram.data)) {
      case proto::PacketKind::stun:
        return onStun(datagram, now);
      case proto::PacketKind::dtls:
        if (dtls_) dtls_->onDatagram(datagram.data, now);
        return afterDtls();
      case proto::PacketKind::rtp:
        return onRtp(packet);
      case proto::PacketKind::rtcp:
        if (unprotect_ && unprotect_->rtcp(packet)) ++receivedRtcp;
        return;
      default:
        return;
    }
  }
  void onStun(const net::Datagram& datagram, base::Instant now) {
    const auto message = proto::StunMessage::parse(datagram.data);
    if (!message) return;
    if (message->kind != proto::StunClass::success) {
      ++checkErrors;
      return;
    }
    if (!message->verifyIntegrity(base::asBytes(remotePwd), rtc::hmacSha1)) return;
    ++checkAnswers;
    answeredFrom = datagram.remote;
    if (dtls_ || !startDtls) return;
    const auto role = passive ? rtc::DtlsRole::server : rtc::DtlsRole::client;
    auto made = rtc::DtlsEndpoint::create(certificate_, role, {{"sha-256", remoteFingerprint_}},
                                          [this](base::Bytes bytes) { send(bytes); });
    PARLEY_CHECK(made.has_value());
    dtls_ = std::move(*made);
    dtls_->start(now);
  }
  void afterDtls() {
    if (!dtls_ || protect_ || dtls_->state() != rtc::DtlsState::connected) return;
    const rtc::SrtpKeys& keys = *dtls_->keys();
    using Direction = rtc::SrtpContext::Direction;
    protect_ = *rtc::SrtpContext::create(Direction::protect, keys.profile, keys.sendKey, keys.sendSalt);
    unprotect_ =
        *rtc::SrtpContext::create(Direction::unprotect, keys.profile, keys.receiveKey, keys.receiveSalt);
  }
  void onRtp(proto::Packet packet) {
    if (!unprotect_ || !unprotect_->rtp(packet)) {
      ++undecryptable;
      return;
    }
    ++receivedPackets;
    if (!keepReceived) return;
    const auto view = proto::parseRtp(packet.data());
    PARLEY_CHECK(view.has_value());
    const auto payload = packet.data().subspan(view->headerSize, view->payloadSize);
    received.push_back({view->header, base::Buffer(payload.begin(), payload.end())});
  }

  net::EventLoop& loop_;
  net::Timer timer_;
  base::SystemRandom random_;
  std::uint32_t ssrc_;
  bool video_;
  std::string address_;
  base::Millis keepAlive_{1000};
  unsigned version_ = 0;
  std::uint16_t sequence_ = 0;
  std::uint32_t timestamp_ = 0;
  std::string remoteFingerprint_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::shared_ptr<rtc::DtlsCertificate> certificate_;
  std::unique_ptr<rtc::DtlsEndpoint> dtls_;
  std::unique_ptr<rtc::SrtpContext> protect_, unprotect_;
};

}  // namespace parley::broker
