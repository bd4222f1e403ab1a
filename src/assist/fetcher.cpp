#include "assist/fetcher.h"

#include <fmt/format.h>

#include "assist/fetched_name.h"
#include "assist/internal_log.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"

namespace parley::assist {
namespace {

net::HttpClientOptions clientOptions(const FetcherOptions& options) {
  net::HttpClientOptions out;
  out.tls = options.tls;
  out.connectTimeout = base::Millis{5'000};
  out.requestTimeout = options.limit;
  out.maxResponseBytes = options.maxBytes;
  out.maxConnectionsPerHost = 4;
  out.maxQueuedPerHost = options.maxParallel;
  out.idleTimeout = base::Millis{1'000};
  return out;
}

/// What the client says, in what an agent may know: nothing of who answers where.
base::Error outward(const base::Error& error) {
  if (error.reason == "net.timeout") return {"fetch.timeout", "The document took too long."};
  if (error.reason == "http.too_large") return {"fetch.too_large", "The document is too large."};
  if (error.reason == "net.untrusted") return {"fetch.untrusted", "The server's certificate is not trusted."};
  if (error.reason == "net.tunnel_refused") return {"fetch.proxy", "The outbound proxy refused the address."};
  if (error.reason == "net.busy") return {"fetch.busy", "Too many documents are being fetched."};
  return {"fetch.unreachable", "The server could not be reached."};
}

/// Without a proxy's own resolver nobody waits long for ours.
constexpr base::Millis kLookUpPatience{3'000};
constexpr int kProxyAuthenticationRequired = 407;

/// What CONNECT names (RFC 9110 section 9.3.6): always with the port.
std::string tunnelTo(const net::Url& url) {
  const bool v6 = url.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", url.host, v6 ? "]" : "", url.port);
}

bool isRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Fetcher::Fetcher(net::EventLoop& loop, FetcherOptions options)
    : loop_(loop),
      options_(std::move(options)),
      resolver_(loop, {}),
      client_(loop, clientOptions(options_)),
      resolve_(
          [this](std::string name, auto done) { resolver_.addresses(std::move(name), std::move(done)); }) {}

base::Result<void> Fetcher::setProxy(const std::string& url, const std::string& user,
                                     const base::Secret& password) {
  proxyAuthorization_ =
      base::Secret(user.empty() ? std::string() : net::HttpClient::basicAuthorization(user, password));
  if (url.empty()) {
    proxy_.reset();
    return {};
  }
  const auto parsed = net::parseUrl(url, "http");
  if (!parsed || parsed->secure)
    return base::fail("fetch.bad_url", "not an address such as http://proxy:3128");
  proxy_ = *parsed;
  return {};
}

void Fetcher::fetch(const std::string& url, Done done) {
  if (jobs_.size() >= options_.maxParallel) {
    loop_.post([done] { done(base::fail("fetch.busy", "Too many documents are being fetched.")); });
    return;
  }
  const std::uint64_t job = ++last_;
  auto& made = jobs_[job] = std::make_unique<Job>(loop_, std::move(done));
  made->limit.start(options_.limit,
                    [this, job] { fail(job, "fetch.timeout", "The document took too long."); });
  loop_.post(guard_.wrap([this, job, url] { visit(job, url); }));
}

void Fetcher::visit(std::uint64_t job, const std::string& url) {
  const auto at = jobs_.find(job);
  if (at == jobs_.end()) return;
  auto checked = checkUrl(url);
  if (!checked) return finish(job, std::unexpected(checked.error()));
  Job& visiting = *at->second;
  visiting.url = std::move(*checked);
  const int lookUp = ++visiting.lookUps;
  const std::function<void(base::Result<std::vector<net::Endpoint>>)> answered =
      guard_.wrap([this, job, lookUp](base::Result<std::vector<net::Endpoint>> found) {
        onResolved(job, lookUp, found);
      });
  if (proxy_) {
    visiting.lookUp.start(kLookUpPatience,
                          [answered] { answered(base::fail("dns.timeout", "no answer in time")); });
  }
  resolve_(visiting.url.host, answered);
}

void Fetcher::onResolved(std::uint64_t job, int lookUp,
                         const base::Result<std::vector<net::Endpoint>>& found) {
  const auto at = jobs_.find(job);
  if (at == jobs_.end() || at->second->lookUps != lookUp) return;
  Job& resolved = *at->second;
  ++resolved.lookUps;
  resolved.lookUp.stop();
  if (proxy_ && (!found || found->empty())) {
    const auto may = checkUnresolved(resolved.url, allowance_);
    if (!may) return finish(job, std::unexpected(may.error()));
    return viaProxy(job);
  }
  if (!found) return fail(job, "fetch.unresolved", "The server's name is not known.", found.error().text);
  const auto to = checkAddresses(resolved.url, *found, allowance_, net::localAddresses(true));
  if (!to) return finish(job, std::unexpected(to.error()));
  if (proxy_) return viaProxy(job);
  resolved.routes.clear();
  for (const net::Endpoint& each : *to) resolved.routes.push_back({.to = each});
  ask(job);
}

void Fetcher::viaProxy(std::uint64_t job) {
  resolve_(proxy_->host,
           guard_.wrap([this, job, port = proxy_->port](base::Result<std::vector<net::Endpoint>> found) {
             const auto at = jobs_.find(job);
             if (at == jobs_.end()) return;
             if (!found || found->empty()) {
               return fail(job, "fetch.proxy", "The outbound proxy could not be reached.",
                           found ? "no address" : found.error().text);
             }
             Job& asking = *at->second;
             asking.routes.clear();
             for (const net::Endpoint& proxy : *found) {
               asking.routes.push_back({.to = proxy.withPort(port),
                                        .tunnel = asking.url.secure ? tunnelTo(asking.url) : std::string(),
                                        .wholeAddress = !asking.url.secure,
                                        .proxyAuthorization = proxyAuthorization_});
             }
             ask(job);
           }));
}

std::string Fetcher::addressOf(const net::Url& url) const {
  return (url.secure ? "https://" : "http://") + url.authority() + url.target;
}

void Fetcher::ask(std::uint64_t job) {
  Job& asking = *jobs_.at(job);
  net::HttpClientRequest request;
  request.url = addressOf(asking.url);
  request.headers.set("Accept", "application/pdf, image/png, image/jpeg, image/gif, image/webp");
  request.headers.set("Accept-Encoding", "identity");
  request.headers.set("User-Agent", "Parley");
  request.headers.set("Connection", "close");
  request.route = std::move(asking.routes.front());
  asking.routes.pop_front();
  client_.request(std::move(request), guard_.wrap([this, job](base::Result<net::HttpResponse> answer) {
    onAnswer(job, std::move(answer));
  }));
}

void Fetcher::onAnswer(std::uint64_t job, base::Result<net::HttpResponse> answer) {
  const auto at = jobs_.find(job);
  if (at == jobs_.end()) return;
  if (!answer && answer.error().reason == "net.connect_failed" && !at->second->routes.empty())
    return ask(job);
  if (!answer) return finish(job, std::unexpected(outward(answer.error())), answer.error().text);
  if (proxy_ && answer->status == kProxyAuthenticationRequired) {
    return fail(job, "fetch.proxy", "The outbound proxy refused the address.", "proxy: 407");
  }
  if (isRedirect(answer->status)) {
    if (++at->second->redirects > options_.maxRedirects) {
      return fail(job, "fetch.too_many_redirects", "The address leads on and on.");
    }
    return visit(job, redirectTarget(at->second->url, answer->headers.get("Location")));
  }
  finish(job, contentOf(at->second->url, std::move(*answer)));
}

base::Result<Fetched> Fetcher::contentOf(const net::Url& url, net::HttpResponse response) const {
  if (response.status != 200) {
    return base::fail("fetch.bad_status", fmt::format("The server answered with {}.", response.status));
  }
  const auto coding = response.headers.get("Content-Encoding");
  if (!coding.empty() && !base::equalsIgnoreCase(coding, "identity")) {
    return base::fail("fetch.type_mismatch", "The server sent the document packed.");
  }
  const auto type = contentTypeOf(base::asBytes(response.body));
  if (!type) return std::unexpected(type.error());
  if (!agrees(response.headers.get("Content-Type"), *type)) {
    return base::fail("fetch.type_mismatch", "The document is not what the server says it is.");
  }
  const std::string name = fetchedName(response.headers.get("Content-Disposition"), url.target);
  return Fetched{std::move(response.body), contentName(name, *type), *type};
}

void Fetcher::fail(std::uint64_t job, std::string reason, std::string text, std::string_view why) {
  finish(job, base::fail(std::move(reason), std::move(text)), why);
}

void Fetcher::finish(std::uint64_t job, base::Result<Fetched> result, std::string_view why) {
  const auto at = jobs_.find(job);
  if (at == jobs_.end()) return;
  if (!result) {
    logger.warn("document is not fetched",
                {{"reason", result.error().reason},
                 {"host", base::printable(at->second->url.host, 100)},
                 {"why", base::printable(why.empty() ? result.error().text : why, 200)}});
  }
  base::Metrics::instance()
      .counter("parley_assist_fetches_total", "Documents fetched by URL, by result.",
               {{"result", result ? std::string("ok") : result.error().reason}})
      .add();
  const std::unique_ptr<Job> ended = std::move(at->second);
  jobs_.erase(at);
  ended->done(std::move(result));
}

}  // namespace parley::assist
