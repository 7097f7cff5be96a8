// What the tests of the SIMT emulation share: device memory, orders, and launches that must fail.
#pragma once

#include "kernels/simt/simt.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

namespace gesso::test {

/// n elements of device memory.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t n) : n_(n) {
    simt::check(cudaMalloc(&data_, n * sizeof(T)), "cudaMalloc");
  }
  explicit DeviceArray(const std::vector<T>& host) : DeviceArray(host.size()) {
    simt::check(cudaMemcpy(data_, host.data(), n_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  explicit DeviceArray(std::initializer_list<T> values) : DeviceArray(std::vector<T>(values)) {}
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  std::vector<T> host() const {
    std::vector<T> v(n_);
    simt::check(cudaMemcpy(v.data(), data_, n_ * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return v;
  }

 private:
  std::size_t n_;
  T* data_ = nullptr;
};

/// f() in each order of threads and blocks that every kernel is tested in.
template <class F>
void in_every_order(const F& f) {
  using simt::Order;
  const Order before = simt::order();
  for (const Order order : {Order{Order::forward}, Order{Order::reverse}, Order{Order::random, 1},
                            Order{Order::random, 2}, Order{Order::random, 3}}) {
    CAPTURE(order.kind);
    CAPTURE(order.seed);
    simt::set_order(order);
    f();
  }
  simt::set_order(before);
}

/// What f(), a launch that breaks a rule, is told.
template <class F>
std::string complaint(const F& f) {
  try {
    f();
  } catch (const simt::EmulationError& error) {
    return error.what();
  }
  return "no complaint";
}

}  // namespace gesso::test
