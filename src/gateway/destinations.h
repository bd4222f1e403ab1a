// Whom a consumer may call (GW-1, GW-3, GW-7): pure rules over texts.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/call_reason.h"
#include "gateway/number_pattern.h"

namespace parley::gateway {

struct DestinationRules {
  NumberPattern allowed;            ///< What a page asks for must match.
  std::string fallback = "agent1";  ///< Called when neither token nor page names one.
  /// Consumers' pages may dial telephones: an administrator allowed it, or said what they may ask for. Agents
  /// may anyway, as may pages whose token an application with an id asked for.
  bool phones = false;
  std::vector<NumberPattern> refused;  ///< Never called, by nobody (GW-13): emergency numbers above all.
  /// Telephones that a phone in an agent's place may pass its customer on to (REFER), besides agents and
  /// groups.
  std::vector<NumberPattern> transfers;
};

struct Destination {
  std::string address;  ///< As asked for: shown to people.
  std::string user;     ///< Name or number of the local agent.
  EndReason refusal = EndReason::none;
};

/// `asked` by the page, `fixed` by the token; either may be empty. A fixed one binds.
Destination resolveDestination(std::string_view asked, std::string_view fixed, const DestinationRules& rules);
/// The user part of "sip:8000@host", "sips:…", "tel:…" or a bare name; empty if there is none.
std::string userPart(std::string_view address);
/// The number as it would be dialled: escapes undone, without visual separators (RFC 3966 section 5.1.1).
std::string dialledNumber(std::string_view address);
bool isAmong(std::string_view address, const std::vector<NumberPattern>& numbers);
inline bool isRefusedNumber(std::string_view address, const std::vector<NumberPattern>& refused) {
  return isAmong(address, refused);
}
inline bool isRefusedNumber(std::string_view address, const DestinationRules& rules) {
  return isRefusedNumber(address, rules.refused);
}
/// May go out to a telephone: a user part of RFC 3261's characters.
bool isDialable(std::string_view address);
/// Looks like something for the telephone network: digits, sip: with a host, tel:.
bool looksLikePhone(std::string_view address);

}  // namespace parley::gateway
