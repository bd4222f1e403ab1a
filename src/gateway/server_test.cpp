// The whole application server over real TLS, HTTP and WebSockets, with a scripted media broker behind HTTPS.
#include "gateway/server.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/text.h"
#include "gateway/settings.h"
#include "gateway/test_fake_broker.h"
#include "gateway/test_rig.h"
#include "net/http_client.h"
#include "net/internal_test_support.h"
#include "sip/identity.h"

namespace parley::gateway {
namespace {

using net::HttpResponse;
using rig::FakeBrokerServer;
using rig::Page;
using namespace std::chrono_literals;

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-server-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    state_ = directory_ / "state";
    auto authority = trust::Authority::open(state_);
    ASSERT_TRUE(authority);
    authority_ = std::make_unique<trust::Authority>(std::move(*authority));
    broker_ = std::make_unique<FakeBrokerServer>(loop_, *authority_, "one");
    declareSettings(settings_);
    const auto web = directory_ / "web/expertassist/agent";
    std::filesystem::create_directories(web);
    std::ofstream(web / "index.html") << "<!doctype html><title>Agent</title>";
    set("server.web_root", directory_ / "web");
    set("server.https_port", "0");
    set("server.bind", "127.0.0.1");
    set("gateway.brokers", broker_->url());
    set("gateway.sdp_control_timeout_ms", "20000");
    auto tls = net::TlsClientContext::create(authority_->certificatePem(), false);
    ASSERT_TRUE(tls);
    http_ =
        std::make_unique<net::HttpClient>(loop_, net::HttpClientOptions{.tls = *tls, .requestTimeout = 20s});
    startServer();
  }
  void TearDown() override {
    consumer_.reset();
    agent_.reset();
    server_.reset();
    http_.reset();
    broker_.reset();
    while (loop_.poll()) {
    }
    std::filesystem::remove_all(directory_);
  }
  void set(const std::string& name, const std::string& value) {
    const auto problem = settings_.setText(name, value);
    ASSERT_FALSE(problem) << problem->format();
  }
  void startServer() {
    server_.reset();
    auto started = Server::start(loop_, settings_, state_, "1.2.3", [this] { ended_ = true; });
    ASSERT_TRUE(started) << started.error().text;
    server_ = std::move(*started);
    ASSERT_TRUE(until([&] { return broker_->listeners() == 1; }));
  }
  bool until(const std::function<bool()>& done) { return loop_.runUntil(done, 20s); }
  void settle() {
    while (loop_.poll()) {
    }
  }
  std::string url(const std::string& path) const {
    return "https://127.0.0.1:" + std::to_string(server_->port()) + path;
  }

