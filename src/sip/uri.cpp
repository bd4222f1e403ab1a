#include "sip/uri.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sip/grammar.h"

namespace parley::sip {
namespace {

using lexer::Cursor;
using lexer::is;
using lexer::isDigit;
using lexer::same;

bool isEscape(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && text[at] == '%' && is(text[at + 1], lexer::kHexDigit) &&
         is(text[at + 2], lexer::kHexDigit);
}

/// `text` with what is not of class `k` escaped; escapes that are there stay.
void appendEscaped(std::string& out, std::string_view text, lexer::CharClass k, char also = 0) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is(c, k) || (also && c == also) || isEscape(text, i)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
}

bool readUserInfo(std::string_view text, Uri* out) {
  std::size_t colon = std::string_view::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is(text[i], lexer::kUser)) continue;
    if (text[i] == ':' && colon == std::string_view::npos) {
      colon = i;
    } else if (isEscape(text, i)) {
      i += 2;
    } else {
      return false;
    }
  }
  const auto user = text.substr(0, colon);
  if (user.empty()) return false;
  if (out) {
    out->user.append(user);
    if (colon != std::string_view::npos) out->password.emplace(text.substr(colon + 1));
  }
  return true;
}

bool readUriParams(Cursor& c, Params* out) {
  std::size_t count = 0;
  while (c.eat(';')) {
    const auto name = c.take(lexer::kUriParam);
    if (name.empty() || ++count > grammar::kMaxParams) return false;
    Param* param = out ? &out->items().emplace_back() : nullptr;
    if (param) param->name.append(name);
    if (!c.eat('=')) continue;
    const char* begin = c.position();
    do c.take(lexer::kUriParam);
    while (c.eat('='));
    if (param) param->value.emplace(begin, c.position());
  }
  return true;
}

bool readSip(Cursor c, Uri* out) {
  const auto at = c.rest().find('@');
  if (at != std::string_view::npos) {
    if (!readUserInfo(c.rest().substr(0, at), out)) return false;
    c.skip(at + 1);
  }
  const auto host = c.rest().substr(0, grammar::hostLength(c.rest()));
  if (host.empty()) return false;
  if (out) out->host.append(host);
  c.skip(host.size());
  if (c.eat(':')) {
    const auto port = grammar::readPort(c);
    if (port == 0) return false;
    if (out) out->port = port;
  }
  if (!readUriParams(c, out ? &out->params : nullptr)) return false;
  if (c.eat('?')) {
    const auto headers = c.take(lexer::kUriText);
    if (headers.empty()) return false;
    if (out) out->headers.append(headers);
  }
  return c.done();
}

bool isPhoneDigit(char c) {
  return is(c, lexer::kHexDigit) || c == '*' || c == '#' || c == '-' || c == '.' || c == '(' || c == ')';
}

