// C (M,N) = act(A (M,K) * B (K,N) + bias (N)) against slow loops in a wider type. Run once per instruction level.
#ifdef _OPENMP
#include <omp.h>
#endif

#include "kernels/kernels.h"
#include "tests/device.h"
#include "tests/kernels/on_device.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace gesso::kernels;

namespace {

constexpr double kGuard = -12345;  // stands around C and between its rows, and must stay

template <class T>
struct Problem {
  MatMul<T> m;
  bool a_transposed, b_transposed;
  std::vector<T> a, b, bias, c;

  /// Rows of the stored matrices are `gap` elements further apart than they are long.
  template <class Draw>
  Problem(std::int64_t batch, std::int64_t M, std::int64_t N, std::int64_t K, int transposes,
          std::int64_t gap, const Draw& draw)
      : a_transposed(transposes & 1), b_transposed(transposes & 2) {
    m.batch = batch, m.M = M, m.N = N, m.K = K;
    const std::int64_t a_ld = (a_transposed ? M : K) + gap, b_ld = (b_transposed ? K : N) + gap;
    m.a_row = a_transposed ? 1 : a_ld, m.a_col = a_transposed ? a_ld : 1;
    m.b_row = b_transposed ? 1 : b_ld, m.b_col = b_transposed ? b_ld : 1;
    m.a_batch = (a_transposed ? K : M) * a_ld, m.b_batch = (b_transposed ? N : K) * b_ld;
    m.c_row = N + gap, m.c_batch = M * m.c_row;
    // Exactly as long as the last element asks for, so that sanitizers see a read beyond it.
    a.resize(batch * M * K > 0 ? batch * m.a_batch - gap : 0);
    b.resize(batch * N * K > 0 ? batch * m.b_batch - gap : 0);
    bias.resize(N);
    for (std::vector<T>* x : {&a, &b, &bias})
      for (T& value : *x) value = T(draw());
    m.a = a.data(), m.b = b.data();
  }

  double a_at(std::int64_t i, std::int64_t r, std::int64_t k) const {
    return a[i * m.a_batch + r * m.a_row + k * m.a_col];
  }
  double b_at(std::int64_t i, std::int64_t k, std::int64_t j) const {
    return b[i * m.b_batch + k * m.b_row + j * m.b_col];
  }

