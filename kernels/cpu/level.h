// The instruction level a CPU kernel file is compiled for. CMake compiles each file in kernels/cpu once per level
// with -DGESSO_LEVEL=portable, v3 or v4 (x86-64-v3 has AVX2 and FMA, x86-64-v4 has AVX-512).
//
// The trap: the linker keeps one copy of an inline function or template instance of a given name. If that were the copy
// compiled with AVX-512, every machine would run it. So all that a kernel file instantiates lives in the namespace of
// its level, and no standard-library template is used inside. tests/kernels/isa_test looks for 512-bit code elsewhere.
#pragma once

#ifndef GESSO_LEVEL
#define GESSO_LEVEL portable  // headers shared with ordinary code: Philox, scalar functors
#endif
