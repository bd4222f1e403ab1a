// What processes have used, from /proc.
#pragma once
#include <sys/types.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace parley::bench {

inline std::size_t pssKilobytes(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string word; file >> word;) {
    std::size_t value = 0;
    if (word == "Pss:" && file >> value) return value;
  }
  return 0;
}

/// User and system time of all its threads that still run.
inline double cpuMicros(pid_t process) {
  double sum = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    std::ifstream file(task.path() / "schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    sum += nanoseconds / 1e3;
  }
  return sum;
}

/// Who setsid() made the first of, and all that it started.
inline std::vector<pid_t> processesOf(pid_t session) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    std::ifstream file(entry.path() / "stat");
    file.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // its name may have blanks
    std::string state;
    pid_t parent = 0, group = 0, belongs = 0;
    if (file >> state >> parent >> group >> belongs && belongs == session) found.push_back(std::stoi(name));
  }
  return found;
}

/// Somebody has bound this UDP port: the local address of a row, in hexadecimal.
inline bool udpBound(std::uint16_t port) {
  for (const auto* table : {"/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream file(table);
    for (std::string word; file >> word;) {
      const auto colon = word.find(':');
      if ((colon == 8 || colon == 32) && word.size() == colon + 5 &&
          std::stoul(word.substr(colon + 1), nullptr, 16) == port)
        return true;
    }
  }
  return false;
}

}  // namespace parley::bench
