// Attention of the newest token of every row over its question and its answer so far (decode_attention.py). A piece of
// work is a row and a head of keys with its m queries. One thread computes it, always in the same order: so a row's
// result does not depend on the others. Numbers are widened as they are read: sums are in float32.
#include <ATen/Parallel.h>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>
struct Call {  // as decode_attention._Call; R rows, G heads of keys, m queries to each, d their width
  const void *q, *k, *v;                                // RGmd, RGd, RGd
  void *question_k, *question_v, *answer_k, *answer_v;  // blocks of question_room or answer_room tokens, G room d each
  const int64_t *place, *questions, *answers;  // R: question * samples + sample; tokens by question; by answer (row)
  const void *prefix_k, *prefix_v;      // of the shared prefix, G prefix d; null where its attention is given
  const void *prefix_out, *prefix_lse;  // RGmd, and RGm in float32; null where it isn't
  void* out;                            // RGmd
  double scale;
  int64_t rows, groups, m, d, samples, question_room, answer_room, prefix, window, type;
};
constexpr int64_t W = 16, WIDEST = 256;
#define VECTOR(bytes) __attribute__((vector_size(bytes)))  // of GCC and Clang
typedef float Lanes VECTOR(64), Eight VECTOR(32), Four VECTOR(16);
typedef uint16_t Halves VECTOR(32);
typedef uint32_t Bits VECTOR(64);
struct bfloat16 { uint16_t bits; };
template <class To> inline To read(const void* x) { To y; std::memcpy(&y, x, sizeof y); return y; }
template <class To, class From> inline To as(From x) { return read<To>(&x); }
inline Lanes load(const float* x) { return read<Lanes>(x); }
inline Lanes load(const bfloat16* x) { return as<Lanes>(__builtin_convertvector(read<Halves>(x), Bits) << 16); }
inline void store(Lanes x, float* to) { std::memcpy(to, &x, sizeof x); }
inline void store(Lanes x, bfloat16* to) {  // to the nearest, ties to even
  const Halves y = __builtin_convertvector((as<Bits>(x) + 0x7fff + ((as<Bits>(x) >> 16) & 1)) >> 16, Halves);
  std::memcpy(to, &y, sizeof y);
}
inline float sum_of(Lanes x) {  // of halves, of their halves, …
  const Eight y = ((const Eight*)&x)[0] + ((const Eight*)&x)[1];
  const Four z = ((const Four*)&y)[0] + ((const Four*)&y)[1];
  return (z[0] + z[2]) + (z[1] + z[3]);
}
inline float power(float x) {  // e^x for x <= 0: 2^n * e^r with a polynomial for e^r (Cephes expf), off by 2e-7 at most
  x = std::max(x, -87.0f);
  const int32_t n = int32_t(x * 1.44269504f - 0.5f);
  float r = x - n * 0.693359375f + n * 2.12194440e-4f, y = 1.98756915e-4f;
  for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 0.16666665459f, 0.50000001201f}) y = y * r + c;
  return (y * r * r + r + 1.0f) * as<float>((n + 127) << 23);
}

template <class T, int N> void attend(const Call& c) {  // N vectors a head; 0: as many as d says
  const int64_t vectors = N ? N : c.d / W, d = vectors * W, first = c.prefix_k ? c.prefix : 0;
  at::parallel_for(0, c.rows * c.groups, 8, [&](int64_t begin, int64_t end) {
    const int64_t room = first + c.question_room + c.answer_room;
    std::vector<float> scores(c.m * room);
    std::vector<Lanes> query(c.m * vectors);
    Lanes key[N ? N : WIDEST / W];
    for (int64_t item = begin; item < end; item++) {
      const int64_t row = item / c.groups, question = c.place[row] / c.samples, tokens = c.questions[question];
      const int64_t g = item % c.groups, shelf = (question * c.groups + g) * c.question_room * d;
      int64_t n = 0, said = c.answers[row];  // the newest token comes to place `said`
      T *answer_k = (T*)c.answer_k + item * c.answer_room * d, *answer_v = (T*)c.answer_v + item * c.answer_room * d;
      std::copy_n((const T*)c.k + item * d, d, answer_k + said * d);
      std::copy_n((const T*)c.v + item * d, d, answer_v + said * d);
      const int64_t seen = c.window ? c.prefix + tokens + said - c.window + 1 : 0;  // the first position in sight
      const struct { const T *k, *v; int64_t from, end; } parts[] = {
          {(T*)c.prefix_k + g * first * d, (T*)c.prefix_v + g * first * d, std::clamp<int64_t>(seen, 0, first), first},
          {(T*)c.question_k + shelf, (T*)c.question_v + shelf, std::clamp<int64_t>(seen - c.prefix, 0, tokens), tokens},
          {answer_k, answer_v, std::max<int64_t>(0, seen - c.prefix - tokens), said + 1}};
      const T *q = (const T*)c.q + item * c.m * d, *prefix = (const T*)c.prefix_out;
      for (int64_t i = 0; i < c.m * vectors; i++) query[i] = load(q + i * W) * float(c.scale);
      for (const auto& part : parts)
        for (int64_t t = part.from; t < part.end; t++, n++) {
          for (int64_t i = 0; i < vectors; i++) key[i] = load(part.k + t * d + i * W);
          for (int64_t j = 0; j < c.m; j++) {
            Lanes product = query[j * vectors] * key[0];
            for (int64_t i = 1; i < vectors; i++) product += query[j * vectors + i] * key[i];
            scores[j * room + n] = sum_of(product);
          }
        }
      for (int64_t j = 0; j < c.m; j++) {
        const int64_t at = item * c.m + j;
        const float lse = prefix ? ((const float*)c.prefix_lse)[at] : -1e38f;
        float *score = scores.data() + j * room, top = lse, total = 0;
#pragma omp simd reduction(max : top)
        for (int64_t t = 0; t < n; t++) top = std::max(top, score[t]);
#pragma omp simd reduction(+ : total)
        for (int64_t t = 0; t < n; t++) total += score[t] = power(score[t] - top);
        const float before = power(lse - top);
        Lanes sum[N ? N : WIDEST / W] = {};
        for (int64_t i = 0; prefix && i < vectors; i++) sum[i] = load(prefix + at * d + i * W) * before;
        for (const auto& part : parts)
          for (int64_t t = part.from; t < part.end; t++, score++)
            for (int64_t i = 0; i < vectors; i++) sum[i] += load(part.v + t * d + i * W) * *score;
        for (int64_t i = 0; i < vectors; i++) store(sum[i] / (total + before), (T*)c.out + at * d + i * W);
      }
    }
  });
}
template <class T> void by_width(const Call& c) {  // usual widths as constants: sums stay in registers
  c.d == 4 * W ? attend<T, 4>(c) : c.d == 8 * W ? attend<T, 8>(c) : attend<T, 0>(c);
}
extern "C" void tutelage_decode_attention(const Call* c) { c->type ? by_width<float>(*c) : by_width<bfloat16>(*c); }
