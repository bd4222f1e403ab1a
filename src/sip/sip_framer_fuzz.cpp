// The first byte says in what pieces the rest arrives: the messages are the same as when it comes at once,
// and of each the parser finds the end where the framer found it.
#include <cstdlib>
#include <string>
#include <vector>

#include "sip/stream_framer.h"

namespace {

using namespace parley;
using Kind = sip::StreamFramer::Kind;

void require(bool condition) {
  if (!condition) std::abort();
}

void sameEnd(std::string_view bytes) {
  const auto message = sip::Message::parse(bytes);
  if (message) {
    require(bytes.ends_with(message->body()));
    const auto head = bytes.substr(0, bytes.size() - message->body().size());
    require(head.ends_with("\n\r\n") || head.ends_with("\n\n"));
    return;
  }
  require(message.error().reason != "sip.bad_content_length" && message.error().reason != "sip.bad_frame");
}

std::vector<std::string> run(std::string_view bytes, std::size_t chunk) {
  sip::StreamFramer framer;
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    framer.push(bytes.substr(at, chunk));
    for (auto item = framer.next(); item.kind != Kind::none; item = framer.next()) {
      if (item.kind == Kind::message) {
        sameEnd(item.bytes);
        out.emplace_back(item.bytes);
      } else if (item.kind == Kind::broken) {
        out.push_back(item.failure->reason);
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(run(bytes, bytes.size()) == run(bytes, 1 + data[0] % 64));
  return 0;
}
