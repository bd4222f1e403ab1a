#include "assist/documents.h"

#include "assist/documents_http.h"
#include "assist/documents_settings.h"
#include "assist/internal_log.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "link/api.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::apiJson;
using link::Json;
using net::HttpReply;
using net::HttpRequest;
using net::HttpResponse;

constexpr base::Millis kSweepEvery{60'000};
constexpr std::int64_t kUploadsPerMinute = 60;
constexpr std::int64_t kFetchesPerMinute = 30;
constexpr std::size_t kFetchesAtATime = 3;

std::string queryOf(const HttpRequest& request, const char* name) {
  const auto at = request.query.find(name);
  return at == request.query.end() ? std::string() : at->second;
}

base::Error tooMany() { return {"rate.exceeded", "Too many documents in a minute."}; }

}  // namespace

Documents::~Documents() = default;

base::Result<void> Documents::start(const link::Host& host) {
  host_.emplace(host);
  contents_ = std::make_unique<ContentStore>(host.random, contentLimits(host.settings));
  library_ = std::make_unique<Library>(host.store, host.random, libraryLimits(host.settings));
  codes_ = std::make_unique<ShortCodes>(host.random, shortCodeOptions(host.settings));
  auto trust = FetchTrust::create(host.loop, host.settings, host.authorityPem);
  if (!trust) return std::unexpected(trust.error());
  fetchTrust_ = std::move(*trust);
  FetcherOptions options;
  options.tls = fetchTrust_->context();
  options.maxBytes = contents_->limits().maxBytes;
  fetcher_ = std::make_unique<Fetcher>(host.loop, options);
  applySettings();

  std::optional<base::Result<std::size_t>> loaded;
  library_->load(guard_.wrap([&loaded](base::Result<std::size_t> result) { loaded = std::move(result); }));
  host.loop.runUntil([&loaded] { return loaded.has_value(); }, link::kLoadPatience);
  if (!loaded) return base::fail("server.slow_start", "The library could not be loaded in time.");
  if (!*loaded) return std::unexpected(loaded->error());

  if (auto kept = loadKept(); !kept) return kept;
  if (auto codes = loadCodes(); !codes) return codes;
  addContentRoutes(host.router);
  addLibraryRoutes(host.router);
  addShortCodeRoutes(host.router);
  sweeper_ = std::make_unique<net::Timer>(host.loop);
  sweeper_->startEvery(kSweepEvery, [this] {
    contents_->expire(base::steadyNow());
    count();
  });
  count();
  return {};
}

void Documents::applySettings() {
  const base::Settings& settings = host_->settings;
  contents_->setUnused(contentLimits(settings).unused);
  fetchTrust_->check();
  fetcher_->setAllowance(fetchAllowance(settings));
  // The setting's own check saw to it that it is an address.
  static_cast<void>(fetcher_->setProxy(settings.text("assist.outbound_proxy"),
                                       settings.text("assist.outbound_proxy_user"),
                                       base::Secret(settings.text("assist.outbound_proxy_password"))));
  const ShortCodeOptions codes = shortCodeOptions(settings);
  codes_->setOptions(codes.length, codes.lifetime);
}

void Documents::count() const {
  auto& metrics = base::Metrics::instance();
  metrics.gauge("parley_assist_content_bytes", "Documents of running sessions in memory.")
      .set(static_cast<std::int64_t>(contents_->bytes()));
  metrics.gauge("parley_assist_library_items", "Items in the supervisors' library.")
      .set(static_cast<std::int64_t>(library_->size()));
}

