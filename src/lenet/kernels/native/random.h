// Random numbers as PyTorch draws them on a CPU, to the bit; `lenet.core.Generator` says the same in
// NumPy.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace lenet {

// Logarithm, sine and cosine in float32 as PyTorch has them when it draws numbers, from S. L.
// Moshier's "Cephes Math Library" (1992): see `lenet/core/_cephes.py`.
namespace cephes {

// A product and a sum, rounded once: the product of two float32 is exact in double. That also makes
// it the same whether or not the compiler makes one operation of the two.
inline float fused(float first, float second, float added) {
  return static_cast<float>(static_cast<double>(first) * second + added);
}

// By Horner's rule, the factor of the highest power first.
template <size_t kCount>
inline float polynomial(const float (&factors)[kCount], float x) {
  float total = factors[0];
  for (size_t i = 1; i < kCount; ++i) total = fused(total, x, factors[i]);
  return total;
}

// Of a number above 0.
inline float logarithm(float value) {
  constexpr float kFactors[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
  int exponent;
  float fraction = std::frexp(value, &exponent);
  if (fraction < 0.70710678118654752440f) {
    fraction *= 2;
    --exponent;
  }
  fraction -= 1;
  const float square = fraction * fraction, power = static_cast<float>(exponent);
  float rest = polynomial(kFactors, fraction) * fraction;
  const float little = power * -2.12194440e-4f;  // log(2) is the sum of what few bits can say
  rest = fused(rest, square, little);            // and of a rest
  rest = fused(square, -0.5f, rest);
  return fused(power, 0.693359375f, fraction + rest);
}

// Of an angle from 0 on, some turns at most.
inline void sine_and_cosine(float angle, float& sine, float& cosine) {
  constexpr float kSine[] = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
  constexpr float kCosine[] = {2.443315711809948e-5f, -1.388731625493765e-3f,
                               4.166664568298827e-2f};
  constexpr float kEighth[] = {0.78515625f, 2.4187564849853515625e-4f, 3.77489497744594108e-8f};
  const int32_t eighths = (static_cast<int32_t>(angle * 1.27323954473516f) + 1) & ~1;
  for (const float part : kEighth) angle = fused(static_cast<float>(eighths), -part, angle);
  const float square = angle * angle;
  float of_angle = fused(polynomial(kSine, square) * square, angle, angle);
  float of_rest = polynomial(kCosine, square) * square;
  of_rest = fused(of_rest, square, -0.5f * square) + 1.0f;
  if (eighths & 2) std::swap(of_angle, of_rest);
  sine = eighths & 4 ? -of_angle : of_angle;
  cosine = (eighths + 2) & 4 ? -of_rest : of_rest;
}

}  // namespace cephes

// The numbers of `torch.Generator().manual_seed(seed)`: the Mersenne Twister, of whose seed PyTorch
// takes the low 32 bits.
class Generator {
 public:
  explicit Generator(uint64_t seed) : twister_(static_cast<uint32_t>(seed)) {}

  uint32_t word() { return static_cast<uint32_t>(twister_()); }

  // As `Tensor.uniform_`: 24 bits of a word, product and sum rounded once.
  float uniform(float low, float high) {
    const double share = (word() & 0xffffff) * 0x1p-24;
    return static_cast<float>(share * static_cast<double>(high - low) + static_cast<double>(low));
  }

  // As `Tensor.normal_`: blocks of 16 numbers, or one by one where they are fewer.
  void normal(float* target, size_t count, double deviation) {
    if (count < kBlock) {
      for (size_t i = 0; i < count; ++i) target[i] = static_cast<float>(next_normal() * deviation);
      return;
    }
    for (size_t i = 0; i < count; ++i) target[i] = uniform(0.0f, 1.0f);
    size_t first = 0;
    for (; first + kBlock <= count; first += kBlock) make_normal(target + first, deviation);
    if (first == count) return;
    float* const last = target + count - kBlock;  // is drawn anew, and overlaps the one before
    for (size_t i = 0; i < kBlock; ++i) last[i] = uniform(0.0f, 1.0f);
    make_normal(last, deviation);
  }

  // As `torch.randint`: two words for each number where it may be large.
  int64_t below(int64_t high) {
    const uint64_t drawn = high < int64_t{1} << 28 ? word() : long_word();
    return static_cast<int64_t>(drawn % static_cast<uint64_t>(high));
  }

