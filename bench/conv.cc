// Convolutions beside oneDNN: bench_conv [best] [threads] [layer ...]
//
// For each layer of well-known image models, its forward pass, its input gradient and its filter gradient. gesso and oneDNN
// (its better one of two layouts, channels last and its own blocked one, primitive alone) run in turn, repetition by
// repetition, and so does the limit of the machine's multiply-adds. Medians of the repetitions, or with `best`, for a machine
// that is not quiet, the fastest. Useful GFLOP/s: terms that meet the padding are not counted, whoever multiplies them. Errors are
// relative, by root mean squares, beside gesso's kernels for float64, in units of 2^-24.
#include "bench/limits.h"
#include "kernels/kernels.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#ifdef GESSO_BENCH_DNNL
#include <dnnl.hpp>
#endif

namespace {

using gesso::bench::seconds;
using gesso::kernels::Conv2dGeometry;

/// x (batch, size, size, C), K filters of k x k. Layers marked T are transposed convolutions: their forward pass is
/// conv2d_input, their input gradient conv2d.
struct Layer {
  const char* name;
  std::int64_t batch, size, C, K, k, stride, padding, outputs;
  bool transposed;
};
constexpr Layer kLayers[] = {
    {"dc64.D1", 128, 64, 3, 64, 4, 2, 1, 32, false},   {"dc64.D2", 128, 32, 64, 128, 4, 2, 1, 16, false},
    {"dc64.D3", 128, 16, 128, 256, 4, 2, 1, 8, false}, {"dc64.D4", 128, 8, 256, 512, 4, 2, 1, 4, false},
    {"dc64.D5", 128, 4, 512, 1, 4, 1, 0, 1, false},    {"dc64.G1", 128, 4, 512, 100, 4, 1, 0, 1, true},
    {"dc64.G2", 128, 8, 256, 512, 4, 2, 1, 4, true},   {"dc64.G3", 128, 16, 128, 256, 4, 2, 1, 8, true},
    {"dc64.G4", 128, 32, 64, 128, 4, 2, 1, 16, true},  {"dc64.G5", 128, 64, 3, 64, 4, 2, 1, 32, true},
    {"dc28.D1", 128, 28, 1, 64, 5, 2, 2, 14, false},   {"dc28.D2", 128, 14, 64, 128, 5, 2, 2, 7, false},
    {"dc28.G1", 128, 7, 128, 256, 5, 1, 2, 7, true},   {"dc28.G2", 128, 14, 64, 128, 5, 2, 2, 7, true},
    {"dc28.G3", 128, 28, 1, 64, 5, 2, 2, 14, true},    {"vq.E1", 128, 32, 3, 64, 4, 2, 1, 16, false},
    {"vq.E2", 128, 16, 64, 128, 4, 2, 1, 8, false},    {"vq.E3", 128, 8, 128, 128, 3, 1, 1, 8, false},
    {"vq.res3x3", 128, 8, 128, 32, 3, 1, 1, 8, false}, {"vq.res1x1", 128, 8, 32, 128, 1, 1, 0, 8, false},
    {"vq.T1", 128, 16, 64, 128, 4, 2, 1, 8, true},     {"vq.T2", 128, 32, 3, 64, 4, 2, 1, 16, true},
    {"cvae.E2", 128, 32, 32, 64, 4, 2, 1, 16, false},  {"cvae.T3", 128, 32, 32, 64, 4, 2, 1, 16, true},
    {"convlstm", 16, 64, 17, 64, 3, 1, 1, 64, false},
};
constexpr const char* kDirections[] = {"forward", "input gradient", "filter gradient"};

Conv2dGeometry geometry(const Layer& l) {
  return {l.batch, l.size, l.size, l.C, l.K, l.k, l.k, l.outputs, l.outputs, l.stride, l.padding, 1, 1};
}

/// Multiplications and additions of the terms inside the image.
double useful_flops(const Layer& l) {
  const auto a = gesso::kernels::forward_axis(l.size, l.k, l.outputs, l.stride, l.padding, 1);
  double taps = 0;
  for (std::int64_t o = 0; o < l.outputs; ++o) taps += double(a.high(o) - a.low(o));
  return 2 * double(l.batch * l.C * l.K) * taps * taps;
}

struct Problem {
  Layer layer;
  Conv2dGeometry g = geometry(layer);
  std::vector<float> x, w, y;

