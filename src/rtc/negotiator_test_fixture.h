// Test only: a negotiator with two legs, and looking into what it writes.
#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/random.h"
#include "proto/sdp.h"
#include "rtc/negotiator.h"
#include "rtc/negotiator_test_peer.h"

namespace parley::rtc {

inline const LegId kA{"a"};
inline const LegId kB{"b"};

inline LocalTransport testTransport() {
  LocalTransport transport;
  transport.fingerprint.algorithm = "sha-256";
  for (int i = 0; i < 31; ++i) transport.fingerprint.value += "AB:";
  transport.fingerprint.value += "CD";
  proto::TransportAddress v4, v6;
  v4.ip[10] = v4.ip[11] = 0xff;
  v4.ip[12] = 192, v4.ip[14] = 2, v4.ip[15] = 7;
  v6.ip[0] = 0x20, v6.ip[1] = 0x01, v6.ip[2] = 0x0d, v6.ip[3] = 0xb8, v6.ip[15] = 7;
  v4.port = v6.port = 16000;
  transport.candidates = {v4, v6};
  return transport;
}

/// All of a description, to see that nothing changed.
inline std::string dump(const LegDescription* d) {
  if (d == nullptr) return "none";
  std::string out = fmt::format("{}/{} {}/{} {} {} {} {}\n", d->localIce.ufrag, d->localIce.pwd,
                                d->remoteIce.ufrag, d->remoteIce.pwd, static_cast<int>(d->ourDtlsRole),
                                d->iceGeneration, d->dtlsGeneration, d->cname);
  for (const auto& f : d->remoteFingerprints) out += f.algorithm + f.value + "\n";
  for (const auto& s : d->sections) {
    out += fmt::format("{} {} {} {}{}{}{} {} {} {}:", s.index, s.mid, static_cast<int>(s.kind), s.rejected,
                       s.peerSends, s.peerReceives, s.reducedRtcp, s.ourSsrc.value(), s.ourRtxSsrc.value(),
                       s.maxBitrate);
    for (const auto& c : s.codecs)
      out += fmt::format(" {}={}/{}/{} {} {}", c.payloadType.value(), c.name, c.clockRate, c.channels, c.fmtp,
                         c.rtx ? c.rtx->value() : 0);
    for (const auto ssrc : s.peerSsrcs) out += fmt::format(" {}", ssrc.value());
    out += fmt::format(" rtx {} mid {}\n", s.peerRtx.size(), s.extensions.mid);
  }
  return out;
}

class NegotiatorFixture : public testing::Test {
 protected:
  NegotiatorFixture() { use({}); }

  void use(NegotiatorOptions options) {
    negotiator_.emplace(std::move(options), random_);
    negotiator_->addLeg(kA, LegKind::webrtc, testTransport());
    negotiator_->addLeg(kB, LegKind::webrtc, testTransport());
  }

  static std::string load(const std::string& name) {
    std::ifstream in(std::string(PARLEY_SOURCE_DIR) + "/tests/data/sdp/" + name + ".sdp", std::ios::binary);
    EXPECT_TRUE(in.good()) << name;
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static proto::SdpSession read(const std::string& sdp) {
    auto session = proto::parseSdp(sdp);
    EXPECT_TRUE(session.has_value()) << session.error().text << "\n" << sdp;
    return session.value_or(proto::SdpSession{});
  }

  /// What must work; "" and a failure if it does not.
  static std::string good(const base::Result<std::string>& result) {
    EXPECT_TRUE(result.has_value()) << result.error().reason << ": " << result.error().text;
    return result.value_or("");
  }
  static std::string reason(const base::Result<std::string>& result) {
    return result ? "accepted" : result.error().reason;
  }

  struct Round {
    std::string offered, answered;
  };
  /// `from` offers, `to` answers as its settings say.
  Round call(const FakePeer& offerer, const FakePeer& answerer, const LegId& from = kA,
             const LegId& to = kB) {
    Round round;
    round.offered = good(negotiator_->offer(from, offerer.offer(), to));
    if (round.offered.empty()) return round;
    round.answered = good(negotiator_->answer(to, answerer.answer(round.offered)));
    return round;
  }

  const LegDescription& description(const LegId& leg) const {
    static const LegDescription kNone;
    const auto* found = negotiator_->description(leg);
    EXPECT_NE(found, nullptr);
    return found == nullptr ? kNone : *found;
  }
  const MediaSection& section(const LegId& leg, std::size_t index) const {
    static const MediaSection kNone;
    const auto& sections = description(leg).sections;
    EXPECT_LT(index, sections.size());
    return index < sections.size() ? sections[index] : kNone;
  }
  std::string dumpAll() const {
    return dump(negotiator_->description(kA)) + dump(negotiator_->description(kB)) +
           (negotiator_->pending() ? "pending" : "idle");
  }
  static std::vector<std::string> namesOf(const MediaSection& section) {
    std::vector<std::string> names;
    for (const auto& codec : section.codecs)
      names.push_back(fmt::format("{}:{}", codec.name, codec.payloadType.value()));
    return names;
  }
  static std::vector<std::string> mapsOf(const proto::SdpMedia& media) {
    std::vector<std::string> maps;
    for (const auto& map : media.rtpmaps) maps.push_back(fmt::format("{}:{}", map.name, map.payloadType));
    return maps;
  }

  base::FakeRandom random_;
  std::optional<Negotiator> negotiator_;
};

}  // namespace parley::rtc
