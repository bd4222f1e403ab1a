#include "sip/saved_text.h"

namespace parley::sip {

void SavedWriter::put(std::string_view key, std::string_view value) {
  if (value.empty()) return;
  text_.append(key).append(1, '=');
  for (const char c : value) {
    if (c == '\n')
      text_ += "\\n";
    else if (c == '\r')
      text_ += "\\r";
    else if (c == '\\')
      text_ += "\\\\";
    else
      text_ += c;
  }
  text_ += '\n';
}

std::optional<std::vector<SavedLine>> readSaved(std::string_view text) {
  if (text.size() > kMaxSavedBytes) return std::nullopt;
  std::vector<SavedLine> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || lines.size() == kMaxSavedLines) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    SavedLine out{line.substr(0, equals), {}};
    for (std::size_t i = equals + 1; i < line.size(); ++i) {
      if (line[i] != '\\') {
        out.value += line[i];
        continue;
      }
      if (++i == line.size()) return std::nullopt;
      if (line[i] == 'n')
        out.value += '\n';
      else if (line[i] == 'r')
        out.value += '\r';
      else if (line[i] == '\\')
        out.value += '\\';
      else
        return std::nullopt;
    }
    lines.push_back(std::move(out));
  }
  return lines;
}

}  // namespace parley::sip
