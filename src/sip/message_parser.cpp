// Message::parse: one pass over the lines. After the first fault it goes on, to find what an answer needs.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <forward_list>

#include "base/text.h"
#include "sip/grammar.h"
#include "sip/message.h"

namespace parley::sip {
namespace {

using lexer::Cursor;
using lexer::isBlank;
using lexer::same;
using lexer::takeLine;
using lexer::trim;

}  // namespace

class MessageParser {
 public:
  MessageParser(std::string_view bytes, Message& message) : rest_(bytes), message_(message) {}

  /// True: `message` is whole. Else takeFailure() says why.
  bool run() {
    if (rest_.size() > kMaxMessageBytes) {
      fail(513, "sip.too_large",
           fmt::format("expected at most {} bytes, found {}", kMaxMessageBytes, rest_.size()));
      rest_ = rest_.substr(0, kMaxMessageBytes);
    }
    if (!readStartLine()) return false;
    message_.headers_.reserve(12);
    message_.vias_.reserve(2);
    if (readHeaders()) {
      checkWhole();
      readBody();
    }
    return ok_;
  }

  ParseFailure takeFailure() {
    failure_.isRequest = !message_.methodName_.empty();
    failure_.isAck = message_.methodName_ == "ACK";
    // Without a Via there is nowhere to send an answer to.
    if (!message_.vias_.empty()) failure_.head = std::move(message_);
    return std::move(failure_);
  }

 private:
  /// The first fault is the one that counts.
  void fail(int status, std::string_view reason, std::string text) {
    if (!ok_) return;
    ok_ = false;
    failure_.status = status;
    failure_.reason = reason;
    failure_.text = std::move(text);
  }

  void badHeader(HeaderId id, std::string_view wanted, std::string_view found) {
    fail(400, "sip.bad_header",
         fmt::format("{}: expected {}, found \"{}\"", nameOf(id), wanted, base::printable(found, 80)));
  }

  void badLine(std::string_view line) {
    fail(400, "sip.bad_header",
         fmt::format("expected a header's name and a colon, found \"{}\"", base::printable(line, 40)));
  }

  /// False: what follows cannot be a SIP message's headers.
  bool readStartLine() {
    // RFC 3261 section 7.5: empty lines before the message are ignored.
    std::string_view line;
    do {
      if (!takeLine(rest_, line)) {
        fail(400, "sip.bad_start_line", "expected a request line or a status line");
        return false;
      }
    } while (line.empty());
    if (line.find('\r') != std::string_view::npos) {
      fail(400, "sip.bad_start_line", "expected no CR within the line");
      return false;
    }
    return same(line.substr(0, 4), "SIP/") ? readStatusLine(line) : readRequestLine(line);
  }

  bool readStatusLine(std::string_view line) {
    const auto version = line.substr(0, line.find(' '));
    const auto rest = line.substr(std::min(line.size(), version.size() + 1));
    const auto status = base::parseNumber<int>(rest.substr(0, 3));
    if (!same(version, "SIP/2.0") || !status || *status < 100 || *status > 699 ||
        (rest.size() > 3 && rest[3] != ' ')) {
      fail(400, "sip.bad_start_line",
           fmt::format("expected SIP/2.0 <100…699> <phrase>, found \"{}\"", base::printable(line, 80)));
      return false;
    }
    message_.status_ = *status;
    if (rest.size() > 4) message_.phrase_.assign(rest.substr(4));
    return true;
  }

