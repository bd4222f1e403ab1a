#include "trust/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

namespace parley::trust {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }
  bool ok() const { return value_ >= 0; }

 private:
  int value_;
};

std::unexpected<base::Error> failWithErrno(const char* reason, const std::string& path) {
  const int error = errno;
  return base::fail(reason, fmt::format("{}: {}", path, std::generic_category().message(error)));
}

bool writeAll(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

base::Result<std::optional<std::string>> readFile(const std::string& path, std::size_t most) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) {
    if (errno == ENOENT) return std::optional<std::string>{};
    return failWithErrno("trust.unreadable", path);
  }
  std::string content;
  char part[4096];
  for (;;) {
    const ssize_t count = ::read(file.get(), part, sizeof part);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failWithErrno("trust.unreadable", path);
    if (count == 0) return std::optional(std::move(content));
    content.append(part, static_cast<std::size_t>(count));
    if (content.size() > most) {
      return base::fail("trust.unreadable", fmt::format("{}: longer than {} bytes", path, most));
    }
  }
}

base::Result<std::string> readAuthorities(const std::string& file) {
  if (file.empty()) return std::string();
  constexpr std::size_t kMost = 4 * 1024 * 1024;  // A system's whole bundle has some hundred kilobytes.
  auto read = readFile(file, kMost);
  if (!read) return base::fail("server.bad_authorities", read.error().text);
  if (!*read) return base::fail("server.bad_authorities", file + " does not exist");
  if ((*read)->empty()) return base::fail("server.bad_authorities", file + " is empty");
  return std::move(**read);
}

base::Result<void> replaceFile(const std::string& path, std::string_view content) {
  std::string temporary = path + ".new.XXXXXX";  // mkstemp makes it 0600.
  {
    const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file.ok()) return failWithErrno("trust.unwritable", path);
    if (!writeAll(file.get(), content) || ::fsync(file.get()) != 0) {
      auto failure = failWithErrno("trust.unwritable", path);
      ::unlink(temporary.c_str());
      return failure;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = failWithErrno("trust.unwritable", path);
    ::unlink(temporary.c_str());
    return failure;
  }
  return {};
}

base::Result<void> makeDirectory(const std::string& path) {
  if (path.empty()) return base::fail("trust.state_directory", "the state folder has an empty name");
  std::error_code error;
  const std::filesystem::path folder(path);
  if (std::filesystem::is_directory(folder, error)) return {};
  if (const auto above = folder.parent_path(); !above.empty() && above != folder) {
    std::filesystem::create_directories(above, error);
    if (error) return base::fail("trust.state_directory", fmt::format("{}: {}", path, error.message()));
  }
  // Another program may have been faster: EEXIST is success if what exists is a folder.
  if (::mkdir(path.c_str(), 0700) != 0 &&
      !(errno == EEXIST && std::filesystem::is_directory(folder, error))) {
    return failWithErrno("trust.state_directory", path);
  }
  return {};
}

base::Result<FileLock> FileLock::take(const std::string& path, base::Millis limit) {
  // flock() belongs to the open file, not to the process: it holds between threads, too.
  FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.descriptor_ < 0) return failWithErrno("trust.unwritable", path);
  const auto deadline = base::steadyNow() + limit;
  while (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failWithErrno("trust.unwritable", path);
    if (base::steadyNow() >= deadline) {
      return base::fail("trust.locked",
                        fmt::format("{}: held by another program for {} ms", path, limit.count()));
    }
    std::this_thread::sleep_for(base::Millis{20});
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);  // Gives the lock back.
}

}  // namespace parley::trust
