// Printing as NumPy 2 prints: all numbers of a tensor in one width, each with the fewest digits that tell it from its
// neighbours but at most 8 after the point, in scientific notation where the range is wide.
#include "tensor/ops.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <ostream>

namespace gesso {
namespace {

constexpr std::int64_t kAbbreviateAbove = 1000;  // elements
constexpr std::int64_t kEdge = 3;                // entries kept at each end of an abbreviated dimension
constexpr std::size_t kLineWidth = 75;
constexpr int kPrecision = 8;  // digits after the point

// ---- one number -------------------------------------------------------------------------------------------------------

/// A finite number in pieces: -12.5e+03 is "-12", "5", "e+03".
struct Decimal {
  std::string whole, fraction, exponent;
};

/// The digits of v, the fewest that only v reads back from unless a precision is given; no zeros at the end.
template <class T, class... Precision>
Decimal digits(T v, std::chars_format format, Precision... precision) {
  char buffer[64];
  const std::string s(buffer, std::to_chars(buffer, buffer + sizeof buffer, v, format, precision...).ptr);
  const std::size_t e = std::min(s.find('e'), s.size()), point = std::min(s.find('.'), e);
  Decimal d{s.substr(0, point), point < e ? s.substr(point + 1, e - point - 1) : "", s.substr(e)};
  d.fraction.erase(d.fraction.find_last_not_of('0') + 1);
  return d;
}

/// v with at most `precision` digits after the point; without an exponent the digits of the scientific form are moved, so
/// that what comes after the last of them is 0 and not more of v's value.
template <class T>
Decimal number(T v, bool with_exponent, int precision) {
  if (!std::isfinite(v)) return {std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf", "", ""};
  Decimal d = digits(v, std::chars_format::scientific);
  const int power = with_exponent ? 0 : std::stoi(d.exponent.substr(1));
  const int behind = static_cast<int>(d.fraction.size()) - power;  // digits after the point
  if (behind > precision)
    return digits(v, with_exponent ? std::chars_format::scientific : std::chars_format::fixed, precision);
  if (with_exponent) return d;
  const std::size_t sign = std::signbit(v), point = static_cast<std::size_t>(std::max(power, 0)) + 1;
  std::string all = d.whole.substr(sign) + d.fraction;
  if (power < 0) all.insert(0, static_cast<std::size_t>(-power), '0');
  if (behind < 0) all.append(static_cast<std::size_t>(-behind), '0');
  return {d.whole.substr(0, sign) + all.substr(0, point), all.substr(point), ""};
}

/// A number by itself, with all its digits.
template <class T>
std::string alone(T v) {
  const double size = std::abs(double{v});
  const bool moderate = size == 0 || (size >= 1e-4 && size < (sizeof(T) == 4 ? 1e6 : 1e16));
  const Decimal d = number(v, !moderate, 99);
  const std::string point = !d.fraction.empty() ? '.' + d.fraction : moderate ? ".0" : "";
  return d.whole + point + d.exponent;
}

// ---- many numbers, in one width ---------------------------------------------------------------------------------------

/// Whether the numbers are too large, too small or too far apart for plain notation.
template <class T>
bool wide_range(const std::vector<T>& values) {
  T largest = 0, smallest = std::numeric_limits<T>::max();
  for (T v : values) {
    if (!std::isfinite(v) || v == 0) continue;
    largest = std::max(largest, std::abs(v));
    smallest = std::min(smallest, std::abs(v));
  }
  const T limit = sizeof(T) == 4 ? T(1e6) : T(1e8);  // as many digits as the type has for sure, at most 8
  return largest > 0 && (largest >= limit || smallest < T(1e-4) || largest / smallest > 1000);
}

template <class T>
std::vector<std::string> words(const std::vector<T>& values) {
  const bool with_exponent = wide_range(values);
  std::vector<Decimal> parts;
  std::size_t whole = 0, fraction = 0, exponent = 0, longest = 0;
  for (T v : values) {
    const Decimal& d = parts.emplace_back(number(v, with_exponent, kPrecision));
    if (!std::isfinite(v)) longest = std::max(longest, d.whole.size());
    if (std::isfinite(v)) whole = std::max(whole, d.whole.size());
    fraction = std::max(fraction, d.fraction.size());
    exponent = std::max(exponent, d.exponent.size());
  }
  const std::size_t width = std::max(longest, whole + 1 + fraction + exponent);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Decimal& d = parts[i];
    if (std::isfinite(values[i])) {
      // NumPy fills up with more of the exact value here, although fewer digits tell it from its neighbours.
      if (with_exponent && d.fraction.size() < fraction)
        d = digits(values[i], std::chars_format::scientific, static_cast<int>(fraction));
      d.fraction.resize(fraction, with_exponent ? '0' : ' ');
      if (with_exponent) d.exponent.insert(2, exponent - d.exponent.size(), '0');
      d.whole += '.';
    }
    out.push_back(fmt::format("{:>{}}", d.whole + d.fraction + d.exponent, width));
  }
  return out;
}

std::vector<std::string> words(const Tensor& x) {
  if (x.dtype() == DType::f32) return words(x.to_vector<float>());
  if (x.dtype() == DType::f64) return words(x.to_vector<double>());
  std::vector<std::string> out;
  std::size_t width = 0;
  for (std::int64_t v : x.to_vector<std::int64_t>()) {
    out.push_back(x.dtype() != DType::b8 ? std::to_string(v) : v ? " True" : "False");
    width = std::max(width, out.back().size());
  }
  for (std::string& s : out) s.insert(0, width - s.size(), ' ');
  return out;
}

// ---- brackets and lines -----------------------------------------------------------------------------------------------

struct Layout {
  Shape shape;
  bool abbreviated = shape.size() > kAbbreviateAbove;
  std::vector<std::string> words = {};
  std::size_t next = 0;
  std::string out = {};

