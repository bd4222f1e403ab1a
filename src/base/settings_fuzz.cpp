// Any bytes as a settings file: either problems and nothing changed, or values that their own rules allow.
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "base/settings.h"
#include "base/text.h"

namespace {

using parley::base::Settings;
using parley::base::SettingType;

void declareAll(Settings& settings) {
  settings.declare({.name = "b", .type = SettingType::boolean, .fallback = true, .sentence = "B."});
  settings.declare({.name = "t.int",
                    .type = SettingType::integer,
                    .fallback = 5,
                    .sentence = "I.",
                    .unit = "ms",
                    .min = 1,
                    .max = 100});
  settings.declare({.name = "t.text", .fallback = "x", .sentence = "T."});
  settings.declare({.name = "t.u.list",
                    .type = SettingType::list,
                    .fallback = std::vector<std::string>{},
                    .sentence = "L."});
  settings.declare({.name = "t.choice",
                    .type = SettingType::choice,
                    .fallback = "on",
                    .sentence = "C.",
                    .choices = {"on", "off"}});
  settings.declare({.name = "t.secret", .type = SettingType::secret, .fallback = "s", .sentence = "S."});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Settings settings;
  declareAll(settings);
  const auto problems = settings.loadText(parley::base::asText({data, size}), "fuzz.toml");
  for (const auto& problem : problems) {
    const std::string line = problem.format();
    PARLEY_CHECK(line.starts_with("fuzz.toml"));
    PARLEY_CHECK(line.find('\n') == std::string::npos);
    PARLEY_CHECK(parley::base::isUtf8(line));
  }
  for (const auto& entry : settings.entries()) {
    PARLEY_CHECK(problems.empty() || entry.isDefault);
    PARLEY_CHECK(!settings.set(entry.spec.name, entry.value));
  }
  const auto number = settings.integer("t.int");
  PARLEY_CHECK(number >= 1 && number <= 100);
  return 0;
}
