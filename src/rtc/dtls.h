// DTLS 1.2 endpoint (RFC 6347, 5764) of one transport, client or server, over OpenSSL with memory in and out.
// Gives SRTP keys once the handshake is done and the peer's certificate matches a fingerprint of its SDP;
// then keeps only what close_notify and a repeated last flight need (under 2 kB).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "rtc/media_config.h"
#include "rtc/srtp.h"

namespace parley::rtc {

/// Self-signed ECDSA P-256, made once per process (or per start) and shared by all transports. Thread-safe.
class DtlsCertificate {
 public:
  static base::Result<std::shared_ptr<DtlsCertificate>> generate();
  virtual ~DtlsCertificate() = default;
  virtual const Fingerprint& fingerprint() const = 0;  ///< sha-256
};

struct SrtpKeys {
  SrtpProfile profile{};
  base::Buffer sendKey, sendSalt;  ///< Ours.
  base::Buffer receiveKey, receiveSalt;
};

enum class DtlsState { idle, handshaking, connected, closed, failed };

class DtlsEndpoint {
 public:
  /// `send` is called inside the methods below with one datagram each; it must not call back in.
  static base::Result<std::unique_ptr<DtlsEndpoint>> create(std::shared_ptr<DtlsCertificate> certificate,
                                                            DtlsRole role,
                                                            std::vector<Fingerprint> remoteFingerprints,
                                                            std::function<void(base::Bytes)> send);
  virtual ~DtlsEndpoint() = default;

  virtual void start(base::Instant now) = 0;  ///< Client: sends the first flight. Server: waits.
  /// Fingerprints from a later SDP (an early handshake may run before the answer came): until set, a
  /// finished handshake stays `handshaking` and gives no keys.
  virtual void setRemoteFingerprints(std::vector<Fingerprint> fingerprints) = 0;
  virtual void onDatagram(base::Bytes datagram, base::Instant now) = 0;
  /// When onTimer() wants to be called next; nothing when no retransmission is due. A handshake that is
  /// not done kHandshakeLimit after its start fails (dtls.timeout).
  virtual std::optional<base::Instant> nextTimer() const = 0;
  virtual void onTimer(base::Instant now) = 0;
  virtual void close() = 0;  ///< close_notify, best effort.

  virtual DtlsState state() const = 0;
  /// dtls.bad_fingerprint, dtls.no_srtp_profile, dtls.no_certificate, dtls.alert, dtls.timeout,
  /// dtls.malformed
  virtual const std::optional<base::Error>& error() const = 0;
  virtual const std::optional<SrtpKeys>& keys() const = 0;  ///< Once connected.

  static constexpr base::Millis kHandshakeLimit{30'000};
  static constexpr std::size_t kMtu = 1200;
};

}  // namespace parley::rtc
