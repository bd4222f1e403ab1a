#include "broker/broker.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "broker/settings.h"
#include "rtc/dtls.h"

namespace parley::broker {
namespace {

using Json = nlohmann::ordered_json;

const base::Logger logger{"broker"};
constexpr const char* kIdentity = "media";
constexpr const char* kSecretFile = "broker-control.secret";
constexpr base::Millis kCertificatePeriod{5'000};

const base::Gauge& loadGauge() {
  static const base::Gauge gauge =
      base::Metrics::instance().gauge("parley_media_load_percent", "Load as told to the application server.");
  return gauge;
}

}  // namespace

base::Result<std::unique_ptr<Broker>> Broker::start(net::EventLoop& loop, const base::Settings& settings,
                                                    const std::string& stateDirectory, std::string version,
                                                    std::function<void()> ended) {
  std::unique_ptr<Broker> broker(new Broker(loop, settings, std::move(version), std::move(ended)));
  if (auto started = broker->startWorkers(); !started) return std::unexpected(started.error());
  if (auto started = broker->startControl(stateDirectory); !started) return std::unexpected(started.error());
  return broker;
}

Broker::Broker(net::EventLoop& loop, const base::Settings& settings, std::string version,
               std::function<void()> ended)
    : loop_(loop),
      settings_(settings),
      version_(std::move(version)),
      ended_(std::move(ended)),
      statusTimer_(loop),
      sampleTimer_(loop),
      drainTimer_(loop) {}

Broker::~Broker() {
  for (const auto& worker : workers_) worker->stop();
}

base::Result<void> Broker::startWorkers() {
  auto certificate = rtc::DtlsCertificate::generate();
  if (!certificate) return std::unexpected(certificate.error());
  const auto advertised = advertisedAddresses(settings_);
  for (const net::Endpoint& address : advertised) addresses_.push_back(address.address());
  const auto firstPort = settings_.integer("media.first_port");
  const unsigned count = workerCount(settings_);
  if (firstPort != 0 && firstPort + count - 1 > 65'535) {
    return base::fail("net.bind_failed",
                      "media.first_port leaves no room for " + std::to_string(count) + " workers");
  }
  for (unsigned i = 0; i < count; ++i) {
    WorkerOptions options;
    options.index = i;
    options.bind = bindEndpoints(settings_, static_cast<std::uint16_t>(firstPort == 0 ? 0 : firstPort + i));
    options.advertised = advertised;
    options.dscp = static_cast<int>(settings_.integer("media.dscp"));
    options.maxCalls = maxCalls();
    options.certificate = *certificate;
    options.rtp = rtpPortOptions(settings_, i, count);
    auto toMain = [&loop = loop_, alive = guard_.wrap([this](const WorkerEvent& event) {
      onWorkerEvent(event);
    })](WorkerEvent event) { loop.post([alive, event = std::move(event)]() mutable { alive(event); }); };
    auto worker = WorkerThread::start(std::move(options), std::move(toMain));
    if (!worker) return std::unexpected(worker.error());
    workers_.push_back(std::move(*worker));
  }
  beats_.resize(workers_.size());
  load_.emplace(workers_.size(), [this](std::size_t i) { return workers_[i]->cpuTime(); });
  registry_ = std::make_unique<CallRegistry>(loop_, workers_, maxCalls());
  return {};
}

base::Result<void> Broker::startControl(const std::string& stateDirectory) {
  auto authority = trust::Authority::open(stateDirectory);
  if (!authority) return std::unexpected(authority.error());
  authority_ = std::move(*authority);
  const auto identity = authority_->identity(kIdentity, trust::localNames());
  if (!identity) return std::unexpected(identity.error());
  auto tls = net::TlsServerContext::create(identity->certificatePem, identity->keyPem);
  if (!tls) return std::unexpected(tls.error());
  tls_ = std::move(*tls);
  base::Secret secret(settings_.text("media.control_secret"));
  if (secret.empty()) {
    auto made = authority_->secret(kSecretFile);
    if (!made) return std::unexpected(made.error());
    secret = std::move(*made);
  }
  base::SystemRandom random;
  events_ = std::make_unique<EventHub>(random.alphanumeric(16));
  control_ = std::make_unique<Control>(*this, settings_, *registry_, *events_, std::move(secret));

  net::HttpServerOptions options;
  options.maxBodyBytes = Control::kMaxBodyBytes;
  options.maxConnections = 512;
  options.maxConnectionsPerAddress = 64;  // A server uses a handful; nobody else can take all.
  server_ = std::make_unique<net::HttpServer>(loop_, control_->router(), options);
  for (net::Endpoint endpoint : controlEndpoints(settings_)) {
    if (controlEndpoint_.port() != 0)
      endpoint = endpoint.withPort(controlEndpoint_.port());  // Any free one: the same.
    const auto bound = server_->listen(endpoint, tls_);
    if (!bound) return std::unexpected(bound.error());
    if (controlEndpoint_.port() == 0) controlEndpoint_ = *bound;
  }

  const std::string file = authority_->stateDirectory() + "/" + kIdentity;
  certificateWatcher_ = std::make_unique<trust::CertificateWatcher>(loop_, file + ".pem", file + ".key", tls_,
                                                                    kCertificatePeriod);
  renewal_ = std::make_unique<trust::IdentityRenewal>(loop_, *authority_, kIdentity, trust::localNames);
  statusTimer_.startEvery(kStatusEvery, [this] {
    const Json status{
        {"event", "status"}, {"load", load()}, {"calls", registry_->calls().size()}, {"draining", draining_}};
    events_->broadcast(status.dump());
  });
  load_->sample(loop_.now());
  sampleTimer_.startEvery(kSampleEvery, [this] {
    load_->sample(loop_.now());
    loadGauge().set(load());
  });
  return {};
}

void Broker::onWorkerEvent(const WorkerEvent& event) {
  if (const auto* ended = std::get_if<CallEnded>(&event)) registry_->forget(*ended);
  if (!events_) return;
  events_->broadcast(std::visit([](const auto& each) { return toJson(each); }, event));
}

// --- load and status ------------------------------------------------------------------------------------

std::size_t Broker::maxCalls() const {
  return static_cast<std::size_t>(settings_.integer("media.max_calls"));
}

unsigned Broker::load() const { return loadOf(load_->busiest(), registry_->calls().size(), maxCalls()); }

std::optional<base::Error> Broker::refusesCalls() const {
  if (draining_) return base::Error{"broker.draining", "the broker is stopping and takes no new calls"};
  const auto most = static_cast<unsigned>(settings_.integer("media.max_load_factor"));
  if (most > 0 && load() >= most) {
    return base::Error{"broker.overloaded", "the load is " + std::to_string(load()) +
                                                " %, the most allowed is " + std::to_string(most)};
  }
  return std::nullopt;
}

std::string Broker::statusJson() const {
  Json workers = Json::array();
  for (unsigned i = 0; i < workers_.size(); ++i) {
    workers.push_back(
        {{"port", workers_[i]->port()}, {"calls", registry_->callsOn(i)}, {"load", load_->worker(i)}});
  }
  return Json{{"version", version_},
              {"instance", events_->instance()},
              {"draining", draining_},
              {"load", load()},
              {"maxLoad", settings_.integer("media.max_load_factor")},
              {"calls", registry_->calls().size()},
              {"legs", registry_->legs()},
              {"workers", std::move(workers)},
              {"addresses", addresses_}}
      .dump();
}

std::string Broker::mediaPorts() const {
  const std::string first = std::to_string(workers_.front()->port());
  return workers_.size() == 1 ? first : first + "-" + std::to_string(workers_.back()->port());
}

bool Broker::workersAlive() {
  bool alive = true;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const std::uint64_t now = workers_[i]->beats();
    alive = alive && std::exchange(beats_[i], now) != now;
  }
  return alive;
}

// --- the end --------------------------------------------------------------------------------------------

void Broker::drain() {
  if (std::exchange(draining_, true)) return;
  logger.info("draining: no new calls", {{"calls", registry_->calls().size()}});
  registry_->onEmpty([this] { loop_.post(guard_.wrap([this] { stop(); })); });
  drainTimer_.start(std::chrono::seconds{settings_.integer("media.drain_seconds")}, [this] {
    logger.warn("calls are ended: media.drain_seconds passed", {{"calls", registry_->calls().size()}});
    stop();
  });
  if (registry_->calls().empty() && registry_->pending() == 0) loop_.post(guard_.wrap([this] { stop(); }));
}

void Broker::stop() {
  draining_ = true;
  if (std::exchange(stopping_, true)) return;
  drainTimer_.stop();
  statusTimer_.stop();
  renewal_.reset();
  auto stopped = guard_.wrap([this] {
    if (++stoppedWorkers_ == workers_.size()) closeServer();
  });
  for (const auto& worker : workers_) {
    worker->post([&loop = loop_, stopped](Worker& w) mutable {
      w.removeAll("broker.stopping");
      loop.post(std::move(stopped));
    });
  }
}

void Broker::closeServer() {
  certificateWatcher_.reset();
  server_->close(kCloseLimit, guard_.wrap([this] {
    for (const auto& worker : workers_) worker->stop();
    if (ended_) std::exchange(ended_, nullptr)();
  }));
}

}  // namespace parley::broker
