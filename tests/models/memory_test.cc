// Training gives back what it takes.
#include "kernels/device.h"
#include "tests/models/support.h"

#include <malloc.h>

namespace gesso::models {
namespace {

TEST_CASE("memory stays flat over a thousand steps of every model") {
  for (const Entry& entry : catalogue()) {
    const std::string name = entry.name;
    CAPTURE(name);
    std::vector<std::string> set = {"width=0.01"};
    for (const Option& o : entry.options)
      if (o.name == "latent" || o.name == "layers") set.push_back(o.name + "=2");
    const Shape image = small_image(entry);
    const auto model = entry.make(recipe_of(entry.options, set, image));
    const Tensor x = squares(image.size() * 2 / (28 * 28) + 1, 28, 1)
                         .reshape({-1})
                         .slice(0, 2 * image.size())
                         .reshape({2, -1});
    const auto steps = [&](int n) {
      for (int i = 0; i < n; ++i) model->step(x);
      return std::pair(kernels::backend(Device::cpu)->memory->use().in_use, mallinfo2().uordblks);
    };
    const auto [tensors, heap] = steps(1000);  // in the first hundreds the C library keeps some KiB itself
    const auto [tensors_after, heap_after] = steps(1000);
    CHECK(tensors_after == tensors);
    CHECK(heap_after <= heap + 1024);  // one node a step would be 200 KiB
  }
}

}  // namespace
}  // namespace gesso::models
