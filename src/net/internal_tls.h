// OpenSSL handles of the TLS contexts, counted. For net/ only.
#pragma once
#include <openssl/ssl.h>

#include <memory>

#include "net/tls.h"

namespace parley::net {

using SslContext = std::shared_ptr<SSL_CTX>;
/// The context for a handshake that starts now; lives on after a replace().
SslContext currentContext(TlsServerContext& context);
SslContext currentContext(TlsClientContext& context);

/// What the peer of a finished handshake showed.
PeerCertificate peerCertificateOf(const SSL* ssl);

}  // namespace parley::net
