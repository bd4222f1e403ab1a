#include "base/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <system_error>

#include "base/check.h"
#include "base/text.h"

namespace parley::base {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxTextBytes = 64u << 10;
constexpr std::size_t kMaxListItems = 1024;
constexpr std::size_t kMaxProblems = 100;
constexpr std::size_t kMaxShownBytes = 80;
/// The TOML library limits the depth of arrays but not of dotted names, and takes tables apart by
/// recursion: a name of a million parts would end the process.
constexpr std::size_t kMaxDots = 10'000;

std::string quoted(std::string_view text) { return '"' + printable(text, kMaxShownBytes) + '"'; }

/// What may stand there: "an integer from 1 to 65535 (ms)".
std::string allowed(const SettingSpec& spec) {
  switch (spec.type) {
    case SettingType::boolean:
      return "true or false";
    case SettingType::integer: {
      std::string out = "an integer";
      if (spec.min && spec.max) {
        out += fmt::format(" from {} to {}", *spec.min, *spec.max);
      } else if (spec.min) {
        out += fmt::format(" of at least {}", *spec.min);
      } else if (spec.max) {
        out += fmt::format(" of at most {}", *spec.max);
      }
      return spec.unit.empty() ? out : fmt::format("{} ({})", out, spec.unit);
    }
    case SettingType::text:
    case SettingType::secret:
      return "a text in quotes";
    case SettingType::list:
      return "a list of texts such as [\"a\", \"b\"]";
    case SettingType::choice:
      return fmt::format("one of \"{}\"", fmt::join(spec.choices, "\", \""));
  }
  return {};
}

bool holdsRightType(const SettingSpec& spec, const SettingValue& value) {
  switch (spec.type) {
    case SettingType::boolean:
      return std::holds_alternative<bool>(value);
    case SettingType::integer:
      return std::holds_alternative<std::int64_t>(value);
    case SettingType::list:
      return std::holds_alternative<std::vector<std::string>>(value);
    case SettingType::text:
    case SettingType::secret:
    case SettingType::choice:
      return std::holds_alternative<std::string>(value);
  }
  return false;
}

/// Texts go to files, tables and headers: no control characters but tab and line end.
std::optional<std::string> textFault(std::string_view text) {
  if (text.size() > kMaxTextBytes) return fmt::format("must be at most {} bytes long", kMaxTextBytes);
  const bool control = std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
  });
  if (control || !isUtf8(text)) return "must be UTF-8 without control characters";
  return std::nullopt;
}

/// What is wrong with a value apart from the setting's own check, or nothing.
std::optional<std::string> shapeFault(const SettingSpec& spec, const SettingValue& value) {
  if (!holdsRightType(spec, value)) return "must be " + allowed(spec);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    const bool fits = (!spec.min || *number >= *spec.min) && (!spec.max || *number <= *spec.max);
    return fits ? std::nullopt : std::optional(fmt::format("{} is not {}", *number, allowed(spec)));
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (spec.type != SettingType::choice) return textFault(*text);
    if (std::ranges::find(spec.choices, *text) != spec.choices.end()) return std::nullopt;
    return fmt::format("{} is not {}", quoted(*text), allowed(spec));
  }
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    if (list->size() > kMaxListItems) return fmt::format("must have at most {} items", kMaxListItems);
    for (const std::string& item : *list) {
      if (auto fault = textFault(item)) return "each item " + *fault;
    }
  }
  return std::nullopt;
}

bool isSettingName(std::string_view name) {
  const auto parts = split(name, '.');
  return std::ranges::all_of(parts, [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '-';
    });
  });
}

/// The value that `text` stands for, not checked yet; nothing if it is not of that type.
std::optional<SettingValue> valueOf(const SettingSpec& spec, std::string_view text) {
  switch (spec.type) {
    case SettingType::boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return text == "true";
    case SettingType::integer: {
      const auto number = parseNumber<std::int64_t>(text);
      return number ? std::optional<SettingValue>(*number) : std::nullopt;
    }
    case SettingType::list: {
      std::vector<std::string> items;
      if (!trim(text).empty()) {
        for (const auto item : split(text, ',')) items.emplace_back(trim(item));
      }
      return items;
    }
    case SettingType::text:
    case SettingType::secret:
    case SettingType::choice:
      return std::string(text);
  }
  return std::nullopt;
}

std::string_view nameOf(toml::node_type type) {
  switch (type) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
  }
  return "something else";
}

/// The node as a value; nothing if it is not of the setting's type.
std::optional<SettingValue> valueOf(const SettingSpec& spec, const toml::node& node) {
  if (const auto* boolean = node.as_boolean()) {
    return spec.type == SettingType::boolean ? std::optional<SettingValue>(boolean->get()) : std::nullopt;
  }
  if (const auto* integer = node.as_integer()) {
    return spec.type == SettingType::integer ? std::optional<SettingValue>(integer->get()) : std::nullopt;
  }
  if (const auto* text = node.as_string()) {
    const SettingValue value = text->get();
    return holdsRightType(spec, value) ? std::optional(value) : std::nullopt;
  }
  const auto* array = node.as_array();
  if (array == nullptr || spec.type != SettingType::list) return std::nullopt;
  std::vector<std::string> items;
  for (const auto& item : *array) {
    if (!item.is_string()) return std::nullopt;
    items.push_back(item.as_string()->get());
  }
  return items;
}

