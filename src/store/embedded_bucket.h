// A bucket of the embedded store: a map in memory, written through to SQLite when durable.
#pragma once
#include <list>
#include <map>

#include "base/affinity.h"
#include "base/guard.h"
#include "store/sqlite_file.h"
#include "store/store.h"

namespace parley::store {

constexpr std::size_t kMaxValueBytes = 256 * 1024;
bool isKey(std::string_view key);

class EmbeddedBucket final : public Bucket {
 public:
  /// `file` is null for a bucket in memory. What was loaded counts with its old age.
  EmbeddedBucket(net::EventLoop& loop, std::string name, BucketOptions options,
                 std::shared_ptr<SqliteFile> file);

  void get(std::string key, std::function<void(base::Result<Entry>)> done) override;
  void put(std::string key, std::string value, std::function<void(base::Result<Revision>)> done) override;
  void compareAndSet(std::string key, std::string value, Revision expected,
                     std::function<void(base::Result<Revision>)> done) override;
  void remove(std::string key, std::function<void(base::Result<void>)> done) override;
  void list(std::string prefix, std::function<void(base::Result<std::vector<Entry>>)> done) override;
  std::unique_ptr<Subscription> watch(std::string prefix,
                                      std::function<void(const Change&)> changed) override;

 private:
  struct Stored {
    std::string value;
    Revision revision = 0;
    base::Instant writtenAt{};
    std::list<std::string>::iterator age;  // Valid only with a time to live.
  };
  struct Watcher;
  class Watch;

  void load();
  void keep(const std::string& key, std::string value, Revision revision, base::Instant writtenAt);
  base::Result<Revision> write(const std::string& key, std::string value, std::optional<Revision> expected);
  base::Result<void> erase(const std::string& key);
  void expire();
  void tell(const Change& change);

  net::EventLoop& loop_;
  const std::string name_;
  const BucketOptions options_;
  std::shared_ptr<SqliteFile> file_;
  std::map<std::string, Stored, std::less<>> entries_;
  std::list<std::string> byAge_;  // Keys, longest unwritten first; only with a time to live.
  Revision last_ = 0;
  std::list<std::shared_ptr<Watcher>> watchers_;
  std::optional<base::Error> broken_;  // The durable part could not be read.
  net::Timer expiry_;
  base::ThreadAffinity affinity_;
};

}  // namespace parley::store
