#include "gateway/http_api.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"
#include "gateway/settings.h"
#include "gateway/sip_call_headers.h"

namespace parley::gateway {
namespace {

using link::api;
using link::apiError;
using link::apiJson;
using link::isAgentUser;
using link::isJson;
using link::kAdminApi;
using link::kAdminCookie;
using link::kAgentCookie;
using link::loginRequired;
using net::HttpReply;
using net::HttpRequest;
using net::HttpResponse;

constexpr base::Millis kConsumerToken{300'000};
constexpr base::Millis kAgentToken{60'000};
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob: data:; font-src 'self'; connect-src 'self' wss:; manifest-src 'self'; worker-src "
    "'self'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'";

std::int64_t seconds(base::Millis millis) {
  return std::chrono::duration_cast<std::chrono::seconds>(millis).count();
}

Json rolesOf(const identity::User& user) {
  Json roles = Json::array();
  for (const identity::Role role : user.roles) roles.push_back(identity::toString(role));
  return roles;
}

Json userJson(const identity::User& user) {
  return {{"user", user.name},
          {"name", user.displayName.empty() ? user.name : user.displayName},
          {"roles", rolesOf(user)}};
}

}  // namespace

HttpApi::HttpApi(HttpApiParts parts)
    : parts_(std::move(parts)),
      signIns_(parts_.users, parts_.agentSessions, parts_.adminSessions),
      usersApi_(parts_.users, signIns_) {}

void HttpApi::addRoutes(net::Router& router) {
  for (const char* path : {"/assistserver/session", "/assistserver/consumer"}) {
    router.add("POST", path, [this](HttpRequest request, HttpReply reply) {
      onSession(std::move(request), std::move(reply));
    });
    router.add("OPTIONS", path, [this](HttpRequest request, HttpReply reply) {
      HttpResponse response;
      response.status = 204;
      response.headers.set("Access-Control-Allow-Methods", "POST");
      response.headers.set("Access-Control-Allow-Headers", "Content-Type");
      response.headers.set("Access-Control-Max-Age", "600");
      allowOrigin(request, response);
      reply.send(api(std::move(response)));
    });
  }
  router.addWebSocket("/gateway/websocketcall", [this](HttpRequest request, net::WebSocketUpgrade upgrade) {
    const std::string network = request.remote.network().address();
    upgrade.accept(parts_.sessions.socketOptions(),
                   guard_.wrap([this, network](std::shared_ptr<net::WebSocket> socket) {
                     parts_.sessions.accept(std::move(socket), network);
                   }));
  });
  addAgentRoutes(router);
  addAdminRoutes(router);
  addHealthRoutes(router);
  addPages(router);
}

void HttpApi::addDoor(net::Router& router, const std::string& base, Door door) {
  router.add("POST", base + "/login", [this, door](HttpRequest request, HttpReply reply) {
    onLogin(std::move(request), std::move(reply), door);
  });
  router.add("POST", base + "/logout", [this, door](const HttpRequest& request, HttpReply reply) {
    onLogout(request, std::move(reply), door);
  });
  router.add("GET", base + "/me", [this, door](const HttpRequest& request, HttpReply reply) {
    onMe(request, std::move(reply), door);
  });
}

void HttpApi::addAgentRoutes(net::Router& router) {
  const std::string base = "/expertassist/agent";
  addDoor(router, base, Door::agent);
  addDoor(router, "/expertassist/supervisor", Door::supervisor);
  router.add("GET", base + "/token",
             [this](HttpRequest request, HttpReply reply) { onAgentToken(request, std::move(reply)); });
  router.add("GET", base + "/history",
             [this](HttpRequest request, HttpReply reply) { onHistory(request, std::move(reply)); });
}

void HttpApi::addAdminRoutes(net::Router& router) {
  const std::string base = kAdminApi;
  addDoor(router, base, Door::administrator);
  usersApi_.addRoutes(router);
  router.add("GET", base + "/calls",
             [this](HttpRequest request, HttpReply reply) { onCalls(request, std::move(reply)); });
  router.add("GET", base + "/calls/{call}",
             [this](HttpRequest request, HttpReply reply) { onCall(request, std::move(reply)); });
  router.add("GET", base + "/trunks",
             [this](HttpRequest request, HttpReply reply) { onTrunks(request, std::move(reply)); });
  router.add("GET", base + "/performance",
             [this](HttpRequest request, HttpReply reply) { onPerformance(request, std::move(reply)); });
}

void HttpApi::addHealthRoutes(net::Router& router) {
  router.add("GET", "/health/live", [this](HttpRequest, HttpReply reply) {
    reply.send(apiJson(200, {{"live", true}, {"version", parts_.version}}));
  });
  router.add("GET", "/health/ready", [this](HttpRequest, HttpReply reply) { reply.send(readiness()); });
  router.add("GET", "/metrics",
             [this](HttpRequest request, HttpReply reply) { onMetrics(request, std::move(reply)); });
}

/// The folders of the web root are the paths of the addresses (SDK-1, SDK-2, CON-1, ADM-1).
void HttpApi::addPages(net::Router& router) {
  const std::string root = parts_.settings.text("server.web_root");
  std::error_code error;
  if (!std::filesystem::is_directory(root, error)) {
    log.warn("there are no web pages to serve", {{"web_root", root}});
  }
  for (const char* prefix : {"/expertassist/agent", "/expertassist/supervisor", "/assistsample",
                             "/csdk-sample", "/web_plugin_framework/webcontroller"}) {
    router.addStatic(prefix, {.directory = root + prefix, .contentSecurityPolicy = kPolicy});
  }
  // Sites of other origins import these as modules, and what shows PDFs fetches fonts and character maps.
  for (const char* prefix : {"/gateway", "/assistserver/sdk/web"}) {
    router.addStatic(prefix,
                     {.directory = root + prefix, .contentSecurityPolicy = kPolicy, .anyOrigin = true});
  }
  // As the guides have a visitor of co-browsing come: /assist/sample?cid=…&cobrowseOnly=true.
  router.add("GET", "/assist/sample", [](const HttpRequest& request, HttpReply reply) {
    reply.send(HttpResponse::redirect(302, "/assistsample/" + request.queryText()));
  });
  router.add("GET", "/",
             [](HttpRequest, HttpReply reply) { reply.send(HttpResponse::redirect(302, "/assistsample/")); });
}

void HttpApi::allowOrigin(const HttpRequest& request, HttpResponse& response) const {
  const std::string origin(request.headers.get("Origin"));
  if (origin.empty()) return;
  for (const std::string& allowed : parts_.settings.list("gateway.allowed_origins")) {
    if (allowed != "*" && allowed != origin) continue;
    response.headers.set("Access-Control-Allow-Origin", allowed == "*" ? "*" : origin);
    response.headers.set("Vary", "Origin");
    return;
  }
}

void HttpApi::onSession(HttpRequest request, HttpReply reply) {
  HttpResponse response = makeSession(request);
  allowOrigin(request, response);
  reply.send(std::move(response));
}

HttpResponse HttpApi::makeSession(const HttpRequest& request) {
  const auto& settings = parts_.settings;
  if (!tokenLimiter_.take(request.remote.network().address(), settings.integer("gateway.tokens_per_minute"),
                          base::steadyNow())) {
    HttpResponse response = apiError(429, "rate.exceeded", "Too many session tokens were asked for.");
    response.headers.set("Retry-After", "10");
    return response;
  }
  if (parts_.desk.draining()) return apiError(503, "server.draining", "The server is being restarted.");
  const auto body = parseSessionRequest(request.body);
  if (!body) return apiError(400, body.error().reason, body.error().text);
  const AnonymousAccess access = anonymousAccess(settings);
  bool known = false;
  for (const std::string& id : settings.list("gateway.application_ids")) {
    known = base::equalsConstantTime(base::asBytes(id), base::asBytes(body->applicationId)) || known;
  }
  if (access == AnonymousAccess::disabled && !known) {
    return apiError(403, "access.disabled", "Anonymous calls are switched off here.");
  }
  if (body->uui && access != AnonymousAccess::trusted) {
    return apiError(403, "uui.not_allowed", "User-to-User information is not accepted here.");
  }
  if (!body->destination.empty()) {
    const auto found = resolveDestination(body->destination, "", parts_.desk.options().destinations);
    const auto words = [&] { return endText(found.refusal, EndedBy::system, Side::consumer, {}); };
    if (found.refusal == EndReason::numberRefused) return apiError(403, "number.refused", words());
    if (found.refusal == EndReason::destinationRefused) return apiError(403, "destination.refused", words());
  }
  identity::CallToken token;
  token.audience = "websocketcall";
  token.role = "consumer";
  token.user = "c-" + parts_.random.alphanumeric(16);
  token.name = body->name;
  token.destination = body->destination;
  token.uui = body->uui.value_or("");
  token.correlationId = body->correlationId.empty() ? newCorrelationId(parts_.random) : body->correlationId;
  token.uuiAllowed = access == AnonymousAccess::trusted;
  token.phonesAllowed = known;
  Json answer = {{"destination", token.destination}, {"correlationId", token.correlationId}};
  if (!body->cobrowseOnly) {
    answer["token"] = parts_.signer.sign(token, base::wallNow(), kConsumerToken);
    answer["expiresIn"] = seconds(kConsumerToken);
    answer["webSocket"] = "/gateway/websocketcall";
  }
  const auto ask = request.body.empty() ? base::Result<Json>(Json::object()) : parseJson(request.body);
  for (const auto& extension : parts_.extensions) {
    const auto added = extension->onSessionAsked(*ask, token, answer);
    if (!added) return apiError(400, added.error().reason, added.error().text);
  }
  return apiJson(201, answer);
}

bool HttpApi::mayEnter(const identity::User& user, Door door) {
  if (door == Door::administrator) return user.has(identity::Role::administrator);
  return door == Door::supervisor ? user.has(identity::Role::supervisor) : isAgentUser(user);
}

void HttpApi::onLogin(HttpRequest request, HttpReply reply, Door door) {
  const auto credentials = parseCredentials(request.body);
  if (!isJson(request))
    return reply.send(apiError(415, "request.malformed", "Content-Type must be application/json."));
  if (!credentials) return reply.send(apiError(400, credentials.error().reason, credentials.error().text));
  auto kept = std::make_shared<HttpReply>(std::move(reply));
  parts_.users.signIn(
      credentials->user, base::Secret(credentials->password), request.remote.address(),
      guard_.wrap([this, kept, door](std::expected<identity::User, identity::SignInFailure> result) {
        if (!result && result.error().reason == "login.locked") {
          HttpResponse locked =
              apiError(429, "login.locked", "Too many failed attempts. Please wait and try again.");
          locked.headers.set("Retry-After", std::to_string(seconds(result.error().retryAfter) + 1));
          return kept->send(std::move(locked));
        }
        if (!result && result.error().reason == "login.busy") {
          return kept->send(apiError(503, "login.busy", "Too many people are signing in. Please try again."));
        }
        if (!result || !mayEnter(*result, door))
          return kept->send(apiError(401, "login.failed", "The user name or the password is wrong."));
        const bool admin = door == Door::administrator;
        auto& sessions = admin ? parts_.adminSessions : parts_.agentSessions;
        const auto cookie = sessions.start(result->name);
        if (!cookie) return kept->send(apiError(503, "login.busy", "Too many people are signed in."));
        Json user = userJson(*result);
        if (admin) user["version"] = parts_.version;
        HttpResponse response = apiJson(200, user);
        response.headers.set("Set-Cookie", identity::sessionCookie(admin ? kAdminCookie : kAgentCookie,
                                                                   *cookie, sessions.lifetime()));
        kept->send(std::move(response));
      }));
}

void HttpApi::onLogout(const HttpRequest& request, HttpReply reply, Door door) {
  const bool admin = door == Door::administrator;
  const char* name = admin ? kAdminCookie : kAgentCookie;
  (admin ? parts_.adminSessions : parts_.agentSessions).end(request.cookie(name));
  HttpResponse response;
  response.status = 204;
  // Another site's form comes without the cookie (SameSite), so it cannot take the cookie away either.
  if (!request.cookie(name).empty())
    response.headers.set("Set-Cookie", identity::sessionCookie(name, "", base::Millis{0}));
  reply.send(api(std::move(response)));
}

void HttpApi::onAgentToken(const HttpRequest& request, HttpReply reply) {
  const auto* user = signIns_.agentOf(request);
  if (user == nullptr) return reply.send(loginRequired());
  Json out = userJson(*user);
  if (const auto what = request.query.find("for"); what != request.query.end()) {
    for (const auto& extension : parts_.extensions) {
      if (extension->onTokenAsked(what->second, *user, out)) return reply.send(apiJson(200, out));
    }
    return reply.send(apiError(404, "token.unknown", "There are no tokens for that."));
  }
  identity::CallToken token;
  token.audience = "websocketcall";
  token.role = "agent";
  token.user = user->name;
  token.name = out["name"].get<std::string>();
  out["token"] = parts_.signer.sign(token, base::wallNow(), kAgentToken);
  out["expiresIn"] = seconds(kAgentToken);
  reply.send(apiJson(200, out));
}

void HttpApi::onHistory(const HttpRequest& request, HttpReply reply) {
  const auto* user = signIns_.agentOf(request);
  if (user == nullptr) return reply.send(loginRequired());
  reply.send(api(HttpResponse::json(200, parts_.records.historyOf(user->name))));
}

void HttpApi::onMe(const HttpRequest& request, HttpReply reply, Door door) {
  const auto* user = door == Door::administrator ? signIns_.adminOf(request) : signIns_.agentOf(request);
  if (user == nullptr || !mayEnter(*user, door)) return reply.send(loginRequired());
  Json out = userJson(*user);
  if (door == Door::administrator) out["version"] = parts_.version;
  reply.send(apiJson(200, out));
}

void HttpApi::onTrunks(const HttpRequest& request, HttpReply reply) {
  if (signIns_.adminOf(request) == nullptr) return reply.send(loginRequired());
  Json body = parts_.trunks.json();
  body["strangers"] = parts_.strangers.json();
  reply.send(api(HttpResponse::json(200, dumpJson(body))));
}

void HttpApi::onPerformance(const HttpRequest& request, HttpReply reply) {
  constexpr std::size_t kDefaultMinutes = 60;
  if (signIns_.adminOf(request) == nullptr) return reply.send(loginRequired());
  const auto given = request.query.find("minutes");
  const auto asked = base::parseNumber<std::size_t>(given == request.query.end() ? "" : given->second);
  const std::size_t minutes =
      std::clamp<std::size_t>(asked.value_or(kDefaultMinutes), 1, PerformanceLog::kMinutes);
  reply.send(api(HttpResponse::json(200, parts_.performance.json(minutes))));
}

void HttpApi::onCalls(const HttpRequest& request, HttpReply reply) {
  if (signIns_.adminOf(request) == nullptr) return reply.send(loginRequired());
  std::string out = "{\"current\":[";
  const char* comma = "";
  for (const std::string& id : parts_.calls.ids()) {
    out += std::exchange(comma, ",") + summaryJson(*parts_.calls.find(id));
  }
  out += "],\"recent\":[";
  comma = "";
  for (const CallRecord& record : parts_.records.all())
    out += std::exchange(comma, ",") + summaryJson(record.state);
  reply.send(api(HttpResponse::json(200, out + "]}")));
}

void HttpApi::onCall(const HttpRequest& request, HttpReply reply) {
  if (signIns_.adminOf(request) == nullptr) return reply.send(loginRequired());
  const std::string id = request.params.find("call")->second;
  if (const CallRecord* record = parts_.records.find(id)) {
    return reply.send(
        api(HttpResponse::json(200, detailJson(record->state, record->timeline, record->media))));
  }
  const CallState* state = parts_.calls.find(id);
  if (state == nullptr) return reply.send(apiError(404, "call.unknown", "There is no such call."));
  if (state->broker.empty()) {
    return reply.send(api(HttpResponse::json(200, detailJson(*state, *parts_.calls.timelineOf(id), "null"))));
  }
  auto kept = std::make_shared<HttpReply>(std::move(reply));
  parts_.brokers.report(state->broker, id, guard_.wrap([this, kept, id](base::Result<std::string> report) {
    // The call may have ended meanwhile.
    const CallState* now = parts_.calls.find(id);
    const CallRecord* record = parts_.records.find(id);
    if (now == nullptr && record == nullptr) {
      return kept->send(apiError(404, "call.unknown", "There is no such call."));
    }
    const auto json = report ? parseJson(*report) : base::Result<Json>(Json(nullptr));
    const std::string media = json ? dumpJson(*json) : "null";
    kept->send(api(HttpResponse::json(
        200, now != nullptr ? detailJson(*now, *parts_.calls.timelineOf(id), media)
                            : detailJson(record->state, record->timeline, record->media))));
  }));
}

void HttpApi::onMetrics(const HttpRequest& request, HttpReply reply) {
  bool near = request.remote.isLoopback();
  for (const std::string& address : parts_.settings.list("server.metrics_from")) {
    near = near || net::Endpoint::parse(address, 0) == request.remote.withPort(0);
  }
  // Behind a proxy that nobody named, every client has the proxy's address.
  const bool allowed = (near && !request.byUnknownProxy) || signIns_.adminOf(request) != nullptr;
  if (!allowed) return reply.send(apiError(403, "access.denied", "Metrics are not for this address."));
  HttpResponse response = HttpResponse::text(200, base::Metrics::instance().expose());
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  reply.send(api(std::move(response)));
}

/// A broker that is down does not make the server unready: it still says so to those who call.
HttpResponse HttpApi::readiness() const {
  const bool ready = !parts_.desk.draining();
  Json brokers = Json::array();
  for (const auto& client : parts_.brokers.clients()) brokers.push_back(client->up() ? "up" : "down");
  return apiJson(ready ? 200 : 503,
                 {{"ready", ready}, {"draining", !ready}, {"brokers", std::move(brokers)}});
}

}  // namespace parley::gateway
