#include "gateway/destinations.h"

#include <algorithm>

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

std::string dialledNumber(std::string_view address) {
  const std::string user = userPart(address);
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < user.size(); ++i) {
    char c = user[i];
    if (c == '%' && i + 2 < user.size() && hex(user[i + 1]) >= 0 && hex(user[i + 2]) >= 0) {
      c = static_cast<char>(hex(user[i + 1]) * 16 + hex(user[i + 2]));
      i += 2;
    }
    if (std::string_view("-.() ").find(c) == std::string_view::npos) out += c;
  }
  return out;
}

bool isAmong(std::string_view address, const std::vector<NumberPattern>& numbers) {
  const std::string number = dialledNumber(address);
  return std::ranges::any_of(numbers, [&](const NumberPattern& p) { return p.matches(number); });
}

bool isDialable(std::string_view address) {
  const std::string user = userPart(address);
  // RFC 3261 section 25.1: user, without what separates it from a password or a host.
  return !user.empty() && std::ranges::all_of(address, [](char c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || std::string_view("-_.!~*()&=+$,;?/%:@[]#").find(c) != std::string_view::npos;
  });
}

bool looksLikePhone(std::string_view address) {
  const std::string lower = base::toLower(base::trim(address));
  if (lower.starts_with("tel:")) return true;
  if (lower.starts_with("sip") && lower.find('@') != std::string::npos) return !userPart(address).empty();
  const std::string number = dialledNumber(address);
  return !number.empty() && std::ranges::all_of(number, [](char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '*' || c == '#';
  });
}

Destination resolveDestination(std::string_view asked, std::string_view fixed,
                               const DestinationRules& rules) {
  asked = base::trim(asked);
  Destination out;
  out.address = std::string(!fixed.empty()   ? fixed
                            : !asked.empty() ? asked
                                             : std::string_view(rules.fallback));
  out.user = userPart(out.address);
  // First: who dials an emergency number is to read what to do.
  if (isRefusedNumber(out.address, rules) || (!asked.empty() && isRefusedNumber(asked, rules))) {
    out.refusal = EndReason::numberRefused;
  } else if (!fixed.empty() && !asked.empty() && asked != fixed && userPart(asked) != out.user) {
    out.refusal = EndReason::destinationRefused;
  } else if (!asked.empty() && fixed.empty() && !rules.allowed.matches(asked)) {
    out.refusal = EndReason::destinationRefused;
  } else if (out.user.empty()) {
    out.refusal = EndReason::destinationUnknown;
  }
  return out;
}

}  // namespace parley::gateway
