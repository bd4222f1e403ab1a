#include "gateway/brokers.h"

#include <algorithm>

#include "gateway/call_step.h"
#include "gateway/json.h"
#include "gateway/messages.h"

namespace parley::gateway {
namespace {

constexpr int kIdleSeconds = 90;

Json legJson(const BrokerLeg& leg, const std::string& security) {
  if (!leg.phone) return {{"id", leg.id}, {"kind", "webrtc"}};
  return {{"id", leg.id}, {"kind", "rtp"}, {"rtp", {{"security", security}}}};
}

/// What is posted, and the member of the answer that has the description; none: nothing is given.
struct Exchange {
  const char* path;
  const char* member;
  Json body;
};

Exchange exchangeOf(const BrokerRequest& r) {
  switch (r.op) {
    case BrokerOp::offer:
      return {"/offer", "offer", {{"from", r.leg}, {"to", r.other}, {"sdp", r.sdp}}};
    case BrokerOp::answer:
      return {"/answer", "answer", {{"from", r.leg}, {"sdp", r.sdp}}};
    case BrokerOp::answerLocally:
      return {"/answer-locally", "answer", {{"from", r.leg}, {"sdp", r.sdp}}};
    case BrokerOp::makeOffer: {
      Json body = {{"to", r.leg}};
      if (!r.other.empty()) body["towards"] = r.other;
      return {"/make-offer", "offer", std::move(body)};
    }
    case BrokerOp::rollback:
      return {"/rollback", "", {{r.flag ? "to" : "from", r.leg}}};
    case BrokerOp::bridge:
      return {"/bridge", "", {{"legs", {r.leg, r.other}}}};
    case BrokerOp::ringback:
      return {"/hold", "", {{"leg", r.leg}, {"held", true}, {"ringing", r.flag}}};
    default:
      return {"/hold", "", {{"leg", r.leg}, {"held", r.flag}}};
  }
}

base::Result<BrokerReply> replyOf(const base::Result<std::string>& result, const char* member,
                                  bool mayBeEmpty) {
  if (!result) return std::unexpected(result.error());
  BrokerReply reply;
  const auto json = parseJson(*result);
  const bool object = json && json->is_object();
  if (*member != '\0') {
    const auto sdp = object ? stringAt(*json, member) : std::nullopt;
    if (!sdp || (sdp->empty() && !mayBeEmpty) || sdp->size() > kMaxSdpBytes) {
      return base::fail("broker.bad_answer", "The broker's answer has no session description.");
    }
    reply.text = *sdp;
  }
  if (!object) return reply;
  reply.peerHolds = boolAt(*json, "peerHolds").value_or(false);
  const auto legs = json->find("renegotiate");
  if (legs == json->end() || !legs->is_array()) return reply;
  for (const Json& leg : *legs) {
    if (leg.is_string() && reply.renegotiate.size() < 4) reply.renegotiate.push_back(leg.get<std::string>());
  }
  return reply;
}

std::string pathOf(const std::string& call, const std::string& what = "") {
  return "/v1/calls/" + call + what;
}

}  // namespace

Brokers::Brokers(net::EventLoop& loop, base::Random& random, const std::vector<std::string>& urls,
                 const BrokerClientOptions& options)
    : loop_(loop) {
  for (const std::string& url : urls) {
    BrokerClientOptions own = options;
    own.url = url;
    clients_.push_back(std::make_unique<BrokerClient>(loop, random, std::move(own)));
  }
}

void Brokers::setListener(MediaBrokersListener* listener) {
  for (const auto& client : clients_) client->setListener(listener);
}

void Brokers::create(const std::string& call, const BrokerRequest& request, Done done) {
  Json legs = Json::array();
  for (const BrokerLeg& leg : request.legs) legs.push_back(legJson(leg, phoneSecurity_));
  std::string body = dumpJson({{"legs", std::move(legs)}, {"idleSeconds", kIdleSeconds}});
  std::vector<BrokerClient*> order;
  for (const auto& client : clients_) order.push_back(client.get());
  const auto rank = [](const BrokerClient* client) {
    return (client->up() ? 0 : 10'000) + (client->draining() ? 5'000 : 0) + client->load();
  };
  std::ranges::stable_sort(order, {}, rank);
  std::ranges::reverse(order);  // The best is taken from the back.
  tryNext(std::move(order), call, std::move(body), {"broker.none", "No media broker is configured."},
          std::move(done));
}

void Brokers::tryNext(std::vector<BrokerClient*> rest, std::string call, std::string body, base::Error worst,
                      Done done) {
  if (rest.empty()) {
    loop_.post(guard_.wrap([done, worst] { done(std::unexpected(worst)); }));
    return;
  }
  BrokerClient* client = rest.back();
  rest.pop_back();
  client->request("PUT", pathOf(call), body,
                  [this, rest, call, body, worst, done, client](base::Result<std::string> result) {
                    if (result) {
                      BrokerReply reply;
                      reply.text = client->name();
                      return done(std::move(reply));
                    }
                    // "Overloaded" says more to the caller than that another one is down.
                    const bool keep = endReasonOfBrokerError(worst.reason) == EndReason::brokerOverloaded;
                    tryNext(rest, call, body, keep ? worst : result.error(), done);
                  });
}

void Brokers::send(const std::string& broker, std::string method, const std::string& path, std::string body,
                   ReportDone done) {
  const auto found =
      std::ranges::find_if(clients_, [&](const auto& client) { return client->name() == broker; });
  if (found == clients_.end()) {
    loop_.post(
        guard_.wrap([done] { done(base::fail("call.unknown", "The broker is not configured any more.")); }));
    return;
  }
  (*found)->request(std::move(method), path, std::move(body), std::move(done));
}

void Brokers::ask(const std::string& broker, const std::string& call, const BrokerRequest& request,
                  Done done) {
  if (request.op == BrokerOp::create) return create(call, request, std::move(done));
  const auto plain = [done](base::Result<std::string> result) { done(replyOf(result, "", true)); };
  if (request.op == BrokerOp::addLeg) {
    const Json leg = request.legs.empty() ? Json::object() : legJson(request.legs.front(), phoneSecurity_);
    return send(broker, "PUT", pathOf(call, "/legs/" + request.leg), dumpJson(leg), plain);
  }
  if (request.op == BrokerOp::removeLeg) {
    return send(broker, "DELETE", pathOf(call, "/legs/" + request.leg), "", plain);
  }
  const Exchange exchange = exchangeOf(request);
  // The answer to an offer that the broker made itself is for nobody.
  const bool mayBeEmpty = request.op == BrokerOp::answer;
  send(broker, "POST", pathOf(call, exchange.path), dumpJson(exchange.body),
       [done, member = exchange.member, mayBeEmpty](base::Result<std::string> result) {
         done(replyOf(result, member, mayBeEmpty));
       });
}

void Brokers::remove(const std::string& broker, const std::string& call, ReportDone done) {
  send(broker, "DELETE", pathOf(call), "", std::move(done));
}

void Brokers::report(const std::string& broker, const std::string& call, ReportDone done) {
  send(broker, "GET", pathOf(call), "", std::move(done));
}

}  // namespace parley::gateway
