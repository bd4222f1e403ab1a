#include "link/json.h"

#include <algorithm>
#include <charconv>

namespace parley::link {
namespace {

bool tooDeep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

constexpr std::size_t kEscape = 6;  // "\\uXXXX"

/// The UTF-16 unit that the escape at `at` stands for, if there is one.
std::optional<unsigned> unitAt(std::string_view text, std::size_t at) {
  if (at + kEscape > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const char* const end = text.data() + at + kEscape;
  const auto read = std::from_chars(text.data() + at + 2, end, unit, 16);
  return read.ptr == end ? std::optional(unit) : std::nullopt;
}

/// Browsers write half a pair (a text that was cut inside an emoji) as an escape, which is no Unicode: it
/// becomes U+FFFD. Nothing: there is none.
std::optional<std::string> withoutHalfPairs(std::string_view text) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') continue;
    const auto unit = unitAt(text, i);
    if (!unit) {
      ++i;  // The escaped character, or the "u" of nonsense.
      continue;
    }
    const bool high = *unit >= 0xd800 && *unit < 0xdc00, low = *unit >= 0xdc00 && *unit < 0xe000;
    const auto next = high ? unitAt(text, i + kEscape) : std::nullopt;
    const bool paired = next && *next >= 0xdc00 && *next < 0xe000;
    if ((high && !paired) || low) {
      out.append(text, copied, i - copied).append("\\ufffd");
      copied = i + kEscape;
    }
    i += (paired ? 2 * kEscape : kEscape) - 1;
  }
  if (copied == 0) return std::nullopt;
  return out.append(text, copied);
}

}  // namespace

base::Result<Json> parseJson(std::string_view text) {
  if (tooDeep(text)) return base::fail("message.malformed", "The message is nested too deeply.");
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    if (const auto mended = withoutHalfPairs(text)) json = Json::parse(*mended, nullptr, false);
  }
  if (json.is_discarded()) return base::fail("message.malformed", "The message is not JSON.");
  return json;
}

std::string dumpJson(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::optional<std::string> stringAt(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? std::optional(at->get<std::string>()) : std::nullopt;
}

std::optional<bool> boolAt(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_boolean() ? std::optional(at->get<bool>()) : std::nullopt;
}

std::optional<std::int64_t> integerAt(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number_integer()) return std::nullopt;
  if (at->is_number_unsigned() && at->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return at->get<std::int64_t>();
}

bool isLabel(std::string_view text, std::size_t maxBytes) {
  return text.size() <= maxBytes && std::ranges::none_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

std::string utcOf(std::int64_t millis) { return base::formatUtc(base::WallTime(base::Millis{millis})); }

}  // namespace parley::link
