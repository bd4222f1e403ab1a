#include "rtc/negotiator_codecs.h"

#include <algorithm>

#include "base/text.h"

namespace parley::rtc {
namespace {

using negotiation::fmtpValue;

enum class H264Profile { constrainedBaseline, baseline, main, extended, constrainedHigh, high, other };

std::optional<std::uint32_t> hexNumber(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// RFC 6184 section 8.1, table 5: several spellings name one profile; the last byte is the level.
H264Profile h264Profile(std::string_view fmtp) {
  const auto id = fmtpValue(fmtp, "profile-level-id");
  if (!id) return H264Profile::baseline;
  const auto number = id->size() == 6 ? hexNumber(*id) : std::nullopt;
  if (!number) return H264Profile::other;
  const auto profile = *number >> 16;
  const auto iop = *number >> 8 & 0xff;
  switch (profile) {
    case 0x42:
      return (iop & 0x40) != 0 ? H264Profile::constrainedBaseline : H264Profile::baseline;
    case 0x4d:
      return (iop & 0x80) != 0 ? H264Profile::constrainedBaseline : H264Profile::main;
    case 0x58:
      if ((iop & 0xc0) == 0xc0) return H264Profile::constrainedBaseline;
      return (iop & 0x80) != 0 ? H264Profile::baseline : H264Profile::extended;
    case 0x64:
      return (iop & 0x0c) == 0x0c ? H264Profile::constrainedHigh : H264Profile::high;
    default:
      return H264Profile::other;
  }
}

bool sameValue(const Codec& a, const Codec& b, std::string_view key, std::string_view fallback) {
  return fmtpValue(a.fmtp, key).value_or(fallback) == fmtpValue(b.fmtp, key).value_or(fallback);
}

}  // namespace

std::uint32_t h264ProfileKey(std::string_view fmtp) {
  constexpr std::uint32_t kOther = 0x100, kUnreadable = 0x200;
  const auto profile = h264Profile(fmtp);
  if (profile != H264Profile::other) return static_cast<std::uint32_t>(profile);
  const auto number = hexNumber(fmtpValue(fmtp, "profile-level-id").value_or(""));
  return number ? kOther | *number << 12 : kUnreadable;
}

bool sameCodec(const Codec& a, const Codec& b) {
  if (!base::equalsIgnoreCase(a.name, b.name) || a.clockRate != b.clockRate || a.channels != b.channels)
    return false;
  if (base::equalsIgnoreCase(a.name, "H264")) {
    const auto profile = h264Profile(a.fmtp);
    if (profile != h264Profile(b.fmtp) || !sameValue(a, b, "packetization-mode", "0")) return false;
    return profile != H264Profile::other || sameValue(a, b, "profile-level-id", "");
  }
  if (base::equalsIgnoreCase(a.name, "VP9")) return sameValue(a, b, "profile-id", "0");
  if (base::equalsIgnoreCase(a.name, "AV1")) return sameValue(a, b, "profile", "0");
  if (base::equalsIgnoreCase(a.name, "rtx")) return sameValue(a, b, "apt", "");
  return true;
}

}  // namespace parley::rtc

namespace parley::rtc::negotiation {
namespace {

constexpr std::array<std::string_view, kExtensions> kUris{
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:toffset",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
};
constexpr std::uint8_t kMaxExtensionId = 14;  ///< One-byte headers (RFC 8285 section 4.2).

/// Dynamic numbers first, then those that RFC 5761 section 4 leaves safe beside RTCP.
template <class Use>
std::optional<PayloadType> firstFree(Use isFree) {
  for (std::uint8_t n = 96; n <= 127; ++n)
    if (isFree(PayloadType{n})) return PayloadType{n};
  for (std::uint8_t n = 35; n <= 63; ++n)
    if (isFree(PayloadType{n})) return PayloadType{n};
  return std::nullopt;
}

}  // namespace

std::string_view uriOf(Extension extension) { return kUris[static_cast<std::size_t>(extension)]; }

bool isPerHop(Extension extension) {
  return extension == Extension::mid || extension == Extension::transportCc ||
         extension == Extension::absSendTime;
}

ExtensionIds idsOf(const Extensions& extensions) {
  const auto id = [&](Extension e) { return extensions[static_cast<std::size_t>(e)].id; };
  return {.mid = id(Extension::mid),
          .transportCc = id(Extension::transportCc),
          .absSendTime = id(Extension::absSendTime),
          .audioLevel = id(Extension::audioLevel),
          .videoOrientation = id(Extension::videoOrientation),
          .toffset = id(Extension::toffset),
          .playoutDelay = id(Extension::playoutDelay)};
}

Extensions extensionsOf(const ExtensionIds& ids) {
  const std::array<std::uint8_t, kExtensions> inOrder{ids.mid,         ids.transportCc,      ids.absSendTime,
                                                      ids.audioLevel,  ids.videoOrientation, ids.toffset,
                                                      ids.playoutDelay};
  Extensions extensions;
  for (std::size_t e = 0; e < kExtensions; ++e) extensions[e].id = inOrder[e];
  return extensions;
}

std::optional<PayloadType> Numbers::place(const Codec& codec, std::vector<PayloadType>& taken) {
  const auto isTaken = [&](PayloadType n) { return std::ranges::find(taken, n) != taken.end(); };
  const auto isSame = [&](const auto& entry) {
    return !isTaken(entry.first) && sameCodec(entry.second, codec);
  };
  auto found = codecs.find(codec.payloadType);
  if (found == codecs.end() || !isSame(*found)) found = std::ranges::find_if(codecs, isSame);
  std::optional<PayloadType> number;
  if (found != codecs.end()) {
    number = found->first;
  } else {
    const auto isFree = [&](PayloadType n) { return !codecs.contains(n); };
    number = isFree(codec.payloadType) ? codec.payloadType : firstFree(isFree);
    if (!number) return std::nullopt;
    codecs[*number] = codec;
    codecs[*number].payloadType = *number;
  }
  taken.push_back(*number);
  return number;
}

std::optional<std::uint8_t> Numbers::placeExtension(std::string_view uri, std::uint8_t wanted) {
  const auto known = std::ranges::find_if(
      extensions, [&](const auto& e) { return e.second == uri && e.first <= kMaxExtensionId; });
  if (known != extensions.end()) return known->first;
  std::uint8_t id = wanted;
  if (extensions.contains(id))
    for (id = 1; id <= kMaxExtensionId && extensions.contains(id);) ++id;
  if (id > kMaxExtensionId) return std::nullopt;
  extensions[id] = uri;
  return id;
}

void Numbers::learn(const Numbers& other) {
  for (const auto& [number, codec] : other.codecs) codecs[number] = codec;
  for (const auto& [id, uri] : other.extensions) extensions[id] = uri;
}

Codec rtxOf(PayloadType payloadType, const Codec& original) {
  Codec rtx;
  rtx.payloadType = payloadType;
  rtx.name = "rtx";
  rtx.clockRate = original.clockRate;
  rtx.fmtp = "apt=" + std::to_string(original.payloadType.value());
  return rtx;
}

bool isTelephoneEvent(const Codec& codec) { return base::equalsIgnoreCase(codec.name, "telephone-event"); }

std::string withLevelFor(std::string_view fmtp, std::uint32_t maxBlocks) {
  // ITU-T H.264 table A-1: the greatest level whose pictures have at most so many macroblocks.
  struct Level {
    std::uint32_t number, blocks;
  };
  constexpr std::array<Level, 7> kLevels{
      {{11, 396}, {13, 396}, {21, 792}, {30, 1620}, {31, 3600}, {32, 5120}, {40, 8192}}};
  const auto id = fmtpValue(fmtp, "profile-level-id");
  const auto number = id && id->size() == 6 ? hexNumber(*id) : std::nullopt;
  std::uint32_t level = 11;
  for (const Level& each : kLevels)
    if (each.blocks <= maxBlocks) level = each.number;
  if (!number || (*number & 0xff) <= level) return std::string(fmtp);
  std::string out(fmtp);
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto at = static_cast<std::size_t>(id->data() - fmtp.data()) + 4;
  out[at] = kDigits[level >> 4];
  out[at + 1] = kDigits[level & 0xf];
  return out;
}

// A browser offers three profiles in two modes. Devices with one H264 take all of a mode for it, answer with
// the number of the last and send with that of the first: what they say fits no profile. Constrained baseline
// is what everybody has (RFC 7742 section 6.2, and RFC 6184 section 8.2.2 asks the answer for the offer's
// profile).
std::vector<Codec> oneH264PerMode(const std::vector<Codec>& codecs) {
  static const std::uint32_t constrained = h264ProfileKey("profile-level-id=42e01f");
  std::vector<Codec> kept;
  for (const Codec& codec : codecs) {
    const auto before = std::ranges::find_if(kept, [&](const Codec& c) {
      return base::equalsIgnoreCase(c.name, "H264") && base::equalsIgnoreCase(codec.name, "H264") &&
             sameValue(c, codec, "packetization-mode", "0");
    });
    if (before == kept.end()) {
      kept.push_back(codec);
    } else if (h264ProfileKey(codec.fmtp) == constrained && h264ProfileKey(before->fmtp) != constrained) {
      *before = codec;
    }
  }
  return kept;
}

bool hasMedia(const std::vector<Codec>& codecs) {
  return std::ranges::any_of(codecs, [](const Codec& c) { return !isTelephoneEvent(c); });
}

std::optional<std::string_view> fmtpValue(std::string_view fmtp, std::string_view key) {
  for (const auto part : base::split(fmtp, ';')) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    if (base::equalsIgnoreCase(base::trim(part.substr(0, equals)), key))
      return base::trim(part.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace parley::rtc::negotiation
