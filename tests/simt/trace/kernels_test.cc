// What gesso's own kernels do to memory, which must not get worse unnoticed; and how it is told.
#include "kernels/trace/cases.h"
#include "kernels/trace/source.h"
#include "kernels/trace/table.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/wait.h>

using namespace gesso::simt;
using namespace gesso::simt::trace;

namespace {

struct Traced {
  std::vector<Table> tables;
  double multiply_adds;

  /// Of all kernels and lines of one space.
  Row total(Space space) const {
    Row all;
    for (const Table& t : tables) {
      const Access a = t.total(space).sum;
      all.sum.requests += a.requests, all.sum.bytes += a.bytes, all.sum.cost += a.cost,
          all.sum.least += a.least;
    }
    return all;
  }
  double excess(Space space) const { return total(space).excess(); }
  double bytes_per_multiply_add() const {
    return double(total(Space::global).sum.cost) * kSector / multiply_adds;
  }

  /// The rows of the first kernel whose source has this in it.
  std::vector<Row> rows(const std::string& text) const {
    std::vector<Row> found;
    for (const Row& r : tables.at(0).rows)
      if (r.text.find(text) != std::string::npos) found.push_back(r);
    return found;
  }
};

Traced traced(const char* name) {
  const Case& c = find_case(name);
  const Counter counter;
  const double multiply_adds = c.run(c.size);
  return {tables_of(counter.kernels()), multiply_adds};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("kernels that read and write memory as it lies move nothing in vain") {
  for (const char* name : {"matmul",       "matmul-transposed",
                           "matmul-tf32",  "conv2d",
                           "conv2d-input", "conv2d-filter",
                           "conv2d-tf32",  "sum",
                           "sum-rows",     "sum-columns",
                           "softmax",      "cumsum",
                           "transpose",    "take-rows",
                           "add-rows",     "leaky-relu",
                           "add-row",      "adam",
                           "normal",       "max-pool"}) {
    CAPTURE(std::string(name));
    CHECK(traced(name).excess(Space::global) == 1);
  }
}

TEST_CASE("shared memory without bank conflicts") {
  for (const char* name : {"matmul", "matmul-transposed", "matmul-tf32", "conv2d-filter", "sum",
                           "sum-columns", "cumsum", "transpose", "moments"}) {
    CAPTURE(std::string(name));
    const Traced t = traced(name);
    CHECK(t.total(Space::shared).sum.requests > 0);
    CHECK(t.excess(Space::shared) == 1);
  }
}

TEST_CASE("loads and stores of a warp are 512 bytes where arrays are long and aligned") {
  for (const char* name : {"leaky-relu", "adam", "normal"}) {
    CAPTURE(std::string(name));
    const Access a = traced(name).total(Space::global).sum;
    CHECK(a.bytes == a.requests * 512);
  }
  // batch norm: lanes have neighbouring channels, so a request is 16 sectors; with a row to a lane it would be 32, 8 times as
  // many as its bytes need
  const Traced sums = traced("batch-norm-sums");
  for (const char* load : {"x[u] = load<V>", "d[u] = load<V>"}) {
    const std::vector<Row> rows = sums.rows(load);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].sum.requests == 1024);  // 2048 rows of 64 floats
    CHECK(rows[0].sum.cost == 16 * 1024);
    CHECK(rows[0].excess() == 1);
  }
  CHECK(traced("column-sums-naive").rows("sum += x[")[0].excess() == 8);
}

TEST_CASE("products read their matrices once for each tile of the other") {
  // 128 = 4 tiles of 32: A and B are read 4 times, C is written once
  CHECK(traced("matmul").bytes_per_multiply_add() == (4 + 4 + 1) * 128 * 128 * 4 / (128. * 128 * 128));
  // 2 tiles of 64
  CHECK(traced("matmul-tf32").bytes_per_multiply_add() == (2 + 2 + 1) * 128 * 128 * 4 / (128. * 128 * 128));
}

TEST_CASE("a transpose, three ways") {
  const Traced naive = traced("transpose-naive"), unpadded = traced("transpose-unpadded"),
               own = traced("transpose");
  CHECK(naive.rows("y[j * n + i] = x[i * n + j]").size() == 2);  // the load, and the store to 32 rows
  CHECK(naive.total(Space::global).sum.cost == 512 * (4 + 32));
  CHECK(unpadded.total(Space::global).sum.cost == 512 * (4 + 4));
  CHECK(unpadded.total(Space::shared).sum.cost == 512 * (1 + 32));
  CHECK(own.total(Space::shared).sum.cost == 512 * (1 + 1));
}

TEST_CASE("counts do not depend on the order of threads") {
  for (const char* name : {"matmul", "batch-norm-sums", "add-rows"}) {
    CAPTURE(std::string(name));
    const Traced forward = traced(name);
    for (const char* order : {"reverse", "random:1"}) {
      set_order(parse_order(order));
      const Traced other = traced(name);
      set_order({});
      for (const Space space : {Space::global, Space::shared}) {
        CHECK(other.total(space).sum.requests == forward.total(space).sum.requests);
        CHECK(other.total(space).sum.cost == forward.total(space).sum.cost);
      }
    }
  }
}

