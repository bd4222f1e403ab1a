#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "net/event_loop.h"

namespace parley::net {

struct WorkPool::Impl {
  struct Job {
    EventLoop::Task work;
    EventLoop* loop;
    EventLoop::Task done;
  };

  void runThread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) return;
      Job job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job.work();
      job.work = nullptr;
      job.loop->post(std::move(job.done));
      lock.lock();
    }
  }

  std::size_t maxQueued = 0;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::deque<Job> queue;
  std::vector<std::thread> threads;
};

WorkPool::WorkPool(std::string name, unsigned threads, std::size_t maxQueued)
    : impl_(std::make_unique<Impl>()) {
  impl_->maxQueued = maxQueued;
  for (unsigned i = 0; i < std::max(threads, 1u); ++i) {
    impl_->threads.emplace_back([impl = impl_.get(), name] { impl->runThread(name); });
  }
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

bool WorkPool::submit(EventLoop::Task work, EventLoop& loop, EventLoop::Task done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->queue.size() >= impl_->maxQueued) return false;
    impl_->queue.push_back({std::move(work), &loop, std::move(done)});
  }
  impl_->changed.notify_one();
  return true;
}

}  // namespace parley::net
