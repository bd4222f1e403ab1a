#include "base/log_settings.h"

#include <algorithm>
#include <array>

namespace parley::base {
namespace {

constexpr std::array kLevels{LogLevel::trace, LogLevel::debug, LogLevel::info,
                             LogLevel::warn,  LogLevel::error, LogLevel::off};

}  // namespace

void declareLogSettings(Settings& settings, const std::string& page) {
  settings.declare({.name = "log.file",
                    .type = SettingType::text,
                    .fallback = std::string(),
                    .sentence = "Log file; empty: standard error.",
                    .needsRestart = true,
                    .page = page});
  std::vector<std::string> levels;
  for (const LogLevel level : kLevels) levels.emplace_back(toString(level));
  settings.declare({.name = "log.level",
                    .type = SettingType::choice,
                    .fallback = std::string(toString(LogLevel::info)),
                    .sentence = "How much is logged.",
                    .choices = std::move(levels),
                    .page = page});
  settings.declare({.name = "log.rotate_bytes",
                    .type = SettingType::integer,
                    .fallback = std::int64_t{50 << 20},
                    .sentence = "A log file larger than this is put aside.",
                    .unit = "bytes",
                    .min = 1 << 16,
                    .max = std::int64_t{1} << 40,
                    .needsRestart = true,
                    .page = page});
  settings.declare({.name = "log.rotate_files",
                    .type = SettingType::integer,
                    .fallback = std::int64_t{5},
                    .sentence = "Log files kept.",
                    .unit = "files",
                    .min = 1,
                    .max = 100,
                    .needsRestart = true,
                    .page = page});
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
