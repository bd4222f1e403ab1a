// The datagram BIO between OpenSSL's DTLS and us: reads give one datagram that was put in, whole or not at
// all; each write is one datagram out.
#pragma once
#include <openssl/bio.h>

#include <functional>
#include <memory>

#include "base/bytes.h"

namespace parley::rtc {

/// What the BIO points to; lives as long as it. Sends through `send`.
struct DatagramPipe {
  std::function<void(base::Bytes)> send;
  base::Bytes incoming;  ///< Taken by the next read. The bytes are the caller's.
  std::size_t mtu = 0;
};

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
/// Null when out of memory. `pipe` must outlive the BIO.
std::unique_ptr<BIO, FreeBio> makeDatagramBio(DatagramPipe& pipe);

}  // namespace parley::rtc
