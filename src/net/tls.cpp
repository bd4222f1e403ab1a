#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

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

/// HTTP/1.1 is the only protocol behind these contexts.
int selectAlpn(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
               unsigned int offeredLength, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, kHttp11, sizeof kHttp11 - 1, offered, offeredLength) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

base::Result<SslContext> buildServer(const std::string& certificatePem, const std::string& keyPem) {
  ERR_clear_error();
  auto certificates = readCertificates(certificatePem);
  if (certificates.empty()) return base::fail("tls.bad_certificate", "certificate: " + opensslText());
  ERR_clear_error();
  const Bio bio = bioOf(keyPem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassword, nullptr), EVP_PKEY_free);
  if (!key) return base::fail("tls.bad_key", "private key: " + opensslText());

  const SslContext context = newContext(TLS_server_method());
  if (SSL_CTX_use_certificate(context.get(), certificates[0].get()) != 1) {
    return base::fail("tls.bad_certificate", "certificate: " + opensslText());
  }
  if (X509_check_private_key(certificates[0].get(), key.get()) != 1) {
    ERR_clear_error();
    return base::fail("tls.key_mismatch", "the private key does not belong to the certificate");
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return base::fail("tls.bad_key", "private key: " + opensslText());
  }
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    SSL_CTX_add1_chain_cert(context.get(), certificates[i].get());
  }
  SSL_CTX_set_alpn_select_cb(context.get(), selectAlpn, nullptr);
  return context;
}

class ServerContext final : public TlsServerContext {
 public:
  explicit ServerContext(SslContext context) : context_(std::move(context)) {}

  base::Result<void> replace(const std::string& certificatePem, const std::string& keyPem) override {
    auto next = buildServer(certificatePem, keyPem);
    if (!next) return std::unexpected(next.error());
    const std::lock_guard lock(mutex_);
    context_.swap(*next);
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

class ClientContext final : public TlsClientContext {
 public:
  explicit ClientContext(SslContext c) : context(std::move(c)) {}
  void* nativeHandle() override { return context.get(); }
  const SslContext context;
};

}  // namespace

base::Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(const std::string& certificatePem,
                                                                         const std::string& keyPem) {
  auto context = buildServer(certificatePem, keyPem);
  if (!context) return std::unexpected(context.error());
  return std::make_shared<ServerContext>(std::move(*context));
}

base::Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(const std::string& authoritiesPem,
                                                                         bool trustSystem) {
  ERR_clear_error();
  const SslContext context = newContext(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!authoritiesPem.empty()) {
    const auto certificates = readCertificates(authoritiesPem);
    if (certificates.empty()) return base::fail("tls.bad_certificate", "authorities: " + opensslText());
    X509_STORE* store = SSL_CTX_get_cert_store(context.get());
    for (const auto& each : certificates) X509_STORE_add_cert(store, each.get());
  }
  if (trustSystem) SSL_CTX_set_default_verify_paths(context.get());
  ERR_clear_error();
  return std::make_shared<ClientContext>(context);
}

SslContext currentContext(TlsServerContext& context) {
  return static_cast<ServerContext&>(context).current();
}

SslContext currentContext(TlsClientContext& context) { return static_cast<ClientContext&>(context).context; }

}  // namespace parley::net