  HttpResponse call(const std::string& method, const std::string& path, const Json& body = nullptr,
                    std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::HttpClientRequest request{method, url(path), {}, body.is_null() ? "" : dumpJson(body)};
    if (!body.is_null()) request.headers.set("Content-Type", "application/json");
    for (auto& [name, value] : headers) request.headers.set(name, value);
    std::optional<base::Result<HttpResponse>> got;
    http_->request(std::move(request), [&](auto response) { got = std::move(response); });
    EXPECT_TRUE(until([&] { return got.has_value(); }));
    EXPECT_TRUE(*got) << path << (*got ? "" : got->error().reason);
    return *got ? **got : HttpResponse{};
  }
  static Json jsonOf(const HttpResponse& response) { return Json::parse(response.body, nullptr, false); }
  static std::string reasonOf(const HttpResponse& response) {
    return std::to_string(response.status) + " " + jsonOf(response)["error"]["reason"].get<std::string>();
  }
  static std::string cookieOf(const HttpResponse& response) {
    const std::string cookie(response.headers.get("Set-Cookie"));
    return cookie.substr(0, cookie.find(';'));
  }
  std::string signIn(const std::string& user = "agent1") {
    return cookieOf(call("POST", "/expertassist/agent/login", {{"user", user}, {"password", user}}));
  }
  std::string adminCookie() {
    std::ifstream in(state_ + "/initial-admin-password");
    std::string password;
    in >> password;
    const auto response = call("POST", "/web_plugin_framework/webcontroller/api/login",
                               {{"user", "admin"}, {"password", password}});
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(jsonOf(response).value("version", "").empty()) << "the page shows it";
    return cookieOf(response);
  }
  Page::Connect connector() {
    return [this]() -> std::shared_ptr<net::WebSocket> {
      std::shared_ptr<net::WebSocket> socket;
      bool done = false;
      http_->openWebSocket("wss" + url("/gateway/websocketcall").substr(5), {}, {}, [&](auto opened) {
        done = true;
        if (opened) socket = *opened;
      });
      until([&] { return done; });
      return socket;
    };
  }
  std::string consumerToken(const Json& body = Json::object()) {
    return jsonOf(call("POST", "/assistserver/session", body))["token"].get<std::string>();
  }
  void connectPages() {
    const auto cookie = signIn();
    const auto token =
        jsonOf(call("GET", "/expertassist/agent/token", nullptr, {{"Cookie", cookie}}))["token"];
    agent_ = std::make_unique<Page>(loop_, connector(), token.get<std::string>());
    consumer_ = std::make_unique<Page>(loop_, connector(), consumerToken({{"name", "Ada"}}));
    ASSERT_TRUE(agent_->hello());
    ASSERT_TRUE(consumer_->hello());
  }
  std::string connectedCall() {
    consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0 c"}});
    const Json incoming = agent_->expect("incoming");
    if (incoming.is_null()) return "";
    const auto id = incoming["call"].get<std::string>();
    agent_->send("answer", {{"call", id}, {"sdp", "v=0 a"}});
    EXPECT_EQ(consumer_->expect("sdp")["sdp"], "answer of v=0 a");
    broker_->mediaUp(id);
    EXPECT_FALSE(consumer_->expectCall("connected").is_null());
    EXPECT_FALSE(agent_->expectCall("connected").is_null());
    return id;
  }
  static std::string endOf(Page& page) {
    const Json call = page.expectCall("ended");
    return call.is_null() ? "not told" : call["reason"].get<std::string>();
  }

  net::EventLoop loop_{"test"};
  std::filesystem::path directory_;
  std::string state_;
  base::Settings settings_;
  std::unique_ptr<trust::Authority> authority_;
  std::unique_ptr<FakeBrokerServer> broker_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Page> consumer_, agent_;
  bool ended_ = false;
};

TEST_F(ServerTest, ACallOverRealSocketsAndItsTraces) {
  connectPages();
  const auto id = connectedCall();
  const std::string api = "/web_plugin_framework/webcontroller/api";
  EXPECT_EQ(reasonOf(call("GET", api + "/calls")), "401 login.required");
  EXPECT_EQ(reasonOf(call("GET", api + "/calls", nullptr, {{"Cookie", signIn()}})), "401 login.required")
      << "an agent's cookie";
  const auto admin = adminCookie();
  const Json calls = jsonOf(call("GET", api + "/calls", nullptr, {{"Cookie", admin}}));
  ASSERT_EQ(calls["current"].size(), 1u);
  EXPECT_EQ(calls["current"][0]["call"], id);
  const Json now = jsonOf(call("GET", api + "/calls/" + id, nullptr, {{"Cookie", admin}}));
  EXPECT_EQ(now["state"], "connected");
  EXPECT_EQ(now["media"]["live"], true) << "asked of the broker";
  EXPECT_EQ(now["video"], calls["current"][0]["media"]["video"]);
  consumer_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*agent_), "hung_up");
  EXPECT_TRUE(until([&] { return broker_->calls.empty(); }));
  settle();
  const Json after = jsonOf(call("GET", api + "/calls/" + id, nullptr, {{"Cookie", admin}}));
  EXPECT_EQ(after["reason"], "hung_up");
  EXPECT_EQ(after["media"]["final"], true);
  EXPECT_GT(after["timeline"].size(), 12u);
  EXPECT_EQ(after["timeline"][0]["what"], "dial");
  EXPECT_EQ(after["timeline"][0]["ms"], 0);
  EXPECT_EQ(after["legs"].size(), 2u);
  EXPECT_EQ(jsonOf(call("GET", api + "/calls", nullptr, {{"Cookie", admin}}))["recent"][0]["call"], id);
  EXPECT_EQ(reasonOf(call("GET", api + "/calls/unknown", nullptr, {{"Cookie", admin}})), "404 call.unknown");
  const Json history = jsonOf(call("GET", "/expertassist/agent/history", nullptr, {{"Cookie", signIn()}}));
  EXPECT_EQ(history["calls"][0]["peer"]["name"], "Ada");
  EXPECT_EQ(history["calls"][0]["reason"], "hung_up");
  const auto metrics = call("GET", "/metrics").body;
  EXPECT_NE(metrics.find("parley_gateway_calls_ended_total{reason=\"hung_up\"}"), std::string::npos);
  EXPECT_NE(metrics.find("parley_gateway_setup_seconds_count"), std::string::npos);
}

