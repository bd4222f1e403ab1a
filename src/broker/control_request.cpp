#include "broker/control_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "broker/control.h"
#include "broker/settings.h"

namespace parley::broker {
namespace {

using Json = nlohmann::json;

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

base::Result<LegSpec> parseLeg(const Json& json) {
  if (!json.is_object()) return malformed("each of legs must be an object");
  const std::string* id = textAt(json, "id");
  const std::string* kind = textAt(json, "kind");
  if (id == nullptr || !isId(*id))
    return malformed("legs[].id must be 1 to 64 characters of A-Z a-z 0-9 _ -");
  if (kind == nullptr || *kind != "webrtc") return malformed("legs[].kind must be \"webrtc\"");
  return LegSpec{*id, rtc::LegKind::webrtc};
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
    return malformed("legs must be a list of one or two");
  }
  for (const Json& each : *legs) {
    auto leg = parseLeg(each);
    if (!leg) return std::unexpected(leg.error());
    spec.legs.push_back(std::move(*leg));
  }
  if (spec.legs.size() == 2 && spec.legs[0].id == spec.legs[1].id)
    return malformed("two legs have the same id");
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
  return spec;
}

base::Result<SdpRequest> parseSdpRequest(const std::string& body, SdpFields fields) {
  const auto json = parseObject(body);
  if (!json) return std::unexpected(json.error());
  SdpRequest request;
  const std::string* from = textAt(*json, "from");
  if (from == nullptr || !isId(*from)) return malformed("from must name a leg");
  request.from = *from;
  if (fields.to) {
    const std::string* to = textAt(*json, "to");
    if (to == nullptr || !isId(*to)) return malformed("to must name a leg");
    request.to = *to;
  }
  if (fields.sdp) {
    const std::string* sdp = textAt(*json, "sdp");
    if (sdp == nullptr || sdp->empty()) return malformed("sdp must be a text");
    request.sdp = *sdp;
  }
  return request;
}

}  // namespace parley::broker
