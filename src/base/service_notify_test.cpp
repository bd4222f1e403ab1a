#include "base/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace parley::base {
namespace {

class ServiceNotify : public testing::Test {
 protected:
  ServiceNotify() {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-notify-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/socket";
    manager_ = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::bind(manager_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~ServiceNotify() override {
    ::close(manager_);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    std::filesystem::remove_all(directory_);
  }
  std::string received() {
    char text[512];
    const ssize_t count = ::recv(manager_, text, sizeof text, MSG_DONTWAIT);
    return count < 0 ? "(nothing)" : std::string(text, static_cast<std::size_t>(count));
  }
  std::string directory_, path_;
  int manager_ = -1;
};

TEST_F(ServiceNotify, TellsTheManager) {
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  const ServiceNotifier notifier;
  notifier.ready("serving\nREADY=0");
  EXPECT_EQ(received(), "READY=1\nSTATUS=serving READY=0");
  notifier.alive();
  EXPECT_EQ(received(), "WATCHDOG=1");
  notifier.stopping("draining", std::chrono::minutes(5));
  EXPECT_EQ(received(), "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=300000000");
}

TEST_F(ServiceNotify, IsSilentWithoutAManagerOrWithANonsenseSocket) {
  ServiceNotifier().ready("x");
  EXPECT_EQ(received(), "(nothing)");
  ::setenv("NOTIFY_SOCKET", std::string(500, '/').c_str(), 1);
  ServiceNotifier().ready("x");
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  ServiceNotifier().ready("x");
  EXPECT_EQ(received(), "(nothing)");
}

TEST_F(ServiceNotify, WatchdogIsForThisProcessOnly) {
  EXPECT_EQ(ServiceNotifier().aliveEvery(), Millis{0});
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(ServiceNotifier().aliveEvery(), Millis{1500});
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceNotifier().aliveEvery(), Millis{0});
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(ServiceNotifier().aliveEvery(), Millis{1500});
  ::setenv("WATCHDOG_USEC", "x", 1);
  EXPECT_EQ(ServiceNotifier().aliveEvery(), Millis{0});
}

}  // namespace
}  // namespace parley::base
