// What payload types and extension ids mean, and which codecs of two peers are the same. Plain functions.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/sdp.h"
#include "rtc/media_config.h"

namespace parley::rtc {

/// A stream of `a` can be decoded as `b`, whatever their payload types: name, clock rate, channels, and what
/// of the parameters changes the bit stream (H264 profile and packetization-mode, VP9 and AV1 profile).
bool sameCodec(const Codec& a, const Codec& b);
/// Equal for parameters of one H264 profile (RFC 6184 section 8.1, table 5: several spellings name one).
std::uint32_t h264ProfileKey(std::string_view fmtp);

}  // namespace parley::rtc

namespace parley::rtc::negotiation {

/// The header extensions that we let through, in the order of ExtensionIds.
enum class Extension { mid, transportCc, absSendTime, audioLevel, videoOrientation, toffset, playoutDelay };
constexpr std::size_t kExtensions = 7;
std::string_view uriOf(Extension extension);
/// Made and read by us on each side: does not need the other side's consent.
bool isPerHop(Extension extension);

struct ExtensionUse {
  std::uint8_t id = 0;  ///< 0: not in use.
  proto::SdpDirection direction = proto::SdpDirection::sendrecv;
};
using Extensions = std::array<ExtensionUse, kExtensions>;
ExtensionIds idsOf(const Extensions& extensions);
Extensions extensionsOf(const ExtensionIds& ids);

/// What the numbers of one peer connection mean. Once used, a number keeps its meaning (RFC 3264 section
/// 8.3.2, RFC 8285 section 5); sections of a BUNDLE share them.
struct Numbers {
  std::map<PayloadType, Codec> codecs;  ///< RTX: name "rtx", fmtp "apt=<n>".
  std::map<std::uint8_t, std::string> extensions;

  /// The number for `codec`: the one it has, else `codec.payloadType` if free, else a free one. `taken` are
  /// those already given in the same section. Nothing when none is left.
  std::optional<PayloadType> place(const Codec& codec, std::vector<PayloadType>& taken);
  std::optional<std::uint8_t> placeExtension(std::string_view uri, std::uint8_t wanted);
  void learn(const Numbers& other);
};

/// The RTX format `payloadType` of `original`.
Codec rtxOf(PayloadType payloadType, const Codec& original);
bool isTelephoneEvent(const Codec& codec);
/// Leaves the events whose clock is that of a codec of voice in the list (RFC 4733 section 2.1), if there are
/// any; else all.
template <class Item = Codec, class CodecOf = std::identity>
void matchEventClocks(std::vector<Item>& codecs, CodecOf codecOf = {}) {
  const auto fits = [&](const Item& event) {
    return std::ranges::any_of(codecs, [&](const Item& each) {
      const Codec& codec = std::invoke(codecOf, each);
      return !isTelephoneEvent(codec) && codec.clockRate == std::invoke(codecOf, event).clockRate;
    });
  };
  const auto isEvent = [&](const Item& each) { return isTelephoneEvent(std::invoke(codecOf, each)); };
  if (std::ranges::none_of(codecs, [&](const Item& each) { return isEvent(each) && fits(each); })) return;
  std::vector<Item> kept;
  for (const Item& each : codecs)
    if (!isEvent(each) || fits(each)) kept.push_back(each);
  codecs = std::move(kept);
}
/// H264 parameters with the level lowered to one whose pictures have no more than `maxBlocks` macroblocks.
std::string withLevelFor(std::string_view fmtp, std::uint32_t maxBlocks);
/// Of several H264 profiles in one packetization-mode the constrained baseline, else the first.
std::vector<Codec> oneH264PerMode(const std::vector<Codec>& codecs);
/// At least one codec that carries voice or picture.
bool hasMedia(const std::vector<Codec>& codecs);
/// Value of `key` in "a=1;b=2" (keys without case), nothing if absent.
std::optional<std::string_view> fmtpValue(std::string_view fmtp, std::string_view key);

}  // namespace parley::rtc::negotiation
