// Our endpoint against OpenSSL used directly, set up as peers that are unlike us.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <deque>

#include "base/random.h"
#include "rtc/dtls.h"
#include "rtc/dtls_bio.h"
#include "rtc/dtls_certificate.h"

namespace parley::rtc {
namespace {

using namespace std::chrono_literals;
using base::Buffer;
using base::Bytes;

struct PeerOptions {
  const char* srtp = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";  ///< Null: no use_srtp.
  const char* ciphers = nullptr;
  bool withCertificate = true, rsa = false;
  int maxVersion = DTLS1_2_VERSION;
  std::size_t helloPadding = 0;  ///< Bytes more in the ClientHello, as post-quantum key shares bring them.
  long mtu = 1200;
};

class Peer {
 public:
  Peer(bool client, const PeerOptions& options) : context_(SSL_CTX_new(DTLS_method()), &SSL_CTX_free) {
    SSL_CTX* c = context_.get();
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_min_proto_version(c, DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, options.maxVersion);
    SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    if (options.ciphers != nullptr) {
      EXPECT_EQ(SSL_CTX_set_cipher_list(c, options.ciphers), 1);
    }
    if (options.srtp != nullptr) {
      EXPECT_EQ(SSL_CTX_set_tlsext_use_srtp(c, options.srtp), 0);
    }
    if (options.withCertificate) useCertificate(options.rsa);
    pipe_.mtu = static_cast<std::size_t>(options.mtu);
    pipe_.send = [this](Bytes d) { out.emplace_back(d.begin(), d.end()); };
    ssl_.reset(SSL_new(c));
    BIO* bio = makeDatagramBio(pipe_).release();
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mtu(ssl_.get(), options.mtu);
    if (options.helloPadding > 0) {
      Buffer protocols;
      while (protocols.size() < options.helloPadding) {
        protocols.push_back(250);
        protocols.resize(protocols.size() + 250, 'x');
      }
      EXPECT_EQ(SSL_set_alpn_protos(ssl_.get(), protocols.data(), static_cast<unsigned>(protocols.size())),
                0);
    }
    client ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
  }
  Fingerprint fingerprint() const {
    return {"sha-256", fingerprintOf(*SSL_CTX_get0_certificate(context_.get()), *EVP_sha256())};
  }
  void step(Bytes datagram) {
    ERR_clear_error();
    pipe_.incoming = datagram;
    if (!SSL_is_init_finished(ssl_.get())) SSL_do_handshake(ssl_.get());
    if (SSL_is_init_finished(ssl_.get())) {
      char ignored[64];
      SSL_read(ssl_.get(), ignored, sizeof ignored);
    }
  }
  bool connected() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  bool closedByUs() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  void close() { SSL_shutdown(ssl_.get()); }
  void write(std::string_view text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }
  void renegotiate() {
    SSL_renegotiate(ssl_.get());
    SSL_do_handshake(ssl_.get());
  }
  Buffer exportKeys(std::size_t size) const {
    Buffer keys(size);
    SSL_export_keying_material(ssl_.get(), keys.data(), size, "EXTRACTOR-dtls_srtp", 19, nullptr, 0, 0);
    return keys;
  }
  std::deque<Buffer> out;

 private:
  void useCertificate(bool rsa) {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
                                                            &EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> x(X509_new(), &X509_free);
    X509_set_version(x.get(), X509_VERSION_3);
    // Its dates are long over: only the fingerprint counts.
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -200'000);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), -100'000);
    X509_set_pubkey(x.get(), key.get());
    ASSERT_GT(X509_sign(x.get(), key.get(), EVP_sha256()), 0);
    ASSERT_EQ(SSL_CTX_use_certificate(context_.get(), x.get()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey(context_.get(), key.get()), 1);
  }

  DatagramPipe pipe_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

/// Ours in the role that the peer has not.
class Meeting {
 public:
  explicit Meeting(DtlsRole ourRole, const PeerOptions& options = {})
      : peer(ourRole == DtlsRole::server, options) {
    static const auto certificate = DtlsCertificate::generate().value();
    std::vector<Fingerprint> expected;
    if (options.withCertificate)
      expected.push_back(peer.fingerprint());
    else
      expected.push_back({"sha-256", "00"});
    ours = DtlsEndpoint::create(certificate, ourRole, expected, [this](Bytes d) {
             fromUs.emplace_back(d.begin(), d.end());
           }).value();
  }
  void run() {
    ours->start(now);
    if (first_) peer.step({});
    first_ = false;
    while (!fromUs.empty() || !peer.out.empty()) {
      for (; !fromUs.empty(); fromUs.pop_front()) peer.step(Buffer(fromUs.front()));
      for (; !peer.out.empty(); peer.out.pop_front()) ours->onDatagram(Buffer(peer.out.front()), now);
    }
  }
  std::string reason() const { return ours->error() ? ours->error()->reason : "none"; }

  Peer peer;
  std::unique_ptr<DtlsEndpoint> ours;
  std::deque<Buffer> fromUs;
  base::Instant now{1h};

