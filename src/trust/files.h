// Files of the state folder: read with a bound, replaced as a whole, serialised by a lock file. Blocking.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace parley::trust {

constexpr std::size_t kMaxFileBytes = 256 * 1024;

/// The whole file; nothing when it does not exist. Error "trust.unreadable" (also when larger than `most`, or
/// a folder).
base::Result<std::optional<std::string>> readFile(const std::string& path, std::size_t most = kMaxFileBytes);

/// The authorities (PEM) in a file; nothing where no file is named. Error: server.bad_authorities (also an
/// empty one).
base::Result<std::string> readAuthorities(const std::string& file);

/// Puts a complete new file (mode 0600) in place of the old one, which a reader sees until then.
/// Error "trust.unwritable".
base::Result<void> replaceFile(const std::string& path, std::string_view content);

/// Creates the folder and those above it, mode 0700. Error "trust.state_directory".
base::Result<void> makeDirectory(const std::string& path);

/// Holds an exclusive lock between processes and between threads of one. Waits at most `limit`.
class FileLock {
 public:
  /// Error "trust.locked" when another holds it for `limit`, "trust.unwritable".
  static base::Result<FileLock> take(const std::string& path, base::Millis limit);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace parley::trust
