#include "gateway/destinations.h"

#include "base/text.h"

namespace parley::gateway {

std::string userPart(std::string_view address) {
  address = base::trim(address);
  const auto colon = address.find(':');
  if (colon != std::string_view::npos) {
    const std::string scheme = base::toLower(address.substr(0, colon));
    if (scheme != "sip" && scheme != "sips" && scheme != "tel") return {};
    address.remove_prefix(colon + 1);
  }
  // RFC 3261 section 19.1: user[:password]@host[:port];parameters. We know users only.
  address = address.substr(0, address.find('@'));
  address = address.substr(0, address.find(';'));
  address = address.substr(0, address.find(':'));
  return std::string(address);
}

Destination resolveDestination(std::string_view asked, std::string_view fixed,
                               const DestinationRules& rules) {
  asked = base::trim(asked);
  Destination out;
  out.address = std::string(!fixed.empty()   ? fixed
                            : !asked.empty() ? asked
                                             : std::string_view(rules.fallback));
  out.user = userPart(out.address);
  if (!fixed.empty() && !asked.empty() && asked != fixed && userPart(asked) != out.user) {
    out.refusal = EndReason::destinationRefused;
  } else if (!asked.empty() && fixed.empty() && !rules.allowed.matches(asked)) {
    out.refusal = EndReason::destinationRefused;
  } else if (out.user.empty()) {
    out.refusal = EndReason::destinationUnknown;
  }
  return out;
}

}  // namespace parley::gateway
