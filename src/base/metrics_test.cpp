#include "base/metrics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <thread>

namespace parley::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Metrics& metrics() { return Metrics::instance(); }

TEST(Metrics, TheSameNameAndLabelsAreOneMetric) {
  const Counter a = metrics().counter("parley_test_same_total", "Help.", {{"reason", "x"}});
  const Counter b = metrics().counter("parley_test_same_total", "Help.", {{"reason", "x"}});
  const Counter c = metrics().counter("parley_test_same_total", "Help.", {{"reason", "y"}});
  a.add(2);
  b.add();
  EXPECT_EQ(a.value(), 3u);
  EXPECT_EQ(c.value(), 0u);
  const std::string text = metrics().expose();
  EXPECT_THAT(text,
              HasSubstr("# HELP parley_test_same_total Help.\n# TYPE parley_test_same_total counter\n"
                        "parley_test_same_total{reason=\"x\"} 3\nparley_test_same_total{reason=\"y\"} 0\n"));
}

TEST(Metrics, GaugesGoDown) {
  const Gauge gauge = metrics().gauge("parley_test_level", "Help.");
  gauge.set(5);
  gauge.add(-7);
  EXPECT_EQ(gauge.value(), -2);
  EXPECT_THAT(metrics().expose(), HasSubstr("# TYPE parley_test_level gauge\nparley_test_level -2\n"));
}

TEST(Metrics, HistogramBucketsAreCumulative) {
  const Histogram histogram = metrics().histogram("parley_test_wait_seconds", "Help.", {{"leg", "a"}});
  histogram.observe(0.001);  // On the bound: belongs below it.
  histogram.observe(0.2);
  histogram.observe(1000);
  const std::string text = metrics().expose();
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_bucket{leg=\"a\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_bucket{leg=\"a\",le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_bucket{leg=\"a\",le=\"0.25\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_bucket{leg=\"a\",le=\"60\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_bucket{leg=\"a\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_sum{leg=\"a\"} 1000.201\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_wait_seconds_count{leg=\"a\"} 3\n"));
}

TEST(Metrics, HistogramTakesAnyNumber) {
  const Histogram histogram = metrics().histogram("parley_test_odd_seconds", "Help.");
  histogram.observe(-1);
  histogram.observe(std::numeric_limits<double>::quiet_NaN());
  histogram.observe(std::numeric_limits<double>::infinity());
  const std::string text = metrics().expose();
  EXPECT_THAT(text, HasSubstr("parley_test_odd_seconds_bucket{le=\"0.001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_odd_seconds_count 3\n"));
}

TEST(Metrics, LabelsAndHelpAreEscaped) {
  metrics().counter("parley_test_escape_total", "a\\b\nc", {{"v", "x\"} 1\nforged 1\\"}});
  const std::string text = metrics().expose();
  EXPECT_THAT(text, HasSubstr("# HELP parley_test_escape_total a\\\\b\\nc\n"));
  EXPECT_THAT(text, HasSubstr("parley_test_escape_total{v=\"x\\\"} 1\\nforged 1\\\\\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nforged")));
}

TEST(Metrics, ThreadsCountTogether) {
  const Counter counter = metrics().counter("parley_test_threads_total", "Help.");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      const Counter mine = Metrics::instance().counter("parley_test_threads_total", "Help.");
      for (int j = 0; j < 1000; ++j) mine.add();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 4000u);
}

TEST(MetricsDeathTest, OneNameIsOneKind) {
  metrics().counter("parley_test_kind_total", "Help.");
  EXPECT_DEATH(metrics().gauge("parley_test_kind_total", "Help."), "check failed");
}

// In a child process, since it fills the table for good.
TEST(MetricsDeathTest, ATableThatIsFullRefusesAndCounts) {
  const auto fill = [] {
    const Counter refused = metrics().counter("parley_metrics_refused_total", "");
    const Counter known = metrics().counter("parley_test_full_total", "Help.", {{"n", "first"}});
    for (std::size_t i = 0; i < Metrics::kMaxSeries; ++i) {
      metrics().counter("parley_test_full_total", "Help.", {{"n", std::to_string(i)}});
    }
    const auto before = refused.value();
    if (before == 0) std::exit(1);
    metrics().counter("parley_test_other_total", "Help.").add();
    metrics().gauge("parley_test_other", "Help.").add(1);
    metrics().histogram("parley_test_other_seconds", "Help.").observe(1);
    if (refused.value() != before + 3) std::exit(2);
    if (metrics().expose().find("parley_test_other") != std::string::npos) std::exit(3);
    known.add();
    if (metrics().counter("parley_test_full_total", "Help.", {{"n", "first"}}).value() != 1) std::exit(4);
    std::exit(0);
  };
  EXPECT_EXIT(fill(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace parley::base
