// The media broker: workers, control interface, events and the orderly end of it all. Main loop only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/guard.h"
#include "base/settings.h"
#include "broker/call_registry.h"
#include "broker/control.h"
#include "broker/event_hub.h"
#include "broker/load.h"
#include "net/event_loop.h"
#include "net/http.h"
#include "trust/authority.h"

namespace parley::broker {

class Broker final : public ControlHost {
 public:
  /// Reads settings that declareSettings() declared. `ended` is called once, when the broker was asked to end
  /// (drain, stop) and has. Errors: trust.*, tls.*, dtls.*, net.bind_failed.
  static base::Result<std::unique_ptr<Broker>> start(net::EventLoop& loop, const base::Settings& settings,
                                                     const std::string& stateDirectory, std::string version,
                                                     std::function<void()> ended);
  ~Broker() override;  ///< Ends the worker threads.

  /// No new calls; ends when the last one ended, at the latest after media.drain_seconds. Idempotent.
  void drain() override;
  /// Ends all calls (the peers are told), then the broker. Idempotent.
  void stop();
  bool draining() const { return draining_; }

  net::Endpoint controlEndpoint() const { return controlEndpoint_; }
  std::string mediaPorts() const;  ///< "16000-16001"
  const Control& control() const { return *control_; }
  const CallRegistry& registry() const { return *registry_; }
  /// All workers' loops moved since the last time this was asked (ask at most every other second).
  bool workersAlive();

  std::string statusJson() const override;
  std::optional<base::Error> refusesCalls() const override;
  bool ready() const override { return !draining_; }

  static constexpr base::Millis kStatusEvery{2000};
  static constexpr base::Millis kSampleEvery{1000};
  static constexpr base::Millis kCloseLimit{2000};

 private:
  Broker(net::EventLoop& loop, const base::Settings& settings, std::string version,
         std::function<void()> ended);
  base::Result<void> startWorkers();
  base::Result<void> startControl(const std::string& stateDirectory);
  void onWorkerEvent(const WorkerEvent& event);
  void closeServer();
  unsigned load() const;
  std::size_t maxCalls() const;

  net::EventLoop& loop_;
  const base::Settings& settings_;
  std::string version_;
  std::function<void()> ended_;
  std::vector<std::string> addresses_;
  std::optional<trust::Authority> authority_;
  std::unique_ptr<trust::IdentityRenewal> renewal_;
  CallRegistry::Workers workers_;
  std::vector<std::uint64_t> beats_;
  std::optional<LoadMeter> load_;
  std::unique_ptr<CallRegistry> registry_;
  std::unique_ptr<EventHub> events_;
  std::unique_ptr<Control> control_;
  std::shared_ptr<net::TlsServerContext> tls_;
  std::unique_ptr<trust::CertificateWatcher> certificateWatcher_;
  std::unique_ptr<net::HttpServer> server_;
  net::Endpoint controlEndpoint_;
  bool draining_ = false, stopping_ = false;
  std::size_t stoppedWorkers_ = 0;
  net::Timer statusTimer_, sampleTimer_, drainTimer_;
  base::LifeGuard guard_;
};

}  // namespace parley::broker
