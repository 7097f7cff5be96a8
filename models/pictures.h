// The pictures of a run.
#pragma once

#include "models/model.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gesso::models {

/// The point that is t of the way from a to b on the arc between them, w being their angle:
/// (sin((1-t) w) a + sin(t w) b) / sin(w). Where they are parallel, or one is 0, on the straight line.
std::vector<float> slerp(std::span<const float> a, std::span<const float> b, double t);

/// z (side*side,L): points on a sheet through four corners (4,L), from left to right, then down. Along each edge an angle is
/// walked at constant speed (slerp), because Gaussian noise lives near a sphere, which straight lines leave.
Tensor sheet(const Tensor& corners, std::int64_t side);

/// z (units*columns,L): the point (L) with one of its units after the other set to values from -3 to 3, equally far apart.
Tensor traversals(const Tensor& point, const std::vector<std::int64_t>& units, std::int64_t columns);

/// x[0], y[0], x[1], y[1], ..: originals beside what became of them. (N,D), (N,D) -> (2N,D)
Tensor side_by_side(const Tensor& x, const Tensor& y);

struct Picture {
  int height, width, channels;
  std::string png;
};
/// A grid of images (N,D); each pixel is drawn 3 x 3, or a screen of today hides it.
Picture grid(const Tensor& x, const Shape& image, int columns);

// The pictures of a run, nothing where the model has none: new images from noise of a seed; test images x beside their
// reconstructions; a sheet through latent space, with corners at four of the test images x; and traversals from the first of them.
std::optional<Picture> samples(Model& model, const Shape& image, std::int64_t count, std::uint64_t seed);
std::optional<Picture> reconstructions(Model& model, const Shape& image, const Tensor& x);
std::optional<Picture> walk(Model& model, const Shape& image, const Tensor& x, std::uint64_t seed);
std::optional<Picture> traversal(Model& model, const Shape& image, const Tensor& x);

// Of a model of films x, at most 8 of them: reconstructions() has two strips for each, its frames, and below the second half of
// them their forecasts; an animation has each film beside its forecast, in a white border from where the forecast begins.
std::optional<Picture> forecasts(Model& model, const Shape& image, const Tensor& x);

}  // namespace gesso::models
