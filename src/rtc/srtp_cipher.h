// The keyed ciphers of one SRTP or SRTCP direction: AES-CM with HMAC-SHA1 (RFC 3711), AES-GCM (RFC 7714).
// Keys are scheduled once; a packet costs a new IV and no allocation. Knows packets as header, payload and
// trailer only; streams, indexes and replay are SrtpContext's.
#pragma once
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "rtc/hmac_sha1.h"
#include "rtc/srtp.h"

namespace parley::rtc {

struct SrtpSessionKeys {
  base::Buffer encryption, authentication, salt;
};

bool isGcm(SrtpProfile profile);
/// Key derivation of RFC 3711 section 4.3 (rate 0), RFC 7714 section 11. Labels 0…2, for RTCP 3…5.
SrtpSessionKeys deriveSrtpKeys(SrtpProfile profile, bool rtcp, base::Bytes masterKey, base::Bytes masterSalt);

class SrtpCipher {
 public:
  static constexpr std::size_t kRtcpTrailer = 4;  ///< E bit and SRTCP index.
  static constexpr std::uint32_t kRtcpEncrypted = 0x80000000;

  struct Private {};  ///< Made by create() only.
  explicit SrtpCipher(Private) {}
  /// Nothing when OpenSSL refuses the keys.
  static std::unique_ptr<SrtpCipher> create(SrtpProfile profile, SrtpContext::Direction direction, bool rtcp,
                                            const SrtpSessionKeys& keys);
  ~SrtpCipher();
  SrtpCipher(const SrtpCipher&) = delete;
  SrtpCipher& operator=(const SrtpCipher&) = delete;

  std::size_t tagBytes() const { return tagBytes_; }

  /// `packet` is header and payload and must have tagBytes() of room behind. Writes the tag.
  bool sealRtp(base::MutableBytes packet, std::size_t header, std::uint32_t ssrc, std::uint64_t index);
  /// `packet` is header, payload and tag. False when it is not authentic.
  bool openRtp(base::MutableBytes packet, std::size_t header, std::uint32_t ssrc, std::uint64_t index);
  /// `packet` must have tagBytes() + kRtcpTrailer of room behind. Writes tag and trailer in the profile's
  /// order.
  bool sealRtcp(base::MutableBytes packet, std::uint32_t ssrc, std::uint32_t index);
  /// `packet` with tag and trailer; the E bit says whether it is encrypted.
  bool openRtcp(base::MutableBytes packet, std::uint32_t ssrc);
  /// The trailer's place in a protected packet.
  std::uint32_t rtcpTrailer(base::Bytes packet) const;

 private:
  struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  bool counterMode(base::MutableBytes payload, std::uint32_t ssrc, std::uint64_t index);
  bool gcmStart(std::uint32_t ssrc, std::uint64_t index, base::Bytes aad, base::Bytes moreAad);
  bool gcmSeal(base::MutableBytes payload, std::uint8_t* tag);
  bool gcmOpen(base::MutableBytes payload, const std::uint8_t* tag);

  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_;
  std::optional<HmacSha1> hmac_;         ///< AES-CM only.
  std::array<std::uint8_t, 16> salt_{};  ///< Right-padded with zeros: the IV before SSRC and index.
  std::uint8_t tagBytes_ = 0;
  bool gcm_ = false;
};

}  // namespace parley::rtc