  /// f(i) for the entries of dimension d that are shown, f(-1) once for those left out.
  template <class F>
  void for_entries(int d, const F& f) const {
    const bool cut = abbreviated && shape[d] > 2 * kEdge;
    for (std::int64_t i = 0; i < shape[d]; ++i) {
      if (cut && i == kEdge) {
        f(-1);
        i = shape[d] - kEdge;
      }
      f(i);
    }
  }

  void list_shown(int d, std::int64_t at, std::vector<std::int64_t>& numbers) const {
    if (d == shape.rank()) return numbers.push_back(at);
    for_entries(d, [&](std::int64_t i) {
      if (i >= 0) list_shown(d + 1, at * shape[d] + i, numbers);
    });
  }

  void block(int d) {
    const auto indent = static_cast<std::size_t>(d) + 1;
    const int below = shape.rank() - 1 - d;  // dimensions inside this one
    std::size_t column = indent;
    out += '[';
    for_entries(d, [&](std::int64_t i) {
      if (below > 0) {
        if (i != 0) out += std::string(static_cast<std::size_t>(below), '\n') + std::string(indent, ' ');
        return i < 0 ? void(out += "...") : block(d + 1);
      }
      const std::string word = i < 0 ? "..." : words[next++];
      if (i != 0) {
        out += ' ';
        // room must be left for the brackets that may follow
        if (++column + word.size() > kLineWidth - indent) {
          out.erase(out.find_last_not_of(' ') + 1);
          out += '\n' + std::string(column = indent, ' ');
        }
      }
      out += word;
      column += word.size();
    });
    out += ']';
  }
};

}  // namespace

std::string Tensor::text() const {
  if (!defined()) return "undefined";
  if (size() == 0) return "[]";
  if (rank() == 0) {
    if (dtype_ == DType::f32) return alone(to_vector<float>()[0]);
    if (dtype_ == DType::f64) return alone(item());
    const std::string s = words(*this)[0];
    return s.substr(s.find_first_not_of(' '));  // " True"
  }
  Layout layout{shape_};
  std::vector<std::int64_t> shown;
  layout.list_shown(0, 0, shown);
  const Tensor index = Tensor::from(shown, {static_cast<std::int64_t>(shown.size())});
  layout.words = words(tensor::take_rows(reshape({-1}), index));
  layout.block(0);
  return layout.out;
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.text(); }

}  // namespace gesso
