// The outbound SIP servers (GW-4): which are up, in what order a new request tries them, when each is pinged.
// Pure bookkeeping: time and random are passed in, SipService (sip_service.h) sends what is due.
//
// A server is up once it answered anything but 503, and down once it did not answer a ping or a request in
// time, could not be reached, or said 503. Before the first word it is unknown and stands between the two.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/random.h"
#include "base/time.h"

namespace parley::gateway {

enum class TrunkState { unknown, up, down };
std::string_view toString(TrunkState state);

struct TrunkTimes {
  base::Millis pingUp{30'000};   ///< Ping Interval
  base::Millis pingDown{5'000};  ///< Dead Link Ping Interval; also of an unknown one.
  base::Millis server{3'000};    ///< Server Timeout: how long one may take to answer at all.
};

struct TrunkAddress {
  std::string text;
  TrunkState state = TrunkState::unknown;
  friend bool operator==(const TrunkAddress&, const TrunkAddress&) = default;
};

struct Trunk {
  std::string uri;
  TrunkState state = TrunkState::unknown;
  base::WallTime since{};       ///< In this state; 0: since the start.
  std::string lastReason;       ///< Of the last failure: sip.timeout, sip.transport_refused, "503" …
  std::optional<double> rttMs;  ///< Of the last answered ping.
  std::uint64_t pings = 0, pingsAnswered = 0, requests = 0, failures = 0;
  std::vector<TrunkAddress> addresses;  ///< What it resolved to, as last used.

  base::Instant nextPing{};
  bool pinging = false;
};

class Trunks {
 public:
  static constexpr std::size_t kMaxServers = 64;

  Trunks(base::Random& random, TrunkTimes times);

  /// Those that stay keep their state; new ones are pinged at once. Beyond kMaxServers: left out.
  void setServers(const std::vector<std::string>& uris, base::Instant now);
  /// What waits already comes sooner if the new interval is shorter; a longer one counts from the next ping
  /// on.
  void setTimes(const TrunkTimes& times, base::Instant now);
  const TrunkTimes& times() const { return times_; }

  /// Up ones in random order, then unknown ones, then down ones.
  std::vector<std::string> order();

  /// Servers whose ping is due; each is then pinging until onPinged().
  std::vector<std::string> takeDuePings(base::Instant now);
  base::Instant nextPing() const;  ///< Instant::max() when nothing waits.

  struct Outcome {
    int status = 0;  ///< 0: no answer, `reason` says why.
    std::string reason;
    std::optional<double> rttMs;
    std::string address;  ///< That answered or was tried.
    bool again = false;   ///< Of a request that was counted already.
  };
  struct Resolved {
    std::string address;
    bool silent = false;  ///< It said nothing when it was asked last.
  };
  // All of these do nothing for a server that is not (any more) in the list.
  void onPinged(std::string_view uri, const Outcome& outcome, base::Instant now, base::WallTime wall);
  /// Of a real request: a first answer, provisional ones included, or none.
  void onRequest(std::string_view uri, const Outcome& outcome, base::Instant now, base::WallTime wall);

  /// What the server's name leads to now. Before the outcome of what was sent there.
  void setAddresses(std::string_view uri, const std::vector<Resolved>& resolved);

  const std::vector<Trunk>& all() const { return servers_; }
  bool empty() const { return servers_.empty(); }
  nlohmann::json json() const;  ///< {"trunks":[…]} for the administration.

 private:
  Trunk* find(std::string_view uri);
  void settle(Trunk& trunk, const Outcome& outcome, base::Instant now, base::WallTime wall);
  void schedule(Trunk& trunk, base::Instant now);
  base::Instant pingAfter(const Trunk& trunk, base::Instant now);
  void count();

  base::Random& random_;
  TrunkTimes times_;
  std::vector<Trunk> servers_;
  base::Gauge up_, down_;
  base::Counter changes_;
};

}  // namespace parley::gateway
