# Every dependency is one apt package, found on the system first and fetched where the system has none.
# The same file serves the build and, through gessoConfig.cmake, those who use the installed library.
include(FetchContent)

macro(gesso_need package version url)
  find_package(${package} ${version} QUIET)
  if(NOT ${package}_FOUND)
    message(STATUS "gesso: no ${package} on this system, fetching it")
    FetchContent_Declare(${package} URL ${url})
    FetchContent_MakeAvailable(${package})
  endif()
endmacro()

gesso_need(fmt "9" https://github.com/fmtlib/fmt/archive/refs/tags/9.1.0.tar.gz)
gesso_need(nlohmann_json "3.9" https://github.com/nlohmann/json/releases/download/v3.11.2/json.tar.xz)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
if(GESSO_OPENMP)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()
if(PROJECT_NAME STREQUAL gesso)  # what only the command, the tests and the benchmarks need
  gesso_need(CLI11 "2.1" https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.3.2.tar.gz)
  if(GESSO_TESTS)
    gesso_need(doctest "2.4" https://github.com/doctest/doctest/archive/refs/tags/v2.4.11.tar.gz)
  endif()
  if(GESSO_BENCH)
    gesso_need(benchmark "1.7" https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz)
  endif()
endif()
