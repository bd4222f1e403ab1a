// The store of a single machine: everything in this process, durable buckets in one SQLite file.
#include <algorithm>

#include "base/check.h"
#include "store/embedded_bucket.h"

namespace parley::store {
namespace {

constexpr std::size_t kMaxLeases = 10'000;

struct Subscriber {
  std::string subject;
  std::function<void(const std::string&, const std::string&)> got;
  bool alive = true;

  bool wants(std::string_view published) const {
    if (!subject.ends_with(".*")) return published == subject;
    const std::string_view stem = std::string_view(subject).substr(0, subject.size() - 1);
    return published.starts_with(stem) && published.size() > stem.size() &&
           published.find('.', stem.size()) == std::string_view::npos;
  }
};

class SubjectSubscription final : public Subscription {
 public:
  explicit SubjectSubscription(std::shared_ptr<Subscriber> subscriber) : subscriber_(std::move(subscriber)) {}
  ~SubjectSubscription() override {
    subscriber_->alive = false;
    subscriber_->got = nullptr;
  }

 private:
  std::shared_ptr<Subscriber> subscriber_;
};

class EmbeddedStore final : public Store {
 public:
  EmbeddedStore(net::EventLoop& loop, std::shared_ptr<SqliteFile> file)
      : loop_(loop), file_(std::move(file)) {}

  std::shared_ptr<Bucket> bucket(const std::string& name, const BucketOptions& options) override {
    affinity_.assertHere();
    PARLEY_CHECK(isKey(name));
    auto& bucket = buckets_[name];
    if (!bucket) {
      bucket = std::make_shared<EmbeddedBucket>(loop_, name, options, options.durable ? file_ : nullptr);
    }
    return bucket;
  }

  void publish(std::string subject, std::string message) override {
    affinity_.assertHere();
    std::erase_if(subscribers_, [](const auto& subscriber) { return !subscriber->alive; });
    for (const auto& subscriber : subscribers_) {
      if (!subscriber->wants(subject)) continue;
      loop_.post([subscriber, subject, message] {
        if (!subscriber->alive) return;
        const auto call = subscriber->got;  // It may end its own subscription.
        call(subject, message);
      });
    }
  }

  std::unique_ptr<Subscription> subscribe(
      std::string subject, std::function<void(const std::string&, const std::string&)> got) override {
    affinity_.assertHere();
    auto subscriber = std::make_shared<Subscriber>(Subscriber{std::move(subject), std::move(got)});
    subscribers_.push_back(subscriber);
    return std::make_unique<SubjectSubscription>(std::move(subscriber));
  }

  void acquire(std::string name, std::string holder, base::Millis term,
               std::function<void(base::Result<bool>)> done) override {
    affinity_.assertHere();
    base::Result<bool> result = take(name, holder, term);
    loop_.post([done = std::move(done), result = std::move(result)] { done(result); });
  }

  void release(std::string name, std::string holder) override {
    affinity_.assertHere();
    const auto at = leases_.find(name);
    if (at != leases_.end() && at->second.holder == holder) leases_.erase(at);
  }

 private:
  struct Lease {
    std::string holder;
    base::Instant until{};
  };

  base::Result<bool> take(const std::string& name, const std::string& holder, base::Millis term) {
    if (!isKey(name)) return base::fail("store.bad_key", "not a lease name");
    const base::Instant now = base::steadyNow();
    const auto at = leases_.find(name);
    if (at != leases_.end() && at->second.until > now && at->second.holder != holder) return false;
    if (at == leases_.end() && leases_.size() >= kMaxLeases) {
      std::erase_if(leases_, [now](const auto& lease) { return lease.second.until <= now; });
      if (leases_.size() >= kMaxLeases) return base::fail("store.full", "too many leases");
    }
    leases_[name] = {holder, now + term};
    return true;
  }

  net::EventLoop& loop_;
  std::shared_ptr<SqliteFile> file_;
  std::map<std::string, std::shared_ptr<EmbeddedBucket>> buckets_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  std::map<std::string, Lease> leases_;
  base::ThreadAffinity affinity_;
};

}  // namespace

base::Result<std::unique_ptr<Store>> openEmbeddedStore(net::EventLoop& loop, const std::string& file) {
  auto opened = SqliteFile::open(file);
  if (!opened) return std::unexpected(opened.error());
  return std::make_unique<EmbeddedStore>(loop, std::move(*opened));
}

}  // namespace parley::store
