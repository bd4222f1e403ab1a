// What the torture tests feed: a good value of every header, and PROTOS-style mutations of one.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley::sip::rig {

struct SampleHeader {
  std::string_view name, value;
};
/// Each header that the stack knows once, and one that it does not; the first kMandatoryHeaders are in each
/// request.
std::span<const SampleHeader> sampleHeaders();
constexpr std::size_t kMandatoryHeaders = 5;

std::vector<std::string> mutationsOf(std::string_view value);

}  // namespace parley::sip::rig
