// Short codes over HTTP: /assistserver/shortcode/create, …/agent and …/consumer (EA-10).
#include "assist/documents.h"
#include "assist/documents_http.h"
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

constexpr base::Millis kTokenLifetime{300'000};
constexpr base::Millis kLongestCode{3'600'000};  // assist.short_code_seconds is at most this.
constexpr std::int64_t kCreatesPerMinute = 120;
constexpr std::size_t kCidLength = 22;  // 131 bits.

std::int64_t seconds(base::Millis millis) {
  return std::chrono::duration_cast<std::chrono::seconds>(millis).count();
}

void countCode(const char* what) {
  base::Metrics::instance()
      .counter("parley_assist_short_codes_total", "Short codes, by what happened to them.", {{"what", what}})
      .add();
}

}  // namespace

/// Codes that were given out are good until they are over, whatever process runs.
base::Result<void> Documents::loadCodes() {
  codeBucket_ = host_->store.bucket("assist-codes", {kLongestCode, true, 2 * ShortCodes::kMostCodes});
  std::optional<base::Result<std::vector<store::Entry>>> found;
  codeBucket_->list(
      "", guard_.wrap([&found](base::Result<std::vector<store::Entry>> list) { found = std::move(list); }));
  host_->loop.runUntil([&found] { return found.has_value(); }, link::kLoadPatience);
  if (!found) return base::fail("server.slow_start", "The short codes could not be loaded in time.");
  if (!*found) return std::unexpected(found->error());
  const std::int64_t wall = base::millisOf(base::wallNow());
  for (const store::Entry& entry : **found) {
    const Json json = link::parseJson(entry.value).value_or(Json());
    const std::int64_t until = json.is_object() ? link::integerAt(json, "until").value_or(0) : 0;
    const base::Millis left{std::min<std::int64_t>(until - wall, kLongestCode.count())};
    if (left.count() <= 0) {
      codeBucket_->remove(entry.key, [](base::Result<void>) {});
      continue;
    }
    codes_->restore(entry.key, {link::stringAt(json, "cid").value_or(""), base::steadyNow() + left,
                                link::boolAt(json, "agent").value_or(false),
                                link::boolAt(json, "consumer").value_or(false)});
  }
  return {};
}

void Documents::saveCodes() {
  for (const std::string& code : codes_->takeChanged()) {
    const ShortCodes::Code* const known = codes_->find(code);
    if (known == nullptr) {
      codeBucket_->remove(code, [](base::Result<void>) {});
      continue;
    }
    const auto left = std::chrono::duration_cast<base::Millis>(known->until - base::steadyNow());
    const Json json = {{"cid", known->cid},
                       {"until", base::millisOf(base::wallNow()) + left.count()},
                       {"agent", known->agent},
                       {"consumer", known->consumer}};
    codeBucket_->put(code, link::dumpJson(json), [](base::Result<store::Revision> put) {
      if (!put) logger.warn("short code is not stored", {{"reason", put.error().reason}});
    });
  }
}

void Documents::addShortCodeRoutes(net::Router& router) {
  const std::string base = "/assistserver/shortcode";
  for (const char* method : {"PUT", "POST"}) {
    router.add(method, base + "/create", [this](const HttpRequest& request, HttpReply reply) {
      onCodeCreate(request, std::move(reply));
    });
  }
  router.add("GET", base + "/agent", [this](const HttpRequest& request, HttpReply reply) {
    onCodeRedeem(request, std::move(reply), ShortCodes::Side::agent);
  });
  router.add("GET", base + "/consumer", [this](const HttpRequest& request, HttpReply reply) {
    onCodeRedeem(request, std::move(reply), ShortCodes::Side::consumer);
  });
  for (const char* path : {"/create", "/consumer"}) {
    router.add("OPTIONS", base + path, [this](const HttpRequest& request, HttpReply reply) {
      HttpResponse response;
      response.status = 204;
      response.headers.set("Access-Control-Allow-Methods", "GET, PUT, POST");
      response.headers.set("Access-Control-Allow-Headers", "Content-Type");
      response.headers.set("Access-Control-Max-Age", "600");
      allowOrigin(request, response);
      reply.send(link::api(std::move(response)));
    });
  }
}