  bool readRequestLine(std::string_view line) {
    Cursor c(line);
    const auto method = c.take(lexer::kToken);
    if (method.empty() || !c.eat(' ')) {
      fail(400, "sip.bad_start_line",
           fmt::format("expected <method> <URI> SIP/2.0, found \"{}\"", base::printable(line, 80)));
      return false;
    }
    message_.methodName_.append(method);
    message_.method_ = methodOf(method);
    const auto rest = c.rest();
    const auto space = rest.rfind(' ');
    const auto uri = rest.substr(0, space);
    const auto version = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
    if (!same(version, "SIP/2.0")) {
      const bool other =
          version.size() >= 7 && same(version.substr(0, 4), "SIP/") && lexer::isDigit(version[4]);
      fail(other ? 505 : 400, other ? "sip.bad_version" : "sip.bad_start_line",
           fmt::format("expected SIP/2.0 at the end of the request line, found \"{}\"",
                       base::printable(version, 40)));
      return true;
    }
    // White space in there, < > around it, or headers after a '?' (RFC 3261 section 19.1.1) are no request
    // URI.
    if (!grammar::readUri(uri, &message_.requestUri_) || !message_.requestUri_.headers.empty()) {
      fail(400, "sip.bad_uri",
           fmt::format("expected a URI as the request line's second word, found \"{}\"",
                       base::printable(uri, 80)));
    } else if (message_.requestUri_.scheme == UriScheme::other) {
      fail(416, "sip.unknown_scheme",
           fmt::format("expected a sip, sips or tel URI, found \"{}:\"",
                       base::printable(message_.requestUri_.otherScheme, 40)));
    }
    return true;
  }

  /// True: the empty line was found.
  bool readHeaders() {
    const char* begin = rest_.data();
    std::string_view line;
    while (takeLine(rest_, line)) {
      if (line.empty()) return true;
      while (!rest_.empty() && isBlank(rest_.front())) unfold(line);
      if (static_cast<std::size_t>(rest_.data() - begin) > kMaxHeaderBytes || ++lines_ > kMaxHeaders) {
        fail(513, "sip.too_large",
             fmt::format("expected at most {} headers of {} bytes", kMaxHeaders, kMaxHeaderBytes));
        return false;
      }
      readHeader(line);
    }
    fail(400, "sip.bad_frame", "expected an empty line after the headers");
    return false;
  }

  /// The next line continues this one (RFC 3261 section 7.3.1): one space stands for the line end and the
  /// white space. The text lives in folded_, since later lines look at earlier ones.
  void unfold(std::string_view& line) {
    std::string_view more;
    if (!takeLine(rest_, more)) {
      rest_ = {rest_.data() + rest_.size(), 0};
      return;
    }
    if (folded_.empty() || folded_.front().data() != line.data()) folded_.emplace_front(line);
    auto& text = folded_.front();
    text += ' ';
    text += trim(more);
    line = text;
  }

  void readHeader(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || isBlank(line.front())) return badLine(line);
    const auto name = trim(line.substr(0, colon));
    const auto value = trim(line.substr(colon + 1));
    bool exact = false;
    const auto id = grammar::lookUp(name, exact);
    if (id == HeaderId::other && !lexer::isToken(name)) return badLine(line);
    switch (id) {
      case HeaderId::via:
        return readVias(value);
      case HeaderId::from:
        return readAddress(id, value, message_.from_);
      case HeaderId::to:
        return readAddress(id, value, message_.to_);
      case HeaderId::callId:
        return readCallId(value);
      case HeaderId::cseq:
        return readCSeq(value);
      case HeaderId::maxForwards:
        return readMaxForwards(value);
      case HeaderId::contentLength:
        --lines_;  // It is not kept, and always written.
        return readContentLength(value);
      case HeaderId::contact:
      case HeaderId::route:
      case HeaderId::recordRoute:
        checkAddresses(id, value);
        break;
      case HeaderId::date:
        // RFC 3261 section 20.17: GMT and nothing else; another zone would be read as a wrong time.
        if (!value.ends_with(" GMT")) badHeader(id, "a date that ends in GMT", value);
        break;
      default:
        break;
    }
    // The grammar of those above has no CR in it.
    if (value.find('\r') != std::string_view::npos) return badLine(line);
    auto& header = message_.headers_.emplace_back(id, std::string(), std::string(value));
    if (!exact) header.name.append(name);
  }

  /// True: this line is the first of its header. A second one that says the same is ignored.
  bool first(HeaderId id, std::string_view value) {
    auto& seen = seen_[static_cast<std::size_t>(id)];
    if (seen.data() == nullptr) {
      seen = value;
      return true;
    }
    if (seen != value)
      fail(400, "sip.repeated_header", fmt::format("{}: expected one, found two that differ", nameOf(id)));
    return false;
  }

