#include "base/check.h"

#include <cstdio>
#include <cstdlib>

#include "base/log.h"

namespace parley::base {

// Plain stdio: the logger may be what is broken.
void checkFailed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  std::fflush(stderr);
  flushLogging();  // Waits for a bounded time. What led here is worth having.
  std::abort();
}

}  // namespace parley::base