TEST_CASE("accesses are told by the line that makes them, and by its callers") {
  const Traced t = traced("transpose");
  REQUIRE(t.tables.size() == 1);
  CHECK(t.tables[0].kernel == "copy_tiles<unsigned int>");
  const std::vector<Row> out = t.rows("= tile[column][row];");
  REQUIRE(out.size() == 2);
  for (const Row& r : out) {
    CHECK(r.file == "move.cu");
    CHECK(r.text == source_line(GESSO_SOURCE_DIR "/kernels/cuda/move.cu", r.line));
    CHECK(r.callers.empty());
  }
  // what a helper loads is the line's that calls it; a line that is inlined names its callers
  const std::vector<Row> columns = traced("moments").rows("p[u] = load<V>");
  REQUIRE(columns.size() == 1);
  CHECK(columns[0].file == "norm.cu");
  CHECK(has(columns[0].callers, "columns.cuh:"));
  // of two loads on one line the wasteful one stands alone: of the filter's 9 taps to a channel
  const std::vector<Row> taps = traced("depthwise").rows("sum += image[");
  REQUIRE(taps.size() == 2);
  CHECK(std::min(taps[0].excess(), taps[1].excess()) == 1);
}

TEST_CASE("every case has a table of at most 130 columns") {
  for (const Case& c : cases()) {
    CAPTURE(std::string(c.name));
    const Traced t = traced(c.name);
    CHECK(!t.tables.empty());
    for (const Table& table : t.tables) {
      CHECK(!table.kernel.empty());
      CHECK(!table.rows.empty());
      for (const Row& r : table.rows) CHECK(!r.text.empty());
    }
    std::istringstream lines(as_text(t.tables, t.multiply_adds));
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 130);
  }
}

TEST_CASE("text and JSON tell the same") {
  const Traced t = traced("matmul");
  const std::string text = as_text(t.tables, t.multiply_adds);
  CHECK(has(text, "2097152 multiply-adds: 0.281 bytes of global memory for each"));
  const auto json = nlohmann::json::parse(as_json("matmul", t.tables, t.multiply_adds));
  CHECK(json["case"] == "matmul");
  CHECK(json["multiply_adds"] == 2097152);
  CHECK(json["global_bytes"] == 9 * 128 * 128 * 4);
  REQUIRE(json["kernels"].size() == 1);
  const auto& kernel = json["kernels"][0];
  std::int64_t requests = 0;
  for (const auto& line : kernel["lines"])
    if (line["space"] == "global") requests += line["requests"].get<std::int64_t>();
  CHECK(kernel["global"]["requests"] == requests);
  CHECK(kernel["global"]["sectors"] == kernel["global"]["fewest_sectors"]);
  CHECK(has(text, "global memory: " + std::to_string(requests) + " requests"));
  CHECK(nlohmann::json::parse(as_json("sum", traced("sum").tables, 0))["multiply_adds"].is_null());
  CHECK(has(as_text(traced("transpose-naive").tables, 0), "<- 8.0 times the fewest"));
  CHECK(has(as_text(traced("transpose-unpadded").tables, 0), "<- bank conflicts"));
}

TEST_CASE("a kernel that is not known is answered by the names of those that are") {
  CHECK_THROWS_WITH_AS(find_case("transpos"),
                       doctest::Contains("no kernel \"transpos\" to trace; there are matmul, "),
                       std::invalid_argument);
}

// ---- the command ------------------------------------------------------------------------------------------

namespace {

struct Answer {
  int status;
  std::string text;
};
Answer gesso_trace(const std::string& arguments) {
  std::FILE* pipe = popen((std::string(GESSO_TRACE_COMMAND) + " " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  Answer a;
  for (int c; (c = std::getc(pipe)) != EOF;) a.text += char(c);
  const int status = pclose(pipe);
  a.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return a;
}

}  // namespace

TEST_CASE("gesso-trace lists, traces, and says what it cannot") {
  const Answer list = gesso_trace("");
  CHECK(list.status == 0);
  for (const Case& c : cases()) CHECK(has(list.text, std::string("  ") + c.name + " "));
  const Answer table = gesso_trace("transpose --size 64");
  CHECK(table.status == 0);
  CHECK(has(table.text, "transpose: y = x' of (n,n) (n = 64)"));
  CHECK(has(table.text, "tile[row][column] = x["));
  const Answer json = gesso_trace("sum-rows --json");
  CHECK(json.status == 0);
  CHECK(nlohmann::json::parse(json.text)["case"] == "sum-rows");

  const auto refused = [](const std::string& arguments, const std::string& why) {
    CAPTURE(arguments);
    const Answer a = gesso_trace(arguments);
    CHECK(a.status == 2);
    CHECK(has(a.text, why));
  };
  refused("transpos", "gesso-trace: no kernel \"transpos\" to trace; there are matmul, ");
  refused("transpose-unpadded --size 33", "n is a multiple of 32 from 32 to 16777216, not 33");
  refused("sum --size 0", "n is a multiple of 1 from 1 to 16777216, not 0");
  refused("sum --size many", "many");
  refused("sum --fast", "fast");
  const Answer large = gesso_trace("transpose --size 65536");
  CHECK(large.status == 1);
  CHECK(has(large.text, "transpose: n = 65536 needs more memory than the emulated device has"));
}