  /// For an answer to what is refused because of it.
  void keepAsItCame(HeaderId id, std::string_view value) {
    message_.headers_.push_back({id, {}, std::string(value)});
  }

  void readVias(std::string_view value) {
    Cursor c(value);
    do {
      if (++lines_ > kMaxHeaders)
        return fail(513, "sip.too_large",
                    fmt::format("expected at most {} Via and other headers", kMaxHeaders));
      auto& via = message_.vias_.emplace_back();
      if (!grammar::readVia(c, &via)) {
        if (via.host.empty()) message_.vias_.pop_back();
        return badHeader(HeaderId::via, "SIP/2.0/<transport> <host>[:<port>] and parameters", value);
      }
    } while (c.eat(','));
    --lines_;  // The line itself is counted already.
  }

  void readAddress(HeaderId id, std::string_view value, NameAddr& out) {
    if (!first(id, value)) return;
    Cursor c(value);
    if (grammar::readNameAddr(c, &out) && c.done()) return;
    out = {};
    keepAsItCame(id, value);
    badHeader(id, "[\"name\"] <URI> and parameters", value);
  }

  void readCallId(std::string_view value) {
    if (!first(HeaderId::callId, value)) return;
    if (value.empty() || !lexer::isVisible(value)) return badHeader(HeaderId::callId, "one word", value);
    message_.callId_.append(value);
  }

  void readCSeq(std::string_view value) {
    if (!first(HeaderId::cseq, value)) return;
    if (!grammar::readCSeq(value, message_.cseq_)) {
      keepAsItCame(HeaderId::cseq, value);
      return badHeader(HeaderId::cseq, "a number below 2^31 and a method", value);
    }
    if (message_.isRequest() && message_.cseq_.methodName != message_.methodName_)
      badHeader(HeaderId::cseq, "the method of the request line", value);
  }

  void readMaxForwards(std::string_view value) {
    if (!first(HeaderId::maxForwards, value)) return;
    const auto hops = base::parseNumber<std::uint8_t>(value);
    if (!hops) return badHeader(HeaderId::maxForwards, "a number up to 255", value);
    message_.maxForwards_ = *hops;
  }

  void readContentLength(std::string_view value) {
    if (!first(HeaderId::contentLength, value)) return;
    const auto length = base::parseNumber<std::uint32_t>(value);
    if (length)
      bodyLength_ = *length;
    else
      fail(400, "sip.bad_content_length",
           fmt::format("Content-Length: expected a number, found \"{}\"", base::printable(value, 40)));
  }

  /// Dialogs and routing rest on these, so that they are checked here although they are read later.
  void checkAddresses(HeaderId id, std::string_view value) {
    if (id == HeaderId::contact && value == "*") return;
    Cursor c(value);
    std::size_t elements = 0;
    do {
      if (++elements > kMaxHeaders || !grammar::readNameAddr(c, nullptr))
        return badHeader(id, "[\"name\"] <URI> and parameters", value);
    } while (c.eat(','));
  }

  void checkWhole() {
    for (const auto id : {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::callId, HeaderId::cseq})
      if (!message_.hasTyped(id))
        fail(400, "sip.missing_header", fmt::format("expected a {} header", nameOf(id)));
  }

  void readBody() {
    if (bodyLength_ && *bodyLength_ > rest_.size())
      return fail(400, "sip.bad_content_length",
                  fmt::format("Content-Length: expected at most the {} bytes that came, "
                              "found {}",
                              rest_.size(), *bodyLength_));
    if (ok_) message_.body_.append(rest_.substr(0, bodyLength_.value_or(rest_.size())));
  }

  std::string_view rest_;
  Message& message_;
  bool ok_ = true;
  std::size_t lines_ = 0;
  std::optional<std::size_t> bodyLength_;
  std::array<std::string_view, static_cast<std::size_t>(HeaderId::contentLength) + 1> seen_{};
  std::forward_list<std::string> folded_;
  ParseFailure failure_;
};

std::expected<Message, ParseFailure> Message::parse(std::string_view bytes) {
  std::expected<Message, ParseFailure> result;
  MessageParser parser(bytes, *result);
  if (!parser.run()) result = std::unexpected(parser.takeFailure());
  return result;
}

}  // namespace parley::sip
