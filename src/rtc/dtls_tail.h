// What stays of a DTLS 1.2 association once its keys are exported: enough to send and to understand alerts.
// An SSL object holds some 40 kB that DTLS-SRTP never uses again; this is a few hundred bytes.
//
//   |type (8)|version (16)|epoch (16)|sequence (48)|length (16)|  record, RFC 6347 section 4.1
//   GCM: |explicit nonce (64)|ciphertext|tag (128)|   ChaCha20-Poly1305: |ciphertext|tag|
#pragma once
#include <openssl/ssl.h>

#include <array>
#include <optional>

#include "base/bytes.h"
#include "rtc/media_config.h"

namespace parley::rtc {

class DtlsTail {
 public:
  enum class Event {
    nothing,
    repeatedFlight,  ///< Handshake records: the peer did not get our last flight.
    closed,          ///< An authentic close_notify or fatal alert.
  };

  /// Derives the record keys again (RFC 5246 section 6.3) of a handshake that is done. Nothing for a cipher
  /// suite that is not one of ours.
  static std::optional<DtlsTail> of(const SSL& ssl, DtlsRole role);
  DtlsTail(const DtlsTail&) = default;
  DtlsTail& operator=(const DtlsTail&) = default;
  ~DtlsTail();  ///< Wipes.

  Event read(base::Bytes datagram) const;
  /// One datagram; call once. Empty when OpenSSL fails.
  base::Buffer closeNotify() const;

 private:
  struct Keys {
    std::array<std::uint8_t, 32> key{};
    std::array<std::uint8_t, 12> iv{};
  };
  DtlsTail() = default;
  std::array<std::uint8_t, 12> nonce(const Keys& keys, base::Bytes sequence) const;
  bool isClosingAlert(base::Bytes record) const;

  const EVP_CIPHER* cipher_ = nullptr;
  std::size_t fixedIvBytes_ = 0;
  Keys send_, receive_;
};

}  // namespace parley::rtc
