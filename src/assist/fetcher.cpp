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

base::Result<void> Fetcher::setProxy(const std::string& url) {
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
  at->second->url = std::move(*checked);
  resolve_(at->second->url.host, guard_.wrap([this, job](base::Result<std::vector<net::Endpoint>> found) {
    onResolved(job, found);
  }));
}

void Fetcher::onResolved(std::uint64_t job, const base::Result<std::vector<net::Endpoint>>& found) {
  const auto at = jobs_.find(job);
  if (at == jobs_.end()) return;
  const net::Url& url = at->second->url;
  if (!found) return fail(job, "fetch.unresolved", "The server's name is not known.", found.error().text);
  const auto to = checkAddresses(url, *found, allowance_, net::localAddresses(true));
  if (!to) return finish(job, std::unexpected(to.error()));
  if (proxy_) return viaProxy(job, *to);
  at->second->routes.clear();
  for (const net::Endpoint& each : *to) at->second->routes.push_back({.to = each});
  ask(job);
}

void Fetcher::viaProxy(std::uint64_t job, const std::vector<net::Endpoint>& to) {
  resolve_(proxy_->host,
           guard_.wrap([this, job, to, port = proxy_->port](base::Result<std::vector<net::Endpoint>> found) {
             const auto at = jobs_.find(job);
             if (at == jobs_.end()) return;
             if (!found || found->empty()) {
               return fail(job, "fetch.proxy", "The outbound proxy could not be reached.",
                           found ? "no address" : found.error().text);
             }
             const bool secure = at->second->url.secure;
             at->second->routes.clear();
             for (const net::Endpoint& proxy : *found) {
               at->second->routes.push_back({.to = proxy.withPort(port),
                                             .tunnel = secure ? to.front().toString() : std::string(),
                                             .wholeAddress = !secure});
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
