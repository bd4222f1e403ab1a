#include "link/api.h"

#include "base/text.h"
#include "link/json.h"

namespace parley::link {

net::HttpResponse api(net::HttpResponse response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

net::HttpResponse apiJson(int status, const Json& json) {
  return api(net::HttpResponse::json(status, dumpJson(json)));
}

net::HttpResponse apiError(int status, std::string_view reason, std::string_view text) {
  return api(net::HttpResponse::error(status, reason, text));
}

net::HttpResponse loginRequired() { return apiError(401, "login.required", "Please sign in."); }

bool isJson(const net::HttpRequest& request) {
  return base::toLower(request.headers.get("Content-Type")).starts_with("application/json");
}

bool isAgentUser(const identity::User& user) {
  return user.has(identity::Role::agent) || user.has(identity::Role::supervisor);
}

std::function<bool(const identity::CallToken&)> standing(const identity::Users& users) {
  return [&users](const identity::CallToken& token) {
    if (token.role == "consumer") return true;
    const auto at = users.all().find(token.user);
    if (at == users.all().end() || at->second.disabled) return false;
    return token.role == "supervisor" ? at->second.has(identity::Role::supervisor) : isAgentUser(at->second);
  };
}

const identity::User* SignIns::userOf(const identity::WebSessions& sessions, std::string_view cookie) const {
  const auto name = sessions.userOf(cookie);
  const auto* user = name ? users_.find(*name) : nullptr;
  return user != nullptr && !user->disabled ? user : nullptr;
}

const identity::User* SignIns::agentOf(const net::HttpRequest& request) const {
  const auto* user = userOf(agents_, request.cookie(kAgentCookie));
  return user != nullptr && isAgentUser(*user) ? user : nullptr;
}

const identity::User* SignIns::adminOf(const net::HttpRequest& request) const {
  const auto* user = userOf(administrators_, request.cookie(kAdminCookie));
  return user != nullptr && user->has(identity::Role::administrator) ? user : nullptr;
}

}  // namespace parley::link
