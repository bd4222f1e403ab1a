#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "base/metrics.h"
#include "base/text.h"

namespace parley::base {
namespace {

constexpr std::size_t kMaxQueuedLines = 8192;
constexpr std::size_t kMaxValueBytes = 2048;
constexpr std::size_t kMaxComponents = 256;
constexpr auto kFlushPatience = 2s;  // A blocked terminal or disk must not hold up the end of the process.

struct ContextField {
  std::string key;
  std::string value;
};
thread_local std::vector<ContextField> threadContext;
std::atomic<bool> queueStarted{false};

/// What all loggers share. Until startLogging() each line is written at once by its own thread.
class Core {
 public:
  std::atomic<LogLevel>* levelOf(std::string_view component);
  void setLevel(std::string_view component, LogLevel level);
  void start(const LogOptions& options);
  void stop();
  void flush();
  void capture(std::vector<std::string>* sink);
  void write(std::string line);

 private:
  using Lines = std::deque<std::string>;
  void run();
  bool openFile(const LogOptions& options, std::string& problem);
  void emit(const Lines& lines);

  std::mutex levelMutex_;
  std::map<std::string, std::atomic<LogLevel>, std::less<>> levels_;
  std::atomic<LogLevel> otherLevel_{LogLevel::info};  // Also of every component beyond kMaxComponents.

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable idle_;
  Lines queue_;
  std::uint64_t dropped_ = 0;
  bool running_ = false;
  bool stopping_ = false;
  bool writing_ = false;
  std::vector<std::string>* captured_ = nullptr;
  std::thread thread_;

  std::mutex outputMutex_;
  std::unique_ptr<spdlog::sinks::rotating_file_sink_st> file_;
  Counter lost_ = Metrics::instance().counter("parley_base_log_dropped_total",
                                              "Log lines dropped because writing was too slow.");
};

/// Never destroyed: loggers of static objects and late threads may still write after main().
Core& core() {
  union Immortal {
    Immortal() : value() {}
    ~Immortal() {}
    Core value;
  };
  static Immortal immortal;
  return immortal.value;
}

std::atomic<LogLevel>* Core::levelOf(std::string_view component) {
  const std::lock_guard lock(levelMutex_);
  const auto found = levels_.find(component);
  if (found != levels_.end()) return &found->second;
  if (levels_.size() >= kMaxComponents) return &otherLevel_;
  return &levels_.try_emplace(std::string(component), otherLevel_.load()).first->second;
}

void Core::setLevel(std::string_view component, LogLevel level) {
  if (!component.empty()) {
    std::atomic<LogLevel>* cell = levelOf(component);
    if (cell != &otherLevel_) cell->store(level);
    return;
  }
  const std::lock_guard lock(levelMutex_);
  otherLevel_ = level;
  for (auto& [name, cell] : levels_) cell = level;
}

bool Core::openFile(const LogOptions& options, std::string& problem) {
  const std::lock_guard lock(outputMutex_);
  file_.reset();
  if (options.file.empty()) return true;
  try {
    file_ = std::make_unique<spdlog::sinks::rotating_file_sink_st>(
        options.file, std::max<std::size_t>(options.rotateBytes, 1), options.rotateFiles);
    file_->set_pattern("%v");
    return true;
  } catch (const std::exception& error) {
    problem = error.what();
    return false;
  }
}

void Core::start(const LogOptions& options) {
  stop();
  setLevel("", options.level);
  std::string problem;
  const bool opened = openFile(options, problem);
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
    stopping_ = false;
    // Signals are for the program's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (!opened) {
    Logger("log").error("log file cannot be opened, logging to stderr",
                        {{"file", options.file}, {"error", problem}});
  }
}

void Core::stop() {
  std::unique_lock lock(mutex_);
  if (!running_) return;
  stopping_ = true;
  work_.notify_all();
  const bool done = idle_.wait_for(lock, kFlushPatience, [this] { return !running_; });
  lock.unlock();
  done ? thread_.join() : thread_.detach();
}

void Core::flush() {
  std::unique_lock lock(mutex_);
  if (std::this_thread::get_id() == thread_.get_id()) return;
  idle_.wait_for(lock, kFlushPatience, [this] { return !running_ || (queue_.empty() && !writing_); });
}

void Core::capture(std::vector<std::string>* sink) {
  const std::lock_guard lock(mutex_);
  captured_ = sink;
}

void Core::write(std::string line) {
  {
    const std::lock_guard lock(mutex_);
    if (captured_ != nullptr) captured_->push_back(line);
    if (running_) {
      if (queue_.size() >= kMaxQueuedLines) {
        queue_.pop_front();
        ++dropped_;
        lost_.add();
      }
      queue_.push_back(std::move(line));
      work_.notify_one();
      return;
    }
  }
  emit({std::move(line)});
}

void Core::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) break;
    Lines batch;
    batch.swap(queue_);
    if (dropped_ != 0) {
      batch.push_front(fmt::format("{} warn log log lines dropped, writing is too slow count={}",
                                   formatUtc(wallNow()), dropped_));
      dropped_ = 0;
    }
    writing_ = true;
    lock.unlock();
    emit(batch);
    lock.lock();
    writing_ = false;
    idle_.notify_all();
  }
  running_ = false;
  idle_.notify_all();
}

