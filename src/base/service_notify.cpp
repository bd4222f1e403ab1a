#include "base/service_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace parley::base {
namespace {

std::string oneLine(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return line;
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody changes it.
  return value != nullptr ? value : "";
}

ServiceNotifier::ServiceNotifier() : socket_(environment("NOTIFY_SOCKET")) {
  if (socket_.size() >= sizeof(sockaddr_un{}.sun_path) ||
      (!socket_.empty() && socket_[0] != '/' && socket_[0] != '@')) {
    socket_.clear();
  }
  const auto limit = parseNumber<std::int64_t>(environment("WATCHDOG_USEC"));
  const std::string forProcess = environment("WATCHDOG_PID");
  if (limit && *limit > 0 && (forProcess.empty() || parseNumber<pid_t>(forProcess) == ::getpid())) {
    aliveEvery_ = std::max(Millis{1}, std::chrono::duration_cast<Millis>(Micros{*limit / 2}));
  }
}

void ServiceNotifier::ready(std::string_view status) const { send("READY=1\nSTATUS=" + oneLine(status)); }
void ServiceNotifier::stopping(std::string_view status, Millis limit) const {
  send("STOPPING=1\nSTATUS=" + oneLine(status) +
       "\nEXTEND_TIMEOUT_USEC=" + std::to_string(std::chrono::duration_cast<Micros>(limit).count()));
}
void ServiceNotifier::alive() const { send("WATCHDOG=1"); }

void ServiceNotifier::send(const std::string& message) const {
  if (socket_.empty()) return;
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';  // Abstract name.
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  ::sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), length);
  ::close(descriptor);
}

}  // namespace parley::base
