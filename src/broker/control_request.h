// Bodies and ids of control requests: everything is checked here, before anything else sees it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/settings.h"
#include "broker/call.h"

namespace parley::broker {

/// 1–64 characters of [A-Za-z0-9_-].
bool isId(std::string_view text);

// All errors: request.malformed.
base::Result<CallSpec> parseCreate(const std::string& id, const std::string& body,
                                   const base::Settings& settings);

/// Of PUT …/legs/{leg}: kind and rtp, with the id of the path.
base::Result<LegSpec> parseLegRequest(const std::string& id, const std::string& body);

/// The body of a request about a negotiation or about who hears whom; what a request has no field for is
/// empty.
struct SdpRequest {
  std::string from, to, sdp, towards, leg;
  std::vector<std::string> legs;
  bool held = false, ringing = false;
};
/// Which fields a request has.
enum class SdpFields {
  offer,     ///< from, to, sdp
  answer,    ///< from, sdp
  make,      ///< to, perhaps towards
  rollback,  ///< from or to
  bridge,    ///< legs: two
  hold,      ///< leg, held, perhaps ringing
};
base::Result<SdpRequest> parseSdpRequest(const std::string& body, SdpFields fields);

}  // namespace parley::broker
