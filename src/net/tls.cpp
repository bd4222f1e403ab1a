#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <mutex>
#include <vector>

#include "net/internal_tls.h"

namespace parley::net {
namespace {

// Forward-secret AEAD only; TLS 1.3 suites are so by definition.
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK:!SRP";
constexpr const char* kGroups = "X25519:P-256:P-384";

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string opensslText() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no PEM block found";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Bio bioOf(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1 << 20))),
          BIO_free};
}

/// Never asks a terminal for a pass phrase.
int noPassword(char*, int, int, void*) { return -1; }

std::vector<Certificate> readCertificates(const std::string& pem) {
  std::vector<Certificate> result;
  const Bio bio = bioOf(pem);
  while (X509* each = PEM_read_bio_X509(bio.get(), nullptr, noPassword, nullptr)) {
    result.emplace_back(each, X509_free);
  }
  return result;
}

SslContext newContext(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kCiphers12);
  SSL_CTX_set1_groups_list(context.get(), kGroups);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

/// What the callbacks of a server context need. It belongs to its SSL_CTX, as connections do that outlive a
/// replace().
struct ServerState {
  struct Named {
    Certificate certificate;  ///< Whose names are compared.
    SslContext context;
  };
  std::vector<Named> others;             ///< Empty in all but the default context.
  std::vector<unsigned char> protocols;  ///< ALPN wire form.
};

int stateIndex() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
        const std::unique_ptr<ServerState> state(static_cast<ServerState*>(data));
      });
  return index;
}

int selectAlpn(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
               unsigned int offeredLength, void* argument) {
  const auto& ours = static_cast<ServerState*>(argument)->protocols;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, ours.data(), static_cast<unsigned>(ours.size()), offered,
                            offeredLength) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// RFC 6066 section 3. An unknown name gets the default: many devices are told an address and send a name
/// that nobody configured.
int selectByName(SSL* ssl, int*, void* argument) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_OK;
  for (const auto& each : static_cast<ServerState*>(argument)->others) {
    if (X509_check_host(each.certificate.get(), name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) ==
        1) {
      SSL_set_SSL_CTX(ssl, each.context.get());
      break;
    }
  }
  return SSL_TLSEXT_ERR_OK;
}

base::Result<void> useCertificate(SSL_CTX* context, const TlsCertificate& pem, Certificate* leaf = nullptr) {
  ERR_clear_error();
  auto certificates = readCertificates(pem.certificatePem);
  if (certificates.empty()) return base::fail("tls.bad_certificate", "certificate: " + opensslText());
  ERR_clear_error();
  const Bio bio = bioOf(pem.keyPem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassword, nullptr), EVP_PKEY_free);
  if (!key) return base::fail("tls.bad_key", "private key: " + opensslText());
  if (SSL_CTX_use_certificate(context, certificates[0].get()) != 1) {
    return base::fail("tls.bad_certificate", "certificate: " + opensslText());
  }
  if (X509_check_private_key(certificates[0].get(), key.get()) != 1) {
    ERR_clear_error();
    return base::fail("tls.key_mismatch", "the private key does not belong to the certificate");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return base::fail("tls.bad_key", "private key: " + opensslText());
  }
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    SSL_CTX_add1_chain_cert(context, certificates[i].get());
  }
  if (leaf != nullptr) *leaf = std::move(certificates[0]);
  return {};
}

base::Result<void> trust(SSL_CTX* context, const std::string& authoritiesPem) {
  if (authoritiesPem.empty()) return {};
  ERR_clear_error();
  const auto certificates = readCertificates(authoritiesPem);
  if (certificates.empty()) return base::fail("tls.bad_certificate", "authorities: " + opensslText());
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& each : certificates) X509_STORE_add_cert(store, each.get());
  ERR_clear_error();
  return {};
}

/// Goes on whatever was found; SSL_get_verify_result() keeps it.
int acceptAny(int, X509_STORE_CTX*) { return 1; }

base::Result<void> askForClientCertificate(SSL_CTX* context, const TlsServerSettings& settings) {
  if (settings.clientCertificate == ClientCertificate::none) return {};
  if (auto trusted = trust(context, settings.authoritiesPem); !trusted) return trusted;
  for (const auto& each : readCertificates(settings.authoritiesPem)) {
    SSL_CTX_add_client_CA(context, each.get());  // Clients with several choose by it.
  }
  ERR_clear_error();
  const bool required = settings.clientCertificate == ClientCertificate::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     required ? nullptr : acceptAny);
  if (settings.anyPurpose) SSL_CTX_set_purpose(context, X509_PURPOSE_ANY);
  // Every connection shows its certificate anew: what a ticket says was checked against older trust.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  return {};
}

