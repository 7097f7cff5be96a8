// From addresses in this program to its source, by the debug information that it was compiled with.
#pragma once

#include <string>
#include <vector>

namespace gesso::simt::trace {

struct Frame {
  std::string function, file;
  int line = 0;  // 0: unknown
};

/// Where each of the instructions before the return addresses `pcs` stands: the function it was written in, the one that was
/// inlined into, and so on to the one that was not. Asks addr2line (binutils) once; throws std::runtime_error without it.
std::vector<std::vector<Frame>> frames_of(const std::vector<const void*>& pcs);

/// The function that begins at p, without its parameters and namespaces: "fold_columns<4, MomentsFold<float>>".
std::string function_name(const std::string& demangled);

/// Line `line` of a file without white space around it; empty where there is none.
std::string source_line(const std::string& file, int line);

}  // namespace gesso::simt::trace
