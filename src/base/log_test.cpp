#include "base/log.h"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/check.h"

namespace parley::base {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

class LogTest : public ::testing::Test {
 protected:
  LogTest() { captureLog(&lines_); }
  ~LogTest() override {
    captureLog(nullptr);
    setLogLevel("", LogLevel::info);
  }
  /// The line without time.
  std::string last() const { return lines_.empty() ? "" : lines_.back().substr(lines_.back().find(' ') + 1); }

  std::vector<std::string> lines_;
  Logger log_{"test"};
};

TEST_F(LogTest, OneLinePerEvent) {
  log_.info("call answered", {{"call", "c1"}, {"ms", 12}, {"ok", true}});
  ASSERT_THAT(lines_, SizeIs(1));
  EXPECT_THAT(lines_[0], MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z info test call answered "
                                      "call=c1 ms=12 ok=true"));
}

TEST_F(LogTest, HostileValuesCannotForge) {
  log_.warn("refused", {{"name", "x\n2026-01-01T00:00:00.000Z error test all is lost"}});
  EXPECT_EQ(last(), "warn test refused name=\"x\\n2026-01-01T00:00:00.000Z error test all is lost\"");
  log_.warn("refused", {{"name", "x user=admin"}});
  EXPECT_EQ(last(), "warn test refused name=\"x user=admin\"");
  log_.warn("refused", {{"name", "x\" user=\"admin"}});
  EXPECT_EQ(last(), "warn test refused name=\"x\\\" user=\\\"admin\"");
  log_.warn("refused", {{"name", "\x1b[2J\xff\r"}});
  EXPECT_EQ(last(), "warn test refused name=\"\\x1b[2J\\xff\\r\"");
  log_.warn("refused", {{"name", ""}});
  EXPECT_EQ(last(), "warn test refused name=\"\"");
  log_.warn("refused", {{"a b=c\n", "v"}});
  EXPECT_EQ(last(), "warn test refused a_b_c_=v");
}

TEST_F(LogTest, AMessageCannotPassForAField) {
  log_.info("x user=admin", {{"user", "guest"}});
  EXPECT_EQ(last(), "info test \"x user=admin\" user=guest");
  log_.info("two\nlines");
  EXPECT_EQ(last(), "info test \"two\\nlines\"");
}

