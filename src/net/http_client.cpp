#include "net/http_client.h"

#include <map>
#include <set>

#include "base/affinity.h"
#include "base/text.h"
#include "net/dns.h"
#include "net/internal_connect.h"
#include "net/internal_http.h"
#include "net/internal_http_pool.h"
#include "net/internal_websocket.h"

namespace parley::net {
namespace {
/// Hosts without connections are forgotten beyond this.
constexpr std::size_t kMaxIdleHosts = 64;
}  // namespace

struct HttpClient::Impl : std::enable_shared_from_this<HttpClient::Impl> {
  Impl(EventLoop& l, HttpClientOptions o)
      : loop(l), options(std::make_shared<const HttpClientOptions>(std::move(o))), resolver(l, {}) {}

  /// Never inside the caller's call.
  template <class Done>
  void failLater(Done done, base::Error error) {
    loop.post([weak = weak_from_this(), call = std::move(done), problem = std::move(error)]() mutable {
      if (weak.lock()) call(std::unexpected(std::move(problem)));
    });
  }

  std::shared_ptr<HttpHost> host(const Url& url, const std::optional<HttpRoute>& route) {
    if (hosts.size() > kMaxIdleHosts) std::erase_if(hosts, [](const auto& h) { return h.second->empty(); });
    auto& found = hosts[{(url.secure ? "https://" : "http://") + url.authority(), route}];
    if (!found) found = std::make_shared<HttpHost>(loop, options, resolver, url, route);
    return found;
  }

  EventLoop& loop;
  std::shared_ptr<const HttpClientOptions> options;
  Resolver resolver;
  /// Connections of one route serve no other.
  std::map<std::pair<std::string, std::optional<HttpRoute>>, std::shared_ptr<HttpHost>> hosts;
  std::set<std::shared_ptr<Connector>> upgrading;
  base::ThreadAffinity affinity;
};

HttpClient::HttpClient(EventLoop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

HttpClient::~HttpClient() {
  for (const auto& [name, host] : impl_->hosts) host->close();
  for (const auto& connector : impl_->upgrading) connector->cancel();
}

void HttpClient::request(HttpClientRequest request, std::function<void(base::Result<HttpResponse>)> done) {
  impl_->affinity.assertHere();
  const auto url = parseUrl(request.url, "http");
  if (!url) return impl_->failLater(std::move(done), {"http.bad_url", "not an http or https address"});
  if (url->secure && !impl_->options->tls) {
    return impl_->failLater(std::move(done), {"net.tls_failed", "no authorities are set for https"});
  }
  request.headers.set("Host", url->authority());
  const bool whole = request.route && request.route->wholeAddress;
  if (whole && !request.route->proxyAuthorization.empty()) {
    request.headers.set("Proxy-Authorization", request.route->proxyAuthorization.reveal());
  }
  const std::string target = whole ? "http://" + url->authority() + url->target : url->target;
  auto bytes = std::make_shared<std::string>(requestHead(request.method, target, request.headers));
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    *bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  *bytes += "\r\n";
  *bytes += request.body;
  HttpJob job{request.method, std::move(bytes), done, impl_->loop.now() + impl_->options->requestTimeout};
  if (!impl_->host(*url, request.route)->submit(std::move(job))) {
    impl_->failLater(std::move(done), {"net.busy", url->authority() + ": too many requests are waiting"});
  }
}

void HttpClient::openWebSocket(std::string url, HttpHeaders headers, WebSocketOptions options,
                               std::function<void(base::Result<std::shared_ptr<WebSocket>>)> done,
                               const std::optional<Endpoint>& to) {
  impl_->affinity.assertHere();
  auto target = parseUrl(url, "ws");
  if (!target) return impl_->failLater(std::move(done), {"http.bad_url", "not a ws or wss address"});
  if (target->secure && !impl_->options->tls) {
    return impl_->failLater(std::move(done), {"net.tls_failed", "no authorities are set for wss"});
  }
  // The connector is known to its callback by this slot, to be forgotten when it is done.
  auto slot = std::make_shared<std::weak_ptr<Connector>>();
  auto connector = std::make_shared<Connector>(
      impl_->loop, impl_->options, *target,
      [weak = impl_->weak_from_this(), slot, where = *target, fields = std::move(headers),
       settings = std::move(options), call = std::move(done)](base::Result<std::shared_ptr<Stream>> stream) {
        const auto impl = weak.lock();
        if (!impl) return;
        impl->upgrading.erase(slot->lock());
        if (!stream) return call(std::unexpected(stream.error()));
        connectWebSocket(impl->loop, std::move(*stream), where.authority(), where.target, fields, settings,
                         [weak, call](base::Result<std::shared_ptr<WebSocket>> socket) {
                           if (weak.lock()) call(std::move(socket));
                         });
      });
  *slot = connector;
  impl_->upgrading.insert(connector);
  if (to) return connector->start(*to);
  connector->start(impl_->resolver);
}

std::string HttpClient::basicAuthorization(const std::string& user, const base::Secret& password) {
  const base::Secret pair(user + ":" + password.reveal());
  return "Basic " + base::base64Encode(base::asBytes(pair.reveal()));
}

}  // namespace parley::net
