// What a process has used, from /proc.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <string>

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

}  // namespace parley::bench
