#include "broker/control_auth.h"

#include <gtest/gtest.h>

namespace parley::broker {
namespace {

using namespace std::chrono_literals;

net::HttpRequest from(const net::Endpoint& address, const std::string& authorization) {
  net::HttpRequest request;
  request.remote = address;
  request.headers.set("Authorization", authorization);
  return request;
}
net::Endpoint address(std::uint32_t number, std::uint16_t port = 1) {
  return *net::Endpoint::parse("10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256),
                               port);
}
int statusOfAnswer(const std::optional<net::HttpResponse>& answer) { return answer ? answer->status : 200; }

const base::Instant kStart = base::Instant{} + 1h;
const char* const kRight = "Basic cGFybGV5OnNlY3JldA==";  // parley:secret
const char* const kWrong = "Basic cGFybGV5OnNlY3JldB==";

TEST(ControlAuth, LetsTheRightSecretIn) {
  ControlAuth auth(base::Secret("secret"));
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), kRight), kStart)), 200);
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), "basic  cGFybGV5OnNlY3JldA=="), kStart)), 200);
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), kWrong), kStart)), 401);
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), "Basic cGFybGV5OnNlY3JldHM="), kStart)),
            401);  // secrets
}

TEST(ControlAuth, FailuresAreCountedPerAddressNotPerPortAndForgottenAfterAWhile) {
  ControlAuth auth(base::Secret("secret"));
  for (std::uint16_t i = 0; i < ControlAuth::kMaxFailures; ++i) {
    EXPECT_EQ(statusOfAnswer(auth.check(from(address(1, i), kWrong), kStart + i * 1s)), 401);
  }
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), kRight), kStart + 59s)), 429);
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(2), kRight), kStart + 59s)), 200);
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), kRight), kStart + 60s)), 200);
  EXPECT_EQ(statusOfAnswer(auth.check(from(address(1), kWrong), kStart + 61s)), 401);
}

TEST(ControlAuth, CountsANetworkOfIpv6AsOne) {
  ControlAuth auth{base::Secret("secret")};
  const auto in = [](const std::string& text) { return *net::Endpoint::parse(text, 1); };
  for (unsigned i = 0; i < ControlAuth::kMaxFailures; ++i) {
    const auto address = in("2001:db8:0:1::" + std::to_string(i));
    EXPECT_EQ(statusOfAnswer(auth.check(from(address, kWrong), kStart)), 401);
  }
  EXPECT_EQ(statusOfAnswer(auth.check(from(in("2001:db8:0:1::ff"), kRight), kStart)), 429);
  EXPECT_EQ(statusOfAnswer(auth.check(from(in("2001:db8:0:2::1"), kRight), kStart)), 200);
}

TEST(ControlAuth, RemembersABoundedNumberOfAddresses) {
  ControlAuth auth(base::Secret("secret"));
  for (std::uint32_t i = 0; i < 2 * ControlAuth::kMaxAddresses; ++i) {
    auth.check(from(address(i), kWrong), kStart + std::chrono::milliseconds{i});
  }
  EXPECT_EQ(auth.addresses(), ControlAuth::kMaxAddresses);
}

}  // namespace
}  // namespace parley::broker
