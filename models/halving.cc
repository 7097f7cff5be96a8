#include "models/halving.h"

#include "models/options.h"

#include <algorithm>

namespace gesso::models {

std::vector<HW> halved(const Shape& image, const char* model) {
  std::vector<HW> sizes = {{image[0], image[1]}};
  const auto smaller = [&] { return std::min(sizes.back().h, sizes.back().w); };
  if (smaller() < 8)
    throw UsageError("{} is for images of 8x8 or more; these are {}x{}", model, image[0], image[1]);
  while (smaller() > 4) sizes.emplace_back(sizes.back().h / 2, sizes.back().w / 2);
  return sizes;
}

}  // namespace gesso::models
