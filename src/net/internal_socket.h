// File descriptors and socket addresses shared by the UDP and TCP sides of net/.
#pragma once
#include <unistd.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "net/endpoint.h"

namespace parley::net {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(-1); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct OpenSocket {
  FileDescriptor fd;
  bool ipv6 = false;  ///< AF_INET6, dual stack. False on machines without IPv6: AF_INET.
};

/// A non-blocking socket of `type`, dual stack if the machine can.
base::Result<OpenSocket> openSocket(int type, const Endpoint& forAddress);
/// Binds; error "net.bind_failed".
base::Result<Endpoint> bindSocket(const OpenSocket& socket, const Endpoint& address);
/// The address in the socket's own family. Returns the length; 0 if the family cannot hold it.
socklen_t toFamily(const Endpoint& endpoint, bool ipv6, sockaddr_storage& out);
/// The bound address.
Endpoint boundAddress(int fd);
std::string errnoText(int error);

}  // namespace parley::net
