// What a token allows in which topics: patterns with rights. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::events {

constexpr std::size_t kMaxTopicName = 128;
constexpr std::size_t kMaxItemId = 64;

/// 1 to 128 of A-Z a-z 0-9 _ . -
bool isTopicName(std::string_view name);
/// 1 to 64 of the same.
bool isItemId(std::string_view id);

struct Right {
  std::string pattern;  ///< A topic's name, or its beginning and a last "*"; "*" is every topic.
  bool read = false;    ///< To connect, and to get its data and messages.
  bool write = false;   ///< To submit and delete data, and to send messages.
  bool create = false;  ///< To make the topic by connecting.
  bool own = false;  ///< By a session's name alone, which its page may have chosen: yields to granted ones.

  friend bool operator==(const Right&, const Right&) = default;
};
using Rights = std::vector<Right>;
constexpr std::size_t kMaxRights = 32;

enum class Action { read, write, create };
/// Who calls a session like an application's topics has no right to those: own rights do not count for a
/// topic that another right names, nor for a `closed` one.
bool allows(const Rights& rights, std::string_view topic, Action action, bool closed = false);
/// What is made by a granted right is closed to sessions that happen to be called like it.
bool makesClosed(const Rights& rights, std::string_view topic);

/// "orders.*=rw"; nothing for another form.
std::optional<Right> parseRight(std::string_view text);
std::string toString(const Right& right);

/// A consumer's own topics: the session's, and all below it; none when the session's name has a dot, since it
/// would lie below another's. Agents and supervisors: everything.
Rights rightsOf(std::string_view role, std::string_view cid);

}  // namespace parley::events
