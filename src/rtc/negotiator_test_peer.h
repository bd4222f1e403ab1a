// A browser as far as SDP goes, for tests of the negotiator: makes offers, answers ours.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/sdp.h"

namespace parley::rtc {

struct FakeCodec {
  int payloadType = 0;
  std::string rtpmap;  ///< "VP8/90000", "opus/48000/2"
  std::string fmtp = {};
  int rtx = 0;  ///< 0: none.
  std::vector<std::string> feedback = {};
};

struct FakeLine {
  std::string kind = "audio";
  std::string mid = "0";
  std::vector<FakeCodec> codecs;
  proto::SdpDirection direction = proto::SdpDirection::sendrecv;
  bool rejected = false;
  std::vector<std::pair<int, std::string>> extensions = {};
  std::uint32_t ssrc = 0, rtxSsrc = 0;  ///< 0: no a=ssrc.
};

inline std::vector<FakeCodec> audioCodecs() {
  return {{111, "opus/48000/2", "minptime=10;useinbandfec=1", 0, {"transport-cc"}},
          {0, "PCMU/8000"},
          {126, "telephone-event/8000", "0-15"}};
}
inline std::vector<FakeCodec> videoCodecs() {
  const std::vector<std::string> feedback{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"};
  return {{96, "VP8/90000", "", 97, feedback},
          {102, "H264/90000", "packetization-mode=1;profile-level-id=42e01f", 103, feedback}};
}
inline FakeLine audioLine(std::string mid = "0") {
  return {.kind = "audio", .mid = std::move(mid), .codecs = audioCodecs(), .ssrc = 1001};
}
inline FakeLine videoLine(std::string mid = "1") {
  return {.kind = "video", .mid = std::move(mid), .codecs = videoCodecs(), .ssrc = 2001, .rtxSsrc = 2002};
}

/// One peer connection of the browser; a second object is what a reload makes.
struct FakePeer {
  explicit FakePeer(std::uint64_t id = 1)
      : sessionId(id), ufrag("peer" + std::to_string(id)), fingerprintByte(static_cast<int>(id % 10)) {}

  std::uint64_t sessionId;
  std::string ufrag, pwd = "0123456789abcdefghijkl";
  int fingerprintByte;
  std::optional<proto::SdpSetup> offerSetup = proto::SdpSetup::actpass;
  std::optional<proto::SdpSetup> answerSetup = proto::SdpSetup::active;
  std::optional<std::string> tlsId = {};
  std::vector<FakeLine> lines = {audioLine(), videoLine()};
  proto::SdpDirection answerDirection = proto::SdpDirection::sendrecv;  ///< Limited by what is offered.
  std::vector<std::string> codecsTaken = {};  ///< Names in its order; empty: all in ours.
  std::vector<std::size_t> linesRejected = {};

  proto::SdpSession offerSession() const {
    proto::SdpSession session;
    session.origin.sessionId = sessionId;
    proto::SdpGroup bundle{"BUNDLE", {}};
    for (const auto& line : lines) {
      session.media.push_back(mediaOf(line));
      if (!line.rejected) bundle.mids.push_back(line.mid);
    }
    session.groups.push_back(bundle);
    return session;
  }
  std::string offer() const { return proto::writeSdp(offerSession()); }

  proto::SdpSession answerSession(const std::string& offer) const {
    proto::SdpSession session = *proto::parseSdp(offer);
    session.origin.sessionId = sessionId;
    session.iceLite = false;
    session.groups = {{"BUNDLE", {}}};
    for (std::size_t i = 0; i < session.media.size(); ++i) {
      auto& media = session.media[i];
      answerLine(media, i);
      if (media.port != 0) session.groups[0].mids.push_back(*media.mid);
    }
    return session;
  }
  std::string answer(const std::string& offer) const { return proto::writeSdp(answerSession(offer)); }

 private:
  void setTransport(proto::SdpMedia& media, std::optional<proto::SdpSetup> setup) const {
    std::string value = "0" + std::to_string(fingerprintByte);
    for (int i = 0; i < 31; ++i) value += ":AA";
    media.transport = {};
    media.transport.iceUfrag = ufrag;
    media.transport.icePwd = pwd;
    media.transport.fingerprints = {{"sha-256", value}};
    media.transport.setup = setup;
    media.transport.tlsId = tlsId;
    media.rtcpMux = true;
  }

  static void addCodec(const FakeCodec& codec, proto::SdpMedia& media) {
    const auto number = static_cast<std::uint8_t>(codec.payloadType);
    const auto add = [&](std::uint8_t n, const std::string& map, const std::string& fmtp) {
      media.formats.push_back(std::to_string(n));
      if (!map.empty()) {
        const auto slash = map.find('/');
        const auto second = map.find('/', slash + 1);
        proto::SdpRtpmap entry{n, map.substr(0, slash), 0, 1};
        entry.clockRate = static_cast<std::uint32_t>(std::stoul(map.substr(slash + 1)));
        if (second != std::string::npos)
          entry.channels = static_cast<std::uint32_t>(std::stoul(map.substr(second + 1)));
        media.rtpmaps.push_back(entry);
      }
      if (!fmtp.empty()) media.fmtps.push_back({n, fmtp});
    };
    add(number, codec.rtpmap, codec.fmtp);
    for (const auto& feedback : codec.feedback) media.rtcpFbs.push_back({number, feedback});
    if (codec.rtx != 0)
      add(static_cast<std::uint8_t>(codec.rtx), "rtx/90000", "apt=" + std::to_string(codec.payloadType));
  }

  proto::SdpMedia mediaOf(const FakeLine& line) const {
    proto::SdpMedia media;
    media.kind = line.kind;
    media.port = line.rejected ? 0 : 9;
    media.protocol = "UDP/TLS/RTP/SAVPF";
    media.connections.emplace_back();
    media.mid = line.mid;
    media.direction = line.direction;
    media.rtcpRsize = line.kind == "video";
    setTransport(media, offerSetup);
    for (const auto& [id, uri] : line.extensions)
      media.extmaps.push_back({static_cast<std::uint16_t>(id), {}, uri, {}});
    for (const auto& codec : line.codecs) addCodec(codec, media);
    if (line.ssrc != 0) media.ssrcs.push_back({line.ssrc, {"cname", "peer"}});
    if (line.rtxSsrc != 0) {
      media.ssrcs.push_back({line.rtxSsrc, {"cname", "peer"}});
      media.ssrcGroups.push_back({"FID", {line.ssrc, line.rtxSsrc}});
    }
    return media;
  }

  void keepTaken(proto::SdpMedia& media) const {
    if (codecsTaken.empty()) return;
    std::vector<std::string> kept;
    for (const auto& name : codecsTaken)
      for (const auto& map : media.rtpmaps)
        if (map.name == name) kept.push_back(std::to_string(map.payloadType));
    media.formats = kept.empty() ? std::vector<std::string>{media.formats.front()} : kept;
    if (kept.empty()) media.port = 0;
    std::erase_if(media.rtpmaps, [&](const proto::SdpRtpmap& map) {
      return std::ranges::find(media.formats, std::to_string(map.payloadType)) == media.formats.end();
    });
  }

  void answerLine(proto::SdpMedia& media, std::size_t position) const {
    using enum proto::SdpDirection;
    const auto sends = [](proto::SdpDirection d) { return d == sendrecv || d == sendonly; };
    const auto receives = [](proto::SdpDirection d) { return d == sendrecv || d == recvonly; };
    keepTaken(media);
    if (std::ranges::find(linesRejected, position) != linesRejected.end()) media.port = 0;
    const auto offered = *media.direction;
    const bool send = sends(answerDirection) && receives(offered);
    const bool receive = receives(answerDirection) && sends(offered);
    media.direction = send ? (receive ? sendrecv : sendonly) : (receive ? recvonly : inactive);
    setTransport(media, answerSetup);
    media.bandwidths.clear();
    media.msids.clear();
    media.ssrcs.clear();
    media.ssrcGroups.clear();
    if (media.port != 0 && send)
      media.ssrcs.push_back({static_cast<std::uint32_t>(3000 + position), {"cname", "x"}});
  }
};

}  // namespace parley::rtc
