#include "store/sqlite_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace parley::store {
namespace {

constexpr int kBusyMillis = 5'000;

/// One prepared statement; binds by position, forgets itself at the end.
class Statement {
 public:
  Statement(sqlite3* handle, const char* sql) : handle_(handle) {
    ok_ = sqlite3_prepare_v2(handle, sql, -1, &statement_, nullptr) == SQLITE_OK;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(const std::string& text) {
    ok_ = ok_ && sqlite3_bind_blob64(statement_, ++at_, text.data(), text.size(), SQLITE_STATIC) == SQLITE_OK;
    return *this;
  }
  Statement& bind(std::int64_t number) {
    ok_ = ok_ && sqlite3_bind_int64(statement_, ++at_, number) == SQLITE_OK;
    return *this;
  }
  /// True while there is a row.
  bool next() {
    if (!ok_) return false;
    const int result = sqlite3_step(statement_);
    ok_ = result == SQLITE_ROW || result == SQLITE_DONE;
    return result == SQLITE_ROW;
  }
  std::string text(int column) {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::string() : std::string(data, size);
  }
  std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }
  base::Result<void> result() const {
    if (ok_) return {};
    return base::fail("store.unavailable", fmt::format("SQLite: {}", sqlite3_errmsg(handle_)));
  }

 private:
  sqlite3* handle_;
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
  bool ok_ = false;
};

// NORMAL with a write-ahead log: an acknowledged write survives the end of the process, not always a
// power cut; FULL would hold the loop for a disk flush at each write. What is removed is overwritten.
constexpr const char* kSchema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
    "CREATE TABLE IF NOT EXISTS entries (bucket BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " revision INTEGER NOT NULL, written_at INTEGER NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS buckets (bucket BLOB PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;";

base::Result<void> touchPrivate(const std::string& file) {
  if (file == ":memory:") return {};
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return base::fail("store.open_failed",
                      fmt::format("{}: {}", file, std::system_category().message(errno)));
  }
  ::close(descriptor);
  return {};
}

}  // namespace

base::Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& file) {
  if (auto touched = touchPrivate(file); !touched) return std::unexpected(touched.error());
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(
      file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  auto made = std::make_unique<SqliteFile>(handle);
  if (opened == SQLITE_OK) sqlite3_busy_timeout(handle, kBusyMillis);
  if (opened != SQLITE_OK || sqlite3_exec(handle, kSchema, nullptr, nullptr, nullptr) != SQLITE_OK) {
    const char* problem = handle != nullptr ? sqlite3_errmsg(handle) : "out of memory";
    return base::fail("store.open_failed", fmt::format("{}: {}", file, problem));
  }
  return made;
}

SqliteFile::~SqliteFile() { sqlite3_close_v2(handle_); }

base::Result<void> SqliteFile::load(const std::string& bucket, const std::function<void(Row)>& each) {
  Statement statement(
      handle_, "SELECT key, value, revision, written_at FROM entries WHERE bucket = ? ORDER BY revision");
  statement.bind(bucket);
  while (statement.next()) {
    each({statement.text(0), statement.text(1), static_cast<Revision>(statement.number(2)),
          statement.number(3)});
  }
  return statement.result();
}

base::Result<Revision> SqliteFile::lastRevision(const std::string& bucket) {
  Statement statement(handle_, "SELECT revision FROM buckets WHERE bucket = ?");
  statement.bind(bucket);
  const Revision last = statement.next() ? static_cast<Revision>(statement.number(0)) : 0;
  if (auto result = statement.result(); !result) return std::unexpected(result.error());
  return last;
}

base::Result<void> SqliteFile::write(const std::string& bucket, const Row& row) {
  Statement statement(handle_,
                      "INSERT OR REPLACE INTO entries (bucket, key, value, revision, written_at)"
                      " VALUES (?, ?, ?, ?, ?)");
  statement.bind(bucket).bind(row.key).bind(row.value);
  statement.bind(static_cast<std::int64_t>(row.revision)).bind(row.writtenAt).next();
  return statement.result();
}

base::Result<void> SqliteFile::erase(const std::string& bucket, const std::string& key, Revision revision) {
  // The revision first: a crash between the two leaves the entry, never a revision that repeats.
  Statement note(handle_, "INSERT OR REPLACE INTO buckets (bucket, revision) VALUES (?, ?)");
  note.bind(bucket).bind(static_cast<std::int64_t>(revision)).next();
  if (auto result = note.result(); !result) return result;
  Statement statement(handle_, "DELETE FROM entries WHERE bucket = ? AND key = ?");
  statement.bind(bucket).bind(key).next();
  return statement.result();
}

}  // namespace parley::store
