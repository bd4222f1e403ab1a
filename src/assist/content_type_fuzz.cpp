// Hostile files: what is taken for a picture has a size within the bounds, and names stay harmless.
#include <cstdlib>

#include "assist/content_type.h"
#include "base/text.h"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::Bytes bytes(data, size);
  const auto found = assist::contentTypeOf(bytes);
  if (found && found->kind == "image") {
    const std::uint64_t pixels = std::uint64_t{found->width} * found->height;
    if (pixels == 0 || pixels > assist::kMaxPixels) std::abort();
  }
  const assist::ContentType pdf{"application/pdf", "document"};
  const std::string name = assist::contentName(base::asText(bytes), found ? *found : pdf);
  if (name.empty() || name.size() > 120 || !base::isUtf8(name) ||
      name.find_first_of("/\\\"\r\n") != std::string::npos) {
    std::abort();
  }
  return 0;
}
