#include "base/log_settings.h"

#include <algorithm>
#include <array>

#include "base/setting_declarer.h"

namespace parley::base {
namespace {

constexpr std::array kLevels{LogLevel::trace, LogLevel::debug, LogLevel::info,
                             LogLevel::warn,  LogLevel::error, LogLevel::off};

}  // namespace

void declareLogSettings(Settings& settings, const std::string& page) {
  const SettingDeclarer log{settings, page};
  std::vector<std::string> levels;
  levels.reserve(kLevels.size());
  for (const LogLevel level : kLevels) levels.emplace_back(toString(level));
  log.text("log.file", SettingType::text, "", true, "Log file; empty: standard error.");
  log.add({.name = "log.level",
           .type = SettingType::choice,
           .fallback = std::string(toString(LogLevel::info)),
           .sentence = "How much is logged.",
           .choices = std::move(levels)});
  log.number("log.rotate_bytes", 50 << 20, 1 << 16, std::int64_t{1} << 40, "bytes", true,
             "A log file larger than this is put aside.");
  log.number("log.rotate_files", 5, 1, 100, "files", true, "Log files kept.");
}

LogOptions logOptions(const Settings& settings) {
  LogOptions options;
  options.file = settings.text("log.file");
  const std::string level = settings.text("log.level");
  const auto* found = std::ranges::find_if(kLevels, [&](LogLevel each) { return toString(each) == level; });
  if (found != kLevels.end()) options.level = *found;
  options.rotateBytes = static_cast<std::size_t>(settings.integer("log.rotate_bytes"));
  options.rotateFiles = static_cast<std::size_t>(settings.integer("log.rotate_files"));
  return options;
}

}  // namespace parley::base
