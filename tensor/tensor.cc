#include "tensor/tensor.h"

#include "tensor/ops.h"
#include "tensor/walk.h"

#include <cstring>
#include <new>

namespace gesso {

const char* name(DType t) {
  static constexpr const char* names[] = {"f32", "f64", "i64", "u8", "b8"};
  return names[static_cast<int>(t)];
}
const char* name(Device d) {
  static constexpr const char* names[] = {"cpu", "cuda", "emu"};
  return names[static_cast<int>(d)];
}
int size_of(DType t) {
  static constexpr int sizes[] = {4, 8, 8, 1, 1};
  return sizes[static_cast<int>(t)];
}

Storage::Storage(std::size_t size, Device where)
    : data(static_cast<std::byte*>(tensor::backend_of(where).memory->allocate(size))),
      bytes(size),
      device(where) {}
Storage::~Storage() { tensor::backend_of(device).memory->release(data, bytes); }

Tensor::Tensor(const Shape& shape, DType dtype, Device device) : shape_(shape), dtype_(dtype) {
  shape.check_extents("allocate", size_of(dtype));
  try {
    storage_ = std::make_shared<Storage>(bytes(), device);
  } catch (const std::bad_alloc&) {
    throw Error("allocate: no memory on {} for a tensor of {} {}: {} bytes", name(device), name(dtype), shape,
                bytes());
  }
}

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  shape.check_extents("from");
  check(static_cast<std::int64_t>(values.size()) == shape.size(),
        "from: {} values for shape {}, which has {} elements", values.size(), shape, shape.size());
  Tensor t(shape, dtype_of<T>());
  if (!values.empty()) std::memcpy(t.mutable_raw(), values.data(), values.size_bytes());
  return t;
}
template Tensor Tensor::from(std::span<const float>, const Shape&);
template Tensor Tensor::from(std::span<const double>, const Shape&);
template Tensor Tensor::from(std::span<const std::int64_t>, const Shape&);
template Tensor Tensor::from(std::span<const std::uint8_t>, const Shape&);
template Tensor Tensor::from(std::span<const bool>, const Shape&);

void Tensor::check_dtype(DType wanted) const {
  check(defined(), "the elements of an undefined tensor read as {}", name(wanted));
  check(dtype_ == wanted, "a tensor of {} read as {}; convert it by to(DType::{})", name(dtype_),
        name(wanted), name(wanted));
}

void Tensor::check_on_cpu() const {
  check(device() == Device::cpu, "the elements of a tensor on {} read by the CPU; copy it by to(Device::cpu)",
        name(device()));
}

Tensor Tensor::reshape(const Shape& wanted) const {
  tensor::check_defined("reshape", *this);
  Shape shape = wanted;
  int open = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] != -1) continue;
    check(open < 0, "reshape: {} to {}: only one extent may be -1", shape_, wanted);
    open = i;
    shape[i] = 1;
  }
  shape.check_extents("reshape");
  if (open >= 0) {
    check(shape.size() > 0, "reshape: {} to {}: beside an extent of 0 there is no telling what -1 stands for",
          shape_, wanted);
    shape[open] = size() / shape.size();
  }
  check(shape.size() == size(), "reshape: {} has {} elements, {} does not fit", shape_, size(), wanted);
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  tensor::check_defined("slice", *this);
  const auto [b, e] = tensor::range("slice", *this, 0, begin, end);
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
  tensor::check_defined("item", *this);
  check(size() == 1, "item: shape {} has {} elements, not one", shape_, size());
  return to(Device::cpu).to(DType::f64).data<double>()[0];
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor t = to(Device::cpu).to(dtype_of<T>());
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
  if (!defined() || device == this->device()) return *this;
  check(device == Device::cpu || this->device() == Device::cpu, "to: from {} to {} only by way of the CPU",
        name(this->device()), name(device));
  Tensor copy(shape_, dtype_, device);
  if (device == Device::cpu)
    tensor::backend_of(this->device()).memory->to_host(copy.mutable_raw(), raw(), bytes());
  else
    tensor::backend_of(device).memory->from_host(copy.mutable_raw(), raw(), bytes());
  return copy;
}
Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy(shape_, dtype_, device());
  tensor::backend_of(device()).memory->copy(copy.mutable_raw(), raw(), bytes());
  return copy;
}

}  // namespace gesso
