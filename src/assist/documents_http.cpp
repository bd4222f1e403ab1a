#include "assist/documents_http.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/metrics.h"
#include "link/api.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

struct Status {
  std::string_view reason;
  int status;
};
// A reason that is not here gets 400; those of the store 503, of other servers 502.
constexpr Status kStatuses[] = {{"content.too_large", 413},
                                {"content.picture_too_large", 413},
                                {"content.unsupported", 415},
                                {"content.full", 503},
                                {"content.unknown", 404},
                                {"library.unknown", 404},
                                {"library.full", 507},
                                {"library.broken", 500},
                                {"fetch.bad_url", 400},
                                {"fetch.bad_scheme", 400},
                                {"fetch.bad_port", 400},
                                {"fetch.address_refused", 403},
                                {"fetch.busy", 503},
                                {"fetch.type_mismatch", 415},
                                {"shortcode.unknown", 404},
                                {"shortcode.locked", 429},
                                {"shortcode.full", 503},
                                {"rate.exceeded", 429},
                                {"assist.unknown_session", 404},
                                {"access.disabled", 403},
                                {"role.missing", 403},
                                {"server.draining", 503}};

/// RFC 8187: everything but letters and digits as escapes.
std::string extended(std::string_view text) {
  std::string out = "UTF-8''";
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '-' || c == '_';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

int statusOf(std::string_view reason) {
  const auto known = std::ranges::find(kStatuses, reason, &Status::reason);
  if (known != std::end(kStatuses)) return known->status;
  if (reason.starts_with("fetch.")) return 502;
  if (reason.starts_with("store.")) return 503;
  return 400;
}

net::HttpResponse refusal(const base::Error& error) {
  base::Metrics::instance()
      .counter("parley_assist_refused_total", "Requests for documents and short codes refused, by reason.",
               {{"reason", error.reason}})
      .add();
  return link::apiError(statusOf(error.reason), error.reason, error.text);
}

base::Result<Json> bodyOf(const net::HttpRequest& request) {
  if (request.body.empty()) return Json::object();
  if (!link::isJson(request))
    return base::fail("request.malformed", "Content-Type must be application/json.");
  auto json = link::parseJson(request.body);
  if (json && json->is_object()) return json;
  return base::fail("request.malformed", "The body must be a JSON object.");
}

base::Result<std::string> labelIn(const Json& object, const char* key, std::size_t maxBytes) {
  if (!object.contains(key)) return std::string();
  auto value = link::stringAt(object, key);
  if (value && link::isLabel(*value, maxBytes)) return *value;
  return base::fail("request.malformed", std::string(key) + " is not as it must be");
}

base::Result<std::string> cidIn(std::string_view text) {
  const bool good = text.size() <= 64 && std::ranges::all_of(text, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             c == '_' || c == '.' || c == '-';
                    });
  if (good) return std::string(text);
  return base::fail("request.malformed", "cid is not as it must be");
}

Json contentJson(const Content& content) {
  Json out = {{"id", content.id},          {"src", contentAddress(content.id)}, {"name", content.name},
              {"kind", content.type.kind}, {"type", content.type.type},         {"size", content.size()}};
  if (content.type.width > 0) {
    out["width"] = content.type.width;
    out["height"] = content.type.height;
  }
  return out;
}

Json itemJson(const LibraryItem& item) {
  Json out = {
      {"id", item.id},       {"name", item.name}, {"kind", item.kind},         {"enabled", item.enabled},
      {"order", item.order}, {"by", item.by},     {"at", link::utcOf(item.at)}};
  if (!item.url.empty()) out["url"] = item.url;
  if (item.hasContent()) {
    out["type"] = item.type.type;
    out["size"] = item.size;
    out["preview"] = "/expertassist/supervisor/api/library/" + item.id + "/content";
  }
  return out;
}

net::HttpResponse contentAnswer(const net::HttpRequest& request, const std::string& version,
                                const std::string& name, const ContentType& type, std::string_view bytes) {
  net::HttpResponse response;
  response.headers.set("Content-Type", std::string(type.type));
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  response.headers.set("Content-Disposition", "inline; filename*=" + extended(name));
  response.headers.set("Cache-Control", "private, max-age=600");
  response.headers.set("ETag", "\"" + version + "\"");
  return net::serveContent(request, std::move(response), bytes);
}

}  // namespace parley::assist
