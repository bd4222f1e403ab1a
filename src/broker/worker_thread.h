// A worker with its thread. The main loop's side: requests are posted, nothing of the worker is touched.
#pragma once
#include <memory>
#include <optional>
#include <thread>

#include "base/result.h"
#include "broker/worker.h"
#include "net/event_loop.h"

namespace parley::broker {

class WorkerThread {
 public:
  /// Binds the ports and starts the thread. Error: net.bind_failed. `emit` runs on the worker's thread.
  static base::Result<std::unique_ptr<WorkerThread>> start(WorkerOptions options, EmitEvent emit);
  ~WorkerThread();  ///< stop(), and everything on the worker is gone.

  /// Runs `task` on the worker. Dropped when the worker stopped.
  void post(std::move_only_function<void(Worker&)> task);
  std::uint16_t port() const { return port_; }
  std::optional<base::Micros> cpuTime() const;  ///< Of the thread so far.
  /// Counts up while the loop runs.
  std::uint64_t beats() const { return metrics_.beats(); }
  void stop();  ///< Ends the thread and waits for it. Idempotent.

 private:
  explicit WorkerThread(unsigned index);
  WorkerMetrics metrics_;  ///< The same cells as the worker's; only beats() is read.
  net::EventLoop loop_;
  std::unique_ptr<Worker> worker_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace parley::broker
