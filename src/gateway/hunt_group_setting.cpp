#include "gateway/hunt_group_setting.h"

#include <algorithm>

#include "base/text.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxMembers = 64;
constexpr std::size_t kMaxName = 64;
constexpr std::int64_t kMaxSeconds = 3'600;

std::unexpected<base::Error> wrong(std::string_view what) {
  return base::fail("settings.bad_hunt_group", std::string(what));
}

bool isName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.+*#").contains(c);
  });
}

base::Result<void> setOption(HuntGroup& group, std::string_view option) {
  if (option == "auto-answer") {
    group.autoAnswer = true;
    return {};
  }
  const auto equals = option.find('=');
  const std::string_view name = base::trim(option.substr(0, equals));
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view{} : base::trim(option.substr(equals + 1));
  const auto seconds = base::parseNumber<std::int64_t>(value);
  const bool inBounds = seconds && *seconds >= 1 && *seconds <= kMaxSeconds;
  if (name == "strategy") {
    if (value == "simultaneous") {
      group.strategy = HuntStrategy::simultaneous;
    } else if (value == "sequential") {
      group.strategy = HuntStrategy::sequential;
    } else if (value == "longest-idle") {
      group.strategy = HuntStrategy::longestIdle;
    } else {
      return wrong("strategy is simultaneous, sequential or longest-idle");
    }
  } else if (name == "number" && isName(value)) {
    group.number = value;
  } else if (name == "label" && !value.empty() && value.size() <= kMaxName && base::isUtf8(value)) {
    group.label = value;
  } else if (name == "ring" && inBounds) {
    group.memberMillis = *seconds * 1000;
  } else if (name == "overflow" && inBounds) {
    group.overflowMillis = *seconds * 1000;
  } else {
    return wrong(
        "allowed are strategy, number, label, ring and overflow (1 to 3600 seconds), and auto-answer");
  }
  return {};
}

}  // namespace

base::Result<HuntGroup> parseHuntGroup(std::string_view line) {
  HuntGroup group;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return wrong("is not of the form \"sales: agent1 agent2\"");
  group.name = base::trim(line.substr(0, colon));
  if (!isName(group.name)) return wrong("the name has letters, digits and -_.+*# only");
  const auto parts = base::split(line.substr(colon + 1), ';');
  for (const std::string_view member : base::split(base::trim(parts.front()), ' ')) {
    if (member.empty()) continue;
    if (!isName(member)) return wrong("a member has letters, digits and -_.+*# only");
    if (group.members.size() == kMaxMembers) return wrong("has more than 64 members");
    if (std::ranges::find(group.members, member) == group.members.end()) group.members.emplace_back(member);
  }
  if (group.members.empty()) return wrong("has no member");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (auto set = setOption(group, base::trim(parts[i])); !set) return std::unexpected(set.error());
  }
  return group;
}

}  // namespace parley::gateway
