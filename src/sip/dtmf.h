// Keys in INFO: application/dtmf-relay ("Signal=5\r\nDuration=160") and application/dtmf ("5"), as phones and
// call managers write them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "sip/user_agent_types.h"

namespace parley::sip {

constexpr std::uint32_t kDtmfDefaultMs = 250;
constexpr std::uint32_t kDtmfMaxMs = 60'000;  ///< Longer ones are taken as this.

/// `contentType` in lower case. Nothing: another type, or no key in it. Event numbers 10…16 of RFC 4733 are
/// understood, too.
std::optional<DtmfSignal> parseDtmf(std::string_view contentType, std::string_view body);
bool isDtmfType(std::string_view contentType);
std::string writeDtmf(const DtmfSignal& signal, DtmfBody form);
std::string_view contentTypeOf(DtmfBody form);

}  // namespace parley::sip