void Documents::addContentRoutes(net::Router& router) {
  for (const char* base : {kUploadPath, kOldContentPath}) {
    router.addBodyRule(base, contents_->limits().maxBytes,
                       [this](const HttpRequest& head) -> std::optional<net::BodyAllowance> {
                         if (head.method != "POST" || bringer(head).empty()) return std::nullopt;
                         auto place = contents_->upload();
                         if (!place) return std::nullopt;
                         return net::BodyAllowance{contents_->limits().maxBytes, std::move(place)};
                       });
    router.add("POST", base, [this](HttpRequest request, HttpReply reply) {
      onUpload(std::move(request), std::move(reply));
    });
  }
  for (const std::string base : {kContentPath, kOldContentPath}) {
    router.add("GET", base + "/{id}", [this](const HttpRequest& request, HttpReply reply) {
      onDownload(request, std::move(reply));
    });
    router.add("OPTIONS", base + "/{id}", [this](const HttpRequest& request, HttpReply reply) {
      HttpResponse response;
      response.status = 204;
      response.headers.set("Access-Control-Allow-Methods", "GET, HEAD");
      response.headers.set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match");
      response.headers.set("Access-Control-Max-Age", "600");
      allowOrigin(request, response);
      reply.send(std::move(response));
    });
  }
  router.add("POST", "/expertassist/agent/fetch",
             [this](const HttpRequest& request, HttpReply reply) { onFetch(request, std::move(reply)); });
  router.add("POST", "/expertassist/agent/library/{id}/share",
             [this](const HttpRequest& request, HttpReply reply) { onShare(request, std::move(reply)); });
}

std::string Documents::bringer(const HttpRequest& request) const {
  constexpr std::string_view kBearer = "Bearer ";
  if (const auto* user = host_->signIns.agentOf(request)) return user->name;
  const std::string_view header = request.headers.get("Authorization");
  if (!header.starts_with(kBearer)) return {};
  const auto token = host_->signer.verify(header.substr(kBearer.size()), "assist", base::wallNow());
  if (!token || !link::standing(host_->users)(*token)) return {};
  return token->role == "agent" || token->role == "supervisor" ? token->user : std::string();
}

const identity::User* Documents::supervisorOf(const HttpRequest& request) const {
  const auto* user = host_->signIns.agentOf(request);
  return user != nullptr && user->has(identity::Role::supervisor) ? user : nullptr;
}

void Documents::allowOrigin(const HttpRequest& request, HttpResponse& response) const {
  const std::string origin(request.headers.get("Origin"));
  if (origin.empty()) return;
  for (const std::string& allowed : host_->settings.list("gateway.allowed_origins")) {
    if (allowed != "*" && allowed != origin) continue;
    response.headers.set("Access-Control-Allow-Origin", allowed == "*" ? "*" : origin);
    response.headers.set("Access-Control-Expose-Headers",
                         "Accept-Ranges, Content-Length, Content-Range, ETag");
    response.headers.set("Vary", "Origin");
    return;
  }
}

void Documents::onUpload(HttpRequest request, HttpReply reply) {
  const std::string user = bringer(request);
  if (user.empty()) return reply.send(link::loginRequired());
  if (!uploads_.take(user, kUploadsPerMinute, base::steadyNow())) return reply.send(refusal(tooMany()));
  const auto cid = cidIn(queryOf(request, "cid"));
  if (!cid) return reply.send(refusal(cid.error()));
  const auto kept =
      contents_->add(queryOf(request, "name"), std::move(request.body), *cid, user, base::steadyNow());
  if (!kept) return reply.send(refusal(kept.error()));
  logger.info("document uploaded",
              {{"user", user}, {"type", (*kept)->type.type}, {"bytes", (*kept)->size()}});
  count();
  reply.send(apiJson(201, contentJson(**kept)));
}

void Documents::onDownload(const HttpRequest& request, HttpReply reply) {
  const std::string id = request.params.find("id")->second;
  const Content* const content = contents_->find(id, base::steadyNow());
  HttpResponse response =
      content == nullptr ? refusal({"content.unknown", "This document is not here any more."})
                         : contentAnswer(request, content->id, content->name, content->type, *content->bytes);
  allowOrigin(request, response);
  reply.send(std::move(response));
}

/// Slow servers of one user's addresses keep nobody else waiting.
void Documents::fetchFor(const std::string& user, const std::string& url, Fetcher::Done done) {
  const auto refuse = [&](base::Error error) {
    host_->loop.post([done, error = std::move(error)] { done(std::unexpected(error)); });
  };
  if (!fetches_.take(user, kFetchesPerMinute, base::steadyNow())) return refuse(tooMany());
  std::size_t& running = fetching_[user];
  if (running >= kFetchesAtATime) {
    return refuse({"fetch.busy", "You have several documents on their way already."});
  }
  ++running;
  fetcher_->fetch(url, guard_.wrap([this, user, done](base::Result<Fetched> fetched) {
    if (const auto at = fetching_.find(user); at != fetching_.end() && --at->second == 0) fetching_.erase(at);
    done(std::move(fetched));
  }));
}

