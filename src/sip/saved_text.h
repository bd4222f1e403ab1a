// Lines of "key=value" with the few characters escaped that would break a line: the form in which dialogs and
// sessions are saved. Unknown keys are skipped, so that an older process can read what a newer one wrote.
#pragma once
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::sip {

class SavedWriter {
 public:
  /// Empty values are not written.
  void put(std::string_view key, std::string_view value);
  void put(std::string_view key, std::uint64_t value) { put(key, std::to_string(value)); }
  void flag(std::string_view key, bool value) {
    if (value) put(key, "1");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

struct SavedLine {
  std::string_view key;
  std::string value;
};

/// Nothing for a line without '=', a broken escape, more than kMaxSavedLines or kMaxSavedBytes.
constexpr std::size_t kMaxSavedLines = 200;
constexpr std::size_t kMaxSavedBytes = 128 * 1024;
std::optional<std::vector<SavedLine>> readSaved(std::string_view text);

}  // namespace parley::sip
