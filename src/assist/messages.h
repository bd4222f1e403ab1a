// What pages may say (docs/protocols/topic.md), read at the door: types, lengths, numbers and characters are
// checked here and nowhere else. What is known and right is kept, everything else of a message is dropped.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parley::assist {

constexpr std::size_t kMaxRequestBytes = 64;
constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxFormFields = 500;
constexpr std::size_t kMaxReceiptEntries = 64;
constexpr std::size_t kMaxDrawPoints = 512;

enum class Kind {
  consent,
  share,
  end,
  leave,
  receipt,
  view,
  control,
  ask,
  quality,  // Who sees and does what, and how sharply.
  pointer,
  click,
  scroll,
  text,
  key,
  formGet,
  formSet,
  formClose,  // Acting.
  draw,
  erase,
  document,
  window,
  push,  // Shown to each other.
  form,
  formResult,
  pushResult,
  activity,
  cursor,
  carried,  // The consumer's page tells.
  seen,
  refresh,  // Pictures.
};
constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::refresh) + 1;
std::string_view toString(Kind kind);  ///< The `type`.

struct Message {
  Kind kind = Kind::seen;
  std::string request;  ///< Comes back in the answer; may be empty.
  nlohmann::json body;  ///< Only what belongs to the kind, each member as it must be.

  std::string text(const char* key) const { return body.value(key, std::string()); }
  bool flag(const char* key) const { return body.value(key, false); }
};

/// `type` is the object's. Errors: message.malformed, message.unknown_type.
base::Result<Message> parseMessage(std::string_view type, const nlohmann::json& object);

/// 1 to 64 of [A-Za-z0-9_.-].
bool isCid(std::string_view text);
/// http or https with a host, without a user, no blanks or control characters.
bool isWebUrl(std::string_view text);
/// `text` cut to `maxBytes` at a character; control characters become blanks.
std::string clipped(std::string_view text, std::size_t maxBytes);

}  // namespace parley::assist
