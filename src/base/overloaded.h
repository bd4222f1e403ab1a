// One function object out of several lambdas, for std::visit.
#pragma once

namespace parley::base {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace parley::base
