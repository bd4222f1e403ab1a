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

/// Answers with {"offer":…} or {"answer":…}.
CallRegistry::Done sdpDone(SharedReply reply, const char* name) {
  return [reply = std::move(reply), name](base::Result<Answer> answer) {
    if (!answer) return reply->send(errorResponse(answer.error()));
    reply->send(net::HttpResponse::json(200, Json{{name, answer->sdp}}.dump()));
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

std::string callOf(const net::HttpRequest& request) {
  const auto at = request.params.find("call");
  return at == request.params.end() ? std::string() : at->second;
}

}  // namespace

int statusOf(std::string_view reason) {
  if (reason == "call.unknown" || reason == "leg.unknown") return 404;
  if (reason == "call.exists") return 409;
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
  addCallRoutes();
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
      return Answer{{}, std::move(*report)};
    };
    answerIfRefused(reply, registry_.ask(callOf(request), work, reportDone(reply)));
  });
  add("DELETE", "/v1/calls/{call}", [this](net::HttpRequest request, net::HttpReply rawReply) {
    const SharedReply reply = share(std::move(rawReply));
    answerIfRefused(reply, registry_.remove(callOf(request), reportDone(reply)));
  });
}

void Control::addNegotiationRoutes() {
  // Each: check the body, run on the worker, answer with the SDP for the other side.
  using Run = base::Result<std::string> (*)(Worker&, const std::string& call, const SdpRequest&);
  struct Route {
    const char* path;
    SdpFields fields;
    const char* answerName;  ///< Null: 204 without a body.
    Run run;
  };
  static constexpr std::array<Route, 4> kRoutes{{
      {"offer",
       {true, true},
       "offer",
       [](Worker& w, const std::string& call, const SdpRequest& r) {
         return w.offer(call, r.from, r.sdp, r.to);
       }},
      {"answer",
       {false, true},
       "answer",
       [](Worker& w, const std::string& call, const SdpRequest& r) { return w.answer(call, r.from, r.sdp); }},
      {"answer-locally",
       {false, true},
       "answer",
       [](Worker& w, const std::string& call, const SdpRequest& r) {
         return w.answerLocally(call, r.from, r.sdp);
       }},
      {"rollback",
       {false, false},
       nullptr,
       [](Worker& w, const std::string& call, const SdpRequest& r) -> base::Result<std::string> {
         if (auto done = w.rollback(call, r.from); !done) return std::unexpected(done.error());
         return std::string();
       }},
  }};
  for (const Route& route : kRoutes) {
    add("POST", std::string("/v1/calls/{call}/") + route.path,
        [this, route](net::HttpRequest request, net::HttpReply rawReply) {
          const SharedReply reply = share(std::move(rawReply));
          auto parsed = parseSdpRequest(request.body, route.fields);
          if (!parsed) return reply->send(errorResponse(parsed.error()));
          auto work = [call = callOf(request), sdp = std::move(*parsed),
                       run = route.run](Worker& worker) -> base::Result<Answer> {
            auto result = run(worker, call, sdp);
            if (!result) return std::unexpected(result.error());
            return Answer{std::move(*result), {}};
          };
          CallRegistry::Done done = [reply](base::Result<Answer> answer) {
            if (!answer) return reply->send(errorResponse(answer.error()));
            net::HttpResponse response;
            response.status = 204;
            reply->send(std::move(response));
          };
          if (route.answerName != nullptr) done = sdpDone(reply, route.answerName);
          answerIfRefused(reply, registry_.ask(callOf(request), std::move(work), std::move(done)));
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
  for (const LegSpec& leg : spec->legs) body["legs"].push_back({{"id", leg.id}, {"kind", "webrtc"}});
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
