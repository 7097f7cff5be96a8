// Drawing from a gated PixelCNN: what is new at each place and no more (PixelCnnNetwork::generate) beside a full pass for each
// code, and what one full pass takes. All in turn; medians of three.
//
// Usage: bench_sampling [threads]
#include "bench/limits.h"
#include "models/pixelcnn.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>

namespace {

using namespace gesso;
using gesso::bench::seconds;

void measure(std::int64_t N, const models::PixelCnnShape& shape) {
  const NoGrad off;
  Generator g(1);
  models::PixelCnnNetwork net(shape, g);
  const std::int64_t places = shape.h * shape.w;
  const Tensor uniform = tensor::uniform(g, {places, N}, 0, 1, DType::f64);
  const auto next = [&](const Tensor& logits, std::int64_t place) {
    return models::draw_codes(logits, uniform.data<double>() + place * N);
  };
  Tensor codes = tensor::zeros({N, shape.h, shape.w}, DType::i64);
  const auto full_pass_each = [&] {
    for (std::int64_t place = 0; place < places; ++place) {
      const Tensor logits = net(codes).value().reshape({N, places, shape.codes});
      const Tensor k = next(tensor::slice(logits, 1, place, place + 1).reshape({N, shape.codes}), place);
      for (std::int64_t n = 0; n < N; ++n)
        codes.mutable_data<std::int64_t>()[n * places + place] = k.data<std::int64_t>()[n];
    }
  };
  Tensor drawn;
  struct Way {
    const char* name;
    std::function<void()> run;
    std::array<double, 3> taken = {};
  };
  std::array<Way, 3> ways = {{{"cached", [&] { drawn = net.generate(N, {}, next); }},
                              {"a full pass per code", full_pass_each},
                              {"one full pass", [&] { net(codes); }}}};
  for (Way& way : ways) way.run();  // memory, threads
  for (std::size_t i = 0; i < 3; ++i)
    for (Way& way : ways) {
      const double start = seconds();
      way.run();
      way.taken[i] = seconds() - start;
    }
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < codes.size(); ++i)
    same += codes.data<std::int64_t>()[i] == drawn.data<std::int64_t>()[i];
  for (Way& way : ways) {
    std::sort(way.taken.begin(), way.taken.end());
    fmt::print("{:3} of {}x{} places, {:3} codes, {} layers of {}  {:20} {:9.4f} s  {:6.1f} times cached\n",
               N, shape.h, shape.w, shape.codes, shape.layers, shape.width, way.name, way.taken[1],
               way.taken[1] / ways[0].taken[1]);
  }
  fmt::print("  drawn alike: {} of {} codes\n", same, codes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) omp_set_num_threads(std::max(1, std::atoi(argv[1])));
  fmt::print("{} threads\n", omp_get_max_threads());
  for (const std::int64_t N : {64, 1}) measure(N, {.h = 7, .w = 7, .codes = 512});
}
