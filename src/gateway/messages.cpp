#include "gateway/messages.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxRequestBytes = 64;
constexpr std::size_t kMaxCallIdBytes = 64;
constexpr std::size_t kMaxDigits = 32;

std::unexpected<base::Error> malformed(std::string_view type, std::string_view what) {
  return base::fail("message.malformed", fmt::format("{}: {}", type, what));
}

bool isDigits(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || c == '*' || c == '#' || (c >= 'A' && c <= 'D');
  });
}

/// Reads the fields of one message; remembers the first fault.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  std::string label(const char* key, std::size_t maxBytes, bool needed) {
    const auto value = optionalLabel(key, maxBytes);
    if (needed && !value) fault(key);
    return value.value_or("");
  }
  std::optional<std::string> optionalLabel(const char* key, std::size_t maxBytes) {
    if (!json_.contains(key)) return std::nullopt;
    auto value = stringAt(json_, key);
    if (!value || !isLabel(*value, maxBytes)) fault(key);
    return value;
  }
  std::string call() {
    std::string id = label("call", kMaxCallIdBytes, true);
    if (id.empty()) fault("call");
    return id;
  }
  std::string sdp() {
    auto value = stringAt(json_, "sdp");
    if (!value || value->empty() || value->size() > kMaxSdpBytes) fault("sdp");
    return value.value_or("");
  }
  bool flag(const Json& object, const char* key) {
    const auto value = boolAt(object, key);
    if (!value) fault(key);
    return value.value_or(false);
  }
  bool flag(const char* key) { return flag(json_, key); }
  std::string choice(const char* key, std::initializer_list<std::string_view> allowed, bool needed) {
    if (!needed && !json_.contains(key)) return "";
    auto value = stringAt(json_, key);
    if (!value || std::ranges::find(allowed, *value) == allowed.end()) fault(key);
    return value.value_or("");
  }
  const Json* object(const char* key, bool needed) {
    const auto at = json_.find(key);
    if (at == json_.end() ? needed : !at->is_object()) fault(key);
    return at != json_.end() && at->is_object() ? &*at : nullptr;
  }
  void fault(const char* key) {
    if (wrong_.empty()) wrong_ = key;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const Json& json_;
  std::string wrong_;
};

message::Dial readDial(Fields& fields) {
  message::Dial dial;
  dial.destination = fields.label("destination", kMaxDestinationBytes, false);
  dial.sdp = fields.sdp();
  if (const Json* media = fields.object("media", false)) {
    dial.audio = fields.flag(*media, "audio");
    dial.video = fields.flag(*media, "video");
    if (!dial.audio && !dial.video) fields.fault("media");
  }
  dial.uui = fields.optionalLabel("uui", kMaxUuiBytes);
  dial.name = fields.optionalLabel("name", kMaxNameBytes);
  return dial;
}

message::Dtmf readDtmf(Fields& fields, const Json& json) {
  message::Dtmf dtmf{fields.call(), stringAt(json, "digits").value_or(""), ""};
  if (!isDigits(dtmf.digits)) fields.fault("digits");
  dtmf.method = fields.choice("method", {"rfc4733", "info", "both"}, false);
  return dtmf;
}

message::Offer readOffer(Fields& fields) {
  message::Offer offer{fields.call(), fields.sdp()};
  if (const Json* media = fields.object("media", false)) {
    offer.audio = fields.flag(*media, "audio");
    offer.video = fields.flag(*media, "video");
  }
  return offer;
}

message::Transfer readTransfer(Fields& fields) {
  message::Transfer transfer{fields.call(), fields.label("destination", kMaxDestinationBytes, false),
                             fields.label("to", kMaxCallIdBytes, false)};
  if (transfer.destination.empty() == transfer.to.empty()) fields.fault("destination");
  return transfer;
}

message::Stats readStats(Fields& fields) {
  message::Stats stats{fields.call(), ""};
  if (const Json* report = fields.object("report", true)) stats.report = dumpJson(*report);
  if (stats.report.size() > kMaxReportBytes) fields.fault("report");
  return stats;
}

