// Cuts the bytes of a stream (TCP, TLS) into SIP messages (RFC 3261 sections 7.5 and 18.3) and keep-alives
// (RFC 5626 section 3.5.1). No I/O; one object per connection and direction.
//
//   framer.push(bytes);
//   for (;;) {
//     const auto item = framer.next();
//     if (item.kind == StreamFramer::Kind::none) break;      // read on
//     …message: Message::parse(item.bytes); if that fails, answer it and go on: where the next one begins is
//       sure. ping: send "\r\n". pong: the peer lives. broken: answer item.failure if it has a head, close.
//   }
//
// A message must say its Content-Length here; what is not sure is not guessed. Each byte is looked at a fixed
// number of times, however it arrives. Bounds: next() is to be called until none before the next push(), then
// no more is kept than kMaxMessageBytes and one push.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "sip/message.h"

namespace parley::sip {

class StreamFramer {
 public:
  enum class Kind : std::uint8_t {
    none,     ///< Nothing whole is there.
    message,  ///< `bytes` is one message.
    ping,     ///< Two CRLF: to be answered with one.
    pong,     ///< One CRLF (a second one that comes right after it makes it a ping).
    broken,   ///< `failure` says why; there is nothing after it, ever.
  };
  struct Item {
    Kind kind = Kind::none;
    std::string_view bytes;  ///< Good until the next push() or next().
    std::optional<ParseFailure> failure;
  };

  void push(std::string_view bytes);
  Item next();
  /// Bytes of a message that is not whole: an idle limit may be shorter for it.
  bool midMessage() const { return !broken_ && begin_ < buffer_.size(); }

 private:
  Item takeKeepAlive();
  bool findHeadEnd();
  bool looksLikeSip() const;
  Item readLength();
  Item giveUp(int status, std::string_view reason, std::string text);
  std::string_view pending() const { return std::string_view(buffer_).substr(begin_); }

  std::string buffer_;
  std::size_t begin_ = 0;      ///< Of the message that is being read; what is before it was given out.
  std::size_t line_ = 0;       ///< Of the line that is not whole yet, from begin_.
  std::size_t scanned_ = 0;    ///< Bytes from begin_ without a further line end.
  std::size_t headSize_ = 0;   ///< With the empty line; 0: not found yet.
  std::size_t wholeSize_ = 0;  ///< Head and body.
  bool foreign_ = false;       ///< The first line is not SIP's.
  bool afterCrlf_ = false;     ///< A single CRLF was given out and nothing has come since.
  bool broken_ = false;
};

}  // namespace parley::sip
