// A range coder: a sequence of symbols as a fraction, in as many bits as it is unlikely. Rissanen 1976; Martin 1979.
//
// All sequences share [0,1). Each symbol keeps, of the interval that was left, the part that is its own: of size p(symbol), after
// the parts of the symbols before it in the alphabet. After n symbols the interval has size prod p, and the shortest binary
// fraction inside takes -log2(prod p) bits and at most a few more. Who decodes knows the same p and sees in whose part the
// fraction lies.
//
// Numbers have 64 bits: `low` is the fraction's lower end from the first byte that is not written yet, `range` the size of the
// interval, from 2^56 up to 2^64, so that a probability of 24 bits keeps it above 2^32 and what rounding loses is below 2^-32 of a
// symbol. A sum that overflows `low` carries into bytes that are written already.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gesso::nn {

/// All frequencies add up to this.
inline constexpr std::uint32_t kFrequencies = 1u << 24;

/// A symbol's part of [0, kFrequencies).
struct SymbolRange {
  std::uint32_t begin, size;
};

/// Probabilities p (K), not negative, as whole numbers: where the parts of the symbols begin, K + 1 numbers from 0 to kFrequencies.
/// Every symbol gets at least 1, however unlikely, so that it can be coded. The same p give the same numbers. Throws Error for a p
/// that is negative or not finite, if all are 0, or if K is not from 1 to 2^20.
std::vector<std::uint32_t> symbol_ranges(std::span<const float> p);

class RangeEncoder {
 public:
  void encode(SymbolRange symbol);
  /// The bytes. No symbol may follow.
  std::string finish();

 private:
  void add(std::uint64_t amount);

  std::string bytes_;
  std::uint64_t low_ = 0, range_ = ~std::uint64_t{0};
};

/// Reads what RangeEncoder wrote; after its end come zeros. Other bytes make other symbols, and nothing worse.
class RangeDecoder {
 public:
  /// `bytes` must outlive this object.
  explicit RangeDecoder(std::string_view bytes);
  /// The next symbol: that in whose part the fraction lies. `begins` as of symbol_ranges().
  std::int64_t decode(std::span<const std::uint32_t> begins);

 private:
  std::uint64_t next_byte();

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0, range_ = ~std::uint64_t{0};  // of the fraction from `low`
};

}  // namespace gesso::nn