  explicit Problem(const Layer& l) : layer(l) {
    x.resize(std::size_t(g.N * g.H * g.W * g.C));
    w.resize(std::size_t(g.K * g.R * g.S * g.C));
    y.resize(std::size_t(g.N * g.P * g.Q * g.K));
    std::minstd_rand random(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (std::vector<float>* v : {&x, &w, &y})
      for (float& e : *v) e = uniform(random);
  }
  /// 0: y is computed, 1: x, 2: w. A transposed layer goes forward where the others go back.
  int product(int direction) const { return layer.transposed && direction < 2 ? 1 - direction : direction; }
  std::vector<float>& result(int product) { return product == 0 ? y : product == 1 ? x : w; }
};

using Run = std::function<void()>;

template <class T>
void compute(const Conv2dGeometry& g, int product, T* x, T* w, T* y) {
  const auto& k = gesso::kernels::cpu<T>();
  if (product == 0) k.conv2d(g, x, w, {}, y);
  if (product == 1) k.conv2d_input(g, y, w, {}, x);
  if (product == 2) k.conv2d_filter(g, x, y, w);
}
/// The root mean square of the error of a result, over that of the exact one, in units of 2^-24.
class Error {
 public:
  Error(Problem& p, int which) : computed(p.result(which)) {
    std::vector<double> x(p.x.begin(), p.x.end()), w(p.w.begin(), p.w.end()), y(p.y.begin(), p.y.end());
    compute(p.g, which, x.data(), w.data(), y.data());
    exact = which == 0 ? y : which == 1 ? x : w;
  }
  double now() const {
    double error = 0, size = 0;
    for (std::size_t i = 0; i < exact.size(); ++i)
      error += (computed[i] - exact[i]) * (computed[i] - exact[i]), size += exact[i] * exact[i];
    return std::sqrt(error / size) * 0x1p24;
  }

