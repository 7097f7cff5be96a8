// Tensor: an n-dimensional array, contiguous and row-major, a handle on shared storage.
//
// Copying a Tensor copies the handle; reshape() and slice() are views of the same storage. Whoever wants to write asks
// for mutable_data(), which advances the storage's version: that is how autograd notices in-place updates.
#pragma once

#include "kernels/device.h"
#include "tensor/error.h"
#include "tensor/shape.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gesso {

using kernels::Device;
using kernels::DType;

const char* name(DType t);  // "f32", "f64", "i64", "u8", "b8"
const char* name(Device d);
int size_of(DType t);  // bytes

/// The dtype whose elements are of type T.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, float>) return DType::f32;
  if constexpr (std::same_as<T, double>) return DType::f64;
  if constexpr (std::same_as<T, std::int64_t>) return DType::i64;
  if constexpr (std::same_as<T, std::uint8_t>) return DType::u8;
  if constexpr (std::same_as<T, bool>) return DType::b8;
}

/// A block of memory on a device, shared by the tensors that view it.
struct Storage {
  Storage(std::size_t size, Device where);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data;
  std::size_t bytes;
  Device device;
  std::uint32_t version = 0;  // how often write access was asked for
};

class Tensor {
 public:
  Tensor() = default;  // undefined: no storage
  /// Uninitialised elements. Throws where there is no such device, or no memory for them.
  explicit Tensor(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);

  /// Elements copied from `values`; T is float, double, int64_t, uint8_t or bool.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape);
  template <class T>
  static Tensor from(std::initializer_list<T> values) {
    return from(values, {static_cast<std::int64_t>(values.size())});
  }
  template <class T>
  static Tensor from(std::initializer_list<T> values, const Shape& shape) {
    return from(std::span<const T>(values.begin(), values.size()), shape);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }

  bool defined() const { return storage_ != nullptr; }
  explicit operator bool() const { return defined(); }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  std::int64_t dim(int i) const { return shape_[shape_.axis("dim", i)]; }
  std::int64_t size() const { return shape_.size(); }
  std::size_t bytes() const {
    return static_cast<std::size_t>(size()) * static_cast<std::size_t>(size_of(dtype_));
  }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device : Device::cpu; }

  /// The elements, to read. Throws unless T is the tensor's dtype, and the tensor on the CPU.
  template <class T>
  const T* data() const {
    check_dtype(dtype_of<T>());
    check_on_cpu();
    return reinterpret_cast<const T*>(raw());
  }
  /// The elements, to write: advances version().
  template <class T>
  T* mutable_data() {
    check_dtype(dtype_of<T>());
    check_on_cpu();
    return reinterpret_cast<T*>(mutable_raw());
  }
  /// The same for kernels of the tensor's device: pointers into its memory.
  template <class T>
  const T* device_data() const {
    check_dtype(dtype_of<T>());
    return reinterpret_cast<const T*>(raw());
  }
  template <class T>
  T* mutable_device_data() {
    check_dtype(dtype_of<T>());
    return reinterpret_cast<T*>(mutable_raw());
  }
  const std::byte* raw() const { return storage_ ? storage_->data + offset_ : nullptr; }
  std::byte* mutable_raw() {
    if (!storage_) return nullptr;
    ++storage_->version;
    return storage_->data + offset_;
  }
  std::uint32_t version() const { return storage_ ? storage_->version : 0; }

  /// The same elements under another shape; one extent may be -1. A view.
  Tensor reshape(const Shape& shape) const;
  /// Elements [begin, end) of the leading dimension. A view. Negative numbers count from the end.
  Tensor slice(std::int64_t begin, std::int64_t end) const;
  /// Element i of the leading dimension, which is dropped. A view.
  Tensor operator[](std::int64_t i) const;

  /// The only element, as a double.
  double item() const;
  /// The elements, converted to T, as a vector.
  template <class T>
  std::vector<T> to_vector() const;

  /// Converted: fractions are cut off, what is out of range becomes the nearest number that is not, NaN becomes 0; as b8,
  /// whether an element differs from 0. The same handle when nothing changes.
  Tensor to(DType dtype) const;
  /// Copied to another device; the same handle when it is there already.
  Tensor to(Device device) const;
  Tensor clone() const;

  /// As NumPy prints: nested brackets, long extents abbreviated.
  std::string text() const;

 private:
  void check_dtype(DType wanted) const;
  void check_on_cpu() const;

  std::shared_ptr<Storage> storage_;
  std::size_t offset_ = 0;  // bytes
  Shape shape_{0};
  DType dtype_ = DType::f32;
};

std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace gesso
