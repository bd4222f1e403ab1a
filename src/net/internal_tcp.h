// Sockets under the two kinds of stream. For net/ only.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "net/internal_stream.h"
#include "net/internal_tls.h"

namespace parley::net {

using Tcp = asio::ip::tcp;

/// Options of a connected socket.
void setUp(Tcp::socket& socket);
int descriptorOf(const Tcp::socket& socket);  ///< -1 when closed.
void connectSocket(Tcp::socket& socket, const Endpoint& to, Stream::Done done);
/// Ends our side of `stream`'s socket and drops what still comes: see Stream::linger().
void drain(EventLoop& loop, std::shared_ptr<Stream> stream, Tcp::socket& socket, base::Millis limit,
           Stream::Done done);

std::shared_ptr<Stream> makeTlsServerStream(EventLoop& loop, const SslContext& context, FileDescriptor fd,
                                            const Endpoint& remote);
/// `host` is what the certificate must name. Without a descriptor it is still to be connected.
std::shared_ptr<Stream> makeTlsClientStream(EventLoop& loop, const SslContext& context,
                                            const std::string& host, FileDescriptor fd,
                                            const Endpoint& remote);

}  // namespace parley::net
