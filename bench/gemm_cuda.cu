// The matrix product on a GPU beside cuBLAS: bench_gemm_cuda [f32|f64] [MxNxKxNT ...]
//
// For each shape, gesso's kernels and cuBLAS's in turn: microseconds, TFLOP/s, and percent of what the same GPU's multiply-adds
// (or, for TF32, its mma.sync) reach in the same minute in a kernel that does nothing else. A repetition replays a CUDA graph
// of many products, as a training step does, so that no launch waits for the host; the products of a graph work on different
// matrices, 128 MiB of them in all, so that none finds its operands in L2, but at most 512 (the smallest do
// fit there). Medians of the repetitions. NT: the first matrix is stored (M,K), the second (N,K).
#include "bench/limits_cuda.cuh"
#include "kernels/cuda/gemm.cuh"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using gesso::kernels::MatMul;
namespace device = gesso::kernels::cuda;
using gesso::bench::seconds;
using gesso::simt::check;

struct Shape {
  long M, N, K;
  bool a_transposed, b_transposed;
  const char* what;
};
constexpr Shape kShapes[] = {
    {512, 512, 512, false, false, "square"},
    {1024, 1024, 1024, false, false, "square"},
    {2048, 2048, 2048, false, false, "square"},
    {4096, 4096, 4096, false, false, "square"},
    {4096, 4096, 4096, false, true, "square"},
    {4096, 4096, 4096, true, false, "square"},
    {128, 400, 784, false, true, "VAE encoder"},
    {128, 784, 400, false, true, "VAE decoder"},
    {128, 784, 400, false, false, "input gradient"},
    {400, 784, 128, true, false, "filter gradient"},
    {128, 20, 400, false, true, "mean"},
    {128, 400, 20, false, true, "from latent"},
    {128, 1, 256, false, true, "discriminator's end"},
    {128, 256, 1, false, false, "input gradient"},
    {1, 256, 128, true, false, "filter gradient"},
    {128, 8192, 100, false, false, "DCGAN projection"},
    {8192, 100, 128, true, false, "filter gradient"},
    {512, 64, 4096, true, false, "filter gradient"},
    {128, 8192, 1152, false, false, "convolution"},
    {8192, 512, 64, false, true, "VQ distances"},
    {51200, 512, 64, false, true, "VQ distances"},
};

/// x[i] in [-1, 1), the same each time.
template <class T>
__global__ void fill_uniform(long n, T* x) {
  for (long i = long(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += long(gridDim.x) * blockDim.x) {
    unsigned h = unsigned(i) * 2654435761u;
    h = (h ^ h >> 15) * 2246822519u;
    x[i] = T(int(h >> 8)) / T(1 << 23) - T(1);
  }
}

/// As many products of one shape as fill 128 MiB, at most 512.
template <class T>
class Problem {
 public:
  Shape s;
  int count;

  explicit Problem(const Shape& shape) : s(shape) {
    const double bytes = double(sizeof(T)) * double(size());
    count = int(std::clamp(std::ceil(double(1 << 27) / bytes), 2.0, 512.0));
    check(cudaMalloc(&memory_, std::size_t(count * size()) * sizeof(T)), "memory for matrices");
    gesso::simt::launch(fill_uniform<T>, dim3(1024), dim3(256), 0, device::stream(), long(count) * size(),
                        memory_);
  }
  ~Problem() { cudaFree(memory_); }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  MatMul<T> at(int i) const {
    T* start = memory_ + i * size();
    MatMul<T> m;
    m.M = s.M, m.N = s.N, m.K = s.K;
    m.a = start, m.b = start + round(s.M * s.K), m.c = start + round(s.M * s.K) + round(s.K * s.N);
    m.a_row = s.a_transposed ? 1 : s.K, m.a_col = s.a_transposed ? s.M : 1;
    m.b_row = s.b_transposed ? 1 : s.N, m.b_col = s.b_transposed ? s.K : 1;
    m.c_row = s.N;
    return m;
  }
  std::vector<T> result() const {
    std::vector<T> c(std::size_t(s.M * s.N));
    check(cudaStreamSynchronize(device::stream()), "product");
    check(cudaMemcpy(c.data(), at(0).c, c.size() * sizeof(T), cudaMemcpyDeviceToHost), "copy");
    return c;
  }

 private:
  T* memory_ = nullptr;
  static long round(long n) { return (n + 63) / 64 * 64; }
  long size() const { return round(s.M * s.K) + round(s.K * s.N) + round(s.M * s.N); }
};

template <class T>
struct Contender {
  const char* name;
  void (*run)(const MatMul<T>&);
  bool tf32;
};
template <class T>
std::vector<Contender<T>> contenders() {
  std::vector<Contender<T>> all = {
      {"own", device::matmul_simt<T>, false},
      {"cuBLAS", [](const MatMul<T>& p) { device::matmul_cublas(p, false); }, false}};
  if constexpr (std::is_same_v<T, float>) {
    all.push_back({"own TF32", device::matmul_tf32, true});
    all.push_back({"cuBLAS TF32", [](const MatMul<T>& p) { device::matmul_cublas(p, true); }, true});
  }
  return all;
}

/// Seconds of one product, from the replay of a graph of `count` of them.
template <class T>
double time_product(const Problem<T>& p, const Contender<T>& who) {
  for (int i = 0; i < p.count; ++i)
    who.run(p.at(i));  // memory is taken and kernels are loaded before the capture
  cudaGraph_t graph;
  cudaGraphExec_t replay;
  check(cudaStreamBeginCapture(device::stream(), cudaStreamCaptureModeThreadLocal), "begin capture");
  for (int i = 0; i < p.count; ++i) who.run(p.at(i));
  check(cudaStreamEndCapture(device::stream(), &graph), "end capture");
  check(cudaGraphInstantiate(&replay, graph, 0), "instantiate");
  const double time =
      seconds(device::stream(), 15, [&] { check(cudaGraphLaunch(replay, device::stream()), "replay"); });
  check(cudaGraphExecDestroy(replay), "graph");
  check(cudaGraphDestroy(graph), "graph");
  return time / p.count;
}

/// Whether two results of K products below 1 agree: each factor in TF32 is off by up to 2^-11, and each sum by up to K
/// roundings of a number up to K.
template <class T>
bool agree(const std::vector<T>& x, const std::vector<T>& y, double K, bool tf32) {
  const double tolerance = K * (2 * K * (sizeof(T) == 4 ? 0x1p-23 : 0x1p-52) + (tf32 ? 0x1p-9 : 0));
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!(std::abs(double(x[i]) - double(y[i])) <= tolerance)) return false;
  return true;
}

