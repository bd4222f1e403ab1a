// Groups of agents behind one name or number (GW-6). Pure: who is free is told.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::gateway {

enum class HuntStrategy {
  simultaneous,  ///< All free members ring; the first to answer has the call.
  sequential,    ///< In the order of the list.
  longestIdle,   ///< One by one, who waits longest first.
};

struct HuntGroup {
  std::string name;                  ///< Dialled, and shown if there is no label.
  std::string number;                ///< Also reached by it; may be empty.
  std::string label;                 ///< For people; may be empty.
  std::vector<std::string> members;  ///< Users.
  HuntStrategy strategy = HuntStrategy::simultaneous;
  std::int64_t memberMillis = 15'000;    ///< One by one: how long each rings.
  std::int64_t overflowMillis = 60'000;  ///< Nobody answered in this time: no_answer.
  bool autoAnswer = false;               ///< The members' pages answer by themselves.
};

/// Null: there is none of that name or number.
const HuntGroup* findGroup(const std::vector<HuntGroup>& groups, std::string_view user);

/// The free members in the order in which they are to ring.
std::vector<std::string> huntOrder(const HuntGroup& group,
                                   const std::function<bool(const std::string&)>& isFree,
                                   const std::function<std::int64_t(const std::string&)>& idleSince);

}  // namespace parley::gateway
