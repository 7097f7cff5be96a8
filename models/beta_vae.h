// The networks of beta-vae: Higgins et al. 2017 (ICLR, "beta-VAE", table 1 of its appendix), whose loss is
// eq. 4; the capacity form is eq. 8 of Burgess et al. 2018, arXiv:1804.03599. Both are objective.h's.
#pragma once

#include "models/vae.h"

namespace gesso::models {

std::vector<Option> beta_vae_options();
/// Images (H,W,C) of 8x8 or more, halved until the smaller side is 4 at the most; UsageError for others. No
/// batch norm, ReLU. Where nothing else is set:
///
///   64x64  (64,64,C) -> (32,32,32) -> (16,16,32) -> (8,8,64) -> (4,4,64) -> 256 -> 10 numbers: the papers'
///   32x32  (32,32,C) -> (16,16,32) -> (8,8,32) -> (4,4,64) -> 256 -> 10
VaeNetwork beta_vae(const Recipe& recipe, Generator& g);

}  // namespace gesso::models
