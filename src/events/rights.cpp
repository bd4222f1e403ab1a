#include "events/rights.h"

#include <algorithm>

namespace parley::events {
namespace {

constexpr std::string_view kEverything = "*";  // Names no topic in particular.

bool isName(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

bool matches(std::string_view pattern, std::string_view topic) {
  if (!pattern.ends_with('*')) return pattern == topic;
  return topic.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

bool isTopicName(std::string_view name) { return isName(name, kMaxTopicName); }
bool isItemId(std::string_view id) { return isName(id, kMaxItemId); }

bool allows(const Rights& rights, std::string_view topic, Action action, bool closed) {
  const bool named = std::ranges::any_of(rights, [&](const Right& right) {
    return !right.own && right.pattern != kEverything && matches(right.pattern, topic);
  });
  return std::ranges::any_of(rights, [&](const Right& right) {
    const bool has = action == Action::read    ? right.read
                     : action == Action::write ? right.write
                                               : right.create;
    return has && matches(right.pattern, topic) && !(right.own && (named || closed));
  });
}

bool makesClosed(const Rights& rights, std::string_view topic) {
  // An agent's right to everything names nothing: it may be the session's page that comes next.
  return std::ranges::any_of(rights, [&](const Right& right) {
    return right.create && !right.own && right.pattern != kEverything && matches(right.pattern, topic);
  });
}

std::optional<Right> parseRight(std::string_view text) {
  const auto equals = text.rfind('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view pattern = text.substr(0, equals);
  const std::string_view stem = pattern.ends_with('*') ? pattern.substr(0, pattern.size() - 1) : pattern;
  if (pattern.empty() || (!stem.empty() && !isTopicName(stem))) return std::nullopt;
  Right right{std::string(pattern)};
  for (const char c : text.substr(equals + 1)) {
    bool* const flag = c == 'r' ? &right.read : c == 'w' ? &right.write : c == 'c' ? &right.create : nullptr;
    if (flag == nullptr || *flag) return std::nullopt;
    *flag = true;
  }
  if (!right.read && !right.write && !right.create) return std::nullopt;
  return right;
}

std::string toString(const Right& right) {
  return right.pattern + "=" + (right.read ? "r" : "") + (right.write ? "w" : "") + (right.create ? "c" : "");
}

Rights rightsOf(std::string_view role, std::string_view cid) {
  if (role == "agent" || role == "supervisor") return {{"*", true, true, true}};
  if (!isTopicName(cid) || cid.find('.') != std::string_view::npos) return {};
  return {{std::string(cid), true, true, true, true}, {std::string(cid) + ".*", true, true, true, true}};
}

}  // namespace parley::events
