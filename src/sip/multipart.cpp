#include "sip/multipart.h"

#include <algorithm>

#include "base/text.h"
#include "sip/headers.h"

namespace parley::sip {
namespace {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 section 5.1.1
constexpr std::size_t kMaxPartHeaders = 32;
constexpr unsigned kMaxDepth = 4;

bool isPlain(std::string_view encoding) {
  return encoding.empty() || base::equalsIgnoreCase(encoding, "identity") ||
         base::equalsIgnoreCase(encoding, "7bit") || base::equalsIgnoreCase(encoding, "8bit") ||
         base::equalsIgnoreCase(encoding, "binary");
}

/// Where a line that begins at `at` ends: the position of its line break, and of what follows it.
struct LineEnd {
  std::size_t end, next;
};
LineEnd lineEnd(std::string_view text, std::size_t at) {
  const std::size_t feed = text.find('\n', at);
  if (feed == std::string_view::npos) return {text.size(), text.size()};
  return {feed > at && text[feed - 1] == '\r' ? feed - 1 : feed, feed + 1};
}

enum class Delimiter { none, part, close };

/// RFC 2046 section 5.1.1: white space may follow the boundary.
Delimiter delimiterOf(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || line.substr(2, boundary.size()) != boundary) return Delimiter::none;
  std::string_view rest = line.substr(std::min(line.size(), 2 + boundary.size()));
  const bool close = rest.starts_with("--");
  if (close) rest.remove_prefix(2);
  if (!base::trim(rest).empty()) return Delimiter::none;
  return close ? Delimiter::close : Delimiter::part;
}

void takeHeader(BodyPart& part, std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = base::trim(line.substr(0, colon)), value = base::trim(line.substr(colon + 1));
  if (base::equalsIgnoreCase(name, "Content-Type") || base::equalsIgnoreCase(name, "c")) {
    part.contentType = std::string(value);
    const auto parsed = TokenValue::parse(value);
    part.type = parsed ? base::toLower(parsed->value) : std::string();
  } else if (base::equalsIgnoreCase(name, "Content-Disposition")) {
    const auto parsed = TokenValue::parse(value);
    if (!parsed) return;
    part.disposition = base::toLower(parsed->value);
    part.required = base::equalsIgnoreCase(parsed->params.get("handling").value_or(""), "required");
  } else if (base::equalsIgnoreCase(name, "Content-Encoding") || base::equalsIgnoreCase(name, "e") ||
             base::equalsIgnoreCase(name, "Content-Transfer-Encoding")) {
    part.encoded = part.encoded || !isPlain(value);
  }
}

/// `text`: all between two delimiter lines. False: more headers than anybody needs.
bool readPart(std::string_view text, BodyPart& part) {
  part.type = "text/plain";
  std::size_t at = 0;
  for (std::size_t count = 0; at < text.size(); ++count) {
    if (count > kMaxPartHeaders) return false;
    LineEnd line = lineEnd(text, at);
    if (line.end == at) {
      part.content = text.substr(line.next);
      return true;
    }
    std::string whole(text.substr(at, line.end - at));
    while (line.next < text.size() && (text[line.next] == ' ' || text[line.next] == '\t')) {  // Folded.
      const std::size_t begin = line.next;
      line = lineEnd(text, begin);
      whole += text.substr(begin, line.end - begin);
    }
    takeHeader(part, whole);
    at = line.next;
  }
  return true;  // Headers and no content.
}

bool isSession(const BodyPart& part) {
  return part.type == "application/sdp" && !part.encoded &&
         (part.disposition.empty() || part.disposition == "session");
}

FoundSdp findIn(std::string_view contentType, std::string_view body, unsigned depth) {
  const auto parts = parseMultipart(contentType, body);
  if (!parts || depth > kMaxDepth) return {400, {}};
  const auto type = TokenValue::parse(contentType);
  const bool alternative = type && base::equalsIgnoreCase(type->value, "multipart/alternative");
  FoundSdp found;
  for (const BodyPart& part : *parts) {
    std::string sdp;
    bool understood = isSession(part);
    if (understood) {
      sdp = std::string(part.content);
      if (!sdp.empty() && sdp.back() != '\n') sdp += "\r\n";  // The last line's end is the delimiter's.
    } else if (isMultipart(part.type)) {
      FoundSdp inner = findIn(part.contentType, part.content, depth + 1);
      if (inner.status == 400) return inner;
      understood = inner.status == 0;
      sdp = std::move(inner.sdp);
    }
    if (!understood && part.required && !alternative) return {415, {}};
    if (!sdp.empty() && (found.sdp.empty() || alternative)) found.sdp = std::move(sdp);
  }
  if (found.sdp.empty()) found.status = 415;
  return found;
}

}  // namespace

bool isMultipart(std::string_view type) { return type.starts_with("multipart/"); }

std::optional<std::vector<BodyPart>> parseMultipart(std::string_view contentType, std::string_view body) {
  const auto type = TokenValue::parse(contentType);
  if (!type) return std::nullopt;
  const std::string boundary(type->params.get("boundary").value_or(""));
  if (boundary.empty() || boundary.size() > kMaxBoundary) return std::nullopt;
  std::vector<BodyPart> parts;
  std::optional<std::size_t> begin;  // Of the part that is open.
  for (std::size_t at = 0; at < body.size();) {
    const LineEnd line = lineEnd(body, at);
    const Delimiter delimiter = delimiterOf(body.substr(at, line.end - at), boundary);
    if (delimiter != Delimiter::none) {
      if (begin) {
        // The line break before a delimiter is the delimiter's.
        std::size_t end = at;
        if (end > *begin && body[end - 1] == '\n') --end;
        if (end > *begin && body[end - 1] == '\r') --end;
        if (parts.size() == kMaxBodyParts) return std::nullopt;
        if (!readPart(body.substr(*begin, end - *begin), parts.emplace_back())) return std::nullopt;
      }
      if (delimiter == Delimiter::close) {
        if (parts.empty()) return std::nullopt;
        return parts;
      }
      begin = line.next;
    }
    at = line.next;
  }
  return std::nullopt;  // It has no end.
}

FoundSdp findSdp(std::string_view contentType, std::string_view body) { return findIn(contentType, body, 1); }

}  // namespace parley::sip