  // As `torch.randperm`: each place in turn changes its number for that of itself or of a later one
  // (Fisher and Yates 1938).
  void permutation(int64_t* target, int64_t count) {
    std::iota(target, target + count, int64_t{0});
    for (int64_t place = 0; place + 1 < count; ++place) {
      std::swap(target[place], target[place + word() % static_cast<uint32_t>(count - place)]);
    }
  }

 private:
  static constexpr size_t kBlock = 16;
  static constexpr double kPi = 3.14159265358979323846;

  uint64_t long_word() {
    const uint64_t high = word();
    return high << 32 | word();
  }

  double next_normal() {  // two are drawn together (Box and Muller 1958)
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    constexpr uint64_t kMost = uint64_t{1} << 53;
    const double angle = 2 * kPi * ((long_word() % kMost) * 0x1p-53);
    const double length = std::sqrt(-2 * std::log1p(-((long_word() % kMost) * 0x1p-53)));
    spare_ = length * std::sin(angle);
    has_spare_ = true;
    return length * std::cos(angle);
  }

  // Half of a block's uniform numbers are lengths, half are angles.
  static void make_normal(float* block, double deviation) {
    constexpr size_t kHalf = kBlock / 2;
    for (size_t i = 0; i < kHalf; ++i) {
      const float length = std::sqrt(-2.0f * cephes::logarithm(1.0f - block[i]));
      float sine, cosine;
      cephes::sine_and_cosine(static_cast<float>(2 * kPi) * block[i + kHalf], sine, cosine);
      block[i] = length * cosine * static_cast<float>(deviation);
      block[i + kHalf] = length * sine * static_cast<float>(deviation);
    }
  }

  std::mt19937 twister_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// A seed of its own for each place where numbers are drawn: 63 bits of NumPy's
// `SeedSequence(seed, spawn_key=path)`, which follows M. E. O'Neill's `seed_seq_fe`.
inline uint64_t derive_seed(uint64_t seed, const std::vector<uint32_t>& path) {
  constexpr int kPool = 4;
  std::vector<uint32_t> words(kPool);
  words[0] = static_cast<uint32_t>(seed);
  words[1] = static_cast<uint32_t>(seed >> 32);
  words.insert(words.end(), path.begin(), path.end());
  uint32_t constant = 0x43b0d7e5;
  const auto hash = [&constant](uint32_t value, uint32_t factor) {
    value ^= constant;
    constant *= factor;
    value *= constant;
    return value ^ value >> 16;
  };
  constexpr uint32_t kMixing = 0x931e8875, kDrawing = 0x58f38ded;
  uint32_t pool[kPool];
  const auto mix = [&](uint32_t& target, uint32_t value) {
    const uint32_t mixed = 0xca01f9dd * target - 0x4973f715 * hash(value, kMixing);
    target = mixed ^ mixed >> 16;
  };
  for (int i = 0; i < kPool; ++i) pool[i] = hash(words[i], kMixing);
  for (int source = 0; source < kPool; ++source) {
    for (int target = 0; target < kPool; ++target) {
      if (source != target) mix(pool[target], pool[source]);
    }
  }
  for (size_t source = kPool; source < words.size(); ++source) {
    for (uint32_t& target : pool) mix(target, words[source]);
  }
  constant = 0x8b51f9dd;
  const uint64_t low = hash(pool[0], kDrawing);
  const uint64_t high = hash(pool[1], kDrawing);
  return (high << 32 | low) >> 1;
}

// The order of the examples in an epoch, as `lenet.datasets.ArrayBatches` has it.
inline void draw_order(uint64_t seed, uint32_t epoch, int64_t count, int64_t* order) {
  Generator(derive_seed(seed, {0, epoch})).permutation(order, count);
}

// How augmentation mirrors and shifts the images of a step, as `lenet.datasets.ArrayBatches` has it:
// `mirrored` may be null, and so may the shifts of rows and, in one piece with them, of columns, which
// are up to `most` pixels.
inline void draw_changes(uint64_t seed, uint32_t epoch, uint32_t step, int64_t count, int64_t most,
                         uint8_t* mirrored, int64_t* shifts) {
  Generator generator(derive_seed(seed, {1, epoch, step}));
  if (mirrored) {
    for (int64_t i = 0; i < count; ++i) mirrored[i] = generator.uniform(0.0f, 1.0f) < 0.5f;
  }
  if (shifts) {
    for (int64_t i = 0; i < 2 * count; ++i) shifts[i] = generator.below(2 * most + 1) - most;
  }
}

}  // namespace lenet
