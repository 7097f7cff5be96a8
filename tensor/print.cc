// Printing like NumPy: four decimals for floats unless they need more range, long extents abbreviated to three at each end.
#include <algorithm>
#include <cmath>
#include <ostream>

#include "tensor/tensor.h"

namespace gesso {
namespace {

constexpr std::int64_t kAbbreviateAbove = 1000;  // elements, as NumPy's threshold
constexpr std::int64_t kEdge = 3;                // elements kept at each end

class Printer {
 public:
  explicit Printer(const Tensor& t) : shape_(t.shape()), dtype_(t.dtype()), values_(t.to_vector<double>()) {
    abbreviate_ = shape_.size() > kAbbreviateAbove;
    double largest = 0, smallest = INFINITY;
    for (double v : values_)
      if (std::isfinite(v) && v != 0) {
        largest = std::max(largest, std::abs(v));
        smallest = std::min(smallest, std::abs(v));
      }
    scientific_ = largest >= 1e8 || (largest > 0 && (smallest < 1e-4 || largest / smallest > 1e3)) ? largest >= 1e8 || smallest < 1e-4
                                                                                                    : false;
    for (double v : values_) width_ = std::max(width_, format(v, 0).size());
  }

  std::string text() {
    std::string out;
    block(0, 0, 1, out);
    return out;
  }

 private:
  std::string format(double v, std::size_t width) const {
    std::string s;
    if (dtype_ == DType::b8)
      s = v != 0 ? "true" : "false";
    else if (dtype_ == DType::i64 || dtype_ == DType::u8)
      s = fmt::format("{}", static_cast<std::int64_t>(v));
    else
      s = scientific_ ? fmt::format("{:.4e}", v) : fmt::format("{:.4f}", v);
    return fmt::format("{:>{}}", s, width);
  }

  void block(int dim, std::int64_t at, int indent, std::string& out) {
    if (dim == shape_.rank()) {
      out += format(values_[static_cast<std::size_t>(at)], width_);
      return;
    }
    const std::int64_t n = shape_[dim], step = shape_.product(dim + 1, shape_.rank());
    const bool last = dim + 1 == shape_.rank();
    const std::string gap =
        last ? ", " : "," + std::string(static_cast<std::size_t>(shape_.rank() - dim - 1), '\n') + std::string(static_cast<std::size_t>(indent), ' ');
    out += '[';
    for (std::int64_t i = 0; i < n; ++i) {
      if (i) out += gap;
      if (abbreviate_ && n > 2 * kEdge && i == kEdge) {
        out += "..." + gap;
        i = n - kEdge;
      }
      block(dim + 1, at + i * step, indent + 1, out);
    }
    out += ']';
  }

  Shape shape_;
  DType dtype_;
  std::vector<double> values_;
  bool abbreviate_ = false, scientific_ = false;
  std::size_t width_ = 0;
};

}  // namespace

std::string Tensor::text() const { return defined() ? Printer(*this).text() : "undefined"; }

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.text(); }

}  // namespace gesso
