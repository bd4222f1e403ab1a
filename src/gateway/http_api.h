// The HTTP side of docs/protocols/websocketcall.md: session tokens, sign-in of agents and administrators,
// lists of calls, health, metrics, web pages. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/settings.h"
#include "gateway/brokers.h"
#include "gateway/call_desk.h"
#include "gateway/http_users.h"
#include "gateway/performance_log.h"
#include "gateway/strangers.h"
#include "gateway/trunks.h"
#include "identity/tokens.h"
#include "identity/users.h"
#include "identity/web_sessions.h"
#include "link/api.h"
#include "link/extension.h"
#include "link/rate_limiter.h"
#include "net/http.h"

namespace parley::gateway {

/// What the API works with; all outlive it.
struct HttpApiParts {
  base::Settings& settings;
  identity::Users& users;
  identity::TokenSigner& signer;
  identity::WebSessions& agentSessions;
  identity::WebSessions& adminSessions;
  Sessions& sessions;
  Calls& calls;
  CallRecords& records;
  CallDesk& desk;
  Brokers& brokers;
  base::Random& random;
  std::string version;
  const Trunks& trunks;
  const Strangers& strangers;
  const PerformanceLog& performance;
  const std::vector<std::unique_ptr<link::Extension>>& extensions;
};

class HttpApi {
 public:
  explicit HttpApi(HttpApiParts parts);
  void addRoutes(net::Router& router);

 private:
  void addPages(net::Router& router);
  void addAgentRoutes(net::Router& router);
  void addAdminRoutes(net::Router& router);
  void addHealthRoutes(net::Router& router);

  void onSession(net::HttpRequest request, net::HttpReply reply);
  net::HttpResponse makeSession(const net::HttpRequest& request);
  /// Where somebody signs in, and with it which role is needed. Agents and supervisors share their sign-in.
  enum class Door { agent, supervisor, administrator };
  static bool mayEnter(const identity::User& user, Door door);
  void addDoor(net::Router& router, const std::string& base, Door door);
  void onLogin(net::HttpRequest request, net::HttpReply reply, Door door);
  void onLogout(const net::HttpRequest& request, net::HttpReply reply, Door door);
  void onAgentToken(const net::HttpRequest& request, net::HttpReply reply);
  void onHistory(const net::HttpRequest& request, net::HttpReply reply);
  void onMe(const net::HttpRequest& request, net::HttpReply reply, Door door);
  void onCalls(const net::HttpRequest& request, net::HttpReply reply);
  void onCall(const net::HttpRequest& request, net::HttpReply reply);
  void onTrunks(const net::HttpRequest& request, net::HttpReply reply);
  void onPerformance(const net::HttpRequest& request, net::HttpReply reply);
  void onMetrics(const net::HttpRequest& request, net::HttpReply reply);
  net::HttpResponse readiness() const;
  void allowOrigin(const net::HttpRequest& request, net::HttpResponse& response) const;

  HttpApiParts parts_;
  const link::SignIns signIns_;
  UsersApi usersApi_;
  link::RateLimiter tokenLimiter_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
