#include "rtc/bridge_codecs.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "rtc/negotiator_codecs.h"

namespace parley::rtc {
namespace {

/// "a=1;b=2": the value of `name`.
std::string_view parameter(std::string_view fmtp, std::string_view name) {
  while (!fmtp.empty()) {
    const std::size_t end = std::min(fmtp.find(';'), fmtp.size());
    const std::string_view item = base::trim(fmtp.substr(0, end));
    fmtp.remove_prefix(std::min(end + 1, fmtp.size()));
    const std::size_t equals = item.find('=');
    if (equals != item.npos && base::equalsIgnoreCase(base::trim(item.substr(0, equals)), name))
      return base::trim(item.substr(equals + 1));
  }
  return {};
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint32_t formatKeyOf(const Codec& codec, VideoFormat format) {
  const auto numeric = [&](std::string_view name) { return number(parameter(codec.fmtp, name)).value_or(0); };
  switch (format) {
    case VideoFormat::h264:
      // As the negotiator compares them: what was agreed as two formats must not be mistaken for one.
      return h264ProfileKey(codec.fmtp) << 4 | (numeric("packetization-mode") & 0xf);
    case VideoFormat::vp9:
      return numeric("profile-id");
    case VideoFormat::av1:
      return numeric("profile");
    case VideoFormat::vp8:
    case VideoFormat::none:
      return 0;
  }
  return 0;
}

/// Their payloads name other payload types inside, which this bridge does not translate.
bool isWrapper(const BridgeCodec& codec) {
  return base::equalsIgnoreCase(codec.name, "red") || base::equalsIgnoreCase(codec.name, "ulpfec") ||
         base::equalsIgnoreCase(codec.name, "flexfec-03");
}

}  // namespace

BridgeCodec bridgeCodecOf(const Codec& codec) {
  BridgeCodec out;
  out.name = codec.name;
  out.clockRate = codec.clockRate;
  out.channels = codec.channels;
  out.format = videoFormatOf(codec.name);
  out.formatKey = formatKeyOf(codec, out.format);
  out.payloadType = codec.payloadType.value() & 0x7f;
  if (codec.rtx) out.rtx = codec.rtx->value() & 0x7f;
  if (codec.received) out.received = codec.received->value() & 0x7f;
  out.nack = codec.nack;
  out.pli = codec.nackPli;
  out.fir = codec.ccmFir;
  out.remb = codec.remb;
  out.transportCc = codec.transportCc;
  return out;
}

bool samePayload(const BridgeCodec& a, const BridgeCodec& b) {
  return a.clockRate == b.clockRate && a.channels == b.channels && a.formatKey == b.formatKey &&
         base::equalsIgnoreCase(a.name, b.name) && !isWrapper(a);
}

namespace {

/// An answer may name baseline where constrained baseline was offered, or the other way round: nobody uses
/// what sets them apart.
bool nearlySamePayload(const BridgeCodec& a, const BridgeCodec& b) {
  static const std::uint32_t baseline = h264ProfileKey("profile-level-id=42001f");
  static const std::uint32_t constrained = h264ProfileKey("profile-level-id=42e01f");
  const auto isBaseline = [](const BridgeCodec& c) {
    return c.format == VideoFormat::h264 && (c.formatKey >> 4 == baseline || c.formatKey >> 4 == constrained);
  };
  return isBaseline(a) && isBaseline(b) && (a.formatKey & 0xf) == (b.formatKey & 0xf) &&
         a.clockRate == b.clockRate && a.channels == b.channels;
}

}  // namespace

PayloadRoutes routesBetween(const std::vector<BridgeCodec>& from, const std::vector<BridgeCodec>& to) {
  PayloadRoutes routes{};
  for (std::size_t i = 0; i < std::min<std::size_t>(from.size(), 255); ++i) {
    PayloadRoute route{PayloadRoute::Kind::media, static_cast<std::uint8_t>(i), kNoPayloadType, 0};
    for (const auto same : {samePayload, nearlySamePayload}) {
      const auto end = to.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(to.size(), 255));
      const auto found =
          std::find_if(to.begin(), end, [&](const auto& codec) { return same(from[i], codec); });
      if (found == end) continue;
      route.target = found->payloadType;
      route.targetCodec = static_cast<std::uint8_t>(found - to.begin());
      break;
    }
    routes[from[i].payloadType] = route;
    if (from[i].received != kNoPayloadType) routes[from[i].received] = route;
    if (from[i].rtx == kNoPayloadType) continue;
    route.kind = PayloadRoute::Kind::rtx;
    routes[from[i].rtx] = route;
  }
  return routes;
}

}  // namespace parley::rtc
