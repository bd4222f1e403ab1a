// One thread's event loop. Everything built on a loop is touched by that loop's thread only.
//
// Guarantees: tasks posted from one thread run in that order; a task posted after stop() is dropped
// unrun; run() returns after stop() and the running handler. Handlers must not throw: an exception ends
// the process with a log line.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/time.h"

namespace parley::net {

class EventLoop {
 public:
  using Task = std::move_only_function<void()>;

  explicit EventLoop(std::string name);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();            ///< On the loop's own thread; returns after stop().
  void stop();           ///< From any thread; idempotent.
  void post(Task task);  ///< From any thread; never runs the task inside the call.
  bool onLoop() const;   ///< True on the thread inside run().
  base::Instant now() const;
  const std::string& name() const;

  /// Test hook: runs what is ready, without waiting; true if anything ran. Not together with run().
  bool poll();
  /// Test hook: runs until `done()` or the deadline; true if done.
  bool runUntil(const std::function<bool()>& done, base::Millis deadline);

  struct Impl;
  Impl& impl() { return *impl_; }  ///< For net/ only.

 private:
  std::unique_ptr<Impl> impl_;
};

/// Belongs to a loop and its thread. Destroying or restarting it voids a pending expiry for certain,
/// even one that is already due. May be restarted or destroyed inside its own callback.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(base::Millis after, EventLoop::Task task);              ///< Once.
  void startEvery(base::Millis period, std::function<void()> task);  ///< First after one period.
  void stop();
  bool running() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Threads for CPU-heavy work (password hashing, file packing). Bounded queue.
class WorkPool {
 public:
  WorkPool(std::string name, unsigned threads, std::size_t maxQueued);
  ~WorkPool();  ///< Finishes the running work, drops the queued.
  /// Runs `work` on the pool, then posts `done` to `loop`. False (nothing will run) when the queue is full.
  bool submit(EventLoop::Task work, EventLoop& loop, EventLoop::Task done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// SIGTERM and SIGINT call `handler` on the loop (first and every further one). One per process.
void onTerminationSignals(EventLoop& loop, std::function<void(int signal)> handler);
/// SIGHUP calls `handler` on the loop, each time. One per process.
void onHangUp(EventLoop& loop, std::function<void()> handler);

}  // namespace parley::net
