#include "gateway/test_fake_broker.h"

#include "base/check.h"
#include "gateway/json.h"
#include "net/http_client.h"

namespace parley::gateway::rig {

FakeBrokerServer::FakeBrokerServer(net::EventLoop& loop, trust::Authority& authority, std::string instance,
                                   std::uint16_t port)
    : instance_(std::move(instance)), secret_(*authority.secret("broker-control.secret")) {
  const auto identity = authority.identity("media", {"localhost", "127.0.0.1"});
  PARLEY_CHECK(identity.has_value());
  auto tls = net::TlsServerContext::create(identity->certificatePem, identity->keyPem);
  PARLEY_CHECK(tls.has_value());
  auto router = std::make_shared<net::Router>();
  for (const char* method : {"PUT", "GET", "DELETE"}) {
    router->add(method, "/v1/calls/{call}", [this](net::HttpRequest request, net::HttpReply reply) {
      onRequest(std::move(request), std::move(reply));
    });
  }
  router->add("POST", "/v1/calls/{call}/{what}", [this](net::HttpRequest request, net::HttpReply reply) {
    onRequest(std::move(request), std::move(reply));
  });
  router->addWebSocket("/v1/events", [this](net::HttpRequest request, net::WebSocketUpgrade upgrade) {
    PARLEY_CHECK(request.headers.get("Authorization") ==
                 net::HttpClient::basicAuthorization("parley", secret_));
    onEvents(std::move(upgrade));
  });
  server_ = std::make_unique<net::HttpServer>(loop, router, net::HttpServerOptions{});
  const auto bound = server_->listen(*net::Endpoint::parse("127.0.0.1", port), *tls);
  PARLEY_CHECK(bound.has_value());
  port_ = bound->port();
}

FakeBrokerServer::~FakeBrokerServer() {
  guard_.reset();
  for (const auto& listener : listeners_) listener->close(1001, "stopping");
}

std::string FakeBrokerServer::url() const { return "https://127.0.0.1:" + std::to_string(port_); }

void FakeBrokerServer::onEvents(net::WebSocketUpgrade upgrade) {
  upgrade.accept({}, guard_.wrap([this](std::shared_ptr<net::WebSocket> socket) {
    const auto* raw = socket.get();
    listeners_.push_back(socket);
    socket->start([](std::string_view) {}, [](base::Bytes) {},
                  guard_.wrap([this, raw](std::uint16_t, std::string_view) {
                    std::erase_if(listeners_, [raw](const auto& one) { return one.get() == raw; });
                  }));
    socket->sendText(dumpJson({{"event", "hello"}, {"version", 1}, {"instance", instance_}}));
  }));
}

void FakeBrokerServer::event(std::string json) {
  for (const auto& listener : listeners_) listener->sendText(json);
}

void FakeBrokerServer::leg(const std::string& call, const std::string& leg, const std::string& what) {
  event(
      dumpJson({{"event", "leg"}, {"call", call}, {"leg", leg}, {"what", what}, {"detail", Json::object()}}));
}

void FakeBrokerServer::mediaUp(const std::string& call) {
  for (const char* side : {"consumer", "agent"}) leg(call, side, "dtls-connected");
}

void FakeBrokerServer::onRequest(net::HttpRequest request, net::HttpReply reply) {
  PARLEY_CHECK(request.headers.get("Authorization") ==
               net::HttpClient::basicAuthorization("parley", secret_));
  requests.push_back(request.method + " " + request.path);
  if (script) {
    if (script->status == 0) return unanswered_.push_back(std::move(reply));
    return reply.send(*script);
  }
  const std::string call = request.params.find("call")->second;
  const Json body = Json::parse(request.body, nullptr, false);
  if (request.method == "PUT") {
    calls.insert(call);
    return reply.send(
        net::HttpResponse::json(201, dumpJson({{"call", call}, {"worker", 0}, {"legs", body["legs"]}})));
  }
  if (!calls.contains(call)) return reply.send(net::HttpResponse::error(404, "call.unknown", "no such call"));
  if (request.method == "GET") {
    const auto leg = [this](const char* id) {
      const char* state = mediaIsUp ? "connected" : "waiting";
      return Json{{"id", id}, {"ice", state}, {"dtls", state}};
    };
    return reply.send(net::HttpResponse::json(
        200, dumpJson({{"call", call}, {"live", true}, {"legs", {leg("consumer"), leg("agent")}}})));
  }
  if (request.method == "DELETE") {
    calls.erase(call);
    return reply.send(net::HttpResponse::json(200, dumpJson({{"call", call}, {"final", true}})));
  }
  const std::string what = request.params.find("what")->second;
  const std::string sdp = body["sdp"].get<std::string>();
  const char* member = what == "offer" ? "offer" : "answer";
  reply.send(net::HttpResponse::json(200, dumpJson({{member, what + " of " + sdp}})));
}

}  // namespace parley::gateway::rig