  /// C among guards and full of NaN, then the product.
  void run() {
    constexpr std::int64_t margin = 64;
    c.assign(m.batch * m.c_batch + 2 * margin, T(kGuard));
    m.c = c.data() + margin;
    for (std::int64_t i = 0; i < m.batch; ++i)
      for (std::int64_t r = 0; r < m.M; ++r)
        std::fill_n(m.c + i * m.c_batch + r * m.c_row, m.N, std::numeric_limits<T>::quiet_NaN());
    gesso::test::tested<T>().matmul(m);
  }
  const T& c_at(std::int64_t i, std::int64_t r, std::int64_t j) const {
    return m.c[i * m.c_batch + r * m.c_row + j];
  }
  bool guards_stand() const {
    std::vector<T> rest = c;
    for (std::int64_t i = 0; i < m.batch; ++i)
      for (std::int64_t r = 0; r < m.M; ++r)
        std::fill_n(rest.begin() + (m.c - c.data()) + i * m.c_batch + r * m.c_row, m.N, T(kGuard));
    return std::all_of(rest.begin(), rest.end(), [](T x) { return x == T(kGuard); });
  }
};

template <class T>
long double activated(const MatMul<T>& m, long double x) {
  switch (m.act) {
    case Activation::none:
      return x;
    case Activation::leaky_relu:
      return x > 0 ? x : m.slope * x;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return NAN;
}

/// Element (r, j) of product i is within the error of a sum of K products and a bias in T: 2 eps (K + 1) sum |a b|. No
/// activation here is steeper than 1, and each adds at most 4 ULP of its own value.
template <class T>
bool element_is_right(const Problem<T>& p, std::int64_t i, std::int64_t r, std::int64_t j) {
  long double sum = p.m.bias ? p.bias[j] : 0, magnitude = std::abs(sum);
  for (std::int64_t k = 0; k < p.m.K; ++k) {
    const long double term = static_cast<long double>(p.a_at(i, r, k)) * p.b_at(i, k, j);
    sum += term, magnitude += std::abs(term);
  }
  const long double want = activated(p.m, sum), eps = std::numeric_limits<T>::epsilon();
  const long double tolerance = 2 * eps * (p.m.K + 1) * magnitude + 4 * eps * std::abs(want);
  return std::abs(p.c_at(i, r, j) - want) <= tolerance;
}
template <class T>
bool all_elements_are_right(const Problem<T>& p) {
  for (std::int64_t i = 0; i < p.m.batch; ++i)
    for (std::int64_t r = 0; r < p.m.M; ++r)
      for (std::int64_t j = 0; j < p.m.N; ++j)
        if (!element_is_right(p, i, r, j)) {
          MESSAGE("product " << i << ", row " << r << ", column " << j << ": " << p.c_at(i, r, j));
          return false;
        }
  return true;
}

void set_threads(int n) {
#ifdef _OPENMP
  omp_set_num_threads(n);
#else
  (void)n;
#endif
}

struct Uniform {
  std::mt19937& random;
  double operator()() const { return std::uniform_real_distribution<double>(-1, 1)(random); }
};

template <class T>
std::vector<T> bits_with_threads(Problem<T>& p, int n) {
  set_threads(n);
  p.run();
  return p.c;
}

/// 1, 2 and 3 threads give the same bits.
template <class T>
bool threads_do_not_matter(Problem<T>& p) {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
#else
  const int before = 1;
#endif
  const std::vector<T> one = bits_with_threads(p, 1), two = bits_with_threads(p, 2),
                       three = bits_with_threads(p, 3);
  set_threads(before);
  const auto same = [&](const std::vector<T>& other) {
    return std::equal(one.begin(), one.end(), other.begin(),
                      [](T x, T y) { return x == y; });  // so NaN fails
  };
  return same(two) && same(three);
}

}  // namespace

TEST_CASE_TEMPLATE("matmul: random shapes, transposes, gaps, batches, biases and activations", T, float,
                   double) {
  INFO("level " << std::string(cpu_level()));
  std::mt19937 random(7);
  // Around the sizes of vectors, tiles and nothing at all; tests of larger sizes follow.
  constexpr std::int64_t sizes[] = {0,  1,  2,  3,  5,  7,  8,  9,  13, 15, 16, 17,
                                    20, 31, 32, 33, 40, 47, 48, 49, 64, 97, 100};
  const auto size = [&] { return sizes[random() % std::size(sizes)]; };
  for (int n = 0; n < 1500; ++n) {
    const std::int64_t batch = n % 5 ? 1 : std::int64_t(random() % 4), M = size(), N = size(), K = size();
    Problem<T> p(batch, M, N, K, n % 4, n % 3 ? 0 : std::int64_t(random() % 9), Uniform{random});
    if (random() % 2) p.m.bias = p.bias.data();
    p.m.act = static_cast<Activation>(random() % 4);
    p.m.slope = random() % 2 ? T(0.2) : T(0);
    if (batch > 1 && random() % 4 == 0) p.m.b_batch = 0;  // all share one B
    p.run();
    CAPTURE(batch);
    CAPTURE(M);
    CAPTURE(N);
    CAPTURE(K);
    CAPTURE(n % 4);
    CAPTURE(int(p.m.act));
    REQUIRE(all_elements_are_right(p));
    REQUIRE(p.guards_stand());
  }
}

TEST_CASE_TEMPLATE("matmul: exact on small integers, with any number of threads", T, float, double) {
  std::mt19937 random(8);
  const auto integer = [&] { return double(int(random() % 9) - 4); };
  constexpr std::int64_t shapes[][3] = {{128, 40, 400}, {61, 130, 67},  {1, 300, 900}, {300, 1, 900},
                                        {17, 129, 700}, {3, 5, 20000},  {400, 3, 300}, {130, 20, 1700},
                                        {1000, 1, 900}, {1, 1000, 900}, {129, 127, 1}, {700, 400, 1},
                                        {1, 2100, 99},  {2100, 1, 99},  {1, 1, 5000}};
  for (const auto& s : shapes)
    for (int transposes = 0; transposes < 4; ++transposes) {
      Problem<T> p(1, s[0], s[1], s[2], transposes, 3, integer);
      p.m.bias = p.bias.data();
      CAPTURE(s[0]);
      CAPTURE(s[1]);
      CAPTURE(s[2]);
      CAPTURE(transposes);
      REQUIRE(threads_do_not_matter(p));
      bool exact = true;
      for (std::int64_t r = 0; r < p.m.M; ++r)
        for (std::int64_t j = 0; j < p.m.N; ++j) {
          double sum = p.bias[j];
          for (std::int64_t k = 0; k < p.m.K; ++k) sum += p.a_at(0, r, k) * p.b_at(0, k, j);
          exact = exact && p.c_at(0, r, j) == sum;
        }
      REQUIRE(exact);
      REQUIRE(p.guards_stand());
    }
}

TEST_CASE_TEMPLATE("matmul: 1, 2 and 3 threads give the same bits, also where blocks are many", T, float,
                   double) {
  std::mt19937 random(9);
  // Several blocks of K; an A, a B, and both, too large for a cache; more slivers than are kept; a batch that threads share;
  // a tall A, of which several panels are packed together if it is transposed.
  constexpr std::int64_t shapes[][4] = {{1, 130, 200, 1700}, {1, 20, 3000, 520}, {1, 3000, 20, 520},
                                        {1, 700, 3300, 190}, {5, 60, 70, 80},    {1, 129, 40, 3000},
                                        {1, 1100, 61, 300}};
  // On a GPU, where threads of the host decide nothing, two transposes see both kinds of either panel.
  const int step = gesso::tests::tested_device() == Device::cpu ? 1 : 3;
  for (const auto& s : shapes)
    for (int transposes = 0; transposes < 4; transposes += step) {
      Problem<T> p(s[0], s[1], s[2], s[3], transposes, 1, Uniform{random});
      p.m.act = Activation::leaky_relu, p.m.slope = T(0.1);
      CAPTURE(s[1]);
      CAPTURE(s[2]);
      CAPTURE(s[3]);
      CAPTURE(transposes);
      REQUIRE(threads_do_not_matter(p));
      REQUIRE(p.guards_stand());
      for (int sample = 0; sample < 300; ++sample)
        REQUIRE(element_is_right(p, random() % p.m.batch, random() % p.m.M, random() % p.m.N));
    }
}

TEST_CASE_TEMPLATE("matmul: an empty sum is act(bias), an empty C is left alone", T, float, double) {
  std::mt19937 random(10);
  Problem<T> p(2, 9, 50, 0, 0, 0, Uniform{random});
  p.run();
  CHECK(std::all_of(p.m.c, p.m.c + 2 * 9 * 50, [](T x) { return x == 0; }));
  p.m.bias = p.bias.data(), p.m.act = Activation::tanh;
  p.run();
  CHECK(all_elements_are_right(p));
  for (const bool no_rows : {false, true}) {
    Problem<T> empty(1, no_rows ? 0 : 5, no_rows ? 5 : 0, 6, 0, 0, Uniform{random});
    empty.run();
    CHECK(empty.guards_stand());
  }
}

TEST_CASE_TEMPLATE("matmul: NaN and infinity go where they belong", T, float, double) {
  std::mt19937 random(11);
  constexpr std::int64_t shapes[][3] = {{21, 53, 30}, {1, 53, 30}, {21, 1, 30}, {21, 53, 1}};
  for (const auto& s : shapes)
    for (int transposes = 0; transposes < 4; ++transposes) {
      Problem<T> p(1, s[0], s[1], s[2], transposes, 0, Uniform{random});
      const std::int64_t row = std::min<std::int64_t>(4, s[0] - 1),
                         column = std::min<std::int64_t>(50, s[1] - 1);
      p.a[row * p.m.a_row + s[2] / 2 * p.m.a_col] = std::numeric_limits<T>::quiet_NaN();
      p.b[s[2] / 3 * p.m.b_row + column * p.m.b_col] = std::numeric_limits<T>::infinity();
      p.run();
      for (std::int64_t r = 0; r < s[0]; ++r)
        for (std::int64_t j = 0; j < s[1]; ++j) {
          CAPTURE(r);
          CAPTURE(j);
          if (r == row)
            REQUIRE(std::isnan(p.c_at(0, r, j)));
          else
            REQUIRE(std::isinf(p.c_at(0, r, j)) == (j == column));
        }
    }
}