TEST_F(LogTest, LongValuesAreCut) {
  log_.info("x", {{"v", std::string(100'000, 'a')}});
  EXPECT_LT(lines_.back().size(), 2200u);
  EXPECT_THAT(lines_.back(), EndsWith("a..."));
}

TEST_F(LogTest, ContextNestsAndIsRestored) {
  {
    const LogContext outer("call", "c1");
    {
      const LogContext inner("leg", "a b");
      log_.info("x", {{"n", 1}});
      EXPECT_EQ(last(), "info test x call=c1 leg=\"a b\" n=1");
    }
    log_.info("x");
    EXPECT_EQ(last(), "info test x call=c1");
    std::thread([this] { log_.info("x"); }).join();
    EXPECT_EQ(last(), "info test x") << "the context is one thread's";
  }
  log_.info("x");
  EXPECT_EQ(last(), "info test x");
}

TEST_F(LogTest, AKeyIsInALineOnce) {
  const LogContext outer("call", "c1");
  const LogContext leg("leg", "a");
  {
    const LogContext inner("call", "c2");
    log_.info("x", {{"n", 1}});
    EXPECT_EQ(last(), "info test x leg=a call=c2 n=1") << "the innermost";
    log_.info("x", {{"call", "c3"}, {"n", 1}});
    EXPECT_EQ(last(), "info test x leg=a call=c3 n=1") << "the record's own";
    log_.info("x", {{"n", 1}, {"n", 2}, {"calls", 0}});
    EXPECT_EQ(last(), "info test x leg=a call=c2 n=2 calls=0") << "the last; another key is another";
  }
  log_.info("x");
  EXPECT_EQ(last(), "info test x call=c1 leg=a") << "the outer one is there again";
}

TEST_F(LogTest, LevelsByComponent) {
  const Logger other("test-other");
  EXPECT_FALSE(log_.enabled(LogLevel::debug));
  setLogLevel("test", LogLevel::debug);
  EXPECT_TRUE(log_.enabled(LogLevel::debug));
  EXPECT_TRUE(Logger("test").enabled(LogLevel::debug)) << "a component is one, whoever names it";
  EXPECT_FALSE(other.enabled(LogLevel::debug));
  other.debug("x");
  EXPECT_THAT(lines_, SizeIs(0));
  setLogLevel("", LogLevel::off);
  log_.error("x");
  other.error("x");
  EXPECT_THAT(lines_, SizeIs(0));
  setLogLevel("test-later", LogLevel::trace);
  EXPECT_TRUE(Logger("test-later").enabled(LogLevel::trace)) << "may be set before its first logger";
}

TEST_F(LogTest, EveryLevelHasAName) {
  EXPECT_EQ(toString(LogLevel::trace), "trace");
  EXPECT_EQ(toString(LogLevel::debug), "debug");
  EXPECT_EQ(toString(LogLevel::info), "info");
  EXPECT_EQ(toString(LogLevel::warn), "warn");
  EXPECT_EQ(toString(LogLevel::error), "error");
  EXPECT_EQ(toString(LogLevel::off), "off");
}

TEST(LogLimiter, LetsOneThroughPerPeriodAndCounts) {
  LogLimiter limiter(1000ms);
  Instant now{5s};
  std::uint64_t held = 99;
  EXPECT_TRUE(limiter.allow(now, held));
  EXPECT_EQ(held, 0u);
  EXPECT_FALSE(limiter.allow(now, held));
  EXPECT_FALSE(limiter.allow(now + 999ms, held));
  EXPECT_TRUE(limiter.allow(now + 1000ms, held));
  EXPECT_EQ(held, 2u);
  EXPECT_FALSE(limiter.allow(now + 1999ms, held));
  EXPECT_TRUE(limiter.allow(now + 5000ms, held));
  EXPECT_EQ(held, 1u);
}

class LogFileTest : public LogTest {
 protected:
  LogFileTest() {
    folder_ = std::filesystem::path(::testing::TempDir()) / ("parley_log_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    file_ = (folder_ / "server.log").string();
  }
  ~LogFileTest() override {
    if (started_) startLogging({});
    std::filesystem::remove_all(folder_);
  }
  static std::vector<std::string> linesOf(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  std::filesystem::path folder_;
  std::string file_;
  bool started_ = true;
};

TEST_F(LogFileTest, FlushWritesWhatIsQueuedInOrder) {
  startLogging({.file = file_});
  for (int i = 0; i < 1000; ++i) log_.info("x", {{"n", i}});
  flushLogging();
  const auto written = linesOf(file_);
  EXPECT_EQ(written, lines_);
}

TEST_F(LogFileTest, RotatesAndKeepsSoManyFiles) {
  startLogging({.file = file_, .rotateBytes = 2000, .rotateFiles = 2});
  for (int i = 0; i < 500; ++i) log_.info("a line of some length", {{"n", i}});
  flushLogging();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    ++files;
    EXPECT_LE(entry.file_size(), 2000u);
  }
  EXPECT_EQ(files, 3u);
  EXPECT_THAT(linesOf(file_).back(), EndsWith("n=499"));
}

TEST_F(LogFileTest, AFileThatCannotBeOpenedFallsBackAndSaysSo) {
  ::testing::internal::CaptureStderr();
  startLogging({.file = (folder_ / "server.log" / "x").string().replace(0, 0, "/proc")});
  log_.info("still here");
  flushLogging();
  const std::string shown = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(shown, HasSubstr("error log log file cannot be opened, logging to stderr file=/proc"));
  EXPECT_THAT(shown, HasSubstr("info test still here\n"));
}

TEST_F(LogFileTest, ThreadsDoNotMixLines) {
  startLogging({.file = file_});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      const LogContext context("thread", std::to_string(t));
      for (int i = 0; i < 500; ++i) log_.info("x", {{"n", i}});
    });
  }
  for (auto& thread : threads) thread.join();
  flushLogging();
  const auto written = linesOf(file_);
  EXPECT_THAT(written, SizeIs(2000));
  for (const auto& line : written) EXPECT_THAT(line, MatchesRegex(".*Z info test x thread=[0-3] n=[0-9]+"));
}

// A pipe that nobody reads stands for a blocked terminal: the writer hangs, loggers do not.
TEST_F(LogFileTest, AFullQueueDropsTheOldestAndCounts) {
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  ::fcntl(reader, F_SETPIPE_SZ, 4096);
  ::fcntl(reader, F_SETFL, 0);
  captureLog(nullptr);
  startLogging({.file = pipe});
  constexpr int kLines = 20'000;
  for (int i = 0; i < kLines; ++i) log_.info("x", {{"n", i}});
  // Now someone reads, to the end marker.
  log_.info("end");
  std::string all;
  std::array<char, 65536> part;
  while (all.find("test end\n") == std::string::npos) {
    const auto got = ::read(reader, part.data(), part.size());
    ASSERT_GT(got, 0);
    all.append(part.data(), static_cast<std::size_t>(got));
  }
  startLogging({});
  ::close(reader);
  EXPECT_THAT(all, HasSubstr("warn log log lines dropped, writing is too slow count="));
  EXPECT_THAT(all, HasSubstr("n=19999\n"));
  const auto written = std::ranges::count(all, '\n');
  EXPECT_LT(written, kLines);
  EXPECT_GT(written, 8000);
}

// Forks, so it must run before there is a writer thread in this process.
using LogFileDeathTest = LogFileTest;
TEST_F(LogFileDeathTest, WhatIsQueuedIsWrittenWhenACheckFails) {
  started_ = false;
  const auto die = [this] {
    startLogging({.file = file_});
    for (int i = 0; i < 100; ++i) log_.info("before the end", {{"n", i}});
    PARLEY_CHECK(lines_.empty());
  };
  EXPECT_DEATH(die(), "check failed");
  ASSERT_THAT(linesOf(file_), SizeIs(100));
}

}  // namespace
}  // namespace parley::base
