#include "gateway/hunt_groups.h"

#include <algorithm>

namespace parley::gateway {

const HuntGroup* findGroup(const std::vector<HuntGroup>& groups, std::string_view user) {
  const auto found = std::ranges::find_if(groups, [&](const HuntGroup& group) {
    return !user.empty() && (group.name == user || group.number == user);
  });
  return found == groups.end() ? nullptr : &*found;
}

std::vector<std::string> huntOrder(const HuntGroup& group,
                                   const std::function<bool(const std::string&)>& isFree,
                                   const std::function<std::int64_t(const std::string&)>& idleSince) {
  std::vector<std::string> out;
  for (const std::string& member : group.members) {
    if (isFree(member) && std::ranges::find(out, member) == out.end()) out.push_back(member);
  }
  if (group.strategy == HuntStrategy::longestIdle) std::ranges::stable_sort(out, {}, idleSince);
  return out;
}

}  // namespace parley::gateway
