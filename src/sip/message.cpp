#include "sip/message.h"

#include <algorithm>

#include "base/text.h"
#include "sip/grammar.h"

namespace parley::sip {
namespace {

using lexer::same;

/// Kept outside of Message::headers_.
bool isTyped(HeaderId id) {
  switch (id) {
    case HeaderId::via:
    case HeaderId::from:
    case HeaderId::to:
    case HeaderId::callId:
    case HeaderId::cseq:
    case HeaderId::maxForwards:
    case HeaderId::contentLength:
      return true;
    default:
      return false;
  }
}

/// No line ends in a value that is to be one line.
std::string oneLine(std::string value) {
  std::ranges::replace_if(
      value, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return std::string(base::trim(value));
}

bool isEmpty(const NameAddr& address) { return address.uri.host.empty() && address.uri.user.empty(); }

template <class T>
void assignIfGood(T& to, base::Result<T> parsed) {
  if (parsed) to = std::move(*parsed);
}

}  // namespace

Message Message::request(Method method, Uri requestUri) {
  return request(std::string(toString(method)), std::move(requestUri));
}

Message Message::request(std::string methodName, Uri requestUri) {
  Message out;
  out.method_ = methodOf(methodName);
  out.methodName_ = std::move(methodName);
  out.requestUri_ = std::move(requestUri);
  out.maxForwards_ = 70;
  return out;
}

Message Message::response(int status, std::string phrase) {
  Message out;
  out.status_ = status;
  out.phrase_ = phrase.empty() ? std::string(phraseOf(status)) : std::move(phrase);
  return out;
}

Message Message::responseTo(const Message& request, int status, std::string_view toTag, std::string phrase) {
  Message out = response(status, std::move(phrase));
  out.vias_ = request.vias_;
  out.from_ = request.from_;
  out.to_ = request.to_;
  out.callId_ = request.callId_;
  out.cseq_ = request.cseq_;
  if (!toTag.empty() && !isEmpty(out.to_) && out.to_.tag().empty())
    out.to_.params.set("tag", std::string(toTag));
  for (const auto& header : request.headers_) {
    // Typed ones are here only if they did not parse: then they go back as they came.
    const bool copied = isTyped(header.id) ||
                        (header.id == HeaderId::recordRoute && status > 100 && status < 300) ||
                        (status == 100 && header.id == HeaderId::other && same(header.name, "Timestamp"));
    if (copied && header.id != HeaderId::maxForwards && header.id != HeaderId::contentLength)
      out.headers_.push_back(header);
  }
  return out;
}

Method Message::method() const { return isRequest() ? method_ : cseq_.method; }

std::string_view Message::methodName() const { return isRequest() ? methodName_ : cseq_.methodName; }

void Message::setCSeq(std::uint32_t number, Method method) {
  cseq_ = {number, std::string(sip::toString(method)), method};
}

bool Message::hasTyped(HeaderId id) const {
  switch (id) {
    case HeaderId::via:
      return !vias_.empty();
    case HeaderId::from:
      return !isEmpty(from_);
    case HeaderId::to:
      return !isEmpty(to_);
    case HeaderId::callId:
      return !callId_.empty();
    case HeaderId::cseq:
      return !cseq_.methodName.empty() || cseq_.method != Method::other;
    case HeaderId::maxForwards:
      return maxForwards_.has_value();
    case HeaderId::contentLength:
      return true;
    default:
      return false;
  }
}

std::string Message::typedText(HeaderId id) const {
  std::string out;
  switch (id) {
    case HeaderId::via:
      for (const auto& via : vias_) {
        if (!out.empty()) out += ", ";
        grammar::append(out, via);
      }
      return out;
    case HeaderId::from:
      return from_.toString();
    case HeaderId::to:
      return to_.toString();
    case HeaderId::callId:
      return callId_;
    case HeaderId::cseq:
      return cseq_.toString();
    case HeaderId::maxForwards:
      return std::to_string(maxForwards_.value_or(0));
    case HeaderId::contentLength:
      return std::to_string(body_.size());
    default:
      return out;
  }
}

/// `more`: a Via is added, `first` or last, and does not replace those that are there.
void Message::setTyped(HeaderId id, std::string_view value, bool more, bool first) {
  switch (id) {
    case HeaderId::via: {
      std::vector<Via> vias;
      for (std::string_view element; lexer::takeElement(value, element);) {
        auto via = Via::parse(element);
        if (!via) return;
        vias.push_back(std::move(*via));
      }
      if (!more) vias_.clear();
      vias_.insert(first ? vias_.begin() : vias_.end(), vias.begin(), vias.end());
      return;
    }
    case HeaderId::from:
      return assignIfGood(from_, NameAddr::parse(value));
    case HeaderId::to:
      return assignIfGood(to_, NameAddr::parse(value));
    case HeaderId::callId:
      callId_ = value;
      return;
    case HeaderId::cseq:
      return assignIfGood(cseq_, CSeq::parse(value));
    case HeaderId::maxForwards:
      if (const auto hops = base::parseNumber<std::uint8_t>(value)) maxForwards_ = *hops;
      return;
    default:
      return;  // Content-Length is computed.
  }
}

std::optional<std::string_view> Message::header(HeaderId id) const {
  if (isTyped(id) && hasTyped(id)) {
    constexpr std::size_t kTypedIds = static_cast<std::size_t>(HeaderId::contentLength) + 1;
    if (!written_.texts) written_.texts = std::make_unique<std::vector<std::string>>(kTypedIds);
    auto& text = (*written_.texts)[static_cast<std::size_t>(id)];
    text = typedText(id);
    return text;
  }
  if (id == HeaderId::other) return std::nullopt;
  for (const auto& header : headers_)
    if (header.id == id) return header.value;
  return std::nullopt;
}

std::optional<std::string_view> Message::header(std::string_view name) const {
  if (const auto id = headerIdOf(name); id != HeaderId::other) return header(id);
  for (const auto& header : headers_)
    if (header.id == HeaderId::other && same(header.name, name)) return header.value;
  return std::nullopt;
}

std::vector<std::string_view> Message::list(HeaderId id) const {
  std::vector<std::string_view> out;
  const auto addElements = [&](std::string_view text) {
    if (!isListHeader(id)) {
      out.push_back(text);
      return;
    }
    for (std::string_view element; lexer::takeElement(text, element);)
      if (!element.empty()) out.push_back(element);
  };
  if (isTyped(id)) {
    if (const auto text = header(id)) addElements(*text);
    return out;
  }
  if (id == HeaderId::other) return out;
  for (const auto& header : headers_)
    if (header.id == id) addElements(header.value);
  return out;
}

bool Message::lists(HeaderId id, std::string_view token) const {
  return std::ranges::any_of(list(id), [&](auto element) { return same(element, token); });
}

base::Result<std::vector<NameAddr>> Message::addresses(HeaderId id) const {
  std::vector<NameAddr> out;
  for (const auto element : list(id)) {
    auto address = NameAddr::parse(element);
    if (!address) {
      address.error().text = std::string(nameOf(id)) + ": " + address.error().text;
      return std::unexpected(std::move(address.error()));
    }
    out.push_back(std::move(*address));
  }
  return out;
}

void Message::set(HeaderId id, std::string value) {
  if (id == HeaderId::other) return;
  value = oneLine(std::move(value));
  if (isTyped(id)) {
    setTyped(id, value, false, false);
    if (hasTyped(id)) std::erase_if(headers_, [&](const Header& header) { return header.id == id; });
    return;
  }
  const auto first = std::ranges::find(headers_, id, &Header::id);
  if (first == headers_.end()) {
    headers_.push_back({id, {}, std::move(value)});
    return;
  }
  first->value = std::move(value);
  const auto others = std::remove_if(first + 1, headers_.end(), [&](const Header& h) { return h.id == id; });
  headers_.erase(others, headers_.end());
}

void Message::addAt(HeaderId id, std::string value, bool first) {
  if (id == HeaderId::other) return;
  value = oneLine(std::move(value));
  if (isTyped(id)) return setTyped(id, value, true, first);
  auto at = headers_.end();
  if (first) {
    at = std::ranges::find(headers_, id, &Header::id);
  } else if (const auto last = std::ranges::find(headers_.rbegin(), headers_.rend(), id, &Header::id);
             last != headers_.rend()) {
    at = last.base();
  }
  headers_.insert(at, {id, {}, std::move(value)});
}

void Message::add(HeaderId id, std::string value) { addAt(id, std::move(value), false); }

void Message::addFirst(HeaderId id, std::string value) { addAt(id, std::move(value), true); }

void Message::add(std::string name, std::string value) {
  if (!lexer::isToken(name)) return;
  if (const auto id = headerIdOf(name); id != HeaderId::other) return add(id, std::move(value));
  headers_.push_back({HeaderId::other, std::move(name), oneLine(std::move(value))});
}

void Message::remove(HeaderId id) {
  if (id == HeaderId::other) return;
  std::erase_if(headers_, [&](const Header& header) { return header.id == id; });
  if (id == HeaderId::via) vias_.clear();
  if (id == HeaderId::maxForwards) maxForwards_.reset();
}

void Message::remove(std::string_view name) {
  if (const auto id = headerIdOf(name); id != HeaderId::other) return remove(id);
  std::erase_if(headers_, [&](const Header& h) { return h.id == HeaderId::other && same(h.name, name); });
}

void Message::setBody(std::string body, std::string contentType) {
  body_ = std::move(body);
  if (body_.empty() || contentType.empty()) {
    remove(HeaderId::contentType);
  } else {
    set(HeaderId::contentType, std::move(contentType));
  }
}

std::string Message::contentType() const {
  const auto value = header(HeaderId::contentType);
  const auto parsed = value ? TokenValue::parse(*value) : TokenValue{};
  return parsed ? base::toLower(parsed->value) : std::string{};
}

namespace {

/// A line's name is written; adds the value by `append` and ends the line. Whatever was put into the value,
/// it stays one line.
template <class Append>
void appendLine(std::string& out, std::string_view name, const Append& append) {
  out += name;
  out += ": ";
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  append();
  std::replace(out.begin() + begin, out.end(), '\r', ' ');
  std::replace(out.begin() + begin, out.end(), '\n', ' ');
  out += "\r\n";
}

}  // namespace

std::string Message::write() const {
  std::string out;
  std::size_t size = 600 + body_.size() + vias_.size() * 128;
  for (const auto& header : headers_) size += header.value.size() + 24;
  out.reserve(size);
  if (isRequest()) {
    out += methodName_;
    out += ' ';
    grammar::append(out, requestUri_);
    out += " SIP/2.0";
  } else {
    out += "SIP/2.0 ";
    grammar::append(out, static_cast<std::uint32_t>(status_));
    out += ' ';
    out += phrase_;
  }
  std::ranges::replace_if(
      out, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  out += "\r\n";
  for (const auto& via : vias_) appendLine(out, "Via", [&] { grammar::append(out, via); });
  if (maxForwards_)
    appendLine(out, "Max-Forwards", [&] { grammar::append(out, static_cast<std::uint32_t>(*maxForwards_)); });
  if (hasTyped(HeaderId::from)) appendLine(out, "From", [&] { grammar::append(out, from_); });
  if (hasTyped(HeaderId::to)) appendLine(out, "To", [&] { grammar::append(out, to_); });
  if (!callId_.empty()) appendLine(out, "Call-ID", [&] { out += callId_; });
  if (hasTyped(HeaderId::cseq)) appendLine(out, "CSeq", [&] { grammar::append(out, cseq_); });
  for (const auto& header : headers_)
    appendLine(out, header.name.empty() ? nameOf(header.id) : std::string_view(header.name),
               [&] { out += header.value; });
  appendLine(out, "Content-Length", [&] { grammar::append(out, static_cast<std::uint32_t>(body_.size())); });
  out += "\r\n";
  out += body_;
  return out;
}

}  // namespace parley::sip