TEST_F(ServerTest, HalfOpenHandshakesAreLimitedAndTheLimitChangesWhileItRuns) {
  set("server.max_handshakes_per_address", "1");
  settle();
  const auto refused = [] {
    return base::Metrics::instance()
        .counter("parley_http_refused_total", "Requests and connections refused, by reason.",
                 {{"reason", "handshakes_per_network"}})
        .value();
  };
  const auto before = refused();
  const net::rig::RawPeer silent(loop_, *net::Endpoint::parse("127.0.0.1", server_->port()));
  net::rig::RawPeer second(loop_, *net::Endpoint::parse("127.0.0.1", server_->port()));
  EXPECT_TRUE(second.waitClosed());
  EXPECT_EQ(refused(), before + 1);
}

TEST_F(ServerTest, MetricsAreNotReadThroughAProxyThatNobodyNamed) {
  EXPECT_EQ(call("GET", "/metrics").status, 200);
  for (const char* name : {"X-Forwarded-For", "Forwarded", "Via"}) {
    EXPECT_EQ(reasonOf(call("GET", "/metrics", nullptr, {{name, "203.0.113.9"}})), "403 access.denied")
        << name;
  }
  set("server.metrics_from", "127.0.0.1");
  EXPECT_EQ(reasonOf(call("GET", "/metrics", nullptr, {{"Via", "1.1 proxy"}})), "403 access.denied");
  EXPECT_EQ(call("GET", "/metrics", nullptr, {{"Via", "1.1 proxy"}, {"Cookie", adminCookie()}}).status, 200);
}

TEST_F(ServerTest, KeysThatABrokerFindsReachTheOtherSideAndNoTimeline) {
  connectPages();
  const auto id = connectedCall();
  const auto key = [&](const Json& detail) {
    broker_->event(dumpJson(
        {{"event", "leg"}, {"call", id}, {"leg", "consumer"}, {"what", "dtmf"}, {"detail", detail}}));
  };
  for (const Json& wrong : {Json(7), Json::object(), Json{{"digit", "12"}}, Json{{"digit", "x"}}}) key(wrong);
  key({{"digit", "9"}, {"millis", "731"}});
  EXPECT_EQ(agent_->expect("dtmf")["digits"], "9") << "and nothing of what is no key";
  const std::string admin = adminCookie();
  const Json detail = jsonOf(
      call("GET", "/web_plugin_framework/webcontroller/api/calls/" + id, nullptr, {{"Cookie", admin}}));
  const auto entry = std::ranges::find_if(
      detail["timeline"], [](const Json& e) { return e["what"] == "dtmf" && e["from"] == "consumer"; });
  ASSERT_NE(entry, detail["timeline"].end());
  EXPECT_EQ((*entry)["detail"], Json({{"by", "rfc4733"}, {"count", 1}, {"millis", 731}}));
}

TEST_F(ServerTest, NetworkGoneOnBothSidesOverRealSockets) {
  connectPages();
  const auto id = connectedCall();
  consumer_->breakOff();
  EXPECT_EQ(agent_->expectCall("reconnecting")["peerConnection"], "lost");
  agent_->breakOff();
  ASSERT_TRUE(consumer_->waitClosed() && agent_->waitClosed());
  consumer_->send("dtmf", {{"call", id}, {"digits", "123"}});
  ASSERT_TRUE(consumer_->resume());
  ASSERT_TRUE(agent_->resume());
  EXPECT_TRUE(agent_->welcome["resumed"].get<bool>());
  EXPECT_EQ(agent_->expect("dtmf")["digits"], "123");
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  consumer_->send("bye");
  EXPECT_EQ(endOf(*agent_), "consumer_left");
  EXPECT_TRUE(until([&] { return broker_->calls.empty(); }));
}

