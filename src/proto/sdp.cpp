#include "proto/sdp.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "proto/sdp_attributes.h"

namespace parley::proto {
namespace {

using base::parseNumber;
using sdp_detail::Expected;
using sdp_detail::isToken;
using sdp_detail::takeWord;

std::unexpected<const char*> expected(const char* what) { return std::unexpected(what); }

/// Which of the lines that must come first and in order is due (RFC 8866 section 5).
enum class Stage { version, origin, name, session, media };

Expected readOrigin(std::string_view text, SdpOrigin& origin) {
  constexpr auto kWanted = "o=<user> <session id> <version> IN IP4|IP6 <address>";
  origin.user = takeWord(text);
  const auto id = parseNumber<std::uint64_t>(takeWord(text));
  const auto version = parseNumber<std::uint64_t>(takeWord(text));
  const auto net = takeWord(text);
  origin.addressType = takeWord(text);
  origin.address = takeWord(text);
  if (origin.user.empty() || !id || !version || net != "IN" || !isToken(origin.addressType) ||
      origin.address.empty() || !text.empty())
    return expected(kWanted);
  origin.sessionId = *id;
  origin.version = *version;
  return {};
}

Expected readConnection(std::string_view text, SdpConnection& connection) {
  const auto net = takeWord(text);
  connection.addressType = takeWord(text);
  connection.address = takeWord(text);
  if (net != "IN" || !isToken(connection.addressType) || connection.address.empty() || !text.empty())
    return expected("c=IN IP4|IP6 <address>");
  return {};
}

Expected readBandwidth(std::string_view text, std::vector<SdpBandwidth>& out) {
  const auto fields = base::split(text, ':');
  const auto value = fields.size() == 2 ? parseNumber<std::uint64_t>(base::trim(fields[1])) : std::nullopt;
  if (!value || !isToken(fields[0])) return expected("b=<type>:<number>");
  out.push_back({std::string(fields[0]), *value});
  return {};
}

Expected readMedia(std::string_view text, SdpMedia& media, const SdpLimits& limits) {
  constexpr auto kWanted = "m=<kind> <port>[/<count>] <protocol> <format> ...";
  media.kind = takeWord(text);
  const auto ports = base::split(takeWord(text), '/');
  const auto port = parseNumber<std::uint16_t>(ports[0]);
  const auto count = ports.size() == 2 ? parseNumber<std::uint16_t>(ports[1]) : std::uint16_t{1};
  media.protocol = takeWord(text);
  if (!isToken(media.kind) || ports.size() > 2 || !port || !count || *count == 0 || media.protocol.empty() ||
      text.empty())
    return expected(kWanted);
  media.port = *port;
  media.portCount = *count;
  const bool rtp = media.isRtp();
  while (!text.empty()) {
    const auto format = takeWord(text);
    if (media.formats.size() >= limits.maxFormats) return expected("fewer formats in the m-line");
    if (!isToken(format)) return expected(kWanted);
    if (const auto type = parseNumber<std::uint8_t>(format); rtp && (!type || *type > 127))
      return expected("payload types 0..127 as formats of the m-line");
    if (std::ranges::find(media.formats, format) != media.formats.end())
      return expected("each format of the m-line once");
    media.formats.emplace_back(format);
  }
  return {};
}

class Parser {
 public:
  Parser(std::string_view text, const SdpLimits& limits) : text_(text), limits_(limits) {}

  base::Result<SdpSession> run() {
    if (text_.size() > limits_.maxBytes)
      return base::fail("sdp.too_large",
                        fmt::format("expected at most {} bytes, found {}", limits_.maxBytes, text_.size()));
    while (!text_.empty()) {
      ++lineNumber_;
      const auto line = nextLine();
      if (auto done = checkSize(line); !done) return std::unexpected(done.error());
      if (auto done = readLine(line); !done) return malformed(done.error());
    }
    ++lineNumber_;
    if (stage_ < Stage::session) return malformed("v=, o=, s= and t= lines");
    if (session_.times.empty()) return malformed("a t= line");
    // As they are written: i= u= e= p= before c=, r= z= after t=.
    std::ranges::stable_partition(session_.otherLines,
                                  [](const std::string& l) { return l[0] != 'r' && l[0] != 'z'; });
    return std::move(session_);
  }

 private:
  std::unexpected<base::Error> malformed(const char* wanted) const {
    return base::fail("sdp.malformed", fmt::format("line {}: expected {}", lineNumber_, wanted));
  }

