#include "rtc/dtls_bio.h"

#include <algorithm>
#include <cstring>

namespace parley::rtc {
namespace {

DatagramPipe& pipeOf(BIO* bio) { return *static_cast<DatagramPipe*>(BIO_get_data(bio)); }

int writeDatagram(BIO* bio, const char* data, int size) noexcept {
  if (size <= 0) return 0;
  BIO_clear_retry_flags(bio);
  const DatagramPipe& pipe = pipeOf(bio);
  if (pipe.send) pipe.send({reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)});
  return size;
}

int readDatagram(BIO* bio, char* out, int space) noexcept {
  BIO_clear_retry_flags(bio);
  DatagramPipe& pipe = pipeOf(bio);
  if (pipe.incoming.empty() || space <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // What does not fit is lost, as with a socket.
  const std::size_t size = std::min(pipe.incoming.size(), static_cast<std::size_t>(space));
  std::memcpy(out, pipe.incoming.data(), size);
  pipe.incoming = {};
  return static_cast<int>(size);
}

long control(BIO* bio, int command, long, void*) noexcept {
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DGRAM_SET_CONNECTED:
    case BIO_CTRL_DGRAM_SET_PEER:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return static_cast<long>(pipeOf(bio).mtu);
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
      return 0;  // our MTU is of the payload
    case BIO_CTRL_PENDING:
      return static_cast<long>(pipeOf(bio).incoming.size());
    default:
      return 0;
  }
}

struct FreeMethod {
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

BIO_METHOD* method() {
  static const std::unique_ptr<BIO_METHOD, FreeMethod> made = [] {
    std::unique_ptr<BIO_METHOD, FreeMethod> m(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley datagrams"));
    if (m) {
      BIO_meth_set_write(m.get(), writeDatagram);
      BIO_meth_set_read(m.get(), readDatagram);
      BIO_meth_set_ctrl(m.get(), control);
    }
    return m;
  }();
  return made.get();
}

}  // namespace

std::unique_ptr<BIO, FreeBio> makeDatagramBio(DatagramPipe& pipe) {
  std::unique_ptr<BIO, FreeBio> bio(method() != nullptr ? BIO_new(method()) : nullptr);
  if (bio) {
    BIO_set_data(bio.get(), &pipe);
    BIO_set_init(bio.get(), 1);
  }
  return bio;
}

}  // namespace parley::rtc
