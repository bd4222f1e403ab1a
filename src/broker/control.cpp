#include "broker/control.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/metrics.h"
#include "broker/control_request.h"
#include "broker/openapi.h"
#include "broker/report.h"

namespace parley::broker {
namespace {

using Json = nlohmann::ordered_json;

net::HttpResponse errorResponse(const base::Error& error) {
  base::Metrics::instance()
      .counter("parley_media_control_refused_total", "Control requests refused, by reason.",
               {{"reason", error.reason}})
      .add();
  auto response = net::HttpResponse::error(statusOf(error.reason), error.reason, error.text);
  if (response.status == 503) response.headers.set("Retry-After", "2");
  return response;
}

/// A reply that several callbacks may hold until one of them uses it.
using SharedReply = std::shared_ptr<net::HttpReply>;

SharedReply share(net::HttpReply reply) { return std::make_shared<net::HttpReply>(std::move(reply)); }

/// How the answer to a request of negotiation reads.
enum class Shape { offer, answer, localAnswer, renegotiate, nothing };

Json jsonOf(const SdpAnswer& answer, Shape shape) {
  Json body = Json::object();
  if (shape == Shape::offer) body["offer"] = answer.sdp;
  if (shape == Shape::answer || shape == Shape::localAnswer) body["answer"] = answer.sdp;
  if (shape == Shape::localAnswer) body["peerHolds"] = answer.peerHolds;
  if (shape != Shape::offer && (shape != Shape::answer || !answer.renegotiate.empty()))
    body["renegotiate"] = answer.renegotiate;
  return body;
}

CallRegistry::Done sdpDone(SharedReply reply, Shape shape) {
  return [reply = std::move(reply), shape](base::Result<Answer> answer) {
    if (!answer) return reply->send(errorResponse(answer.error()));
    if (shape != Shape::nothing)
      return reply->send(net::HttpResponse::json(200, jsonOf(answer->sdp, shape).dump()));
    net::HttpResponse response;
    response.status = 204;
    reply->send(std::move(response));
  };
}

CallRegistry::Done reportDone(SharedReply reply) {
  return [reply = std::move(reply)](base::Result<Answer> answer) {
    if (!answer || !answer->report) {
      return reply->send(errorResponse(answer ? base::Error{"call.unknown", "no report"} : answer.error()));
    }
    reply->send(net::HttpResponse::json(200, toJson(*answer->report)));
  };
}

void answerIfRefused(const SharedReply& reply, const base::Result<void>& sent) {
  if (!sent) reply->send(errorResponse(sent.error()));
}

std::string paramOf(const net::HttpRequest& request, const char* name) {
  const auto at = request.params.find(name);
  return at == request.params.end() ? std::string() : at->second;
}
std::string callOf(const net::HttpRequest& request) { return paramOf(request, "call"); }

Json jsonOf(const LegSpec& leg) {
  Json result{{"id", leg.id}, {"kind", toString(leg.kind)}};
  if (leg.kind == rtc::LegKind::rtp) result["rtp"] = {{"security", toString(leg.security)}};
  return result;
}

}  // namespace

int statusOf(std::string_view reason) {
  if (reason == "call.unknown" || reason == "leg.unknown") return 404;
  if (reason == "call.exists" || reason == "leg.exists" || reason == "call.too_many_legs") return 409;
  if (reason == "sdp.no_ports") return 503;
  if (reason.starts_with("broker.")) return 503;
  return 400;
}

Control::Control(ControlHost& host, const base::Settings& settings, CallRegistry& registry, EventHub& events,
                 base::Secret secret)
    : host_(host),
      settings_(settings),
      registry_(registry),
      events_(events),
      auth_(std::move(secret)),
      router_(std::make_shared<net::Router>()) {
  // The server that serves the router may close its connections later than this object dies.
  const auto check = [this](const net::HttpRequest& request) {
    return auth_.check(request, base::steadyNow());
  };
  router_->addFilter("/v1", check);
  // What the machine itself may read without a password; over a network, metrics tell strangers too much.
  router_->addFilter("/metrics", [check](const net::HttpRequest& request) {
    return request.remote.isLoopback() ? std::nullopt : check(request);
  });
  addCallRoutes();
  addLegRoutes();
  addNegotiationRoutes();
  addOtherRoutes();
}

void Control::add(const std::string& method, const std::string& pattern, net::HttpHandler handler) {
  routes_.emplace_back(method, pattern);
  router_->add(method, pattern, std::move(handler));
}

void Control::addCallRoutes() {
  add("GET", "/v1/calls", [this](net::HttpRequest, net::HttpReply reply) { listCalls(std::move(reply)); });
  add("PUT", "/v1/calls/{call}",
      [this](net::HttpRequest request, net::HttpReply reply) { createCall(request, std::move(reply)); });
  add("GET", "/v1/calls/{call}", [this](net::HttpRequest request, net::HttpReply rawReply) {
    const SharedReply reply = share(std::move(rawReply));
    const auto work = [call = callOf(request)](Worker& worker) -> base::Result<Answer> {
      auto report = worker.report(call);
      if (!report) return std::unexpected(report.error());
      return Answer{.sdp = {}, .report = std::move(*report)};
    };
    answerIfRefused(reply, registry_.ask(callOf(request), work, reportDone(reply)));
  });
  add("DELETE", "/v1/calls/{call}", [this](net::HttpRequest request, net::HttpReply rawReply) {
    const SharedReply reply = share(std::move(rawReply));
    answerIfRefused(reply, registry_.remove(callOf(request), reportDone(reply)));
  });
}

void Control::addLegRoutes() {
  add("PUT", "/v1/calls/{call}/legs/{leg}", [this](net::HttpRequest request, net::HttpReply rawReply) {
    const SharedReply reply = share(std::move(rawReply));
    const auto leg = parseLegRequest(paramOf(request, "leg"), request.body);
    if (!leg) return reply->send(errorResponse(leg.error()));
    const auto work = [call = callOf(request), leg = *leg](Worker& worker) -> base::Result<Answer> {
      const auto added = worker.change(call, [&](Call& c, base::Instant now) { return c.addLeg(leg, now); });
      if (!added) return std::unexpected(added.error());
      return Answer{.sdp = {}, .isNew = *added};
    };
    CallRegistry::Done done = [reply, leg = *leg](base::Result<Answer> answer) {
      if (!answer) return reply->send(errorResponse(answer.error()));
      reply->send(net::HttpResponse::json(answer->isNew ? 201 : 200, jsonOf(leg).dump()));
    };
    answerIfRefused(reply, registry_.changeLegs(callOf(request), *leg, true, work, std::move(done)));
  });
  add("DELETE", "/v1/calls/{call}/legs/{leg}", [this](net::HttpRequest request, net::HttpReply rawReply) {
    const SharedReply reply = share(std::move(rawReply));
    LegSpec leg;
    leg.id = paramOf(request, "leg");
    const auto work = [call = callOf(request), id = leg.id](Worker& worker) -> base::Result<Answer> {
      auto report = worker.change(call, [&](Call& c, base::Instant now) { return c.removeLeg(id, now); });
      if (!report) return std::unexpected(report.error());
      return Answer{.sdp = {}, .leg = std::move(*report)};
    };
    CallRegistry::Done done = [reply](base::Result<Answer> answer) {
      if (!answer || !answer->leg)
        return reply->send(errorResponse(answer ? base::Error{"leg.unknown", "no report"} : answer.error()));
      reply->send(net::HttpResponse::json(200, toJson(*answer->leg)));
    };
    answerIfRefused(reply, registry_.changeLegs(callOf(request), leg, false, work, std::move(done)));
  });
}

namespace {

// Each: check the body, run on the call's worker, answer with what the request is for.
using Run = base::Result<SdpAnswer> (*)(Call&, const SdpRequest&, base::Instant);
struct Route {
  const char* path;
  SdpFields fields;
  Shape shape;
  Run run;
};

base::Result<SdpAnswer> offered(base::Result<std::string> offer) {
  if (!offer) return std::unexpected(offer.error());
  return SdpAnswer{std::move(*offer), false, {}};
}

base::Result<SdpAnswer> done(const base::Result<void>& result) {
  if (!result) return std::unexpected(result.error());
  return SdpAnswer{};
}

constexpr std::array<Route, 7> kRoutes{{
    {"offer", SdpFields::offer, Shape::offer,
     [](Call& c, const SdpRequest& r, base::Instant now) {
       return offered(c.offer(r.from, r.sdp, r.to, now));
     }},
    {"answer", SdpFields::answer, Shape::answer,
     [](Call& c, const SdpRequest& r, base::Instant now) { return c.answer(r.from, r.sdp, now); }},
    {"answer-locally", SdpFields::answer, Shape::localAnswer,
     [](Call& c, const SdpRequest& r, base::Instant now) { return c.answerLocally(r.from, r.sdp, now); }},
    {"make-offer", SdpFields::make, Shape::offer,
     [](Call& c, const SdpRequest& r, base::Instant now) {
       return offered(c.makeOffer(r.to, r.towards, now));
     }},
    {"rollback", SdpFields::rollback, Shape::nothing,
     [](Call& c, const SdpRequest& r, base::Instant now) { return done(c.rollback(r.from, r.to, now)); }},
    {"bridge", SdpFields::bridge, Shape::renegotiate,
     [](Call& c, const SdpRequest& r, base::Instant now) -> base::Result<SdpAnswer> {
       auto renegotiate = c.join(r.legs[0], r.legs[1], now);
       if (!renegotiate) return std::unexpected(renegotiate.error());
       return SdpAnswer{{}, false, std::move(*renegotiate)};
     }},
    {"hold", SdpFields::hold, Shape::renegotiate,
     [](Call& c, const SdpRequest& r, base::Instant now) {
       return done(c.hold(r.leg, r.held, now, r.ringing));
     }},
}};

}  // namespace

void Control::addNegotiationRoutes() {
  for (const Route& route : kRoutes) {
    add("POST", std::string("/v1/calls/{call}/") + route.path,
        [this, route](net::HttpRequest request, net::HttpReply rawReply) {
          const SharedReply reply = share(std::move(rawReply));
          auto parsed = parseSdpRequest(request.body, route.fields);
          if (!parsed) return reply->send(errorResponse(parsed.error()));
          auto work = [call = callOf(request), body = std::move(*parsed),
                       run = route.run](Worker& worker) -> base::Result<Answer> {
            auto result = worker.change(call, [&](Call& c, base::Instant now) { return run(c, body, now); });
            if (!result) return std::unexpected(result.error());
            return Answer{.sdp = std::move(*result)};
          };
          answerIfRefused(reply,
                          registry_.ask(callOf(request), std::move(work), sdpDone(reply, route.shape)));
        });
  }
}

void Control::addOtherRoutes() {
  add("GET", "/v1/status", [this](net::HttpRequest, net::HttpReply reply) {
    reply.send(net::HttpResponse::json(200, host_.statusJson()));
  });
  add("POST", "/v1/drain", [this](net::HttpRequest, net::HttpReply reply) {
    net::HttpResponse response;
    response.status = 202;
    reply.send(std::move(response));
    host_.drain();
  });
  add("GET", "/v1/openapi.json", [](net::HttpRequest, net::HttpReply reply) {
    reply.send(net::HttpResponse::json(200, std::string(openapiDocument())));
  });
  routes_.emplace_back("GET", "/v1/events");
  router_->addWebSocket("/v1/events", [this](net::HttpRequest, net::WebSocketUpgrade upgrade) {
    openEvents(std::move(upgrade));
  });
  add("GET", "/health/live", [](net::HttpRequest, net::HttpReply reply) {
    reply.send(net::HttpResponse::json(200, R"({"status":"up"})"));
  });
  add("GET", "/health/ready", [this](net::HttpRequest, net::HttpReply reply) {
    const bool ready = host_.ready();
    reply.send(
        net::HttpResponse::json(ready ? 200 : 503, ready ? R"({"status":"up"})" : R"({"status":"down"})"));
  });
  add("GET", "/metrics", [](net::HttpRequest, net::HttpReply reply) {
    auto response = net::HttpResponse::text(200, base::Metrics::instance().expose());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    reply.send(std::move(response));
  });
}

void Control::createCall(const net::HttpRequest& request, net::HttpReply rawReply) {
  const SharedReply reply = share(std::move(rawReply));
  auto spec = parseCreate(callOf(request), request.body, settings_);
  if (!spec) return reply->send(errorResponse(spec.error()));
  Json body{{"call", spec->id}, {"worker", 0}, {"legs", Json::array()}};
  for (const LegSpec& leg : spec->legs) body["legs"].push_back(jsonOf(leg));
  answerIfRefused(
      reply,
      registry_.create(std::move(*spec), host_.refusesCalls(),
                       [reply, body = std::move(body)](base::Result<CallRegistry::Created> made) mutable {
                         if (!made) return reply->send(errorResponse(made.error()));
                         body["worker"] = made->worker;
                         reply->send(net::HttpResponse::json(made->isNew ? 201 : 200, body.dump()));
                       }));
}

void Control::listCalls(net::HttpReply reply) const {
  Json calls = Json::array();
  const auto now = base::steadyNow();
  for (const auto& [id, entry] : registry_.calls()) {
    calls.push_back({{"call", id},
                     {"worker", entry.worker},
                     {"ageSeconds", std::chrono::duration<double>(now - entry.createdAt).count()}});
  }
  reply.send(net::HttpResponse::json(200, Json{{"calls", std::move(calls)}}.dump()));
}

void Control::openEvents(net::WebSocketUpgrade upgrade) {
  if (events_.full()) {
    return upgrade.refuse(errorResponse({"broker.full", "too many listeners at the same time"}));
  }
  net::WebSocketOptions options;
  options.maxMessageBytes = 1024;  // Nothing is expected from a listener.
  upgrade.accept(options, guard_.wrap([this](std::shared_ptr<net::WebSocket> socket) {
    events_.add(std::move(socket));
  }));
}

}  // namespace parley::broker
