#include "sip/headers.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "sip/grammar.h"

namespace parley::sip {
namespace {

using lexer::Cursor;
using lexer::is;
using lexer::same;
using lexer::trim;

constexpr std::array<std::string_view, 15> kMethods = {
    "INVITE", "ACK",   "BYE",    "CANCEL",    "OPTIONS", "REGISTER", "INFO", "PRACK",
    "UPDATE", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH",  ""};

std::unexpected<base::Error> bad(std::string_view header, std::string_view wanted, std::string_view found) {
  return base::fail("sip.bad_header",
                    fmt::format("{}: expected {}, found \"{}\"", header, wanted, base::printable(found, 80)));
}

/// `;name=value` where the value is quoted if it must be.
void appendParam(std::string& out, const Param& param) {
  for (const char c : param.name)
    if (is(c, lexer::kToken)) out.push_back(c);
  if (!param.value) return;
  out += '=';
  if (param.quoted || !lexer::all(*param.value, lexer::kValue)) {
    grammar::appendQuoted(out, *param.value);
  } else {
    out += *param.value;
  }
}

/// `name[=value]`, the value as a quoted string or not.
bool readParam(Cursor& c, Param* out) {
  const auto name = c.take(lexer::kToken);
  if (name.empty()) return false;
  if (out) out->name.append(name);
  if (!c.eatSeparator('=')) return true;
  if (c.at('"')) {
    if (out) {
      out->quoted = true;
      out->value.emplace();
    }
    return c.quoted(out ? &*out->value : nullptr);
  }
  const auto value = c.take(lexer::kValue);
  if (out) out->value.emplace(value);
  return true;
}

/// A number of at most 32 bits and the blanks around it.
std::optional<std::uint32_t> takeNumber(Cursor& c) {
  c.blanks();
  const auto number = base::parseNumber<std::uint32_t>(c.digits());
  c.blanks();
  return number;
}

/// `(…)`, nested, with quoted pairs (RFC 3261 section 25.1).
bool skipComment(Cursor& c) {
  std::size_t depth = 0;
  while (!c.done()) {
    const char now = *c.position();
    c.skip(1);
    if (now == '\\') {
      if (c.done()) return false;
      c.skip(1);
    } else if (now == '(') {
      ++depth;
    } else if (now == ')' && --depth == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view toString(Method method) { return kMethods[static_cast<std::size_t>(method)]; }

Method methodOf(std::string_view name) {
  for (std::size_t i = 0; i + 1 < kMethods.size(); ++i)
    if (kMethods[i] == name) return static_cast<Method>(i);
  return Method::other;
}

void grammar::append(std::string& out, std::uint32_t number) {
  std::array<char, 12> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void grammar::appendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r' || c == '\n') {
      out += ' ';  // Cannot be escaped (RFC 3261 section 25.1), and must not end the line.
      continue;
    }
    if (c == '"' || c == '\\' || (byte < 0x20 && c != '\t') || byte == 0x7f) out += '\\';
    out += c;
  }
  out += '"';
}

bool grammar::readParams(Cursor& c, Params* out) {
  std::size_t count = 0;
  for (c.blanks(); c.eat(';'); c.blanks()) {
    c.blanks();
    if (++count > kMaxParams) return false;
    if (out && count == 1) out->items().reserve(2);  // Most have no more.
    if (!readParam(c, out ? &out->items().emplace_back() : nullptr)) return false;
  }
  return true;
}

void grammar::append(std::string& out, const Params& params) {
  for (const auto& param : params.items()) {
    out += ';';
    appendParam(out, param);
  }
}

bool grammar::readNameAddr(Cursor& c, NameAddr* out) {
  Uri* uri = out ? &out->uri : nullptr;
  c.blanks();
  if (c.at('"')) {
    if (!c.quoted(out ? &out->display : nullptr)) return false;
    c.blanks();
  } else {
    // A display name of tokens before '<', or the URI itself, which then has no ; , or ? (section 20.10).
    const auto text = trim(c.take(lexer::kDisplay));
    if (!c.at('<')) {
      if (text.find('?') != std::string_view::npos || !readUri(text, uri)) return false;
      return readParams(c, out ? &out->params : nullptr) && (c.done() || c.at(','));
    }
    if (out) out->display.append(text);
  }
  if (!c.eat('<')) return false;
  const auto end = c.rest().find('>');
  if (end == std::string_view::npos || !readUri(c.rest().substr(0, end), uri)) return false;
  c.skip(end + 1);
  return readParams(c, out ? &out->params : nullptr) && (c.done() || c.at(','));
}

void grammar::append(std::string& out, const NameAddr& address) {
  if (!address.display.empty()) {
    appendQuoted(out, address.display);
    out += ' ';
  }
  out += '<';
  append(out, address.uri);
  out += '>';
  append(out, address.params);
}

bool grammar::readVia(Cursor& c, Via* out) {
  c.blanks();
  // The version is not looked at: an answer to a message of another one (505) needs its Via, too.
  if (c.rest().starts_with("SIP/2.0/")) {
    c.skip(8);
  } else if (!same(c.take(lexer::kToken), "SIP") || !c.eatSeparator('/') || c.take(lexer::kToken).empty() ||
             !c.eatSeparator('/')) {
    return false;
  }
  const auto transport = c.take(lexer::kToken);
  if (transport.empty() || c.done() || !lexer::isBlank(*c.position())) return false;
  c.blanks();
  const auto host = c.rest().substr(0, hostLength(c.rest()));
  if (host.empty()) return false;
  c.skip(host.size());
  if (out) {
    if (transport != "UDP") {
      out->transport.assign(transport);
      for (char& letter : out->transport)
        if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - ('a' - 'A'));
    }
    out->host.append(host);
  }
  if (c.eatSeparator(':')) {
    const auto port = readPort(c);
    if (port == 0) return false;
    if (out) out->port = port;
  }
  return readParams(c, out ? &out->params : nullptr) && (c.done() || c.at(','));
}

void grammar::append(std::string& out, const Via& via) {
  out += "SIP/2.0/";
  out += via.transport;
  out += ' ';
  out += via.host;
  if (via.port) {
    out += ':';
    append(out, *via.port);
  }
  append(out, via.params);
}

bool grammar::readCSeq(std::string_view text, CSeq& out) {
  Cursor c(text);
  const auto number = takeNumber(c);
  const auto method = c.take(lexer::kToken);
  c.blanks();
  if (!number || *number > 0x7fffffff || method.empty() || !c.done() || lexer::isDigit(method.data()[-1]))
    return false;
  out.number = *number;
  out.methodName.append(method);
  out.method = methodOf(method);
  return true;
}

void grammar::append(std::string& out, const CSeq& cseq) {
  append(out, cseq.number);
  out += ' ';
  out += cseq.methodName.empty() ? toString(cseq.method) : std::string_view(cseq.methodName);
}

base::Result<NameAddr> NameAddr::parse(std::string_view text) {
  NameAddr out;
  Cursor c(text);
  if (!grammar::readNameAddr(c, &out) || !c.done())
    return bad("address", "[\"name\"] <URI> and parameters", text);
  return out;
}

std::string NameAddr::toString() const {
  std::string out;
  grammar::append(out, *this);
  return out;
}

base::Result<Via> Via::parse(std::string_view text) {
  Via out;
  Cursor c(text);
  if (!grammar::readVia(c, &out) || !c.done())
    return bad("Via", "SIP/2.0/<transport> <host>[:<port>] and parameters", text);
  return out;
}

std::string Via::toString() const {
  std::string out;
  grammar::append(out, *this);
  return out;
}

base::Result<CSeq> CSeq::parse(std::string_view text) {
  CSeq out;
  if (!grammar::readCSeq(text, out)) return bad("CSeq", "a number below 2^31 and a method", text);
  return out;
}

std::string CSeq::toString() const {
  std::string out;
  grammar::append(out, *this);
  return out;
}

base::Result<RAck> RAck::parse(std::string_view text) {
  Cursor c(text);
  const auto rseq = takeNumber(c);
  const auto cseq = takeNumber(c);
  const auto method = c.take(lexer::kToken);
  c.blanks();
  if (!rseq || !cseq || *cseq > 0x7fffffff || method.empty() || !c.done() ||
      lexer::isDigit(method.data()[-1]))
    return bad("RAck", "the numbers of RSeq and CSeq and a method", text);
  return RAck{*rseq, *cseq, std::string(method)};
}

std::string RAck::toString() const { return fmt::format("{} {} {}", rseq, cseq, methodName); }

base::Result<Replaces> Replaces::parse(std::string_view text) {
  Cursor c(text);
  c.blanks();
  Params params;
  Replaces out;
  out.callId = c.take(lexer::kValue);
  if (out.callId.empty() || !grammar::readParams(c, &params) || !c.done())
    return bad("Replaces", "<call id>;to-tag=<tag>;from-tag=<tag>", text);
  // Target-Dialog (RFC 4538) names the tags as its receiver sees them.
  const auto to = params.get("to-tag"), from = params.get("from-tag");
  const auto local = params.get("local-tag"), remote = params.get("remote-tag");
  out.toTag = to.value_or(local.value_or(""));
  out.fromTag = from.value_or(remote.value_or(""));
  if (out.toTag.empty() || out.fromTag.empty()) return bad("Replaces", "both tags", text);
  out.earlyOnly = params.has("early-only");
  return out;
}

std::string Replaces::toString() const {
  Params params;
  params.set("to-tag", toTag);
  params.set("from-tag", fromTag);
  if (earlyOnly) params.set("early-only");
  std::string out = callId;
  grammar::append(out, params);
  return out;
}

base::Result<SessionExpires> SessionExpires::parse(std::string_view text) {
  Cursor c(text);
  SessionExpires out;
  Params params;
  const auto seconds = takeNumber(c);
  if (!seconds || !grammar::readParams(c, &params) || !c.done())
    return bad("Session-Expires", "seconds and parameters", text);
  out.seconds = *seconds;
  out.refresher = base::toLower(params.get("refresher").value_or(""));
  if (!out.refresher.empty() && out.refresher != "uac" && out.refresher != "uas")
    return bad("Session-Expires", "refresher=uac or uas", text);
  return out;
}

std::string SessionExpires::toString() const {
  std::string out;
  grammar::append(out, seconds);
  if (!refresher.empty()) out += ";refresher=" + refresher;
  return out;
}

base::Result<AuthValue> AuthValue::parse(std::string_view text) {
  // What was found is not shown: it may be a credential.
  const auto failed = [] {
    return base::fail("sip.bad_header",
                      "authentication: expected a scheme and name=value, …, found another form");
  };
  Cursor c(text);
  AuthValue out;
  c.blanks();
  out.scheme = c.take(lexer::kToken);
  if (out.scheme.empty() || (!c.done() && !lexer::isBlank(*c.position()))) return failed();
  c.blanks();
  while (!c.done()) {
    if (out.params.items().size() >= grammar::kMaxParams) return failed();
    if (!readParam(c, &out.params.items().emplace_back())) return failed();
    c.blanks();
    if (!c.done() && !c.eatSeparator(',')) return failed();
  }
  return out;
}

std::string AuthValue::toString() const {
  std::string out = scheme;
  char separator = ' ';
  for (const auto& param : params.items()) {
    if (separator == ',') out += ',';
    out += ' ';
    separator = ',';
    appendParam(out, param);
  }
  return out;
}

base::Result<TokenValue> TokenValue::parse(std::string_view text) {
  Cursor c(text);
  TokenValue out;
  c.blanks();
  const char* begin = c.position();
  bool ok = true;
  while (ok && !c.done() && !c.at(';') && !c.at(',') && !c.at('(')) {
    if (c.at('"')) {
      ok = c.quoted(nullptr);
    } else {
      ok = !c.at('\r') && !c.at('\n');
      c.skip(1);
    }
  }
  if (ok) {
    out.value = trim({begin, static_cast<std::size_t>(c.position() - begin)});
    // type / subtype: the white space around the slash says nothing (RFC 3261 section 7.3.1).
    if (const auto slash = out.value.find('/'); slash != std::string::npos && out.value.front() != '"')
      std::erase_if(out.value, lexer::isBlank);
    if (c.at('(')) ok = skipComment(c);
  }
  if (!ok || out.value.empty() || !grammar::readParams(c, &out.params) || !c.done())
    return bad("value", "a value and parameters", text);
  return out;
}

std::optional<std::uint32_t> secondsIn(std::string_view text) {
  return base::parseNumber<std::uint32_t>(trim(text.substr(0, text.find_first_of(" \t(;"))));
}

std::string TokenValue::toString() const {
  std::string out = value;
  grammar::append(out, params);
  return out;
}

}  // namespace parley::sip