struct Leaf {
  std::string name;
  int line;
  const toml::node* node;
};

/// Every value of the file by full name. `isDeclared` tells what is a setting even if it is a table.
template <class IsDeclared>
void collectLeaves(const toml::table& table, const std::string& prefix, const IsDeclared& isDeclared,
                   std::vector<Leaf>& leaves) {
  for (const auto& [key, node] : table) {
    const std::string name =
        prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
    const auto* inner = node.as_table();
    if (inner != nullptr && !inner->empty() && !isDeclared(name)) {
      // Nothing below a very long name can be a setting.
      if (name.size() <= 4 * kMaxShownBytes) {
        collectLeaves(*inner, name, isDeclared, leaves);
        continue;
      }
    }
    leaves.push_back({name, static_cast<int>(key.source().begin.line), &node});
  }
}

std::optional<toml::table> parseToml(std::string_view toml, SettingProblem& problem) {
  if (toml.size() > kMaxFileBytes) {
    problem.text = fmt::format("must be at most {} bytes long", kMaxFileBytes);
    return std::nullopt;
  }
  if (std::ranges::count(toml, '.') > static_cast<std::ptrdiff_t>(kMaxDots)) {
    problem.text = fmt::format("must have at most {} dots", kMaxDots);
    return std::nullopt;
  }
  try {
    return toml::parse(toml);
  } catch (const toml::parse_error& error) {
    problem.line = static_cast<int>(error.source().begin.line);
    problem.text = "not TOML: " + printable(error.description(), 300);
    return std::nullopt;
  }
}

std::string systemText(int error) { return std::system_category().message(error); }

}  // namespace

std::string SettingProblem::format() const {
  std::string out;
  if (!file.empty()) {
    out = printable(file, 1024);
    if (line > 0) out += fmt::format(":{}", line);
    out += ": ";
  }
  if (!name.empty()) out += printable(name, kMaxShownBytes) + ": ";
  return out + text;
}

void Settings::declare(SettingSpec spec) {
  PARLEY_CHECK(isSettingName(spec.name));
  PARLEY_CHECK(!shapeFault(spec, spec.fallback));
  const std::lock_guard lock(mutex_);
  // "media" cannot be a value and a table at once.
  for (const auto& [name, entry] : entries_) {
    PARLEY_CHECK(!name.starts_with(spec.name + '.') && !spec.name.starts_with(name + '.'));
  }
  Entry entry{spec, spec.fallback, true};
  const bool added = entries_.emplace(spec.name, std::move(entry)).second;
  PARLEY_CHECK(added);
}

std::vector<SettingProblem> Settings::loadFile(const std::string& path) {
  const auto refuse = [&path](std::string text) {
    return std::vector<SettingProblem>{{path, 0, "", std::move(text)}};
  };
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return refuse("cannot be opened: " + systemText(errno));
  std::string text(kMaxFileBytes + 1, '\0');
  errno = 0;
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return refuse("cannot be read: " + systemText(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return loadText(text, path);
}

std::vector<SettingProblem> Settings::loadText(std::string_view toml, const std::string& fileName) {
  SettingProblem refused{fileName, 0, "", ""};
  const auto root = parseToml(toml, refused);
  if (!root) return {refused};
  std::vector<SettingProblem> problems;
  std::vector<Leaf> leaves;
  collectLeaves(
      *root, "", [this](const std::string& name) { return entries_.contains(name); }, leaves);
  std::ranges::stable_sort(leaves, {}, &Leaf::line);

  std::vector<std::pair<std::string, SettingValue>> values;
  std::set<std::string_view> seen;
  for (const Leaf& leaf : leaves) {
    if (problems.size() == kMaxProblems) {
      problems.push_back({fileName, leaf.line, "", "and more problems from here on"});
      break;
    }
    const auto add = [&](std::string text) {
      problems.push_back({fileName, leaf.line, leaf.name, std::move(text)});
    };
    const auto found = entries_.find(leaf.name);
    if (found == entries_.end()) {
      const auto* table = leaf.node->as_table();
      const bool isKnownTable = table != nullptr && table->empty() && !firstInTable(leaf.name).empty();
      if (!isKnownTable) add(unknownText(leaf.name, table != nullptr));
      continue;
    }
    if (!seen.insert(leaf.name).second) {
      add("is given twice");  // TOML itself does not see that "a.b" and [a] b are one.
      continue;
    }
    const SettingSpec& spec = found->second.spec;
    auto value = valueOf(spec, *leaf.node);
    if (!value) {
      add(fmt::format("must be {}, not {}", allowed(spec),
                      leaf.node->is_array() ? "this list" : nameOf(leaf.node->type())));
    } else if (auto problem = checkValue(spec, *value)) {
      add(std::move(problem->text));
    } else {
      values.emplace_back(leaf.name, std::move(*value));
    }
  }
  if (problems.empty()) apply(std::move(values));
  return problems;
}

std::optional<SettingProblem> Settings::setText(std::string_view name, std::string_view value) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return SettingProblem{"", 0, std::string(name), unknownText(name, false)};
  const SettingSpec& spec = found->second.spec;
  auto parsed = valueOf(spec, value);
  if (!parsed) {
    return SettingProblem{"", 0, spec.name, fmt::format("must be {}, not {}", allowed(spec), quoted(value))};
  }
  return set(name, std::move(*parsed));
}

std::optional<SettingProblem> Settings::set(std::string_view name, SettingValue value) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return SettingProblem{"", 0, std::string(name), unknownText(name, false)};
  if (auto problem = checkValue(found->second.spec, value)) return problem;
  std::vector<std::pair<std::string, SettingValue>> values;
  values.emplace_back(name, std::move(value));
  apply(std::move(values));
  return std::nullopt;
}

