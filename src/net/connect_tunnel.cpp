// The part of connecting that goes through a proxy: CONNECT (RFC 9110 section 9.3.6).
#include "net/internal_connect.h"

namespace parley::net {
namespace {

constexpr std::size_t kMaxProxyAnswer = 8 * 1024;

/// A 2xx answer without a body: the tunnel stands.
bool isSuccess(std::string_view head) {
  constexpr std::size_t kStatusAt = 9;  // Behind "HTTP/1.x ".
  return head.starts_with("HTTP/1.") && head.size() > kStatusAt + 3 && head[kStatusAt - 1] == ' ' &&
         head[kStatusAt] == '2';
}

}  // namespace

void Connector::askProxy() {
  auto text = std::make_shared<std::string>("CONNECT " + tunnel_ + " HTTP/1.1\r\nHost: " + tunnel_ + "\r\n");
  if (!proxyAuthorization_.empty()) {
    *text += "Proxy-Authorization: " + proxyAuthorization_.reveal() + "\r\n";
  }
  *text += "\r\n";
  BufferList list;
  list.add(asio::const_buffer(text->data(), text->size()));
  stream_->writeSome(list, [weak = weak_from_this(), text](ErrorCode error, std::size_t count) {
    const auto self = weak.lock();
    if (!self || !self->ready_) return;
    // A kernel that cannot take some hundred bytes on a fresh connection is as good as an error.
    if (error || count != text->size()) {
      return self->fail("net.connect_failed", "proxy: the connection broke");
    }
    self->readProxy();
  });
}

void Connector::readProxy() {
  constexpr std::size_t kReadSize = 1024;
  proxyUsed_ = proxyText_.size();
  proxyText_.resize(proxyUsed_ + kReadSize);
  stream_->readSome(asio::mutable_buffer(proxyText_.data() + proxyUsed_, kReadSize),
                    [self = shared_from_this()](ErrorCode error, std::size_t count) {
                      self->proxyText_.resize(self->proxyUsed_ + count);
                      if (!self->ready_) return;
                      if (error) return self->fail("net.tunnel_refused", "proxy: the connection broke");
                      self->onProxyAnswer();
                    });
}

void Connector::onProxyAnswer() {
  const auto end = proxyText_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (proxyText_.size() < kMaxProxyAnswer) return readProxy();
    return fail("net.tunnel_refused", "proxy: the answer is too long");
  }
  // A server speaks TLS only when it was spoken to: more bytes would be the proxy's own.
  if (!isSuccess(proxyText_) || end + 4 != proxyText_.size()) {
    return fail("net.tunnel_refused", "proxy: " + proxyText_.substr(0, proxyText_.find('\r')));
  }
  if (url_.secure) stream_ = secureClientStream(loop_, *stream_, options_->tls, url_.host);
  if (!stream_) return fail("net.connect_failed", "proxy: no descriptor is left");
  shakeHands();
}

}  // namespace parley::net
