// CPU per packet of SRTP: ours and libsrtp2's in one run, by profile, packet size and number of sessions that
// take turns (1: hot caches; 200: what a worker sees). `allocs` counts heap allocations per packet.
#include <benchmark/benchmark.h>
#include <srtp2/srtp.h>

#include <array>
#include <memory>
#include <new>
#include <vector>

#include "allocations.h"
#include "rtc/srtp.h"

namespace {

using parley::base::Buffer;
using parley::rtc::SrtpContext;
using parley::rtc::SrtpProfile;
using Direction = SrtpContext::Direction;

constexpr std::size_t kSlot = 1500;
constexpr int kRing = 8192;  // packets protected ahead for the unprotect case

Buffer keyOf(SrtpProfile profile) { return Buffer(parley::rtc::srtpKeyBytes(profile), 0x42); }
Buffer saltOf(SrtpProfile profile) { return Buffer(parley::rtc::srtpSaltBytes(profile), 0x17); }

class Ours {
 public:
  Ours(Direction direction, SrtpProfile profile)
      : context_(
            std::move(SrtpContext::create(direction, profile, keyOf(profile), saltOf(profile)).value())) {}
  bool rtp(parley::proto::Packet& packet) { return context_->rtp(packet).has_value(); }

 private:
  std::unique_ptr<SrtpContext> context_;
};

class Libsrtp {
 public:
  Libsrtp(Direction direction, SrtpProfile profile) : protect_(direction == Direction::protect) {
    [[maybe_unused]] static const srtp_err_status_t started = srtp_init();
    Buffer key = keyOf(profile);
    const Buffer salt = saltOf(profile);
    key.insert(key.end(), salt.begin(), salt.end());
    srtp_policy_t policy{};
    const auto id = static_cast<srtp_profile_t>(static_cast<int>(profile));
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, id);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, id);
    policy.ssrc.type = protect_ ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key.data();
    policy.window_size = 1024;
    srtp_t session = nullptr;
    if (srtp_create(&session, &policy) == srtp_err_status_ok) session_.reset(session);
  }
  bool rtp(parley::proto::Packet& packet) {
    int size = static_cast<int>(packet.size);
    const auto status =
        (protect_ ? srtp_protect : srtp_unprotect)(session_.get(), packet.data().data(), &size);
    packet.size = static_cast<std::size_t>(size);
    return status == srtp_err_status_ok;
  }

 private:
  struct Free {
    void operator()(srtp_t session) const { srtp_dealloc(session); }
  };
  std::unique_ptr<srtp_ctx_t_, Free> session_;
  bool protect_;
};

void writeHeader(std::uint8_t* p, std::uint16_t sequence) {
  p[0] = 0x80;
  p[1] = 111;
  parley::base::storeU16(p + 2, sequence);
  parley::base::storeU32(p + 4, 960u * sequence);
  parley::base::storeU32(p + 8, 0x11223344);
}

void finish(benchmark::State& state, std::uint64_t allocationsBefore) {
  state.counters["allocs"] = benchmark::Counter(static_cast<double>(allocations.load() - allocationsBefore) /
                                                static_cast<double>(state.iterations()));
}

template <class Implementation>
void protect(benchmark::State& state) {
  const auto profile = static_cast<SrtpProfile>(state.range(0));
  const auto size = static_cast<std::size_t>(state.range(1));
  const auto sessions = static_cast<std::size_t>(state.range(2));
  struct Session {
    Session(SrtpProfile p) : srtp(Direction::protect, p), slot(kSlot) {}
    Implementation srtp;
    Buffer slot;
    std::uint16_t sequence = 0;
  };
  std::vector<std::unique_ptr<Session>> all;
  for (std::size_t i = 0; i < sessions; ++i) all.push_back(std::make_unique<Session>(profile));
  for (auto& s : all) {  // the first packet of a stream may allocate
    writeHeader(s->slot.data(), s->sequence++);
    parley::proto::Packet packet{s->slot, 0, size};
    s->srtp.rtp(packet);
  }
  const std::uint64_t before = allocations.load();
  std::size_t turn = 0;
  for (auto _ : state) {
    Session& s = *all[turn];
    if (++turn == sessions) turn = 0;
    writeHeader(s.slot.data(), s.sequence++);
    parley::proto::Packet packet{s.slot, 0, size};
    if (!s.srtp.rtp(packet)) state.SkipWithError("protect failed");
  }
  finish(state, before);
}

template <class Implementation>
void unprotect(benchmark::State& state) {
  const auto profile = static_cast<SrtpProfile>(state.range(0));
  const auto size = static_cast<std::size_t>(state.range(1));
  Ours sender(Direction::protect, profile);
  std::vector<Buffer> ring(kRing);
  std::size_t wireSize = 0;
  for (int i = 0; i < kRing; ++i) {
    Buffer& slot = ring[static_cast<std::size_t>(i)];
    slot.resize(size + SrtpContext::kMaxOverhead);
    writeHeader(slot.data(), static_cast<std::uint16_t>(i));
    parley::proto::Packet packet{slot, 0, size};
    sender.rtp(packet);
    wireSize = packet.size;
  }
  Buffer slot(kSlot);
  auto receiver = std::make_unique<Implementation>(Direction::unprotect, profile);
  std::size_t next = 0;
  std::uint64_t setUp = 0;
  const std::uint64_t before = allocations.load();
  for (auto _ : state) {
    if (next == kRing) {
      state.PauseTiming();
      const std::uint64_t start = allocations.load();
      receiver = std::make_unique<Implementation>(Direction::unprotect, profile);
      setUp += allocations.load() - start;
      next = 0;
      state.ResumeTiming();
    }
    std::memcpy(slot.data(), ring[next++].data(), wireSize);
    parley::proto::Packet packet{slot, 0, wireSize};
    if (!receiver->rtp(packet)) state.SkipWithError("unprotect failed");
  }
  finish(state, before + setUp);
}

void protectCases(benchmark::internal::Benchmark* b) {
  b->ArgNames({"profile", "bytes", "sessions"});
  for (const int profile : {1, 2, 7, 8})
    for (const int bytes : {100, 1000})
      for (const int sessions : {1, 200}) b->Args({profile, bytes, sessions});
}

void unprotectCases(benchmark::internal::Benchmark* b) {
  b->ArgNames({"profile", "bytes"});
  for (const int profile : {1, 2, 7, 8})
    for (const int bytes : {100, 1000}) b->Args({profile, bytes});
}

void contextSetUp(benchmark::State& state) {
  const auto profile = static_cast<SrtpProfile>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(Ours(Direction::protect, profile));
}

BENCHMARK(protect<Ours>)->Name("protect/parley")->Apply(protectCases);
BENCHMARK(protect<Libsrtp>)->Name("protect/libsrtp2")->Apply(protectCases);
BENCHMARK(unprotect<Ours>)->Name("unprotect/parley")->Apply(unprotectCases);
BENCHMARK(unprotect<Libsrtp>)->Name("unprotect/libsrtp2")->Apply(unprotectCases);
BENCHMARK(contextSetUp)->Name("set_up/parley")->ArgName("profile")->Arg(1)->Arg(7);

}  // namespace
