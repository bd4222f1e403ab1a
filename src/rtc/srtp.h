// SRTP and SRTCP (RFC 3711, RFC 7714) over OpenSSL, in place. One context per direction and transport; keeps
// roll-over counters and replay windows per SSRC. Not thread-safe: one worker. No clock.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "proto/packet.h"
#include "rtc/drop_reason.h"

namespace parley::rtc {

enum class SrtpProfile : std::uint16_t {  ///< Values: DTLS-SRTP protection profiles (RFC 5764, 7714).
  aes128CmSha1_80 = 0x0001,
  aes128CmSha1_32 = 0x0002,
  aeadAes128Gcm = 0x0007,
  aeadAes256Gcm = 0x0008,
};
std::size_t srtpKeyBytes(SrtpProfile profile);
std::size_t srtpSaltBytes(SrtpProfile profile);
std::string_view toString(SrtpProfile profile);

class SrtpContext {
 public:
  enum class Direction { protect, unprotect };
  static constexpr std::size_t kMaxStreams = 64;  ///< SSRCs per context.
  /// To unprotect, the SSRC that was silent longest makes room; of so many it is remembered how far they
  /// came.
  static constexpr std::size_t kMaxRetired = 256;
  static constexpr std::size_t kReplayWindow = 1024;       ///< Packets (video bursts, reordering); RTCP: 128.
  static constexpr std::size_t kMaxOverhead = 16 + 4 + 4;  ///< Bytes a packet may grow by.

  /// Error: "srtp.bad_key" for lengths that do not fit the profile.
  static base::Result<std::unique_ptr<SrtpContext>> create(Direction direction, SrtpProfile profile,
                                                           base::Bytes masterKey, base::Bytes masterSalt);
  virtual ~SrtpContext() = default;

  /// In place; packet.size changes. To protect, kMaxOverhead of tailroom must be there (else
  /// packetTooLarge). A failed unprotect leaves no trace in ROC or replay window (but the payload may be
  /// spoilt); an unknown SSRC takes a table entry only once authenticated. When all are taken, a new one gets
  /// the place of the one that was silent longest; if that comes back, what it sent before is not taken
  /// again. To protect, rtpSsrcTableFull when full. Protecting a sequence number again is allowed with
  /// AES-CM, for a retransmission of the same packet; with GCM it would give the key away, so it is refused
  /// (srtpReplay, srtpTooOld).
  virtual std::expected<void, DropReason> rtp(proto::Packet& packet) = 0;
  virtual std::expected<void, DropReason> rtcp(proto::Packet& packet) = 0;
  /// Protecting a sequence number again is allowed (see rtp()).
  virtual bool mayRepeat() const = 0;
};

}  // namespace parley::rtc
