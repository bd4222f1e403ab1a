// Structured logging: one line per event, `time level component message key=value …` (logfmt), to
// stderr or a rotated file. Identity (call, leg, session) enters lines by itself through LogContext.
//
// Levels: error = someone must act; warn = something was refused or degraded; info = once per step of a
// life cycle, never per packet; debug = for developers. Never SDP keys, tokens, passwords or page text.
// Thread-safe. Writing is queued (bounded; when full the oldest lines are dropped and counted).
#pragma once
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace parley::base {

enum class LogLevel { trace, debug, info, warn, error, off };
std::string_view toString(LogLevel level);

struct LogField {
  template <class T>
  LogField(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
  std::string_view key;
  std::string value;
};

/// Adds a field to every line this thread writes while the object lives, in place of an outer one. Nests.
class LogContext {
 public:
  LogContext(std::string_view key, std::string value);
  ~LogContext();
  LogContext(const LogContext&) = delete;
  LogContext& operator=(const LogContext&) = delete;
};

/// One per component, usually a file-scope constant: `const base::Logger log{"gateway"};`
class Logger {
 public:
  explicit Logger(std::string component);
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  bool enabled(LogLevel level) const;

 private:
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const;
  std::string component_;
  std::atomic<LogLevel>* level_;
};

/// Lets one line through per period and tells how many were held back since.
class LogLimiter {
 public:
  explicit LogLimiter(Millis period) : period_(period) {}
  /// Held-back count when a line may be written now (0 on the first), nothing otherwise.
  bool allow(Instant now, std::uint64_t& heldBack);

 private:
  Millis period_;
  Instant next_{};
  std::uint64_t held_ = 0;
};

struct LogOptions {
  std::string file;  ///< Empty: stderr.
  LogLevel level = LogLevel::info;
  std::size_t rotateBytes = 50u << 20;
  std::size_t rotateFiles = 5;
};
void startLogging(const LogOptions& options);  ///< Before the first thread. Without it: stderr, info.
void flushLogging();
/// Run-time level of one component, or of all with an empty name.
void setLogLevel(std::string_view component, LogLevel level);
/// Test hook: lines go to `sink` too (nullptr ends it).
void captureLog(std::vector<std::string>* sink);

}  // namespace parley::base
