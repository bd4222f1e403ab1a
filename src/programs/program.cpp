#include "programs/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/log_settings.h"
#include "base/service_notify.h"
#include "base/text.h"

namespace parley::programs {
namespace {

const base::Logger logger{"program"};

struct Arguments {
  std::string config, state, print;
  std::vector<std::string> set;
};

/// Nothing when the program shall run, else its exit status.
std::optional<int> parse(int argc, const char* const* argv, const Program& program, Arguments& arguments) {
  CLI::App app(program.description, program.name);
  app.add_option("--config", arguments.config, "Settings file (TOML); SIGHUP reads it again")
      ->check(CLI::ExistingFile);
  app.add_option("--set", arguments.set, "One setting, name=value; repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--state", arguments.state, "State folder: certificates and secrets");
  app.add_option("--print-settings", arguments.print, "Print all settings and end: md or toml")
      ->check(CLI::IsMember({"md", "toml"}));
  app.set_version_flag("--version", program.version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUse;
  }
  return std::nullopt;
}

void applyLogLevel(const base::Settings& settings) {
  base::setLogLevel("", base::logOptions(settings).level);
}

void reload(Start& start) {
  if (start.source.file().empty()) {
    return logger.info("SIGHUP: there is no settings file to read again (--config)");
  }
  const auto result = start.source.reload(start.settings);
  for (const auto& problem : result.problems) {
    logger.error("settings not changed", {{"reason", "settings.wrong"}, {"problem", problem.format()}});
  }
  for (const auto& name : result.needRestart) logger.warn("setting needs a restart", {{"setting", name}});
  for (const auto& name : result.changed) logger.info("setting changed", {{"setting", name}});
  if (result.problems.empty()) {
    logger.info("settings read again", {{"file", start.source.file()},
                                        {"changed", result.changed.size()},
                                        {"need_restart", result.needRestart.size()}});
  }
}

}  // namespace

std::string stateDirectory(const base::Settings& settings, const std::string& setting,
                           const std::string& commandLine) {
  if (!commandLine.empty()) return commandLine;
  if (std::string set = settings.text(setting); !set.empty()) return set;
  const std::string fromManager = base::environment("STATE_DIRECTORY");
  if (fromManager.empty()) return "/var/lib/parley";
  return std::string(base::split(fromManager, ':').front());
}

int runProgram(int argc, const char* const* argv, const Program& program) {
  Arguments arguments;
  if (const auto over = parse(argc, argv, program, arguments)) return *over;

  base::Settings settings;
  program.declareSettings(settings);
  if (!arguments.print.empty()) {
    const std::string text =
        arguments.print == "md" ? settings.referenceMarkdown(program.name) : settings.sampleToml();
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  SettingsSource source(program.declareSettings, arguments.config, arguments.set);
  const auto problems = source.load(settings);
  for (const auto& problem : problems) std::fprintf(stderr, "%s\n", problem.format().c_str());
  if (!problems.empty()) return kWrongUse;

  base::startLogging(base::logOptions(settings));
  settings.onChange("log.level", [&settings] { applyLogLevel(settings); });
  Start start{settings, source, stateDirectory(settings, program.stateSetting, arguments.state)};
  const int result = program.run(start);
  base::flushLogging();
  return result;
}

int cannotStart(const base::Error& error) {
  logger.error("cannot start", {{"reason", error.reason}, {"text", error.text}});
  return kFailed;
}

void serve(net::EventLoop& loop, Start& start, const Service& service) {
  const base::ServiceNotifier notifier;
  net::onTerminationSignals(loop, [&](int) {
    constexpr base::Millis kClosing{30'000};  // Peers are told, threads end.
    notifier.stopping("draining", service.drainLimit() + kClosing);
    if (service.draining()) return service.stop();  // The second signal.
    service.drain();
  });
  net::onHangUp(loop, [&start] { reload(start); });
  net::Timer watchdog(loop);
  if (notifier.aliveEvery() > base::Millis{0}) {
    watchdog.startEvery(notifier.aliveEvery(), [&] {
      if (service.isAlive()) notifier.alive();
    });
  }
  logger.info(service.ready);
  notifier.ready(service.ready);
  loop.run();
  logger.info("ended");
}

}  // namespace parley::programs
