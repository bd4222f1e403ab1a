// Small text helpers: hex, base64 (both alphabets), numbers, case-blind comparison, edit distance.
#pragma once
#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace parley::base {

std::string hexEncode(Bytes bytes);
std::optional<Buffer> hexDecode(std::string_view text);
std::string base64Encode(Bytes bytes);                         ///< RFC 4648 section 4, padded.
std::string base64UrlEncode(Bytes bytes);                      ///< RFC 4648 section 5, not padded.
std::optional<Buffer> base64Decode(std::string_view text);     ///< Strict: no white space, right padding.
std::optional<Buffer> base64UrlDecode(std::string_view text);  ///< Strict: no padding.

bool equalsIgnoreCase(std::string_view a, std::string_view b);  ///< ASCII only.
std::string toLower(std::string_view text);                     ///< ASCII only.
std::string_view trim(std::string_view text);                   ///< Spaces, tabs, CR, LF.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The whole of `text` as a decimal number, or nothing.
template <std::integral T>
std::optional<T> parseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Time does not depend on where the texts differ (tokens, MACs). Unequal lengths compare false.
bool equalsConstantTime(Bytes a, Bytes b);

/// Levenshtein distance; for "did you mean".
std::size_t editDistance(std::string_view a, std::string_view b);

/// `text` made safe for a line of a log or a terminal: control and direction-changing characters and bytes
/// that are not UTF-8 become escapes (\n, \x1b, \u202e), and so do quotes and backslashes. What is longer
/// than `maxBytes` is cut at a character and ends in "...".
std::string printable(std::string_view text, std::size_t maxBytes);

/// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool isUtf8(std::string_view text);

}  // namespace parley::base