TEST_F(ServerTest, BrokerOverloadedSilentDownAndWithWrongAnswers) {
  connectPages();
  const auto dialAndEnd = [&] {
    consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
    return endOf(*consumer_);
  };
  broker_->script = HttpResponse::error(503, "broker.overloaded", "75 %");
  EXPECT_EQ(dialAndEnd(), "broker_overloaded");
  broker_->script = HttpResponse::error(400, "sdp.no_common_codec", "none");
  EXPECT_EQ(dialAndEnd(), "sdp_refused");
  broker_->script = HttpResponse::text(200, "<html>");
  EXPECT_EQ(dialAndEnd(), "broker_down") << "the call is made, the offer has no SDP";
  broker_->script.reset();
  const auto port = broker_->port();
  broker_.reset();
  EXPECT_EQ(dialAndEnd(), "broker_down");
  broker_ = std::make_unique<FakeBrokerServer>(loop_, *authority_, "two", port);
  ASSERT_TRUE(until([&] { return broker_->listeners() == 1; })) << "it is found again";
  connectedCall();
}

TEST_F(ServerTest, ABrokerThatSaysNothingIsGivenUp) {
  set("gateway.sdp_control_timeout_ms", "300");
  startServer();
  connectPages();
  broker_->script = HttpResponse{.status = 0, .headers = {}, .body = {}};
  consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
  EXPECT_EQ(endOf(*consumer_), "broker_down");
}

TEST_F(ServerTest, ARestartedBrokerEndsItsCallsAReconnectedOneDoesNot) {
  connectPages();
  connectedCall();
  const auto port = broker_->port();
  auto calls = broker_->calls;
  broker_.reset();
  broker_ = std::make_unique<FakeBrokerServer>(loop_, *authority_, "one", port);
  broker_->calls = calls;
  broker_->mediaIsUp = true;
  ASSERT_TRUE(until([&] { return broker_->listeners() == 1; }));
  settle();
  EXPECT_TRUE(consumer_->silent("call")) << "the same process: only the connection broke";
  broker_.reset();
  broker_ = std::make_unique<FakeBrokerServer>(loop_, *authority_, "three", port);
  EXPECT_EQ(endOf(*consumer_), "broker_lost");
  EXPECT_EQ(endOf(*agent_), "broker_lost");
}

TEST_F(ServerTest, EventsThatWereMissedAreMadeUpForByTheReport) {
  connectPages();
  consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0 c"}});
  const auto id = agent_->expect("incoming")["call"].get<std::string>();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 a"}});
  EXPECT_FALSE(consumer_->expect("sdp").is_null());
  const auto port = broker_->port();
  const auto calls = broker_->calls;
  broker_.reset();
  broker_ = std::make_unique<FakeBrokerServer>(loop_, *authority_, "one", port);
  broker_->calls = calls;
  broker_->mediaIsUp = true;
  EXPECT_FALSE(consumer_->expectCall("connected").is_null()) << "no event said so";
  broker_.reset();
  broker_ = std::make_unique<FakeBrokerServer>(loop_, *authority_, "one", port);
  EXPECT_EQ(endOf(*agent_), "broker_lost") << "the broker does not know the call any more";
}

TEST_F(ServerTest, TheBrokersEventsSteerTheCall) {
  connectPages();
  const auto id = connectedCall();
  broker_->event("not json");
  broker_->event(R"({"event":"leg","call":5,"leg":[],"what":{}})");
  broker_->event(R"({"event":"status","load":"high"})");
  broker_->leg("another", "agent", "ice-expired");
  broker_->leg(id, "third", "ice-expired");
  broker_->leg(id, "agent", "ice-disconnected");
  EXPECT_EQ(consumer_->expectCall("reconnecting")["peerConnection"], "lost");
  broker_->leg(id, "agent", "ice-connected");
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  broker_->event(
      dumpJson({{"event", "call"}, {"call", id}, {"what", "ended"}, {"detail", {{"reason", "call.idle"}}}}));
  EXPECT_EQ(endOf(*consumer_), "media_failed");
}

