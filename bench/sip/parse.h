// What the parse_* programs share: the message named on the command line is parsed as often as it says, so
// that the difference of two runs under callgrind is the cost of one (see run).
#pragma once
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

template <class Parse>
int parseMany(int argc, char** argv, const Parse& parse) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FILE TIMES\n", argv[0]);
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (int i = std::atoi(argv[2]); i > 0; --i) {
    if (!parse(bytes)) {
      std::fprintf(stderr, "%s: not accepted\n", argv[1]);
      return 1;
    }
  }
  return 0;
}
