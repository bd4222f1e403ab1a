// Parts of a content and its versions: Range, If-Range, If-None-Match (RFC 9110 sections 13 and 14).
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "net/internal_http.h"

namespace parley::net {

RangeKind parseRange(std::string_view text, std::size_t size, Range& range) {
  if (!text.starts_with("bytes=")) return RangeKind::none;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  if (dash == text.npos || text.find(',') != text.npos) return RangeKind::none;
  const auto from = base::trim(text.substr(0, dash));
  const auto to = base::trim(text.substr(dash + 1));
  const auto last = base::parseNumber<std::uint64_t>(to);
  if (from.empty()) {
    if (!last) return RangeKind::none;
    if (*last == 0 || size == 0) return RangeKind::unsatisfiable;
    range = {size - std::min<std::size_t>(*last, size), size - 1};
    return RangeKind::one;
  }
  const auto first = base::parseNumber<std::uint64_t>(from);
  if (!first || (!to.empty() && (!last || *last < *first))) return RangeKind::none;
  if (*first >= size) return RangeKind::unsatisfiable;
  range = {*first, last ? std::min<std::size_t>(*last, size - 1) : size - 1};
  return RangeKind::one;
}

bool etagMatches(std::string_view header, std::string_view etag) {
  if (base::trim(header) == "*") return true;
  for (auto part : base::split(header, ',')) {
    part = base::trim(part);
    if (part.starts_with("W/")) part.remove_prefix(2);
    if (part == etag) return true;
  }
  return false;
}

HttpResponse serveContent(const HttpRequest& request, HttpResponse response, std::string_view content) {
  const std::string etag(response.headers.get("ETag"));
  response.headers.set("Accept-Ranges", "bytes");
  const auto known = request.headers.get("If-None-Match");
  if (!known.empty() && !etag.empty() && etagMatches(known, etag)) {
    response.status = 304;
    return response;
  }
  const auto ifRange = request.headers.get("If-Range");
  const auto header = request.headers.get("Range");
  Range range;
  const bool wanted = !header.empty() && (ifRange.empty() || ifRange == etag);
  switch (wanted ? parseRange(header, content.size(), range) : RangeKind::none) {
    case RangeKind::none:
      response.body = std::string(content);
      break;
    case RangeKind::unsatisfiable:
      response.status = 416;
      response.headers.set("Content-Range", fmt::format("bytes */{}", content.size()));
      break;
    case RangeKind::one:
      range.last = std::min(range.last, range.first + kMaxRange - 1);
      response.status = 206;
      response.headers.set("Content-Range",
                           fmt::format("bytes {}-{}/{}", range.first, range.last, content.size()));
      response.body = std::string(content.substr(range.first, range.last - range.first + 1));
      break;
  }
  return response;
}

}  // namespace parley::net
