// The three convolutions of kernels/conv.h, each a matrix product whose operands are seen through views:
//
//   conv2d         y (NPQ, K) = x's patches (NPQ, RSC) * w' (RSC, K)
//   conv2d_input   x (NHW, C) = y's patches (NHW, taps K) * w (taps K, C), for each phase of the stride
//   conv2d_filter  w (K, RSC) = y' (K, NPQ) * x's patches (NPQ, RSC)
//
// group by group. Where the image is read as it lies, they are plain products; where it is narrow, conv_narrow.h has other views;
// where that takes fewer multiplications, in another domain: conv_domain.h.
#include "kernels/conv_matmul.h"
#include "kernels/cpu/conv_depthwise.h"
#include "kernels/cpu/conv_filter_view.h"
#include "kernels/cpu/conv_fourier.h"
#include "kernels/cpu/conv_narrow.h"
#include "kernels/cpu/conv_winograd.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

Layout input_layout(const Conv2dGeometry& g) { return {g.H * g.W * g.C, g.W * g.C, g.C, g.C / g.groups}; }
Layout output_layout(const Conv2dGeometry& g) { return {g.P * g.Q * g.K, g.Q * g.K, g.K, g.K / g.groups}; }

Correlation forward(const Conv2dGeometry& g) {
  return {g.N, forward_axis(g.H, g.R, g.P, g.stride.h, g.padding.h, g.dilation.h),
          forward_axis(g.W, g.S, g.Q, g.stride.w, g.padding.w, g.dilation.w), input_layout(g),
          output_layout(g)};
}
Correlation phase(const Conv2dGeometry& g, std::int64_t h, std::int64_t w) {
  return {g.N, phase_axis(g.P, g.R, g.H, g.stride.h, g.padding.h, g.dilation.h, h),
          phase_axis(g.Q, g.S, g.W, g.stride.w, g.padding.w, g.dilation.w, w), output_layout(g),
          input_layout(g)};
}

/// The sink of group i's channels.
template <class T>
Pixels<T> pixels(T* y, std::int64_t i, std::int64_t channels, const Epilogue<T>& e) {
  return {{y + i * channels, 0, 0, e.bias ? e.bias + i * channels : nullptr, e.act, e.slope}};
}

/// $GESSO_CONV: "direct" keeps convolutions out of domains, to compare.
bool direct_only() {
  static const bool wanted = [] {
    const char* way = ::getenv("GESSO_CONV");
    return way && !__builtin_strcmp(way, "direct");
  }();
  return wanted;
}

/// Calls f<Domain>() for every domain there is. None for doubles: they are what one checks with, and stay with the definition.
template <class T, class F>
void for_each_domain(const F& f) {
  if constexpr (sizeof(T) == sizeof(float)) {
    f.template operator()<Winograd<T, 2, 2>>();
    f.template operator()<Winograd<T, 4, 2>>();
    f.template operator()<Winograd<T, 2, 3>>();
    f.template operator()<Winograd<T, 4, 3>>();
    f.template operator()<Winograd<T, 2, 5>>();
    f.template operator()<Fourier<T>>();
  }
}
/// Calls f(domain) with the domain in which a convolution of 64 images costs least, if it costs less than going without. Whether that
/// was so. Not of as many as there are: what becomes of an image, to the last bit, does not depend on its neighbours.
template <class T, class F>
bool in_domain(const Conv2dGeometry& g, const F& f) {
  const bool whole = g.C % kLanes<T> == 0 && g.K % kLanes<T> == 0;
  const bool any = g.C > 0 && g.K > 0 && g.P > 0 && g.Q > 0;
  if (!whole || !any || g.groups > 1 || g.dilation != HW(1) || direct_only()) return false;
  Conv2dGeometry usual = g;
  usual.N = 64;
  double least = direct_cost(usual);
  int number = 0, best = 0;
  for_each_domain<T>([&]<class Domain>() {
    ++number;
    if (!Domain::fits(g)) return;
    if (const double cost = Domain{usual}.cost(); cost < least) least = cost, best = number;
  });
  number = 0;
  for_each_domain<T>([&]<class Domain>() {
    if (++number == best) f(Domain{g});
  });
  return best > 0;
}

