// Counts the heap allocations of a program; include it in one source of it. What C and C++ code allocate
// counts alike: OpenSSL and libsrtp use malloc, and so does operator new.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstdlib>

inline std::atomic<std::uint64_t> allocations{0};

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
