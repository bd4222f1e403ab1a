#include "programs/settings_source.h"

namespace parley::programs {

SettingsSource::SettingsSource(Declare declare, std::string file, std::vector<std::string> overrides)
    : declare_(declare), file_(std::move(file)), overrides_(std::move(overrides)) {}

std::vector<base::SettingProblem> SettingsSource::read(base::Settings& into) const {
  std::vector<base::SettingProblem> problems;
  if (!file_.empty()) problems = into.loadFile(file_);
  for (const std::string& each : overrides_) {
    const auto equals = each.find('=');
    if (equals == std::string::npos) {
      problems.push_back({"", 0, "--set " + each, "name=value is wanted"});
    } else if (auto problem = into.setText(each.substr(0, equals), each.substr(equals + 1))) {
      problems.push_back(std::move(*problem));
    }
  }
  return problems;
}

std::vector<base::SettingProblem> SettingsSource::load(base::Settings& live) {
  auto problems = read(live);
  loaded_.clear();
  for (auto& entry : live.entries()) loaded_.emplace(entry.spec.name, std::move(entry.value));
  return problems;
}

SettingsSource::Reloaded SettingsSource::reload(base::Settings& live) {
  base::Settings fresh;
  declare_(fresh);
  Reloaded result;
  result.problems = read(fresh);
  if (!result.problems.empty()) return result;
  for (auto& entry : fresh.entries()) {
    base::SettingValue& before = loaded_[entry.spec.name];
    if (entry.value == before) continue;
    if (entry.spec.needsRestart) {
      result.needRestart.push_back(entry.spec.name);
    } else if (auto problem = live.set(entry.spec.name, entry.value)) {
      result.problems.push_back(std::move(*problem));  // Cannot be: `fresh` took it.
    } else {
      before = std::move(entry.value);
      result.changed.push_back(entry.spec.name);
    }
  }
  return result;
}

}  // namespace parley::programs
