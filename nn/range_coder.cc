#include "nn/range_coder.h"

#include "tensor/error.h"

#include <algorithm>
#include <cmath>

namespace gesso::nn {
namespace {

constexpr int kProbabilityBits = 24;
constexpr std::uint64_t kSmallest = std::uint64_t{1}
                                    << 56;  // of range: below, its first byte is 0 and moves out

}  // namespace

std::vector<std::uint32_t> symbol_ranges(std::span<const float> p) {
  constexpr std::size_t kMost = 1 << 20;  // leaves 15/16 of the frequencies to the probabilities
  check(!p.empty() && p.size() <= kMost, "symbol_ranges: {} symbols; expected 1 to {}", p.size(), kMost);
  double sum = 0;
  for (const float v : p) {
    check(v >= 0 && std::isfinite(v), "symbol_ranges: {} is no probability", v);
    sum += v;
  }
  check(sum > 0, "symbol_ranges: all {} probabilities are 0", p.size());
  const double share = static_cast<double>(kFrequencies - p.size()) / sum;
  std::vector<std::uint32_t> begins(p.size() + 1);
  std::uint32_t given = 0;
  for (std::size_t k = 0; k < p.size(); ++k) {
    begins[k] = given;
    given += 1 + static_cast<std::uint32_t>(p[k] * share);
  }
  // What rounding down has left goes to the most likely symbol, where it costs the others least: all that follow move.
  const auto most = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
  for (std::size_t k = most + 1; k < p.size(); ++k) begins[k] += kFrequencies - given;
  begins.back() = kFrequencies;
  return begins;
}

void RangeEncoder::add(std::uint64_t amount) {
  low_ += amount;
  if (low_ >= amount) return;
  std::size_t i = bytes_.size();  // the fraction is below 1, so the carry finds a byte that takes it
  while (++bytes_[--i] == 0) {
  }
}

void RangeEncoder::encode(SymbolRange symbol) {
  range_ >>= kProbabilityBits;
  add(range_ * symbol.begin);
  range_ *= symbol.size;
  for (; range_ < kSmallest; range_ <<= 8, low_ <<= 8) bytes_ += static_cast<char>(low_ >> 56);
}

std::string RangeEncoder::finish() {
  // The number in [low, low + range) that ends in the most zero bytes; those need not be written.
  std::uint64_t zeros = ~std::uint64_t{0};
  const auto rounded_up = [&] { return (low_ + zeros) & ~zeros; };
  while (rounded_up() - low_ >= range_) zeros >>= 8;
  add(rounded_up() - low_);
  for (int i = 0; i < 8; ++i, low_ <<= 8) bytes_ += static_cast<char>(low_ >> 56);
  while (!bytes_.empty() && bytes_.back() == 0) bytes_.pop_back();
  return std::move(bytes_);
}

RangeDecoder::RangeDecoder(std::string_view bytes) : bytes_(bytes) {
  for (int i = 0; i < 8; ++i) offset_ = offset_ << 8 | next_byte();
}

std::uint64_t RangeDecoder::next_byte() {
  return at_ < bytes_.size() ? static_cast<unsigned char>(bytes_[at_++]) : 0;
}

std::int64_t RangeDecoder::decode(std::span<const std::uint32_t> begins) {
  range_ >>= kProbabilityBits;
  const std::uint64_t at = std::min<std::uint64_t>(offset_ / range_, kFrequencies - 1);
  const auto next = std::upper_bound(begins.begin(), begins.end(), at);
  const std::uint64_t begin = *(next - 1), size = *next - begin;
  offset_ -= range_ * begin;
  range_ *= size;
  for (; range_ < kSmallest; range_ <<= 8) offset_ = offset_ << 8 | next_byte();
  return next - begins.begin() - 1;
}

}  // namespace gesso::nn
