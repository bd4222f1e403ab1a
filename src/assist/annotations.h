// What is drawn over the shared view and over the co-viewed document, kept for those who come later. Bounded;
// pure.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::assist {

class Annotations {
 public:
  static constexpr std::size_t kMaxShapes = 200;  ///< All of them fit into what waits for a page.
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  static constexpr std::size_t kMaxPoints = 2'000;  ///< Of one shape.

  /// A `draw` message as it goes to the others: with `id`, `party`, `points`, maybe `on`. The same id of the
  /// same party appends points. Errors: assist.too_many_drawings, assist.not_allowed (somebody else's id).
  base::Result<void> draw(const nlohmann::json& message);
  void erase(const std::vector<std::string>& ids);
  /// Those on the document `on`, or on the page when it is empty.
  void eraseOn(const std::string& on);
  void eraseAll();

  /// All shapes as whole messages, in the order in which they were begun.
  std::vector<nlohmann::json> all() const;
  bool empty() const { return shapes_.empty(); }
  std::size_t size() const { return shapes_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Shape {
    std::string id, on;
    nlohmann::json message;
    std::size_t bytes = 0;
  };
  template <class Fits>
  void eraseIf(Fits fits);
  std::vector<Shape> shapes_;
  std::size_t bytes_ = 0;
};

}  // namespace parley::assist
