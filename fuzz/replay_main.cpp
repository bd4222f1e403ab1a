// Feeds every file of a corpus folder (and its prefixes) to a fuzz entry, so that each corpus is an
// ordinary test in every build. An absent or empty corpus is a failure. Usage: X_replay MOST_CUTS FOLDER
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto mostCuts = std::max<std::size_t>(1, std::strtoul(argv[1], nullptr, 10));
  std::size_t inputs = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[2], error)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(in)), {});
    ++inputs;
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    // Cut short: each prefix in a copy of exactly that size, so that ASan sees every overread.
    const std::size_t step = bytes.size() / mostCuts + 1;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
      std::vector<std::uint8_t> prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
      LLVMFuzzerTestOneInput(prefix.data(), prefix.size());
    }
  }
  std::printf("%zu inputs replayed\n", inputs);
  return inputs == 0 ? 1 : 0;
}
