// Datagrams into a DTLS endpoint, from the network to OpenSSL. Input: a byte for the role, then datagrams
// with 16 bits of length each. At most kMaxDatagrams, so that one input takes bounded time.
#include <algorithm>
#include <cstdlib>
#include <deque>

#include "rtc/dtls.h"

namespace {

using namespace parley;
using rtc::DtlsEndpoint;
using rtc::DtlsRole;
using rtc::DtlsState;

constexpr int kMaxDatagrams = 24;

const std::shared_ptr<rtc::DtlsCertificate>& certificate() {
  static const auto made = rtc::DtlsCertificate::generate().value();
  return made;
}

/// Only its peer can end it, so all inputs share one.
DtlsEndpoint& connectedServer() {
  static std::deque<base::Buffer> toServer, toClient;
  const auto make = [](DtlsRole role, std::deque<base::Buffer>& out) {
    return DtlsEndpoint::create(certificate(), role, {certificate()->fingerprint()},
                                [&out](base::Bytes d) {
                                  out.emplace_back(d.begin(), d.end());
                                  if (out.size() > 100) out.clear();
                                })
        .value();
  };
  static const auto server = make(DtlsRole::server, toClient);
  if (server->state() == DtlsState::idle) {
    const auto client = make(DtlsRole::client, toServer);
    const base::Instant now{base::Millis{1}};
    client->start(now);
    while (!toServer.empty() || !toClient.empty()) {
      for (; !toServer.empty(); toServer.pop_front()) server->onDatagram(toServer.front(), now);
      for (; !toClient.empty(); toClient.pop_front()) client->onDatagram(toClient.front(), now);
    }
  }
  return *server;
}

void feed(DtlsEndpoint& endpoint, base::ByteReader& reader, base::Instant& now) {
  for (int i = 0; i < kMaxDatagrams && reader.remaining() >= 2; ++i) {
    const std::size_t wanted = reader.u16();
    const base::Bytes datagram = reader.bytes(std::min(wanted, reader.remaining()));
    const base::Buffer copy(datagram.begin(), datagram.end());
    endpoint.onDatagram(copy, now);
    now += base::Millis{10};
  }
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteReader reader({data, size});
  const unsigned which = reader.u8() % 3;
  base::Instant now{base::Millis{1}};
  if (which == 2) {
    feed(connectedServer(), reader, now);
    require(connectedServer().state() == DtlsState::connected);
    return 0;
  }
  std::size_t sent = 0;
  const auto endpoint = DtlsEndpoint::create(certificate(), which == 1 ? DtlsRole::client : DtlsRole::server,
                                             {{"sha-256", "00"}},
                                             [&sent](base::Bytes d) {
                                               ++sent;
                                               require(!d.empty() && d.size() <= DtlsEndpoint::kMtu);
                                             })
                            .value();
  endpoint->start(now);
  feed(*endpoint, reader, now);
  require(!endpoint->keys());  // nobody has a certificate with that fingerprint
  require(sent <= 20 * kMaxDatagrams);
  endpoint->onTimer(now + DtlsEndpoint::kHandshakeLimit);
  require(!endpoint->nextTimer());
  endpoint->close();
  return 0;
}
