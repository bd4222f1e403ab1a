#include "gateway/broker_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "gateway/call_event.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

const base::Logger brokersLog{"brokers"};

base::Counter failures(const std::string& broker, const std::string& reason) {
  return base::Metrics::instance().counter("parley_gateway_broker_failures_total",
                                           "Requests that a media broker refused or did not answer.",
                                           {{"broker", broker}, {"reason", reason}});
}

/// Reasons become labels of metrics: tokens only.
bool isReason(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  });
}

/// What became of a request, in the broker's words or the network's.
base::Result<std::string> resultOf(base::Result<net::HttpResponse> response) {
  if (!response) return std::unexpected(response.error());
  if (response->status >= 200 && response->status < 300) return std::move(response->body);
  if (response->status == 401)
    return base::fail("broker.unauthorised", "The broker does not accept our secret.");
  const auto json = parseJson(response->body);
  if (json && json->is_object() && json->contains("error") && (*json)["error"].is_object()) {
    const auto reason = stringAt((*json)["error"], "reason");
    const auto text = stringAt((*json)["error"], "text");
    if (reason && isReason(*reason)) return base::fail(*reason, base::printable(text.value_or(""), 200));
  }
  return base::fail("broker.bad_answer", fmt::format("The broker answered {}.", response->status));
}

event::LegChange changeOf(std::string_view what) {
  if (what == "ice-connected" || what == "ice-selected") return event::LegChange::iceUp;
  if (what == "ice-disconnected" || what == "ice-expired") return event::LegChange::iceDown;
  if (what == "dtls-connected") return event::LegChange::dtlsUp;
  if (what == "dtls-failed") return event::LegChange::dtlsDown;
  if (what == "rtp-timeout") return event::LegChange::silent;
  if (what == "rtp-connected") return event::LegChange::heard;
  return event::LegChange::other;
}

/// A key of a telephone's, as brokers tell it; '\0': none.
char keyOf(const Json& detail) {
  const auto key = stringAt(detail, "digit").value_or("");
  const bool good =
      key.size() == 1 && std::string_view("0123456789*#ABCD").find(key[0]) != std::string_view::npos;
  return good ? key[0] : '\0';
}

}  // namespace

BrokerClient::BrokerClient(net::EventLoop& loop, base::Random& random, BrokerClientOptions options)
    : loop_(loop),
      random_(random),
      options_(std::move(options)),
      http_(loop, {.tls = options_.tls, .requestTimeout = options_.requestTimeout}),
      backoff_(options_.reconnectMin),
      reconnect_(loop),
      lost_(loop) {
  const auto gauge = [this](const char* name, const char* help) {
    return base::Metrics::instance().gauge(name, help, {{"broker", options_.url}});
  };
  upGauge_ = gauge("parley_gateway_broker_up", "Whether the broker's events can be received.");
  loadGauge_ = gauge("parley_gateway_broker_load", "Load that the broker reports, in percent.");
  connect();
}

BrokerClient::~BrokerClient() {
  guard_.reset();
  if (events_) events_->close(1000, "bye");
}

void BrokerClient::request(std::string method, const std::string& path, std::string body,
                           MediaBrokers::ReportDone done) {
  net::HttpClientRequest request{std::move(method), options_.url + path, {}, std::move(body)};
  request.headers.set("Authorization", net::HttpClient::basicAuthorization("parley", options_.secret));
  if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
  http_.request(std::move(request), guard_.wrap([this, done](base::Result<net::HttpResponse> response) {
    // It answers, so its events can be had, too: do not wait for the next try.
    if (response && !up_ && !connecting_ && !events_) connect();
    auto result = resultOf(std::move(response));
    if (!result) {
      failures(options_.url, result.error().reason).add();
      brokersLog.warn(
          "request failed",
          {{"broker", options_.url}, {"reason", result.error().reason}, {"text", result.error().text}});
    }
    done(std::move(result));
  }));
}

