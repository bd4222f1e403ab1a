#include "store/embedded_bucket.h"

#include <fmt/format.h>

#include <algorithm>

namespace parley::store {
namespace {

constexpr std::size_t kMaxKeyBytes = 200;

base::Result<void> checkKey(const std::string& key) {
  if (isKey(key)) return {};
  return base::fail("store.bad_key", "a key is 1 to 200 characters of A-Z a-z 0-9 _ . -");
}

}  // namespace

bool isKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

// It may end itself inside its own callback: callers run a copy of `changed`.
struct EmbeddedBucket::Watcher {
  std::string prefix;
  std::function<void(const Change&)> changed;
  bool alive = true;
};

class EmbeddedBucket::Watch final : public Subscription {
 public:
  explicit Watch(std::shared_ptr<Watcher> watcher) : watcher_(std::move(watcher)) {}
  ~Watch() override {
    watcher_->alive = false;
    watcher_->changed = nullptr;
  }

 private:
  std::shared_ptr<Watcher> watcher_;
};

EmbeddedBucket::EmbeddedBucket(net::EventLoop& loop, std::string name, BucketOptions options,
                               std::shared_ptr<SqliteFile> file)
    : loop_(loop), name_(std::move(name)), options_(options), file_(std::move(file)), expiry_(loop) {
  if (file_) load();
}

void EmbeddedBucket::load() {
  const base::Instant now = base::steadyNow();
  const std::int64_t wall = base::millisOf(base::wallNow());
  const auto loaded = file_->load(name_, [&](SqliteFile::Row row) {
    const auto age = base::Millis{std::max<std::int64_t>(0, wall - row.writtenAt)};
    last_ = std::max(last_, row.revision);
    keep(row.key, std::move(row.value), row.revision, now - age);
  });
  const auto last = file_->lastRevision(name_);
  if (last) last_ = std::max(last_, *last);
  if (!loaded) broken_ = loaded.error();
  if (!last) broken_ = last.error();
  expire();
}

void EmbeddedBucket::keep(const std::string& key, std::string value, Revision revision,
                          base::Instant writtenAt) {
  auto [at, isNew] = entries_.try_emplace(key);
  at->second.value = std::move(value);
  at->second.revision = revision;
  at->second.writtenAt = writtenAt;
  if (options_.timeToLive.count() == 0) return;
  if (!isNew) byAge_.erase(at->second.age);
  at->second.age = byAge_.insert(byAge_.end(), key);
}

void EmbeddedBucket::expire() {
  if (options_.timeToLive.count() == 0) return;
  const base::Instant now = base::steadyNow();
  while (!byAge_.empty()) {
    const auto oldest = entries_.find(byAge_.front());
    const base::Instant due = oldest->second.writtenAt + options_.timeToLive;
    if (due > now) {
      if (!expiry_.running()) {
        expiry_.start(std::chrono::ceil<base::Millis>(due - now), [this] { expire(); });
      }
      return;
    }
    // A failing erase leaves a row that expires again after the next start.
    if (file_) static_cast<void>(file_->erase(name_, oldest->first, last_));
    byAge_.pop_front();
    entries_.erase(oldest);
  }
}

base::Result<Revision> EmbeddedBucket::write(const std::string& key, std::string value,
                                             std::optional<Revision> expected) {
  if (broken_) return std::unexpected(*broken_);
  if (auto checked = checkKey(key); !checked) return std::unexpected(checked.error());
  if (value.size() > kMaxValueBytes) {
    return base::fail("store.too_large",
                      fmt::format("a value is at most {} bytes, not {}", kMaxValueBytes, value.size()));
  }
  expire();
  const auto at = entries_.find(key);
  const Revision current = at == entries_.end() ? 0 : at->second.revision;
  if (expected && *expected != current) {
    return base::fail("store.conflict", fmt::format("revision is {}, not {}", current, *expected));
  }
  if (current == 0 && entries_.size() >= options_.maxEntries) {
    return base::fail("store.full", fmt::format("{} has {} entries", name_, entries_.size()));
  }
  if (file_) {
    const SqliteFile::Row row{key, value, last_ + 1, base::millisOf(base::wallNow())};
    if (auto written = file_->write(name_, row); !written) return std::unexpected(written.error());
  }
  ++last_;
  tell({key, value, last_});
  keep(key, std::move(value), last_, base::steadyNow());
  expire();
  return last_;
}

base::Result<void> EmbeddedBucket::erase(const std::string& key) {
  if (broken_) return std::unexpected(*broken_);
  expire();
  const auto at = entries_.find(key);
  if (at == entries_.end()) return base::fail("store.not_found", "no such key");
  if (file_) {
    if (auto erased = file_->erase(name_, key, last_ + 1); !erased) return erased;
  }
  ++last_;
  if (options_.timeToLive.count() != 0) byAge_.erase(at->second.age);
  entries_.erase(at);
  tell({key, std::nullopt, last_});
  return {};
}

void EmbeddedBucket::get(std::string key, std::function<void(base::Result<Entry>)> done) {
  affinity_.assertHere();
  expire();
  base::Result<Entry> result = base::fail("store.not_found", "no such key");
  const auto at = entries_.find(key);
  if (broken_) {
    result = std::unexpected(*broken_);
  } else if (at != entries_.end()) {
    result = Entry{key, at->second.value, at->second.revision};
  }
  loop_.post([done = std::move(done), result = std::move(result)] { done(result); });
}

void EmbeddedBucket::put(std::string key, std::string value,
                         std::function<void(base::Result<Revision>)> done) {
  affinity_.assertHere();
  loop_.post([done = std::move(done), result = write(key, std::move(value), {})] { done(result); });
}

void EmbeddedBucket::compareAndSet(std::string key, std::string value, Revision expected,
                                   std::function<void(base::Result<Revision>)> done) {
  affinity_.assertHere();
  loop_.post([done = std::move(done), result = write(key, std::move(value), expected)] { done(result); });
}

void EmbeddedBucket::remove(std::string key, std::function<void(base::Result<void>)> done) {
  affinity_.assertHere();
  loop_.post([done = std::move(done), result = erase(key)] { done(result); });
}

void EmbeddedBucket::list(std::string prefix, std::function<void(base::Result<std::vector<Entry>>)> done) {
  affinity_.assertHere();
  expire();
  std::vector<Entry> found;
  for (auto at = entries_.lower_bound(prefix); at != entries_.end() && at->first.starts_with(prefix); ++at) {
    found.push_back({at->first, at->second.value, at->second.revision});
  }
  base::Result<std::vector<Entry>> result = std::move(found);
  if (broken_) result = std::unexpected(*broken_);
  loop_.post([done = std::move(done), result = std::move(result)] { done(result); });
}

std::unique_ptr<Subscription> EmbeddedBucket::watch(std::string prefix,
                                                    std::function<void(const Change&)> changed) {
  affinity_.assertHere();
  expire();
  auto watcher = std::make_shared<Watcher>(Watcher{std::move(prefix), std::move(changed)});
  const std::string& from = watcher->prefix;
  for (auto at = entries_.lower_bound(from); at != entries_.end() && at->first.starts_with(from); ++at) {
    loop_.post([watcher, change = Change{at->first, at->second.value, at->second.revision}] {
      if (watcher->alive) std::function(watcher->changed)(change);
    });
  }
  watchers_.push_back(watcher);
  return std::make_unique<Watch>(std::move(watcher));
}

void EmbeddedBucket::tell(const Change& change) {
  std::erase_if(watchers_, [](const auto& watcher) { return !watcher->alive; });
  for (const auto& watcher : watchers_) {
    if (!change.key.starts_with(watcher->prefix)) continue;
    loop_.post([watcher, change] {
      if (watcher->alive) std::function(watcher->changed)(change);
    });
  }
}

}  // namespace parley::store
