#include "link/extension.h"

#include <nlohmann/json.hpp>

namespace parley::link {

base::Result<void> Extension::onSessionAsked(const nlohmann::json&, const identity::CallToken&,
                                             nlohmann::json&) {
  return {};
}

bool Extension::onTokenAsked(std::string_view, const identity::User&, nlohmann::json&) { return false; }

void Extension::onRetrieved(const std::string&) {}

}  // namespace parley::link