TEST_F(ServerTest, APageWithAnotherCertificateThanItsSdpSaidNeverGetsACall) {
  set("gateway.media_timeout_seconds", "1");
  settle();
  connectPages();
  consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0 c"}});
  const auto id = agent_->expect("incoming")["call"].get<std::string>();
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 a"}});
  EXPECT_FALSE(consumer_->expect("sdp").is_null());
  broker_->leg(id, "agent", "dtls-connected");
  broker_->leg(id, "consumer", "ice-connected");
  const Json why = {{"reason", "dtls.bad_fingerprint"}, {"text", "another certificate"}};
  broker_->event(dumpJson(
      {{"event", "leg"}, {"call", id}, {"leg", "consumer"}, {"what", "dtls-failed"}, {"detail", why}}));
  EXPECT_EQ(endOf(*consumer_), "media_failed");
  EXPECT_EQ(endOf(*agent_), "media_failed");
  EXPECT_TRUE(until([&] { return broker_->calls.empty(); }));
  const Json detail = jsonOf(call("GET", "/web_plugin_framework/webcontroller/api/calls/" + id, nullptr,
                                  {{"Cookie", adminCookie()}}));
  EXPECT_EQ(detail["reason"], "media_failed");
  const auto entry =
      std::ranges::find_if(detail["timeline"], [](const Json& e) { return e["what"] == "dtls-failed"; });
  ASSERT_NE(entry, detail["timeline"].end());
  EXPECT_EQ((*entry)["to"], "consumer");
  EXPECT_EQ((*entry)["level"], "warn");
  EXPECT_EQ((*entry)["detail"], why);
}

TEST_F(ServerTest, ThePerformanceLogHasTheBrokersLoad) {
  broker_->event(R"({"event":"status","load":37})");
  const auto admin = adminCookie();
  Json last;
  EXPECT_TRUE(until([&] {
    const Json log = jsonOf(
        call("GET", "/web_plugin_framework/webcontroller/api/performance", nullptr, {{"Cookie", admin}}));
    if (log["seconds"].empty()) return false;
    last = log["seconds"].back();
    return last["brokerLoad"].contains(broker_->url()) && last["brokerLoad"][broker_->url()] != 0;
  })) << last;
  EXPECT_EQ(last["brokerLoad"], Json({{broker_->url(), 37}}));
}

TEST_F(ServerTest, SessionTokensFollowTheAccessSettings) {
  const std::string path = "/assistserver/session";
  const Json made =
      jsonOf(call("POST", "/assistserver/consumer", {{"destination", "agent1"}, {"correlationId", "x"}}));
  EXPECT_EQ(made["expiresIn"], 300);
  EXPECT_EQ(made["destination"], "agent1");
  EXPECT_EQ(made["correlationId"], "x");
  EXPECT_EQ(made["webSocket"], "/gateway/websocketcall");
  const HttpResponse bare = call("POST", path);
  EXPECT_EQ(bare.status, 201) << "no body at all";
  EXPECT_EQ(jsonOf(bare)["correlationId"].get<std::string>().size(), sip::kNilSession.size())
      << "goes to exchanges as Session-ID, too";
  EXPECT_EQ(reasonOf(call("POST", path, Json::array())), "400 request.malformed");
  EXPECT_EQ(reasonOf(call("POST", path, {{"uui", "00"}})), "403 uui.not_allowed");
  set("gateway.anonymous_consumer_access", "trusted");
  EXPECT_EQ(call("POST", path, {{"uui", "00"}}).status, 201);
  set("gateway.anonymous_consumer_access", "disabled");
  set("gateway.application_ids", "shop,bank");
  EXPECT_EQ(reasonOf(call("POST", path)), "403 access.disabled");
  EXPECT_EQ(reasonOf(call("POST", path, {{"applicationId", "shoq"}})), "403 access.disabled");
  const auto phonesIn = [](const Json& answer) {
    const std::string token = answer["token"].get<std::string>();
    const auto dot = token.find('.');
    const auto claims =
        base::base64UrlDecode(std::string_view(token).substr(dot + 1, token.rfind('.') - dot - 1));
    return claims && Json::parse(base::asText(*claims)).value("phones", false);
  };
  EXPECT_FALSE(phonesIn(made)) << "anybody's page";
  const auto banks = call("POST", path, {{"applicationId", "bank"}});
  EXPECT_EQ(banks.status, 201);
  EXPECT_TRUE(phonesIn(jsonOf(banks)));
  EXPECT_EQ(reasonOf(call("POST", path, {{"applicationId", "bank"}, {"uui", "00"}})), "403 uui.not_allowed");
  set("gateway.anonymous_consumer_access", "enabled");
  set("gateway.consumer_access_number_regex", "agent1");
  settle();
  EXPECT_EQ(reasonOf(call("POST", path, {{"destination", "agent2"}})), "403 destination.refused");
  const auto emergency = call("POST", path, {{"destination", "tel:112"}});
  EXPECT_EQ(reasonOf(emergency), "403 number.refused") << "although the pattern allows agents only";
  EXPECT_NE(emergency.body.find("In an emergency, please use a telephone."), std::string::npos);
  EXPECT_EQ(call("POST", path, {{"destination", "agent1"}}).status, 201);
  set("gateway.tokens_per_minute", "1");
  EXPECT_EQ(reasonOf(call("POST", path)), "429 rate.exceeded");
}

