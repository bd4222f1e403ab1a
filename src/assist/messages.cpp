#include "assist/messages.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

constexpr double kMaxCoordinate = 10'000'000;
constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxTextBytes = 4096;
constexpr std::size_t kMaxValueBytes = 16 * 1024;
constexpr std::size_t kMaxOptions = 500;
constexpr std::size_t kMaxUnsupported = 32;
constexpr std::size_t kMaxCarried = 200;  // As many shapes as are kept.

constexpr std::array<std::string_view, kKinds> kKindNames{
    "consent",     "share",    "end",    "leave",    "receipt", "view",   "control",  "ask",
    "quality",     "pointer",  "click",  "scroll",   "text",    "key",    "form-get", "form-set",
    "form-close",  "draw",     "erase",  "document", "window",  "push",   "form",     "form-result",
    "push-result", "activity", "cursor", "carried",  "seen",    "refresh"};

bool isColour(const std::string& text) {
  return text.size() == 7 && text[0] == '#' &&
         std::all_of(text.begin() + 1, text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// Copies what is right from `in` to `out`; remembers the first thing that is not.
class Reader {
 public:
  explicit Reader(const Json& in) : in_(in) {}

  const Json* member(const char* key, bool needed) {
    const auto at = in_.find(key);
    if (at != in_.end() && !at->is_null()) return &*at;
    if (needed) fault(key);
    return nullptr;
  }
  Reader& label(const char* key, std::size_t max, bool needed = false) {
    if (const Json* value = member(key, needed)) {
      const bool good = value->is_string() && link::isLabel(value->get_ref<const std::string&>(), max) &&
                        !(needed && value->get_ref<const std::string&>().empty());
      good ? void(out_[key] = *value) : fault(key);
    }
    return *this;
  }
  /// With line breaks and whatever else a person can type.
  Reader& text(const char* key, std::size_t max, bool needed = false) {
    if (const Json* value = member(key, needed)) {
      const bool good = value->is_string() && value->get_ref<const std::string&>().size() <= max;
      good ? void(out_[key] = *value) : fault(key);
    }
    return *this;
  }
  /// For people: cut instead of refused.
  Reader& caption(const char* key, std::size_t max) {
    if (const Json* value = member(key, false); value != nullptr && value->is_string()) {
      out_[key] = clipped(value->get_ref<const std::string&>(), max);
    }
    return *this;
  }
  Reader& number(const char* key, double min, double max, bool needed = false) {
    if (const Json* value = member(key, needed)) {
      const double number = value->is_number() ? value->get<double>() : NAN;
      number >= min&& number <= max ? void(out_[key] = *value) : fault(key);
    }
    return *this;
  }
  Reader& coordinate(const char* key, bool needed = true) {
    return number(key, -kMaxCoordinate, kMaxCoordinate, needed);
  }
  Reader& whole(const char* key, std::int64_t min, std::int64_t max, bool needed = false) {
    if (member(key, needed) != nullptr) {
      const auto number = link::integerAt(in_, key);
      number&&* number >= min&&* number <= max ? void(out_[key] = *number) : fault(key);
    }
    return *this;
  }
  Reader& flag(const char* key, bool needed = false) {
    if (const Json* value = member(key, needed)) {
      value->is_boolean() ? void(out_[key] = *value) : fault(key);
    }
    return *this;
  }
  /// `#rrggbb`: it goes into styles.
  Reader& colour(const char* key) {
    if (const Json* value = member(key, false)) {
      value->is_string() && isColour(value->get_ref<const std::string&>()) ? void(out_[key] = *value)
                                                                           : fault(key);
    }
    return *this;
  }
  Reader& choice(const char* key, std::initializer_list<std::string_view> known, bool needed) {
    if (const Json* value = member(key, needed)) {
      const bool good =
          value->is_string() && std::ranges::find(known, value->get_ref<const std::string&>()) != known.end();
      good ? void(out_[key] = *value) : fault(key);
    }
    return *this;
  }
  /// Each entry by `read`, which gives null for a wrong one.
  Reader& each(const char* key, std::size_t max, const std::function<Json(const Json&)>& read,
               bool needed = false) {
    const Json* value = member(key, needed);
    if (value == nullptr) return *this;
    if (!value->is_array() || value->size() > max) return fault(key), *this;
    Json list = Json::array();
    for (const Json& entry : *value) {
      list.push_back(read(entry));
      if (list.back().is_null()) return fault(key), *this;
    }
    out_[key] = std::move(list);
    return *this;
  }
  Reader& modifiers() {
    const Json* value = member("mods", false);
    if (value == nullptr) return *this;
    if (!value->is_object()) return fault("mods"), *this;
    Reader inner(*value);
    inner.flag("shift").flag("ctrl").flag("alt").flag("meta");
    if (!inner.wrong().empty()) return fault("mods"), *this;
    out_["mods"] = inner.take();
    return *this;
  }
  void fault(const char* key) {
    if (wrong_.empty()) wrong_ = key;
  }
  const std::string& wrong() const { return wrong_; }
  Json take() { return std::move(out_); }

 private:
  const Json& in_;
  Json out_ = Json::object();
  std::string wrong_;
};

Json labelEntry(const Json& entry, std::size_t max) {
  const bool good = entry.is_string() && link::isLabel(entry.get_ref<const std::string&>(), max);
  return good ? entry : Json();
}

Json pointEntry(const Json& entry) {
  if (!entry.is_array() || entry.size() != 2) return {};
  for (const Json& part : entry) {
    if (!part.is_number() || !(std::abs(part.get<double>()) <= kMaxCoordinate)) return {};
  }
  // A tenth of a pixel is more than anybody sees.
  const auto round = [](const Json& part) { return std::round(part.get<double>() * 10) / 10; };
  return Json::array({round(entry[0]), round(entry[1])});
}

/// What is masked has no value, whatever the page sent.
Json fieldEntry(const Json& entry) {
  if (!entry.is_object()) return {};
  Reader in(entry);
  in.label("id", kMaxIdBytes, true).caption("label", 300).label("type", 64).flag("masked").flag("required");
  in.flag("readonly").flag("valid").caption("message", 500).flag("multiple").flag("focused");
  in.flag("disabled")
      .flag("barred")
      .caption("group", 300)
      .caption("hint", 300)
      .whole("maxLength", 0, INT32_MAX);
  for (const char* limit : {"min", "max", "step"}) in.caption(limit, 64);
  for (const char* key : {"x", "y", "w", "h"}) in.coordinate(key, false);
  if (!link::boolAt(entry, "masked").value_or(false)) {
    in.text("value", kMaxValueBytes).flag("checked");
    in.each("options", kMaxOptions, [](const Json& option) {
      if (!option.is_object()) return Json();
      Reader one(option);
      one.text("value", kMaxTextBytes).caption("label", 300).flag("selected").flag("disabled");
      return one.wrong().empty() ? one.take() : Json();
    });
  }
  return in.wrong().empty() ? in.take() : Json();
}

Json maskedEntry(const Json& entry) {
  if (!entry.is_object()) return {};
  Reader in(entry);
  in.caption("label", 120).caption("rule", 120).whole("count", 0, 1'000'000);
  return in.wrong().empty() ? in.take() : Json();
}

void readView(Reader& in) {
  in.number("w", 1, 100'000, true).number("h", 1, 100'000, true).number("scale", 0.05, 16);
  in.whole("masked", 0, 100'000);
  in.caption("title", 200).caption("path", 500).choice("fidelity", {"painter", "capture"}, false);
  if (const Json* page = in.member("page", false); page != nullptr && page->is_number()) {
    in.number("page", -1e15, 1e15);
  } else {
    in.label("page", 64);
  }
  in.each("unsupported", kMaxUnsupported, [](const Json& entry) {
    if (!entry.is_object()) return Json();
    Reader one(entry);
    one.caption("what", 200).caption("why", 400);
    return one.take();
  });
}

void readDraw(Reader& in) {
  in.label("id", kMaxIdBytes, true);
  in.choice("tool", {"pen", "highlighter", "arrow", "rect", "text", "spot"}, true);
  in.colour("color").number("width", 0.5, 64).text("text", 500).label("anchor", 300).flag("done");
  in.label("on", kMaxIdBytes).whole("page", 0, 100'000);
  in.each("points", kMaxDrawPoints, pointEntry, true);
}

void readErase(Reader& in) {
  in.flag("all").label("on", kMaxIdBytes).choice("why", {"hold", "demand", "navigation"}, false);
  in.each("ids", kMaxDrawPoints, [](const Json& entry) { return labelEntry(entry, kMaxIdBytes); });
}

void readPush(Reader& in) {
  in.choice("kind", {"link", "document", "image", "video"}, true).caption("name", kMaxNameBytes);
  in.label("content", kMaxIdBytes);
  if (const Json* url = in.member("url", false)) {
    const bool good = url->is_string() && isWebUrl(url->get_ref<const std::string&>());
    good ? void(in.label("url", kMaxUrlBytes)) : in.fault("url");
  }
}

void readDocument(Reader& in) {
  in.label("id", kMaxIdBytes, true).whole("page", 0, 100'000).number("scroll", 0, 100'000);
  in.number("zoom", 0.05, 16).whole("pages", 0, 100'000).flag("closed");
}

void readWindow(Reader& in) {
  in.flag("shown").label("by", kMaxRequestBytes);
  for (const char* key : {"x", "y", "w", "h"}) in.number(key, 0, 1);
}

void readFormSet(Reader& in) {
  in.label("id", kMaxIdBytes, true).text("value", kMaxValueBytes).flag("checked");
  in.each("selected", kMaxOptions, [](const Json& entry) {
    const bool good = entry.is_string() && entry.get_ref<const std::string&>().size() <= kMaxTextBytes;
    return good ? entry : Json();
  });
}

/// Shapes that a box of the consumer's page has carried along, from where they were drawn.
void readCarried(Reader& in) {
  const auto entry = [](const Json& shape) {
    if (!shape.is_object()) return Json();
    Reader one(shape);
    one.label("id", kMaxIdBytes, true).coordinate("dx").coordinate("dy");
    return one.wrong().empty() ? one.take() : Json();
  };
  in.each("shapes", kMaxCarried, entry, true);
}

void readConsent(Reader& in) {
  in.label("id", kMaxIdBytes).label("party", kMaxIdBytes).choice("what", {"view", "control"}, false);
  in.flag("grant", true);
}

void readFormResult(Reader& in) {
  in.label("id", kMaxIdBytes, true)
      .flag("ok", true)
      .flag("valid")
      .caption("message", 500)
      .caption("reason", 64)
      .label("to", kMaxIdBytes);
}

void readReceipt(Reader& in) {
  in.label("at", 40).each("masked", kMaxReceiptEntries, maskedEntry, true).whole("unmaskable", 0, 1'000'000);
}

void readAct(Kind kind, Reader& in) {
  switch (kind) {
    case Kind::pointer:
      in.coordinate("x").coordinate("y").flag("down").flag("gone");
      in.label("on", kMaxIdBytes).whole("page", 0, 100'000);
      break;
    case Kind::click:
      in.coordinate("x").coordinate("y").whole("button", 0, 4).whole("detail", 0, 3).modifiers();
      break;
    case Kind::scroll:
      in.coordinate("x").coordinate("y").coordinate("dx").coordinate("dy");
      break;
    case Kind::text:
      in.text("text", kMaxTextBytes, true);
      break;
    case Kind::key:
      in.label("key", 32, true).label("code", 32).modifiers();
      break;
    default:
      break;
  }
}

void readBody(Kind kind, Reader& in) {
  switch (kind) {
    case Kind::consent:
      return readConsent(in);
    case Kind::share:
      in.choice("state", {"on", "paused", "off", "sensitive"}, true);
      return;
    case Kind::end:
      in.caption("why", 16);
      return;
    case Kind::receipt:
      return readReceipt(in);
    case Kind::view:
      return readView(in);
    case Kind::control:
      in.flag("want").flag("take");
      return;
    case Kind::ask:
      in.choice("what", {"view"}, true);
      return;
    case Kind::quality:
      in.choice("level", {"sharp", "balanced", "light"}, true);
      return;
    case Kind::formSet:
      return readFormSet(in);
    case Kind::draw:
      return readDraw(in);
    case Kind::erase:
      return readErase(in);
    case Kind::document:
      return readDocument(in);
    case Kind::window:
      return readWindow(in);
    case Kind::push:
      return readPush(in);
    case Kind::form:
      in.each("fields", kMaxFormFields, fieldEntry, true).label("to", kMaxIdBytes);
      return;
    case Kind::formResult:
      return readFormResult(in);
    case Kind::pushResult:
      in.label("id", kMaxIdBytes, true)
          .choice("what", {"opened", "declined", "failed"}, true)
          .caption("text", 300);
      return;
    case Kind::activity:
      in.label("party", kMaxIdBytes).caption("what", 64).caption("target", 200);
      return;
    case Kind::cursor:
      in.coordinate("x").coordinate("y");
      return;
    case Kind::carried:
      return readCarried(in);
    case Kind::seen:
      in.whole("frame", 0, UINT32_MAX, true);
      return;
    default:
      return readAct(kind, in);
  }
}

}  // namespace

std::string_view toString(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

base::Result<Message> parseMessage(std::string_view type, const Json& object) {
  const auto name = std::ranges::find(kKindNames, type);
  if (name == kKindNames.end()) {
    return base::fail("message.unknown_type", "There is no message " + base::printable(type, 32) + ".");
  }
  Message out;
  out.kind = static_cast<Kind>(name - kKindNames.begin());
  Reader in(object);
  in.label("request", kMaxRequestBytes);
  readBody(out.kind, in);
  if (!in.wrong().empty()) {
    return base::fail("message.malformed",
                      in.wrong() + " of " + std::string(type) + " is not as it must be.");
  }
  out.body = in.take();
  out.request = out.text("request");
  return out;
}

bool isCid(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

bool isWebUrl(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return false;
  const std::string lower = base::toLower(url.substr(0, 8));
  const std::size_t scheme = lower.starts_with("https://") ? 8 : lower.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return false;
  const std::string_view rest = url.substr(scheme);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty() || authority.find('@') != std::string_view::npos) return false;
  return std::ranges::none_of(url, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '\\' || c == '"' || c == '<' || c == '>';
  });
}

std::string clipped(std::string_view text, std::size_t maxBytes) {
  std::size_t size = std::min(text.size(), maxBytes);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::string out(text.substr(0, size));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

}  // namespace parley::assist
