// A worker with several addresses: each has a socket of its own, on the same port.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/test_fake_browser.h"
#include "broker/test_patience.h"
#include "broker/worker.h"

namespace parley::broker {
namespace {

class WorkerAddressesTest : public testing::Test {
 protected:
  WorkerAddressesTest() {
    WorkerOptions options;
    for (const char* address : {"127.0.0.1", "127.0.0.2", "127.0.0.3"})
      options.bind.push_back(*net::Endpoint::parse(address, 0));
    options.advertised = options.bind;
    options.certificate = *rtc::DtlsCertificate::generate();
    auto opened = Worker::open(loop_, std::move(options), [](const WorkerEvent&) {});
    EXPECT_TRUE(opened) << opened.error().text;
    worker_ = std::move(*opened);
  }
  bool run(const std::function<bool()>& done) { return loop_.runUntil(done, kPatience); }
  /// To the same port at another address of the broker.
  static void reachAt(FakeBrowser& browser, const std::string& address) {
    browser.target = *net::Endpoint::parse(address, browser.target.port());
  }
  void expectPasses(FakeBrowser& from, FakeBrowser& to, const std::string& payload) {
    const std::size_t before = to.received.size();
    from.sendRtp(FakeBrowser::kOpus, payload);
    ASSERT_TRUE(run([&] { return to.received.size() > before; })) << payload;
    EXPECT_EQ(base::asText(to.received.back().payload), payload);
  }

  net::EventLoop loop_{"test"};
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerAddressesTest, MediaGoesInByOneAddressAndOutByAnother) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  CallSpec spec;
  spec.id = "c1";
  spec.legs = {{"consumer"}, {"agent"}};
  ASSERT_TRUE(worker_->create(std::move(spec)));
  const auto offer = worker_->offer("c1", "consumer", consumer.offer(), "agent");
  ASSERT_TRUE(offer);
  const auto answer = worker_->answer("c1", "agent", agent.answer(*offer));
  ASSERT_TRUE(answer);
  EXPECT_EQ(sdpValue(*offer, "c=IN IP4 "), "127.0.0.1");
  consumer.apply(*answer);
  reachAt(consumer, "127.0.0.2");
  reachAt(agent, "127.0.0.3");
  consumer.connect();
  agent.connect();
  ASSERT_TRUE(run([&] {
    const auto report = worker_->report("c1");
    return consumer.connected() && agent.connected() &&
           std::ranges::all_of(report->legs,
                               [](const LegReport& leg) { return leg.dtls == rtc::DtlsState::connected; });
  }));
  for (int i = 0; i < 3; ++i) {
    expectPasses(consumer, agent, "hello agent");
    expectPasses(agent, consumer, "hello consumer");
  }
  EXPECT_EQ(consumer.answeredFrom.address(), "127.0.0.2");
  EXPECT_EQ(agent.answeredFrom.address(), "127.0.0.3");

  // The same peer may move to another address of ours.
  reachAt(consumer, "127.0.0.1");
  consumer.check();
  ASSERT_TRUE(run([&] { return worker_->report("c1")->legs[0].local == consumer.target.toString(); }));
  expectPasses(agent, consumer, "to the other address");
  expectPasses(consumer, agent, "from the other address");
}

}  // namespace
}  // namespace parley::broker
