// Bodies and ids of control requests: everything is checked here, before anything else sees it.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/settings.h"
#include "broker/call.h"

namespace parley::broker {

/// 1–64 characters of [A-Za-z0-9_-].
bool isId(std::string_view text);

// All errors: request.malformed.
base::Result<CallSpec> parseCreate(const std::string& id, const std::string& body,
                                   const base::Settings& settings);

struct SdpRequest {
  std::string from, to, sdp;
};
/// Which fields must be there.
struct SdpFields {
  bool to = false, sdp = true;
};
base::Result<SdpRequest> parseSdpRequest(const std::string& body, SdpFields fields);

}  // namespace parley::broker
