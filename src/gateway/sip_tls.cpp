#include "gateway/sip_tls.h"

#include "trust/files.h"

namespace parley::gateway {
namespace {

constexpr base::Millis kSipTlsCheck{5'000};

net::ClientCertificate clientCertificates(const std::string& text) {
  if (text == "required") return net::ClientCertificate::required;
  return text == "optional" ? net::ClientCertificate::optional : net::ClientCertificate::none;
}

base::Result<std::string> contentOf(const std::string& file) {
  auto read = trust::readFile(file);
  if (!read) return std::unexpected(read.error());
  if (!*read) return base::fail("tls.bad_certificate", file + " does not exist");
  return std::move(**read);
}

}  // namespace

SipTls::SipTls(SipTlsParts parts) : parts_(std::move(parts)) {}

base::Result<std::unique_ptr<SipTls>> SipTls::create(SipTlsParts parts) {
  std::unique_ptr<SipTls> made(new SipTls(std::move(parts)));
  SipTls* const tls = made.get();
  auto material = tls->read();
  if (!material) return std::unexpected(material.error());
  if (auto used = tls->use(*material); !used) return std::unexpected(used.error());
  tls->watcher_ = std::make_unique<trust::CertificateWatcher>(
      tls->parts_.loop, "SIP", [tls] { return tls->read(); },
      [tls](const Material& changed) { return tls->use(changed); }, kSipTlsCheck);
  return made;
}

base::Result<SipTls::Material> SipTls::read() const {
  auto certificate = contentOf(parts_.certificateFile);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = contentOf(parts_.keyFile);
  if (!key) return std::unexpected(key.error());
  auto more = trust::readAuthorities(parts_.settings.text("sip.authorities"));
  if (!more) return std::unexpected(more.error());
  if (!more->empty()) {  // Behind our own authority's, text without a certificate would go unnoticed.
    if (auto any = net::TlsClientContext::create(*more, false); !any) return std::unexpected(any.error());
  }
  return Material{std::move(*certificate), std::move(*key), parts_.authorityPem + *more,
                  parts_.settings.text("sip.client_certificates")};
}

base::Result<void> SipTls::use(const Material& material) {
  const net::TlsCertificate own{material[0], material[1]};
  const std::string &authorities = material[2], &clients = material[3];
  net::TlsServerSettings server;
  server.certificates = {own};
  server.clientCertificate = clientCertificates(clients);
  server.authoritiesPem = authorities;
  server.anyPurpose = true;  // A session border controller has one certificate, as a server.
  server.protocols.clear();
  net::TlsClientSettings client;
  client.authoritiesPem = authorities;
  client.trustSystem = true;
  client.certificate = {own};
  if (server_ == nullptr) {
    auto made = net::TlsServerContext::create(std::move(server));
    if (!made) return std::unexpected(made.error());
    auto madeClient = net::TlsClientContext::create(client);
    if (!madeClient) return std::unexpected(madeClient.error());
    server_ = std::move(*made);
    client_ = std::move(*madeClient);
    return {};
  }
  // The client's first: it fails by the same faults, and then the server's is as it was.
  if (auto replaced = client_->replace(client); !replaced) return replaced;
  return server_->replace(std::move(server));
}

}  // namespace parley::gateway
