// Which calls there are and on which worker: the main loop's view. Requests go to the call's worker and their
// answers come back in order. Main loop only.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/guard.h"
#include "base/result.h"
#include "broker/call.h"
#include "broker/report.h"
#include "broker/worker_thread.h"
#include "net/event_loop.h"

namespace parley::broker {

/// What a worker answers: what fits the request.
struct Answer {
  SdpAnswer sdp;
  std::optional<CallReport> report = std::nullopt;
  std::optional<LegReport> leg = std::nullopt;
  bool isNew = false;
};

class CallRegistry {
 public:
  using Workers = std::vector<std::unique_ptr<WorkerThread>>;
  using Work = std::move_only_function<base::Result<Answer>(Worker&)>;
  using Done = std::move_only_function<void(base::Result<Answer>)>;

  struct Entry {
    unsigned worker = 0;
    CallSerial serial = 0;
    std::vector<LegSpec> legs;
    base::Instant createdAt;
  };
  struct Created {
    unsigned worker = 0;
    bool isNew = true;
  };

  CallRegistry(net::EventLoop& loop, Workers& workers, std::size_t maxCalls);

  /// Puts a call on the worker with the fewest legs. Repeating it with the same legs finds the one there.
  /// `refusal` says why no new call may come now, if so. Errors: that one, call.exists, broker.full,
  /// broker.overloaded (requests waiting). `done` comes later, or not at all when this fails.
  base::Result<void> create(CallSpec spec, const std::optional<base::Error>& refusal,
                            std::move_only_function<void(base::Result<Created>)> done);
  /// Runs `work` on the call's worker. Errors at once: call.unknown, broker.overloaded.
  base::Result<void> ask(std::string_view call, Work work, Done done);
  base::Result<void> remove(std::string_view call, Done done);
  /// Runs `work`, and when it succeeds counts the leg in (`added`) or out.
  base::Result<void> changeLegs(std::string_view call, LegSpec leg, bool added, Work work, Done done);
  /// The worker removed the call.
  void forget(const CallEnded& event);

  const std::map<std::string, Entry, std::less<>>& calls() const { return calls_; }
  std::size_t legs() const;
  std::size_t callsOn(unsigned worker) const { return load_.at(worker).calls; }
  std::size_t pending() const { return pending_.size(); }
  /// Called whenever nothing is left: no call, no request.
  void onEmpty(std::function<void()> callback) { onEmpty_ = std::move(callback); }

  static constexpr std::size_t kMaxPending = 1024;  ///< Requests on their way to the workers and back.

 private:
  struct WorkerLoad {
    std::size_t calls = 0, legs = 0;
  };
  using Calls = std::map<std::string, Entry, std::less<>>;
  base::Result<void> send(unsigned worker, Work work, Done done);
  void finish(std::uint64_t request, base::Result<Answer> answer);
  void noteLeg(const std::string& call, CallSerial serial, const LegSpec& leg, bool added);
  Calls::iterator erase(Calls::iterator at);
  void checkEmpty();

  net::EventLoop& loop_;
  Workers& workers_;
  std::size_t maxCalls_;
  Calls calls_;
  std::vector<WorkerLoad> load_;
  /// Kept here, not in the posted work: they hold replies, which belong to this loop.
  std::unordered_map<std::uint64_t, Done> pending_;
  std::uint64_t lastRequest_ = 0;
  CallSerial lastSerial_ = 0;
  std::function<void()> onEmpty_;
  base::LifeGuard guard_;
};

}  // namespace parley::broker
