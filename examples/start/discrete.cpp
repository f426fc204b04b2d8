// Trains on words of letters by masking them, and spells new ones: discrete diffusion.
//
//   95 % of the words are spelled right
#include <foglift/foglift.hpp>

#include <cstdio>

using namespace foglift;

// Words of six letters in which a, b and c follow each other, beginning anywhere: abcabc, bcabca,
// cabcab.
constexpr Index letters = 3, length = 6;

/// What letters and masks look like to a network: [B, length] -> [B, length * (letters + 1)], 1
/// where the letter is.
Tensor<float> seen(const Tensor<Index>& words) {
  return one_hot<float>(words, letters + 1).reshaped({words.dim(0), length * (letters + 1)});
}

int main() {
  Tensor<Index> words({64, length});
  for (Index b = 0; b < 64; ++b)
    for (Index i = 0; i < length; ++i) words(b, i) = (b + i) % letters;

  Rng rng(1);
  nn::Mlp<float> net({.in = length * (letters + 1), .out = length * letters, .width = 64}, rng);
  const corruption::Mask<> mask{.classes = letters};  // letter 3 is the mask
  train::Adam<float> adam({.lr = 3e-3});
  for (Index step = 0; step < 300; ++step) {
    Tape<float> tape;
    const CorruptedBatch batch(mask, words, schedule::Flow{}, rng, {.step = step});
    const auto logits =
        reshape(net(tape.constant(seen(batch.x)), batch.time<float>()), {64, length, letters});
    adam.step(net, tape.backward(mask.loss(logits, batch)), adam.learning_rate());
  }

  const auto predict = [&](const Tensor<Index>& x, const Level& level) {
    return net(seen(x), Tensor<float>({x.dim(0)}, static_cast<float>(level.t)))
        .reshaped({x.dim(0), length, letters});
  };
  const auto spelled =
      restore(mask, predict, {1000, length}, grid::uniform(schedule::Flow{}, 64), Rng(7));
  Index right = 0;
  for (Index b = 0; b < 1000; ++b) {
    bool follows = true;
    for (Index i = 1; i < length; ++i)
      follows = follows && spelled(b, i) == (spelled(b, i - 1) + 1) % letters;
    right += follows;
  }
  std::printf("%.0f %% of the words are spelled right\n", static_cast<double>(right) / 10);
}
