// The SDP that we write to a leg, from plain values.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "proto/sdp.h"
#include "rtc/media_config.h"
#include "rtc/negotiator.h"
#include "rtc/negotiator_codecs.h"
#include "rtc/negotiator_remote.h"

namespace parley::rtc::negotiation {

/// One m-line as we write it. A closed one needs only `kind`, `protocol`, `formats` and `mid`.
struct LocalLine {
  std::string kind, protocol;
  std::vector<std::string> formats;          ///< Closed lines only; never empty.
  std::optional<proto::SdpRtpmap> firstMap;  ///< Closed lines only: of the first format.
  bool open = false;
  std::string mid;      ///< "" writes none.
  Direction direction;  ///< Ours.
  std::vector<Codec> codecs;
  Extensions extensions;
  bool reducedRtcp = false;
  Ssrc ssrc, rtxSsrc;
  std::string track;
  std::uint32_t maxBitrate = 0;  ///< What the peer may send, bit/s; 0 = not said.
  std::optional<std::uint32_t> ptime, maxptime;
  // Of rtp legs:
  proto::TransportAddress address;  ///< Ours.
  bool rtcpMux = false;
  std::vector<SdesLine> cryptos;
};

struct LocalSdp {
  std::uint64_t sessionId = 0, version = 0;
  IceParameters ice;
  proto::SdpSetup setup = proto::SdpSetup::actpass;
  std::string cname, stream;
  std::vector<std::string> bundle;   ///< Mids; none: no group.
  std::uint32_t maxFrameBlocks = 0;  ///< As the option.
  std::vector<LocalLine> lines;
};

std::string writeLocal(const LocalSdp& local, LegKind kind, const LocalTransport& transport);

}  // namespace parley::rtc::negotiation