base::Result<SslContext> buildOne(const TlsServerSettings& settings, const TlsCertificate& certificate,
                                  std::vector<ServerState::Named> others, Certificate* leaf) {
  SslContext context = newContext(TLS_server_method());
  if (auto used = useCertificate(context.get(), certificate, leaf); !used) {
    return std::unexpected(used.error());
  }
  if (auto asked = askForClientCertificate(context.get(), settings); !asked) {
    return std::unexpected(asked.error());
  }
  auto state = std::make_unique<ServerState>();
  for (const auto& protocol : settings.protocols) {
    if (protocol.empty() || protocol.size() > 255) continue;
    state->protocols.push_back(static_cast<unsigned char>(protocol.size()));
    state->protocols.insert(state->protocols.end(), protocol.begin(), protocol.end());
  }
  state->others = std::move(others);
  ServerState* kept = state.get();
  if (SSL_CTX_set_ex_data(context.get(), stateIndex(), kept) != 1) {
    return base::fail("tls.bad_certificate", opensslText());
  }
  // Now the SSL_CTX's, see stateIndex().
  static_cast<void>(state.release());
  if (!kept->protocols.empty()) SSL_CTX_set_alpn_select_cb(context.get(), selectAlpn, kept);
  if (!kept->others.empty()) {
    SSL_CTX_set_tlsext_servername_callback(context.get(), selectByName);
    SSL_CTX_set_tlsext_servername_arg(context.get(), kept);
  }
  return context;
}

base::Result<SslContext> buildServer(const TlsServerSettings& settings) {
  if (settings.certificates.empty() || settings.certificates.size() > kMaxTlsCertificates) {
    return base::fail("tls.bad_certificate", "a server needs 1 to 64 certificates");
  }
  std::vector<ServerState::Named> named;
  // The default is asked first, too: it may name what a later one names as well.
  for (std::size_t i = 0; settings.certificates.size() > 1 && i < settings.certificates.size(); ++i) {
    Certificate leaf(nullptr, X509_free);
    auto context = buildOne(settings, settings.certificates[i], {}, &leaf);
    if (!context) return std::unexpected(context.error());
    named.push_back({std::move(leaf), std::move(*context)});
  }
  return buildOne(settings, settings.certificates.front(), std::move(named), nullptr);
}

base::Result<SslContext> buildClient(const TlsClientSettings& settings) {
  SslContext context = newContext(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, settings.verify ? nullptr : acceptAny);
  if (auto trusted = trust(context.get(), settings.authoritiesPem); !trusted) {
    return std::unexpected(trusted.error());
  }
  if (settings.trustSystem) SSL_CTX_set_default_verify_paths(context.get());
  ERR_clear_error();
  if (!settings.certificate.empty()) {
    if (auto used = useCertificate(context.get(), settings.certificate.front()); !used) {
      return std::unexpected(used.error());
    }
  }
  return context;
}

class ServerContext final : public TlsServerContext {
 public:
  ServerContext(TlsServerSettings settings, SslContext context)
      : settings_(std::move(settings)), context_(std::move(context)) {}

  base::Result<void> replace(const std::string& certificatePem, const std::string& keyPem) override {
    const std::lock_guard lock(mutex_);
    TlsServerSettings next = settings_;
    next.certificates.front() = {certificatePem, keyPem};
    return use(std::move(next));
  }
  base::Result<void> replace(TlsServerSettings settings) override {
    const std::lock_guard lock(mutex_);
    return use(std::move(settings));
  }
  void* nativeHandle() override { return current().get(); }

  SslContext current() {
    const std::lock_guard lock(mutex_);
    return context_;
  }

 private:
  base::Result<void> use(TlsServerSettings next) {
    auto built = buildServer(next);
    if (!built) return std::unexpected(built.error());
    context_ = std::move(*built);
    settings_ = std::move(next);
    return {};
  }

  std::mutex mutex_;
  TlsServerSettings settings_;
  SslContext context_;
};

class ClientContext final : public TlsClientContext {
 public:
  explicit ClientContext(SslContext context) : context_(std::move(context)) {}
  base::Result<void> replace(const TlsClientSettings& settings) override {
    auto built = buildClient(settings);
    if (!built) return std::unexpected(built.error());
    const std::lock_guard lock(mutex_);
    context_ = std::move(*built);
    return {};
  }
  void* nativeHandle() override { return current().get(); }

  SslContext current() {
    const std::lock_guard lock(mutex_);
    return context_;
  }

 private:
  std::mutex mutex_;
  SslContext context_;
};

}  // namespace

base::Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(const std::string& certificatePem,
                                                                         const std::string& keyPem) {
  TlsServerSettings settings;
  settings.certificates.push_back({certificatePem, keyPem});
  return create(std::move(settings));
}

base::Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(TlsServerSettings settings) {
  auto context = buildServer(settings);
  if (!context) return std::unexpected(context.error());
  return std::make_shared<ServerContext>(std::move(settings), std::move(*context));
}

base::Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(const std::string& authoritiesPem,
                                                                         bool trustSystem) {
  TlsClientSettings settings;
  settings.authoritiesPem = authoritiesPem;
  settings.trustSystem = trustSystem;
  return create(settings);
}

base::Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(const TlsClientSettings& settings) {
  auto context = buildClient(settings);
  if (!context) return std::unexpected(context.error());
  return std::make_shared<ClientContext>(std::move(*context));
}

SslContext currentContext(TlsServerContext& context) {
  return static_cast<ServerContext&>(context).current();
}

SslContext currentContext(TlsClientContext& context) {
  return static_cast<ClientContext&>(context).current();
}

}  // namespace parley::net
