// Names of what the SIP engine holds. Never used twice within one process; 0: none.
#pragma once
#include <cstdint>

#include "base/strong_id.h"

namespace parley::sip {

/// One INVITE and what becomes of it: ringing, the dialog, its end.
using SessionId = base::StrongId<struct SessionTag, std::uint64_t>;
/// A request outside of a session: one that was sent and waits for its response, or one that came and waits
/// for ours.
using RequestId = base::StrongId<struct RequestTag, std::uint64_t>;
using SubscriptionId = base::StrongId<struct SubscriptionTag, std::uint64_t>;

}  // namespace parley::sip
