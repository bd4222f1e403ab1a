// Fetches documents by URL for agents (EA-6): http and https, through the outbound proxy if there is one,
// redirects followed one by one and each checked, bounded in size, time and number. The name is resolved
// here, its addresses are checked (url_guard.h), and the connection goes to the checked address: a name that
// changes its mind in between changes nothing. A proxy is asked by name, as those that filter by name need
// it, also where the name cannot be resolved here; which addresses it then connects to only it can guard.
// Loop thread only.
//
// Errors: fetch.bad_url, fetch.bad_scheme, fetch.bad_port, fetch.unresolved, fetch.address_refused,
// fetch.unreachable, fetch.untrusted, fetch.timeout, fetch.too_large, fetch.bad_status,
// fetch.too_many_redirects, fetch.type_mismatch, fetch.busy, fetch.proxy, and those of contentTypeOf(). Texts
// say nothing of what answers inside a network and what does not; the log has more.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assist/content_type.h"
#include "assist/url_guard.h"
#include "base/guard.h"
#include "base/secret.h"
#include "net/dns.h"
#include "net/event_loop.h"
#include "net/http_client.h"

namespace parley::assist {

struct FetcherOptions {
  std::shared_ptr<net::TlsClientContext> tls;
  std::size_t maxBytes = 25 << 20;
  base::Millis limit{25'000};  ///< For all of it, redirects included.
  int maxRedirects = 3;
  std::size_t maxParallel = 8;
};

struct Fetched {
  std::string bytes;
  std::string name;  ///< Out of Content-Disposition or the address.
  ContentType type;
};

class Fetcher {
 public:
  using Resolve = std::function<void(std::string name,
                                     std::function<void(base::Result<std::vector<net::Endpoint>>)> done)>;
  using Done = std::function<void(base::Result<Fetched>)>;

  Fetcher(net::EventLoop& loop, FetcherOptions options);
  /// Test hook: names come from elsewhere than the DNS.
  void setResolve(Resolve resolve) { resolve_ = std::move(resolve); }
  void setAllowance(FetchAllowance allowance) { allowance_ = std::move(allowance); }
  /// "http://proxy.example.com:3128"; empty: none. `user`: for Basic (RFC 7617); empty: nobody asks. Error:
  /// fetch.bad_url.
  base::Result<void> setProxy(const std::string& url, const std::string& user = {},
                              const base::Secret& password = {});
  /// `done` comes once, never inside the call.
  void fetch(const std::string& url, Done done);
  std::size_t running() const { return jobs_.size(); }

 private:
  struct Job {
    Job(net::EventLoop& loop, Done d) : limit(loop), lookUp(loop), done(std::move(d)) {}
    net::Timer limit;
    net::Timer lookUp;
    Done done;
    net::Url url;
    std::deque<net::HttpRoute> routes;  // To be tried, to one address after the other.
    int redirects = 0;
    int lookUps = 0;  // Each is answered once.
  };

  void visit(std::uint64_t job, const std::string& url);
  void onResolved(std::uint64_t job, int lookUp, const base::Result<std::vector<net::Endpoint>>& found);
  void viaProxy(std::uint64_t job);
  void ask(std::uint64_t job);
  void onAnswer(std::uint64_t job, base::Result<net::HttpResponse> answer);
  base::Result<Fetched> contentOf(const net::Url& url, net::HttpResponse response) const;
  /// `why`: for the log, more than the text tells.
  void finish(std::uint64_t job, base::Result<Fetched> result, std::string_view why = {});
  void fail(std::uint64_t job, std::string reason, std::string text, std::string_view why = {});
  std::string addressOf(const net::Url& url) const;

  net::EventLoop& loop_;
  const FetcherOptions options_;
  net::Resolver resolver_;
  net::HttpClient client_;
  Resolve resolve_;
  FetchAllowance allowance_;
  std::optional<net::Url> proxy_;
  base::Secret proxyAuthorization_;
  std::map<std::uint64_t, std::unique_ptr<Job>> jobs_;
  std::uint64_t last_ = 0;
  base::LifeGuard guard_;
};

}  // namespace parley::assist
