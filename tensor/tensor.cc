#include "tensor/tensor.h"

#include <cstring>

#include "tensor/allocator.h"
#include "tensor/ops.h"

namespace gesso {

const char* name(DType t) {
  constexpr const char* names[] = {"f32", "f64", "i64", "u8", "b8"};
  return names[static_cast<int>(t)];
}
const char* name(Device) { return "cpu"; }
int size_of(DType t) {
  constexpr int sizes[] = {4, 8, 8, 1, 1};
  return sizes[static_cast<int>(t)];
}

Storage::Storage(std::size_t size, Device where)
    : data(static_cast<std::byte*>(allocate(size))), bytes(size), device(where) {}
Storage::~Storage() { release(data, bytes); }

Tensor::Tensor(const Shape& shape, DType dtype, Device device) : shape_(shape), dtype_(dtype) {
  std::int64_t size = size_of(dtype);
  for (std::int64_t d : shape) {
    check(d >= 0, "a tensor of shape {}: extents cannot be negative", shape);
    check(!__builtin_mul_overflow(size, d, &size), "a tensor of shape {} is larger than any memory", shape);
  }
  storage_ = std::make_shared<Storage>(static_cast<std::size_t>(size), device);
}

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  check(static_cast<std::int64_t>(values.size()) == shape.size(), "from: {} values for shape {}, which has {} elements",
        values.size(), shape, shape.size());
  Tensor t(shape, dtype_of<T>());
  T* out = t.mutable_data<T>();
  if (!values.empty()) std::memcpy(out, values.data(), values.size_bytes());
  return t;
}
template Tensor Tensor::from(std::span<const float>, const Shape&);
template Tensor Tensor::from(std::span<const double>, const Shape&);
template Tensor Tensor::from(std::span<const std::int64_t>, const Shape&);
template Tensor Tensor::from(std::span<const std::uint8_t>, const Shape&);
template Tensor Tensor::from(std::span<const bool>, const Shape&);

void Tensor::check_dtype(DType wanted) const {
  check(dtype_ == wanted, "a tensor of {} read as {}; convert it by to(DType::{})", name(dtype_), name(wanted),
        name(wanted));
}

Tensor Tensor::reshape(const Shape& wanted) const {
  Shape shape = wanted;
  std::int64_t known = 1;
  int open = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    check(shape[i] >= 0 || (shape[i] == -1 && open < 0), "reshape: {} to {}: one extent may be -1, others are at least 0",
          shape_, wanted);
    if (shape[i] == -1)
      open = i;
    else
      known *= shape[i];
  }
  if (open >= 0 && known > 0) shape[open] = size() / known;
  check(shape.size() == size() && (open < 0 || known > 0), "reshape: {} has {} elements, {} does not fit", shape_, size(),
        wanted);
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  check(rank() > 0, "slice: a 0-dimensional tensor has no leading dimension");
  const std::int64_t n = shape_[0];
  const std::int64_t b = begin < 0 ? begin + n : begin, e = end < 0 ? end + n : end;
  check(0 <= b && b <= e && e <= n, "slice: [{}, {}) of shape {}, whose leading dimension has {} elements", begin, end,
        shape_, n);
  Tensor view = *this;
  view.offset_ += static_cast<std::size_t>(b * shape_.product(1, rank()) * size_of(dtype_));
  view.shape_[0] = e - b;
  return view;
}

Tensor Tensor::operator[](std::int64_t i) const {
  check(rank() > 0 && i >= -shape_[0] && i < shape_[0], "[{}]: shape {} has no such element", i, shape_);
  const std::int64_t k = i < 0 ? i + shape_[0] : i;
  return slice(k, k + 1).reshape(Shape(std::span(shape_.begin() + 1, shape_.end())));
}

double Tensor::item() const {
  check(defined() && size() == 1, "item: shape {} has {} elements, not one", shape_, size());
  return to_vector<double>()[0];
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor t = to(dtype_of<T>());
  const T* p = t.data<T>();
  return std::vector<T>(p, p + size());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<std::int64_t> Tensor::to_vector() const;
template std::vector<std::uint8_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

Tensor Tensor::to(DType dtype) const { return dtype == dtype_ ? *this : tensor::cast(*this, dtype); }
Tensor Tensor::to(Device device) const {
  check(device == this->device(), "to: no copy from {} to {}", name(this->device()), name(device));
  return *this;
}
Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy(shape_, dtype_, device());
  std::memcpy(copy.mutable_raw(), raw(), bytes());
  return copy;
}

}  // namespace gesso
