#include "assist/extension.h"

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "assist/documents.h"
#include "assist/settings.h"
#include "assist/topic_server.h"
#include "base/guard.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;
using net::HttpReply;
using net::HttpRequest;

constexpr const char* kTopicPath = "/assistserver/topic";
// A call may be a long one before it becomes a shared session.
constexpr base::Millis kConsumerToken{2 * 3'600'000};
constexpr base::Millis kAgentToken{60'000};
constexpr std::size_t kSessionCidLength = 22;  // 130 bits.

class Assist final : public link::Extension {
 public:
  explicit Assist(Documents* documents) : documents_(documents) {}
  base::Result<void> start(const link::Host& host) override {
    host_.emplace(host);
    records_ = std::make_unique<Records>(host.store);
    topics_ = std::make_unique<TopicServer>(host.loop, host.signer, host.random, *records_, host.store,
                                            topicOptions(host.settings));
    topics_->setStands(link::standing(host.users));
    if (documents_ != nullptr) {
      topics_->setPushSource(documents_);
      // Asked for requests only, and the server that has both ends together.
      documents_->setSessionOpen([this](const std::string& cid) { return topics_->find(cid) != nullptr; });
    }
    addRoutes(host.router);
    std::optional<base::Result<void>> loaded;
    topics_->load(guard_.wrap([&loaded](base::Result<void> result) { loaded = std::move(result); }));
    host.loop.runUntil([&loaded] { return loaded.has_value(); }, link::kLoadPatience);
    if (!loaded) return base::fail("server.slow_start", "The shared sessions could not be loaded in time.");
    return *loaded;
  }

  base::Result<void> onSessionAsked(const Json& ask, const identity::CallToken& consumer,
                                    Json& answer) override {
    std::string cid = link::stringAt(ask, "cid").value_or("");
    if (!cid.empty() && !isCid(cid)) {
      return base::fail("request.malformed", "cid is 1 to 64 letters, digits, \"_\", \".\" or \"-\".");
    }
    if (cid.empty()) cid = host_->random.alphanumeric(kSessionCidLength);
    identity::CallToken token;
    token.audience = "assist";
    token.role = "consumer";
    token.user = consumer.user;
    token.name = consumer.name;
    token.cid = cid;
    answer["assist"] = {{"token", host_->signer.sign(token, base::wallNow(), kConsumerToken)},
                        {"cid", cid},
                        {"webSocket", kTopicPath},
                        {"expiresIn", seconds(kConsumerToken)}};
    return {};
  }

  bool onTokenAsked(std::string_view what, const identity::User& user, Json& answer) override {
    if (what != "assist") return false;
    addToken(user, "agent", answer);
    return true;
  }

  void onRetrieved(const std::string& cid) override { topics_->onRetrieved(cid); }
  void onUsersChanged() override { topics_->endFallen(); }
  void applySettings() override { topics_->setOptions(topicOptions(host_->settings)); }
  void drain() override { topics_->drain(); }
  void stop() override { topics_->stop(); }

 private:
  static std::int64_t seconds(base::Millis millis) {
    return std::chrono::duration_cast<std::chrono::seconds>(millis).count();
  }

  void addToken(const identity::User& user, const char* role, Json& answer) {
    identity::CallToken token;
    token.audience = "assist";
    token.role = role;
    token.user = user.name;
    token.name = user.displayName.empty() ? user.name : user.displayName;
    answer["token"] = host_->signer.sign(token, base::wallNow(), kAgentToken);
    answer["expiresIn"] = seconds(kAgentToken);
    answer["webSocket"] = kTopicPath;
  }

  const identity::User* supervisorOf(const HttpRequest& request) const {
    const auto* user = host_->signIns.agentOf(request);
    return user != nullptr && user->has(identity::Role::supervisor) ? user : nullptr;
  }

  void addRoutes(net::Router& router) {
    addTopic(router);
    addAdministration(router);
    addSupervision(router);
  }

  void addSupervision(net::Router& router) {
    router.add("GET", "/expertassist/supervisor/token", [this](const HttpRequest& request, HttpReply reply) {
      const auto* user = supervisorOf(request);
      if (user == nullptr) return reply.send(link::loginRequired());
      Json out = {{"user", user->name}, {"name", user->displayName.empty() ? user->name : user->displayName}};
      addToken(*user, "supervisor", out);
      reply.send(link::apiJson(200, out));
    });
    router.add(
        "GET", "/expertassist/supervisor/api/sessions", [this](const HttpRequest& request, HttpReply reply) {
          const auto* user = supervisorOf(request);
          if (user == nullptr) return reply.send(link::loginRequired());
          const std::string list = current([&](const AssistSession& s) { return s.summaryFor(user->name); });
          reply.send(link::api(net::HttpResponse::json(200, "{\"sessions\":" + list + "}")));
        });
  }

  void addTopic(net::Router& router) {
    const auto accept = [this](HttpRequest request, net::WebSocketUpgrade upgrade) {
      const std::string network = request.remote.network().address();
      upgrade.accept(topics_->socketOptions(),
                     guard_.wrap([this, network](std::shared_ptr<net::WebSocket> socket) {
                       topics_->accept(std::move(socket), network);
                     }));
    };
    router.addWebSocket(kTopicPath, accept);
    router.addWebSocket(std::string(kTopicPath) + "/*", accept);
  }

  void addAdministration(net::Router& router) {
    const std::string base = std::string(link::kAdminApi) + "/assist/sessions";
    router.add("GET", base,
               [this](const HttpRequest& request, HttpReply reply) { onList(request, std::move(reply)); });
    router.add("GET", base + "/{cid}",
               [this](const HttpRequest& request, HttpReply reply) { onOne(request, std::move(reply)); });
  }

  std::string current(const std::function<Json(const AssistSession&)>& describe) const {
    std::string out = "[";
    const char* comma = "";
    for (const AssistSession* session : topics_->all()) {
      out += std::exchange(comma, ",") + link::dumpJson(describe(*session));
    }
    return out + "]";
  }

  void onList(const HttpRequest& request, HttpReply reply) {
    if (host_->signIns.adminOf(request) == nullptr) return reply.send(link::loginRequired());
    std::string out =
        "{\"current\":" + current([](const AssistSession& s) { return s.summary(); }) + ",\"recent\":[";
    const char* comma = "";
    for (const std::string& summary : records_->recent()) out += std::exchange(comma, ",") + summary;
    reply.send(link::api(net::HttpResponse::json(200, out + "]}")));
  }

  void onOne(const HttpRequest& request, HttpReply reply) {
    if (host_->signIns.adminOf(request) == nullptr) return reply.send(link::loginRequired());
    const std::string cid = request.params.find("cid")->second;
    // One cid may have had several sessions.
    const auto one = request.query.find("record");
    const AssistSession* session = one == request.query.end() ? topics_->find(cid) : nullptr;
    const std::string record = session != nullptr
                                   ? link::dumpJson(session->record())
                                   : records_->find(cid, one == request.query.end() ? "" : one->second);
    if (record.empty()) {
      return reply.send(link::apiError(404, "assist.unknown_session", "There is no such session."));
    }
    reply.send(link::api(net::HttpResponse::json(200, record)));
  }

  Documents* const documents_;
  std::optional<link::Host> host_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<TopicServer> topics_;
  base::LifeGuard guard_;
};

}  // namespace

std::unique_ptr<link::Extension> makeExtension(Documents* documents) {
  return std::make_unique<Assist>(documents);
}

}  // namespace parley::assist
