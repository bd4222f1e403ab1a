// Codecs of the two legs side by side: which payload type of one is which of the other.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "rtc/bridge_key_frames.h"
#include "rtc/media_config.h"

namespace parley::rtc {

constexpr std::uint8_t kNoPayloadType = 0xff;

/// What the packet path needs to know of a codec.
struct BridgeCodec {
  std::string name;
  std::uint32_t clockRate = 0;
  std::uint32_t channels = 1;
  std::uint32_t formatKey = 0;  ///< Of the fmtp parameters that make payloads differ.
  std::uint8_t payloadType = 0;
  std::uint8_t rtx = kNoPayloadType;
  std::uint8_t received = kNoPayloadType;  ///< What the peer sends it with, if not payloadType.
  VideoFormat format = VideoFormat::none;
  bool nack = false, pli = false, fir = false, remb = false, transportCc = false;
  friend bool operator==(const BridgeCodec&, const BridgeCodec&) = default;
};

/// By the payload type of one leg: what it is, and what it becomes on the other.
struct PayloadRoute {
  enum class Kind : std::uint8_t { none, media, rtx } kind = Kind::none;
  std::uint8_t codec = 0;                ///< Position in the section's codecs.
  std::uint8_t target = kNoPayloadType;  ///< Payload type on the other leg.
  std::uint8_t targetCodec = 0;
};
using PayloadRoutes = std::array<PayloadRoute, 128>;

BridgeCodec bridgeCodecOf(const Codec& codec);
/// Same name (without case), clock rate, channels and format: H264 profile and packetization-mode
/// (RFC 6184), VP9 profile-id (RFC 9628), AV1 profile.
bool samePayload(const BridgeCodec& a, const BridgeCodec& b);
PayloadRoutes routesBetween(const std::vector<BridgeCodec>& from, const std::vector<BridgeCodec>& to);

}  // namespace parley::rtc
