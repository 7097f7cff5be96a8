// What the tests of the SIMT emulation share: orders, and launches that must fail.
#pragma once

#include "tests/simt/device_array.h"

#include <doctest/doctest.h>

#include <string>

namespace gesso::test {

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
