#include "models/properties.h"

#include "models/options.h"
#include "nn/sprites.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace gesso::models {
namespace {

using Numbers = std::vector<std::int64_t>;

struct Property {
  std::string name;
  Numbers images;
};

std::string lower(std::string s) {
  for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return s;
}

/// Adds a property for each label: its number, and its name where there is one.
void add_labels(std::vector<Property>& all, const nn::ImageSet& set) {
  if (!set.labels.defined()) return;
  const std::vector<std::int64_t> labels = set.labels.to_vector<std::int64_t>();
  const std::int64_t count = *std::max_element(labels.begin(), labels.end()) + 1;
  std::vector<Numbers> images(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < labels.size(); ++i)
    images[static_cast<std::size_t>(labels[i])].push_back(static_cast<std::int64_t>(i));
  for (std::size_t k = 0; k < images.size(); ++k) {
    const std::string number = std::to_string(k),
                      name = k < set.class_names.size() ? lower(set.class_names[k]) : number;
    if (name != number) all.push_back({number, images[k]});
    all.push_back({name, std::move(images[k])});
  }
}

/// Adds shape=NAME, and low and high of the other factors.
void add_factors(std::vector<Property>& all, nn::SpriteOptions sprites, std::int64_t count) {
  sprites.count = count;
  const std::vector<double> factors = nn::factors_of_sprites(sprites, nn::Split::test).to_vector<double>();
  const std::vector<std::string>& names = nn::sprite_factors();
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto value = [&](std::int64_t i) {
      return factors[static_cast<std::size_t>(i) * names.size() + k];
    };
    Numbers order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    if (names[k] == "shape") {
      for (std::size_t s = 0; s < nn::sprite_shapes().size(); ++s) {
        Numbers images;
        std::ranges::copy_if(order, std::back_inserter(images),
                             [&](std::int64_t i) { return value(i) == static_cast<double>(s); });
        all.push_back({"shape=" + nn::sprite_shapes()[s], std::move(images)});
      }
      continue;
    }
    std::ranges::stable_sort(order, {}, value);
    const auto quarter = static_cast<std::ptrdiff_t>((order.size() + 3) / 4);
    Numbers low(order.begin(), order.begin() + quarter), high(order.end() - quarter, order.end());
    for (Numbers* images : {&low, &high}) std::ranges::sort(*images);
    all.push_back({names[k] + "=low", std::move(low)});
    all.push_back({names[k] + "=high", std::move(high)});
  }
}

}  // namespace

std::vector<std::int64_t> images_with(const nn::ImageSet& set, const std::string& data,
                                      const std::string& option, const std::string& name) {
  std::vector<Property> all;
  add_labels(all, set);
  if (const auto sprites = nn::sprite_options(data)) add_factors(all, *sprites, set.size());
  if (all.empty())
    throw UsageError("{} {}: nothing is known of the images in {} but their pixels", option, name, data);
  std::vector<std::string> names;
  for (Property& p : all) {
    if (p.images.empty()) continue;
    if (p.name == lower(name)) return std::move(p.images);
    names.push_back(p.name);
  }
  throw UsageError("{} {}: no image in {} is called that{}", option, name, data,
                   suggestion(lower(name), names));
}

}  // namespace gesso::models
