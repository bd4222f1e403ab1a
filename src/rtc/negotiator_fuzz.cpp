// A call between two legs as bytes: steps separated by 0x1e, the first byte of each says which
// (o/O offer from a/b, w/W answer from b/a, l/L answered locally for a/b, r/R rollback), the rest is the SDP.
// In a step's SDP the byte 0x1d stands for "what was written last": an echo of our own SDP.
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
  }

  void step(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::string_view sdp = bytes.substr(1) == "\x1d" ? last_ : bytes.substr(1);
    const bool pending = negotiator_.pending();
    switch (bytes[0]) {
      case 'o':
        return check(negotiator_.offer(a_, sdp, b_), pending, true);
      case 'O':
        return check(negotiator_.offer(b_, sdp, a_), pending, true);
      case 'w':
        return check(negotiator_.answer(b_, sdp), pending, false);
      case 'W':
        return check(negotiator_.answer(a_, sdp), pending, false);
      case 'l':
        return check(negotiator_.answerLocally(a_, sdp), pending, pending);
      case 'L':
        return check(negotiator_.answerLocally(b_, sdp), pending, pending);
      case 'r':
        return negotiator_.rollback(a_);
      case 'R':
        return negotiator_.rollback(b_);
      default:
        return;
    }
  }

 private:
  void check(const base::Result<std::string>& result, bool before, bool after) {
    if (result) {
      PARLEY_CHECK(negotiator_.pending() == after);
      proto::SdpLimits limits;
      limits.maxBytes = 1 << 20;
      limits.maxLineBytes = 1 << 16;
      limits.maxLinesPerSection = 4096;
      PARLEY_CHECK(proto::parseSdp(*result, limits).has_value());
      last_ = *result;
    } else {
      PARLEY_CHECK(negotiator_.pending() == before);
      PARLEY_CHECK(result.error().reason.starts_with("sdp.") && !result.error().text.empty());
    }
    for (const auto& leg : {a_, b_}) checkDescription(negotiator_.description(leg));
  }

  static void checkDescription(const LegDescription* description) {
    if (description == nullptr) return;
    PARLEY_CHECK(!description->localIce.ufrag.empty());
    for (std::size_t i = 0; i < description->sections.size(); ++i) {
      const MediaSection& section = description->sections[i];
      PARLEY_CHECK(section.index == i);
      PARLEY_CHECK(section.rejected == section.codecs.empty());
      PARLEY_CHECK(section.peerSsrcs.size() <= 8 && section.peerRtx.size() <= 8);
      PARLEY_CHECK(section.rejected || section.ourSsrc != section.ourRtxSsrc);
    }
  }

  const LegId a_{"a"}, b_{"b"};
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
