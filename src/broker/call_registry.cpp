#include "broker/call_registry.h"

#include <algorithm>
#include <utility>

namespace parley::broker {

CallRegistry::CallRegistry(net::EventLoop& loop, Workers& workers, std::size_t maxCalls)
    : loop_(loop), workers_(workers), maxCalls_(maxCalls), load_(workers.size()) {}

base::Result<void> CallRegistry::create(CallSpec spec, const std::optional<base::Error>& refusal,
                                        std::move_only_function<void(base::Result<Created>)> done) {
  if (const auto at = calls_.find(spec.id); at != calls_.end()) {
    if (at->second.legs != spec.legs) {
      return base::fail("call.exists", "there is a call \"" + spec.id + "\" with other legs");
    }
    loop_.post(guard_.wrap([done = std::move(done), worker = at->second.worker]() mutable {
      done(Created{worker, false});
    }));
    return {};
  }
  if (refusal) return std::unexpected(*refusal);
  if (calls_.size() >= maxCalls_) {
    return base::fail("broker.full", "the broker has " + std::to_string(calls_.size()) + " calls");
  }
  const auto fewest = std::ranges::min_element(load_, {}, &WorkerLoad::legs);
  const auto worker = static_cast<unsigned>(fewest - load_.begin());
  spec.serial = ++lastSerial_;
  const std::string id = spec.id;
  const CallSerial serial = spec.serial;
  Entry entry{worker, serial, spec.legs, base::steadyNow()};
  auto sent = send(
      worker,
      [spec = std::move(spec)](Worker& w) mutable -> base::Result<Answer> {
        if (auto created = w.create(std::move(spec)); !created) return std::unexpected(created.error());
        return Answer{};
      },
      [this, id, serial, worker, done = std::move(done)](base::Result<Answer> answer) mutable {
        if (answer) return done(Created{worker, true});
        forget({id, serial, "", {}});
        done(std::unexpected(answer.error()));
      });
  if (!sent) return sent;
  load_[worker].calls += 1;
  load_[worker].legs += entry.legs.size();
  calls_.emplace(id, std::move(entry));
  return {};
}

base::Result<void> CallRegistry::ask(std::string_view call, Work work, Done done) {
  const auto at = calls_.find(call);
  if (at == calls_.end()) return base::fail("call.unknown", "there is no call \"" + std::string(call) + "\"");
  return send(at->second.worker, std::move(work), std::move(done));
}

base::Result<void> CallRegistry::remove(std::string_view call, Done done) {
  const std::string id(call);
  auto sent = ask(
      call,
      [id](Worker& w) -> base::Result<Answer> {
        auto report = w.remove(id);
        if (!report) return std::unexpected(report.error());
        return Answer{.sdp = {}, .report = std::move(*report)};
      },
      std::move(done));
  if (sent) erase(calls_.find(call));
  return sent;
}

base::Result<void> CallRegistry::changeLegs(std::string_view call, LegSpec leg, bool added, Work work,
                                            Done done) {
  const auto at = calls_.find(call);
  if (at == calls_.end()) return base::fail("call.unknown", "there is no call \"" + std::string(call) + "\"");
  return send(at->second.worker, std::move(work),
              [this, id = at->first, serial = at->second.serial, leg = std::move(leg), added,
               done = std::move(done)](base::Result<Answer> answer) mutable {
                if (answer) noteLeg(id, serial, leg, added);
                done(std::move(answer));
              });
}

void CallRegistry::noteLeg(const std::string& call, CallSerial serial, const LegSpec& leg, bool added) {
  const auto at = calls_.find(call);
  if (at == calls_.end() || at->second.serial != serial) return;  // It ended meanwhile.
  auto& legs = at->second.legs;
  load_[at->second.worker].legs -= legs.size();
  std::erase_if(legs, [&](const LegSpec& each) { return each.id == leg.id; });
  if (added) legs.push_back(leg);
  load_[at->second.worker].legs += legs.size();
}

void CallRegistry::forget(const CallEnded& event) {
  const auto at = calls_.find(event.call);
  if (at == calls_.end() || at->second.serial != event.serial) return;
  erase(at);
  checkEmpty();
}

CallRegistry::Calls::iterator CallRegistry::erase(Calls::iterator at) {
  WorkerLoad& load = load_[at->second.worker];
  load.calls -= 1;
  load.legs -= at->second.legs.size();
  return calls_.erase(at);
}

base::Result<void> CallRegistry::send(unsigned worker, Work work, Done done) {
  if (pending_.size() >= kMaxPending)
    return base::fail("broker.overloaded", "too many requests at the same time");
  const std::uint64_t request = ++lastRequest_;
  pending_.emplace(request, std::move(done));
  auto back =
      guard_.wrap([this, request](base::Result<Answer> answer) { finish(request, std::move(answer)); });
  workers_[worker]->post([&loop = loop_, work = std::move(work), back = std::move(back)](Worker& w) mutable {
    loop.post([back = std::move(back), answer = work(w)]() mutable { back(std::move(answer)); });
  });
  return {};
}

void CallRegistry::finish(std::uint64_t request, base::Result<Answer> answer) {
  auto node = pending_.extract(request);
  if (node.empty()) return;
  node.mapped()(std::move(answer));
  checkEmpty();
}

void CallRegistry::checkEmpty() {
  if (calls_.empty() && pending_.empty() && onEmpty_) onEmpty_();
}

std::size_t CallRegistry::legs() const {
  std::size_t sum = 0;
  for (const WorkerLoad& load : load_) sum += load.legs;
  return sum;
}

}  // namespace parley::broker
