// Hostile pictures: whatever is taken must lie inside what it says.
#include <cstdlib>

#include "assist/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto header = parley::assist::parsePicture({data, size});
  if (header && (header->width == 0 || header->width > parley::assist::kMaxPictureSide)) std::abort();
  return 0;
}
