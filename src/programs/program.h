// What every program does around its own work: command line, settings, log, signals, service manager.
#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "base/settings.h"
#include "net/event_loop.h"
#include "programs/settings_source.h"

namespace parley::programs {

/// Exit status for a wrong command line or wrong settings.
constexpr int kWrongUse = 2;
constexpr int kFailed = 1;

/// What a program's own part is given; lives until it returns.
struct Start {
  base::Settings& settings;
  SettingsSource& source;
  std::string stateDirectory;
};

struct Program {
  std::string name;         ///< "parley-media"
  std::string description;  ///< One line for --help.
  std::string version;
  std::string stateSetting;  ///< "media.state_directory"
  SettingsSource::Declare declareSettings;
  std::function<int(Start&)> run;  ///< Returns the exit status.
};

/// The whole of main(). Errors of the command line and of settings go to standard error, one line each,
/// before any log is there.
int runProgram(int argc, const char* const* argv, const Program& program);

/// Command line, else the setting, else the service manager's $STATE_DIRECTORY, else /var/lib/parley.
std::string stateDirectory(const base::Settings& settings, const std::string& setting,
                           const std::string& commandLine);

/// A program that is ready to serve.
struct Service {
  std::string ready;                         ///< One line for the log and the service manager.
  std::function<bool()> draining;            ///< Whether it was told to end.
  std::function<void()> drain;               ///< The first SIGTERM or SIGINT.
  std::function<void()> stop;                ///< Every further one.
  std::function<bool()> isAlive;             ///< For the service manager's watchdog.
  std::function<base::Millis()> drainLimit;  ///< How long draining may take.
};
/// Runs the loop until it is stopped. SIGHUP reads the settings file again: what may change at run time does,
/// what is wrong is logged and changes nothing. Once per process.
void serve(net::EventLoop& loop, Start& start, const Service& service);

/// Logs why a program cannot start; its exit status.
int cannotStart(const base::Error& error);

}  // namespace parley::programs
