#include "net/event_loop.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <exception>

#include "base/log.h"
#include "base/metrics.h"
#include "net/internal_log.h"
#include "net/internal_loop.h"

namespace parley::net {
namespace {

constexpr base::Millis kLagPeriod{500};
/// runUntil() asks its condition at least this often, for conditions that no event of the loop changes.
constexpr base::Millis kConditionPeriod{10};

/// Late expiry of a periodic timer is what every task on this loop waits at that moment.
void measureLag(EventLoop::Impl& loop, base::Histogram histogram) {
  const auto due = base::steadyNow() + kLagPeriod;
  loop.lagTimer.expires_at(due);
  loop.lagTimer.async_wait([&loop, histogram, due](ErrorCode error) {
    if (error) return;
    histogram.observe(std::chrono::duration<double>(base::steadyNow() - due).count());
    measureLag(loop, histogram);
  });
}

template <class F>
auto guarded(const EventLoop::Impl& loop, F&& function) {
  try {
    return function();
  } catch (const std::exception& e) {
    logger.error("exception in a handler", {{"loop", loop.name}, {"what", e.what()}});
  } catch (...) {
    logger.error("exception in a handler", {{"loop", loop.name}});
  }
  base::flushLogging();
  std::abort();
}

}  // namespace

EventLoop::EventLoop(std::string name) : impl_(std::make_unique<Impl>(std::move(name))) {}

EventLoop::~EventLoop() { impl_->stopped = true; }

void EventLoop::run() {
  pthread_setname_np(pthread_self(), impl_->name.substr(0, 15).c_str());
  measureLag(*impl_, base::Metrics::instance().histogram("parley_net_loop_lag_seconds",
                                                         "How late timers of an event loop fire.",
                                                         {{"loop", impl_->name}}));
  guarded(*impl_, [this] { return impl_->io.run(); });
}

void EventLoop::stop() {
  impl_->stopped = true;
  impl_->io.stop();
}

void EventLoop::post(Task task) {
  if (impl_->stopped) return;
  asio::post(impl_->io, [call = std::move(task)]() mutable { call(); });
}

bool EventLoop::onLoop() const { return impl_->io.get_executor().running_in_this_thread(); }

base::Instant EventLoop::now() const { return base::steadyNow(); }

const std::string& EventLoop::name() const { return impl_->name; }

bool EventLoop::poll() {
  return guarded(*impl_, [this] { return impl_->io.poll(); }) > 0;
}

bool EventLoop::runUntil(const std::function<bool()>& done, base::Millis deadline) {
  const auto end = base::steadyNow() + deadline;
  while (!done()) {
    const auto now = base::steadyNow();
    if (now >= end || impl_->stopped) return false;
    const auto wake = std::min(end, now + kConditionPeriod);
    guarded(*impl_, [&] { return impl_->io.run_one_until(wake); });
  }
  return true;
}

struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  explicit Impl(EventLoop& loop) : timer(ioOf(loop)) {}

  void wait() {
    timer.async_wait([self = shared_from_this(), mine = generation](ErrorCode) {
      // The generation, not the error, decides: an expiry already queued when the timer was restarted
      // or stopped carries no error.
      if (self->generation == mine) self->expire();
    });
  }

  void expire() {
    if (period.count() == 0) {
      armed = false;
      EventLoop::Task task = std::move(once);
      task();
      return;
    }
    const std::uint64_t mine = generation;
    std::function<void()> task = std::move(repeated);
    task();
    if (generation != mine) return;  // Restarted, stopped or destroyed inside its own callback.
    repeated = std::move(task);
    timer.expires_at(std::max(timer.expiry() + period, base::steadyNow()));
    wait();
  }

  void clear() {
    ++generation;
    armed = false;
    timer.cancel();
    // Destroyed last: a task may own what owns this timer.
    const EventLoop::Task oldOnce = std::move(once);
    const std::function<void()> oldRepeated = std::move(repeated);
  }

  asio::steady_timer timer;
  std::uint64_t generation = 0;
  bool armed = false;
  base::Millis period{0};
  EventLoop::Task once;
  std::function<void()> repeated;
};

Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}

Timer::~Timer() { impl_->clear(); }

void Timer::start(base::Millis after, EventLoop::Task task) {
  const auto impl = impl_;  // Clearing may destroy what owns this timer.
  impl->clear();
  impl->armed = true;
  impl->period = base::Millis{0};
  impl->once = std::move(task);
  impl->timer.expires_after(after);
  impl->wait();
}

void Timer::startEvery(base::Millis period, std::function<void()> task) {
  const auto impl = impl_;
  impl->clear();
  impl->armed = true;
  impl->period = std::max(period, base::Millis{1});
  impl->repeated = std::move(task);
  impl->timer.expires_after(impl->period);
  impl->wait();
}

void Timer::stop() {
  const auto impl = impl_;
  impl->clear();
}

bool Timer::running() const { return impl_->armed; }

namespace {
void awaitSignal(asio::signal_set& signals, std::function<void(int)> handler) {
  signals.async_wait([&signals, call = std::move(handler)](ErrorCode error, int signal) mutable {
    if (error) return;
    call(signal);
    awaitSignal(signals, std::move(call));
  });
}
}  // namespace

void onTerminationSignals(EventLoop& loop, std::function<void(int signal)> handler) {
  auto& signals = loop.impl().signals;
  signals = std::make_unique<asio::signal_set>(ioOf(loop), SIGTERM, SIGINT);
  awaitSignal(*signals, std::move(handler));
}

void onHangUp(EventLoop& loop, std::function<void()> handler) {
  auto& signals = loop.impl().hangUps;
  signals = std::make_unique<asio::signal_set>(ioOf(loop), SIGHUP);
  awaitSignal(*signals, [call = std::move(handler)](int) { call(); });
}

}  // namespace parley::net