TEST_F(ServerTest, OtherOriginsOnlyWhereAllowed) {
  const std::string path = "/assistserver/session";
  const auto origin = [&](const std::string& method) {
    const auto response = call(method, path, nullptr, {{"Origin", "https://shop.example"}});
    return std::string(response.headers.get("Access-Control-Allow-Origin"));
  };
  EXPECT_EQ(origin("POST"), "");
  set("gateway.allowed_origins", "https://bank.example,https://shop.example");
  EXPECT_EQ(origin("POST"), "https://shop.example");
  EXPECT_EQ(origin("OPTIONS"), "https://shop.example");
}

TEST_F(ServerTest, SignInAndOutAndGuessing) {
  const std::string base = "/expertassist/agent";
  EXPECT_EQ(reasonOf(call("GET", base + "/token")), "401 login.required");
  EXPECT_EQ(
      reasonOf(call("GET", base + "/token", nullptr, {{"Cookie", "parley_session=" + std::string(43, 'a')}})),
      "401 login.required");
  const auto in = call("POST", base + "/login", {{"user", "agent2"}, {"password", "agent2"}});
  EXPECT_EQ(jsonOf(in), Json({{"user", "agent2"}, {"name", "Agent 2"}, {"roles", {"Agent"}}}));
  const std::string header(in.headers.get("Set-Cookie"));
  for (const auto* part : {"HttpOnly", "Secure", "SameSite=Strict", "Max-Age=43200"}) {
    EXPECT_NE(header.find(part), std::string::npos) << part;
  }
  const auto cookie = cookieOf(in);
  EXPECT_EQ(call("GET", base + "/token", nullptr, {{"Cookie", cookie}}).status, 200);
  EXPECT_EQ(call("POST", base + "/logout", Json::object(), {{"Cookie", cookie}}).status, 204);
  EXPECT_EQ(reasonOf(call("GET", base + "/token", nullptr, {{"Cookie", cookie}})), "401 login.required");
  EXPECT_EQ(call("POST", base + "/login", nullptr, {{"Content-Type", "text/plain"}}).status, 415);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(reasonOf(call("POST", base + "/login", {{"user", "agent1"}, {"password", "x"}})),
              "401 login.failed");
  }
  const auto locked = call("POST", base + "/login", {{"user", "agent1"}, {"password", "agent1"}});
  EXPECT_EQ(reasonOf(locked), "429 login.locked");
  EXPECT_GT(std::stoi(std::string(locked.headers.get("Retry-After"))), 0);
  EXPECT_EQ(reasonOf(call("POST", "/web_plugin_framework/webcontroller/api/login",
                          {{"user", "agent2"}, {"password", "agent2"}})),
            "401 login.failed")
      << "an agent is no administrator";
}

