// The answer to bytes that are no SIP message that can be served. Plain functions.
#pragma once
#include <optional>
#include <string>

#include "base/random.h"
#include "sip/message.h"
#include "sip/transport.h"

namespace parley::sipnet {

struct ErrorAnswer {
  std::string bytes;
  sip::Target target;  ///< RFC 3261 section 18.2.2, RFC 3581.
};

/// Nothing for responses, for ACK, and where too little was readable to answer (RFC 3261 section 18.3).
std::optional<ErrorAnswer> errorAnswer(const sip::ParseFailure& failure, const sip::Source& source,
                                       base::Random& random);

}  // namespace parley::sipnet
