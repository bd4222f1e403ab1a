#include "gateway/server.h"

#include <fmt/format.h>

#include "base/log.h"
#include "gateway/brokers.h"
#include "gateway/http_api.h"
#include "gateway/performance_log.h"
#include "gateway/record_store.h"
#include "gateway/settings.h"
#include "gateway/sip_service.h"
#include "gateway/sip_tls.h"
#include "identity/web_sessions.h"
#include "trust/authority.h"
#include "trust/files.h"

namespace parley::gateway {
namespace {

const base::Logger serverLog{"server"};
constexpr base::Millis kWebSession{12 * 3'600'000};
constexpr base::Millis kCertificateCheck{5'000};
constexpr base::Millis kStartPatience{60'000};
constexpr base::Millis kStopPatience{5'000};
constexpr base::Millis kCloseLimit{2'000};
constexpr base::Millis kDrainCheck{200};
constexpr base::Millis kSampleEvery{1'000};
constexpr std::size_t kPasswordQueue = 64;
// The largest that is asked for is a session token. Each connection may hold as much.
constexpr std::size_t kMaxRequestBody = 64 * 1024;

/// What people read in their calls when the server is to stop.
std::string endingText(std::int64_t seconds) {
  std::string time = std::to_string(seconds >= 120 ? seconds / 60 : seconds);
  time += seconds >= 120 ? " minutes" : " seconds";
  return "The service is being restarted. Calls can go on for up to " + time + ".";
}

class RunningServer final : public Server {
 public:
  RunningServer(net::EventLoop& loop, base::Settings& settings, std::string version,
                std::function<void()> ended, Extensions extensions)
      : loop_(loop),
        settings_(settings),
        version_(std::move(version)),
        ended_(std::move(ended)),
        pool_("passwords", 2, kPasswordQueue),
        extensions_(std::move(extensions)),
        drainTimer_(loop),
        sampleTimer_(loop),
        limit_(loop) {}

  ~RunningServer() override { guard_.reset(); }

  base::Result<void> begin(const std::string& stateDirectory) {
    stateDirectory_ = stateDirectory;
    auto authority = trust::Authority::open(stateDirectory);
    if (!authority) return std::unexpected(authority.error());
    if (auto made = makeTls(*authority); !made) return made;
    if (auto made = makeParts(*authority); !made) return made;
    if (auto made = startUsers(stateDirectory); !made) return made;
    takeOver();
    auto router = std::make_shared<net::Router>();
    if (auto started = startExtensions(*router, authority->certificatePem()); !started) return started;
    return listen(std::move(router));
  }

  void drain() override {
    if (draining()) return;
    serverLog.info("draining", {{"calls", calls_->live()}});
    desk_->drain();
    sip_->drain();
    for (const auto& extension : extensions_) extension->drain();
    sessions_->announceEnding(endingText(settings_.integer("server.drain_seconds")));
    limit_.start(base::Millis{settings_.integer("server.drain_seconds") * 1000}, [this] { stop(); });
    drainTimer_.startEvery(kDrainCheck, [this] {
      if (calls_->live() == 0) stop();
    });
    if (calls_->live() == 0) stop();
  }

  bool draining() const override { return desk_->draining(); }

  void stop() override {
    if (stopping_) return;
    stopping_ = true;
    desk_->drain();
    desk_->stopCalls();
    // Until the brokers have removed the calls and the pages were told.
    limit_.start(kStopPatience, [this] { close(); });
    drainTimer_.startEvery(kDrainCheck, [this] {
      if (calls_->size() == 0) close();
    });
    if (calls_->size() == 0) close();
  }

  std::uint16_t port() const override { return port_; }

 private:
  base::Result<void> makeTls(trust::Authority& authority) {
    const auto names = [this] {
      auto given = settings_.list("server.names");
      return given.empty() ? trust::localNames() : given;
    };
    auto identity = authority.identity("server", names());
    if (!identity) return std::unexpected(identity.error());
    auto context = net::TlsServerContext::create(identity->certificatePem, identity->keyPem);
    if (!context) return std::unexpected(context.error());
    tls_ = std::move(*context);
    const std::string base = authority.stateDirectory() + "/server";
    watcher_ = std::make_unique<trust::CertificateWatcher>(loop_, base + ".pem", base + ".key", tls_,
                                                           kCertificateCheck);
    renewal_ = std::make_unique<trust::IdentityRenewal>(loop_, authority, "server", names);
    return {};
  }

  base::Result<void> makeBrokers(trust::Authority& authority) {
    auto more = trust::readAuthorities(settings_.text("gateway.broker_authorities"));
    if (!more) return std::unexpected(more.error());
    auto tls = net::TlsClientContext::create(authority.certificatePem() + *more, false);
    if (!tls) return std::unexpected(tls.error());
    base::Secret secret(settings_.text("gateway.broker_secret"));
    if (secret.empty()) {
      auto shared = authority.secret("broker-control.secret");
      if (!shared) return std::unexpected(shared.error());
      secret = *shared;
    }
    BrokerClientOptions options;
    options.secret = secret;
    options.tls = *tls;
    options.requestTimeout = settings_.millis("gateway.sdp_control_timeout_ms");
    brokers_ = std::make_unique<Brokers>(loop_, random_, settings_.list("gateway.brokers"), options);
    brokers_->setPhoneSecurity(settings_.text("sip.media_security"));
    return {};
  }

  base::Result<void> makeSip(trust::Authority& authority) {
    const std::string own = authority.stateDirectory() + "/server";
    auto tls = SipTls::create({loop_, settings_, own + ".pem", own + ".key", authority.certificatePem()});
    if (!tls) return std::unexpected(tls.error());
    sipTls_ = std::move(*tls);
    auto sip = SipService::start({loop_, random_, settings_, sipTls_->server(), sipTls_->client(), version_});
    if (!sip) return std::unexpected(sip.error());
    sip_ = std::move(*sip);
    return {};
  }

  base::Result<void> makeParts(trust::Authority& authority) {
    auto key = authority.secret("token.key");
    if (!key) return std::unexpected(key.error());
    signer_ = std::make_unique<identity::TokenSigner>(*key, random_);
    auto store = store::openEmbeddedStore(loop_, authority.stateDirectory() + "/server.db");
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    if (auto made = makeBrokers(authority); !made) return made;
    if (auto made = makeSip(authority); !made) return made;
    users_ = std::make_unique<identity::Users>(loop_, pool_, *store_, random_, identity::Users::Options{});
    agentWeb_ = std::make_unique<identity::WebSessions>(*store_, "agent", random_, kWebSession);
    adminWeb_ = std::make_unique<identity::WebSessions>(*store_, "admin", random_, kWebSession);
    signIns_ = std::make_unique<link::SignIns>(*users_, *agentWeb_, *adminWeb_);
    sessions_ = std::make_unique<Sessions>(loop_, *signer_, random_, sessionsOptions(settings_));
    sessions_->setStands(link::standing(*users_));
    recordStore_ = std::make_unique<RecordStore>(*store_, records_);
    calls_ = std::make_unique<Calls>(loop_, *store_, *brokers_, sip_->phones(), records_);
    desk_ = std::make_unique<CallDesk>(loop_, *sessions_, *calls_, records_, sip_->phones(), *users_, random_,
                                       callDeskOptions(settings_));
    api_ = std::make_unique<HttpApi>(HttpApiParts{settings_, *users_, *signer_, *agentWeb_, *adminWeb_,
                                                  *sessions_, *calls_, records_, *desk_, *brokers_, random_,
                                                  version_, sip_->phones().trunks(),
                                                  sip_->phones().strangers(), performance_, extensions_});
    sampleTimer_.startEvery(kSampleEvery, [this] { sample(); });
    // Settings may be changed from any thread; what follows from it happens on the loop, while this lives.
    settings_.onChange("", [&loop = loop_, alive = std::weak_ptr<int>(alive_),
                            apply = guard_.wrap([this] { applySettings(); })] {
      if (alive.lock()) loop.post(apply);
    });
    return {};
  }

  /// GW-11
  void sample() {
    PerformanceSample totals;
    totals.at = base::millisOf(base::wallNow());
    totals.sessions = static_cast<std::int64_t>(sessions_->size());
    totals.calls = static_cast<std::int64_t>(calls_->live());
    for (const auto& broker : brokers_->clients()) totals.brokerLoad[broker->name()] = broker->load();
    totals.started = calls_->totals().started;
    totals.ended = calls_->totals().ended;
    totals.failed = calls_->totals().failed;
    for (const Trunk& server : sip_->phones().trunks().all()) {
      if (server.state == TrunkState::up) ++totals.sipServersUp;
      if (server.state == TrunkState::down) ++totals.sipServersDown;
    }
    totals.sipIn = sip_->phones().messagesIn();
    totals.sipOut = sip_->phones().messagesOut();
    performance_.add(totals);
  }

  void applySettings() {
    desk_->setOptions(callDeskOptions(settings_));
    sessions_->setOptions(sessionsOptions(settings_));
    brokers_->setPhoneSecurity(settings_.text("sip.media_security"));
    sipTls_->check();
    sip_->applySettings();
    if (http_) http_->setHandshakeLimits(handshakeLimits(settings_));
    for (const auto& extension : extensions_) extension->applySettings();
  }

  base::Result<void> startUsers(const std::string& stateDirectory) {
    std::optional<base::Result<void>> started;
    users_->start(stateDirectory, guard_.wrap([&started](base::Result<void> result) { started = result; }));
    loop_.runUntil([&started] { return started.has_value(); }, kStartPatience);
    if (!started) return base::fail("server.slow_start", "The users could not be loaded in time.");
    return *started;
  }

  /// Calls that a process before this one left in the store go on here; their pages resume when they can.
  void takeOver() {
    bool done = false;
    // First the old records: what cannot go on becomes one, too.
    recordStore_->load(guard_.wrap(
        [this, &done](std::size_t) { calls_->recover(guard_.wrap([&done](std::size_t) { done = true; })); }));
    loop_.runUntil([&done] { return done; }, kStartPatience);
  }

  base::Result<void> startExtensions(net::Router& router, std::string authorityPem) {
    const link::Host host{loop_,
                          settings_,
                          router,
                          *users_,
                          *signer_,
                          *signIns_,
                          *store_,
                          random_,
                          pool_,
                          stateDirectory_,
                          std::move(authorityPem)};
    for (const auto& extension : extensions_) {
      if (auto started = extension->start(host); !started) return started;
    }
    users_->onChanged([this](const std::string& name, bool out) {
      if (out) {
        agentWeb_->endAllOf(name);
        adminWeb_->endAllOf(name);
      }
      // Not inside of what changed it: calls end, pages are told.
      loop_.post(guard_.wrap([this] {
        sessions_->endFallen();
        for (const auto& extension : extensions_) extension->onUsersChanged();
      }));
    });
    desk_->onRetrieved([this](const std::string& cid) {
      for (const auto& extension : extensions_) extension->onRetrieved(cid);
    });
    return {};
  }

  base::Result<void> listen(std::shared_ptr<net::Router> router) {
    api_->addRoutes(*router);
    net::HttpServerOptions options;
    options.trustedProxies = settings_.list("server.trusted_proxies");
    options.maxBodyBytes = kMaxRequestBody;
    options.handshakes = handshakeLimits(settings_);
    options.maxConnections = 2 * sessionsOptions(settings_).maxConnections;
    http_ = std::make_unique<net::HttpServer>(loop_, router, options);
    for (const net::Endpoint& endpoint : bindEndpoints(settings_)) {
      const auto bound = http_->listen(endpoint, tls_);
      if (!bound) return std::unexpected(bound.error());
      port_ = bound->port();
      serverLog.info("listening", {{"address", bound->toString()}});
    }
    return {};
  }

  void close() {
    if (closing_) return;
    closing_ = true;
    drainTimer_.stop();
    limit_.stop();
    sampleTimer_.stop();
    renewal_.reset();
    sip_->stop();
    for (const auto& extension : extensions_) extension->stop();
    sessions_->closeAll();
    http_->close(kCloseLimit, guard_.wrap([this] { ended_(); }));
  }

  net::EventLoop& loop_;
  base::Settings& settings_;
  const std::string version_;
  std::function<void()> ended_;
  std::string stateDirectory_;
  base::SystemRandom random_;
  net::WorkPool pool_;
  std::shared_ptr<net::TlsServerContext> tls_;
  std::unique_ptr<trust::CertificateWatcher> watcher_;
  std::unique_ptr<trust::IdentityRenewal> renewal_;
  std::unique_ptr<identity::TokenSigner> signer_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Brokers> brokers_;
  std::unique_ptr<identity::Users> users_;
  std::unique_ptr<identity::WebSessions> agentWeb_, adminWeb_;
  std::unique_ptr<SipTls> sipTls_;
  std::unique_ptr<SipService> sip_;
  PerformanceLog performance_;
  CallRecords records_;
  std::unique_ptr<RecordStore> recordStore_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Calls> calls_;
  std::unique_ptr<CallDesk> desk_;
  std::unique_ptr<link::SignIns> signIns_;
  Extensions extensions_;
  std::unique_ptr<HttpApi> api_;
  std::unique_ptr<net::HttpServer> http_;
  net::Timer drainTimer_, sampleTimer_, limit_;
  std::uint16_t port_ = 0;
  bool stopping_ = false;
  bool closing_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  base::LifeGuard guard_;
};

}  // namespace

base::Result<std::unique_ptr<Server>> Server::start(net::EventLoop& loop, base::Settings& settings,
                                                    const std::string& stateDirectory, std::string version,
                                                    std::function<void()> ended, Extensions extensions) {
  auto server = std::make_unique<RunningServer>(loop, settings, std::move(version), std::move(ended),
                                                std::move(extensions));
  if (auto begun = server->begin(stateDirectory); !begun) return std::unexpected(begun.error());
  return server;
}

}  // namespace parley::gateway