/// False when the file refused: the disk is full, say.
template <class Write>
bool succeeds(Write&& write) {
  try {
    write();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void Core::emit(const Lines& lines) {
  const std::lock_guard lock(outputMutex_);
  bool toStderr = !file_;
  for (const std::string& line : lines) {
    const bool written =
        file_ && succeeds([&] { file_->log(spdlog::details::log_msg({}, {}, spdlog::level::info, line)); });
    if (written) continue;
    std::fprintf(stderr, "%s\n", line.c_str());
    toStderr = true;
  }
  if (file_ && !succeeds([&] { file_->flush(); })) toStderr = true;
  if (toStderr) std::fflush(stderr);
}

/// Ends the writer, and with it writes what is queued, when the process ends.
struct StopAtExit {
  ~StopAtExit() { core().stop(); }
};

bool isPlain(std::string_view value) {
  return !value.empty() && value.find_first_of(" =\"\\") == std::string_view::npos;
}

void appendField(std::string& line, std::string_view key, std::string_view value) {
  line += ' ';
  for (const char c : key) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == '-';
    line += fine ? c : '_';
  }
  line += '=';
  const std::string shown = printable(value, kMaxValueBytes);
  line += isPlain(shown) ? shown : '"' + shown + '"';
}

/// A line has a key once: what was said last of it counts.
template <class Field>
bool saidAgain(std::span<const Field> later, std::string_view key) {
  return std::ranges::any_of(later, [key](const Field& field) { return field.key == key; });
}

}  // namespace

std::string_view toString(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      return "off";
  }
  return "unknown";
}

LogContext::LogContext(std::string_view key, std::string value) {
  threadContext.push_back({std::string(key), std::move(value)});
}
LogContext::~LogContext() { threadContext.pop_back(); }

Logger::Logger(std::string component)
    : component_(std::move(component)), level_(core().levelOf(component_)) {}

void Logger::debug(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::debug, message, fields);
}
void Logger::info(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::info, message, fields);
}
void Logger::warn(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::warn, message, fields);
}
void Logger::error(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::error, message, fields);
}

bool Logger::enabled(LogLevel level) const { return level >= level_->load(std::memory_order_relaxed); }

void Logger::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  std::string line = fmt::format("{} {} {} ", formatUtc(wallNow()), toString(level), component_);
  // Fields begin at the first '=': a message that has one is quoted, so that it cannot pass for a field.
  const std::string shown = printable(message, kMaxValueBytes);
  line += shown.find_first_of("=\\") == std::string::npos ? shown : '"' + shown + '"';
  const std::span<const LogField> record(fields.begin(), fields.size());
  for (std::size_t i = 0; i < threadContext.size(); ++i) {
    const auto& [key, value] = threadContext[i];
    const auto inner = std::span<const ContextField>(threadContext).subspan(i + 1);
    if (!saidAgain(inner, key) && !saidAgain(record, key)) appendField(line, key, value);
  }
  for (std::size_t i = 0; i < record.size(); ++i) {
    if (!saidAgain(record.subspan(i + 1), record[i].key)) appendField(line, record[i].key, record[i].value);
  }
  core().write(std::move(line));
}

bool LogLimiter::allow(Instant now, std::uint64_t& heldBack) {
  if (now < next_) {
    ++held_;
    return false;
  }
  heldBack = std::exchange(held_, 0);
  next_ = now + period_;
  return true;
}

void startLogging(const LogOptions& options) {
  static StopAtExit stopAtExit;
  core().start(options);
  queueStarted = true;
}
// Without a queue nothing waits; making core() here would ask Metrics for its lock, which the failed check
// that calls this may hold.
void flushLogging() {
  if (queueStarted) core().flush();
}
void setLogLevel(std::string_view component, LogLevel level) { core().setLevel(component, level); }
void captureLog(std::vector<std::string>* sink) { core().capture(sink); }

}  // namespace parley::base
