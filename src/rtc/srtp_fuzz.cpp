// SRTP with fixed keys. Input: a byte that chooses the profile, then packets, each with a byte of kind and 16
// bits of length. Every packet is taken as it came from the network; then it is protected and must come back.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "rtc/srtp.h"

namespace {

using namespace parley;
using rtc::SrtpContext;
using rtc::SrtpProfile;

constexpr std::array kProfiles{SrtpProfile::aes128CmSha1_80, SrtpProfile::aes128CmSha1_32,
                               SrtpProfile::aeadAes128Gcm, SrtpProfile::aeadAes256Gcm};

std::unique_ptr<SrtpContext> context(SrtpContext::Direction direction, SrtpProfile profile) {
  const base::Buffer key(rtc::srtpKeyBytes(profile), 1), salt(rtc::srtpSaltBytes(profile), 2);
  return std::move(SrtpContext::create(direction, profile, key, salt).value());
}

/// A copy of exactly this size and tail room, so that ASan sees each byte too far.
struct Slot {
  Slot(base::Bytes content, std::size_t tail) : bytes(content.begin(), content.end()) {
    bytes.resize(content.size() + tail);
    packet = {bytes, 0, content.size()};
  }
  base::Buffer bytes;
  proto::Packet packet;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteReader reader({data, size});
  const SrtpProfile profile = kProfiles[reader.u8() % kProfiles.size()];
  const auto sender = context(SrtpContext::Direction::protect, profile);
  const auto receiver = context(SrtpContext::Direction::unprotect, profile);
  const auto network = context(SrtpContext::Direction::unprotect, profile);
  while (reader.remaining() >= 3) {
    const bool rtcp = (reader.u8() & 1) != 0;
    const std::size_t wanted = reader.u16();
    const base::Bytes content = reader.bytes(std::min(wanted, reader.remaining()));
    const auto run = [rtcp](SrtpContext& c, proto::Packet& p) { return rtcp ? c.rtcp(p) : c.rtp(p); };

    Slot in(content, 0);
    (void)run(*network, in.packet);

    Slot out(content, SrtpContext::kMaxOverhead);
    if (!run(*sender, out.packet)) continue;
    if (out.packet.size > out.bytes.size() || out.packet.size <= content.size()) std::abort();
    Slot back(out.packet.data(), 0);
    if (!run(*receiver, back.packet)) continue;  // repeated or far behind
    if (!std::equal(content.begin(), content.end(), back.packet.data().begin(), back.packet.data().end()))
      std::abort();
  }
  return 0;
}
