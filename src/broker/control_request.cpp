#include "broker/control_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "broker/control.h"
#include "broker/report.h"
#include "broker/settings.h"

namespace parley::broker {
namespace {

using Json = nlohmann::ordered_json;

std::unexpected<base::Error> malformed(std::string text) {
  return base::fail("request.malformed", std::move(text));
}

base::Result<Json> parseObject(const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return malformed("the body is not JSON");
  if (!json.is_object()) return malformed("the body is not a JSON object");
  return json;
}

/// The member as text; nothing when it is missing or something else.
const std::string* textAt(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : at->get_ptr<const std::string*>();
}

base::Result<rtc::RtpSecurity> parseSecurity(const Json& leg) {
  const auto rtp = leg.find("rtp");
  if (rtp == leg.end()) return rtc::RtpSecurity::none;
  if (!rtp->is_object()) return malformed("rtp must be an object");
  const auto security = rtp->find("security");
  if (security == rtp->end()) return rtc::RtpSecurity::none;
  for (const auto each : {rtc::RtpSecurity::none, rtc::RtpSecurity::sdes, rtc::RtpSecurity::sdesPreferred})
    if (security->is_string() && *security == toString(each)) return each;
  return malformed("rtp.security must be \"none\", \"sdes\" or \"sdes-preferred\"");
}

base::Result<LegSpec> parseLeg(const Json& json, const std::string* id) {
  if (!json.is_object()) return malformed("each of legs must be an object");
  const std::string* kind = textAt(json, "kind");
  if (id == nullptr || !isId(*id))
    return malformed("a leg's id must be 1 to 64 characters of A-Z a-z 0-9 _ -");
  LegSpec leg;
  leg.id = *id;
  if (kind != nullptr && *kind == "webrtc") return leg;
  if (kind == nullptr || *kind != "rtp") return malformed("a leg's kind must be \"webrtc\" or \"rtp\"");
  leg.kind = rtc::LegKind::rtp;
  const auto security = parseSecurity(json);
  if (!security) return std::unexpected(security.error());
  leg.security = *security;
  return leg;
}

/// A list of codec names; nothing when it is missing.
base::Result<std::optional<std::vector<std::string>>> namesAt(const Json& object, const char* name) {
  constexpr std::size_t kMost = 32, kLongest = 32;
  const auto at = object.find(name);
  if (at == object.end()) return std::nullopt;
  std::vector<std::string> names;
  if (!at->is_array() || at->size() > kMost)
    return malformed(std::string("codecs.") + name + " must be a list of at most 32 names");
  for (const Json& each : *at) {
    if (!each.is_string() || each.get_ref<const std::string&>().size() > kLongest)
      return malformed(std::string("codecs.") + name + " must be a list of codec names");
    names.push_back(each.get<std::string>());
  }
  return names;
}

/// What a call asks for that differs from the settings.
base::Result<void> parseCodecs(const Json& body, rtc::NegotiatorOptions& options) {
  const auto codecs = body.find("codecs");
  if (codecs == body.end()) return {};
  if (!codecs->is_object()) return malformed("codecs must be an object");
  const std::pair<const char*, std::vector<std::string>*> lists[] = {{"audio", &options.audioCodecs},
                                                                     {"video", &options.videoCodecs},
                                                                     {"banned", &options.bannedCodecs},
                                                                     {"towardSip", &options.sipOrder},
                                                                     {"towardWebrtc", &options.webrtcOrder}};
  for (const auto& [name, list] : lists) {
    auto names = namesAt(*codecs, name);
    if (!names) return std::unexpected(names.error());
    if (*names) *list = std::move(**names);
  }
  return {};
}

base::Result<void> parseVideo(const Json& body, CallSpec& spec) {
  const auto bitrate = body.find("maxVideoBitrate");
  if (bitrate != body.end()) {
    if (!bitrate->is_number_unsigned() || *bitrate > 100'000'000u)
      return malformed("maxVideoBitrate must be from 0 to 100000000");
    spec.negotiator.maxVideoBitrate = spec.bridge.maxVideoBitrate = bitrate->get<std::uint32_t>();
  }
  const auto resolution = body.find("maxVideoResolution");
  if (resolution == body.end()) return {};
  const auto blocks =
      resolution->is_string() ? frameBlocksOf(resolution->get_ref<const std::string&>()) : std::nullopt;
  if (!blocks) return malformed("maxVideoResolution must be none, cif, nhd, vga, 720p or 1080p");
  spec.negotiator.maxFrameBlocks = *blocks;
  return {};
}

bool readLegId(const Json& json, const char* name, std::string& out) {
  const std::string* id = textAt(json, name);
  if (id == nullptr || !isId(*id)) return false;
  out = *id;
  return true;
}

}  // namespace

bool isId(std::string_view text) {
  return !text.empty() && text.size() <= Control::kMaxIdBytes && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

base::Result<CallSpec> parseCreate(const std::string& id, const std::string& body,
                                   const base::Settings& settings) {
  if (!isId(id)) return malformed("the call's id must be 1 to 64 characters of A-Z a-z 0-9 _ -");
  const auto json = parseObject(body);
  if (!json) return std::unexpected(json.error());
  CallSpec spec;
  spec.id = id;
  const auto legs = json->find("legs");
  if (legs == json->end() || !legs->is_array() || legs->empty() || legs->size() > Call::kMaxLegs) {
    return malformed("legs must be a list of one to four");
  }
  for (const Json& each : *legs) {
    auto leg = parseLeg(each, each.is_object() ? textAt(each, "id") : nullptr);
    if (!leg) return std::unexpected(leg.error());
    if (std::ranges::find(spec.legs, leg->id, &LegSpec::id) != spec.legs.end())
      return malformed("two legs have the same id");
    spec.legs.push_back(std::move(*leg));
  }
  std::int64_t idle = settings.integer("media.idle_seconds");
  if (const auto at = json->find("idleSeconds"); at != json->end()) {
    if (!at->is_number_integer()) return malformed("idleSeconds must be an integer");
    const bool fits = at->is_number_unsigned() && *at >= 5u && *at <= 86'400u;
    if (!fits) return malformed("idleSeconds must be from 5 to 86400");
    idle = at->get<std::int64_t>();
  }
  spec.idle = std::chrono::seconds{idle};
  spec.negotiator = negotiatorOptions(settings);
  spec.bridge = bridgeOptions(settings);
  if (auto done = parseCodecs(*json, spec.negotiator); !done) return std::unexpected(done.error());
  if (auto done = parseVideo(*json, spec); !done) return std::unexpected(done.error());
  return spec;
}

base::Result<LegSpec> parseLegRequest(const std::string& id, const std::string& body) {
  const auto json = parseObject(body);
  if (!json) return std::unexpected(json.error());
  return parseLeg(*json, &id);
}

namespace {

base::Result<SdpRequest> parseBridge(const Json& json) {
  SdpRequest request;
  const auto legs = json.find("legs");
  if (legs == json.end() || !legs->is_array() || legs->size() != 2)
    return malformed("legs must name two legs");
  for (const Json& each : *legs) {
    const auto* id = each.get_ptr<const std::string*>();
    if (id == nullptr || !isId(*id)) return malformed("legs must name two legs");
    request.legs.push_back(*id);
  }
  return request;
}

base::Result<SdpRequest> parseHold(const Json& json) {
  SdpRequest request;
  if (!readLegId(json, "leg", request.leg)) return malformed("leg must name a leg");
  const auto held = json.find("held");
  if (held == json.end() || !held->is_boolean()) return malformed("held must be true or false");
  request.held = *held;
  if (const auto ringing = json.find("ringing"); ringing != json.end()) {
    if (!ringing->is_boolean()) return malformed("ringing must be true or false");
    request.ringing = *ringing;
  }
  return request;
}

base::Result<SdpRequest> parseRollback(const Json& json) {
  SdpRequest request;
  const bool from = json.contains("from"), to = json.contains("to");
  if (from == to) return malformed("either from or to must name a leg");
  if (from && !readLegId(json, "from", request.from)) return malformed("from must name a leg");
  if (to && !readLegId(json, "to", request.to)) return malformed("to must name a leg");
  return request;
}

}  // namespace

base::Result<SdpRequest> parseSdpRequest(const std::string& body, SdpFields fields) {
  const auto json = parseObject(body);
  if (!json) return std::unexpected(json.error());
  if (fields == SdpFields::bridge) return parseBridge(*json);
  if (fields == SdpFields::hold) return parseHold(*json);
  if (fields == SdpFields::rollback) return parseRollback(*json);
  SdpRequest request;
  if (fields != SdpFields::make && !readLegId(*json, "from", request.from))
    return malformed("from must name a leg");
  if (fields != SdpFields::answer && !readLegId(*json, "to", request.to))
    return malformed("to must name a leg");
  if (fields == SdpFields::make) {
    if (json->contains("towards") && !readLegId(*json, "towards", request.towards))
      return malformed("towards must name a leg");
    return request;
  }
  const std::string* sdp = textAt(*json, "sdp");
  if (sdp == nullptr || sdp->empty()) return malformed("sdp must be a text");
  request.sdp = *sdp;
  return request;
}

}  // namespace parley::broker
