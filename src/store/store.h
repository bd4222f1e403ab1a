// State that outlives a process or a node (design decision 6). Two implementations will exist, embedded and
// NATS JetStream; this interface is what both can promise, tested by one conformance test. Small on purpose.
//
// Everything is asynchronous; callbacks come on the loop that owns the store object, never inside the call.
// Values are opaque bytes ≤ 256 KiB, keys are [A-Za-z0-9_.-]{1,200} within a bucket.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/event_loop.h"

namespace parley::store {

/// Rises with each change of a key; 0 = the key does not exist.
using Revision = std::uint64_t;

struct Entry {
  std::string key;
  std::string value;
  Revision revision = 0;
};

struct BucketOptions {
  /// Entries vanish this long after their last write; 0 = never. Watchers are not told of expiry.
  base::Millis timeToLive{0};
  bool durable = false;  ///< Survives a restart of the process (SQLite here); else memory.
  std::size_t maxEntries = 100'000;
};

/// A change seen by watch(): value absent = deleted.
struct Change {
  std::string key;
  std::optional<std::string> value;
  Revision revision = 0;
};

/// Ends the watch or subscription when destroyed; no callback afterwards.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

/// Errors: store.conflict (revision differs), store.not_found, store.full, store.too_large, store.bad_key,
/// store.unavailable.
class Bucket {
 public:
  virtual ~Bucket() = default;
  virtual void get(std::string key, std::function<void(base::Result<Entry>)> done) = 0;
  virtual void put(std::string key, std::string value, std::function<void(base::Result<Revision>)> done) = 0;
  /// Only if the current revision is `expected` (0: only if absent).
  virtual void compareAndSet(std::string key, std::string value, Revision expected,
                             std::function<void(base::Result<Revision>)> done) = 0;
  virtual void remove(std::string key, std::function<void(base::Result<void>)> done) = 0;
  virtual void list(std::string prefix, std::function<void(base::Result<std::vector<Entry>>)> done) = 0;
  /// All present entries with the prefix first, then each change, in order per key.
  virtual std::unique_ptr<Subscription> watch(std::string prefix,
                                              std::function<void(const Change&)> changed) = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  /// The same name gives the same bucket; the options of the first call count.
  virtual std::shared_ptr<Bucket> bucket(const std::string& name, const BucketOptions& options) = 0;
  virtual void publish(std::string subject, std::string message) = 0;
  /// Exact subject, or "a.b.*" for one last token. No delivery to subscribers that come later.
  virtual std::unique_ptr<Subscription> subscribe(
      std::string subject,
      std::function<void(const std::string& subject, const std::string& message)> got) = 0;
  /// Takes or renews the lease `name` for `holder`; false: someone else holds it. Ends by itself after
  /// `term`.
  virtual void acquire(std::string name, std::string holder, base::Millis term,
                       std::function<void(base::Result<bool>)> done) = 0;
  virtual void release(std::string name, std::string holder) = 0;
};

/// `file`: SQLite database for durable buckets; ":memory:" for tests. Error: store.open_failed.
base::Result<std::unique_ptr<Store>> openEmbeddedStore(net::EventLoop& loop, const std::string& file);

}  // namespace parley::store
