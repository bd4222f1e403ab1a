// What is generated from the declarations: the reference and a sample file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/settings.h"
#include "base/text.h"

namespace parley::base {
namespace {

std::string_view nameOf(SettingType type) {
  switch (type) {
    case SettingType::boolean:
      return "boolean";
    case SettingType::integer:
      return "integer";
    case SettingType::text:
      return "text";
    case SettingType::list:
      return "list";
    case SettingType::choice:
      return "choice";
    case SettingType::secret:
      return "secret";
  }
  return "unknown";
}

std::string limits(const SettingSpec& spec) {
  if (spec.type == SettingType::choice) return fmt::format("{}", fmt::join(spec.choices, ", "));
  if (spec.min && spec.max) return fmt::format("{} to {}", *spec.min, *spec.max);
  if (spec.min) return fmt::format("at least {}", *spec.min);
  if (spec.max) return fmt::format("at most {}", *spec.max);
  return {};
}

std::string onOneLine(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : onOneLine(text)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string code(std::string_view text) { return text.empty() ? std::string() : '`' + cell(text) + '`'; }

/// As a basic string of TOML, which knows \uXXXX but not \xXX.
std::string tomlText(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string tomlValue(const SettingValue& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return tomlText(*text);
  std::vector<std::string> items;
  for (const std::string& item : std::get<std::vector<std::string>>(value)) items.push_back(tomlText(item));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string remark(const SettingSpec& spec) {
  std::string out(nameOf(spec.type));
  if (!spec.unit.empty()) out += fmt::format(", {}", spec.unit);
  if (const std::string bounds = limits(spec); !bounds.empty()) out += fmt::format(", {}", bounds);
  if (spec.needsRestart) out += ", needs a restart";
  return onOneLine(out);
}

}  // namespace

std::string Settings::show(const SettingSpec& spec, const SettingValue& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return spec.type == SettingType::secret && !text->empty() ? "********" : *text;
  }
  return fmt::format("{}", fmt::join(std::get<std::vector<std::string>>(value), ", "));
}

std::string Settings::referenceMarkdown(std::string_view program) const {
  std::map<std::string, std::vector<const SettingSpec*>> pages;
  const std::vector<Entry> all = entries();
  for (const Entry& entry : all) {
    pages[entry.spec.page.empty() ? "General" : entry.spec.page].push_back(&entry.spec);
  }
  std::string out = fmt::format(
      "# Settings of {}\n\nGenerated from the declarations in the code; do not edit. A name `table.key` is "
      "`key` under `[table]` in the TOML file.\n",
      program);
  for (const auto& [page, specs] : pages) {
    out += fmt::format(
        "\n## {}\n\n| name | type | unit | default | allowed | needs restart | what it does |\n"
        "|---|---|---|---|---|---|---|\n",
        onOneLine(page));
    for (const SettingSpec* spec : specs) {
      out += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", spec->name, nameOf(spec->type),
                         cell(spec->unit), code(show(*spec, spec->fallback)), cell(limits(*spec)),
                         spec->needsRestart ? "yes" : "no", cell(spec->sentence));
    }
  }
  return out;
}

std::string Settings::sampleToml() const {
  // By table, not by name: in that order "a.b.c" would come between two keys of [a].
  std::map<std::string, std::vector<const SettingSpec*>> tables;
  const std::vector<Entry> all = entries();
  for (const Entry& entry : all) {
    const auto dot = entry.spec.name.rfind('.');
    tables[dot == std::string::npos ? "" : entry.spec.name.substr(0, dot)].push_back(&entry.spec);
  }
  std::string out = "# Every setting with its default. Remove the # in front of what you change.\n";
  for (const auto& [table, specs] : tables) {
    if (!table.empty()) out += fmt::format("\n[{}]\n", table);
    for (const SettingSpec* spec : specs) {
      const bool secret = spec->type == SettingType::secret;
      out += fmt::format("\n# {}\n# ({})\n#{} = {}\n", onOneLine(spec->sentence), remark(*spec),
                         spec->name.substr(spec->name.rfind('.') + 1),
                         secret ? "\"\"" : tomlValue(spec->fallback));
    }
  }
  return out;
}

}  // namespace parley::base
