// Everything that reads an HTTP peer's bytes: the parsers as the server and the client feed them (in
// pieces that the input chooses), then targets, cookies, forwarded addresses, routing, ranges.
#include <cstdlib>

#include "base/check.h"
#include "base/text.h"
#include "net/internal_http.h"

namespace parley::net {
namespace {

const std::vector<Endpoint> kTrusted{*Endpoint::parse("10.0.0.1", 0)};

Router& router() {
  static Router instance;
  static const bool filled = [] {
    const auto handler = [](const HttpRequest&, const HttpReply&) {};
    instance.add("GET", "/calls/{id}", handler);
    instance.add("POST", "/calls/{id}/legs/{leg}", handler);
    instance.add("GET", "/assets/*", handler);
    return true;
  }();
  static_cast<void>(filled);
  return instance;
}

void checkRequest(RequestParser& parser) {
  const auto target = parseTarget(parser.target());
  HttpRequest request;
  request.method = parser.method();
  request.headers = parser.takeHeaders();
  request.body = parser.takeBody();
  static_cast<void>(parser.keepAlive());
  static_cast<void>(parser.expectsContinue());
  static_cast<void>(request.cookie("session"));
  static_cast<void>(acceptsCoding(request.headers.get("Accept-Encoding"), "gzip"));
  static_cast<void>(listHas(request.headers.get("Connection"), "upgrade"));
  static_cast<void>(forwardedClient(kTrusted[0], false, request.headers, kTrusted));
  if (!target) return;
  // What the rest of the program relies on.
  PARLEY_CHECK(target->path.starts_with('/'));
  PARLEY_CHECK(target->path.find('\0') == std::string::npos);
  PARLEY_CHECK((target->path + "/").find("/../") == std::string::npos);
  PARLEY_CHECK(target->path.find("//") == std::string::npos);
  PARLEY_CHECK(base::isUtf8(target->path));
  static_cast<void>(router().impl().match(request.method, target->path, false));
  request.path = target->path;
  StaticFiles files;
  files.directory = "/nonexistent";
  StaticFolder folder(files);
  static_cast<void>(folder.answer(request, request.path));
  HttpResponse echo = HttpResponse::error(400, request.method, target->path);
  for (const auto& [name, value] : request.headers.all()) echo.headers.add(name, value);
  const std::string head = responseHead(echo, 0, true, "", {});
  PARLEY_CHECK(head.find("\r\n\r\n") == head.size() - 4);
}

/// As HttpSession::parse does, with reads of `step` bytes.
void feedRequests(base::Bytes bytes, std::size_t step) {
  base::Buffer input;
  auto parser = std::make_unique<RequestParser>(1024, 4096);
  while (!bytes.empty() || !input.empty()) {
    const std::size_t n = std::min(step, bytes.size());
    input.insert(input.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    std::size_t at = 0;
    while (at < input.size() &&
           (parser->state() == ParseState::header || parser->state() == ParseState::body)) {
      const std::size_t consumed = parser->feed(base::Bytes(input).subspan(at));
      PARLEY_CHECK(consumed <= input.size() - at);
      at += consumed;
      if (consumed == 0) break;
    }
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(at));
    if (parser->state() == ParseState::failed) return PARLEY_CHECK(parser->failure().status >= 400);
    if (parser->state() == ParseState::done) {
      checkRequest(*parser);
      parser = std::make_unique<RequestParser>(1024, 4096);
    } else if (n == 0) {
      return;
    }
    PARLEY_CHECK(input.size() < 64 * 1024 + step);
  }
}

void feedResponse(base::Bytes bytes, std::size_t step) {
  ResponseParser parser(4096, (step & 1) != 0);
  base::Buffer input;
  while (!bytes.empty()) {
    const std::size_t n = std::min(step, bytes.size());
    input.insert(input.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    while (!input.empty()) {
      const std::size_t consumed = parser.feed(input);
      input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(consumed));
      if (consumed == 0) break;
    }
  }
  parser.feedEnd();
  if (parser.state() != ParseState::done) return;
  static_cast<void>(parser.keepAlive());
  PARLEY_CHECK(parser.take().body.size() <= 4096);
}

}  // namespace
}  // namespace parley::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const base::Bytes bytes(data + 1, size - 1);
  net::feedRequests(bytes, step);
  net::feedResponse(bytes, step);
  const std::string_view text = base::asText(bytes);
  static_cast<void>(net::parseTarget(text));
  static_cast<void>(net::parseUrl(text, "http"));
  static_cast<void>(net::cookieIn(text, "a"));
  static_cast<void>(net::percentDecode(text, true));
  static_cast<void>(net::Endpoint::parseWithPort(text));
  return 0;
}
