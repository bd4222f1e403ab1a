#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"
#include "net/internal_asio.h"
#include "net/internal_http.h"

namespace parley::net {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kMaxFields = 128;
/// "0 CRLF CRLF": what is left of an unfinished chunked body is never shorter. Beast 1.81 asserts that in
/// debug builds instead of waiting, so it is not called before.
constexpr std::size_t kShortestChunkedEnd = 5;
/// A chunk header, its extensions and the trailers of a chunked body may wait for more bytes this long.
constexpr std::size_t kMaxUnconsumed = 16 * 1024;

std::string_view view(boost::beast::string_view s) { return {s.data(), s.size()}; }

template <bool kIsRequest>
struct MessageParser {
  MessageParser(std::size_t maxHeaderBytes, std::size_t maxBodyBytes) : headerLimit(maxHeaderBytes) {
    parser.header_limit(static_cast<std::uint32_t>(maxHeaderBytes));
    parser.body_limit(maxBodyBytes);
    parser.eager(!kIsRequest);
  }

  std::size_t feed(base::Bytes bytes) {
    if (state == ParseState::done || state == ParseState::failed || bytes.empty()) return 0;
    started = true;
    if (state == ParseState::body) parser.eager(true);
    if (state == ParseState::body && parser.chunked() && bytes.size() < kShortestChunkedEnd) return 0;
    ErrorCode error;
    const std::size_t consumed = parser.put(asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error && error != http::error::need_more) {
      fail(error, bytes);
      return consumed;
    }
    update();
    if (state != ParseState::done && bytes.size() - consumed > std::max(headerLimit, kMaxUnconsumed)) {
      failWith(400, "http.bad_request", "a chunk header without an end");
    }
    return consumed;
  }

  void update() {
    if (state == ParseState::header && parser.is_header_done()) {
      state = ParseState::body;
      if (!checkHeader()) return;
    }
    if (parser.is_done()) state = ParseState::done;
  }

  bool checkHeader() {
    const auto& message = parser.get();
    std::size_t fields = 0;
    std::size_t hosts = 0;
    std::size_t codings = 0;
    for (const auto& field : message) {
      ++fields;
      hosts += field.name() == http::field::host;
      codings += field.name() == http::field::transfer_encoding;
    }
    if (fields > kMaxFields) return failWith(431, "http.header_too_large", "too many header fields");
    if (!kIsRequest) return true;
    // Anything but plain "chunked" is a way to make two servers see two different requests.
    if (codings > 1 || (codings == 1 && (message.version() < 11 ||
                                         !base::equalsIgnoreCase(
                                             view(message[http::field::transfer_encoding]), "chunked")))) {
      return failWith(400, "http.bad_request", "transfer encoding other than chunked");
    }
    if (hosts > 1 || (hosts == 0 && message.version() == 11)) {
      return failWith(400, "http.bad_request", "exactly one Host header is needed");
    }
    return true;
  }

  void fail(const ErrorCode& error, base::Bytes bytes) {
    if (error == http::error::header_limit) {
      const bool line = base::asText(bytes).substr(0, headerLimit).find('\n') != std::string_view::npos;
      if (line || !kIsRequest || lineSeen) {
        failWith(431, "http.header_too_large", "the header is too large");
      } else {
        failWith(414, "http.uri_too_long", "the request line is too long");
      }
    } else if (error == http::error::body_limit) {
      failWith(413, "http.body_too_large", "the body is too large");
    } else {
      failWith(400, "http.bad_request", error.message());
    }
  }

  bool failWith(int status, std::string reason, std::string text) {
    state = ParseState::failed;
    failure = {status, std::move(reason), std::move(text)};
    return false;
  }

  HttpHeaders headers() const {
    HttpHeaders result;
    for (const auto& field : parser.get()) {
      result.add(std::string(view(field.name_string())), std::string(view(field.value())));
    }
    return result;
  }

  http::parser<kIsRequest, http::string_body> parser;
  std::size_t headerLimit;
  ParseState state = ParseState::header;
  ParseFailure failure;
  bool started = false;
  bool lineSeen = false;
};

}  // namespace

struct RequestParser::Impl : MessageParser<true> {
  using MessageParser::MessageParser;
};

RequestParser::RequestParser(std::size_t maxHeaderBytes, std::size_t maxBodyBytes)
    : impl_(std::make_unique<Impl>(maxHeaderBytes, maxBodyBytes)) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(base::Bytes bytes) {
  const std::size_t consumed = impl_->feed(bytes);
  // Beast takes the request line on its own and the fields as one piece.
  impl_->lineSeen = impl_->lineSeen || consumed > 0;
  return consumed;
}
ParseState RequestParser::state() const { return impl_->state; }
const ParseFailure& RequestParser::failure() const { return impl_->failure; }
std::string RequestParser::method() const { return std::string(view(impl_->parser.get().method_string())); }
std::string RequestParser::target() const { return std::string(view(impl_->parser.get().target())); }
HttpHeaders RequestParser::takeHeaders() { return impl_->headers(); }
bool RequestParser::keepAlive() const { return impl_->parser.get().keep_alive(); }
bool RequestParser::http11() const { return impl_->parser.get().version() == 11; }
bool RequestParser::expectsContinue() const {
  return base::equalsIgnoreCase(view(impl_->parser.get()[http::field::expect]), "100-continue");
}
std::optional<std::uint64_t> RequestParser::contentLength() const {
  const auto length = impl_->parser.content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}
std::size_t RequestParser::bodySize() const { return impl_->parser.get().body().size(); }
std::string RequestParser::takeBody() { return std::move(impl_->parser.get().body()); }

struct ResponseParser::Impl : MessageParser<false> {
  using MessageParser::MessageParser;
};

namespace {
constexpr std::size_t kMaxResponseHeader = 64 * 1024;
}

ResponseParser::ResponseParser(std::size_t maxBodyBytes, bool headRequest)
    : impl_(std::make_unique<Impl>(kMaxResponseHeader, maxBodyBytes)) {
  impl_->parser.skip(headRequest);
}
ResponseParser::~ResponseParser() = default;
std::size_t ResponseParser::feed(base::Bytes bytes) { return impl_->feed(bytes); }
void ResponseParser::feedEnd() {
  if (impl_->state == ParseState::done || impl_->state == ParseState::failed) return;
  if (!impl_->started || !impl_->parser.got_some()) {
    impl_->failWith(0, "net.closed", "the server closed the connection");
    return;
  }
  ErrorCode error;
  impl_->parser.put_eof(error);
  if (error) {
    impl_->failWith(0, "net.closed", "the server closed the connection within its answer");
    return;
  }
  impl_->update();
}
ParseState ResponseParser::state() const { return impl_->state; }
const ParseFailure& ResponseParser::failure() const { return impl_->failure; }
bool ResponseParser::started() const { return impl_->started; }
bool ResponseParser::interim() const {
  const auto status = impl_->parser.get().result_int();
  return status < 200 && status != 101;
}
HttpResponse ResponseParser::take() {
  HttpResponse result;
  result.status = static_cast<int>(impl_->parser.get().result_int());
  result.headers = impl_->headers();
  result.body = std::move(impl_->parser.get().body());
  return result;
}
bool ResponseParser::keepAlive() const {
  return impl_->parser.get().keep_alive() && !impl_->parser.get().need_eof();
}

}  // namespace parley::net
