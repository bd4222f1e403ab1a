// The durable half of the embedded store: one SQLite file, one row per entry. Blocking, owner's thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/store.h"

struct sqlite3;

namespace parley::store {

class SqliteFile {
 public:
  /// Opens or makes the file (0600). Error: store.open_failed.
  static base::Result<std::unique_ptr<SqliteFile>> open(const std::string& file);
  explicit SqliteFile(sqlite3* handle) : handle_(handle) {}  ///< Takes the handle over; see open().
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  struct Row {
    std::string key;
    std::string value;
    Revision revision = 0;
    std::int64_t writtenAt = 0;  ///< Milliseconds since 1970.
  };
  /// All rows of a bucket, oldest revision first. Error: store.unavailable.
  base::Result<void> load(const std::string& bucket, const std::function<void(Row)>& each);
  /// The highest revision a bucket ever had, so that a key made again does not repeat one.
  base::Result<Revision> lastRevision(const std::string& bucket);
  base::Result<void> write(const std::string& bucket, const Row& row);
  base::Result<void> erase(const std::string& bucket, const std::string& key, Revision revision);

 private:
  sqlite3* handle_;
};

}  // namespace parley::store
