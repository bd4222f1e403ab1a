// A hunt group as one line of the setting gateway.hunt_groups:
//   "sales: agent1 agent2; strategy=sequential; number=8000; label=Sales; ring=15; overflow=60; auto-answer"
#pragma once
#include <string_view>

#include "base/result.h"
#include "gateway/hunt_groups.h"

namespace parley::gateway {

/// Error: settings.bad_hunt_group, with what is wrong and what is allowed.
base::Result<HuntGroup> parseHuntGroup(std::string_view line);

}  // namespace parley::gateway