template <class T>
void conv2d(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  if (g.N < 1) return;
  if (const AsMatrix m = as_matrix(g); m.rows) return matmul<T>(conv2d_matmul(m, g.K, x, w, e, y));
  if (is_narrow<T>(g)) return conv2d_narrow(g, x, w, e, y);
  if (in_domain<T>(g, [&](const auto& d) { conv2d_in<T>(d, g, x, w, e, y); })) return;
  Correlation c = forward(g);
  if (is_depthwise(g)) {
    c.in.channels = g.C;
    T* taps = static_cast<T*>(scratch.at_least(std::size_t(c.depth()) * sizeof(T)));
    taps_first(c, g.R, g.S, w, taps);
    return depthwise(c, x, taps, static_cast<const Rows<T>&>(pixels(y, 0, g.K, e)));
  }
  const PixelPanels panels(c);
  for (std::int64_t i = 0; i < g.groups; ++i)
    gemm<T>(1, c.pixels(), c.out.channels, c.depth(), Patches<T>{&panels, x + i * c.in.channels},
            Transposed<Dense<T>>{{w + i * c.out.channels * c.depth(), c.depth(), 0}},
            pixels(y, i, c.out.channels, e));
}

/// One phase of the stride.
template <class T>
void conv2d_input(const Conv2dGeometry& g, const Correlation& phase, const T* y, const T* w,
                  const Epilogue<T>& e, T* x) {
  const std::int64_t C = phase.out.channels, K = phase.in.channels;
  const PixelPanels panels(phase);
  for (std::int64_t i = 0; i < g.groups; ++i)
    gemm<T>(1, phase.pixels(), C, phase.depth(), Patches<T>{&panels, y + i * K},
            FilterRows<T>{w + i * K * g.R * g.S * C, phase.down, phase.across, K, g.R, g.S, C},
            pixels(x, i, C, e));
}

/// All phases of the stride.
template <class T>
void conv2d_input_phases(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) {
  for (std::int64_t h = 0; h < g.stride.h; ++h)
    for (std::int64_t v = 0; v < g.stride.w; ++v) {
      Correlation c = phase(g, h, v);
      if (c.pixels() < 1) continue;
      if (!is_depthwise(g)) {
        conv2d_input(g, c, y, w, e, x);
        continue;
      }
      c.in.channels = g.C;
      T* taps = static_cast<T*>(scratch.at_least(std::size_t(c.depth() + 1) * sizeof(T)));
      taps_first(c, g.R, g.S, w, taps);
      depthwise(c, y, taps, static_cast<const Rows<T>&>(pixels(x, 0, g.C, e)));
    }
}

/// Every phase reads the same y, and they write to x between each other: some images at a time, about so many bytes of both,
/// remain in L3 from the first phase to the last.
constexpr std::int64_t kBytesOfPhases = 4 << 20;

template <class T>
void conv2d_input(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) {
  if (g.N < 1) return;
  if (const AsMatrix m = as_matrix(g); m.rows && (!e.bias || m.inner == g.C))
    return matmul<T>(conv2d_input_matmul(m, g.K, y, w, e, x));
  if (is_narrow_for_input<T>(g)) return conv2d_input_narrow(g, y, w, e, x);
  if (in_domain<T>(g, [&](const auto& d) { conv2d_input_in<T>(d, g, y, w, e, x); })) return;
  const std::int64_t x_image = g.H * g.W * g.C, y_image = g.P * g.Q * g.K;
  const std::int64_t each = kBytesOfPhases / ((x_image + y_image) * std::int64_t(sizeof(T)) + 1) + 1;
  for (std::int64_t n = 0; n < g.N; n += each) {
    Conv2dGeometry some = g;
    some.N = g.N - n < each ? g.N - n : each;
    conv2d_input_phases(some, y + n * y_image, w, e, x + n * x_image);
  }
}

template <class T>
void conv2d_filter(const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  if (const AsMatrix m = as_matrix(g); m.rows) return matmul<T>(conv2d_filter_matmul(m, g.K, x, y, w));
  if (g.N > 0 && in_domain<T>(g, [&](const auto& d) { conv2d_filter_in<T>(d, g, x, y, w); })) return;
  if (is_narrow_for_filter<T>(g)) return conv2d_filter_narrow(g, x, y, w);
  Correlation c = forward(g);
  if (is_depthwise(g)) {
    c.in.channels = g.C;
    return depthwise_filter(c, x, y, w);
  }
  for (std::int64_t i = 0; i < g.groups; ++i)
    gemm<T>(1, c.out.channels, c.depth(), c.pixels(), Transposed<Dense<T>>{{y + i * c.out.channels, g.K, 0}},
            PatchRows<T>{&c, x + i * c.in.channels},
            Rows<T>{w + i * c.out.channels * c.depth(), c.depth(), 0, nullptr, Activation::none, T(0)});
}

}  // namespace

template <class T>
void install_conv(Kernels<T>& k) {
  k.conv2d = conv2d<T>;
  k.conv2d_input = conv2d_input<T>;
  k.conv2d_filter = conv2d_filter<T>;
}
template void install_conv(Kernels<float>&);
template void install_conv(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