TEST_F(ServerTest, ADisabledUserIsOutAtOnce) {
  const std::string users = "/web_plugin_framework/webcontroller/api/users";
  const auto admin = adminCookie();
  const auto change = [&](const std::string& user, const Json& what) {
    return call("PUT", users + "/" + user, what, {{"Cookie", admin}});
  };
  EXPECT_EQ(reasonOf(call("GET", users)), "401 login.required");
  EXPECT_EQ(reasonOf(call("PUT", users + "/agent1", {{"disabled", true}}, {{"Cookie", signIn("agent2")}})),
            "401 login.required")
      << "agents are no administrators";
  const auto list = call("GET", users, nullptr, {{"Cookie", admin}});
  EXPECT_EQ(jsonOf(list)["users"].size(), 4u);
  EXPECT_EQ(list.body.find("scrypt"), std::string::npos);
  connectPages();
  connectedCall();
  const auto cookie = signIn();
  const auto token = jsonOf(call("GET", "/expertassist/agent/token", nullptr, {{"Cookie", cookie}}))["token"];
  const Json changed = jsonOf(change("agent1", {{"disabled", true}}));
  EXPECT_EQ(changed["disabled"], true);
  EXPECT_EQ(consumer_->expectCall("ended")["reason"], "agent_left") << "its call is over";
  EXPECT_TRUE(until([&] { return agent_->closeCode == 4003; }));
  EXPECT_EQ(agent_->error, "user.disabled");
  EXPECT_EQ(reasonOf(call("GET", "/expertassist/agent/me", nullptr, {{"Cookie", cookie}})),
            "401 login.required");
  Page late(loop_, connector(), token.get<std::string>());
  EXPECT_FALSE(late.hello()) << "a token from before opens nothing";
  EXPECT_EQ(late.error, "user.disabled");
  EXPECT_EQ(change("agent1", {{"disabled", false}, {"password", "a better one"}}).status, 200);
  EXPECT_EQ(reasonOf(call("GET", "/expertassist/agent/me", nullptr, {{"Cookie", cookie}})),
            "401 login.required")
      << "what was signed in before stays out";
  // Anew, and what is refused.
  EXPECT_EQ(change("ada", {{"password", "correct horse"}, {"roles", {"Agent"}}}).status, 201);
  EXPECT_EQ(reasonOf(change("eve", {{"disabled", true}})), "400 identity.unknown_user");
  EXPECT_EQ(reasonOf(change("admin", {{"disabled", true}})), "409 identity.last_administrator");
  EXPECT_EQ(reasonOf(change("ada", {{"roles", {"King"}}})), "400 request.malformed");
  EXPECT_EQ(reasonOf(change("ada", {{"passwordHash", "x"}})), "400 request.malformed");
  EXPECT_EQ(reasonOf(call("PUT", users + "/ada", nullptr, {{"Cookie", admin}})), "415 request.malformed");
}