 private:
  bool first_ = true;
};

class DtlsPeerTest : public testing::TestWithParam<DtlsRole> {};
INSTANTIATE_TEST_SUITE_P(Roles, DtlsPeerTest, testing::Values(DtlsRole::client, DtlsRole::server),
                         [](const auto& tested) {
                           return tested.param == DtlsRole::client ? "WeAreClient" : "WeAreServer";
                         });

TEST_P(DtlsPeerTest, EachSrtpProfileAndItsKeys) {
  const std::pair<const char*, SrtpProfile> profiles[] = {
      {"SRTP_AES128_CM_SHA1_80", SrtpProfile::aes128CmSha1_80},
      {"SRTP_AES128_CM_SHA1_32", SrtpProfile::aes128CmSha1_32},
      {"SRTP_AEAD_AES_128_GCM", SrtpProfile::aeadAes128Gcm},
      {"SRTP_AEAD_AES_256_GCM", SrtpProfile::aeadAes256Gcm}};
  for (const auto& [name, profile] : profiles) {
    Meeting m(GetParam(), {.srtp = name});
    m.run();
    ASSERT_EQ(m.ours->state(), DtlsState::connected) << m.reason();
    const SrtpKeys& keys = *m.ours->keys();
    EXPECT_EQ(keys.profile, profile);
    const bool client = GetParam() == DtlsRole::client;
    Buffer joined;
    for (const Buffer* part :
         {client ? &keys.sendKey : &keys.receiveKey, client ? &keys.receiveKey : &keys.sendKey,
          client ? &keys.sendSalt : &keys.receiveSalt, client ? &keys.receiveSalt : &keys.sendSalt})
      joined.insert(joined.end(), part->begin(), part->end());
    EXPECT_EQ(joined, m.peer.exportKeys(joined.size()));
  }
}

TEST_P(DtlsPeerTest, GcmIsPreferredByUsAsServer) {
  Meeting m(GetParam(), {.srtp = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM"});
  m.run();
  ASSERT_EQ(m.ours->state(), DtlsState::connected);
  if (GetParam() == DtlsRole::server) {
    EXPECT_EQ(m.ours->keys()->profile, SrtpProfile::aeadAes128Gcm);
  }
}

TEST_P(DtlsPeerTest, NoSrtpProfileInCommon) {
  Meeting m(GetParam(), {.srtp = nullptr});
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::failed);
  EXPECT_EQ(m.reason(), "dtls.no_srtp_profile");
  EXPECT_FALSE(m.ours->keys());
  EXPECT_TRUE(m.peer.closedByUs());
}

TEST_P(DtlsPeerTest, CloseNotifyBothWaysWithEachCipher) {
  for (const char* cipher :
       {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    Meeting closing(GetParam(), {.ciphers = cipher});
    closing.run();
    ASSERT_EQ(closing.ours->state(), DtlsState::connected) << cipher << closing.reason();
    closing.ours->close();
    closing.run();
    EXPECT_TRUE(closing.peer.closedByUs()) << cipher;

    Meeting closed(GetParam(), {.ciphers = cipher});
    closed.run();
    closed.peer.write("not for us");
    closed.run();
    EXPECT_EQ(closed.ours->state(), DtlsState::connected);
    closed.peer.close();
    closed.run();
    EXPECT_EQ(closed.ours->state(), DtlsState::closed) << cipher;
  }
}

TEST_P(DtlsPeerTest, RsaCertificate) {
  Meeting m(GetParam(), {.rsa = true});
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::connected) << m.reason();
}

TEST_P(DtlsPeerTest, NoCipherInCommon) {
  Meeting m(GetParam(), {.ciphers = "ECDHE-ECDSA-AES128-SHA"});
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::failed);
  EXPECT_EQ(m.reason(), GetParam() == DtlsRole::server ? "dtls.malformed" : "dtls.alert");
}

TEST_P(DtlsPeerTest, Dtls10IsRefused) {
  Meeting m(GetParam(), {.ciphers = "ALL:@SECLEVEL=0", .maxVersion = DTLS1_VERSION});
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::failed);
  EXPECT_FALSE(m.ours->keys());
}

TEST_P(DtlsPeerTest, NoRenegotiation) {
  Meeting m(GetParam());
  m.run();
  const Buffer before = m.ours->keys()->sendKey;
  m.peer.renegotiate();
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::connected);
  EXPECT_EQ(m.ours->keys()->sendKey, before);
}

TEST_P(DtlsPeerTest, SmallFragments) {
  Meeting m(GetParam(), {.mtu = 300});
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::connected) << m.reason();
}

TEST(DtlsPeerServerTest, NoClientCertificate) {
  Meeting m(DtlsRole::server, {.withCertificate = false});
  m.run();
  EXPECT_EQ(m.ours->state(), DtlsState::failed);
  EXPECT_EQ(m.reason(), "dtls.no_certificate");
}

TEST(DtlsPeerServerTest, ClientHelloOverSeveralDatagrams) {
  for (const std::size_t padding : {1'000, 1'500, 4'000, 9'000}) {
    Meeting m(DtlsRole::server, {.helloPadding = padding});
    m.peer.step({});
    EXPECT_EQ(m.peer.out.size() > 1, padding + 300 > 1'200) << padding;
    m.run();
    EXPECT_EQ(m.ours->state(), DtlsState::connected) << padding << m.reason();
  }
}

TEST(DtlsPeerServerTest, FragmentsOfTheClientHelloInAnyOrder) {
  base::FakeRandom random(4);
  for (int round = 0; round < 10; ++round) {
    Meeting m(DtlsRole::server, {.helloPadding = 4'000, .mtu = 500});
    m.peer.step({});
    ASSERT_GT(m.peer.out.size(), 5u);
    for (std::size_t i = m.peer.out.size() - 1; i > 0; --i)
      std::swap(m.peer.out[i], m.peer.out[random.u32() % (i + 1)]);
    m.peer.out.push_back(m.peer.out.front());  // and one twice
    m.run();
    EXPECT_EQ(m.ours->state(), DtlsState::connected) << m.reason();
  }
}

}  // namespace
}  // namespace parley::rtc