void BrokerClient::connect() {
  reconnect_.stop();
  connecting_ = true;
  net::HttpHeaders headers;
  headers.set("Authorization", net::HttpClient::basicAuthorization("parley", options_.secret));
  net::WebSocketOptions options;
  options.pingInterval = options.pongTimeout = base::Millis{3'000};
  options.compress = false;
  const std::string url = "ws" + options_.url.substr(4) + "/v1/events";
  http_.openWebSocket(url, std::move(headers), options,
                      guard_.wrap([this](base::Result<std::shared_ptr<net::WebSocket>> opened) {
                        connecting_ = false;
                        opened ? onConnected(std::move(*opened)) : onDown(opened.error().reason);
                      }));
}

void BrokerClient::onConnected(std::shared_ptr<net::WebSocket> socket) {
  events_ = std::move(socket);
  events_->start(guard_.wrap([this](std::string_view text) { onEvent(text); }),
                 guard_.wrap([](base::Bytes) {}),
                 guard_.wrap([this](std::uint16_t, std::string_view reason) { onDown(reason); }));
}

void BrokerClient::onDown(std::string_view reason) {
  events_.reset();
  if (up_) {
    brokersLog.error("media broker cannot be reached", {{"broker", options_.url}, {"reason", reason}});
    lost_.start(options_.lostAfter, [this] {
      brokersLog.error("media broker is given up, its calls end", {{"broker", options_.url}});
      instance_.clear();
      if (listener_ != nullptr) listener_->onBrokerLost(options_.url);
    });
  }
  up_ = false;
  upGauge_.set(0);
  // Half of the wait is random: many servers do not come back in the same moment.
  const auto jitter = base::Millis{random_.u32() % (backoff_.count() / 2 + 1)};
  reconnect_.start(backoff_ / 2 + jitter, [this] { connect(); });
  backoff_ = std::min(backoff_ * 2, options_.reconnectMax);
}

void BrokerClient::onHello(std::string instance) {
  const bool restarted = !instance_.empty() && instance != instance_;
  instance_ = std::move(instance);
  backoff_ = options_.reconnectMin;
  lost_.stop();
  up_ = true;
  upGauge_.set(1);
  brokersLog.info("media broker is up", {{"broker", options_.url}, {"restarted", restarted}});
  if (listener_ == nullptr) return;
  if (restarted) listener_->onBrokerLost(options_.url);
  listener_->onBrokerBack(options_.url);
}

void BrokerClient::onEvent(std::string_view text) {
  const auto json = parseJson(text);
  if (!json || !json->is_object()) return;
  const auto kind = stringAt(*json, "event").value_or("");
  const auto call = stringAt(*json, "call").value_or("");
  const auto what = stringAt(*json, "what").value_or("");
  if (kind == "hello") {
    onHello(stringAt(*json, "instance").value_or("?"));
  } else if (kind == "status") {
    load_ = static_cast<int>(std::clamp<std::int64_t>(integerAt(*json, "load").value_or(0), 0, 1000));
    draining_ = boolAt(*json, "draining").value_or(false);
    loadGauge_.set(load_);
  } else if (kind == "call" && what == "ended" && listener_ != nullptr) {
    listener_->onCallRemoved(call);
  } else if (kind == "leg" && listener_ != nullptr) {
    const auto leg = stringAt(*json, "leg").value_or("");
    const auto detail = json->find("detail");
    const bool hasDetail = detail != json->end() && detail->is_object();
    if (what == "dtmf") {  // Not as a change of the leg: what is pressed stays out of the timeline.
      const char key = hasDetail ? keyOf(*detail) : '\0';
      const auto millis =
          base::parseNumber<std::uint32_t>(hasDetail ? stringAt(*detail, "millis").value_or("") : "");
      if (key != '\0') listener_->onLegKey(call, leg, key, millis.value_or(0));
      return;
    }
    event::LegChanged change{leg, changeOf(what), base::printable(what, 40),
                             hasDetail ? dumpJson(*detail) : std::string(), 0};
    if (change.change == event::LegChange::silent && hasDetail) {
      const auto seconds = base::parseNumber<std::uint16_t>(stringAt(*detail, "seconds").value_or(""));
      change.silentMillis = std::int64_t{seconds.value_or(0)} * 1000;
    }
    listener_->onLegChanged(call, std::move(change));
  }
}

}  // namespace parley::gateway
