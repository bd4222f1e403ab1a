// A call between browsers a, b and SIP devices c (plain RTP), d (SDES preferred) as bytes: steps separated by
// 0x1e, the first byte of each says which:
//   o/O offer from a/b to b/a, p/P from c to a and back, e/E from d to a and back; w/W answer from b/a, q/Q
//   from c/d; l/L/n/N answered here for a/b/c/d; r/R/t rollback of a/b/c, T of an offer of ours to d; m/M/u
//   offer of ours to c/a/d towards a/c/a; j/J join a with c/d; h/H hold c, or no more;
// the rest is the SDP. In a step's SDP the byte 0x1d stands for "what was written last": an echo of our own
// SDP.
#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "proto/sdp.h"
#include "rtc/negotiator.h"

namespace parley::rtc {
namespace {

class Call {
 public:
  Call() {
    LocalTransport transport;
    transport.fingerprint = {"sha-512", "AB"};
    while (transport.fingerprint.value.size() < 64 * 3 - 1) transport.fingerprint.value += ":AB";
    transport.candidates.resize(2);
    transport.candidates[1].port = 9;
    negotiator_.addLeg(a_, LegKind::webrtc, transport);
    negotiator_.addLeg(b_, LegKind::webrtc, transport);
    for (const auto& id : {c_, d_}) {
      LocalTransport plain;
      plain.security = id == d_ ? RtpSecurity::sdesPreferred : RtpSecurity::none;
      plain.address = [](std::size_t section, std::optional<bool>) -> std::optional<proto::TransportAddress> {
        proto::TransportAddress address;
        address.port = static_cast<std::uint16_t>(17000 + 2 * section);
        if (section > 6) return std::nullopt;
        return address;
      };
      negotiator_.addLeg(id, LegKind::rtp, plain);
    }
  }

  void step(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::string_view sdp = bytes.substr(1) == "\x1d" ? last_ : bytes.substr(1);
    switch (bytes[0]) {
      case 'o':
        return offer(a_, sdp, b_);
      case 'O':
        return offer(b_, sdp, a_);
      case 'p':
        return offer(c_, sdp, a_);
      case 'P':
        return offer(a_, sdp, c_);
      case 'e':
        return offer(d_, sdp, a_);
      case 'E':
        return offer(a_, sdp, d_);
      case 'w':
        return answer(b_, sdp);
      case 'W':
        return answer(a_, sdp);
      case 'q':
        return answer(c_, sdp);
      case 'Q':
        return answer(d_, sdp);
      case 'l':
        return local(a_, sdp);
      case 'L':
        return local(b_, sdp);
      case 'n':
        return local(c_, sdp);
      case 'N':
        return local(d_, sdp);
      case 'r':
        return negotiator_.rollback(a_);
      case 'R':
        return negotiator_.rollback(b_);
      case 't':
        return negotiator_.rollback(c_);
      case 'T':
        return negotiator_.rollbackTo(d_);
      case 'm':
        return make(c_, a_);
      case 'M':
        return make(a_, c_);
      case 'u':
        return make(d_, a_);
      case 'j':
        return negotiator_.join(a_, c_);
      case 'J':
        return negotiator_.join(a_, d_);
      case 'h':
        return negotiator_.setHeld(c_, true);
      case 'H':
        return negotiator_.setHeld(c_, false);
      default:
        return;
    }
  }

 private:
  using Flags = std::array<bool, 4>;
  Flags flags() const {
    return {negotiator_.pending(a_), negotiator_.pending(b_), negotiator_.pending(c_),
            negotiator_.pending(d_)};
  }
  void offer(const LegId& from, std::string_view sdp, const LegId& to) {
    const Flags before = flags();
    check(negotiator_.offer(from, sdp, to), before, from, true);
  }
  void make(const LegId& to, const LegId& towards) {
    const Flags before = flags();
    check(negotiator_.makeOffer(to, towards), before, to, true);
  }
  void answer(const LegId& from, std::string_view sdp) {
    const Flags before = flags();
    check(negotiator_.answer(from, sdp), before, from, false);
  }
  void local(const LegId& from, std::string_view sdp) {
    const Flags before = flags();
    check(negotiator_.answerLocally(from, sdp), before, from, negotiator_.pending(from));
  }

  void check(const base::Result<std::string>& result, const Flags& before, const LegId& leg, bool after) {
    if (result) {
      PARLEY_CHECK(negotiator_.pending(leg) == after);
      proto::SdpLimits limits;
      limits.maxBytes = 1 << 20;
      limits.maxLineBytes = 1 << 16;
      limits.maxLinesPerSection = 4096;
      PARLEY_CHECK(result->empty() || proto::parseSdp(*result, limits).has_value());
      if (!result->empty()) last_ = *result;
    } else {
      PARLEY_CHECK(flags() == before);
      PARLEY_CHECK(result.error().reason.starts_with("sdp.") && !result.error().text.empty());
    }
    PARLEY_CHECK(negotiator_.renegotiate().size() <= 1);
    for (const auto& each : {a_, b_, c_, d_}) checkDescription(negotiator_.description(each));
  }

  static void checkDescription(const LegDescription* description) {
    if (description == nullptr) return;
    PARLEY_CHECK(description->kind == LegKind::rtp || !description->localIce.ufrag.empty());
    for (std::size_t i = 0; i < description->sections.size(); ++i) {
      const MediaSection& section = description->sections[i];
      PARLEY_CHECK(section.index == i);
      PARLEY_CHECK(section.rejected == section.codecs.empty());
      PARLEY_CHECK(section.peerSsrcs.size() <= 8 && section.peerRtx.size() <= 8);
      PARLEY_CHECK(section.rejected || section.ourSsrc != section.ourRtxSsrc);
      PARLEY_CHECK(description->kind == LegKind::rtp || !section.rtp.keys);
    }
  }

  const LegId a_{"a"}, b_{"b"}, c_{"c"}, d_{"d"};
  base::FakeRandom random_;
  Negotiator negotiator_{NegotiatorOptions{}, random_};
  std::string last_;
};

}  // namespace
}  // namespace parley::rtc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parley::rtc::Call call;
  for (const auto step : parley::base::split(parley::base::asText({data, size}), '\x1e')) call.step(step);
  return 0;
}
