#include "events/request.h"

#include <fmt/format.h>

#include "events/rights.h"
#include "link/json.h"

namespace parley::events {
namespace {

using link::Json;

std::optional<Request::Kind> kindOf(std::string_view type) {
  if (type == "topic-connect") return Request::Kind::connect;
  if (type == "topic-disconnect") return Request::Kind::disconnect;
  if (type == "data-submit") return Request::Kind::submit;
  if (type == "data-delete") return Request::Kind::remove;
  if (type == "message") return Request::Kind::message;
  return std::nullopt;
}

std::unexpected<base::Error> malformed(std::string_view type, const char* field) {
  return base::fail("message.malformed", fmt::format("{}: {} is missing or not as it must be", type, field));
}

/// What of an item it names: nothing is wrong, or the field that is.
const char* readItem(const Json& object, Request& out) {
  if (object.contains("id")) {
    out.id = link::stringAt(object, "id").value_or("");
    if (!isItemId(out.id)) return "id";
  }
  if (object.contains("version")) {
    const auto version = link::integerAt(object, "version");
    if (!version || *version < 0) return "version";
    out.version = static_cast<std::uint64_t>(*version);
  }
  const bool named = !out.id.empty();
  if (out.kind == Request::Kind::remove && (!named || out.version == 0)) return named ? "version" : "id";
  if (out.kind == Request::Kind::submit && !named && out.version != 0) return "id";
  return nullptr;
}

}  // namespace

base::Result<Request> parseRequest(const Json& object) {
  const auto type = object.is_object() ? link::stringAt(object, "type") : std::nullopt;
  if (!type || !link::isLabel(*type, 32)) return malformed("message", "type");
  const auto kind = kindOf(*type);
  if (!kind) return base::fail("message.unknown_type", fmt::format("There is no message of type {}.", *type));
  Request out;
  out.kind = *kind;
  if (object.contains("request")) {
    out.request = link::stringAt(object, "request").value_or("");
    if (out.request.empty() || !link::isLabel(out.request, kMaxRequestId)) return malformed(*type, "request");
  }
  out.topic = link::stringAt(object, "topic").value_or("");
  if (!isTopicName(out.topic)) return malformed(*type, "topic");
  if (object.contains("create")) {
    const auto create = link::boolAt(object, "create");
    if (!create) return malformed(*type, "create");
    out.create = *create;
  }
  if (*kind == Request::Kind::submit || *kind == Request::Kind::remove) {
    if (const char* wrong = readItem(object, out)) return malformed(*type, wrong);
  }
  if (*kind == Request::Kind::submit || *kind == Request::Kind::message) {
    const auto value = object.find("value");
    if (value == object.end()) return malformed(*type, "value");
    out.value = link::dumpJson(*value);
    if (out.value.size() > kMaxValueBytes) {
      return base::fail("aed.value_too_large",
                        fmt::format("A value is at most {} bytes as JSON.", kMaxValueBytes));
    }
  }
  return out;
}

}  // namespace parley::events
