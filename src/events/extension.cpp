#include "events/extension.h"

#include "base/text.h"
#include "events/server.h"
#include "events/settings.h"
#include "link/json.h"

namespace parley::events {
namespace {

using link::Json;

constexpr base::Millis kTokenLifetime{300'000};
constexpr const char* kEndpoint = "/gateway/aed";
/// What pages are told: reverse proxies with the guides' rules let through what is below (/gateway/aed/*).
constexpr const char* kToldEndpoint = "/gateway/aed/topic";

class Events final : public link::Extension {
 public:
  base::Result<void> start(const link::Host& host) override {
    host_.emplace(host);
    link::PeersOptions options = Server::peersOptions();
    options.maxPeers = static_cast<std::size_t>(host.settings.integer("aed.max_clients"));
    options.maxConnections = options.maxPeers + options.maxPeers / 5;
    server_ = std::make_unique<Server>(host.loop, host.signer, host.random, host.store,
                                       limitsOf(host.settings), std::move(options));
    applySettings();
    server_->peers().setStands(link::standing(host.users));
    std::optional<base::Result<void>> loaded;
    server_->load(guard_.wrap([&loaded](base::Result<void> result) { loaded = result; }));
    host.loop.runUntil([&loaded] { return loaded.has_value(); }, link::kLoadPatience);
    if (!loaded) return base::fail("server.slow_start", "The topics could not be loaded in time.");
    if (!*loaded) return *loaded;
    const auto accept = [this](const net::HttpRequest& request, net::WebSocketUpgrade upgrade) {
      const std::string network = request.remote.network().address();
      upgrade.accept(server_->peers().socketOptions(),
                     guard_.wrap([this, network](std::shared_ptr<net::WebSocket> socket) {
                       server_->peers().accept(std::move(socket), network);
                     }));
    };
    host.router.addWebSocket(kEndpoint, accept);
    host.router.addWebSocket(std::string(kEndpoint) + "/*", accept);
    return {};
  }

  /// A token for the session's own topics; whoever shows an application's id may name more.
  base::Result<void> onSessionAsked(const Json& ask, const identity::CallToken& consumer,
                                    Json& answer) override {
    const auto assist = answer.find("assist");
    if (assist == answer.end()) return {};
    identity::CallToken token;
    token.audience = "assist";
    token.role = "consumer";
    token.user = consumer.user;
    token.name = consumer.name;
    token.cid = link::stringAt(*assist, "cid").value_or("");
    if (const auto more = ask.find("aed"); more != ask.end()) {
      if (auto read = readRights(ask, *more, token.grants); !read) return read;
    }
    answer["aed"] = {{"token", host_->signer.sign(token, base::wallNow(), kTokenLifetime)},
                     {"webSocket", kToldEndpoint}};
    return {};
  }

  void applySettings() override {
    server_->setTimeToLive(limitsOf(host_->settings).timeToLive);
    server_->setAgentName(host_->settings.text("assist.agent_name"));
    server_->setShared(sharedRights(host_->settings));
    server_->peers().setResume(base::Millis{host_->settings.integer("aed.resume_seconds") * 1000});
  }

  void onUsersChanged() override { server_->endFallen(); }
  void drain() override { server_->drain(); }
  void stop() override { server_->peers().closeAll(); }

 private:
  base::Result<void> readRights(const Json& ask, const Json& wanted, std::vector<std::string>& out) const {
    const std::string shown = link::stringAt(ask, "applicationId").value_or("");
    bool known = false;
    for (const std::string& id : host_->settings.list("gateway.application_ids")) {
      known = base::equalsConstantTime(base::asBytes(id), base::asBytes(shown)) || known;
    }
    if (!known) return base::fail("aed.not_allowed", "Rights in other topics need an application's id.");
    if (!wanted.is_array() || wanted.size() > kMaxRights) {
      return base::fail("request.malformed", "aed is not a list of topics with rights.");
    }
    for (const Json& each : wanted) {
      const auto right = each.is_string() ? parseRight(each.get<std::string>()) : std::nullopt;
      if (!right) return base::fail("request.malformed", "aed is not a list of topics with rights.");
      out.push_back(toString(*right));
    }
    return {};
  }

  std::optional<link::Host> host_;
  std::unique_ptr<Server> server_;
  base::LifeGuard guard_;
};

}  // namespace

std::unique_ptr<link::Extension> makeExtension() { return std::make_unique<Events>(); }

}  // namespace parley::events
