// What the HTTP interfaces of the application server have in common: the form of answers, and who is signed
// in.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "identity/tokens.h"
#include "identity/users.h"
#include "identity/web_sessions.h"
#include "net/http.h"

namespace parley::link {

constexpr const char* kAgentCookie = "parley_session";
constexpr const char* kAdminCookie = "parley_admin";
constexpr const char* kAdminApi = "/web_plugin_framework/webcontroller/api";

/// An answer of an API: never kept by a cache, never taken for something else.
net::HttpResponse api(net::HttpResponse response);
net::HttpResponse apiJson(int status, const nlohmann::json& json);
net::HttpResponse apiError(int status, std::string_view reason, std::string_view text);
net::HttpResponse loginRequired();

/// A form of another site cannot send this type without asking first.
bool isJson(const net::HttpRequest& request);

bool isAgentUser(const identity::User& user);
/// Whether a token may still be used: a consumer's may; staff's while the user is there, is not disabled and
/// has the role. For Peers::setStands(); `users` outlives what it gives.
std::function<bool(const identity::CallToken&)> standing(const identity::Users& users);

/// Who sent a request, by the cookie of the sign-in. Null when nobody, or nobody with the right role, is
/// signed in. All it refers to outlives it.
class SignIns {
 public:
  SignIns(const identity::Users& users, const identity::WebSessions& agents,
          const identity::WebSessions& administrators)
      : users_(users), agents_(agents), administrators_(administrators) {}
  const identity::User* agentOf(const net::HttpRequest& request) const;
  const identity::User* adminOf(const net::HttpRequest& request) const;

 private:
  const identity::User* userOf(const identity::WebSessions& sessions, std::string_view cookie) const;
  const identity::Users& users_;
  const identity::WebSessions& agents_;
  const identity::WebSessions& administrators_;
};

}  // namespace parley::link