template <class T>
bool compare(const Shape& s) {
  const Problem<T> p(s);
  const gesso::bench::Limits limits = gesso::bench::measure_limits<T>(device::stream());
  const std::string size = std::to_string(s.M) + "x" + std::to_string(s.N) + "x" + std::to_string(s.K) + " " +
                           (s.a_transposed ? "T" : "N") + (s.b_transposed ? "T" : "N");
  std::printf("%-19s %-19s %6.1f %6.1f", size.c_str(), s.what, limits.cores / 1e12,
              limits.tensor_cores / 1e12);
  std::vector<T> first;
  bool right = true;
  for (const Contender<T>& who : contenders<T>()) {
    check(cudaMemsetAsync(p.at(0).c, 0xff, std::size_t(s.M * s.N) * sizeof(T), device::stream()), "poison");
    const double time = time_product(p, who), flops = 2.0 * double(s.M) * double(s.N) * double(s.K) / time;
    if (first.empty()) first = p.result();
    const bool agrees = agree(first, p.result(), double(s.K), who.tf32);
    right = right && agrees;
    std::printf(" |%8.1f us %6.1f %3.0f%%%s", time * 1e6, flops / 1e12,
                100 * flops / (who.tf32 ? limits.tensor_cores : limits.cores), agrees ? "" : " WRONG");
  }
  std::printf("\n");
  std::fflush(stdout);
  return right;
}

template <class T>
bool table(const std::vector<Shape>& shapes) {
  cudaDeviceProp gpu;
  check(cudaGetDeviceProperties(&gpu, 0), "properties");
  std::printf(
      "%s, %s, operands of 128 MiB or of 512 products in turn; microseconds, TFLOP/s, percent of the limit "
      "of the cores (TF32: of "
      "mma.sync)\n",
      gpu.name, sizeof(T) == 4 ? "f32" : "f64");
  std::printf("%-19s %-19s %6s %6s", "M x N x K", "", "FMA", "mma");
  for (const Contender<T>& who : contenders<T>()) std::printf(" | %-22s", who.name);
  std::printf("\n");
  bool right = true;
  for (const Shape& s : shapes) right = compare<T>(s) && right;
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  bool f64 = false;
  std::vector<Shape> shapes;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    Shape s{};
    char a = 0, b = 0;
    if (word == "f32" || word == "f64")
      f64 = word == "f64";
    else if (std::sscanf(word.c_str(), "%ldx%ldx%ldx%c%c", &s.M, &s.N, &s.K, &a, &b) == 5) {
      s.a_transposed = a == 'T', s.b_transposed = b == 'T', s.what = "";
      shapes.push_back(s);
    } else {
      std::fprintf(stderr, "usage: bench_gemm_cuda [f32|f64] [MxNxKxNT ...]\n");
      return 2;
    }
  }
  if (shapes.empty()) shapes.assign(std::begin(kShapes), std::end(kShapes));
  return (f64 ? table<double>(shapes) : table<float>(shapes)) ? 0 : 1;
}