/// RFC 3966 section 3, with the separators of old numbers.
bool readTel(Cursor c, Uri* out) {
  const char* begin = c.position();
  c.eat('+');
  const char* digits = c.position();
  while (!c.done() && isPhoneDigit(*c.position())) c.skip(1);
  if (c.position() == digits) return false;
  if (out) out->user.append(begin, c.position());
  return readUriParams(c, out ? &out->params : nullptr) && c.done();
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto digit = [](char c) { return isDigit(c) ? c - '0' : lexer::lower(c) - 'a' + 10; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (isEscape(text, i)) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string withoutSeparators(std::string_view number) {
  std::string out;
  for (const char c : number)
    if (c != '-' && c != '.' && c != '(' && c != ')') out.push_back(lexer::lower(c));
  return out;
}

bool paramsEquivalent(const Params& a, const Params& b, bool tel) {
  constexpr std::string_view kNeverAlone[] = {"user", "ttl", "method", "maddr", "transport"};
  for (const auto& param : a.items()) {
    const auto other = b.get(param.name);
    if (other) {
      if (!same(unescape(*other), unescape(param.value.value_or("")))) return false;
    } else if (tel || std::ranges::any_of(kNeverAlone, [&](auto name) { return same(name, param.name); })) {
      return false;
    }
  }
  return true;
}

/// The header components as a sorted list: their order does not count.
std::vector<std::string> headerSet(std::string_view headers) {
  std::vector<std::string> out;
  if (headers.empty()) return out;
  for (const auto part : base::split(headers, '&')) {
    const auto equals = part.find('=');
    std::string one = base::toLower(unescape(part.substr(0, equals)));
    if (equals != std::string_view::npos) one += '=' + unescape(part.substr(equals + 1));
    out.push_back(std::move(one));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

std::optional<std::string_view> Params::get(std::string_view name) const {
  for (const auto& item : items_)
    if (same(item.name, name)) return item.value ? std::string_view(*item.value) : std::string_view{};
  return std::nullopt;
}

void Params::set(std::string_view name, std::optional<std::string> value) {
  for (auto& item : items_) {
    if (!same(item.name, name)) continue;
    item.value = std::move(value);
    item.quoted = false;
    return;
  }
  items_.push_back({std::string(name), std::move(value), false});
}

void Params::setQuoted(std::string_view name, std::string value) {
  set(name, std::move(value));
  for (auto& item : items_)
    if (same(item.name, name)) {
      item.quoted = true;
      return;
    }
}

void Params::remove(std::string_view name) {
  std::erase_if(items_, [&](const Param& item) { return same(item.name, name); });
}

std::size_t grammar::hostLength(std::string_view text) {
  if (text.empty() || text[0] != '[') {
    const char* begin = text.data();
    return static_cast<std::size_t>(lexer::skip(begin, begin + text.size(), lexer::kHost) - begin);
  }
  // Not more than the form: what it means is for whoever connects to it. RFC 5118 section 4.10 wants a third
  // colon before an IPv4 part accepted, which RFC 3261's grammar wrote by mistake.
  std::size_t colons = 0, i = 1;
  for (; i < text.size() && (is(text[i], lexer::kHexDigit) || text[i] == ':' || text[i] == '.'); ++i)
    colons += text[i] == ':';
  return i < text.size() && text[i] == ']' && colons >= 2 && i <= 48 ? i + 1 : 0;
}

std::uint16_t grammar::readPort(Cursor& c) {
  const auto port = base::parseNumber<std::uint16_t>(c.digits());
  return port.value_or(0);
}

bool grammar::readUri(std::string_view text, Uri* out) {
  if (text.size() > 4 && lexer::lower(text[0]) == 's' && lexer::lower(text[1]) == 'i' &&
      lexer::lower(text[2]) == 'p') {
    if (text[3] == ':') return readSip(Cursor(text.substr(4)), out);
    if (lexer::lower(text[3]) == 's' && text[4] == ':') {
      if (out) out->scheme = UriScheme::sips;
      return readSip(Cursor(text.substr(5)), out);
    }
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto scheme = text.substr(0, colon);
  if (same(scheme, "tel")) {
    if (out) out->scheme = UriScheme::tel;
    return readTel(Cursor(text.substr(colon + 1)), out);
  }
  const auto ofScheme = [](char c) {
    return isDigit(c) || (lexer::lower(c) >= 'a' && lexer::lower(c) <= 'z') || c == '+' || c == '-' ||
           c == '.';
  };
  const auto rest = text.substr(colon + 1);
  if (scheme.empty() || isDigit(scheme[0]) || !std::ranges::all_of(scheme, ofScheme)) return false;
  if (rest.empty() || !lexer::all(rest, lexer::kUriText) || same(scheme, "sip") || same(scheme, "sips"))
    return false;
  if (out) {
    out->scheme = UriScheme::other;
    out->otherScheme.append(scheme);
    out->user.append(rest);
  }
  return true;
}

void grammar::append(std::string& out, const Uri& uri) {
  switch (uri.scheme) {
    case UriScheme::sip:
      out += "sip:";
      break;
    case UriScheme::sips:
      out += "sips:";
      break;
    case UriScheme::tel:
      out += "tel:";
      break;
    case UriScheme::other:
      appendEscaped(out, uri.otherScheme, lexer::kToken);
      out += ':';
      break;
  }
  if (uri.scheme == UriScheme::other) return appendEscaped(out, uri.user, lexer::kUriText);
  appendEscaped(out, uri.user, lexer::kUser);
  if (uri.isSip()) {
    if (uri.password) {
      out += ':';
      appendEscaped(out, *uri.password, lexer::kUser);
    }
    if (!uri.user.empty()) out += '@';
    if (hostLength(uri.host) == uri.host.size())
      out += uri.host;
    else
      appendEscaped(out, uri.host, lexer::kHost);
    if (uri.port) {
      out += ':';
      append(out, *uri.port);
    }
  }
  for (const auto& param : uri.params.items()) {
    out += ';';
    appendEscaped(out, param.name, lexer::kUriParam);
    if (!param.value) continue;
    out += '=';
    appendEscaped(out, *param.value, lexer::kUriParam, '=');
  }
  if (uri.isSip() && !uri.headers.empty()) {
    out += '?';
    appendEscaped(out, uri.headers, lexer::kUriText);
  }
}

base::Result<Uri> Uri::parse(std::string_view text) {
  Uri uri;
  if (!grammar::readUri(text, &uri))
    return base::fail("sip.bad_uri", fmt::format("expected a URI like sip:user@host, found \"{}\"",
                                                 base::printable(text, 80)));
  return uri;
}

Uri Uri::sip(std::string user, std::string host, std::optional<std::uint16_t> port) {
  Uri uri;
  appendEscaped(uri.user, user, lexer::kUser);
  uri.host = std::move(host);
  uri.port = port;
  return uri;
}

std::string Uri::toString() const {
  std::string out;
  grammar::append(out, *this);
  return out;
}

Uri Uri::inFromAndTo() const {
  Uri out = *this;
  if (!isSip()) return out;
  out.port.reset();
  out.headers.clear();
  for (const char* name : {"transport", "maddr", "ttl", "lr", "method"}) out.params.remove(name);
  return out;
}

std::string Uri::plainUser() const { return unescape(user); }

bool Uri::equivalent(const Uri& other) const {
  if (scheme != other.scheme || !same(otherScheme, other.otherScheme)) return false;
  if (scheme == UriScheme::other) return user == other.user;
  const bool tel = scheme == UriScheme::tel;
  if (!paramsEquivalent(params, other.params, tel) || !paramsEquivalent(other.params, params, tel))
    return false;
  if (tel) return withoutSeparators(user) == withoutSeparators(other.user);
  return plainUser() == other.plainUser() &&
         unescape(password.value_or("")) == unescape(other.password.value_or("")) &&
         password.has_value() == other.password.has_value() && same(host, other.host) && port == other.port &&
         headerSet(headers) == headerSet(other.headers);
}

}  // namespace parley::sip