message::Assist readAssist(Fields& fields) {
  message::Assist assist{fields.call(), fields.label("cid", kMaxCidBytes, false)};
  const bool good = std::ranges::all_of(assist.cid, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
  if (!good) fields.fault("cid");
  return assist;
}

/// False for a type that does not exist.
bool readBody(const std::string& type, const Json& json, Fields& fields, PageMessage& out) {
  if (type == "dial") {
    out.what = readDial(fields);
  } else if (type == "answer") {
    out.what = message::Answer{fields.call(), fields.sdp()};
  } else if (type == "reject") {
    out.what = message::Reject{fields.call(), fields.choice("reason", {"busy", "declined"}, false) == "busy"};
  } else if (type == "end") {
    out.what = message::End{fields.call()};
  } else if (type == "mute") {
    out.what = message::Mute{fields.call(), fields.flag("audio"), fields.flag("video")};
  } else if (type == "restart") {
    out.what = message::Restart{fields.call(), fields.sdp()};
  } else if (type == "dtmf") {
    out.what = readDtmf(fields, json);
  } else if (type == "assist") {
    out.what = readAssist(fields);
  } else if (type == "hold") {
    out.what = message::Hold{fields.call(), fields.flag("held")};
  } else if (type == "conference") {
    out.what = message::Conference{fields.call(), fields.label("to", kMaxCallIdBytes, false)};
  } else if (type == "offer") {
    out.what = readOffer(fields);
  } else if (type == "transfer") {
    out.what = readTransfer(fields);
  } else if (type == "cancelTransfer") {
    out.what = message::CancelTransfer{fields.call()};
  } else if (type == "availability") {
    out.what = message::Availability{fields.choice("state", {"available", "away"}, true) == "available"};
  } else if (type == "stats") {
    out.what = readStats(fields);
  } else if (type == "bye") {
    out.what = message::Bye{};
  } else if (type == "pong") {
    out.what = message::Pong{};
  } else {
    return false;
  }
  return true;
}

base::Result<Json> parseBody(std::string_view body) {
  if (body.empty()) return Json::object();
  auto json = parseJson(body);
  if (json && json->is_object()) return json;
  return base::fail("request.malformed", "The body must be a JSON object.");
}

}  // namespace

base::Result<PageMessage> parsePageMessage(const Json& json) {
  const auto type = json.is_object() ? stringAt(json, "type") : std::nullopt;
  if (!type || !isLabel(*type, 32)) return malformed("message", "type");
  PageMessage out;
  out.type = *type;
  Fields fields(json);
  out.request = fields.label("request", kMaxRequestBytes, false);
  if (!readBody(*type, json, fields, out)) {
    return base::fail("message.unknown_type", fmt::format("There is no message of type {}.", *type));
  }
  if (!fields.wrong().empty()) return malformed(*type, fields.wrong() + " is missing or not as it must be");
  return out;
}

base::Result<SessionRequest> parseSessionRequest(std::string_view body) {
  const auto json = parseBody(body);
  if (!json) return base::fail("request.malformed", "The body must be a JSON object.");
  Fields fields(*json);
  SessionRequest out;
  out.destination = fields.label("destination", kMaxDestinationBytes, false);
  out.name = fields.label("name", kMaxNameBytes, false);
  out.applicationId = fields.label("applicationId", 128, false);
  out.correlationId = fields.label("correlationId", kMaxCorrelationIdBytes, false);
  out.uui = fields.optionalLabel("uui", kMaxUuiBytes);
  out.cobrowseOnly = boolAt(*json, "cobrowseOnly").value_or(false);
  if (!fields.wrong().empty())
    return base::fail("request.malformed", fields.wrong() + " is not as it must be");
  return out;
}

base::Result<Credentials> parseCredentials(std::string_view body) {
  const auto json = parseBody(body);
  if (!json) return std::unexpected(json.error());
  const auto user = stringAt(*json, "user");
  const auto password = stringAt(*json, "password");
  if (!user || !password || user->size() > 256 || password->size() > 1024) {
    return base::fail("request.malformed", "user and password are needed, as texts.");
  }
  return Credentials{*user, *password};
}

}  // namespace parley::gateway
