// Datagrams into a DTLS endpoint, from the network to OpenSSL. Input: a byte for the role, then datagrams
// with 16 bits of length each. At most kMaxDatagrams, so that one input takes bounded time.
#include <algorithm>
#include <cstdlib>

#include "rtc/dtls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  constexpr int kMaxDatagrams = 24;
  static const auto certificate = rtc::DtlsCertificate::generate().value();
  base::ByteReader reader({data, size});
  const auto role = (reader.u8() & 1) != 0 ? rtc::DtlsRole::client : rtc::DtlsRole::server;
  std::size_t sent = 0;
  const auto endpoint =
      rtc::DtlsEndpoint::create(certificate, role, {{"sha-256", "00"}}, [&sent](base::Bytes d) {
        ++sent;
        if (d.empty() || d.size() > rtc::DtlsEndpoint::kMtu) std::abort();
      });
  base::Instant now{base::Millis{1}};
  (*endpoint)->start(now);
  for (int i = 0; i < kMaxDatagrams && reader.remaining() >= 2; ++i) {
    const std::size_t wanted = reader.u16();
    const base::Bytes datagram = reader.bytes(std::min(wanted, reader.remaining()));
    const base::Buffer copy(datagram.begin(), datagram.end());
    (*endpoint)->onDatagram(copy, now);
    now += base::Millis{10};
  }
  if ((*endpoint)->keys()) std::abort();  // nobody has a certificate with that fingerprint
  if (sent > 20 * kMaxDatagrams) std::abort();
  (*endpoint)->onTimer(now + rtc::DtlsEndpoint::kHandshakeLimit);
  if ((*endpoint)->nextTimer()) std::abort();
  (*endpoint)->close();
  return 0;
}
