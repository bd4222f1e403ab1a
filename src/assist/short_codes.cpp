#include "assist/short_codes.h"

#include <algorithm>
#include <cmath>

namespace parley::assist {
namespace {

constexpr base::Millis kWindow{60'000};
/// Of all codes that there are with so many digits, one in this many may exist: a guess then hits one in 200.
constexpr double kSparse = 200;

const char* nameOf(ShortCodes::Side side) { return side == ShortCodes::Side::agent ? "agents" : "consumers"; }

}  // namespace

ShortCodes::ShortCodes(base::Random& random, ShortCodeOptions options)
    : random_(random),
      options_(options),
      networks_({options.guesses, options.allGuesses, kWindow}),
      users_({options.guesses, options.allGuesses, kWindow}) {}

void ShortCodes::setOptions(std::size_t length, base::Millis lifetime) {
  options_.length = length;
  options_.lifetime = lifetime;
}

std::string ShortCodes::draw() {
  std::string code;
  while (code.size() < options_.length) {
    const std::uint32_t number = random_.u32();
    // The top of the range would make some digits more likely than others.
    if (number >= 4'000'000'000u) continue;
    code += static_cast<char>('0' + number % 10);
  }
  return code;
}

base::Result<std::string> ShortCodes::create(const std::string& cid, bool forConsumer, base::Instant now) {
  expire(now);
  const double possible = std::pow(10.0, static_cast<double>(options_.length));
  const auto most = std::min(kMostCodes, static_cast<std::size_t>(possible / kSparse));
  if (codes_.size() >= most)
    return base::fail("shortcode.full", "Too many codes are in use. Please try again.");
  std::string code = draw();
  while (codes_.contains(code)) code = draw();
  codes_[code] = {cid, now + options_.lifetime, true, forConsumer};
  changed_.insert(code);
  return code;
}

std::optional<base::Millis> ShortCodes::locked(Side side, const std::string& network, const std::string& user,
                                               base::Instant now) {
  if (auto wait = networks_.locked(network, nameOf(side), now)) return wait;
  return user.empty() ? std::nullopt : users_.locked(user, nameOf(side), now);
}

base::Result<std::string> ShortCodes::redeem(const std::string& code, Side side, const std::string& network,
                                             const std::string& user, base::Instant now) {
  if (locked(side, network, user, now)) {
    return base::fail("shortcode.locked", "Too many wrong codes. Please wait and try again.");
  }
  expire(now);
  const auto at = codes_.find(code);
  const bool good = at != codes_.end() && (side == Side::agent ? at->second.agent : at->second.consumer);
  if (!good) {
    networks_.failed(network, nameOf(side), now);
    if (!user.empty()) users_.failed(user, nameOf(side), now);
    return base::fail("shortcode.unknown", "This code is wrong, was used, or is over.");
  }
  (side == Side::agent ? at->second.agent : at->second.consumer) = false;
  std::string cid = at->second.cid;
  changed_.insert(code);
  if (!at->second.agent && !at->second.consumer) codes_.erase(at);
  return cid;
}

void ShortCodes::expire(base::Instant now) {
  std::erase_if(codes_, [this, now](const auto& code) {
    const bool over = code.second.until <= now;
    if (over) changed_.insert(code.first);
    return over;
  });
}

const ShortCodes::Code* ShortCodes::find(const std::string& code) const {
  const auto at = codes_.find(code);
  return at == codes_.end() ? nullptr : &at->second;
}

void ShortCodes::restore(const std::string& code, Code known) {
  if (codes_.size() < kMostCodes) codes_.insert_or_assign(code, std::move(known));
}

}  // namespace parley::assist
