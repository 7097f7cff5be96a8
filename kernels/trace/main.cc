// gesso-trace: what a kernel would make a GPU's memory do, line by line of its source.
#include "kernels/trace/cases.h"
#include "kernels/trace/table.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <optional>

using namespace gesso::simt::trace;

namespace {

void list() {
  fmt::print("gesso-trace KERNEL [--size n] [--json]: the memory accesses of\n\n");
  for (const Case& c : cases()) fmt::print("  {:20} {} (n = {})\n", c.name, c.what, c.size);
  fmt::print("\ndocs/cuda-on-a-laptop.md says how to read the tables.\n");
}

void trace(const Case& c, std::int64_t size, bool json) {
  constexpr std::int64_t kLargest = 1 << 24;  // so that no array's size overflows
  if (size < 1 || size > kLargest || size % c.step != 0)
    throw std::invalid_argument(fmt::format("{}: n is a multiple of {} from {} to {}, not {}", c.name, c.step,
                                            c.step, kLargest, size));
  const Counter counter;
  const double multiply_adds = [&] {
    try {
      return c.run(size);
    } catch (const std::bad_alloc&) {
      throw std::runtime_error(
          fmt::format("{}: n = {} needs more memory than the emulated device has", c.name, size));
    }
  }();
  const std::vector<Table> tables = tables_of(counter.kernels());
  const std::string text =
      json ? as_json(c.name, tables, multiply_adds) + "\n"
           : fmt::format("{}: {} (n = {})\n\n", c.name, c.what, size) + as_text(tables, multiply_adds);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::string kernel;
  std::optional<std::int64_t> size;
  bool json = false;
  CLI::App app{"What a kernel would make a GPU's memory do, line by line of its source"};
  app.add_option("KERNEL", kernel, "one of those that gesso-trace lists without arguments");
  app.add_option("--size", size, "n, as the list means it");
  app.add_flag("--json", json, "one JSON object");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) ? 2 : 0;
  }
  try {
    if (kernel.empty()) {
      list();
    } else {
      const Case& c = find_case(kernel);
      trace(c, size.value_or(c.size), json);
    }
  } catch (const std::invalid_argument& e) {
    fmt::print(stderr, "gesso-trace: {}\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "gesso-trace: {}\n", e.what());
    return 1;
  }
  return 0;
}
