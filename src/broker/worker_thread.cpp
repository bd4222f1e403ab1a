#include "broker/worker_thread.h"

#include <pthread.h>

#include <ctime>
#include <string>

namespace parley::broker {

base::Result<std::unique_ptr<WorkerThread>> WorkerThread::start(WorkerOptions options, EmitEvent emit) {
  std::unique_ptr<WorkerThread> self(new WorkerThread(options.index));
  auto worker = Worker::open(self->loop_, std::move(options), std::move(emit));
  if (!worker) return std::unexpected(worker.error());
  self->worker_ = std::move(*worker);
  self->port_ = self->worker_->port();
  self->thread_ = std::thread([loop = &self->loop_] {
    ::pthread_setname_np(::pthread_self(), loop->name().c_str());
    loop->run();
  });
  return self;
}

WorkerThread::WorkerThread(unsigned index) : metrics_(index), loop_("media" + std::to_string(index)) {}

WorkerThread::~WorkerThread() { stop(); }

void WorkerThread::post(std::move_only_function<void(Worker&)> task) {
  loop_.post([worker = worker_.get(), task = std::move(task)]() mutable { task(*worker); });
}

std::optional<base::Micros> WorkerThread::cpuTime() const {
  clockid_t clock{};
  timespec used{};
  auto& thread = const_cast<std::thread&>(thread_);
  if (!thread.joinable() || ::pthread_getcpuclockid(thread.native_handle(), &clock) != 0) return std::nullopt;
  if (::clock_gettime(clock, &used) != 0) return std::nullopt;
  return base::Micros{std::int64_t{used.tv_sec} * 1'000'000 + used.tv_nsec / 1000};
}

void WorkerThread::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace parley::broker
