#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "net/internal_http.h"

namespace parley::net {
namespace {

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool hasControl(std::string_view text) { return std::any_of(text.begin(), text.end(), isControl); }

/// RFC 9110 section 5.6.2.
bool isToken(std::string_view text) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOther.find(c) != kOther.npos;
  });
}

bool isFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || !isControl(c); });
}

/// Drops empty and "." segments; nothing if a ".." is there.
std::optional<std::string> normalise(std::string_view path) {
  std::string result;
  std::string_view last;
  for (const auto segment : base::split(path, '/')) {
    last = segment;
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") return {};
    result += '/';
    result += segment;
  }
  if (result.empty() || last.empty() || last == ".") result += '/';
  return result;
}

bool parseQuery(std::string_view text, std::map<std::string, std::string, std::less<>>& into) {
  if (text.empty()) return true;
  std::size_t count = 0;
  for (const auto pair : base::split(text, '&')) {
    if (pair.empty()) continue;
    if (++count > kMaxQueryParameters) return false;
    const auto equals = pair.find('=');
    auto name = percentDecode(pair.substr(0, equals), true);
    auto value = percentDecode(equals == pair.npos ? std::string_view{} : pair.substr(equals + 1), true);
    if (!name || !value || !base::isUtf8(*name) || !base::isUtf8(*value)) return false;
    into.emplace(std::move(*name), std::move(*value));
  }
  return true;
}

}  // namespace

std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return {};
      const int high = hexValue(text[i + 1]);
      const int low = hexValue(text[i + 2]);
      if (high < 0 || low < 0) return {};
      result += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      result += plusIsSpace && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::optional<HttpTarget> parseTarget(std::string_view target) {
  if (!target.starts_with('/')) {
    const auto scheme = target.find("://");
    if (scheme == target.npos) return {};
    const auto name = base::toLower(target.substr(0, scheme));
    if (name != "http" && name != "https") return {};
    target.remove_prefix(scheme + 3);
    const auto slash = target.find_first_of("/?#");
    if (slash == 0) return {};
    target = slash == target.npos ? std::string_view{} : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  const auto path = percentDecode(target.substr(0, question), false);
  if (!path || hasControl(*path) || !base::isUtf8(*path)) return {};
  HttpTarget result;
  auto normal = normalise(*path);
  if (!normal) return {};
  result.path = std::move(*normal);
  if (question != target.npos && !parseQuery(target.substr(question + 1), result.query)) return {};
  return result;
}

std::string percentEncode(std::string_view text, std::string_view kept) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       kept.find(c) != kept.npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string_view cookieIn(std::string_view header, std::string_view name) {
  for (const auto part : base::split(header, ';')) {
    const auto equals = part.find('=');
    if (equals == part.npos || base::trim(part.substr(0, equals)) != name) continue;
    auto value = base::trim(part.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return {};
}

bool listHas(std::string_view list, std::string_view token) {
  for (const auto part : base::split(list, ',')) {
    if (base::equalsIgnoreCase(base::trim(part), token)) return true;
  }
  return false;
}

bool acceptsCoding(std::string_view header, std::string_view coding) {
  bool star = false;
  for (const auto part : base::split(header, ',')) {
    const auto pieces = base::split(part, ';');
    const auto name = base::trim(pieces[0]);
    bool wanted = true;
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      const auto parameter = base::trim(pieces[i]);
      // q=0, q=0.0 … mean "not this one".
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
        wanted = parameter.find_first_of("123456789") != parameter.npos;
      }
    }
    if (base::equalsIgnoreCase(name, coding)) return wanted;
    if (name == "*") star = wanted;
  }
  return star;
}

ForwardedClient forwardedClient(const Endpoint& peer, bool secure, const HttpHeaders& headers,
                                const std::vector<Endpoint>& trusted) {
  const auto isTrusted = [&](const Endpoint& e) {
    return std::find(trusted.begin(), trusted.end(), e.withPort(0)) != trusted.end();
  };
  ForwardedClient result{peer, secure, false};
  // RFC 7239, RFC 9110 section 7.6.3.
  const bool byProxy = headers.has("X-Forwarded-For") || headers.has("Forwarded") || headers.has("Via");
  if (!isTrusted(peer)) {
    result.byUnknownProxy = byProxy;
    return result;
  }
  std::vector<std::string_view> hops;
  for (const auto& [name, value] : headers.all()) {
    if (!base::equalsIgnoreCase(name, "X-Forwarded-For")) continue;
    for (const auto part : base::split(value, ',')) hops.push_back(base::trim(part));
  }
  auto hop = hops.rbegin();
  for (; hop != hops.rend(); ++hop) {
    auto address = Endpoint::parse(*hop, 0);
    if (!address) address = Endpoint::parseWithPort(*hop);
    if (!address && hop->size() > 2 && hop->front() == '[' && hop->back() == ']') {
      address = Endpoint::parse(hop->substr(1, hop->size() - 2), 0);
    }
    if (!address) break;  // What stands left of a lie is no better.
    result.address = *address;
    if (!isTrusted(*address)) {
      ++hop;
      break;
    }
  }
  // Left of the client stands whom it speaks for; the loopback of a proxy elsewhere is not ours.
  const bool ourLoopback = peer.isLoopback() && hops.size() <= 1;
  result.byUnknownProxy =
      hop != hops.rend() || (hops.empty() && byProxy) || (result.address.isLoopback() && !ourLoopback);
  const auto protocol = headers.get("X-Forwarded-Proto");
  if (!protocol.empty()) {
    result.secure = base::equalsIgnoreCase(base::trim(base::split(protocol, ',').back()), "https");
  }
  return result;
}

std::string_view reasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string httpDate(base::WallTime t) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[tm.tm_wday], tm.tm_mday,
                     kMonths[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

namespace {
void addFields(std::string& out, const HttpHeaders& headers) {
  for (const auto& [name, value] : headers.all()) {
    // The framing is ours alone.
    if (!isToken(name) || !isFieldValue(value) || base::equalsIgnoreCase(name, "Content-Length") ||
        base::equalsIgnoreCase(name, "Transfer-Encoding") || base::equalsIgnoreCase(name, "Connection")) {
      continue;
    }
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
}
}  // namespace

std::string responseHead(const HttpResponse& response, std::size_t contentLength, bool keepAlive,
                         std::string_view serverHeader, base::WallTime now) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                                reasonPhrase(response.status), httpDate(now));
  if (!serverHeader.empty() && isFieldValue(serverHeader)) out += fmt::format("Server: {}\r\n", serverHeader);
  addFields(out, response.headers);
  // RFC 9110 section 8.6: none on 1xx and 204; on 304 only the length of the whole would be right.
  if (response.status >= 200 && response.status != 204 && response.status != 304)
    out += fmt::format("Content-Length: {}\r\n", contentLength);
  if (!keepAlive) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

std::string requestHead(std::string_view method, std::string_view target, const HttpHeaders& headers) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", method, target);
  addFields(out, headers);
  return out;
}

std::string Url::authority() const {
  std::string result = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != (secure ? 443 : 80)) result += ":" + std::to_string(port);
  return result;
}