/// A code without a session begins one: the same rule as for session tokens.
bool Documents::mayCreateCode(const HttpRequest& request, const std::string& applicationId) const {
  if (host_->settings.text("gateway.anonymous_consumer_access") != "disabled") return true;
  bool known = host_->signIns.agentOf(request) != nullptr;
  for (const std::string& id : host_->settings.list("gateway.application_ids")) {
    known = base::equalsConstantTime(base::asBytes(id), base::asBytes(applicationId)) || known;
  }
  return known;
}

void Documents::onCodeCreate(const HttpRequest& request, HttpReply reply) {
  const auto answer = [&]() -> HttpResponse {
    const base::Instant now = base::steadyNow();
    if (!creates_.take(request.remote.network().address(), kCreatesPerMinute, now)) {
      return refusal({"rate.exceeded", "Too many codes were asked for."});
    }
    const auto body = bodyOf(request);
    if (!body) return refusal(body.error());
    const auto asked = cidIn(link::stringAt(*body, "cid").value_or(""));
    if (!asked) return refusal(asked.error());
    std::string cid = *asked;
    bool fresh = false;
    if (const auto text = link::stringAt(*body, "token")) {
      const auto token = host_->signer.verify(*text, "assist", base::wallNow());
      if (!token || token->role != "consumer" || token->cid.empty()) {
        return link::apiError(401, "token.invalid", "The token is not one of a shared session.");
      }
      cid = token->cid;
    } else if (!cid.empty()) {
      // Who knows a session's name may give it out, as long as its page is there.
      if (!sessionOpen_ || !sessionOpen_(cid)) {
        return refusal({"assist.unknown_session", "There is no such session."});
      }
    } else {
      if (!mayCreateCode(request, link::stringAt(*body, "applicationId").value_or(""))) {
        return refusal({"access.disabled", "Anonymous sessions are switched off here."});
      }
      cid = host_->random.alphanumeric(kCidLength);
      fresh = true;
    }
    const auto code = codes_->create(cid, fresh, now);
    saveCodes();
    if (!code) return refusal(code.error());
    countCode("created");
    return apiJson(201, {{"shortCode", *code}, {"cid", cid}, {"expiresIn", seconds(codes_->lifetime())}});
  };
  HttpResponse response = answer();
  allowOrigin(request, response);
  reply.send(std::move(response));
}

void Documents::onCodeRedeem(const HttpRequest& request, HttpReply reply, ShortCodes::Side side) {
  const identity::User* const user =
      side == ShortCodes::Side::agent ? host_->signIns.agentOf(request) : nullptr;
  if (side == ShortCodes::Side::agent && user == nullptr) return reply.send(link::loginRequired());
  const base::Instant now = base::steadyNow();
  const std::string network = request.remote.network().address();
  const std::string name = user == nullptr ? std::string() : user->name;
  const auto given = request.query.find("appkey");
  const auto cid =
      codes_->redeem(given == request.query.end() ? std::string() : given->second, side, network, name, now);
  saveCodes();
  HttpResponse response;
  if (!cid) {
    countCode(cid.error().reason == "shortcode.locked" ? "locked" : "wrong");
    logger.warn("short code refused", {{"reason", cid.error().reason}, {"network", network}, {"user", name}});
    response = refusal(cid.error());
    if (const auto wait = codes_->locked(side, network, name, now); wait && response.status == 429) {
      response.headers.set("Retry-After", std::to_string(seconds(*wait) + 1));
    }
  } else if (side == ShortCodes::Side::agent) {
    countCode("agent");
    response = apiJson(200, {{"cid", *cid}});
  } else {
    countCode("consumer");
    identity::CallToken token;
    token.audience = "assist";
    token.role = "consumer";
    token.user = "c-" + host_->random.alphanumeric(16);
    token.cid = *cid;
    const std::string text = host_->signer.sign(token, base::wallNow(), kTokenLifetime);
    response = apiJson(200, {{"cid", *cid},
                             {"session-token", text},
                             {"token", text},
                             {"expiresIn", seconds(kTokenLifetime)},
                             {"webSocket", "/assistserver/topic"}});
  }
  allowOrigin(request, response);
  reply.send(std::move(response));
}

}  // namespace parley::assist
