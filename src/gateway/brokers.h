// The media brokers from the settings (GW-10, first form): a list, of which one is chosen for each call.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "gateway/broker_client.h"

namespace parley::gateway {

class Brokers final : public MediaBrokers {
 public:
  /// `options.url` is replaced by each of `urls`.
  Brokers(net::EventLoop& loop, base::Random& random, const std::vector<std::string>& urls,
          const BrokerClientOptions& options);

  void setListener(MediaBrokersListener* listener) override;
  /// For create: those that are up first, the least loaded first; the next one when one refuses. An
  /// unreachable one is tried too, as the last.
  void ask(const std::string& broker, const std::string& call, const BrokerRequest& request,
           Done done) override;
  void remove(const std::string& broker, const std::string& call, ReportDone done) override;
  void report(const std::string& broker, const std::string& call, ReportDone done) override;
  /// How phone legs are secured (MB-11): none, sdes, sdes-preferred. From the next leg on.
  void setPhoneSecurity(std::string security) { phoneSecurity_ = std::move(security); }

  const std::vector<std::unique_ptr<BrokerClient>>& clients() const { return clients_; }

 private:
  void create(const std::string& call, const BrokerRequest& request, Done done);
  void tryNext(std::vector<BrokerClient*> rest, std::string call, std::string body, base::Error worst,
               Done done);
  void send(const std::string& broker, std::string method, const std::string& path, std::string body,
            ReportDone done);

  net::EventLoop& loop_;
  std::vector<std::unique_ptr<BrokerClient>> clients_;
  std::string phoneSecurity_ = "none";
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
