#include "gateway/brokers.h"

#include <algorithm>

#include "gateway/json.h"
#include "gateway/messages.h"

namespace parley::gateway {
namespace {

constexpr int kIdleSeconds = 90;

std::string legsBody() {
  const auto leg = [](Side side) { return Json{{"id", toString(side)}, {"kind", "webrtc"}}; };
  return dumpJson({{"legs", {leg(Side::consumer), leg(Side::agent)}}, {"idleSeconds", kIdleSeconds}});
}

std::string pathOf(const std::string& call, const char* what = "") { return "/v1/calls/" + call + what; }

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

void Brokers::create(const std::string& call, Done done) {
  std::vector<BrokerClient*> order;
  for (const auto& client : clients_) order.push_back(client.get());
  const auto rank = [](const BrokerClient* client) {
    return (client->up() ? 0 : 10'000) + (client->draining() ? 5'000 : 0) + client->load();
  };
  std::ranges::stable_sort(order, {}, rank);
  std::ranges::reverse(order);  // The best is taken from the back.
  tryNext(std::move(order), call, {"broker.none", "No media broker is configured."}, std::move(done));
}

void Brokers::tryNext(std::vector<BrokerClient*> rest, std::string call, base::Error worst, Done done) {
  if (rest.empty()) {
    loop_.post(guard_.wrap([done, worst] { done(std::unexpected(worst)); }));
    return;
  }
  BrokerClient* client = rest.back();
  rest.pop_back();
  client->request("PUT", pathOf(call), legsBody(),
                  [this, rest, call, worst, done, client](base::Result<std::string> result) {
                    if (result) return done(client->name());
                    // "Overloaded" says more to the caller than that another one is down.
                    const bool keep = endReasonOfBrokerError(worst.reason) == EndReason::brokerOverloaded;
                    tryNext(rest, call, keep ? worst : result.error(), done);
                  });
}

void Brokers::ask(const std::string& broker, std::string method, const std::string& path, std::string body,
                  const char* member, Done done) {
  const auto found =
      std::ranges::find_if(clients_, [&](const auto& client) { return client->name() == broker; });
  if (found == clients_.end()) {
    loop_.post(
        guard_.wrap([done] { done(base::fail("call.unknown", "The broker is not configured any more.")); }));
    return;
  }
  (*found)->request(
      std::move(method), path, std::move(body), [member, done](base::Result<std::string> result) {
        if (!result || *member == '\0') return done(std::move(result));
        const auto json = parseJson(*result);
        const auto sdp = json && json->is_object() ? stringAt(*json, member) : std::nullopt;
        if (sdp && !sdp->empty() && sdp->size() <= kMaxSdpBytes) return done(*sdp);
        done(base::fail("broker.bad_answer", "The broker's answer has no session description."));
      });
}

void Brokers::exchange(const std::string& broker, const std::string& call, const char* what, Side from,
                       const std::string& sdp, const char* member, Done done) {
  Json body = {{"from", toString(from)}, {"sdp", sdp}};
  if (*member == 'o') body["to"] = toString(otherSide(from));
  ask(broker, "POST", pathOf(call, what), dumpJson(body), member, std::move(done));
}

void Brokers::offer(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
                    Done done) {
  exchange(broker, call, "/offer", from, sdp, "offer", std::move(done));
}

void Brokers::answer(const std::string& broker, const std::string& call, Side from, const std::string& sdp,
                     Done done) {
  exchange(broker, call, "/answer", from, sdp, "answer", std::move(done));
}

void Brokers::answerLocally(const std::string& broker, const std::string& call, Side from,
                            const std::string& sdp, Done done) {
  exchange(broker, call, "/answer-locally", from, sdp, "answer", std::move(done));
}

void Brokers::remove(const std::string& broker, const std::string& call, Done done) {
  ask(broker, "DELETE", pathOf(call), "", "", std::move(done));
}

void Brokers::report(const std::string& broker, const std::string& call, Done done) {
  ask(broker, "GET", pathOf(call), "", "", std::move(done));
}

}  // namespace parley::gateway
