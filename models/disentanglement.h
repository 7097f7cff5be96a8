// Whether single latent units stand for single factors of the data, where these are known.
#pragma once

#include "tensor/tensor.h"

#include <vector>

namespace gesso::models {

/// For factor v_k and unit z_j, both cut into at most 20 levels of equal counts: I(z_j; v_k) / H(v_k), (F,L), in [0,1].
/// z (N,L), factors (N,F), both f64.
std::vector<std::vector<double>> normalised_information(const Tensor& z, const Tensor& factors);

/// Chen et al. 2018, arXiv:1802.04942, eq. 6, of one factor: the normalised information of the unit that has
/// most of it, less that of the next. 1: one unit tells the factor, and no other says anything of it. 0: two
/// tell as much.
double information_gap(const std::vector<double>& information);

}  // namespace gesso::models
