#include "assist/fetched_name.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace parley::assist {
namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hexDigit(text[i + 2]);
    if (low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

/// RFC 8187 section 3.2.1: charset'language'value. Of charsets there is UTF-8, and what older servers send.
std::optional<std::string> extendedValue(std::string_view text) {
  const auto language = text.find('\'');
  const auto value = language == text.npos ? text.npos : text.find('\'', language + 1);
  if (value == text.npos) return std::nullopt;
  auto bytes = decoded(text.substr(value + 1));
  const std::string_view charset = text.substr(0, language);
  if (!bytes) return std::nullopt;
  if (base::equalsIgnoreCase(charset, "UTF-8")) return base::isUtf8(*bytes) ? bytes : std::nullopt;
  if (!base::equalsIgnoreCase(charset, "ISO-8859-1")) return std::nullopt;
  std::string out;
  for (const char c : *bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) out += static_cast<char>(0xc0 | byte >> 6);
    out += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
  }
  return out;
}

/// Takes a quoted string off the front, or all until the next ';'.
std::string takeValue(std::string_view& text) {
  std::string out;
  if (!text.starts_with('"')) {
    const auto end = std::min(text.find(';'), text.size());
    out = base::trim(text.substr(0, end));
    text.remove_prefix(end);
    return out;
  }
  for (text.remove_prefix(1); !text.empty() && text.front() != '"'; text.remove_prefix(1)) {
    // Some servers quote what they do not escape: a name from Windows keeps its folders' strokes.
    if (text.front() == '\\' && text.size() > 1 && (text[1] == '"' || text[1] == '\\')) text.remove_prefix(1);
    out += text.front();
  }
  text.remove_prefix(std::min(text.find(';'), text.size()));
  return out;
}

}  // namespace

std::string fetchedName(std::string_view disposition, std::string_view target) {
  std::optional<std::string> plain, extended;
  while (!disposition.empty()) {
    const auto end = disposition.find_first_of("=;");
    const std::string name = base::toLower(base::trim(disposition.substr(0, end)));
    disposition.remove_prefix(std::min(end, disposition.size()));
    if (disposition.starts_with('=')) {
      disposition.remove_prefix(1);
      while (disposition.starts_with(' ') || disposition.starts_with('\t')) disposition.remove_prefix(1);
      const std::string value = takeValue(disposition);
      if (name == "filename" && !plain) plain = value;
      if (name == "filename*" && !extended) extended = extendedValue(value);
    }
    if (disposition.starts_with(';')) disposition.remove_prefix(1);
  }
  if (extended) return *extended;
  if (plain) return *plain;
  const std::string_view path = target.substr(0, target.find('?'));
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace parley::assist
