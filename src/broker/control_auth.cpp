#include "broker/control_auth.h"

#include <algorithm>
#include <string>

#include "base/log.h"
#include "base/text.h"

namespace parley::broker {
namespace {
const base::Logger controlLogger{"control"};
}

std::optional<net::HttpResponse> ControlAuth::check(const net::HttpRequest& request, base::Instant now) {
  const net::Endpoint address = request.remote.network();
  const auto at = failures_.find(address);
  if (at != failures_.end() && at->second.count >= kMaxFailures && now - at->second.since < kWindow) {
    auto response = net::HttpResponse::error(429, "control.too_many_failures",
                                             "too many wrong passwords from this address; wait a minute");
    const auto left = std::chrono::ceil<std::chrono::seconds>(kWindow - (now - at->second.since));
    response.headers.set("Retry-After", std::to_string(left.count()));
    return response;
  }
  if (allowed(request.headers.get("Authorization"))) return std::nullopt;
  countFailure(address, now);
  controlLogger.warn("control request refused",
                     {{"remote", request.remote.toString()}, {"reason", "control.unauthorized"}});
  auto response =
      net::HttpResponse::error(401, "control.unauthorized", "user parley and the control secret are wanted");
  response.headers.set("WWW-Authenticate", "Basic realm=\"parley-media\", charset=\"UTF-8\"");
  return response;
}

bool ControlAuth::allowed(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() < kScheme.size() ||
      !base::equalsIgnoreCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return false;
  }
  const auto given = base::base64Decode(base::trim(authorization.substr(kScheme.size())));
  if (!given) return false;
  const base::Secret wanted(std::string(kUser) + ":" + secret_.reveal());
  return base::equalsConstantTime(*given, base::asBytes(wanted.reveal()));
}

void ControlAuth::countFailure(const net::Endpoint& address, base::Instant now) {
  if (!failures_.contains(address) && failures_.size() >= kMaxAddresses) {
    std::erase_if(failures_, [&](const auto& each) { return now - each.second.since >= kWindow; });
    if (failures_.size() >= kMaxAddresses) {
      failures_.erase(
          std::ranges::min_element(failures_, {}, [](const auto& each) { return each.second.since; }));
    }
  }
  Failures& failures = failures_[address];
  if (failures.count == 0 || now - failures.since >= kWindow) failures = {0, now};
  ++failures.count;
}

}  // namespace parley::broker