std::optional<Url> parseUrl(std::string_view url, std::string_view scheme) {
  Url result;
  const auto colon = url.find("://");
  if (colon == url.npos) return {};
  const auto name = base::toLower(url.substr(0, colon));
  result.secure = name == std::string(scheme) + "s";
  if (!result.secure && name != scheme) return {};
  url.remove_prefix(colon + 3);
  const auto slash = url.find_first_of("/?#");
  std::string_view authority = url.substr(0, slash);
  std::string_view rest = slash == url.npos ? std::string_view{} : url.substr(slash);
  rest = rest.substr(0, rest.find('#'));
  result.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  if (authority.find('@') != authority.npos) return {};
  result.port = result.secure ? 443 : 80;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == authority.npos) return {};
    result.host = authority.substr(1, end - 1);
    if (!Endpoint::parse(result.host, 0)) return {};
    authority.remove_prefix(end + 1);
    if (!authority.empty() && !authority.starts_with(':')) return {};
    port = authority.empty() ? authority : authority.substr(1);
    if (!authority.empty() && port.empty()) return {};
  } else {
    const auto at = authority.find(':');
    result.host = authority.substr(0, at);
    if (at != authority.npos) {
      port = authority.substr(at + 1);
      if (port.empty()) return {};
    }
  }
  if (!port.empty()) {
    const auto number = base::parseNumber<std::uint16_t>(port);
    if (!number || *number == 0) return {};
    result.port = *number;
  }
  const auto bad = [](std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return isControl(c) || c == ' '; });
  };
  if (result.host.empty() || bad(result.host) || bad(result.target)) return {};
  return result;
}

}  // namespace parley::net
