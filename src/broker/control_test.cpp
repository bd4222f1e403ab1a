#include "broker/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.h"
#include "broker/broker.h"
#include "broker/openapi.h"
#include "broker/settings.h"
#include "broker/test_fake_browser.h"
#include "broker/test_openapi_check.h"
#include "broker/test_patience.h"
#include "net/http_client.h"
#include "trust/authority.h"

namespace parley::broker {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
namespace fs = std::filesystem;

const char* const kLegs = R"({"legs":[{"id":"consumer","kind":"webrtc"},{"id":"agent","kind":"webrtc"}]})";

/// A whole broker with its threads, controlled over real HTTPS. Each answer is checked against the
/// description.
class ControlTest : public testing::Test {
 protected:
  explicit ControlTest(std::vector<std::pair<std::string, std::string>> more = {}) {
    std::string pattern = fs::temp_directory_path() / "parley-broker-XXXXXX";
    state_ = ::mkdtemp(pattern.data());
    declareSettings(settings_);
    more.insert(more.begin(), {{"media.control_port", "0"},
                               {"media.first_port", "0"},
                               {"media.workers", "2"},
                               {"media.bind_addresses", "127.0.0.1"},
                               {"media.rtp_port_range", "0"},
                               {"media.control_secret", "open sesame"}});
    for (const auto& [name, value] : more) {
      const auto problem = settings_.setText(name, value);
      EXPECT_FALSE(problem) << problem->format();
    }
    auto broker = Broker::start(loop_, settings_, state_, "1.2.3", [this] { ended_ = true; });
    EXPECT_TRUE(broker) << broker.error().text;
    broker_ = std::move(*broker);
    std::ifstream file(state_ / "ca.pem");
    const std::string authority{std::istreambuf_iterator<char>(file), {}};
    net::HttpClientOptions options;
    options.tls = *net::TlsClientContext::create(authority, false);
    client_ = std::make_unique<net::HttpClient>(loop_, options);
    headers_.set("Authorization", net::HttpClient::basicAuthorization("parley", base::Secret("open sesame")));
  }
  ~ControlTest() override {
    client_.reset();
    broker_.reset();
    fs::remove_all(state_);
  }

  std::string url(const std::string& path, const char* scheme = "https") {
    return std::string(scheme) + "://" + broker_->controlEndpoint().toString() + path;
  }
  net::HttpResponse send(const std::string& method, const std::string& path, const std::string& body = "") {
    std::optional<base::Result<net::HttpResponse>> result;
    client_->request({method, url(path), headers_, body},
                     [&](auto response) { result = std::move(response); });
    EXPECT_TRUE(loop_.runUntil([&] { return result.has_value(); }, kPatience));
    if (!result || !*result) {
      ADD_FAILURE() << method << " " << path << ": " << (result ? result->error().text : "no answer");
      return {};
    }
    EXPECT_EQ(openapi_.answer(method, path, (*result)->status, (*result)->body), "");
    return std::move(**result);
  }
  static std::string reasonOf(const net::HttpResponse& response) {
    const json body = json::parse(response.body, nullptr, false);
    return body.is_object() && body.contains("error") ? body["error"]["reason"].get<std::string>()
                                                      : "(no error)";
  }
  std::string offer(const std::string& call, const std::string& sdp) {
    const auto response = send("POST", "/v1/calls/" + call + "/offer",
                               json{{"from", "consumer"}, {"to", "agent"}, {"sdp", sdp}}.dump());
    return response.status == 200 ? json::parse(response.body)["offer"].get<std::string>()
                                  : reasonOf(response);
  }
  std::string answer(const std::string& call, const std::string& from, const std::string& sdp,
                     const std::string& path = "answer") {
    const auto response =
        send("POST", "/v1/calls/" + call + "/" + path, json{{"from", from}, {"sdp", sdp}}.dump());
    return response.status == 200 ? json::parse(response.body)["answer"].get<std::string>()
                                  : reasonOf(response);
  }
  std::shared_ptr<net::WebSocket> listen() {
    std::optional<base::Result<std::shared_ptr<net::WebSocket>>> result;
    client_->openWebSocket(url("/v1/events", "wss"), headers_, {},
                           [&](auto socket) { result = std::move(socket); });
    EXPECT_TRUE(loop_.runUntil([&] { return result.has_value(); }, kPatience));
    if (!result || !*result) return nullptr;
    (**result)->start(
        [this](std::string_view text) {
          const json event = json::parse(text);
          EXPECT_EQ(openapi_.named("Event", event), "");
          events_.push_back(event);
        },
        [](base::Bytes) {}, [this](std::uint16_t code, std::string_view) { closeCode_ = code; });
    return **result;
  }
  bool heard(const std::string& event, const std::string& what, const std::string& leg = "") {
    return std::ranges::any_of(events_, [&](const json& each) {
      return each["event"] == event && (what.empty() || each["what"] == what) &&
             (leg.empty() || each["leg"] == leg);
    });
  }
  bool run(const std::function<bool()>& done) { return loop_.runUntil(done, kPatience); }