 private:
  const std::vector<float>& computed;
  std::vector<double> exact;
};

#ifdef GESSO_BENCH_DNNL
using dnnl::memory;

/// A convolution of oneDNN with the layouts it likes best, or with channels last. Its operands are reordered once, before any
/// measurement; `fetch` brings the result back to the problem's own layout.
struct Primitive {
  Run run, fetch;
};
Primitive dnnl_run(Problem& p, int product, bool blocked) {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto& g = p.g;
  using tag = memory::format_tag;
  const memory::dims dx{g.N, g.C, g.H, g.W}, dw{g.K, g.C, g.R, g.S}, dy{g.N, g.K, g.P, g.Q};
  const memory::dims stride{g.stride.h, g.stride.w}, padding{g.padding.h, g.padding.w};
  const auto desc = [](const memory::dims& d, tag t) { return memory::desc(d, memory::data_type::f32, t); };
  const memory::desc plain_x = desc(dx, tag::nhwc), plain_w = desc(dw, tag::ohwi),
                     plain_y = desc(dy, tag::nhwc);
  const memory::desc x = blocked ? desc(dx, tag::any) : plain_x, w = desc(dw, tag::any),
                     y = blocked ? desc(dy, tag::any) : plain_y;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::desc forward(dnnl::prop_kind::forward_training, algorithm, x, w, y, stride,
                                                padding, padding);
  const dnnl::convolution_forward::primitive_desc hint(forward, engine);
  memory::desc mx, mw, my;
  dnnl::primitive primitive;
  const auto take = [&](const auto& pd, const memory::desc& a, const memory::desc& b, const memory::desc& c) {
    mx = a, mw = b, my = c;
    primitive = dnnl::primitive(pd.get());
  };
  if (product == 0) {
    take(hint, hint.src_desc(), hint.weights_desc(), hint.dst_desc());
  } else if (product == 1) {
    const dnnl::convolution_backward_data::primitive_desc pd({algorithm, x, w, y, stride, padding, padding},
                                                             engine, hint);
    take(pd, pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc());
  } else {
    const dnnl::convolution_backward_weights::primitive_desc pd(
        {algorithm, x, w, y, stride, padding, padding}, engine, hint);
    take(pd, pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc());
  }
  memory user_x(plain_x, engine, p.x.data()), user_w(plain_w, engine, p.w.data()),
      user_y(plain_y, engine, p.y.data());
  memory a(mx, engine), b(mw, engine), c(my, engine);
  dnnl::reorder(user_x, a).execute(stream, user_x, a);
  dnnl::reorder(user_w, b).execute(stream, user_w, b);
  dnnl::reorder(user_y, c).execute(stream, user_y, c);
  stream.wait();
  const int nx = product == 1 ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC,
            nw = product == 2 ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS,
            ny = product == 0 ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST;
  const auto run = [=] {
    primitive.execute(stream, {{nx, a}, {nw, b}, {ny, c}});
    stream.wait();
  };
  const auto fetch = [=]() mutable {
    memory from = product == 0   ? c
                  : product == 1 ? a
                                 : b,
           to = product == 0   ? user_y
                : product == 1 ? user_x
                               : user_w;
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  };
  return {run, fetch};
}
#endif

double quantile(std::vector<double> x, double q) {
  std::sort(x.begin(), x.end());
  return x[std::size_t(q * double(x.size() - 1))];
}

void row(const Layer& layer, int direction, int threads, bool best) {
  Problem p(layer);
  const int product = p.product(direction);
  const Error error(p, product);
  std::vector<Run> runs = {[&] { compute(p.g, product, p.x.data(), p.w.data(), p.y.data()); }};
  runs[0]();
  std::vector<double> errors = {error.now()};
#ifdef GESSO_BENCH_DNNL
  std::vector<Primitive> peers = {dnnl_run(p, product, true), dnnl_run(p, product, false)};
  for (const Primitive& peer : peers) {
    runs.push_back(peer.run);
    peer.run(), peer.fetch();
    errors.push_back(error.now());
    // A peer that computes something else would be a wrong peer.
    if (!(errors.back() <= 1000)) std::printf("%s differs!\n", layer.name);
  }
#endif
  const double flops = useful_flops(layer);
  const int calls = int(std::clamp(2e9 / flops, 1.0, 1000.0)), repetitions = 9;
  std::vector<std::vector<double>> times(runs.size());
  std::vector<double> limits;
  for (int r = 0; r < repetitions; ++r) {
    double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    sum += gesso::bench::multiply_add_limit(gesso::kernels::cpu_level(), false);
    limits.push_back(sum);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      runs[i]();  // its own data and threads awake
      const double start = seconds();
      for (int call = 0; call < calls; ++call) runs[i]();
      times[i].push_back((seconds() - start) / calls);
    }
  }
  const double limit = quantile(limits, best ? 1 : 0.5);
  std::vector<double> speed;
  for (const std::vector<double>& t : times) speed.push_back(flops / quantile(t, best ? 0 : 0.5));
  const std::size_t better = speed.size() > 1 && speed[2] > speed[1] ? 2 : 1;
  const double peer = speed.size() > 1 ? speed[better] : 0;
  std::printf("%-10s%s %-16s %8.3f %8.1f %8.1f (%3.0f%%) %8.1f (%3.0f%%) %8.2f %8.1f %8.1f\n", layer.name,
              layer.transposed ? " T" : "  ", kDirections[direction], flops / 1e9, limit / 1e9,
              speed[0] / 1e9, 100 * speed[0] / limit, peer / 1e9, 100 * peer / limit,
              peer > 0 ? speed[0] / peer : 0, errors[0], errors.size() > 1 ? errors[better] : NAN);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  bool best = false;
  int threads = omp_get_max_threads();
  std::vector<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "best")
      best = true;
    else if (std::atoi(argv[i]) > 0)
      threads = std::atoi(argv[i]);
    else
      wanted.push_back(word);
  }
  omp_set_num_threads(threads);
  std::printf(
      "level %s, f32, %d threads; GFLOP/s of the definition, taps inside the image only (percent of the "
      "limit; more than 100%%\n"
      "where another domain takes fewer multiplications, docs/convolutions.md; GESSO_CONV=direct goes "
      "without)\n",
      gesso::kernels::cpu_level(), threads);
  std::printf("%-12s %-16s %8s %8s %15s %15s %8s %8s %8s\n", "layer", "", "GFLOP", "limit", "gesso", "oneDNN",
              "to it", "error", "oneDNN's");
  for (const Layer& layer : kLayers)
    for (int direction = 0; direction < 3; ++direction)
      if (wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
            return std::string(layer.name).find(name) != std::string::npos;
          }))
        row(layer, direction, threads, best);
}
