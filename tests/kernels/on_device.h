// The kernels under test. On the CPU they are the table itself; on another device, a table of the same functions that
// copies what a kernel may touch there, in blocks of exactly that size, runs it, and copies everything back. So the tests
// work on ordinary arrays wherever the kernels run, and a memory checker sees every access outside of them.
#pragma once

#include "kernels/kernels.h"

namespace gesso::test {

template <class T>
const kernels::Kernels<T>& tested();
const kernels::MoveKernels& tested_move();

}  // namespace gesso::test