  std::string_view nextLine() {
    const auto end = text_.find('\n');
    std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  base::Result<void> checkSize(std::string_view line) {
    if (line.size() > limits_.maxLineBytes)
      return base::fail("sdp.too_large", fmt::format("line {}: expected at most {} bytes, found {}",
                                                     lineNumber_, limits_.maxLineBytes, line.size()));
    if (line.starts_with("m=")) {
      linesInSection_ = 0;
      if (session_.media.size() >= limits_.maxMedia)
        return base::fail("sdp.too_large", fmt::format("line {}: expected at most {} media sections",
                                                       lineNumber_, limits_.maxMedia));
    }
    if (++linesInSection_ > limits_.maxLinesPerSection)
      return base::fail("sdp.too_large", fmt::format("line {}: expected at most {} lines in a section",
                                                     lineNumber_, limits_.maxLinesPerSection));
    return {};
  }

  Expected readLine(std::string_view line) {
    if (line.size() < 2 || line[1] != '=') return expected("<type>=<value>");
    if (std::ranges::any_of(line, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; }))
      return expected("no control characters");
    const char type = line[0];
    const auto value = line.substr(2);
    switch (stage_) {
      case Stage::version:
        if (line != "v=0") return expected("v=0");
        stage_ = Stage::origin;
        return {};
      case Stage::origin:
        if (type != 'o') return expected("an o= line");
        stage_ = Stage::name;
        return readOrigin(value, session_.origin);
      case Stage::name:
        if (type != 's') return expected("an s= line");
        stage_ = Stage::session;
        session_.name = value;
        session_.times.clear();
        return {};
      case Stage::session:
        return readSessionLine(type, line, value);
      case Stage::media:
        return readMediaLine(type, value);
    }
    return {};
  }

  Expected startMedia(std::string_view value) {
    if (session_.times.empty()) return expected("a t= line before the first m= line");
    stage_ = Stage::media;
    return readMedia(value, session_.media.emplace_back(), limits_);
  }

  Expected readSessionLine(char type, std::string_view line, std::string_view value) {
    switch (type) {
      case 'a':
        return sdp_detail::readSessionAttribute(value, session_, limits_);
      case 'b':
        return readBandwidth(value, session_.bandwidths);
      case 'c':
        if (session_.connection) return expected("one c= line");
        return readConnection(value, session_.connection.emplace());
      case 't':
        session_.times.emplace_back(value);
        return {};
      case 'i':
      case 'u':
      case 'e':
      case 'p':
      case 'r':
      case 'z':
        session_.otherLines.emplace_back(line);
        return {};
      case 'k':  // A key in the open is of no use to anybody (RFC 8866 section 5.12): not kept.
        return {};
      case 'm':
        return startMedia(value);
      default:
        return expected("a line type of RFC 8866 that may stand here");
    }
  }

  Expected readMediaLine(char type, std::string_view value) {
    SdpMedia& media = session_.media.back();
    switch (type) {
      case 'a':
        return sdp_detail::readMediaAttribute(value, media, limits_);
      case 'b':
        return readBandwidth(value, media.bandwidths);
      case 'c':
        return readConnection(value, media.connections.emplace_back());
      case 'i':
        media.title = value;
        return {};
      case 'k':  // As above.
        return {};
      case 'm':
        return startMedia(value);
      default:
        return expected("a line type of RFC 8866 that may stand here");
    }
  }

  std::string_view text_;
  const SdpLimits& limits_;
  SdpSession session_;
  Stage stage_ = Stage::version;
  std::size_t lineNumber_ = 0;
  std::size_t linesInSection_ = 0;
};

}  // namespace

base::Result<SdpSession> parseSdp(std::string_view text, const SdpLimits& limits) {
  return Parser(text, limits).run();
}

std::string_view toString(SdpDirection direction) {
  switch (direction) {
    case SdpDirection::sendrecv:
      return "sendrecv";
    case SdpDirection::sendonly:
      return "sendonly";
    case SdpDirection::recvonly:
      return "recvonly";
    case SdpDirection::inactive:
      return "inactive";
  }
  return "";
}

std::string_view toString(SdpSetup setup) {
  switch (setup) {
    case SdpSetup::active:
      return "active";
    case SdpSetup::passive:
      return "passive";
    case SdpSetup::actpass:
      return "actpass";
    case SdpSetup::holdconn:
      return "holdconn";
  }
  return "";
}

}  // namespace parley::proto
