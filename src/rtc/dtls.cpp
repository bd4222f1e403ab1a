#include "rtc/dtls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <array>
#include <utility>

#include "rtc/dtls_bio.h"
#include "rtc/dtls_certificate.h"
#include "rtc/dtls_tail.h"

namespace parley::rtc {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kFirstTimeoutMicros = 200'000;
constexpr unsigned kMaxTimeoutMicros = 3'000'000;
/// A datagram holds fewer records than this (each at least 13 bytes of header, and a little more).
constexpr int kMaxRecordsPerDatagram = 128;
/// At most one answer per this to a peer that repeats its last flight (it may send it in several datagrams).
constexpr base::Millis kRepeatInterval{50};
/// How far OpenSSL's clock may be behind ours before it is not asked any more.
constexpr base::Millis kClockTolerance{100};
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 section 4.2

/// RFC 6347 section 4.2.4.1 proposes 1 s; media wait for this, and paths have round trips well below.
unsigned nextTimeout(SSL*, unsigned micros) noexcept {
  return micros == 0 ? kFirstTimeoutMicros : std::min(micros * 2, kMaxTimeoutMicros);
}

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

std::optional<SrtpProfile> profileOf(unsigned long id) {
  switch (static_cast<SrtpProfile>(id)) {
    case SrtpProfile::aes128CmSha1_80:
    case SrtpProfile::aes128CmSha1_32:
    case SrtpProfile::aeadAes128Gcm:
    case SrtpProfile::aeadAes256Gcm:
      return static_cast<SrtpProfile>(id);
  }
  return std::nullopt;
}

class Endpoint final : public DtlsEndpoint, private PeerVerifier {
 public:
  Endpoint(std::shared_ptr<DtlsCertificate> certificate, DtlsRole role, std::vector<Fingerprint> fingerprints,
           std::function<void(base::Bytes)> send)
      : certificate_(std::move(certificate)),
        fingerprints_(std::move(fingerprints)),
        send_(std::move(send)),
        pipe_{[this](base::Bytes datagram) { sendDatagram(datagram); }, {}, kMtu},
        role_(role) {}
  ~Endpoint() override { wipeKeys(); }

  bool open();
  void start(base::Instant now) override;
  void setRemoteFingerprints(std::vector<Fingerprint> fingerprints) override;
  void onDatagram(base::Bytes datagram, base::Instant now) override;
  std::optional<base::Instant> nextTimer() const override;
  void onTimer(base::Instant now) override;
  void close() override;

  DtlsState state() const override { return state_; }
  const std::optional<base::Error>& error() const override { return error_; }
  const std::optional<SrtpKeys>& keys() const override { return keys_; }

 private:
  bool acceptsPeer(const X509& certificate) override;
  bool live() const { return state_ == DtlsState::handshaking || state_ == DtlsState::connected; }
  void sendDatagram(base::Bytes datagram);
  void handshake();
  void readRecords();
  void readTail(base::Bytes datagram, base::Instant now);
  void finish();
  bool exportKeys(SrtpProfile profile);
  void onSslError(int result);
  void fail(std::string reason, std::string text);
  void schedule(base::Instant now);
  void retransmit();
  void stopTimers() {
    retransmitAt_.reset();
    giveUpAt_.reset();
  }
  void wipeKeys();

