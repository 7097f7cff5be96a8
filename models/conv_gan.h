// The networks of conv-gan: a generator that is one dense layer and two transposed convolutions, whatever the size of its
// images, and a discriminator of strided convolutions. G's layers and their initialisation are those of Radford et al. 2016,
// arXiv:1511.06434; the game is gan.h's.
//
// D has no batch norm. It would hide from D what all images of a batch share: with it, on coloured shapes on black, G drew grey
// noise and D could not tell (loss_g fell to 0.1 in 100 steps).
#pragma once

#include "models/gan.h"

namespace gesso::models {

std::vector<Option> conv_gan_options();
/// Images (H,W,C), H and W divisible by 4; UsageError for others. Where nothing else is set, at 100x100x3:
///
///   G  z -> dense -> (25,25,128) -> (50,50,64) -> (100,100,3)
///   D  (100,100,3) -> (50,50,32) -> (25,25,64) -> (12,12,128) -> (6,6,256) -> dense -> 1
GanNetwork conv_gan(const Recipe& recipe, Generator& g, Generator& noise);

}  // namespace gesso::models
