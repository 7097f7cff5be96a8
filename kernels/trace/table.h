// What was counted, by lines of source: as tables and as JSON.
#pragma once

#include "kernels/trace/counter.h"

#include <string>
#include <vector>

namespace gesso::simt::trace {

/// What one line of source does to memory, in one way and for one caller.
struct Row {
  std::string file;  // its name alone
  int line = 0;
  std::string text;
  std::string callers;  // the next two lines out, for which this one was inlined: "norm.cu:79, 103"
  Access sum;

  /// How many times as much as it need be is moved, or waited for.
  double excess() const { return sum.least ? double(sum.cost) / double(sum.least) : 1; }
};

/// One kernel; its lines in the order in which its first thread came to them.
struct Table {
  std::string kernel;
  int launches = 0;
  dim3 grid, block;
  std::vector<Row> rows;

  /// The sum of all rows of one space.
  Row total(Space space) const;
};

/// Accesses of one kind on the same line, for the same callers, become one row; wasteful ones another, lest others hide them.
std::vector<Table> tables_of(const std::vector<KernelCount>& counts);

/// Tables of at most 130 columns. `multiply_adds` are those of all launches together; 0 where that is no measure of them.
std::string as_text(const std::vector<Table>& tables, double multiply_adds);
/// The same as one JSON object.
std::string as_json(const std::string& name, const std::vector<Table>& tables, double multiply_adds);

}  // namespace gesso::simt::trace