  std::shared_ptr<DtlsCertificate> certificate_;
  std::vector<Fingerprint> fingerprints_;
  std::function<void(base::Bytes)> send_;
  DatagramPipe pipe_;
  /// Until the keys are there; then tail_ takes over. After pipe_, to which its BIO points.
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::optional<DtlsTail> tail_;
  /// Of a server: sent when the handshake got done. It goes out again, as it was, when the peer repeats its
  /// own last flight, which it does only if it got nothing of this one (RFC 6347 section 4.2.4).
  std::vector<base::Buffer> lastFlight_;
  base::Instant repeatedAt_{};
  DtlsRole role_;
  DtlsState state_ = DtlsState::idle;
  bool recording_ = false;  ///< What is sent goes to lastFlight_, too.
  bool wrongPeer_ = false;  ///< The certificate was refused while the handshake ran.
  std::optional<base::Error> error_;
  std::optional<SrtpKeys> keys_;
  std::optional<base::Instant> retransmitAt_, giveUpAt_;
};

bool Endpoint::open() {
  ERR_clear_error();
  ssl_.reset(SSL_new(static_cast<const OpensslCertificate&>(*certificate_).context()));
  auto bio = ssl_ ? makeDatagramBio(pipe_) : nullptr;
  if (!bio) return false;
  SSL* ssl = ssl_.get();
  BIO* raw = bio.release();
  SSL_set_bio(ssl, raw, raw);
  SSL_set_app_data(ssl, static_cast<PeerVerifier*>(this));
  SSL_set_mtu(ssl, static_cast<long>(kMtu));
  DTLS_set_timer_cb(ssl, nextTimeout);
  if (role_ == DtlsRole::client)
    SSL_set_connect_state(ssl);
  else
    SSL_set_accept_state(ssl);
  return true;
}

void Endpoint::start(base::Instant now) {
  if (state_ != DtlsState::idle) return;
  state_ = DtlsState::handshaking;
  giveUpAt_ = now + kHandshakeLimit;
  if (role_ == DtlsRole::client) handshake();
  schedule(now);
}

void Endpoint::setRemoteFingerprints(std::vector<Fingerprint> fingerprints) {
  if (state_ != DtlsState::idle && state_ != DtlsState::handshaking) return;
  fingerprints_ = std::move(fingerprints);
  if (state_ != DtlsState::handshaking || !SSL_is_init_finished(ssl_.get())) return;
  finish();
}

void Endpoint::onDatagram(base::Bytes datagram, base::Instant now) {
  if (state_ == DtlsState::idle && role_ == DtlsRole::server) start(now);
  if (!live() || datagram.empty()) return;
  if (tail_) return readTail(datagram, now);
  pipe_.incoming = datagram;
  if (!SSL_is_init_finished(ssl_.get())) handshake();
  if (ssl_ && SSL_is_init_finished(ssl_.get())) readRecords();
  pipe_.incoming = {};
  schedule(now);
}

void Endpoint::sendDatagram(base::Bytes datagram) {
  if (recording_) lastFlight_.emplace_back(datagram.begin(), datagram.end());
  send_(datagram);
}

/// A datagram that brings nothing new (a repetition, a part) leaves the last flight what it was.
void Endpoint::handshake() {
  std::vector<base::Buffer> before;
  before.swap(lastFlight_);
  recording_ = true;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  recording_ = false;
  if (lastFlight_.empty()) lastFlight_.swap(before);
  if (result != 1)
    onSslError(result);
  else
    finish();
}

/// While the handshake is done but nobody knows the peer's fingerprint yet: answers the peer's
/// retransmissions, notices its close_notify. There is no application data in DTLS-SRTP; what comes is
/// thrown away.
void Endpoint::readRecords() {
  std::array<std::uint8_t, 256> ignored;
  for (int i = 0; i < kMaxRecordsPerDatagram && ssl_; ++i) {
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), ignored.data(), static_cast<int>(ignored.size()));
    if (result > 0) continue;
    onSslError(result);
    break;
  }
}

void Endpoint::readTail(base::Bytes datagram, base::Instant now) {
  switch (tail_->read(datagram)) {
    case DtlsTail::Event::nothing:
      return;
    case DtlsTail::Event::closed:
      return close();
    case DtlsTail::Event::repeatedFlight:
      break;
  }
  if (now - repeatedAt_ < kRepeatInterval) return;
  repeatedAt_ = now;
  for (const base::Buffer& part : lastFlight_) send_(part);
}

bool Endpoint::acceptsPeer(const X509& certificate) {
  wrongPeer_ = !fingerprints_.empty() && !matchesFingerprint(certificate, fingerprints_);
  return !wrongPeer_;
}

void Endpoint::finish() {
  if (fingerprints_.empty() || state_ != DtlsState::handshaking) return;
  SSL* ssl = ssl_.get();
  const X509* peer = SSL_get0_peer_certificate(ssl);
  if (peer == nullptr) return fail("dtls.no_certificate", "the peer showed no certificate");
  if (!matchesFingerprint(*peer, fingerprints_))
    return fail("dtls.bad_fingerprint", "the peer's certificate is not the one in its SDP");
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl);
  const auto profile = selected != nullptr ? profileOf(selected->id) : std::nullopt;
  if (!profile) return fail("dtls.no_srtp_profile", "no SRTP protection profile in common");
  tail_ = DtlsTail::of(*ssl, role_);
  if (!tail_ || !exportKeys(*profile)) return fail("dtls.internal", "key export: " + takeOpensslError());
  state_ = DtlsState::connected;
  if (role_ == DtlsRole::client) lastFlight_.clear();  // The server's is the last of a handshake.
  lastFlight_.shrink_to_fit();
  ssl_.reset();
  stopTimers();
}