TEST_F(ServerTest, LargeBodiesAndOtherSitesFormsGetNowhere) {
  EXPECT_EQ(reasonOf(call("POST", "/assistserver/session", {{"name", std::string(100'000, 'a')}})),
            "413 http.body_too_large");
  const auto forged = call("POST", "/expertassist/agent/logout");
  EXPECT_FALSE(forged.headers.has("Set-Cookie")) << "would sign the agent's browser out";
  const auto own = call("POST", "/expertassist/agent/logout", nullptr, {{"Cookie", signIn()}});
  EXPECT_TRUE(own.headers.has("Set-Cookie"));
}

TEST_F(ServerTest, SignInsSurviveARestart) {
  const auto cookie = signIn();
  startServer();
  settle();
  EXPECT_EQ(call("GET", "/expertassist/agent/token", nullptr, {{"Cookie", cookie}}).status, 200);
}

TEST_F(ServerTest, PagesHaveAPolicyAndHealthIsTold) {
  const auto page = call("GET", "/expertassist/agent/");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(std::string(page.headers.get("Content-Security-Policy")).find("default-src 'none'"),
            std::string::npos);
  EXPECT_EQ(page.headers.get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(call("GET", "/").headers.get("Location"), "/assistsample/");
  EXPECT_EQ(call("GET", "/assist/sample?cobrowseOnly=true&cid=a%26b").headers.get("Location"),
            "/assistsample/?cid=a%26b&cobrowseOnly=true");
  EXPECT_EQ(call("GET", "/health/live").status, 200);
  EXPECT_EQ(jsonOf(call("GET", "/health/ready"))["brokers"], Json({"up"}));
  EXPECT_EQ(call("GET", "/gateway/websocketcall").status / 100, 4) << "no upgrade asked for";
}

TEST_F(ServerTest, ADrainLetsCallsEndAndStopTellsThem) {
  connectPages();
  const auto id = connectedCall();
  server_->drain();
  const auto told = consumer_->expect("session");
  EXPECT_EQ(told["what"], "ending");
  EXPECT_EQ(told["text"], "The service is being restarted. Calls can go on for up to 5 minutes.");
  EXPECT_EQ(call("GET", "/health/ready").status, 503);
  EXPECT_EQ(reasonOf(call("POST", "/assistserver/session")), "503 server.draining");
  EXPECT_FALSE(ended_);
  server_->stop();
  EXPECT_EQ(endOf(*consumer_), "server_stopping");
  EXPECT_EQ(endOf(*agent_), "server_stopping");
  EXPECT_TRUE(until([&] { return ended_; }));
  EXPECT_TRUE(broker_->calls.empty());
}

TEST_F(ServerTest, ADrainEndsWithTheLastCall) {
  connectPages();
  const auto id = connectedCall();
  server_->drain();
  settle();
  EXPECT_FALSE(ended_);
  consumer_->send("end", {{"call", id}});
  EXPECT_TRUE(until([&] { return ended_; }));
}

TEST_F(ServerTest, AProcessThatDiesInACallIsFollowedByOneThatHasIt) {
  connectPages();
  const auto id = connectedCall();
  ASSERT_FALSE(id.empty());
  server_.reset();  // Without a word to the broker; the pages' connections break.
  settle();
  startServer();
  EXPECT_TRUE(broker_->calls.contains(id)) << "the media goes on";
  ASSERT_TRUE(consumer_->resume());
  EXPECT_TRUE(consumer_->welcome["resumed"].get<bool>());
  ASSERT_EQ(consumer_->welcome["calls"].size(), 1u);
  EXPECT_EQ(consumer_->welcome["calls"][0]["call"], id);
  ASSERT_TRUE(agent_->resume());
  EXPECT_TRUE(agent_->welcome["resumed"].get<bool>());
  agent_->send("end", {{"call", id}});
  EXPECT_EQ(endOf(*consumer_), "hung_up");
  EXPECT_TRUE(until([&] { return broker_->calls.empty(); }));
  // The record is made when the broker's answer is here.
  const auto cookie = adminCookie();
  for (int i = 0; i < 100; ++i) {
    const auto calls =
        jsonOf(call("GET", "/web_plugin_framework/webcontroller/api/calls", nullptr, {{"Cookie", cookie}}));
    if (!calls["recent"].empty()) break;
  }
  server_.reset();
  settle();
  startServer();
  const auto found = call("GET", "/web_plugin_framework/webcontroller/api/calls/" + id, nullptr,
                          {{"Cookie", adminCookie()}});
  EXPECT_EQ(found.status, 200) << "the record outlives the process, too";
  EXPECT_EQ(jsonOf(found)["reason"], "hung_up");
}

TEST_F(ServerTest, ANewCertificateIsUsedWithoutARestart) {
  connectPages();
  auto other = trust::Authority::open(directory_ / "other");
  ASSERT_TRUE(other);
  const auto identity = other->identity("server", {"127.0.0.1"});
  ASSERT_TRUE(identity);
  auto tls = net::TlsClientContext::create(other->certificatePem(), false);
  ASSERT_TRUE(tls);
  net::HttpClient client(loop_, {.tls = *tls});
  const auto reachable = [&] {
    std::optional<bool> ok;
    client.request({"GET", url("/health/live"), {}, ""}, [&](auto response) { ok = response.has_value(); });
    return until([&] { return ok.has_value(); }) && *ok;
  };
  EXPECT_FALSE(reachable()) << "its authority is not the one trusted here";
  std::ofstream(state_ + "/server.key") << identity->keyPem;
  std::ofstream(state_ + "/server.pem") << identity->certificatePem;
  EXPECT_TRUE(until(reachable));
  EXPECT_FALSE(connectedCall().empty()) << "connections from before go on";
}

TEST_F(ServerTest, ASecondServerOnTheSamePortSaysWhy) {
  set("server.https_port", std::to_string(server_->port()));
  const auto second = Server::start(loop_, settings_, directory_ / "other", "1", [] {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "net.bind_failed");
}

}  // namespace
}  // namespace parley::gateway
