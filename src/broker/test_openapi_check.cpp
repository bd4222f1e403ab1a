#include "broker/test_openapi_check.h"

#include <algorithm>
#include <regex>
#include <set>

#include "base/text.h"

namespace parley::broker {
namespace {

using Json = nlohmann::json;

bool hasType(const std::string& type, const Json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return false;
}

bool matchesPattern(const std::string& pattern, const std::string& path) {
  const auto wanted = base::split(pattern, '/');
  const auto given = base::split(path, '/');
  return wanted.size() == given.size() && std::ranges::equal(wanted, given, [](auto w, auto g) {
           return w == g || (w.starts_with('{') && !g.empty());
         });
}

}  // namespace

const Json& OpenapiCheck::resolve(const Json& schema) const {
  const auto ref = schema.find("$ref");
  if (ref == schema.end()) return schema;
  return document_.at(Json::json_pointer(ref->get<std::string>().substr(1)));
}

const Json* OpenapiCheck::operation(const std::string& method, const std::string& path) const {
  const Json* found = nullptr;
  for (const auto& [pattern, item] : document_.at("paths").items()) {
    if (!matchesPattern(pattern, path) || !item.contains(base::toLower(method))) continue;
    if (found == nullptr || pattern == path) found = &item.at(base::toLower(method));
  }
  return found;
}

std::string OpenapiCheck::answer(const std::string& method, const std::string& path, int status,
                                 const std::string& body) const {
  const std::string at = method + " " + path + " " + std::to_string(status);
  const Json* described = operation(method, path);
  if (described == nullptr) return at + ": not described";
  const auto& responses = described->at("responses");
  const auto response = responses.find(std::to_string(status));
  if (response == responses.end()) return at + ": this status is not described";
  const auto content = response->find("content");
  if (content == response->end()) return body.empty() ? "" : at + ": no body is described";
  if (content->contains("text/plain")) return "";
  const Json value = Json::parse(body, nullptr, false);
  if (value.is_discarded()) return at + ": the body is not JSON: " + body;
  return check(content->at("application/json").at("schema"), value, at);
}

std::string OpenapiCheck::named(const std::string& schema, const Json& value) const {
  return check(document_.at("components").at("schemas").at(schema), value, schema);
}

std::string OpenapiCheck::check(const Json& unresolved, const Json& value, const std::string& at) const {
  const Json& schema = resolve(unresolved);
  static const std::set<std::string> kKnown{"type",  "required", "properties", "additionalProperties",
                                            "items", "minItems", "maxItems",   "enum",
                                            "oneOf", "pattern",  "minimum",    "maximum"};
  for (const auto& [keyword, unused] : schema.items()) {
    if (!kKnown.contains(keyword)) return at + ": the check does not know \"" + keyword + "\"";
  }
  if (schema.contains("oneOf")) {
    const auto fits = std::ranges::count_if(schema.at("oneOf"),
                                            [&](const Json& each) { return check(each, value, at).empty(); });
    return fits == 1 ? "" : at + ": fits " + std::to_string(fits) + " of oneOf: " + value.dump();
  }
  if (!hasType(schema.at("type"), value))
    return at + ": is not " + schema.at("type").dump() + ": " + value.dump();
  if (schema.contains("enum") && std::ranges::find(schema.at("enum"), value) == schema.at("enum").end()) {
    return at + ": none of the values: " + value.dump();
  }
  if (schema.contains("pattern") &&
      !std::regex_search(value.get<std::string>(), std::regex(schema.at("pattern").get<std::string>()))) {
    return at + ": does not match the pattern: " + value.dump();
  }
  if (schema.contains("minimum") && value < schema.at("minimum")) return at + ": too small: " + value.dump();
  if (schema.contains("maximum") && value > schema.at("maximum")) return at + ": too great: " + value.dump();
  if (value.is_object()) return checkObject(schema, value, at);
  if (value.is_array()) return checkArray(schema, value, at);
  return "";
}

std::string OpenapiCheck::checkObject(const Json& schema, const Json& value, const std::string& at) const {
  const Json none = Json::object();
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name)) return at + ": lacks " + name.dump();
  }
  const Json& properties = schema.contains("properties") ? schema.at("properties") : none;
  for (const auto& [name, member] : value.items()) {
    std::string wrong;
    if (properties.contains(name)) {
      wrong = check(properties.at(name), member, at + "." + name);
    } else if (const auto more = schema.find("additionalProperties"); more != schema.end()) {
      if (*more == false) return at + ": \"" + name + "\" is not described";
      if (more->is_object()) wrong = check(*more, member, at + "." + name);
    }
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string OpenapiCheck::checkArray(const Json& schema, const Json& value, const std::string& at) const {
  if (schema.contains("minItems") && value.size() < schema.at("minItems")) return at + ": too short";
  if (schema.contains("maxItems") && value.size() > schema.at("maxItems")) return at + ": too long";
  for (std::size_t i = 0; schema.contains("items") && i < value.size(); ++i) {
    if (auto wrong = check(schema.at("items"), value[i], at + "[" + std::to_string(i) + "]");
        !wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

}  // namespace parley::broker
