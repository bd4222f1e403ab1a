// The impossible ends the process (PARLEY_CHECK), in debug builds more often (PARLEY_DCHECK).
// Never for anything that input from outside can cause.
#pragma once
namespace parley::base {
[[noreturn]] void checkFailed(const char* what, const char* file, int line) noexcept;
}
#define PARLEY_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::parley::base::checkFailed(#condition, __FILE__, __LINE__))
#ifdef NDEBUG
#define PARLEY_DCHECK(condition) static_cast<void>(0)
#else
#define PARLEY_DCHECK(condition) PARLEY_CHECK(condition)
#endif
