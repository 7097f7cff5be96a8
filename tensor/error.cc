#include "tensor/error.h"

#ifdef GESSO_BACKTRACE
#include <algorithm>
#include <backtrace.h>
#include <cstdint>
#include <string_view>
#endif

namespace gesso {

#ifdef GESSO_BACKTRACE
namespace {

/// Whether a file is one of the layers that only programs call: those whose mistakes are their callers'.
bool inside_gesso(std::string_view file) {
  static constexpr std::string_view folders[] = {"/kernels/", "/tensor/", "/autograd/", "/nn/"};
  constexpr std::string_view installed = "/include/gesso";
  const std::string_view root = GESSO_SOURCE_DIR;
  const std::size_t at = file.starts_with(root)              ? root.size()
                         : file.find(installed) != file.npos ? file.find(installed) + installed.size()
                                                             : file.npos;
  return at != file.npos &&
         std::ranges::any_of(folders, [&](std::string_view f) { return file.substr(at).starts_with(f); });
}

/// Stops at the innermost frame that is neither gesso's nor the standard library's, or at the C library's around main.
int look_at(void* found, std::uintptr_t, const char* file, int line, const char* function) {
  if (function && std::string_view(function).starts_with("__libc_start")) return 1;
  if (!file || inside_gesso(file) || std::string_view(file).find("/include/c++/") != std::string_view::npos)
    return 0;
  *static_cast<std::string*>(found) = fmt::format(" (called at {}:{})", file, line);
  return 1;
}
void ignore(void*, const char*, int) {}  // no line tables: no line

}  // namespace

Error::Line Error::caller() {
  static backtrace_state* const state = backtrace_create_state(nullptr, 1, ignore, nullptr);
  Line line;
  backtrace_full(state, 0, look_at, ignore, &line.text);
  return line;
}
#else
Error::Line Error::caller() { return {}; }
#endif

}  // namespace gesso
