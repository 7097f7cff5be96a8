#include "nn/vector_quantizer.h"

#include "nn/losses.h"
#include "nn/python.h"

#include <algorithm>
#include <cmath>

namespace gesso::nn {
namespace {

using kernels::Binary;
using kernels::Compare;

/// The centres (K,D) of z (M,D) by Lloyd's k-means, from K of the vectors in random order (all of them several times over, if
/// there are fewer). A centre that loses its last vector stays.
Tensor centres(const Tensor& z, std::int64_t K, Generator& g) {
  constexpr int kRounds = 10;  // most of what k-means gains; the codes go on learning anyway
  const std::int64_t M = z.dim(0);
  std::vector<std::int64_t> first = tensor::permutation(g, M).to_vector<std::int64_t>();
  for (std::int64_t j = M; j < K; ++j) first.push_back(first[static_cast<std::size_t>(j - M)]);
  first.resize(static_cast<std::size_t>(K));
  Tensor e = tensor::take_rows(z, Tensor::from(first, {K}));
  for (int round = 0; round < kRounds; ++round) {
    const tensor::Quantized q = tensor::quantize(z, e);
    const Tensor n = q.counts.to(z.dtype()).reshape({K, 1}), sums = tensor::add_rows(z, q.index, K);
    e = tensor::where(tensor::compare(Compare::gt, n, 0), tensor::div(sums, n), e);
  }
  return e;
}

}  // namespace

VectorQuantizer::VectorQuantizer(std::int64_t codes, std::int64_t dim, Generator& g, Generator& noise,
                                 VectorQuantizerOptions options)
    : options_(options), noise_(&noise), started_(tensor::zeros({}, DType::i64)) {
  check(codes > 0 && dim > 0, "VectorQuantizer: {} codes of {}; both must be positive", codes, dim);
  check(options.commitment >= 0 && options.eps >= 0,
        "VectorQuantizer: commitment {}, eps {}; neither may be negative", options.commitment, options.eps);
  check(options.decay >= 0 && options.decay < 1, "VectorQuantizer: a decay of {} is not in [0,1)",
        options.decay);
  check(options.restart >= 0, "VectorQuantizer: restart below {}; it may not be negative", options.restart);
  const double bound = 1 / static_cast<double>(codes);
  const Tensor e = tensor::uniform(g, {codes, dim}, -bound, bound);
  usage_ = tensor::zeros({codes});
  if (options.codebook == Codebook::gradient) {
    learned_ = parameter(e);
  } else {
    averaged_ = e;
    sums_ = tensor::zeros({codes, dim});
  }
}

void VectorQuantizer::parts(Parts& p) {
  p("codes", learned_), p("codes", averaged_);  // there is one of them
  p("sums", sums_), p("usage", usage_), p("started", started_);
}

std::string VectorQuantizer::title() const {
  return fmt::format("VectorQuantizer({}, {}, codebook={}, commitment={}, decay={}, restart={})",
                     codes().dim(0), codes().dim(1), options_.codebook == Codebook::ema ? "ema" : "gradient",
                     python(options_.commitment), python(options_.decay), python(options_.restart));
}

VectorQuantizer::Output VectorQuantizer::operator()(const Var& z) {
  const std::int64_t D = codes().dim(1);
  check(z.rank() >= 1 && z.dim(-1) == D && z.size() > 0,
        "VectorQuantizer: z {} should be (..,{}), and not empty", z.shape(), D);
  const Tensor rows = z.value().reshape({-1, D});
  if (training && options_.from_data && started_.item() == 0) start_from(rows);

  Output y;
  y.at = tensor::quantize(z.value(), codes());
  const Var e = take_rows(learned_.defined() ? learned_ : Var(averaged_), y.at.index);
  y.z_q = straight_through(z, e.value());
  if (learned_.defined()) y.codebook = mse(e, z.detach(), Reduction::mean);
  y.commitment = mse(z, e.detach(), Reduction::mean) * options_.commitment;
  if (training) follow(rows, y.at);
  return y;
}

double VectorQuantizer::enough(std::int64_t vectors) const {
  return options_.restart * std::min(1., static_cast<double>(vectors) / static_cast<double>(usage_.dim(0)));
}

void VectorQuantizer::start_from(const Tensor& z) {
  const double N = options_.restart > 0 ? enough(z.dim(0)) : 1;
  tensor::copy_(codes_to_change(), centres(z, codes().dim(0), *noise_));
  tensor::fill_(usage_, N);
  if (sums_) tensor::copy_(sums_, tensor::mul(codes(), N));
  tensor::fill_(started_, 1);
}

void VectorQuantizer::follow(const Tensor& z, const tensor::Quantized& at) {
  const std::int64_t K = usage_.dim(0);
  tensor::lerp_(usage_, at.counts.to(z.dtype()), 1 - options_.decay);
  if (averaged_) {
    tensor::lerp_(sums_, tensor::add_rows(z, at.index.reshape({-1}), K), 1 - options_.decay);
    const Tensor total = tensor::sum(usage_);
    const Tensor share = tensor::div(total, tensor::add(total, static_cast<double>(K) * options_.eps));
    const Tensor smooth = tensor::mul(tensor::add(usage_, options_.eps), share);
    tensor::copy_(averaged_, tensor::div(sums_, smooth.reshape({K, 1})));
  }
  if (options_.restart > 0) restart_unused(z);
}

// Every code draws a vector, wanted or not, so that what is drawn later does not depend on which are unused.
void VectorQuantizer::restart_unused(const Tensor& z) {
  const std::int64_t K = usage_.dim(0);
  const double N = enough(z.dim(0));
  const Tensor drawn =
      tensor::uniform(*noise_, {K}, 0, static_cast<double>(z.dim(0)), DType::f64, z.device());
  const Tensor vectors = tensor::take_rows(z, drawn.to(DType::i64));
  const Tensor unused = tensor::compare(Compare::lt, usage_, N), rows = unused.reshape({K, 1});
  tensor::copy_(codes_to_change(), tensor::where(rows, vectors, codes()));
  if (sums_) tensor::copy_(sums_, tensor::where(rows, tensor::mul(vectors, N), sums_));
  tensor::copy_(usage_, tensor::where(unused, tensor::full({}, N, z.dtype(), z.device()), usage_));
}

double perplexity(const Tensor& counts) {
  const std::vector<double> n = counts.to(Device::cpu).to_vector<double>();
  double total = 0, entropy = 0;
  for (const double c : n) total += c;
  check(total > 0, "perplexity: of {} counts none is above 0", n.size());
  for (const double c : n)
    if (c > 0) entropy -= c / total * std::log(c / total);
  return std::exp(entropy);
}

}  // namespace gesso::nn
