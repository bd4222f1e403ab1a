// Any bytes as a body of several parts; the first line is its Content-Type. Parts lie within the body, and a
// description that is found is a text of one of them.
#include <cstdlib>

#include "sip/multipart.h"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto line = all.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string_view type = all.substr(0, line), body = all.substr(line + 1);
  if (const auto parts = sip::parseMultipart(type, body)) {
    require(!parts->empty() && parts->size() <= sip::kMaxBodyParts);
    for (const sip::BodyPart& part : *parts) {
      require(part.content.empty() ||
              (part.content.data() >= body.data() &&
               part.content.data() + part.content.size() <= body.data() + body.size()));
    }
  }
  const sip::FoundSdp found = sip::findSdp(type, body);
  require(found.status == 0 || found.status == 400 || found.status == 415);
  require(found.status != 0 || !found.sdp.empty());
  require(found.sdp.size() <= body.size() + 2);
  return 0;
}
