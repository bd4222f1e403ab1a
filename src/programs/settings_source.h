// Where a program's settings come from: defaults, then one TOML file, then `--set` of the command line. The
// file can be read again while the program runs. One thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/settings.h"

namespace parley::programs {

class SettingsSource {
 public:
  using Declare = void (*)(base::Settings&);
  /// `file` may be empty; `overrides` are "name=value".
  SettingsSource(Declare declare, std::string file, std::vector<std::string> overrides);

  /// Fills `live`, which `declare` has seen, before anything reads it. All problems; none: all is applied.
  std::vector<base::SettingProblem> load(base::Settings& live);

  struct Reloaded {
    std::vector<base::SettingProblem> problems;  ///< With any nothing has changed.
    std::vector<std::string> changed;            ///< Applied now.
    std::vector<std::string> needRestart;        ///< Differ from what the program started with; not applied.
  };
  /// Reads the file again. What it no longer names goes back to its default. What was changed in `live` by
  /// others since stays, unless the file changed it as well.
  Reloaded reload(base::Settings& live);
  const std::string& file() const { return file_; }

 private:
  std::vector<base::SettingProblem> read(base::Settings& into) const;

  Declare declare_;
  std::string file_;
  std::vector<std::string> overrides_;
  std::map<std::string, base::SettingValue> loaded_;  ///< As last read and applied, by name.
};

}  // namespace parley::programs
