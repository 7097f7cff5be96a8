// Restoring and changing images by way of the codes of a VAE: of a Model that has posterior(), image() and
// log_likelihood().
//
//   encoded    z = mean of q(z|y): one pass; but the encoder never saw such images y
//   found      z = argmax_z log p(y|z) + log N(z; 0, I), the mode of p(z|y), where p(y|z) says how y was
//              spoiled: by Adam, with gradients through the decoder. Bora et al. 2017, arXiv:1703.03208
//   completed  z = mean of q(z|y), y_hidden <- mean of p(y_hidden|z), again and again.
//              Rezende et al. 2014, arXiv:1401.4082, appendix F, with means in place of draws
//
// All images x, y are (N,D) on the model's device.
#pragma once

#include "models/model.h"

#include <functional>

namespace gesso::models {

struct Search {
  // Adam's steps are about lr long at first, and the prior's deviation is 1: a few units are crossed in a
  // hundred steps. The rate falls to nothing along half a cosine, so that the last ones settle.
  std::int64_t steps = 300;
  double lr = 0.1;
};
/// z (N,L), found from `start` (N,L); log_likelihood(z) (N) is log p(y|z), nats. What one image's z becomes
/// does not depend on the others.
Tensor most_probable(const std::function<Var(const Var& z)>& log_likelihood, const Tensor& start,
                     const Search& search = {});

/// Images that were spoiled, and two ways back.
struct Restoration {
  Tensor spoiled, encoded, found;
};

struct Noise {
  enum class Kind { gaussian, salt_and_pepper } kind;
  double amount;
};
/// gaussian: y = x + amount * eps, eps ~ N(0,1), not cut off at 0 and 1, so that its mean is x.
/// salt_and_pepper: each pixel, all its channels together, becomes 0 or 1, as likely, with probability
/// `amount`.
Tensor with_noise(const Tensor& x, std::int64_t channels, const Noise& noise, Generator& draws);
/// log p(y|z) (N): gaussian, y ~ N(mean of p(x|z), amount^2), as if amount^2 were all its variance;
/// salt_and_pepper, (1 - amount) p(x = y|z), and amount / 2 more for pixels that are 0 or 1 in all channels.
Var log_likelihood(Model& model, const Var& z, const Tensor& y, std::int64_t channels, const Noise& noise);
Restoration denoised(Model& model, const Tensor& y, std::int64_t channels, const Noise& noise);

/// Which pixels are seen: (D), 1 or 0 where they are hidden, if a region of images (H,W,C) is hidden: "top",
/// "bottom", "left" or "right" half, the "centre" (the middle half of height and width), or a number in
/// (0,1): each pixel with that probability, drawn from `noise`. Throws UsageError, for a region that hides
/// nothing too.
Tensor seen_beside(const std::string& hidden, const Shape& image, Generator& noise);
/// The likelihood is the model's own, of the pixels seen. `fill` (D) stands where x is hidden, at first.
/// `encoded` is what is called completed above, made kCompletions times. Visible pixels stay as they are, bit
/// for bit.
Restoration inpainted(Model& model, const Tensor& x, const Tensor& seen, const Tensor& fill);
constexpr int kCompletions = 20;

/// y (3*columns,D), from the first to the second of the images `ends` (2,D), in equal steps: pictures of
/// codes on the straight line between theirs, of codes on the arc (slerp; White 2016, arXiv:1609.04468), and
/// the images themselves cross-faded.
Tensor interpolations(Model& model, const Tensor& ends, std::int64_t columns);

/// v (L) on the CPU = mean of codes (N,L) over the rows `add` - mean over the rows `subtract`: the attribute
/// vectors of Larsen et al. 2016, arXiv:1512.09300.
Tensor direction(const Tensor& codes, const std::vector<std::int64_t>& add,
                 const std::vector<std::int64_t>& subtract);
/// y (N*columns,D): for each image its row, pictures of z + s v, s = 0 .. strength in equal steps.
Tensor moved(Model& model, const Tensor& x, const Tensor& v, double strength, std::int64_t columns);

/// 10 log10(1 / mean (y - x)^2), dB, mean over the N images.
double psnr(const Tensor& x, const Tensor& y);
/// sqrt(mean (y - x)^2) over the hidden pixels of all images.
double hidden_error(const Tensor& x, const Tensor& y, const Tensor& seen);

}  // namespace gesso::models