  fs::path state_;
  net::EventLoop loop_{"test"};
  base::Settings settings_;
  OpenapiCheck openapi_{openapiDocument()};
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<net::HttpClient> client_;
  net::HttpHeaders headers_;
  std::vector<json> events_;
  std::uint16_t closeCode_ = 0;
  bool ended_ = false;
};

TEST_F(ControlTest, ANewCertificateIsUsedWithoutARestart) {
  auto other = trust::Authority::open(state_ / "other");
  ASSERT_TRUE(other);
  const auto identity = other->identity("media", {"127.0.0.1"});
  ASSERT_TRUE(identity);
  net::HttpClientOptions options;
  options.tls = *net::TlsClientContext::create(other->certificatePem(), false);
  net::HttpClient client(loop_, options);
  std::optional<bool> ok;
  const auto ask = [&] {
    ok.reset();
    client.request({"GET", url("/health/live"), {}, ""}, [&](auto response) { ok = response.has_value(); });
    return loop_.runUntil([&] { return ok.has_value(); }, kPatience) && *ok;
  };
  EXPECT_FALSE(ask()) << "its authority is not the one trusted here";
  std::ofstream(state_ / "media.key") << identity->keyPem;
  std::ofstream(state_ / "media.pem") << identity->certificatePem;
  EXPECT_TRUE(loop_.runUntil(ask, kPatience));
}

TEST_F(ControlTest, TheDescriptionAndTheRouterHaveTheSamePathsAndMethods) {
  std::set<std::string> described, routed;
  for (const auto& [path, item] : openapi_.document().at("paths").items()) {
    for (const char* method : {"GET", "PUT", "POST", "DELETE", "PATCH"}) {
      if (item.contains(base::toLower(method))) described.insert(std::string(method) + " " + path);
    }
  }
  for (const auto& [method, path] : broker_->control().routes()) routed.insert(method + " " + path);
  EXPECT_EQ(described, routed);
  EXPECT_EQ(json::parse(send("GET", "/v1/openapi.json").body), openapi_.document());
}

TEST_F(ControlTest, TheCheckAgainstTheDescriptionFindsFaults) {
  EXPECT_NE(openapi_.answer("GET", "/v1/nothing", 200, "{}"), "");
  EXPECT_NE(openapi_.answer("GET", "/v1/calls", 418, ""), "");
  EXPECT_NE(openapi_.answer("GET", "/v1/calls", 200, R"({})"), "");
  EXPECT_NE(
      openapi_.answer("GET", "/v1/calls", 200, R"({"calls":[{"call":"a b","worker":0,"ageSeconds":1}]})"),
      "");
  EXPECT_NE(
      openapi_.answer("GET", "/v1/calls", 200, R"({"calls":[{"call":"a","worker":-1,"ageSeconds":1}]})"), "");
  EXPECT_NE(openapi_.answer("GET", "/v1/calls", 200, R"({"calls":[],"more":1})"), "");
  EXPECT_EQ(
      openapi_.answer("GET", "/v1/calls", 200, R"({"calls":[{"call":"a","worker":0,"ageSeconds":1.5}]})"),
      "");
}

TEST_F(ControlTest, ACallFromCreationToItsFinalReport) {
  const auto created = send("PUT", "/v1/calls/c1", kLegs);
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(send("PUT", "/v1/calls/c1", kLegs).status, 200);  // A repetition.
  const auto other = send("PUT", "/v1/calls/c1", R"({"legs":[{"id":"x","kind":"webrtc"}]})");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(reasonOf(other), "call.exists");
  EXPECT_EQ(send("PUT", "/v1/calls/c2", kLegs).status, 201);

  const json status = json::parse(send("GET", "/v1/status").body);
  EXPECT_EQ(status["version"], "1.2.3");
  EXPECT_EQ(status["legs"], 4);
  EXPECT_EQ(status["workers"][0]["calls"], 1);  // The second call went to the emptier worker.
  EXPECT_EQ(status["workers"][1]["calls"], 1);
  EXPECT_EQ(json::parse(send("GET", "/v1/calls").body)["calls"].size(), 2u);

  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  const std::string toAgent = offer("c1", consumer.offer());
  consumer.apply(answer("c1", "agent", agent.answer(toAgent)));
  consumer.connect();
  agent.connect();
  ASSERT_TRUE(run([&] { return consumer.connected() && agent.connected(); }));
  ASSERT_TRUE(run([&] {
    consumer.sendRtp(FakeBrowser::kOpus, "over two threads");
    return agent.receivedPackets > 0;
  }));
  const json report = json::parse(send("GET", "/v1/calls/c1").body);
  EXPECT_EQ(report["legs"][0]["ice"], "connected");
  EXPECT_EQ(report["legs"][0]["sections"][0]["kind"], "audio");
  EXPECT_EQ(report["legs"][0]["selected"]["remote"], consumer.local().toString());

  const auto last = send("DELETE", "/v1/calls/c1");
  EXPECT_EQ(last.status, 200);
  EXPECT_GT(json::parse(last.body)["legs"][0]["sections"][0]["fromPeer"]["packets"], 0);
  const auto gone = send("DELETE", "/v1/calls/c1");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(reasonOf(gone), "call.unknown");
}

TEST_F(ControlTest, LegsComeAndGoAndAreJoined) {
  const char* legs =
      R"({"legs":[{"id":"consumer","kind":"webrtc"},{"id":"p1","kind":"rtp","rtp":{"security":"sdes"}}],)"
      R"("codecs":{"audio":["PCMU"],"towardSip":["PCMU"]},"maxVideoResolution":"vga"})";
  const json made = json::parse(send("PUT", "/v1/calls/c1", legs).body);
  EXPECT_EQ(made["legs"][1]["rtp"]["security"], "sdes");
  const std::string p2 = "/v1/calls/c1/legs/p2";
  EXPECT_EQ(send("PUT", p2, R"({"kind":"rtp","rtp":{"security":"none"}})").status, 201);
  EXPECT_EQ(send("PUT", p2, R"({"kind":"rtp"})").status, 200);
  EXPECT_EQ(reasonOf(send("PUT", p2, R"({"kind":"webrtc"})")), "leg.exists");
  EXPECT_EQ(send("PUT", "/v1/calls/c1/legs/p3", R"({"kind":"webrtc"})").status, 201);
  EXPECT_EQ(reasonOf(send("PUT", "/v1/calls/c1/legs/p4", R"({"kind":"rtp"})")), "call.too_many_legs");
  EXPECT_EQ(json::parse(send("GET", "/v1/status").body)["legs"], 4);

  const json offered = json::parse(send("POST", "/v1/calls/c1/make-offer", R"({"to":"p2"})").body);
  const std::string sdp = offered["offer"];
  EXPECT_THAT(sdp, HasSubstr("RTP/AVP 0\r\n"));
  EXPECT_THAT(sdp, HasSubstr("c=IN IP4 127.0.0.1"));
  const std::string phone =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio 40000 RTP/AVP 0\r\n";
  EXPECT_EQ(answer("c1", "p2", phone), "");
  EXPECT_EQ(
      json::parse(send("POST", "/v1/calls/c1/bridge", R"({"legs":["consumer","p2"]})").body)["renegotiate"]
          .size(),
      0u);
  const auto held = send("POST", "/v1/calls/c1/hold", R"({"leg":"consumer","held":true})");
  EXPECT_EQ(held.status, 200);
  const auto alone = send("POST", "/v1/calls/c1/hold", R"({"leg":"p1","held":true})");
  EXPECT_EQ(reasonOf(alone), "leg.alone");
  const auto local = json::parse(send("POST", "/v1/calls/c1/answer-locally",
                                      json{{"from", "p2"}, {"sdp", phone + "a=sendonly\r\n"}}.dump())
                                     .body);
  EXPECT_EQ(local["peerHolds"], true);
  const json report = json::parse(send("GET", "/v1/calls/c1").body);
  EXPECT_EQ(report["legs"][2]["peer"], "consumer");
  EXPECT_EQ(report["legs"][2]["held"], true);
  EXPECT_EQ(report["legs"][2]["holds"], true);
  EXPECT_EQ(report["legs"][2]["selected"]["remote"], "127.0.0.1:40000");

  EXPECT_EQ(send("POST", "/v1/calls/c1/make-offer", R"({"to":"p2"})").status, 200);
  EXPECT_EQ(send("POST", "/v1/calls/c1/rollback", R"({"to":"p2"})").status, 204);
  const json last = json::parse(send("DELETE", p2).body);
  EXPECT_EQ(last["id"], "p2");
  EXPECT_EQ(reasonOf(send("DELETE", p2)), "leg.unknown");
  EXPECT_EQ(json::parse(send("GET", "/v1/status").body)["legs"], 3);
}

TEST_F(ControlTest, EventsTellWhatHappensToLegs) {
  const auto socket = listen();
  ASSERT_TRUE(socket);
  ASSERT_TRUE(run([&] { return heard("hello", ""); }));
  EXPECT_EQ(events_[0]["instance"], json::parse(send("GET", "/v1/status").body)["instance"]);
  ASSERT_EQ(send("PUT", "/v1/calls/c1", kLegs).status, 201);
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  consumer.apply(answer("c1", "agent", agent.answer(offer("c1", consumer.offer()))));
  consumer.connect();
  agent.connect();
  ASSERT_TRUE(run(
      [&] { return heard("leg", "dtls-connected", "consumer") && heard("leg", "dtls-connected", "agent"); }));
  EXPECT_TRUE(heard("leg", "ice-connected", "agent"));
  consumer.sendRtp(FakeBrowser::kOpus, "x");
  ASSERT_TRUE(
      run([&] { return heard("leg", "first-media", "consumer") && heard("leg", "first-media", "agent"); }));
  ASSERT_TRUE(run([&] { return heard("status", ""); }));

  consumer.stopChecks();
  consumer.newPeerConnection();
  consumer.apply(answer("c1", "consumer", consumer.offer(), "answer-locally"));
  consumer.connect();
  ASSERT_TRUE(run([&] { return consumer.connected(); }));
  consumer.closeDtls();
  ASSERT_TRUE(run([&] { return heard("leg", "peer-bye", "consumer"); }));
}

TEST_F(ControlTest, NobodyWithoutTheSecretGetsIn) {
  for (const std::string& value :
       std::vector<std::string>{"", "Basic", "Basic !!!", "Bearer x",
                                net::HttpClient::basicAuthorization("parley", base::Secret("wrong")),
                                net::HttpClient::basicAuthorization("admin", base::Secret("open sesame"))}) {
    headers_.set("Authorization", value);
    const auto response = send("GET", "/v1/status");
    EXPECT_EQ(response.status, 401) << value;
    EXPECT_EQ(reasonOf(response), "control.unauthorized");
    EXPECT_THAT(std::string(response.headers.get("WWW-Authenticate")), HasSubstr("Basic"));
  }
  headers_.set("Authorization", "");
  EXPECT_EQ(listen(), nullptr);
  EXPECT_EQ(send("GET", "/health/live").status, 200);
  EXPECT_EQ(send("GET", "/health/ready").status, 200);
  EXPECT_THAT(send("GET", "/metrics").body, HasSubstr("parley_media_calls{worker=\"1\"}"));
}

TEST_F(ControlTest, GuessingIsStopped) {
  const std::string right(headers_.get("Authorization"));
  headers_.set("Authorization", net::HttpClient::basicAuthorization("parley", base::Secret("wrong")));
  for (unsigned i = 0; i < ControlAuth::kMaxFailures; ++i) EXPECT_EQ(send("GET", "/v1/status").status, 401);
  const auto refused = send("GET", "/v1/status");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(reasonOf(refused), "control.too_many_failures");
  EXPECT_TRUE(refused.headers.has("Retry-After"));
  headers_.set("Authorization", right);
  EXPECT_EQ(send("GET", "/v1/status").status, 429);  // A lucky guess would not be noticed.
}

TEST_F(ControlTest, MalformedRequestsAreRefused) {
  const auto expectMalformed = [&](const char* method, const std::string& path, const std::string& body) {
    const auto response = send(method, path, body);
    EXPECT_EQ(response.status, 400) << path << " " << body;
    EXPECT_EQ(reasonOf(response), "request.malformed") << path << " " << body;
  };
  const std::string longId(65, 'x');
  for (const std::string& body : std::vector<std::string>{
           "",
           "{",
           "[]",
           "{}",
           R"({"legs":1})",
           R"({"legs":[]})",
           R"({"legs":[1]})",
           R"({"legs":[{"id":"a"}]})",
           R"({"legs":[{"id":"a","kind":"sip"}]})",
           R"({"legs":[{"id":"","kind":"webrtc"}]})",
           R"({"legs":[{"id":")" + longId + R"(","kind":"webrtc"}]})",
           R"({"legs":[{"id":"a","kind":"webrtc"},{"id":"a","kind":"webrtc"}]})",
           R"({"legs":[{"id":"a","kind":"webrtc"},{"id":"b","kind":"webrtc"},{"id":"c","kind":"webrtc"},)"
           R"({"id":"d","kind":"rtp"},{"id":"e","kind":"rtp"}]})",
           R"({"legs":[{"id":"a","kind":"rtp","rtp":1}]})",
           R"({"legs":[{"id":"a","kind":"rtp","rtp":{"security":"zrtp"}}]})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"codecs":{"audio":"PCMU"}})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"codecs":{"banned":[7]}})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"maxVideoBitrate":-1})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"maxVideoResolution":"4k"})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"idleSeconds":"9"})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"idleSeconds":4})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"idleSeconds":-1})",
           R"({"legs":[{"id":"a","kind":"webrtc"}],"idleSeconds":18446744073709551615})",
           std::string(20'000, '[')}) {
    expectMalformed("PUT", "/v1/calls/c1", body);
  }
  expectMalformed("PUT", "/v1/calls/" + longId, kLegs);
  expectMalformed("PUT", "/v1/calls/a%20b", kLegs);
  for (const char* path : {"offer", "answer", "answer-locally", "rollback"}) {
    expectMalformed("POST", std::string("/v1/calls/c1/") + path, "x");
    expectMalformed("POST", std::string("/v1/calls/c1/") + path, R"({"from":7,"to":"a","sdp":"x"})");
  }
  expectMalformed("POST", "/v1/calls/c1/offer", R"({"from":"a","sdp":"x"})");
  expectMalformed("POST", "/v1/calls/c1/offer", R"({"from":"a","to":"b"})");
  expectMalformed("POST", "/v1/calls/c1/answer", R"({"from":"a","sdp":""})");
  expectMalformed("POST", "/v1/calls/c1/rollback", R"({})");
  expectMalformed("POST", "/v1/calls/c1/rollback", R"({"from":"a","to":"b"})");
  expectMalformed("POST", "/v1/calls/c1/make-offer", R"({"towards":"a"})");
  expectMalformed("POST", "/v1/calls/c1/make-offer", R"({"to":"a","towards":1})");
  for (const char* legs : {"1", "[]", R"(["a"])", R"(["a",1])", R"(["a","b","c"])"})
    expectMalformed("POST", "/v1/calls/c1/bridge", std::string(R"({"legs":)") + legs + "}");
  expectMalformed("POST", "/v1/calls/c1/hold", R"({"leg":"a"})");
  expectMalformed("POST", "/v1/calls/c1/hold", R"({"leg":"a","held":1})");
  expectMalformed("POST", "/v1/calls/c1/hold", R"({"leg":"a","held":true,"ringing":1})");
  expectMalformed("PUT", "/v1/calls/c1/legs/p1", R"({"kind":"fax"})");
  expectMalformed("PUT", "/v1/calls/c1/legs/a%20b", R"({"kind":"rtp"})");
  EXPECT_EQ(broker_->registry().calls().size(), 0u);
}

TEST_F(ControlTest, RefusedDescriptionsSayWhy) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  EXPECT_EQ(offer("c1", consumer.offer()), "call.unknown");
  ASSERT_EQ(send("PUT", "/v1/calls/c1", kLegs).status, 201);
  EXPECT_EQ(offer("c1", "nonsense"), "sdp.malformed");
  EXPECT_EQ(offer("c1", std::string(70'000, 'x')), "sdp.too_large");
  EXPECT_EQ(answer("c1", "agent", agent.offer()), "sdp.no_offer");
  EXPECT_EQ(answer("c1", "nobody", agent.offer()), "leg.unknown");
  EXPECT_EQ(answer("c1", "nobody", agent.offer(), "answer-locally"), "leg.unknown");
  std::string sdp = consumer.offer();
  const auto without = [&](const std::string& what) {
    std::string cut = sdp;
    for (auto at = cut.find(what); at != std::string::npos; at = cut.find(what)) {
      cut.erase(at, cut.find('\n', at) + 1 - at);
    }
    return cut;
  };
  EXPECT_EQ(offer("c1", without("a=fingerprint")), "sdp.no_fingerprint");
  EXPECT_EQ(offer("c1", without("a=ice-")), "sdp.no_ice");
  EXPECT_EQ(offer("c1", without("a=rtcp-mux")), "sdp.mux_required");
  EXPECT_THAT(offer("c1", sdp), HasSubstr("v=0"));
  EXPECT_EQ(send("POST", "/v1/calls/c1/rollback", R"({"from":"consumer"})").status, 204);
  EXPECT_EQ(send("POST", "/v1/calls/c1/rollback", R"({"from":"nobody"})").status, 404);
  EXPECT_THAT(offer("c1", sdp), HasSubstr("v=0"));
  const auto glare = send("POST", "/v1/calls/c1/offer",
                          json{{"from", "agent"}, {"to", "consumer"}, {"sdp", agent.offer()}}.dump());
  EXPECT_EQ(reasonOf(glare), "sdp.glare");
}

TEST_F(ControlTest, ListenersAreBounded) {
  std::vector<std::shared_ptr<net::WebSocket>> sockets;
  for (std::size_t i = 0; i < EventHub::kMaxListeners; ++i) {
    sockets.push_back(listen());
    ASSERT_TRUE(sockets.back());
  }
  ASSERT_TRUE(run([&] { return events_.size() >= EventHub::kMaxListeners; }));
  EXPECT_EQ(listen(), nullptr);
  sockets.pop_back();
  std::shared_ptr<net::WebSocket> next;
  ASSERT_TRUE(run([&] { return (next = listen()) != nullptr; }));
}

TEST_F(ControlTest, DrainingRefusesNewCallsAndEndsWithTheLast) {
  ASSERT_EQ(send("PUT", "/v1/calls/c1", kLegs).status, 201);
  EXPECT_EQ(send("POST", "/v1/drain").status, 202);
  EXPECT_EQ(send("POST", "/v1/drain").status, 202);
  const auto refused = send("PUT", "/v1/calls/c2", kLegs);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(reasonOf(refused), "broker.draining");
  EXPECT_EQ(send("PUT", "/v1/calls/c1", kLegs).status, 200);  // Running calls go on.
  EXPECT_EQ(send("GET", "/health/ready").status, 503);
  EXPECT_TRUE(json::parse(send("GET", "/v1/status").body)["draining"]);
  EXPECT_FALSE(ended_);
  EXPECT_EQ(send("DELETE", "/v1/calls/c1").status, 200);
  EXPECT_TRUE(run([&] { return ended_; }));
}

TEST_F(ControlTest, AnIdleBrokerDrainsAtOnce) {
  broker_->drain();
  EXPECT_TRUE(run([&] { return ended_; }));
}

TEST_F(ControlTest, StoppingEndsRunningCallsAndTells) {
  const auto socket = listen();
  ASSERT_TRUE(socket);
  ASSERT_EQ(send("PUT", "/v1/calls/c1", kLegs).status, 201);
  broker_->drain();
  broker_->stop();
  broker_->stop();
  EXPECT_TRUE(run([&] { return ended_; }));
  EXPECT_TRUE(heard("call", "ended"));
  EXPECT_EQ(broker_->registry().calls().size(), 0u);
}

TEST_F(ControlTest, AThousandCallsOverTheInterfaceLeaveNothing) {
  unsigned open = 0, created = 0, deleted = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string target = url("/v1/calls/c" + std::to_string(i));
    ++open;
    client_->request({"PUT", target, headers_, kLegs}, [&, target](auto answer) {
      created += answer && answer->status == 201;
      client_->request({"DELETE", target, headers_, ""}, [&](auto last) {
        deleted += last && last->status == 200;
        --open;
      });
    });
    if (i % 50 == 49) {
      ASSERT_TRUE(run([&] { return open == 0; }));
    }
  }
  EXPECT_EQ(created, 1000u);
  EXPECT_EQ(deleted, 1000u);
  EXPECT_EQ(broker_->registry().legs(), 0u);
  EXPECT_EQ(broker_->registry().pending(), 0u);
}

class SmallBrokerTest : public ControlTest {
 protected:
  SmallBrokerTest() : ControlTest({{"media.max_calls", "4"}, {"media.drain_seconds", "0"}}) {}
};

TEST_F(SmallBrokerTest, RefusesAtTheLoadFactorAndWhenFull) {
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_EQ(send("PUT", std::string("/v1/calls/") + id, kLegs).status, 201);
  }
  const auto loaded = send("PUT", "/v1/calls/d", kLegs);  // 3 of 4: 75 %.
  EXPECT_EQ(loaded.status, 503);
  EXPECT_EQ(reasonOf(loaded), "broker.overloaded");
  EXPECT_TRUE(loaded.headers.has("Retry-After"));
  EXPECT_EQ(json::parse(send("GET", "/v1/status").body)["load"], 75);
  ASSERT_FALSE(settings_.setText("media.max_load_factor", "0"));  // Applies at once.
  EXPECT_EQ(send("PUT", "/v1/calls/d", kLegs).status, 201);
  EXPECT_EQ(reasonOf(send("PUT", "/v1/calls/e", kLegs)), "broker.full");
}

TEST_F(SmallBrokerTest, DrainingHasAnEnd) {
  ASSERT_EQ(send("PUT", "/v1/calls/a", kLegs).status, 201);
  broker_->drain();
  EXPECT_TRUE(run([&] { return ended_; }));
}

TEST(BrokerStart, APortInUseIsAnError) {
  std::string pattern = fs::temp_directory_path() / "parley-broker-XXXXXX";
  const fs::path state = ::mkdtemp(pattern.data());
  net::EventLoop loop("test");
  auto taken = net::UdpSocket::open(loop, *net::Endpoint::parse("127.0.0.1", 0), {}, [](auto, auto) {});
  base::Settings settings;
  declareSettings(settings);
  settings.setText("media.bind_addresses", "127.0.0.1");
  settings.setText("media.first_port", std::to_string((*taken)->localEndpoint().port()));
  const auto broker = Broker::start(loop, settings, state, "1", [] {});
  ASSERT_FALSE(broker);
  EXPECT_EQ(broker.error().reason, "net.bind_failed");
  settings.setText("media.first_port", "65535");
  settings.setText("media.workers", "2");
  EXPECT_EQ(Broker::start(loop, settings, state, "1", [] {}).error().reason, "net.bind_failed");
  fs::remove_all(state);
}

}  // namespace
}  // namespace parley::broker
