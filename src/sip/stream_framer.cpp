#include "sip/stream_framer.h"

#include <fmt/format.h>

#include <cstring>

#include "base/text.h"
#include "sip/lexer.h"

namespace parley::sip {
namespace {

/// The values of the Content-Length lines of a head, folded ones, too (as the parser reads them).
struct Lengths {
  std::optional<std::string> value;
  bool differ = false;

  explicit Lengths(std::string_view head) {
    bool inLength = false;
    std::string now;
    std::string_view line;
    while (lexer::takeLine(head, line)) {
      if (inLength && !line.empty() && lexer::isBlank(line.front())) {
        now += ' ';
        now += lexer::trim(line);
        continue;
      }
      if (inLength) add(now);
      inLength = false;
      if (line.empty() || !std::strchr("cClL", line.front())) continue;
      lexer::Cursor c(line);
      const auto name = c.take(lexer::kToken);
      c.blanks();
      if (headerIdOf(name) != HeaderId::contentLength || !c.eat(':')) continue;
      inLength = true;
      now = lexer::trim(c.rest());
    }
  }

 private:
  void add(std::string_view text) {
    text = lexer::trim(text);
    if (value && *value != text) differ = true;
    if (!value) value.emplace(text);
  }
};

/// What an idle connection keeps of a large message's room.
constexpr std::size_t kKeptBytes = 8192;

}  // namespace

void StreamFramer::push(std::string_view bytes) {
  if (broken_) return;
  // What was given out goes when it is more than half: each byte is moved a bounded number of times.
  if (begin_ * 2 >= buffer_.size()) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    if (buffer_.empty() && buffer_.capacity() > kKeptBytes) buffer_ = {};
  }
  buffer_ += bytes;
}

StreamFramer::Item StreamFramer::giveUp(int status, std::string_view reason, std::string text) {
  // Whatever the head holds is parsed for the answer only.
  auto parsed = Message::parse(pending().substr(0, kMaxMessageBytes));
  ParseFailure failure;
  if (parsed) {
    failure.isRequest = parsed->isRequest();
    failure.isAck = parsed->isRequest() && parsed->method() == Method::ack;
    failure.head = std::move(*parsed);
  } else {
    failure = std::move(parsed.error());
  }
  failure.status = status;
  failure.reason = reason;
  failure.text = std::move(text);
  broken_ = true;
  buffer_ = {};
  begin_ = 0;
  return {Kind::broken, {}, std::move(failure)};
}

/// Before a message: CRLFs. None: something else is there, or nothing.
StreamFramer::Item StreamFramer::takeKeepAlive() {
  while (true) {
    const auto text = pending();
    if (text.starts_with('\n')) {
      ++begin_;
      continue;
    }
    if (!text.starts_with("\r\n")) {
      if (!text.empty() && text != "\r") afterCrlf_ = false;
      return {};
    }
    begin_ += 2;
    if (afterCrlf_) {
      afterCrlf_ = false;
      return {Kind::ping, {}, {}};
    }
    if (text.substr(2).starts_with("\r\n")) {
      begin_ += 2;
      return {Kind::ping, {}, {}};
    }
    if (text.size() > 2 && text != "\r\n\r") continue;  // A message comes: one CRLF before it says nothing.
    afterCrlf_ = true;
    return {Kind::pong, {}, {}};
  }
}

/// The first line is whole.
bool StreamFramer::looksLikeSip() const {
  const auto text = pending();
  const auto line = text.substr(0, text.find('\n'));
  if (lexer::same(line.substr(0, 4), "SIP/")) return true;
  for (auto at = line.find('/'); at != std::string_view::npos; at = line.find('/', at + 1))
    if (at >= 4 && lexer::same(line.substr(at - 4, 4), " SIP")) return true;
  return false;
}

/// True: headSize_ is known. Looks only at what it has not looked at before.
bool StreamFramer::findHeadEnd() {
  const auto text = pending();
  while (scanned_ < text.size()) {
    const auto* at =
        static_cast<const char*>(std::memchr(text.data() + scanned_, '\n', text.size() - scanned_));
    if (!at) {
      scanned_ = text.size();
      return false;
    }
    const auto end = static_cast<std::size_t>(at - text.data());
    const auto line = text.substr(line_, end - line_);
    line_ = scanned_ = end + 1;
    if (line.empty() || line == "\r") {
      headSize_ = end + 1;
      return true;
    }
    // More than the first line is not read of something that is no SIP.
    foreign_ = scanned_ == line.size() + 1 && !looksLikeSip();
    if (foreign_) return false;
  }
  return false;
}

/// None: wholeSize_ is known.
StreamFramer::Item StreamFramer::readLength() {
  const Lengths lengths(pending().substr(0, headSize_));
  if (!lengths.value)
    return giveUp(400, "sip.missing_header",
                  "expected a Content-Length header, which a stream cannot do without");
  if (lengths.differ)
    return giveUp(400, "sip.repeated_header", "Content-Length: expected one, found two that differ");
  const auto length = base::parseNumber<std::uint32_t>(*lengths.value);
  if (!length)
    return giveUp(
        400, "sip.bad_content_length",
        fmt::format("Content-Length: expected a number, found \"{}\"", base::printable(*lengths.value, 40)));
  if (headSize_ + *length > kMaxMessageBytes)
    return giveUp(413, "sip.too_large",
                  fmt::format("expected at most {} bytes, found {}", kMaxMessageBytes, headSize_ + *length));
  wholeSize_ = headSize_ + *length;
  return {};
}

StreamFramer::Item StreamFramer::next() {
  if (broken_) return {};
  if (scanned_ == 0) {
    if (auto item = takeKeepAlive(); item.kind != Kind::none) return item;
    const auto text = pending();
    if (text.empty() || text == "\r") return {};
    if (!lexer::is(text.front(), lexer::kToken))
      return giveUp(400, "sip.bad_start_line", "expected a request line or a status line");
  }
  if (headSize_ == 0) {
    const bool found = findHeadEnd();
    if (foreign_) return giveUp(400, "sip.bad_start_line", "expected a request line or a status line");
    if ((found ? headSize_ : scanned_) > kMaxHeaderBytes)
      return giveUp(513, "sip.too_large",
                    fmt::format("expected headers of at most {} bytes", kMaxHeaderBytes));
    if (!found) return {};
    if (auto item = readLength(); item.kind != Kind::none) return item;
  }
  if (pending().size() < wholeSize_) return {};
  const Item item{Kind::message, pending().substr(0, wholeSize_), {}};
  begin_ += wholeSize_;
  line_ = scanned_ = headSize_ = wholeSize_ = 0;
  return item;
}

}  // namespace parley::sip
