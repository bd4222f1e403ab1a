// Whatever parses is written so that it parses to the same again.
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "proto/sdp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto session = parley::proto::parseSdp(parley::base::asText({data, size}));
  if (!session) {
    PARLEY_CHECK(!session.error().reason.empty() && !session.error().text.empty());
    return 0;
  }
  const auto again = parley::proto::parseSdp(parley::proto::writeSdp(*session),
                                             {.maxBytes = 2 * size + 1024, .maxLineBytes = 2 * size + 1024});
  PARLEY_CHECK(again.has_value());
  PARLEY_CHECK(*again == *session);
  return 0;
}
