// A DTLS handshake of two of our endpoints (CPU of both ends) and the heap that a connected one keeps, with
// its SRTP contexts: `bytes` per endpoint.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <deque>
#include <memory>
#include <vector>

#include "rtc/dtls.h"

namespace {

using namespace parley::rtc;
using parley::base::Buffer;
using parley::base::Bytes;

struct Pair {
  Pair(const std::shared_ptr<DtlsCertificate>& certificate) {
    client =
        DtlsEndpoint::create(certificate, DtlsRole::client, {certificate->fingerprint()}, [this](Bytes d) {
          toServer.emplace_back(d.begin(), d.end());
        }).value();
    server =
        DtlsEndpoint::create(certificate, DtlsRole::server, {certificate->fingerprint()}, [this](Bytes d) {
          toClient.emplace_back(d.begin(), d.end());
        }).value();
  }
  bool connect() {
    const auto now = parley::base::steadyNow();
    server->start(now);
    client->start(now);
    while (!toServer.empty() || !toClient.empty()) {
      for (; !toServer.empty(); toServer.pop_front()) server->onDatagram(toServer.front(), now);
      for (; !toClient.empty(); toClient.pop_front()) client->onDatagram(toClient.front(), now);
    }
    return client->state() == DtlsState::connected && server->state() == DtlsState::connected;
  }
  void makeContexts() {
    for (const auto* end : {client.get(), server.get()}) {
      const SrtpKeys& keys = *end->keys();
      contexts.push_back(std::move(
          SrtpContext::create(SrtpContext::Direction::protect, keys.profile, keys.sendKey, keys.sendSalt)
              .value()));
      contexts.push_back(std::move(SrtpContext::create(SrtpContext::Direction::unprotect, keys.profile,
                                                       keys.receiveKey, keys.receiveSalt)
                                       .value()));
    }
  }
  std::deque<Buffer> toServer, toClient;
  std::unique_ptr<DtlsEndpoint> client, server;
  std::vector<std::unique_ptr<SrtpContext>> contexts;
};

void handshake(benchmark::State& state) {
  const auto certificate = DtlsCertificate::generate().value();
  for (auto _ : state) {
    Pair pair(certificate);
    if (!pair.connect()) state.SkipWithError("no handshake");
  }
}
BENCHMARK(handshake)->Name("dtls/handshake_both_ends")->Unit(benchmark::kMillisecond);

void memory(benchmark::State& state) {
  constexpr std::size_t kPairs = 200;
  const auto certificate = DtlsCertificate::generate().value();
  Pair(certificate).connect();  // what OpenSSL makes once
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks;
    std::vector<std::unique_ptr<Pair>> pairs;
    for (std::size_t i = 0; i < kPairs; ++i) {
      pairs.push_back(std::make_unique<Pair>(certificate));
      if (!pairs.back()->connect()) state.SkipWithError("no handshake");
    }
    const std::size_t connected = mallinfo2().uordblks;
    for (auto& pair : pairs) pair->makeContexts();
    const std::size_t ready = mallinfo2().uordblks;
    state.counters["bytes_dtls"] = static_cast<double>(connected - before) / (2 * kPairs);
    state.counters["bytes_srtp"] = static_cast<double>(ready - connected) / (2 * kPairs);
  }
}
BENCHMARK(memory)->Name("dtls/heap_per_connected_endpoint")->Iterations(1);

}  // namespace
