#include "programs/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/log_settings.h"

namespace parley::programs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

void declareTest(base::Settings& settings) {
  base::declareLogSettings(settings, "Test");
  settings.declare({.name = "test.state_directory", .fallback = std::string(), .sentence = "Folder."});
  settings.declare({.name = "test.calls",
                    .type = base::SettingType::integer,
                    .fallback = std::int64_t{5},
                    .sentence = "Calls.",
                    .min = 1,
                    .max = 100});
  settings.declare({.name = "test.port",
                    .type = base::SettingType::integer,
                    .fallback = std::int64_t{80},
                    .sentence = "Port.",
                    .needsRestart = true});
}

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-program-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    file_ = directory_ / "test.toml";
    declareTest(settings_);
    program_.run = [this](Start& start) {
      ++runs_;
      ran_ = start.stateDirectory + " " + std::to_string(start.settings.integer("test.calls"));
      return 7;
    };
  }
  void TearDown() override {
    std::filesystem::remove_all(directory_);
    base::startLogging({});
  }
  void write(const std::string& text) { std::ofstream(file_) << text; }
  int main(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "parley-test");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int status = runProgram(static_cast<int>(arguments.size()), arguments.data(), program_);
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  std::filesystem::path directory_;
  std::string file_;
  base::Settings settings_;
  Program program_{"parley-test", "A test", "1.2.3", "test.state_directory", declareTest, {}};
  int runs_ = 0;
  std::string ran_, out_, error_;
};

TEST_F(ProgramTest, RunsWithTheFileUnderTheCommandLine) {
  write("[test]\ncalls = 6\nstate_directory = \"/srv/test\"\n");
  EXPECT_EQ(main({"--config", file_.c_str()}), 7);
  EXPECT_EQ(ran_, "/srv/test 6");
  EXPECT_EQ(main({"--config", file_.c_str(), "--set", "test.calls=8", "--state", "/tmp/s"}), 7);
  EXPECT_EQ(ran_, "/tmp/s 8");
}

TEST_F(ProgramTest, TellsAllThatIsWrongAndDoesNotRun) {
  write("[test]\ncals = 6\n");
  EXPECT_EQ(main({"--config", file_.c_str(), "--set", "test.calls", "--set", "test.port=x"}), kWrongUse);
  EXPECT_THAT(error_, HasSubstr(file_ + ":2: test.cals: unknown setting; did you mean test.calls?\n"));
  EXPECT_THAT(error_, HasSubstr("--set test.calls: name=value is wanted\n"));
  EXPECT_THAT(error_, HasSubstr("test.port: must be an integer"));
  EXPECT_EQ(main({"--nonsense"}), kWrongUse);
  EXPECT_EQ(main({"--config", "/does/not/exist"}), kWrongUse);
  EXPECT_EQ(main({"--print-settings", "xml"}), kWrongUse);
  EXPECT_EQ(runs_, 0);
}

TEST_F(ProgramTest, PrintsItsVersionAndItsSettings) {
  EXPECT_EQ(main({"--version"}), 0);
  EXPECT_EQ(out_, "1.2.3\n");
  EXPECT_EQ(main({"--print-settings", "md"}), 0);
  EXPECT_THAT(out_, HasSubstr("`test.calls`"));
  EXPECT_EQ(main({"--print-settings", "toml"}), 0);
  EXPECT_THAT(out_, HasSubstr("[test]"));
  EXPECT_EQ(main({"--help"}), 0);
  EXPECT_THAT(out_, StartsWith("A test"));
  EXPECT_EQ(runs_, 0);
}

TEST_F(ProgramTest, TheStateFolderComesFromTheFirstWhoNamesIt) {
  const std::string name = "test.state_directory";
  ::unsetenv("STATE_DIRECTORY");
  EXPECT_EQ(stateDirectory(settings_, name, ""), "/var/lib/parley");
  ::setenv("STATE_DIRECTORY", "/run/a:/run/b", 1);
  EXPECT_EQ(stateDirectory(settings_, name, ""), "/run/a");
  EXPECT_FALSE(settings_.setText(name, "/srv/parley"));
  EXPECT_EQ(stateDirectory(settings_, name, ""), "/srv/parley");
  EXPECT_EQ(stateDirectory(settings_, name, "/tmp/x"), "/tmp/x");
  ::unsetenv("STATE_DIRECTORY");
}