bool Endpoint::exportKeys(SrtpProfile profile) {
  // client key, server key, client salt, server salt (RFC 5764 section 4.2)
  const std::size_t key = srtpKeyBytes(profile), salt = srtpSaltBytes(profile);
  base::Buffer material(2 * (key + salt));
  if (SSL_export_keying_material(ssl_.get(), material.data(), material.size(), kExporterLabel.data(),
                                 kExporterLabel.size(), nullptr, 0, 0) != 1)
    return false;
  base::ByteReader reader(material);
  const auto take = [&reader](std::size_t size) {
    const base::Bytes part = reader.bytes(size);
    return base::Buffer(part.begin(), part.end());
  };
  SrtpKeys& keys = keys_.emplace();
  keys.profile = profile;
  keys.sendKey = take(key);
  keys.receiveKey = take(key);
  keys.sendSalt = take(salt);
  keys.receiveSalt = take(salt);
  if (role_ == DtlsRole::server) {
    std::swap(keys.sendKey, keys.receiveKey);
    std::swap(keys.sendSalt, keys.receiveSalt);
  }
  OPENSSL_cleanse(material.data(), material.size());
  return true;
}

void Endpoint::onSslError(int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return;
  if (kind == SSL_ERROR_ZERO_RETURN) return close();
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  std::string text = takeOpensslError();
  if (wrongPeer_) return fail("dtls.bad_fingerprint", "the peer's certificate is not the one in its SDP");
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return fail("dtls.no_certificate", std::move(text));
  if (reason == SSL_R_READ_TIMEOUT_EXPIRED) return fail("dtls.timeout", std::move(text));
  if (reason >= SSL_AD_REASON_OFFSET) return fail("dtls.alert", std::move(text));
  fail("dtls.malformed", std::move(text));
}

void Endpoint::fail(std::string reason, std::string text) {
  // Tells the peer when the handshake was done; within one, OpenSSL has sent its alert.
  if (ssl_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  state_ = DtlsState::failed;
  error_ = base::Error{std::move(reason), std::move(text)};
  ssl_.reset();
  stopTimers();
}

void Endpoint::close() {
  if (state_ == DtlsState::closed || state_ == DtlsState::failed) return;
  if (ssl_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  if (tail_) {
    if (const base::Buffer alert = tail_->closeNotify(); !alert.empty()) send_(alert);
  }
  state_ = DtlsState::closed;
  ssl_.reset();
  tail_.reset();
  stopTimers();
}

std::optional<base::Instant> Endpoint::nextTimer() const {
  if (!giveUpAt_ || !retransmitAt_) return giveUpAt_ ? giveUpAt_ : retransmitAt_;
  return std::min(*giveUpAt_, *retransmitAt_);
}

void Endpoint::onTimer(base::Instant now) {
  if (state_ == DtlsState::handshaking && giveUpAt_ && now >= *giveUpAt_)
    fail("dtls.timeout", "the handshake was not done in time");
  if (ssl_ && retransmitAt_ && now >= *retransmitAt_) retransmit();
  schedule(now);
}

/// OpenSSL looks at the wall clock: by that one it may be early, by a little, or by much after a step back.
/// Then the flight is sent again as it was.
void Endpoint::retransmit() {
  timeval left{};
  const bool waiting = DTLSv1_get_timeout(ssl_.get(), &left) == 1;
  const auto wait = std::chrono::seconds{left.tv_sec} + std::chrono::microseconds{left.tv_usec};
  if (waiting && wait > kClockTolerance) {
    for (const base::Buffer& part : lastFlight_) send_(part);
    return;
  }
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) onSslError(-1);
}

void Endpoint::schedule(base::Instant now) {
  retransmitAt_.reset();
  if (!ssl_) return;
  timeval left{};
  if (DTLSv1_get_timeout(ssl_.get(), &left) != 1) return;
  // Rounded up, and never longer than the longest timeout, lest a step of the wall clock stop us.
  const auto wait = std::chrono::ceil<base::Millis>(std::chrono::seconds{left.tv_sec} +
                                                    std::chrono::microseconds{left.tv_usec});
  retransmitAt_ = now + std::clamp<base::Millis>(wait, 1ms, base::Millis{kMaxTimeoutMicros / 1000});
}

void Endpoint::wipeKeys() {
  if (!keys_) return;
  for (base::Buffer* part : {&keys_->sendKey, &keys_->sendSalt, &keys_->receiveKey, &keys_->receiveSalt})
    OPENSSL_cleanse(part->data(), part->size());
}

}  // namespace

base::Result<std::unique_ptr<DtlsEndpoint>> DtlsEndpoint::create(std::shared_ptr<DtlsCertificate> certificate,
                                                                 DtlsRole role,
                                                                 std::vector<Fingerprint> remoteFingerprints,
                                                                 std::function<void(base::Bytes)> send) {
  auto endpoint = std::make_unique<Endpoint>(std::move(certificate), role, std::move(remoteFingerprints),
                                             std::move(send));
  if (!endpoint->open()) return base::fail("dtls.internal", "no endpoint: " + takeOpensslError());
  return endpoint;
}

}  // namespace parley::rtc
