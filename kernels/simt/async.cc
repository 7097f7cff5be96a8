#include "kernels/simt/async.h"

#include "kernels/simt/block.h"
#include "kernels/simt/sanitizers.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace gesso::simt::emu {

// ---- cp.async ---------------------------------------------------------------------------------------------------------------

void CopyQueue::free() {
  std::free(items_);
  *this = {};
}

void CopyQueue::push(void* to, int bytes, const unsigned char* data) {
  if (count_ == capacity_) {
    if (first_ > 0) {  // make room where copies have landed
      std::memmove(items_, items_ + first_, (count_ - first_) * sizeof(PendingCopy));
      count_ -= first_;
      first_ = 0;
    } else {
      capacity_ = capacity_ ? 2 * capacity_ : 32;
      items_ = static_cast<PendingCopy*>(std::realloc(items_, capacity_ * sizeof(PendingCopy)));
      if (!items_) throw std::bad_alloc();
    }
  }
  PendingCopy& copy = items_[count_++];
  copy.to = to;
  copy.bytes = bytes;
  copy.group = group_;
  std::memcpy(copy.data, data, 16);
}

const PendingCopy* CopyQueue::land(int pending) {
  if (first_ == count_) {
    first_ = count_ = 0;
    return nullptr;
  }
  return items_[first_].group < group_ - pending ? &items_[first_++] : nullptr;
}

void enqueue_copy(void* to, int bytes, const unsigned char* data) {
  Unobserved quiet;
  this_block().thread().copies.push(to, bytes, data);
  if (bytes >= 8) poison(to, bytes);  // its shadow memory counts in units of 8 bytes
}

const PendingCopy* land_copy(int pending) {
  const PendingCopy* copy = this_block().thread().copies.land(pending);
  if (copy && copy->bytes >= 8) unpoison(copy->to, copy->bytes);
  return copy;
}

bool lands_at_once() { return this_block().coin(); }

void cp_async_commit() { this_block().thread().copies.commit(); }

// ---- ldmatrix -----------------------------------------------------------------------------------------------------------------

namespace {

struct Rows {
  unsigned* r;
  int matrices;
  const Row16* row;
};

std::uint16_t element(void* const* deposits, int matrix, int row, int column) {
  const Row16& data = *static_cast<const Rows*>(deposits[8 * matrix + row])->row;
  return std::uint16_t(data.word[column / 2] >> column % 2 * 16);
}

template <bool transposed>
void exchange(unsigned, void* const* deposits) {
  for (int lane = 0; lane < kWarp; ++lane) {
    const Rows& to = *static_cast<const Rows*>(deposits[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int m = 0; m < to.matrices; ++m) {
      const std::uint32_t low = transposed ? element(deposits, m, 2 * t, g) : element(deposits, m, g, 2 * t);
      const std::uint32_t high =
          transposed ? element(deposits, m, 2 * t + 1, g) : element(deposits, m, g, 2 * t + 1);
      to.r[m] = low | high << 16;
    }
  }
}

}  // namespace

void exchange_rows(unsigned* r, int matrices, bool transposed, const Row16* row, Where where) {
  Rows deposit{r, matrices, row};
  meet("ldmatrix", ~0u, &deposit, transposed ? exchange<true> : exchange<false>, where);
}

// ---- mma ----------------------------------------------------------------------------------------------------------------------

namespace {

struct Fragments {
  float* d;
  const unsigned *a, *b;
  const float* c;
};

// Where the elements of a fragment lie in its matrix, lane = 4 g + t (PTX ISA, "Matrix Fragments for mma.m16n8k8 .tf32" and
// "mma.m16n8k16 .bf16").
struct Tf32 {
  static constexpr int K = 8, per_register = 1;
  static float value(unsigned bits, int) { return std::bit_cast<float>(bits & 0xffffe000u); }
};
struct Bf16 {
  static constexpr int K = 16, per_register = 2;
  static float value(unsigned bits, int half) {
    return std::bit_cast<float>(half ? bits & 0xffff0000u : bits << 16);
  }
};

/// Products are exact in double, and so, but for extremes, are their sums; the result is rounded once. Tensor cores drop bits
/// on the way: their results are not the same to the last bit.
template <class Type>
void multiply(unsigned, void* const* deposits) {
  constexpr int K = Type::K, half_k = K / 2, per = Type::per_register;
  float a[16][K], b[K][8];
  for (int lane = 0; lane < kWarp; ++lane) {
    const auto& f = *static_cast<const Fragments*>(deposits[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i)
      for (int e = 0; e < per; ++e) a[g + i % 2 * 8][i / 2 * half_k + per * t + e] = Type::value(f.a[i], e);
    for (int i = 0; i < 2; ++i)
      for (int e = 0; e < per; ++e) b[i * half_k + per * t + e][g] = Type::value(f.b[i], e);
  }
  for (int lane = 0; lane < kWarp; ++lane) {
    const auto& f = *static_cast<const Fragments*>(deposits[lane]);
    float d[4];
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      double sum = f.c[i];
      for (int k = 0; k < K; ++k) sum += double(a[row][k]) * double(b[k][column]);
      d[i] = float(sum);
    }
    std::memcpy(f.d, d, sizeof d);  // d and c may be the same array
  }
}

}  // namespace

void mma_tf32_m16n8k8(float d[4], const unsigned a[4], const unsigned b[2], const float c[4], Where where) {
  Fragments deposit{d, a, b, c};
  meet("mma.m16n8k8.tf32", ~0u, &deposit, multiply<Tf32>, where);
}
void mma_bf16_m16n8k16(float d[4], const unsigned a[4], const unsigned b[2], const float c[4], Where where) {
  Fragments deposit{d, a, b, c};
  meet("mma.m16n8k16.bf16", ~0u, &deposit, multiply<Bf16>, where);
}

}  // namespace gesso::simt::emu
