// Declares the settings of one administration page with few words. Sentence last but for the check, restart
// before it: the order in which a reader asks.
#pragma once
#include <string>
#include <vector>

#include "base/settings.h"

namespace parley::base {

struct SettingDeclarer {
  using Names = std::vector<std::string>;
  using Check = std::function<std::optional<std::string>(const SettingValue&)>;

  Settings& settings;
  std::string page;

  void add(SettingSpec spec) const;
  void number(std::string name, std::int64_t fallback, std::int64_t min, std::int64_t max, std::string unit,
              bool restart, std::string sentence) const;
  /// `type`: text or secret.
  void text(std::string name, SettingType type, std::string fallback, bool restart, std::string sentence,
            Check check = {}) const;
  void list(std::string name, Names fallback, bool restart, std::string sentence, Check check = {}) const;
  void boolean(std::string name, bool fallback, bool restart, std::string sentence) const;
  /// The first choice is the default.
  void choice(std::string name, Names choices, bool restart, std::string sentence) const;
};

}  // namespace parley::base
