#include "base/setting_declarer.h"

namespace parley::base {

void SettingDeclarer::add(SettingSpec spec) const {
  spec.page = page;
  settings.declare(std::move(spec));
}

void SettingDeclarer::number(std::string name, std::int64_t fallback, std::int64_t min, std::int64_t max,
                             std::string unit, bool restart, std::string sentence) const {
  add({.name = std::move(name),
       .type = SettingType::integer,
       .fallback = fallback,
       .sentence = std::move(sentence),
       .unit = std::move(unit),
       .min = min,
       .max = max,
       .needsRestart = restart});
}

void SettingDeclarer::text(std::string name, SettingType type, std::string fallback, bool restart,
                           std::string sentence, Check check) const {
  add({.name = std::move(name),
       .type = type,
       .fallback = std::move(fallback),
       .sentence = std::move(sentence),
       .needsRestart = restart,
       .check = std::move(check)});
}

void SettingDeclarer::list(std::string name, Names fallback, bool restart, std::string sentence,
                           Check check) const {
  add({.name = std::move(name),
       .type = SettingType::list,
       .fallback = std::move(fallback),
       .sentence = std::move(sentence),
       .needsRestart = restart,
       .check = std::move(check)});
}

void SettingDeclarer::boolean(std::string name, bool fallback, bool restart, std::string sentence) const {
  add({.name = std::move(name),
       .type = SettingType::boolean,
       .fallback = fallback,
       .sentence = std::move(sentence),
       .needsRestart = restart});
}

void SettingDeclarer::choice(std::string name, Names choices, bool restart, std::string sentence) const {
  std::string fallback = choices.front();
  add({.name = std::move(name),
       .type = SettingType::choice,
       .fallback = std::move(fallback),
       .sentence = std::move(sentence),
       .choices = std::move(choices),
       .needsRestart = restart});
}

}  // namespace parley::base
