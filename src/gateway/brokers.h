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
  /// Those that are up first, the least loaded first; the next one when one refuses. An unreachable one is
  /// tried too, as the last.
  void create(const std::string& call, Done done) override;
  void offer(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
             Done done) override;
  void answer(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
              Done done) override;
  void answerLocally(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
                     Done done) override;
  void remove(const std::string& broker, const std::string& call, Done done) override;
  void report(const std::string& broker, const std::string& call, Done done) override;

  const std::vector<std::unique_ptr<BrokerClient>>& clients() const { return clients_; }

 private:
  void tryNext(std::vector<BrokerClient*> rest, std::string call, base::Error worst, Done done);
  void ask(const std::string& broker, std::string method, const std::string& path, std::string body,
           const char* member, Done done);
  void exchange(const std::string& broker, const std::string& call, const char* what, Side from,
                const std::string& sdp, const char* member, Done done);

  net::EventLoop& loop_;
  std::vector<std::unique_ptr<BrokerClient>> clients_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
