// Checks requests and answers against an OpenAPI description: the part of JSON Schema that ours uses. For
// tests only; an unknown keyword is a failure, so that nothing is passed over in silence.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace parley::broker {

class OpenapiCheck {
 public:
  using Json = nlohmann::json;
  explicit OpenapiCheck(std::string_view document) : document_(Json::parse(document)) {}

  const Json& document() const { return document_; }
  /// "" when `body` is what the description says of this answer, else what is wrong.
  std::string answer(const std::string& method, const std::string& path, int status,
                     const std::string& body) const;
  /// "" when `value` fits the named schema.
  std::string named(const std::string& schema, const Json& value) const;

 private:
  std::string check(const Json& schema, const Json& value, const std::string& at) const;
  std::string checkObject(const Json& schema, const Json& value, const std::string& at) const;
  std::string checkArray(const Json& schema, const Json& value, const std::string& at) const;
  const Json& resolve(const Json& schema) const;
  const Json* operation(const std::string& method, const std::string& path) const;
  Json document_;
};

}  // namespace parley::broker