TEST_F(ProgramTest, AFileReadAgainChangesWhatMayChange) {
  write("[test]\ncalls = 6\n[log]\nlevel = \"warn\"\n");
  SettingsSource source(declareTest, file_, {"test.state_directory=/a"});
  ASSERT_THAT(source.load(settings_), IsEmpty());
  int changes = 0;
  settings_.onChange("", [&] { ++changes; });
  auto same = source.reload(settings_);
  EXPECT_THAT(same.changed, IsEmpty());
  EXPECT_EQ(changes, 0);

  write("[test]\ncalls = 9\nport = 81\nstate_directory = \"/b\"\n");
  for (int i = 0; i < 2; ++i) {
    const auto result = source.reload(settings_);
    EXPECT_THAT(result.problems, IsEmpty());
    // The level went back to its default; the command line is above the file.
    const std::vector<std::string> changed{"log.level", "test.calls"};
    EXPECT_EQ(result.changed, i == 0 ? changed : std::vector<std::string>{});
    EXPECT_THAT(result.needRestart, ElementsAre("test.port")) << "until it is restarted";
  }
  EXPECT_EQ(settings_.integer("test.calls"), 9);
  EXPECT_EQ(settings_.text("log.level"), "info");
  EXPECT_EQ(settings_.integer("test.port"), 80);
  EXPECT_EQ(settings_.text("test.state_directory"), "/a");
  EXPECT_EQ(changes, 2);
}

TEST_F(ProgramTest, AWrongFileChangesNothing) {
  write("[test]\ncalls = 6\n");
  SettingsSource source(declareTest, file_, {});
  ASSERT_THAT(source.load(settings_), IsEmpty());
  write("[test]\ncalls = 9\nport = \"x\"\n");
  const auto result = source.reload(settings_);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_THAT(result.problems[0].format(), StartsWith(file_ + ":3: test.port"));
  EXPECT_THAT(result.changed, IsEmpty());
  EXPECT_EQ(settings_.integer("test.calls"), 6);
  std::filesystem::remove(file_);
  EXPECT_EQ(source.reload(settings_).problems.size(), 1u);
  EXPECT_EQ(settings_.integer("test.calls"), 6);
}

TEST_F(ProgramTest, WhatOthersChangedMeanwhileStays) {
  write("");
  SettingsSource source(declareTest, file_, {});
  ASSERT_THAT(source.load(settings_), IsEmpty());
  EXPECT_FALSE(settings_.setText("test.calls", "42"));
  write("[log]\nlevel = \"debug\"\n");
  EXPECT_THAT(source.reload(settings_).changed, ElementsAre("log.level"));
  EXPECT_EQ(settings_.integer("test.calls"), 42);
}

TEST_F(ProgramTest, AHangUpReadsTheFileAgainAndATerminationEnds) {
  write("[test]\ncalls = 6\n");
  std::vector<std::string> lines, told;
  program_.run = [&](Start& start) {
    net::EventLoop loop("test");
    bool draining = false;
    start.settings.onChange("test.calls", [&] {
      told.push_back("calls " + std::to_string(start.settings.integer("test.calls")));
      ::raise(SIGTERM);
    });
    loop.post([&] {
      base::captureLog(&lines);
      write("[test]\ncalls = 7\nport = 81\n");
      ::raise(SIGHUP);
    });
    serve(loop, start,
          {.ready = "ready",
           .draining = [&] { return draining; },
           .drain =
               [&] {
                 told.emplace_back("drain");
                 draining = true;
                 ::raise(SIGINT);
               },
           .stop =
               [&] {
                 told.emplace_back("stop");
                 loop.stop();
               },
           .isAlive = [] { return true; },
           .drainLimit = [] { return base::Millis{5'000}; }});
    base::captureLog(nullptr);
    return 0;
  };
  EXPECT_EQ(main({"--config", file_.c_str()}), 0);
  EXPECT_THAT(told, ElementsAre("calls 7", "drain", "stop"));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("setting needs a restart setting=test.port")));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("settings read again")));
}

}  // namespace
}  // namespace parley::programs
