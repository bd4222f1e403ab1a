#include "assist/annotations.h"

#include <algorithm>

namespace parley::assist {
namespace {

// A point takes about so much as text; the rest of a shape is texts of bounded length.
constexpr std::size_t kPointBytes = 20;
constexpr std::size_t kShapeBytes = 256;

std::size_t bytesOf(const nlohmann::json& message) {
  std::size_t sum = kShapeBytes + message["points"].size() * kPointBytes;
  for (const auto& [key, value] : message.items()) {
    if (value.is_string()) sum += value.get_ref<const std::string&>().size();
  }
  return sum;
}

base::Error tooManyShapes() {
  return {"assist.too_many_drawings", "There is too much drawn already. Please clear some of it."};
}

}  // namespace

base::Result<void> Annotations::draw(const nlohmann::json& message) {
  const auto& id = message["id"].get_ref<const std::string&>();
  const std::size_t more = bytesOf(message);
  if (bytes_ + more > kMaxBytes) return std::unexpected(tooManyShapes());
  const auto found = std::ranges::find(shapes_, id, &Shape::id);
  if (found == shapes_.end()) {
    if (shapes_.size() >= kMaxShapes) return std::unexpected(tooManyShapes());
    shapes_.push_back({id, message.value("on", ""), message, more});
    bytes_ += more;
    return {};
  }
  nlohmann::json& shape = found->message;
  if (shape["party"] != message["party"] || found->on != message.value("on", "")) {
    return base::fail("assist.not_allowed", "This drawing is somebody else's.");
  }
  if (shape["points"].size() + message["points"].size() > kMaxPoints) return std::unexpected(tooManyShapes());
  auto& points = shape["points"];
  points.insert(points.end(), message["points"].begin(), message["points"].end());
  for (const char* key : {"done", "text", "width", "color"}) {
    if (message.contains(key)) shape[key] = message[key];
  }
  found->bytes += more;
  bytes_ += more;
  return {};
}

template <class Fits>
void Annotations::eraseIf(Fits fits) {
  std::erase_if(shapes_, [&](const Shape& shape) {
    if (!fits(shape)) return false;
    bytes_ -= shape.bytes;
    return true;
  });
}

void Annotations::erase(const std::vector<std::string>& ids) {
  eraseIf([&](const Shape& shape) { return std::ranges::find(ids, shape.id) != ids.end(); });
}

void Annotations::eraseOn(const std::string& on) {
  eraseIf([&](const Shape& shape) { return shape.on == on; });
}

void Annotations::eraseAll() {
  shapes_.clear();
  bytes_ = 0;
}

std::vector<nlohmann::json> Annotations::all() const {
  std::vector<nlohmann::json> out;
  out.reserve(shapes_.size());
  for (const Shape& shape : shapes_) out.push_back(shape.message);
  return out;
}

}  // namespace parley::assist