void Documents::fetch(const std::string& url, const std::string& name, const std::string& user,
                      const std::string& cid, std::function<void(base::Result<const Content*>)> done) {
  fetchFor(user, url, guard_.wrap([this, name, user, cid, done](base::Result<Fetched> fetched) {
    if (!fetched) return done(std::unexpected(fetched.error()));
    auto kept = contents_->add(name.empty() ? fetched->name : name, std::move(fetched->bytes), cid, user,
                               base::steadyNow());
    count();
    done(std::move(kept));
  }));
}

void Documents::share(const std::string& item, const std::string& user, const std::string& cid,
                      std::function<void(base::Result<const Content*>)> done) {
  library_->content(item, guard_.wrap([this, item, user, cid, done](base::Result<ContentBytes> bytes) {
    const LibraryItem* const found = library_->find(item);
    if (!bytes || found == nullptr) {
      return done(bytes ? base::fail("library.unknown", "There is no such item.")
                        : std::unexpected(bytes.error()));
    }
    done(contents_->share(found->name, found->type, *bytes, cid, user, base::steadyNow()));
  }));
}

void Documents::provide(const PushWish& wish, std::function<void(base::Result<PushContent>)> done) {
  const auto told = [done](base::Result<const Content*> got) {
    if (!got) return done(std::unexpected(got.error()));
    done(PushContent{contentAddress((*got)->id), (*got)->name, std::string((*got)->type.kind)});
  };
  if (wish.content.empty()) return fetch(wish.url, wish.name, wish.user, wish.cid, told);
  const base::Instant now = base::steadyNow();
  const Content* const kept = contents_->find(wish.content, now);
  if (kept != nullptr && contents_->bind(wish.content, wish.cid)) return told(kept);
  const LibraryItem* const item = library_->find(wish.content);
  if (item != nullptr && item->enabled && item->hasContent())
    return share(item->id, wish.user, wish.cid, told);
  done(base::fail("content.unknown", "This document is not here any more."));
}

void Documents::onFetch(const HttpRequest& request, HttpReply reply) {
  const std::string user = bringer(request);
  if (user.empty()) return reply.send(link::loginRequired());
  const auto body = bodyOf(request);
  if (!body) return reply.send(refusal(body.error()));
  const auto name = labelIn(*body, "name", 200);
  const auto cid = cidIn(link::stringAt(*body, "cid").value_or(""));
  if (!name || !cid) return reply.send(refusal(!name ? name.error() : cid.error()));
  auto kept = std::make_shared<HttpReply>(std::move(reply));
  fetch(link::stringAt(*body, "url").value_or(""), *name, user, *cid,
        [kept](base::Result<const Content*> got) {
          kept->send(got ? apiJson(201, contentJson(**got)) : refusal(got.error()));
        });
}

void Documents::onShare(const HttpRequest& request, HttpReply reply) {
  const std::string user = bringer(request);
  if (user.empty()) return reply.send(link::loginRequired());
  const auto body = bodyOf(request);
  if (!body) return reply.send(refusal(body.error()));
  const auto cid = cidIn(link::stringAt(*body, "cid").value_or(""));
  if (!cid) return reply.send(refusal(cid.error()));
  if (!uploads_.take(user, kUploadsPerMinute, base::steadyNow())) return reply.send(refusal(tooMany()));
  const LibraryItem* const item = library_->find(request.params.find("id")->second);
  if (item == nullptr || !item->enabled) {
    return reply.send(refusal({"library.unknown", "There is no such item."}));
  }
  if (!item->hasContent()) {
    return reply.send(apiJson(200, {{"url", item->url}, {"name", item->name}, {"kind", item->kind}}));
  }
  auto kept = std::make_shared<HttpReply>(std::move(reply));
  share(item->id, user, *cid, [kept](base::Result<const Content*> got) {
    kept->send(got ? apiJson(201, contentJson(**got)) : refusal(got.error()));
  });
}

}  // namespace parley::assist