void Settings::apply(std::vector<std::pair<std::string, SettingValue>> values) {
  std::vector<std::string> changed;
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, value] : values) {
      Entry& entry = entries_.find(name)->second;
      if (entry.value == value) continue;
      entry.value = std::move(value);
      entry.isDefault = entry.value == entry.spec.fallback;
      changed.push_back(name);
    }
    for (const std::string& name : changed) {
      for (const auto& [wanted, call] : listeners_) {
        if (wanted.empty() || wanted == name) calls.push_back(call);
      }
    }
  }
  for (const auto& call : calls) call();  // Without the lock: they read settings.
}

std::optional<SettingProblem> Settings::checkValue(const SettingSpec& spec, const SettingValue& value) const {
  auto fault = shapeFault(spec, value);
  if (!fault && spec.check) fault = spec.check(value);
  if (!fault) return std::nullopt;
  return SettingProblem{"", 0, spec.name, std::move(*fault)};
}

const Settings::Entry& Settings::at(std::string_view name) const {
  const auto found = entries_.find(name);
  PARLEY_CHECK(found != entries_.end());
  return found->second;
}

bool Settings::boolean(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto* value = std::get_if<bool>(&at(name).value);
  PARLEY_CHECK(value != nullptr);
  return *value;
}

std::int64_t Settings::integer(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto* value = std::get_if<std::int64_t>(&at(name).value);
  PARLEY_CHECK(value != nullptr);
  return *value;
}

std::string Settings::text(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto* value = std::get_if<std::string>(&at(name).value);
  PARLEY_CHECK(value != nullptr);
  return *value;
}

std::vector<std::string> Settings::list(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto* value = std::get_if<std::vector<std::string>>(&at(name).value);
  PARLEY_CHECK(value != nullptr);
  return *value;
}

void Settings::onChange(std::string name, std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  PARLEY_CHECK(name.empty() || entries_.contains(name));
  listeners_.emplace_back(std::move(name), std::move(callback));
}

std::vector<Settings::Entry> Settings::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(entry);
  return out;
}

/// The first setting of a table, empty if there is no such table.
std::string Settings::firstInTable(std::string_view table) const {
  const std::string prefix = fmt::format("{}.", table);
  const auto inside = entries_.lower_bound(prefix);
  return inside != entries_.end() && inside->first.starts_with(prefix) ? inside->first : std::string();
}

std::string Settings::unknownText(std::string_view name, bool isTable) const {
  if (const std::string inside = firstInTable(name); !inside.empty()) {
    return fmt::format("is a table of settings such as {}, not a setting", inside);
  }
  const std::string_view what = isTable ? "unknown table" : "unknown setting";
  const std::string suggestion = nearest(name);
  return suggestion.empty() ? std::string(what) : fmt::format("{}; did you mean {}?", what, suggestion);
}

/// The declared name that is most like `name`, empty if none is much like it.
std::string Settings::nearest(std::string_view name) const {
  if (name.empty() || name.size() > 4 * kMaxShownBytes) return {};
  const std::string lower = toLower(name);
  std::string best;
  std::size_t bestDistance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& [known, entry] : entries_) {
    // The right key in the wrong table, or in none, is nearer than any other spelling.
    const std::string_view key = std::string_view(known).substr(known.rfind('.') + 1);
    const std::string_view givenKey = std::string_view(lower).substr(lower.rfind('.') + 1);
    const std::size_t distance = key == givenKey ? std::min<std::size_t>(1, editDistance(lower, known))
                                                 : editDistance(lower, toLower(known));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = known;
    }
  }
  return best;
}

}  // namespace parley::base
