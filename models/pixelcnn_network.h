// The network of a gated PixelCNN: p(k) of a picture of whole numbers as a product over its places, from left to right, then
// down. van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves & Kavukcuoglu 2016, arXiv:1606.05328; equations by its numbers.
//
//   p(k) = prod_(i,j) p(k_ij | all k above, and to the left in the same row)          eq. 1
//
// Two stacks of convolutions (figure 2): the vertical one sees the rows above, the horizontal one the places to the left, and
// what the vertical one has found. Together they see every earlier place: one stack of masked squares misses a growing wedge to
// the right. Of a layer l, a sum over a window of places * (zeros outside of the picture),
//
//   a  = V_l * v  (+ U_l c)            (N,h,w,2C)    v' = tanh(a_1) sigmoid(a_2)      eq. 2; with c, eq. 4
//   b  = H_l * h' + L_l a              (N,h,w,2C)    h' = h + O_l tanh(b_1) sigmoid(b_2)
//
// with a and b cut in two along their channels. The paper masks squares of filters. Here a window has no places that a mask would
// take away: nothing is multiplied by zero, and that a place does not see itself or later ones is a matter of shapes.
#pragma once

#include "nn/conv.h"

#include <functional>
#include <memory>
#include <vector>

namespace gesso::models {

/// How far a sum reaches from place (i,j): rows i - above .. i + below, columns j - left .. j + right. -1 leaves out the own one.
struct Window {
  std::int64_t above, below, left, right;
  std::int64_t rows() const { return above + 1 + below; }
  std::int64_t columns() const { return left + 1 + right; }
};

/// y (N,h,w,out), y_ij = b + sum over the window of W x, x (N,h,w,in).
class WindowConv : public nn::Layer {
 public:
  WindowConv(std::int64_t in, std::int64_t out, Window window, Generator& g);
  void parts(nn::Parts& p) override { filters_.parts(p); }
  std::string title() const override;
  Var operator()(const Var& x) override;
  /// The same of one row, y (N,1,w,out), from the rows of its window (N,rows(),w,in).
  Var row(const Var& seen);
  /// The same of one place, y (N,1,1,out), from what is in its window (N,rows(),columns(),in).
  Var place(const Var& seen) { return filters_(seen); }

  const Window window;

 private:
  nn::Conv2d filters_;
};

struct PixelCnnShape {
  std::int64_t h, w, codes;
  std::int64_t above = 0;  // K of the coarser codes that these depend on; 0: of none
  std::int64_t width = 64, layers = 8;
};

struct PixelCnnNetwork : nn::Module {
  /// Called place by place with logits (N,K), on their device; returns the codes there, (N) i64 on the CPU.
  using Next = std::function<Tensor(const Tensor& logits, std::int64_t place)>;

  PixelCnnNetwork(const PixelCnnShape& shape, Generator& g);
  void parts(nn::Parts& p) override;
  std::string title() const override { return "PixelCnn"; }

  /// Logits (N,h,w,K) of p(k_ij | ..) for codes k (N,h,w) i64; above (N,h',w') i64 are the coarser codes, if there are such.
  Var operator()(const Tensor& codes, const Tensor& above = {});

  /// Codes (N,h,w) i64, on the CPU, drawn by `next` one place after the other. Each layer computes what is new and no more: the
  /// vertical stack once a row, the horizontal one once a place, from the last few rows and places of its input. All of it
  /// together is the arithmetic of about one full pass.
  Tensor generate(std::int64_t N, const Tensor& above, const Next& next);

  struct Layer : nn::Module {
    Layer(std::int64_t width, bool first, bool conditional, Generator& g);
    void parts(nn::Parts& p) override;
    std::string title() const override { return "GatedLayer"; }
    /// a, from what V_l * v is.
    Var down(const Var& convolved, const Var& c) { return c ? convolved + (*of_above)(c) : convolved; }
    /// h', from h, what H_l * h is, and L_l a. The first layer's h is the place itself, which nothing may see.
    Var across(const Var& h, const Var& convolved, const Var& linked);

    bool first;
    WindowConv vertical, horizontal;       // V_l, H_l
    nn::Linear link, out;                  // L_l, O_l
    std::unique_ptr<nn::Linear> of_above;  // U_l
  };

 private:
  Var features(const Tensor& above);  // c (N,h,w,C); undefined where there is none

  PixelCnnShape shape_;
  nn::Embedding embed_;
  std::unique_ptr<nn::Embedding> embed_above_;
  nn::Sequential spread_above_, head_;
  std::vector<Layer> layers_;
};

}  // namespace gesso::models
