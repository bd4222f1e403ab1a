// JSON from outside: bounded depth, no exceptions. Include only from sources.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace parley::link {

using Json = nlohmann::json;

constexpr std::size_t kMaxJsonDepth = 16;

/// Looks at the depth before anything is built. Error: message.malformed.
base::Result<Json> parseJson(std::string_view text);
/// Compact; what is not UTF-8 becomes U+FFFD, never an exception.
std::string dumpJson(const Json& json);

/// Typed reading of an object's member: absent or of another type gives nothing.
std::optional<std::string> stringAt(const Json& object, const char* key);
std::optional<bool> boolAt(const Json& object, const char* key);
std::optional<std::int64_t> integerAt(const Json& object, const char* key);
/// Text for people or a log: at most `maxBytes`, no control characters.
bool isLabel(std::string_view text, std::size_t maxBytes);
std::string utcOf(std::int64_t millisSince1970);

}  // namespace parley::link
