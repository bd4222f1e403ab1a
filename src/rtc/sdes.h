// SRTP keys in SDP: a=crypto (RFC 4568), with the GCM suites of RFC 7714. Plain functions.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "rtc/srtp.h"

namespace parley::rtc {

struct SdesLine {
  std::uint32_t tag = 0;
  SrtpProfile profile{};
  base::Secret key;  ///< Master key and salt, in that order.
};

/// The value of an a=crypto. Nothing for what we cannot do as it is meant: an unknown suite, several keys,
/// an MKI, a parameter that must be understood. A lifetime is taken as advice.
std::optional<SdesLine> parseSdes(std::string_view value);
std::string writeSdes(const SdesLine& line);

/// What we offer, best first.
const std::vector<SrtpProfile>& sdesProfiles();
base::Secret newSdesKey(SrtpProfile profile, base::Random& random);

}  // namespace parley::rtc
