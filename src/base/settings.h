// One registry of settings (design decision 7). A module declares each setting once; the TOML file, the
// command line, the REST administration, the web page and the reference are made from the declaration.
//
// Threading: declare and load before the loops start; get() from any thread; set() from any thread,
// change callbacks run on the thread that called set().
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace parley::base {

using SettingValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

enum class SettingType { boolean, integer, text, list, choice, secret };

struct SettingSpec {
  std::string name;  ///< "media.max_load_factor": table.key of the TOML file.
  SettingType type = SettingType::text;
  SettingValue fallback;                 ///< The default.
  std::string sentence;                  ///< What it does, for the reference and the page.
  std::string unit = {};                 ///< "ms", "bit/s", …
  std::optional<std::int64_t> min = {};  ///< integer only.
  std::optional<std::int64_t> max = {};
  std::vector<std::string> choices = {};  ///< choice only.
  bool needsRestart = false;
  std::string page = {};  ///< Administration page: "Gateway", "Expert Assist", …
  /// Further check, e.g. "is a valid regex". Returns what is wrong and what is allowed, or nothing.
  std::function<std::optional<std::string>(const SettingValue&)> check = {};
};

/// One thing wrong with a file or a value: where, what, what is allowed.
struct SettingProblem {
  std::string file;  ///< Empty for command line and REST.
  int line = 0;
  std::string name;
  std::string text;
  std::string format() const;  ///< "parley.toml:7: media.prot: unknown setting; did you mean media.port?"
};

class Settings {
 public:
  /// Declares. A second declaration of one name is a programming error.
  void declare(SettingSpec spec);

  /// Reads a TOML file over the defaults; names not in the file keep the value they have. All problems
  /// are returned (up to 100, and one syntax error), not just the first; with any problem nothing of the
  /// file is applied. Never throws.
  std::vector<SettingProblem> loadFile(const std::string& path);
  std::vector<SettingProblem> loadText(std::string_view toml, const std::string& fileName);

  /// One setting from text (command line `name=value`, REST). Lists: comma-separated.
  std::optional<SettingProblem> setText(std::string_view name, std::string_view value);
  std::optional<SettingProblem> set(std::string_view name, SettingValue value);

  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  Millis millis(std::string_view name) const { return Millis{integer(name)}; }
  std::string text(std::string_view name) const;  ///< text, choice, secret.
  std::vector<std::string> list(std::string_view name) const;

  /// Called after each change of `name` ("" = of any). A set() to the same value is no change.
  void onChange(std::string name, std::function<void()> callback);

  struct Entry {
    SettingSpec spec;
    SettingValue value;
    bool isDefault = true;
  };
  std::vector<Entry> entries() const;  ///< By name. Secrets are returned; show() hides them.
  static std::string show(const SettingSpec& spec, const SettingValue& value);
  std::string referenceMarkdown(std::string_view program) const;  ///< docs/settings-*.md
  std::string sampleToml() const;

 private:
  std::optional<SettingProblem> checkValue(const SettingSpec& spec, const SettingValue& value) const;
  const Entry& at(std::string_view name) const;
  std::string nearest(std::string_view name) const;
  std::string firstInTable(std::string_view table) const;
  std::string unknownText(std::string_view name, bool isTable) const;
  void apply(std::vector<std::pair<std::string, SettingValue>> values);
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::pair<std::string, std::function<void()>>> listeners_;
};

}  // namespace parley::base
